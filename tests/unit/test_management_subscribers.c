/* SPDX-License-Identifier: BSD-2-Clause */
/* Subscriptions to events: made, renewed, ended, expired, refused; and what subscribers are told. */
#include "tests/unit/management_rig.h"

static const struct answers *subscribe(struct bench *b, uint16_t number, uint8_t events, uint16_t duration_s,
                                       int64_t now_ns)
{
    const uint8_t data[66] = {(uint8_t)(duration_s >> 8), (uint8_t)duration_s, events};
    const struct management_source source = {.local = &home, .now_ns = now_ns};
    struct ptp_message m = usual(MANAGEMENT_SET);
    m.header.source.port = number;
    return ask(b, &m, MANAGEMENT_SUBSCRIBE_EVENTS_NP, data, sizeof data, &source);
}

static size_t count_subscribers(struct bench *b, enum management_event event, int64_t now_ns)
{
    size_t cursor = 0, count = 0;
    while (management_subscribers_next(&b->subscribers, event, now_ns, &cursor))
        count++;
    return count;
}

#define PORT_STATE_EVENT 1
#define PARENT_EVENT     4

static void test_subscription(void **state)
{
    struct bench *b = *state;
    const struct answers *a = subscribe(b, 1, PORT_STATE_EVENT, 60, T0);
    assert_int_equal(a->count, 1);
    assert_int_equal(word(&a->m[0], 0), TLV_MANAGEMENT);
    assert_int_equal(word(&a->m[0], 6), 60);
    assert_int_equal(a->m[0].suffix[8], PORT_STATE_EVENT);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0), 1);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PARENT_DATA_SET, T0), 0);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_TIME_SYNC, T0), 0);

    /* what is left is shown to who asks, and only to it */
    struct management_source later = {.local = &home, .now_ns = T0 + 20 * NS_PER_S};
    struct ptp_message m = usual(MANAGEMENT_GET);
    m.header.source.port = 1;
    a = ask(b, &m, MANAGEMENT_SUBSCRIBE_EVENTS_NP, NULL, 0, &later);
    assert_int_equal(word(&a->m[0], 6), 40);
    a = get(b, MANAGEMENT_SUBSCRIBE_EVENTS_NP, &later);
    assert_int_equal(word(&a->m[0], 6), 0);
    assert_int_equal(a->m[0].suffix[8], 0);

    /* renewed in place, then for other events */
    subscribe(b, 1, PORT_STATE_EVENT, 60, T0 + 50 * NS_PER_S);
    subscribe(b, 1, PARENT_EVENT, 60, T0 + 50 * NS_PER_S);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0 + 50 * NS_PER_S), 0);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PARENT_DATA_SET, T0 + 110 * NS_PER_S - 1), 1);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PARENT_DATA_SET, T0 + 110 * NS_PER_S), 0);
}

static void test_subscription_without_end(void **state)
{
    struct bench *b = *state;
    const int64_t year = 365LL * 86400 * NS_PER_S;
    subscribe(b, 1, PORT_STATE_EVENT, MANAGEMENT_FOR_EVER, T0);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0 + year), 1);
    const struct answers *a = subscribe(b, 1, 0, MANAGEMENT_FOR_EVER, T0);
    assert_int_equal(a->m[0].suffix[8], 0);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0), 0);
    subscribe(b, 1, PORT_STATE_EVENT, 0, T0);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0), 0);
}

static void test_subscriptions_are_bounded(void **state)
{
    struct bench *b = *state;
    const uint16_t id = MANAGEMENT_SUBSCRIBE_EVENTS_NP;
    for (uint16_t i = 1; i <= MANAGEMENT_SUBSCRIBERS_MAX; i++)
        assert_int_equal(word(&subscribe(b, i, PORT_STATE_EVENT, i, T0)->m[0], 0), TLV_MANAGEMENT);
    expect_error(subscribe(b, 100, PORT_STATE_EVENT, 60, T0), id, MANAGEMENT_GENERAL_ERROR);
    subscribe(b, 7, PORT_STATE_EVENT, 60, T0); /* who is in it may renew */
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0), MANAGEMENT_SUBSCRIBERS_MAX);
    assert_int_equal(word(&subscribe(b, 100, 0, 60, T0)->m[0], 0), TLV_MANAGEMENT);
    /* an expired one gives way */
    assert_int_equal(word(&subscribe(b, 100, PORT_STATE_EVENT, 60, T0 + NS_PER_S)->m[0], 0), TLV_MANAGEMENT);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0 + NS_PER_S),
                     MANAGEMENT_SUBSCRIBERS_MAX);
}

static void test_subscription_refused(void **state)
{
    struct bench *b = *state;
    static const uint8_t data[68] = {0, 60, PORT_STATE_EVENT};
    const struct ptp_message m = usual(MANAGEMENT_SET);
    const uint16_t id = MANAGEMENT_SUBSCRIBE_EVENTS_NP;
    for (size_t len = 0; len <= sizeof data; len += 2)
        if (len != 66)
            expect_error(ask(b, &m, id, data, len, &local), id, MANAGEMENT_WRONG_LENGTH);
    expect_error(ask(b, &m, id, data, 66, &network), id, MANAGEMENT_NOT_SUPPORTED);
    assert_int_equal(count_subscribers(b, MANAGEMENT_EVENT_PORT_STATE, T0), 0);
}

static void test_notification(void **state)
{
    struct bench *b = *state;
    uint8_t bytes[MANAGEMENT_BYTES_MAX];
    struct ptp_message m;
    size_t cursor = 0;
    subscribe(b, 5, PORT_STATE_EVENT | PARENT_EVENT, 60, T0);
    struct management_subscriber *s =
        management_subscribers_next(&b->subscribers, MANAGEMENT_EVENT_PORT_STATE, T0, &cursor);
    assert_non_null(s);
    assert_memory_equal(&s->peer, &home, sizeof home);
    for (uint16_t sequence_id = 0; sequence_id < 2; sequence_id++) {
        b->instance.ports[1].state = PORT_PASSIVE;
        const size_t len =
            management_notification(s, MANAGEMENT_EVENT_PORT_STATE, 2, &b->view, bytes, sizeof bytes);
        DATA(expected, PORT_STATE(2, PORT_PASSIVE));
        assert_int_equal(wire_decode(bytes, len, &m), WIRE_OK);
        assert_int_equal(m.header.sequence_id, sequence_id);
        assert_int_equal(m.header.source.port, 2);
        assert_int_equal(m.body.management.action, MANAGEMENT_RESPONSE);
        assert_int_equal(m.body.management.target.port, 5);
        assert_int_equal(word(&m, 4), MANAGEMENT_PORT_DATA_SET);
        assert_memory_equal(m.suffix + 6, expected, sizeof expected);
    }
    const size_t len =
        management_notification(s, MANAGEMENT_EVENT_PARENT_DATA_SET, 0, &b->view, bytes, sizeof bytes);
    assert_int_equal(wire_decode(bytes, len, &m), WIRE_OK);
    assert_int_equal(m.header.sequence_id, 2);
    assert_int_equal(m.header.source.port, 0);
    assert_int_equal(word(&m, 4), MANAGEMENT_PARENT_DATA_SET);
    assert_memory_equal(m.suffix + 6, parent_data_set, sizeof parent_data_set);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_subscription),
        TEST(test_subscription_without_end),
        TEST(test_subscriptions_are_bounded),
        TEST(test_subscription_refused),
        TEST(test_notification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
