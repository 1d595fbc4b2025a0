/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile hour in virtual time: whatever is asked for, by whomever, nothing is granted or sent beyond the
 * limits, and nothing is left when it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/random.h"
#include "tests/unit/unicast_rig.h"

#define CAPACITY    512
#define CAPACITY_HZ 3000
#define STRANGERS   4000
#define HOUR_S      3600

static struct unicast_rig u;
static struct random chance;

/* What was granted to each, as the answers say it. */
static struct promise {
    int64_t until_ns; /* 0: nothing */
    int8_t log_interval;
    int64_t last_ns;
} promises[STRANGERS][UNICAST_SERVICES];

static uint64_t granted, refused, sent, answered;

static uint32_t anyone(void)
{
    return (uint32_t)random_between(&chance, 0, random_chance(&chance, 0.5) ? 99 : STRANGERS - 1);
}

static uint32_t number_of(const struct port_identity *identity)
{
    return (uint32_t)identity->clock.id[6] << 8 | identity->clock.id[7];
}

/* ---- what they send ---- */

static void add_anything(void)
{
    static const uint32_t durations[] = {0, 1, 9, 10, 60, 300, 3600, 3601, 1u << 31, 0xFFFFFFFF};
    uint8_t octets[16];
    for (unsigned i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)random_bits(&chance);
    switch (random_between(&chance, 0, 5)) {
    case 0:
        add_tlv(&u, (uint16_t)random_between(&chance, 0, 9), octets,
                (uint16_t)random_between(&chance, 0, 16));
        break;
    case 1:
        add_cancel(&u, TLV_CANCEL_UNICAST_TRANSMISSION, (unsigned)random_between(&chance, 0, 3));
        break;
    case 2:
        add_cancel(&u, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, (unsigned)random_between(&chance, 0, 3));
        break;
    default:
        add_request(&u, (unsigned)random_between(&chance, 0, 3),
                    (int8_t)(random_chance(&chance, 0.8) ? random_between(&chance, -8, 2) : octets[0]),
                    durations[random_between(&chance, 0, 9)]);
        break;
    }
}

/* The answers are held against the profile, and remembered. */
static void check_answers(uint32_t n)
{
    const struct unicast_limits *limits = &u.u.config.limits;
    for (unsigned k = 0;; k++) {
        struct answer a = answer_at(&u, k);
        if (a.type == 0)
            return;
        unsigned s = 0;
        while (s < UNICAST_SERVICES && rig_types[s] != a.message_type)
            s++;
        if (a.type != TLV_GRANT_UNICAST_TRANSMISSION) {
            promises[n][s].until_ns = 0;
            continue;
        }
        if (a.duration_s == 0) {
            refused++;
            continue;
        }
        granted++;
        assert_true(s < UNICAST_SERVICES && limits->services[s].allowed);
        assert_in_range(a.log_interval + 128, limits->services[s].log_min + 128,
                        limits->services[s].log_max + 128);
        assert_true(a.duration_s <= limits->duration_max_s);
        struct promise *p = &promises[n][s];
        if (p->until_ns - 3 * S < u.base.now || p->log_interval != a.log_interval)
            p->last_ns = 0;
        p->log_interval = a.log_interval;
        p->until_ns = u.base.now + ((int64_t)a.duration_s + 2) * S;
    }
}

static void negotiate(void)
{
    uint32_t n = anyone();
    for (int64_t tlvs = random_between(&chance, 0, 6); tlvs > 0; tlvs--)
        add_anything();
    if (random_chance(&chance, 0.1)) /* cut off anywhere */
        u.suffix_len = (size_t)random_between(&chance, 0, (int64_t)u.suffix_len);
    signal_from(&u, n);
    check_answers(n);
}

static void request(void)
{
    struct client_request q = request_of(anyone(), (int8_t)random_between(&chance, -7, 5));
    q.mode = (uint8_t)random_between(&chance, CLIENT_MULTICAST, CLIENT_SPTP);
    q.sequence_id = (uint16_t)random_bits(&chance);
    if (random_chance(&chance, 0.1))
        q.from.bytes[3]++;
    if (random_chance(&chance, 0.05))
        clients_misfit(u.base.clients, &q, FAULT_WRONG_DOMAIN, u.base.now);
    else
        answered += rig_serve(&u.base, &q);
}

/* ---- what is sent to them ---- */

static void check_event(const struct unicast_event *e)
{
    if (e->action == UNICAST_SEND_CANCEL) {
        uint32_t n = number_of(&e->identity);
        for (unsigned s = 0; s < UNICAST_SERVICES; s++)
            if (e->services >> s & 1)
                promises[n][s].until_ns = 0;
        return;
    }
    sent++;
    struct promise *p =
        &promises[number_of(&e->identity)][e->action == UNICAST_SEND_SYNC ? UNICAST_SYNC : UNICAST_ANNOUNCE];
    assert_true(p->until_ns >= u.base.now);
    assert_int_equal(p->log_interval, e->log_interval);
    int64_t late = 4 * MS + S / WHEEL_TICKS_PER_S; /* the one before may have been, time goes in steps */
    assert_true(p->last_ns == 0 || u.base.now - p->last_ns + late >= (S << 8) >> (8 - e->log_interval));
    p->last_ns = u.base.now;
}

static void send_due(void)
{
    struct unicast_event events[16];
    unsigned count;
    do {
        count = unicast_due(&u.u, u.base.now, events, 16);
        for (unsigned i = 0; i < count; i++)
            check_event(&events[i]);
    } while (count == 16);
}

static void check_sums(void)
{
    uint64_t reserved = 0;
    unsigned live[UNICAST_SERVICES] = {0}, held = 0;
    for (unsigned i = 0; i < CAPACITY; i++) {
        const struct client *cl = clients_at(u.base.clients, i);
        const struct unicast_client *uc = unicast_of(&u.u, cl);
        bool any = false;
        for (unsigned s = 0; s < UNICAST_SERVICES; s++) {
            const struct unicast_grant *g = &uc->grants[s];
            any = any || g->live || g->cancelling;
            live[s] += g->live;
            reserved +=
                g->live ? (s == UNICAST_SYNC || s == UNICAST_PDELAY_RESP ? 2u : 1u) << (8 - g->granted) : 0;
        }
        assert_int_equal(cl->held, any);
        held += any;
    }
    for (unsigned s = 0; s < UNICAST_SERVICES; s++)
        assert_int_equal(u.u.counters.live[s], live[s]);
    assert_true(u.base.budget.reserved == reserved);
    assert_true((double)reserved * RATE_UNIT_HZ <= 0.8 * CAPACITY_HZ);
    assert_int_equal(u.u.announce.count, live[UNICAST_ANNOUNCE]);
    assert_int_equal(u.u.sync.count, live[UNICAST_SYNC]);
    assert_int_equal(u.u.timer.count, held);
    assert_true(clients_count(u.base.clients) <= CAPACITY);
}

static void a_hostile_hour(void **state)
{
    (void)state;
    const unsigned seed = 20240612;
    print_message("seed %u\n", seed);
    chance = (struct random){seed};
    unicast_rig_init(&u, "st2059-2", CAPACITY, CAPACITY_HZ);
    const int64_t start = u.base.now, end = start + HOUR_S * S;
    int64_t check = start, flood_until = start;
    bool withdrawn = false;
    while (u.base.now < end) {
        bool flood = u.base.now < flood_until;
        u.base.now += random_between(&chance, 0, flood ? 40000 : 4 * MS);
        if (random_chance(&chance, 1e-5))
            flood_until = u.base.now + S;
        send_due();
        if (random_chance(&chance, 0.05))
            negotiate();
        else
            request();
        if (u.base.now < check)
            continue;
        check += 10 * S;
        check_sums();
        if (random_chance(&chance, 0.05)) {
            withdrawn = !withdrawn;
            withdrawn ? unicast_withdraw(&u.u, u.base.now) : unicast_resume(&u.u);
        }
    }
    struct budget_status b;
    budget_status(&u.base.budget, u.base.now, &b);
    print_message("%llu granted, %llu refused, %llu sent, %llu answered; %u clients; at most %g/s reserved\n",
                  (unsigned long long)granted, (unsigned long long)refused, (unsigned long long)sent,
                  (unsigned long long)answered, (unsigned)clients_count(u.base.clients), b.reserved_hz);
    assert_true(granted > 1000 && refused > 1000 && sent > 10000 && answered > 10000);

    unicast_withdraw(&u.u, u.base.now);
    for (unsigned i = 0; i < 10; i++, u.base.now += S)
        send_due();
    check_sums();
    assert_true(unicast_settled(&u.u));
    assert_true(u.base.budget.reserved == 0 && u.base.budget.reserved_newcomers == 0);
    assert_true(unicast_deadline(&u.u) == INT64_MAX);
    unicast_rig_end(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hostile_hour)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
