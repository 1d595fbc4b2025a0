/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the client table: who is found, who gets in, who has to go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/wire.h"
#include "tests/unit/clients_rig.h"

#define CAPACITY 64

static void finds_the_same_client(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CAPACITY, 8, 1000);
    struct client_request q = request_of(7, -3);
    struct client *first = clients_request(r.clients, &q, 5 * S);
    assert_int_equal(first->requests, 1);
    assert_int_equal(first->standing, CLIENT_NEWCOMER);
    client_answer(first);

    q.mode = CLIENT_MULTICAST;
    struct client *again = clients_request(r.clients, &q, 6 * S);
    assert_ptr_equal(first, again);
    assert_int_equal(again->requests, 2);
    assert_int_equal(again->answered, 1);
    assert_int_equal(again->mode, CLIENT_MULTICAST);
    assert_int_equal(again->log_interval, -3);
    assert_true(again->first_seen_ns == 5 * S && again->last_seen_ns == 6 * S);
    assert_int_equal(clients_count(r.clients), 1);
    assert_ptr_equal(clients_find(r.clients, &q.identity, &q.from, 1), first);
    assert_null(clients_find(r.clients, &q.identity, &q.from, 2));
    assert_ptr_equal(clients_at(r.clients, clients_index(r.clients, first)), first);
    rig_end(&r);
}

static void tells_clients_apart(void **state)
{
    (void)state;
    const struct address link_local = {.family = ADDRESS_IPV6, .bytes = {0xFE, 0x80}, .scope = 1};
    struct client_request rows[7];
    for (unsigned i = 0; i < 7; i++)
        rows[i] = request_of(1, 0);
    rows[1].identity.clock.id[7]++;
    rows[2].identity.port++;
    rows[3].from.bytes[3]++;
    rows[4].from = link_local;
    rows[5].from = link_local;
    rows[5].from.scope++;
    rows[6].port++;

    struct clients_rig r = rig_of(CAPACITY, 8, 1000);
    for (unsigned round = 1; round <= 2; round++)
        for (unsigned i = 0; i < 7; i++)
            assert_int_equal(clients_request(r.clients, &rows[i], S)->requests, round);
    assert_int_equal(clients_count(r.clients), 7);
    rig_end(&r);
}

static void establishes_who_asks_over_time(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CAPACITY, 8, 1000);
    for (unsigned i = 0; i < 1000; i++) /* a burst within a second proves nothing */
        assert_int_equal(rig_ask(&r, 1)->standing, CLIENT_NEWCOMER);
    r.now += S;
    assert_int_equal(rig_ask(&r, 1)->standing, CLIENT_NEWCOMER);
    r.now += S;
    assert_int_equal(rig_ask(&r, 1)->standing, CLIENT_ESTABLISHED);
    assert_int_equal(clients_of_standing(r.clients, CLIENT_ESTABLISHED), 1);
    assert_int_equal(clients_of_standing(r.clients, CLIENT_NEWCOMER), 0);
    rig_end(&r);
}

/* In a full table: misfits first, then who is idle, newcomers only after they had time to come back. */
static void chooses_who_has_to_go(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CAPACITY, CAPACITY, 1000);
    struct client_request q = request_of(1000, 0);
    clients_misfit(r.clients, &q, FAULT_WRONG_DOMAIN, r.now);
    rig_establish(&r, 1);
    for (uint32_t n = 2; n < CAPACITY; n++)
        rig_ask(&r, n);
    assert_int_equal(clients_count(r.clients), CAPACITY);

    assert_int_equal(rig_ask(&r, 2000)->standing, CLIENT_NEWCOMER); /* for the misfit */
    assert_null(clients_find(r.clients, &q.identity, &q.from, 1));
    assert_int_equal(rig_ask(&r, 2001)->standing, CLIENT_STRANGER); /* nobody has to go */
    assert_int_equal(clients_counters(r.clients)->strangers, 1);

    r.now += PROBATION_HOLD_NS - 1;
    rig_ask(&r, 2);
    assert_int_equal(rig_ask(&r, 2001)->standing, CLIENT_STRANGER);
    r.now += 1;
    assert_int_equal(rig_ask(&r, 2001)->standing, CLIENT_NEWCOMER); /* for 3, the longest idle */
    assert_int_equal(rig_ask(&r, 1)->requests, CLIENT_PROBATION + 1);
    assert_int_equal(rig_ask(&r, 2)->requests, 3);
    assert_int_equal(clients_counters(r.clients)->evicted, 2);

    r.now += 300 * S; /* now the established one is idle, and goes before newcomers */
    for (uint32_t n = 4; n < CAPACITY; n++)
        rig_ask(&r, n);
    struct client_request gone = request_of(1, 0);
    rig_ask(&r, 3000);
    rig_ask(&r, 3001);
    rig_ask(&r, 3002);
    assert_null(clients_find(r.clients, &gone.identity, &gone.from, 1));
    rig_end(&r);
}

static void keeps_who_has_grants(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CLIENTS_CAPACITY_MIN, CAPACITY, 1000);
    struct client *held = rig_ask(&r, 1);
    clients_set_grant(r.clients, held, true, LOG_INTERVAL_NONE);
    for (uint32_t n = 2; n < 1000; n++) {
        r.now += PROBATION_HOLD_NS;
        rig_ask(&r, n);
    }
    struct client_request q = request_of(1, 0);
    assert_ptr_equal(clients_find(r.clients, &q.identity, &q.from, 1), held);
    clients_set_grant(r.clients, held, false, LOG_INTERVAL_NONE);
    for (uint32_t n = 2; n < 100; n++) {
        r.now += PROBATION_HOLD_NS;
        rig_ask(&r, n);
    }
    assert_null(clients_find(r.clients, &q.identity, &q.from, 1));
    rig_end(&r);
}

static void bounds_clients_of_an_address(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CAPACITY, 8, 1000);
    struct client_request q = request_of(1, 0);
    for (unsigned i = 0; i < 20; i++) {
        q.identity.clock.id[7] = (uint8_t)i;
        assert_int_equal(clients_request(r.clients, &q, r.now)->standing,
                         i < 8 ? CLIENT_NEWCOMER : CLIENT_STRANGER);
    }
    assert_int_equal(clients_counters(r.clients)->address_full, 12);
    assert_int_equal(clients_strangers(r.clients)->requests, 12);
    assert_int_equal(rig_ask(&r, 2)->standing, CLIENT_NEWCOMER); /* others are not concerned */

    r.now += 301 * S; /* those that did not come back are forgotten, though the table is not full */
    q.identity.clock.id[7] = 100;
    assert_int_equal(clients_request(r.clients, &q, r.now)->standing, CLIENT_NEWCOMER);
    rig_end(&r);
}

static void leaves_an_eighth_to_newcomers(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CAPACITY, 8, 1000);
    for (unsigned second = 0; second < 5; second++, r.now += S)
        for (uint32_t n = 0; n < CAPACITY; n++)
            rig_ask(&r, n);
    assert_int_equal(clients_of_standing(r.clients, CLIENT_ESTABLISHED), CAPACITY - CAPACITY / 8);
    assert_int_equal(clients_of_standing(r.clients, CLIENT_NEWCOMER), CAPACITY / 8);
    rig_end(&r);
}

static void notes_faults(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CAPACITY, 8, 1000);
    struct client_request q = request_of(1, 0);
    clients_misfit(r.clients, &q, FAULT_WRONG_DOMAIN, r.now);
    struct client *cl = clients_find(r.clients, &q.identity, &q.from, 1);
    assert_int_equal(cl->standing, CLIENT_MISFIT);
    assert_int_equal(client_faults(cl, r.now), FAULT_WRONG_DOMAIN);
    assert_int_equal(client_refused(cl, REFUSED_MISFIT), 1);
    assert_int_equal(clients_counters(r.clients)->faults[1].count, 1);
    assert_memory_equal(&clients_counters(r.clients)->faults[1].identity, &q.identity, 10);

    assert_ptr_equal(clients_request(r.clients, &q, r.now), cl); /* it mends its ways */
    assert_int_equal(cl->standing, CLIENT_NEWCOMER);
    assert_int_equal(client_faults(cl, r.now + 60 * S), FAULT_WRONG_DOMAIN);
    assert_int_equal(client_faults(cl, r.now + 120 * S), 0);
    rig_end(&r);
}

static void tells_clones_from_second_addresses(void **state)
{
    (void)state;
    const struct {
        uint16_t here, there;
        uint8_t fault;
    } rows[] = {
        {100, 101, FAULT_TWO_ADDRESSES}, {65535, 0, FAULT_TWO_ADDRESSES}, {100, 108, FAULT_TWO_ADDRESSES},
        {100, 100, FAULT_CLONED},        {100, 109, FAULT_CLONED},        {100, 99, FAULT_CLONED},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct clients_rig r = rig_of(CAPACITY, 8, 1000);
        struct client_request here = request_of(1, 0), there = here;
        there.from.bytes[3]++;
        here.sequence_id = rows[i].here;
        there.sequence_id = rows[i].there;
        struct client *a = clients_request(r.clients, &here, r.now);
        assert_int_equal(client_faults(a, r.now), 0);
        struct client *b = clients_request(r.clients, &there, r.now + S);
        assert_int_equal(client_faults(a, r.now + S), rows[i].fault);
        assert_int_equal(client_faults(b, r.now + S), rows[i].fault);

        there.port = 2; /* another network */
        assert_int_equal(client_faults(clients_request(r.clients, &there, r.now + S), r.now + S), 0);
        rig_end(&r);
    }
}

/* A client that moved, long after it was heard at its old address, is no conflict. */
static void forgets_old_addresses(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(CAPACITY, 8, 1000);
    struct client_request q = request_of(1, 0);
    clients_request(r.clients, &q, r.now);
    q.from.bytes[3]++;
    assert_int_equal(client_faults(clients_request(r.clients, &q, r.now + 61 * S), r.now + 61 * S), 0);
    rig_end(&r);
}

/* Against a plain array: every client that a full table of the same rules could hold is held. */
static void counts_rightly_at_random(void **state)
{
    (void)state;
    const unsigned seed = 20240607;
    print_message("seed %u\n", seed);
    srand(seed);
    enum { IDS = 2 * CAPACITY, STEPS = 200000 };
    static uint64_t asked[IDS];
    memset(asked, 0, sizeof(asked));
    struct clients_rig r = rig_of(CAPACITY, CAPACITY, 1000);
    uint64_t strangers = 0, total = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        r.now += rand() % (400 * MS);
        uint32_t n = (unsigned)rand() % (unsigned)(rand() % 2 == 0 ? IDS : CAPACITY / 2);
        struct client_request q = request_of(n, 0);
        bool known = clients_find(r.clients, &q.identity, &q.from, 1) != NULL;
        if (rand() % 16 == 0) {
            clients_misfit(r.clients, &q, FAULT_WRONG_VERSION, r.now);
            struct client *cl = clients_find(r.clients, &q.identity, &q.from, 1);
            strangers += cl == NULL;
            asked[n] = cl == NULL ? 0 : known ? asked[n] + 1 : 1;
        } else {
            struct client *cl = clients_request(r.clients, &q, r.now);
            if (cl->standing == CLIENT_STRANGER) {
                assert_false(known);
                strangers++;
            } else {
                asked[n] = known ? asked[n] + 1 : 1;
                assert_int_equal(cl->requests, asked[n]);
            }
        }
    }
    assert_int_equal(clients_strangers(r.clients)->requests, strangers);
    assert_int_equal(clients_counters(r.clients)->strangers, strangers);

    size_t cursor = 0, seen = 0;
    const struct client *cl;
    while ((cl = clients_next(r.clients, &cursor)) != NULL) {
        uint32_t n = (uint32_t)cl->identity.clock.id[6] << 8 | cl->identity.clock.id[7];
        assert_int_equal(cl->requests, asked[n]);
        total += cl->requests;
        seen++;
    }
    assert_int_equal(seen, clients_count(r.clients));
    assert_true(seen <= CAPACITY && total > 0);
    assert_int_equal(clients_active(r.clients, r.now, INT64_MAX / 2), seen);
    rig_end(&r);
}

static void is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct client) <= 128);
    assert_true(clients_size(16384) / 16384 < 180);
    assert_string_equal(client_mode_name(CLIENT_SPTP), "sptp");
    assert_string_equal(client_mode_name((enum client_mode)77), "?");
    assert_string_equal(client_refusal_name(REFUSED_MISFIT), "misfit");
    assert_string_equal(client_fault_name(FAULT_TWO_ADDRESSES), "two_addresses");
    assert_string_equal(client_fault_name(0), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_same_client),
        cmocka_unit_test(tells_clients_apart),
        cmocka_unit_test(establishes_who_asks_over_time),
        cmocka_unit_test(chooses_who_has_to_go),
        cmocka_unit_test(keeps_who_has_grants),
        cmocka_unit_test(bounds_clients_of_an_address),
        cmocka_unit_test(leaves_an_eighth_to_newcomers),
        cmocka_unit_test(notes_faults),
        cmocka_unit_test(tells_clones_from_second_addresses),
        cmocka_unit_test(forgets_old_addresses),
        cmocka_unit_test(counts_rightly_at_random),
        cmocka_unit_test(is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
