/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of a client's rates, jitter, faults and refusals; of the hash; of what an
 * enforcement elsewhere is told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/clients_hash.h"
#include "gmd/ptp/wire.h"
#include "tests/unit/clients_rig.h"

/* The authors' own test vectors: key 00..0f, input 00 01 02 ... */
static void hashes_as_published(void **state)
{
    (void)state;
    const struct {
        size_t len;
        uint64_t hash;
    } rows[] = {
        {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}};
    const struct hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    uint8_t input[16];
    for (unsigned i = 0; i < 16; i++)
        input[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_true(clients_hash(&key, input, rows[i].len) == rows[i].hash);
}

static void measures_rates(void **state)
{
    (void)state;
    const double rates[] = {0.1, 1, 8, 128, 50000};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        int64_t period = (int64_t)((double)S / rates[i]), now = 977 * MS;
        struct client cl = {.first_seen_ns = now, .last_seen_ns = now};
        int64_t end = now + 200 * S < now + 400000 * period ? now + 200 * S : now + 400000 * period;
        for (; now < end; now += period)
            client_asked(&cl, 0, now);
        now -= period;
        if (rates[i] >= 8)
            assert_float_equal(client_rate_1s(&cl, now) / rates[i], 1, 0.15);
        if (end - cl.first_seen_ns >= 120 * S)
            assert_float_equal(client_rate_60s(&cl, now) / rates[i], 1, 0.2);
        assert_float_equal(cl.interval_s * rates[i], 1, 0.01);
        assert_true(cl.jitter_s * rates[i] < 0.01);
        assert_true(client_rate_1s(&cl, now + 3 * S) == 0);
        assert_true(client_rate_60s(&cl, now + 130 * S) == 0);
    }
}

static void measures_jitter(void **state)
{
    (void)state;
    int64_t now = S;
    struct client cl = {.first_seen_ns = now, .last_seen_ns = now};
    for (unsigned i = 0; i < 1000; i++)
        client_asked(&cl, 0, now += 125 * MS + (i % 2 == 0 ? 20 : -20) * MS);
    assert_float_equal(cl.jitter_s, 0.020, 0.003);
    float before = cl.jitter_s;
    client_asked(&cl, 0, now + 3600 * S); /* a pause is no jitter, nor is its end */
    client_asked(&cl, 0, now + 3600 * S + 125 * MS);
    assert_true(cl.jitter_s == before);
}

/* Share of the allowed rate: at random about the mean as clients ask, evenly, and beyond. */
static void notices_who_asks_too_fast(void **state)
{
    (void)state;
    const struct {
        int8_t log_interval;
        double share;
        bool too_fast;
    } rows[] = {{0, 1, false},    {0, 1.2, false},  {0, 1.8, true},   {-3, 1, false},
                {-3, 1.2, false}, {-3, 1.35, true}, {-7, 1.35, true}, {3, 1.2, false}};
    uint64_t random = 1;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t now = 30 * S;
        struct client cl = {.first_seen_ns = now, .last_seen_ns = now, .log_interval = rows[i].log_interval};
        double mean = ldexp(1, rows[i].log_interval) / rows[i].share;
        bool too_fast = false;
        while (now < 330 * S) {
            random = random * 6364136223846793005ULL + 1442695040888963407ULL;
            now += (int64_t)(2 * mean * (double)(random >> 33) / (double)(1u << 31) * (double)S);
            if (client_asked(&cl, 0, now) == FAULT_TOO_FAST)
                too_fast = true;
        }
        assert_int_equal(too_fast, rows[i].too_fast);
    }
}

static void accounts_for_every_request(void **state)
{
    (void)state;
    struct client cl = {0};
    for (unsigned i = 0; i < 100; i++) {
        client_asked(&cl, 0, i * S);
        if (i % 10 < 5)
            client_answer(&cl);
        else
            client_refuse(&cl, REFUSED_RATE + i % 5);
    }
    assert_int_equal(cl.answered, 50);
    for (unsigned why = REFUSED_RATE; why < CLIENT_REFUSALS; why++)
        assert_int_equal(client_refused(&cl, why), 10);
    assert_int_equal(client_refused(&cl, REFUSED_NOT), 0);
}

static void counts_what_was_dealt_with_elsewhere(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(64, 8, 1000);
    struct client *cl = rig_ask(&r, 1);
    client_answer(cl);
    const unsigned index = clients_index(r.clients, cl);
    const struct client_elsewhere some = {.requests = 1000,
                                          .answered = 10,
                                          .refused_budget = 90,
                                          .interval_s = 0.001F,
                                          .jitter_s = 0.0002F,
                                          .mode = CLIENT_HYBRID,
                                          .sequence_id = 4711},
                                  none = {0};
    clients_asked_elsewhere(r.clients, index, &some, r.now + S);
    clients_asked_elsewhere(r.clients, index, &none, r.now + 9 * S);
    assert_int_equal(cl->requests, 1001);
    assert_int_equal(cl->answered, 11);
    assert_int_equal(client_refused(cl, REFUSED_RATE), 900);
    assert_int_equal(client_refused(cl, REFUSED_BUDGET), 90);
    assert_true(cl->last_seen_ns == r.now + S);
    assert_true(client_rate_1s(cl, r.now + S) > 990);
    assert_true(cl->interval_s == some.interval_s && cl->jitter_s == some.jitter_s);
    assert_true(cl->mode == CLIENT_HYBRID && cl->sequence_id == 4711);
    clients_set_grant(r.clients, cl, true, -3);
    clients_asked_elsewhere(r.clients, index, &some, r.now + 9 * S);
    assert_int_equal(cl->mode, CLIENT_NEGOTIATED);
    rig_end(&r);
}

/* ---- what an enforcement elsewhere is told ---- */

static void tells_what_a_client_may_ask(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(64, 8, 1000);
    struct client_change change;
    struct client_request q = request_of(1, -3);
    struct client *cl = clients_request(r.clients, &q, r.now);
    assert_true(clients_next_change(r.clients, &change));
    assert_ptr_equal(change.client, cl);
    assert_int_equal(change.index, clients_index(r.clients, cl));
    assert_true(change.is_new && client_rank(cl) == CLIENT_LAST);
    assert_float_equal(client_allowed_hz(cl), 1.5 * 8, 1e-9);
    assert_false(clients_next_change(r.clients, &change));
    for (unsigned i = 1; i < CLIENT_PROBATION; i++)
        clients_request(r.clients, &q, r.now + i * S);
    assert_true(clients_next_change(r.clients, &change));
    assert_false(change.is_new);
    assert_int_equal(client_rank(cl), CLIENT_SECOND);
    assert_false(clients_next_change(r.clients, &change));

    clients_set_grant(r.clients, cl, true, -7);
    assert_true(clients_next_change(r.clients, &change));
    assert_false(change.is_new);
    assert_float_equal(client_allowed_hz(cl), 1.5 * 128, 1e-9);
    clients_set_grant(r.clients, cl, true, -7);
    assert_false(clients_next_change(r.clients, &change));

    clients_set_grant(r.clients, cl, false, LOG_INTERVAL_NONE);
    r.now += 90000 * S;
    assert_true(clients_is_as_told(r.clients, 0));
    rig_ask(&r, 1000); /* and one that is long gone is forgotten: its place is another's */
    assert_false(clients_is_as_told(r.clients, 0));
    assert_true(clients_next_change(r.clients, &change));
    assert_true(change.client != NULL && change.is_new);
    assert_int_equal(change.client->identity.clock.id[6], 1000 >> 8);
    assert_false(clients_next_change(r.clients, &change));
    rig_ask(&r, 1001);
    assert_true(clients_next_change(r.clients, &change));
    clients_misfit(r.clients, &q, FAULT_WRONG_DOMAIN, r.now);
    assert_false(clients_next_change(r.clients, &change)); /* who cannot be answered has no rate */
    rig_end(&r);
}

/* A map kept by the changes alone, fetched seldom, is the same as what the table says. */
static void changes_make_the_same_map(void **state)
{
    (void)state;
    enum { CAPACITY = 32, IDS = 256 };
    const unsigned seed = 77;
    print_message("seed %u\n", seed);
    srand(seed);
    struct {
        double rate_hz;
        uint8_t id;
        enum client_rank rank;
    } map[CAPACITY] = {{0}};
    struct clients_rig r = rig_of(CAPACITY, 4, 1000);
    unsigned forgotten = 0;
    for (unsigned i = 0; i < 100000; i++) {
        struct client_request q = request_of((unsigned)rand() % IDS, (int8_t)(rand() % 8 - 4));
        for (unsigned k = 0; k < 3; k++)
            clients_request(r.clients, &q, r.now += S);
        r.now += rand() % 50 == 0 ? 400 * S : 0;
        if (rand() % 20 != 0)
            continue;

        struct client_change change;
        while (clients_next_change(r.clients, &change)) {
            forgotten += change.client == NULL;
            assert_true(clients_is_as_told(r.clients, change.index) == (change.client != NULL));
            map[change.index].rate_hz = change.client != NULL ? client_allowed_hz(change.client) : 0;
            map[change.index].rank = change.client != NULL ? client_rank(change.client) : CLIENT_FIRST;
            if (change.client != NULL && change.is_new)
                map[change.index].id = change.client->identity.clock.id[7];
        }
        for (unsigned k = 0; k < CAPACITY; k++) {
            const struct client *cl = clients_at(r.clients, k);
            bool known = cl->standing != CLIENT_MISFIT;
            assert_float_equal(map[k].rate_hz, known ? 1.5 * ldexp(1, -cl->log_interval) : 0, 1e-9);
            if (known)
                assert_true(map[k].id == cl->identity.clock.id[7] && map[k].rank == client_rank(cl));
        }
    }
    assert_true(forgotten > 10);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_as_published),
        cmocka_unit_test(measures_rates),
        cmocka_unit_test(measures_jitter),
        cmocka_unit_test(notices_who_asks_too_fast),
        cmocka_unit_test(accounts_for_every_request),
        cmocka_unit_test(counts_what_was_dealt_with_elsewhere),
        cmocka_unit_test(tells_what_a_client_may_ask),
        cmocka_unit_test(changes_make_the_same_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
