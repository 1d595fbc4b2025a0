/* SPDX-License-Identifier: BSD-2-Clause */
/* gmload's negotiating client: asks, renews, is refused, gives back, and believes nothing malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/load/grants.h"

#define S NS_PER_S

static const struct grants_config config = {.log_interval = {0, -3, -4}, .duration_s = 300};

struct client {
    struct grants grants;
    struct grants_counters counters;
    uint8_t chain[GRANTS_TLVS_MAX];
    size_t len;
};

static struct client client_new(void)
{
    struct client c = {0};
    grants_start(&c.grants, 0);
    return c;
}

static void tick(struct client *c, int64_t now_ns)
{
    c->len = 0;
    grants_tick(&c->grants, &config, &c->counters, now_ns, c->chain, sizeof c->chain, &c->len);
}

static void take(struct client *c, uint16_t type, const void *value, uint16_t length, int64_t now_ns)
{
    const struct tlv tlv = {type, length, value};
    c->len = 0;
    grants_tlv(&c->grants, &config, &c->counters, &tlv, now_ns, c->chain, sizeof c->chain, &c->len);
}

static void grant(struct client *c, uint8_t message_type, int8_t log_interval, uint8_t duration_s,
                  int64_t now_ns)
{
    const uint8_t value[8] = {(uint8_t)(message_type << 4), (uint8_t)log_interval, 0, 0, 0, duration_s, 0, 1};
    take(c, TLV_GRANT_UNICAST_TRANSMISSION, value, sizeof value, now_ns);
}

static void test_asking(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0,    4, 0, 6, 0xB0, 0, 0, 0, 1, 44,   0,    4, 0, 6, 0x00,
                                       0xFD, 0, 0, 1, 44,   0, 4, 0, 6, 0x90, 0xFC, 0, 0, 1, 44};
    struct client c = client_new();
    grants_start(&c.grants, 5 * S);
    tick(&c, 5 * S - 1);
    assert_int_equal(c.len, 0);
    tick(&c, 5 * S);
    assert_int_equal(c.len, sizeof expected);
    assert_memory_equal(c.chain, expected, sizeof expected);
    tick(&c, 6 * S - 1); /* no oftener than once a second */
    assert_int_equal(c.len, 0);
    tick(&c, 6 * S);
    assert_int_equal(c.len, sizeof expected);
    assert_int_equal(c.counters.requested, 6);
}

static void test_renewal(void **state)
{
    (void)state;
    struct client c = client_new();
    tick(&c, 0);
    grant(&c, MSG_SYNC, -3, 100, S);
    assert_true(grants_held(&c.grants, GRANT_SYNC, 101 * S - 1));
    assert_false(grants_held(&c.grants, GRANT_SYNC, 101 * S));
    assert_false(grants_held(&c.grants, GRANT_DELAY_RESP, S));
    for (int64_t t = S; t < 76 * S; t += S)
        tick(&c, t);
    assert_int_equal(c.counters.requested, 3 + 2 * 75); /* the other two again and again */
    tick(&c, 76 * S);
    assert_int_equal(c.len, 3 * 10);
    grant(&c, MSG_SYNC, -3, 100, 77 * S);
    assert_int_equal(c.counters.granted, 1);
    assert_int_equal(c.counters.renewed, 1);
    assert_int_equal(grants_held_for(&c.grants, GRANT_SYNC, 177 * S), 176 * S);
    tick(&c, 177 * S + S / 2);
    assert_int_equal(c.counters.expired, 1);
    assert_int_equal(grants_held_for(&c.grants, GRANT_SYNC, 200 * S), 176 * S);
}

static void test_refusal(void **state)
{
    (void)state;
    struct client c = client_new();
    tick(&c, 0);
    grant(&c, MSG_DELAY_RESP, -4, 0, S / 2);
    assert_int_equal(c.counters.refused, 1);
    assert_false(grants_held(&c.grants, GRANT_DELAY_RESP, S));
    tick(&c, 3 * S);
    assert_int_equal(c.len, 2 * 10); /* it waits */
    tick(&c, 4 * S);
    assert_int_equal(c.len, 3 * 10);
    /* the renewal of what is held is refused: it runs out in its own time */
    grant(&c, MSG_SYNC, -3, 100, 4 * S);
    grant(&c, MSG_SYNC, -3, 0, 80 * S);
    assert_true(grants_held(&c.grants, GRANT_SYNC, 103 * S));
}

static void test_beyond(void **state)
{
    (void)state;
    struct client c = client_new();
    static const uint8_t too_long[8] = {MSG_SYNC << 4, 0xFD, 0, 0, 1, 45};
    grant(&c, MSG_SYNC, -3, 200, 0);
    grant(&c, MSG_SYNC, 0, 200, 0);
    assert_int_equal(c.counters.beyond, 0);
    grant(&c, MSG_SYNC, -4, 200, 0);
    assert_int_equal(c.counters.beyond, 1);
    take(&c, TLV_GRANT_UNICAST_TRANSMISSION, too_long, sizeof too_long, 0);
    assert_int_equal(c.counters.beyond, 2);
}

static void test_withdrawal(void **state)
{
    (void)state;
    static const uint8_t cancel[2] = {MSG_SYNC << 4, 0}, acknowledge[] = {0, 7, 0, 2, MSG_SYNC << 4, 0};
    struct client c = client_new();
    grant(&c, MSG_SYNC, -3, 100, 0);
    take(&c, TLV_CANCEL_UNICAST_TRANSMISSION, cancel, 2, 10 * S);
    assert_int_equal(c.len, sizeof acknowledge);
    assert_memory_equal(c.chain, acknowledge, sizeof acknowledge);
    assert_int_equal(c.counters.withdrawn, 1);
    assert_false(grants_held(&c.grants, GRANT_SYNC, 10 * S));
    assert_int_equal(grants_held_for(&c.grants, GRANT_SYNC, 20 * S), 10 * S);
    take(&c, TLV_CANCEL_UNICAST_TRANSMISSION, cancel, 2, 11 * S); /* our answer was lost: answered again */
    assert_int_equal(c.len, sizeof acknowledge);
    assert_int_equal(c.counters.withdrawn, 1);
}

static void test_giving_back(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0, 6, 0, 2, MSG_SYNC << 4, 0, 0, 6, 0, 2, MSG_DELAY_RESP << 4, 0};
    static const uint8_t acknowledge[2] = {MSG_SYNC << 4, 0};
    struct client c = client_new();
    grant(&c, MSG_SYNC, -3, 100, 0);
    grant(&c, MSG_DELAY_RESP, -3, 100, 0);
    grants_cancel(&c.grants, &c.counters, 9 * S, c.chain, sizeof c.chain, &c.len);
    assert_int_equal(c.len, sizeof expected);
    assert_memory_equal(c.chain, expected, sizeof expected);
    assert_int_equal(grants_held_for(&c.grants, GRANT_SYNC, 20 * S), 9 * S);
    take(&c, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, acknowledge, 2, 9 * S);
    take(&c, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, acknowledge, 2, 9 * S);
    assert_int_equal(c.counters.cancelled, 2);
    assert_int_equal(c.counters.acknowledged, 1);
    grant(&c, MSG_DELAY_RESP, -3, 100, 10 * S); /* it was on its way: no longer wanted */
    assert_false(grants_held(&c.grants, GRANT_DELAY_RESP, 10 * S));
    tick(&c, 1000 * S);
    assert_int_equal(c.len, 0);
}

static void test_malformed(void **state)
{
    (void)state;
    static const uint8_t value[8] = {0xD0, 0, 0, 0, 0, 100}, sync[8] = {0, 0, 0, 0, 0, 100};
    static const uint16_t types[] = {TLV_GRANT_UNICAST_TRANSMISSION, TLV_CANCEL_UNICAST_TRANSMISSION,
                                     TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, TLV_MANAGEMENT};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct client c = client_new();
        take(&c, types[i], value, sizeof value, 0); /* of Management: nothing that is granted */
        assert_int_equal(c.len, 0);
        for (uint16_t length = 0; length < 8; length++)
            take(&c, types[i], length ? sync : NULL, types[i] == TLV_GRANT_UNICAST_TRANSMISSION ? length : 0,
                 0);
        assert_int_equal(c.len, 0);
        assert_int_equal(
            c.counters.granted + c.counters.refused + c.counters.withdrawn + c.counters.acknowledged, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asking),     cmocka_unit_test(test_renewal),
        cmocka_unit_test(test_refusal),    cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_withdrawal), cmocka_unit_test(test_giving_back),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
