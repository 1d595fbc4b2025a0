/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the client-driven exchange's messages, and of the flights that wait for their timestamps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gmd/ptp/sptp.h"
#include "gmd/ptp/unicast_flight.h"

#define MS (NS_PER_S / 1000)

static void knows_its_requests(void **state)
{
    (void)state;
    const struct {
        uint8_t type;
        uint16_t flags;
        bool is;
    } rows[] = {
        {MSG_DELAY_REQ, FLAG_UNICAST | FLAG_PROFILE_SPECIFIC_1, true},
        {MSG_DELAY_REQ, FLAG_UNICAST, false},
        {MSG_DELAY_REQ, FLAG_PROFILE_SPECIFIC_1, false},
        {MSG_DELAY_REQ, FLAG_UNICAST | FLAG_PROFILE_SPECIFIC_1 | FLAG_TWO_STEP, false},
        {MSG_PDELAY_REQ, FLAG_UNICAST | FLAG_PROFILE_SPECIFIC_1, false},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct ptp_header h = {.message_type = rows[i].type, .flags = rows[i].flags};
        assert_int_equal(sptp_is_request(&h), rows[i].is);
    }
    assert_false(sptp_announce_to_event_port(&(struct port_identity){.port = 10}));
    assert_true(sptp_announce_to_event_port(&(struct port_identity){.port = 11}));
}

/* As octets on the wire: what Meta's client reads. */
static void answers_as_octets(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct ptp_message sync = {.header = {.message_type = MSG_SYNC, .control = WIRE_CONTROL_AUTO}};
    sptp_sync(&sync, 0x1234, 1700000037 * NS_PER_S + 5);
    assert_int_equal(wire_encode(&sync, bytes, sizeof(bytes)), 44);
    const uint8_t sync_flags[] = {0x06, 0x00}, t4[] = {0, 0, 0x65, 0x53, 0xF1, 0x25, 0, 0, 0, 5};
    assert_memory_equal(bytes + 6, sync_flags, 2);
    assert_memory_equal(bytes + 30, "\x12\x34", 2);
    assert_int_equal(bytes[33], 0x7F);
    assert_memory_equal(bytes + 34, t4, sizeof(t4));

    struct ptp_message announce = {.header = {.message_type = MSG_ANNOUNCE,
                                              .flags = FLAG_PTP_TIMESCALE,
                                              .log_message_interval = 1,
                                              .control = WIRE_CONTROL_AUTO}};
    sptp_announce(&announce, 0x1234, 0x10002, 1700000037 * NS_PER_S + 6);
    assert_int_equal(wire_encode(&announce, bytes, sizeof(bytes)), 64);
    const uint8_t announce_flags[] = {0x04, 0x08}, correction[] = {0, 0, 0, 0, 0, 1, 0, 2};
    assert_memory_equal(bytes + 6, announce_flags, 2);
    assert_memory_equal(bytes + 8, correction, sizeof(correction));
    assert_memory_equal(bytes + 30, "\x12\x34", 2);
    assert_int_equal(bytes[33], 0);
    assert_memory_equal(bytes + 34, t4, 9);
    assert_int_equal(bytes[43], 6);
}

static struct flights flights;

static unsigned expire(int64_t now_ns, int64_t timeout_ns)
{
    struct flight lost;
    unsigned count = 0;
    while (flight_expire(&flights, now_ns, timeout_ns, &lost))
        count++;
    return count;
}

static void flights_end_once(void **state)
{
    (void)state;
    struct flight ended;
    flights = (struct flights){0};
    assert_int_equal(flight_take(&flights, FLIGHT_TOKEN, &ended), PENDING_UNKNOWN);
    for (unsigned i = 0; i < 100; i++) {
        struct flight *f = flight_begin(&flights, FLIGHT_SYNC, i * MS, &ended);
        assert_false(ended.waiting);
        assert_true(f->token & FLIGHT_TOKEN);
        f->sequence_id = (uint16_t)i;
    }
    for (unsigned i = 100; i-- > 0;) { /* in any order */
        assert_int_equal(flight_take(&flights, FLIGHT_TOKEN | i, &ended), PENDING_TAKEN);
        assert_int_equal(ended.sequence_id, i);
        assert_int_equal(flight_take(&flights, FLIGHT_TOKEN | i, &ended), PENDING_DUPLICATED);
    }
    assert_int_equal(flight_take(&flights, 5, &ended), PENDING_UNKNOWN);
    flight_begin(&flights, FLIGHT_SYNC, 200 * MS, &ended);
    assert_true(flight_forget(&flights, FLIGHT_TOKEN | 100));
    assert_false(flight_forget(&flights, FLIGHT_TOKEN | 100));
    assert_int_equal(expire(1000 * MS, MS), 0);
    assert_true(flight_deadline(&flights, MS) == INT64_MAX);
}

static void flights_expire(void **state)
{
    (void)state;
    struct flight ended;
    flights = (struct flights){.next = 0xFFFFFFF0, .oldest = 0xFFFFFFF0}; /* the count comes round */
    uint32_t tokens[32];
    for (unsigned i = 0; i < 32; i++)
        tokens[i] = flight_begin(&flights, FLIGHT_SPTP, i * MS, &ended)->token;
    assert_int_equal(flight_take(&flights, tokens[3], &ended), PENDING_TAKEN);
    assert_true(flight_deadline(&flights, 50 * MS) == 50 * MS);
    assert_int_equal(expire(59 * MS, 50 * MS), 9);
    assert_int_equal(flight_take(&flights, tokens[9], &ended), PENDING_LATE);
    assert_int_equal(flight_take(&flights, tokens[9], &ended), PENDING_DUPLICATED);
    assert_int_equal(flight_take(&flights, tokens[10], &ended), PENDING_TAKEN);
    assert_int_equal(ended.kind, FLIGHT_SPTP);
    assert_int_equal(expire(1000 * MS, 50 * MS), 21);
}

static void a_full_ring_loses_the_oldest(void **state)
{
    (void)state;
    struct flight ended;
    unsigned given_up = 0;
    flights = (struct flights){0};
    for (unsigned i = 0; i < FLIGHTS + 10; i++) {
        flight_begin(&flights, FLIGHT_SYNC, i, &ended);
        given_up += ended.waiting;
    }
    assert_int_equal(given_up, 10);
    assert_int_equal(flight_take(&flights, FLIGHT_TOKEN | 9, &ended), PENDING_UNKNOWN);
    assert_int_equal(flight_take(&flights, FLIGHT_TOKEN | 10, &ended), PENDING_TAKEN);
    assert_int_equal(expire(INT64_MAX / 2, 1), FLIGHTS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_requests),
        cmocka_unit_test(answers_as_octets),
        cmocka_unit_test(flights_end_once),
        cmocka_unit_test(flights_expire),
        cmocka_unit_test(a_full_ring_loses_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
