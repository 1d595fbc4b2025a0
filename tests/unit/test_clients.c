/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the client table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/clients.h"

#define S NS_PER_S

static struct clients *new_table(uint64_t seed)
{
    struct clients *c = malloc(clients_size());
    clients_init(c, seed);
    return c;
}

static struct port_identity identity(unsigned n)
{
    return (struct port_identity){.clock = {{1, 2, 3, 0xFF, 0xFE, 0, (uint8_t)(n >> 8), (uint8_t)n}},
                                  .port = 1};
}

static struct address ipv4(uint8_t last)
{
    return (struct address){.family = ADDRESS_IPV4, .bytes = {192, 0, 2, last}};
}

static struct client *request(struct clients *c, unsigned n, int64_t now_ns)
{
    struct port_identity id = identity(n);
    struct address a = ipv4(1);
    return clients_request(c, &id, &a, CLIENT_MULTICAST, 1, now_ns);
}

static void finds_the_same_client(void **state)
{
    (void)state;
    struct clients *c = new_table(1);
    struct client *first = request(c, 7, 5 * S);
    assert_int_equal(first->requests, 1);
    assert_int_equal(first->answered, 0);
    first->answered++;

    struct port_identity id = identity(7);
    struct address a = ipv4(1);
    struct client *again = clients_request(c, &id, &a, CLIENT_HYBRID, 1, 6 * S);
    assert_ptr_equal(first, again);
    assert_int_equal(again->requests, 2);
    assert_int_equal(again->answered, 1);
    assert_int_equal(again->mode, CLIENT_HYBRID);
    assert_true(again->first_seen_ns == 5 * S && again->last_seen_ns == 6 * S);
    assert_int_equal(clients_count(c), 1);
    free(c);
}

static void tells_clients_apart(void **state)
{
    (void)state;
    struct clients *c = new_table(2);
    struct port_identity id = identity(1), other_clock = identity(2), other_port = identity(1);
    other_port.port = 2;
    struct address a = ipv4(1), other_address = ipv4(2);
    struct address ll1 = {.family = ADDRESS_IPV6, .bytes = {0xFE, 0x80}, .scope = 1}, ll2 = ll1;
    ll2.scope = 2;

    const struct {
        const struct port_identity *id;
        const struct address *from;
        uint16_t port;
    } rows[] = {
        {&id, &a, 1},   {&other_clock, &a, 1}, {&other_port, &a, 1}, {&id, &other_address, 1},
        {&id, &ll1, 1}, {&id, &ll2, 1},        {&id, &a, 2},
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < ROWS; i++)
            assert_int_equal(
                clients_request(c, rows[i].id, rows[i].from, CLIENT_MULTICAST, rows[i].port, S)->requests,
                round);
    }
    assert_int_equal(clients_count(c), ROWS);
    free(c);
}

static void evicts_the_longest_idle(void **state)
{
    (void)state;
    struct clients *c = new_table(3);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        request(c, i, i);
    request(c, 0, CLIENTS_MAX); /* now 1 is idle for longest */
    assert_int_equal(clients_evicted(c), 0);

    request(c, 60000, CLIENTS_MAX + 1);
    assert_int_equal(clients_evicted(c), 1);
    assert_int_equal(clients_count(c), CLIENTS_MAX);
    assert_int_equal(request(c, 0, CLIENTS_MAX + 2)->requests, 3);
    assert_int_equal(request(c, 1, CLIENTS_MAX + 3)->requests, 1); /* it had gone, and 2 goes for it */
    assert_int_equal(clients_evicted(c), 2);
    assert_int_equal(request(c, 3, CLIENTS_MAX + 4)->requests, 2);
    free(c);
}

/* Against a plain array searched from end to end. */
static void agrees_with_a_plain_model(void **state)
{
    (void)state;
    const unsigned seed = 20240607;
    print_message("seed %u\n", seed);
    srand(seed);
    enum { IDS = 1500, STEPS = 60000 };
    static int64_t last[IDS];
    static uint64_t requests[IDS];
    memset(last, 0xFF, sizeof(last)); /* -1: not in the table */
    struct clients *c = new_table(4);
    unsigned held = 0;

    for (int64_t now = 0; now < STEPS; now++) {
        unsigned n = (unsigned)rand() % IDS;
        if (last[n] < 0 && held == CLIENTS_MAX) {
            int64_t *oldest = NULL;
            for (unsigned i = 0; i < IDS; i++) {
                if (last[i] >= 0 && (!oldest || last[i] < *oldest))
                    oldest = &last[i];
            }
            assert_non_null(oldest);
            *oldest = -1;
            held--;
        }
        if (last[n] < 0) {
            requests[n] = 0;
            held++;
        }
        last[n] = now;
        assert_int_equal(request(c, n, now)->requests, ++requests[n]);
    }

    size_t cursor = 0, seen = 0, active = 0;
    const struct client *cl;
    while ((cl = clients_next(c, &cursor)) != NULL) {
        unsigned n = (unsigned)cl->identity.clock.id[6] << 8 | cl->identity.clock.id[7];
        assert_true(cl->last_seen_ns == last[n] && cl->requests == requests[n]);
        seen++;
    }
    for (unsigned i = 0; i < IDS; i++)
        active += last[i] >= STEPS - 1 - 100;
    assert_int_equal(seen, clients_count(c));
    assert_int_equal(seen, CLIENTS_MAX);
    assert_int_equal(clients_active(c, STEPS - 1, 100), active);
    assert_int_equal(clients_active(c, STEPS - 1, STEPS), CLIENTS_MAX);
    free(c);
}

static void smooths_the_rate(void **state)
{
    (void)state;
    const double rates[] = {0.01, 0.125, 1, 8, 128};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct clients *c = new_table(5);
        const int64_t period = (int64_t)(S / rates[i]);
        int64_t now = 0;
        assert_true(request(c, 1, now)->rate_hz == 0);
        for (int k = 0; k < 4; k++)
            request(c, 1, now += period);
        assert_float_equal(request(c, 1, now += period)->rate_hz / rates[i], 1, 0.01); /* at once ... */
        for (int k = 0; k < 20000; k++)
            request(c, 1, now += period);
        assert_float_equal(request(c, 1, now += period)->rate_hz / rates[i], 1, 0.01); /* and for good */

        double before = request(c, 1, now += period)->rate_hz;
        double one_later = request(c, 1, now + period / 2)->rate_hz; /* one early request is no flood */
        assert_true(one_later < before + 0.2 + before * 0.6);
        free(c);
    }
}

static void follows_a_change_of_rate(void **state)
{
    (void)state;
    struct clients *c = new_table(6);
    int64_t now = 0;
    for (int k = 0; k < 60; k++)
        request(c, 1, now += S);
    for (int k = 0; k < 16 * 30; k++)
        request(c, 1, now += S / 16);
    double rate = request(c, 1, now += S / 16)->rate_hz;
    assert_true(rate > 15 && rate < 16.5);
    for (int k = 0; k < 40; k++)
        rate = request(c, 1, now += S)->rate_hz;
    assert_true(rate > 0.9 && rate < 1.6);

    for (int k = 0; k < 100; k++) /* all at one instant: 100 requests more in 10 s */
        rate = request(c, 1, now)->rate_hz;
    assert_true(rate > 10 && rate < 12);
    free(c);
}

static void names_modes(void **state)
{
    (void)state;
    assert_string_equal(client_mode_name(CLIENT_MULTICAST), "multicast");
    assert_string_equal(client_mode_name(CLIENT_HYBRID), "hybrid");
    assert_string_equal(client_mode_name(CLIENT_PEER), "peer");
    assert_string_equal(client_mode_name((enum client_mode)77), "?");
    assert_true(sizeof(struct client) <= 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_same_client),
        cmocka_unit_test(tells_clients_apart),
        cmocka_unit_test(evicts_the_longest_idle),
        cmocka_unit_test(agrees_with_a_plain_model),
        cmocka_unit_test(smooths_the_rate),
        cmocka_unit_test(follows_a_change_of_rate),
        cmocka_unit_test(names_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
