/* SPDX-License-Identifier: BSD-2-Clause */
/* Client table and budget under load, in virtual time: many clients for hours, and good clients beside bad
 * ones. SIM_HOURS=10 has the first one run for ten simulated hours. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/random.h"
#include "tests/unit/unicast_rig.h"

#define CAPACITY 16384

/* ---- many clients for hours ---- */

#ifdef SANITIZED
#define HOURS 0.03
#else
#define HOURS 1.0
#endif

static void many_clients_for_hours(void **state)
{
    (void)state;
    const char *hours = getenv("SIM_HOURS");
    const unsigned seconds = (unsigned)(3600 * (hours ? atof(hours) : HOURS));
    struct clients_rig r = rig_of(CAPACITY, 64, 50000);
    struct random random = {1};
    static int64_t phase[CAPACITY];
    static struct client_request requests[CAPACITY];
    for (unsigned n = 0; n < CAPACITY; n++) {
        phase[n] = (int64_t)n * S / CAPACITY;
        requests[n] = request_of(n, 0);
    }

    const int64_t start = r.now;
    size_t memory = 0;
    for (unsigned second = 0; second < seconds; second++) {
        for (unsigned n = 0; n < CAPACITY; n++) {
            r.now = start + second * S + phase[n];
            requests[n].sequence_id++;
            bool answered = rig_serve(&r, &requests[n]);
            if (random_chance(&random, 1e-4)) /* now and then one asks twice */
                rig_serve(&r, &requests[n]);
            assert_true(answered);
        }
        if (second == 10)
            memory = mallinfo2().uordblks;
    }
    assert_int_equal(mallinfo2().uordblks, memory);
    assert_int_equal(clients_count(r.clients), CAPACITY);
    assert_int_equal(clients_counters(r.clients)->evicted, 0);
    assert_int_equal(clients_counters(r.clients)->strangers, 0);

    size_t cursor = 0;
    uint64_t total = 0;
    const struct client *cl;
    while ((cl = clients_next(r.clients, &cursor)) != NULL) {
        assert_true(cl->requests >= seconds && cl->requests < seconds + seconds / 100 + 20);
        assert_int_equal(cl->answered, cl->requests);
        assert_int_equal(client_refused(cl, REFUSED_RATE), 0);
        assert_int_equal(client_faults(cl, r.now), 0);
        assert_float_equal(client_rate_60s(cl, r.now), 1, 0.2);
        total += cl->requests;
    }
    print_message("%u s, %llu requests, all of %u clients right\n", seconds, (unsigned long long)total,
                  CAPACITY);
    rig_end(&r);
}

/* ---- good clients beside bad ones ---- */

#define GOOD           100
#define GOOD_HZ        8
#define GRANT_REQUESTS 16000 /* requests of all of them, after which each asks for a grant anew: 20 s */
#define STEP           MS    /* virtual time goes on by steps */

enum attack {
    ATTACK_NONE,
    ATTACK_ONE_FAST,    /* one client, 50,000/s */
    ATTACK_IDENTITIES,  /* 10,000 identities, each its own address */
    ATTACK_ONE_ADDRESS, /* 10,000 identities at one address */
    ATTACK_ENDLESS,     /* never the same twice */
    ATTACK_REQUESTS,    /* 10,000 identities that ask for grants */
};

#define ATTACK_HZ 50000

static struct client_request bad_request(enum attack attack, struct random *random)
{
    uint32_t n = attack == ATTACK_ONE_FAST  ? 0
                 : attack == ATTACK_ENDLESS ? (uint32_t)random_bits(random)
                                            : (uint32_t)random_between(random, 0, 9999);
    struct client_request q = request_of(0x40000000u + n, -3);
    if (attack == ATTACK_ENDLESS)
        q = request_of(n | 0x40000000u, -3);
    if (attack == ATTACK_ONE_ADDRESS)
        q.from = request_of(0x40000000u, -3).from;
    return q;
}

struct scene {
    enum client_mode mode; /* of the good */
    enum attack attack;
    bool attack_first; /* the good come later */
    uint32_t capacity_hz;
};

struct outcome {
    uint64_t asked, answered, bad_asked, bad_answered;
    unsigned first_missed; /* the last second in which a good request was not answered */
};

static void ask_for_grants(struct unicast_rig *u, const struct client_request *q)
{
    const struct ptp_message m = {.suffix = u->suffix, .suffix_len = u->suffix_len};
    unicast_signaling(&u->u, q, &rig_local, &m, u->reply, u->base.now);
}

/* What every client, good or bad, asks for: Delay_Resp at 8/s. */
static void prepare_request(struct unicast_rig *u)
{
    u->suffix_len = 0;
    add_request(u, UNICAST_DELAY_RESP, -3, 300);
}

static void attack_step(struct unicast_rig *u, const struct scene *scene, struct random *random,
                        unsigned requests, struct outcome *out)
{
    for (unsigned i = 0; i < requests; i++) {
        struct client_request q = bad_request(scene->attack, random);
        if (scene->attack == ATTACK_REQUESTS) {
            ask_for_grants(u, &q);
            continue;
        }
        out->bad_asked++;
        out->bad_answered += rig_serve(&u->base, &q);
    }
}

static struct outcome play(const struct scene *scene, unsigned seconds)
{
    struct unicast_rig u;
    struct random random = {42};
    struct outcome out = {0};
    unicast_rig_init(&u, "st2059-2", CAPACITY, scene->capacity_hz);
    prepare_request(&u);
    int64_t due[GOOD];
    const int64_t start = u.base.now, good_start = start + (scene->attack_first ? 30 : 0) * S,
                  attack_start = start + (scene->attack_first ? 0 : 15) * S;
    for (unsigned i = 0; i < GOOD; i++)
        due[i] = good_start + random_between(&random, 0, S);

    for (; u.base.now < good_start + seconds * S; u.base.now += STEP) {
        unsigned bad = scene->attack != ATTACK_NONE && u.base.now >= attack_start ? ATTACK_HZ / 1000 : 0;
        unsigned before = (unsigned)random_between(&random, 0, bad); /* the good come in their midst */
        attack_step(&u, scene, &random, before, &out);
        struct unicast_event events[64];
        while (unicast_due(&u.u, u.base.now, events, 64) == 64)
            ;
        for (unsigned i = 0; i < GOOD; i++) {
            if (due[i] > u.base.now)
                continue;
            struct client_request q = request_of(i + 1, -3);
            q.mode = scene->mode == CLIENT_NEGOTIATED ? CLIENT_HYBRID : (uint8_t)scene->mode;
            if (scene->mode == CLIENT_NEGOTIATED && out.asked % GRANT_REQUESTS < GOOD)
                ask_for_grants(&u, &q);
            bool answered = rig_serve(&u.base, &q);
            out.asked++;
            out.answered += answered;
            if (!answered)
                out.first_missed = (unsigned)((u.base.now - good_start) / S) + 1;
            due[i] += random_between(&random, 0, 2 * S / GOOD_HZ); /* as clause 9.5.11.2 has it */
        }
        attack_step(&u, scene, &random, bad - before, &out);
    }
    unicast_rig_end(&u);
    return out;
}

static void good_clients_beside_bad_ones(void **state)
{
    (void)state;
    static const char *const attacks[] = {"none",           "one at 50,000/s",    "10,000 identities",
                                          "of one address", "endless identities", "10,000 ask for grants"};
    static const enum client_mode modes[] = {CLIENT_MULTICAST, CLIENT_HYBRID, CLIENT_NEGOTIATED};
    for (unsigned m = 0; m < 3; m++)
        for (unsigned a = ATTACK_NONE; a <= ATTACK_REQUESTS; a++) {
            const struct scene scene = {.mode = modes[m], .attack = a, .capacity_hz = 20000};
            struct outcome out = play(&scene, 60);
            double share = (double)out.answered / (double)out.asked;
            print_message("%-10s beside %-22s %7.3f %% of good answered, %6.2f %% of bad\n",
                          client_mode_name(modes[m]), attacks[a], 100 * share,
                          out.bad_asked ? 100.0 * (double)out.bad_answered / (double)out.bad_asked : 0);
            assert_true(share >= 0.999);
            if (a == ATTACK_ONE_FAST)
                assert_true(out.bad_answered <= 45 * 12 + CLIENT_BURST + 10);
        }
}

/* Who comes while the attack is on is served soon after it has asked in three seconds. Identities that ask on
 * and on cannot be told from clients: beside those only where the capacity holds them, too. */
static void newcomers_beside_bad_ones(void **state)
{
    (void)state;
    for (unsigned a = ATTACK_ONE_FAST; a <= ATTACK_REQUESTS; a++) {
        const struct scene scene = {.mode = CLIENT_HYBRID,
                                    .attack = a,
                                    .attack_first = true,
                                    .capacity_hz = a == ATTACK_IDENTITIES ? 70000 : 20000};
        struct outcome out = play(&scene, 60);
        print_message("attack %u first: %7.3f %% of good answered, the last miss in second %u\n", a,
                      100 * (double)out.answered / (double)out.asked, out.first_missed);
        assert_true(out.first_missed <= 30);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_clients_for_hours),
        cmocka_unit_test(good_clients_beside_bad_ones),
        cmocka_unit_test(newcomers_beside_bad_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
