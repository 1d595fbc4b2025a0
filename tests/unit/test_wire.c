/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire codec against octets written by hand, and against cuts and faults of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/wire.h"
#include "tests/unit/wire_vectors.h"

#define BYTES_MAX 512
#define LEN(a)    (sizeof(a) / sizeof(a)[0])
#define BODY      PTP_HEADER_LEN
static const struct clock_identity gm_clock = {{GM_CLOCK}};
static const struct port_identity client_port = {{{CLIENT_CLOCK}}, 0x0102};

struct vector {
    const char *name;
    const uint8_t *octets;
    size_t len, fixed;
    bool event;
    uint8_t control;
};
#define VECTOR(name, octets, fixed, event, control)                                                          \
    {                                                                                                        \
        name, octets, sizeof(octets), fixed, event, control                                                  \
    }
static const struct vector vectors[] = {
    VECTOR("Sync", sync_octets, 44, true, 0),
    VECTOR("Delay_Req", delay_req_octets, 44, true, 1),
    VECTOR("Pdelay_Req", pdelay_req_octets, 54, true, 5),
    VECTOR("Pdelay_Resp", pdelay_resp_octets, 54, true, 5),
    VECTOR("Follow_Up", follow_up_octets, 44, false, 2),
    VECTOR("Delay_Resp", delay_resp_octets, 54, false, 3),
    VECTOR("Pdelay_Resp_Follow_Up", pdelay_resp_follow_up_octets, 54, false, 5),
    VECTOR("Announce", announce_octets, 64, false, 5),
    VECTOR("Signaling", signaling_octets, 44, false, 5),
    VECTOR("Management", management_octets, 48, false, 4),
};

/* Decodes a copy that ends where the heap block ends, so that a sanitizer sees any octet read beyond. The
 * copy is gone afterwards: the suffix must not be followed. */
static int decode_exactly(const uint8_t *octets, size_t len, struct ptp_message *m)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, octets, len);
    int error = wire_decode(copy + (len > 0 ? 0 : 1), len, m);
    free(copy);
    return error;
}

static struct ptp_message decoded(const uint8_t *octets, size_t len)
{
    struct ptp_message m;
    assert_int_equal(wire_decode(octets, len, &m), WIRE_OK);
    return m;
}
#define DECODED(octets) decoded(octets, sizeof(octets))

static void assert_encodes_to(const struct ptp_message *m, const uint8_t *octets, size_t len)
{
    uint8_t out[BYTES_MAX];
    memset(out, 0xA5, sizeof out);
    assert_int_equal(wire_encode(m, out, sizeof out), (int)len);
    assert_memory_equal(out, octets, len);
    for (size_t i = len; i < sizeof out; i++)
        assert_int_equal(out[i], 0xA5);
}

static void assert_port(const struct port_identity *a, const struct port_identity *b)
{
    assert_memory_equal(a->clock.id, b->clock.id, sizeof a->clock.id);
    assert_int_equal(a->port, b->port);
}

static void assert_timestamp(const struct wire_timestamp *t, uint64_t seconds, uint32_t nanoseconds)
{
    assert_int_equal(t->seconds, seconds);
    assert_int_equal(t->nanoseconds, nanoseconds);
}

static void test_vectors_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct ptp_message m = decoded(v->octets, v->len);
        assert_string_equal(message_type_name(m.header.message_type), v->name);
        assert_int_equal(message_is_event(m.header.message_type), v->event);
        assert_int_equal(m.header.control, v->control);
        assert_ptr_equal(m.suffix, v->octets + v->fixed);
        assert_int_equal(m.suffix_len, v->len - v->fixed);
        assert_encodes_to(&m, v->octets, v->len);
        m.header.control = WIRE_CONTROL_AUTO;
        assert_encodes_to(&m, v->octets, v->len);
    }
}

static void test_header_fields(void **state)
{
    (void)state;
    struct ptp_header h = DECODED(sync_octets).header;
    assert_int_equal(h.message_type, MSG_SYNC);
    assert_int_equal(h.major_sdo_id, 1);
    assert_int_equal(h.minor_version, 1);
    assert_int_equal(h.domain_number, 127);
    assert_int_equal(h.minor_sdo_id, 5);
    assert_int_equal(h.flags, FLAG_TWO_STEP | FLAG_UNICAST);
    assert_true(h.correction == -98304); /* -1.5 * 2^16 */
    assert_int_equal(h.message_type_specific, 0x11223344);
    assert_port(&h.source, &(struct port_identity){gm_clock, 3});
    assert_int_equal(h.sequence_id, 0xABCD);
    assert_int_equal(h.log_message_interval, -3);
    assert_int_equal(DECODED(delay_req_octets).header.minor_version, 0);
    assert_int_equal(DECODED(delay_req_octets).header.log_message_interval, LOG_INTERVAL_NONE);
    assert_true(DECODED(follow_up_octets).header.correction == INT64_C(1234) << 16);
}

static void test_announce_fields(void **state)
{
    (void)state;
    struct ptp_message m = DECODED(announce_octets);
    assert_int_equal(m.header.flags, FLAG_LEAP61 | FLAG_UTC_OFFSET_VALID | FLAG_PTP_TIMESCALE |
                                         FLAG_TIME_TRACEABLE | FLAG_FREQUENCY_TRACEABLE);
    const struct announce_body *a = &m.body.announce;
    assert_timestamp(&a->origin, 0, 0);
    assert_int_equal(a->current_utc_offset, 37);
    assert_int_equal(a->grandmaster_priority1, 128);
    assert_int_equal(a->grandmaster_clock_quality.clock_class, CLOCK_CLASS_LOCKED);
    assert_int_equal(a->grandmaster_clock_quality.clock_accuracy, 0x21);
    assert_int_equal(a->grandmaster_clock_quality.offset_scaled_log_variance, 0x4E5D);
    assert_int_equal(a->grandmaster_priority2, 127);
    assert_memory_equal(a->grandmaster_identity.id, gm_clock.id, 8);
    assert_int_equal(a->steps_removed, 2);
    assert_int_equal(a->time_source, TIME_SOURCE_GNSS);

    size_t at = 0;
    struct tlv tlv;
    assert_int_equal(tlv_next(m.suffix, m.suffix_len, &at, &tlv), 1);
    assert_int_equal(tlv.type, TLV_PATH_TRACE);
    assert_int_equal(tlv.length, 8);
    assert_memory_equal(tlv.value, gm_clock.id, 8);
    assert_int_equal(tlv_next(m.suffix, m.suffix_len, &at, &tlv), 0);
}

static void test_timestamp_and_response_fields(void **state)
{
    (void)state;
    struct ptp_message m = DECODED(sync_octets);
    assert_timestamp(&m.body.timestamp, 1700000037, 123456789);
    m = DECODED(follow_up_octets);
    assert_timestamp(&m.body.timestamp, (UINT64_C(1) << 32) + 2, 3);
    m = DECODED(pdelay_req_octets);
    assert_timestamp(&m.body.timestamp, 1, 2);

    m = DECODED(delay_resp_octets);
    assert_timestamp(&m.body.response.timestamp, 1700000037, 1);
    assert_port(&m.body.response.requesting, &client_port);
    m = DECODED(pdelay_resp_octets);
    assert_timestamp(&m.body.response.timestamp, (UINT64_C(1) << 48) - 1, 999999999);
    assert_port(&m.body.response.requesting, &client_port);
    m = DECODED(pdelay_resp_follow_up_octets);
    assert_timestamp(&m.body.response.timestamp, 1700000037, 9);
    assert_port(&m.body.response.requesting, &client_port);
}

static void test_signaling_and_management_fields(void **state)
{
    (void)state;
    struct ptp_message m = DECODED(signaling_octets);
    assert_port(&m.body.target, &client_port);

    m = DECODED(management_octets);
    assert_port(&m.body.management.target, &(struct port_identity){{{ALL_ONES_CLOCK}}, 0xFFFF});
    assert_int_equal(m.body.management.starting_boundary_hops, 5);
    assert_int_equal(m.body.management.boundary_hops, 4);
    assert_int_equal(m.body.management.action, 3);
}

/* ---- cuts and faults ---- */

static void test_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct ptp_message m;
        for (size_t len = 0; len < v->len; len++)
            assert_int_equal(decode_exactly(v->octets, len, &m), WIRE_TRUNCATED);
        assert_int_equal(decode_exactly(v->octets, v->len, &m), WIRE_OK);
    }
}

/* As above, but messageLength owns up to the cut. */
static void test_message_length_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        uint8_t octets[BYTES_MAX];
        memcpy(octets, v->octets, v->len);
        for (size_t len = 0; len <= v->len; len++) {
            octets[3] = (uint8_t)len;
            bool whole_tlvs = len == v->len || len - v->fixed < 4;
            int expected = len < v->fixed ? WIRE_LENGTH : whole_tlvs ? WIRE_OK : WIRE_TLV;
            struct ptp_message m;
            assert_int_equal(decode_exactly(octets, v->len, &m), expected);
            if (len >= PTP_HEADER_LEN)
                assert_int_equal(decode_exactly(octets, len, &m), expected);
        }
    }
}

static void test_octets_behind_the_message_are_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEN(vectors); i++) {
        uint8_t octets[BYTES_MAX];
        memset(octets, 0xFF, sizeof octets);
        memcpy(octets, vectors[i].octets, vectors[i].len);
        struct ptp_message m = decoded(octets, sizeof octets);
        assert_encodes_to(&m, vectors[i].octets, vectors[i].len);
    }
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *octets;
        size_t len, offset;
        uint8_t value;
        int expected;
    } faults[] = {
        {sync_octets, sizeof sync_octets, 1, 0x11, WIRE_VERSION}, /* IEEE 1588-2002 */
        {sync_octets, sizeof sync_octets, 1, 0x13, WIRE_VERSION},
        {sync_octets, sizeof sync_octets, 1, 0xF2, WIRE_OK},
        {sync_octets, sizeof sync_octets, 2, 0x01, WIRE_TRUNCATED},
        {sync_octets, sizeof sync_octets, 3, 45, WIRE_TRUNCATED},
        {sync_octets, sizeof sync_octets, 3, 43, WIRE_LENGTH},
        {sync_octets, sizeof sync_octets, BODY + 6, 0x3B, WIRE_OK},
        {sync_octets, sizeof sync_octets, BODY + 6, 0x3C, WIRE_TIMESTAMP},
        {follow_up_octets, sizeof follow_up_octets, BODY + 6, 0x80, WIRE_TIMESTAMP},
        {delay_resp_octets, sizeof delay_resp_octets, BODY + 6, 0x80, WIRE_TIMESTAMP},
        {pdelay_resp_octets, sizeof pdelay_resp_octets, BODY + 8, 0xCA, WIRE_TIMESTAMP}, /* 1000000255 */
        {pdelay_resp_follow_up_octets, sizeof pdelay_resp_follow_up_octets, BODY + 6, 0x80, WIRE_TIMESTAMP},
        {delay_req_octets, sizeof delay_req_octets, BODY + 6, 0xFF, WIRE_OK},
        {pdelay_req_octets, sizeof pdelay_req_octets, BODY + 6, 0xFF, WIRE_OK},
        {announce_octets, sizeof announce_octets, BODY + 6, 0xFF, WIRE_OK},
        {announce_octets, sizeof announce_octets, 64 + 3, 7, WIRE_TLV},  /* odd, ends within the message */
        {announce_octets, sizeof announce_octets, 64 + 3, 10, WIRE_TLV}, /* past the end */
        {announce_octets, sizeof announce_octets, 64 + 2, 0xFF, WIRE_TLV},
        {announce_octets, sizeof announce_octets, 64 + 3, 6, WIRE_OK}, /* two octets stay behind it */
        {announce_octets, sizeof announce_octets, 64 + 3, 4,
         WIRE_TLV}, /* the next one: type 0102, no length */
        {announce_octets, sizeof announce_octets, 32, 0xFF, WIRE_OK},
    };
    for (size_t i = 0; i < LEN(faults); i++) {
        uint8_t octets[BYTES_MAX];
        memcpy(octets, faults[i].octets, faults[i].len);
        octets[faults[i].offset] = faults[i].value;
        struct ptp_message m;
        assert_int_equal(decode_exactly(octets, faults[i].len, &m), faults[i].expected);
        if (faults[i].expected == WIRE_OK) {
            m = decoded(octets, faults[i].len);
            assert_encodes_to(&m, octets, faults[i].len);
        }
    }
}

static void test_reserved_types(void **state)
{
    (void)state;
    static const uint8_t reserved[] = {0x4, 0x5, 0x6, 0x7, 0xE, 0xF};
    for (size_t i = 0; i < LEN(reserved); i++) {
        uint8_t octets[sizeof announce_octets];
        memcpy(octets, announce_octets, sizeof octets);
        octets[0] = reserved[i];
        struct ptp_message m;
        assert_int_equal(wire_decode(octets, sizeof octets, &m), WIRE_TYPE);
        assert_string_equal(message_type_name(reserved[i]), "reserved");
        assert_false(message_is_event(reserved[i]));
        m = DECODED(announce_octets);
        m.header.message_type = reserved[i];
        assert_int_equal(wire_encode(&m, octets, sizeof octets), WIRE_TYPE);
    }
    assert_string_equal(message_type_name(0x10), "reserved");
    assert_string_equal(message_type_name(0xFF), "reserved");
}

static void test_reserved_fields_are_ignored_and_sent_as_zero(void **state)
{
    (void)state;
    static const struct {
        const uint8_t *octets;
        size_t len, first, last;
        uint8_t bits;
    } fields[] = {
        {pdelay_req_octets, sizeof pdelay_req_octets, 44, 53, 0xFF},
        {announce_octets, sizeof announce_octets, 46, 46, 0xFF},
        {management_octets, sizeof management_octets, 46, 46, 0xF0},
        {management_octets, sizeof management_octets, 47, 47, 0xFF},
    };
    for (size_t i = 0; i < LEN(fields); i++) {
        uint8_t octets[BYTES_MAX];
        memcpy(octets, fields[i].octets, fields[i].len);
        for (size_t k = fields[i].first; k <= fields[i].last; k++)
            octets[k] |= fields[i].bits;
        struct ptp_message m = decoded(octets, fields[i].len);
        assert_encodes_to(&m, fields[i].octets, fields[i].len);
    }
}

static void test_encode_refuses(void **state)
{
    (void)state;
    const struct ptp_message good = DECODED(sync_octets);
    static const uint8_t odd_tlv[] = {0x00, 0x03, 0x00, 0x01, 0x00},
                         long_tlv[] = {0x00, 0x03, 0x00, 0x02, 0x00};
    uint8_t out[BYTES_MAX];
    struct ptp_message m;
#define REFUSES(change, error)                                                                               \
    do {                                                                                                     \
        m = good;                                                                                            \
        change;                                                                                              \
        assert_int_equal(wire_encode(&m, out, sizeof out), error);                                           \
    } while (0)
    REFUSES(m.header.message_type = 0x10, WIRE_TYPE);
    REFUSES(m.header.major_sdo_id = 0x10, WIRE_SPACE);
    REFUSES(m.header.minor_version = 0x10, WIRE_SPACE);
    REFUSES(m.header.control = WIRE_CONTROL_AUTO + 1, WIRE_SPACE);
    REFUSES(m.body.timestamp.seconds = UINT64_C(1) << 48, WIRE_SPACE);
    REFUSES(m.body.timestamp.nanoseconds = 1000000000, WIRE_TIMESTAMP);
    REFUSES((m.suffix = odd_tlv, m.suffix_len = sizeof odd_tlv), WIRE_TLV);
    REFUSES((m.suffix = long_tlv, m.suffix_len = sizeof long_tlv), WIRE_TLV);
    m = DECODED(management_octets);
    m.body.management.action = 0x10;
    assert_int_equal(wire_encode(&m, out, sizeof out), WIRE_SPACE);

    for (size_t i = 0; i < LEN(vectors); i++) {
        m = decoded(vectors[i].octets, vectors[i].len);
        memset(out, 0xA5, sizeof out);
        for (size_t size = 0; size < vectors[i].len; size++)
            assert_int_equal(wire_encode(&m, out, size), WIRE_SPACE);
        for (size_t k = 0; k < sizeof out; k++)
            assert_int_equal(out[k], 0xA5);
        assert_int_equal(wire_encode(&m, out, vectors[i].len), (int)vectors[i].len);
    }
}

/* messageLength has 16 bits. */
static void test_longest_message(void **state)
{
    (void)state;
    static uint8_t chain[UINT16_MAX + 1], out[2 * UINT16_MAX];
    struct ptp_message m = DECODED(sync_octets);
    m.suffix = chain;
    assert_int_equal(tlv_append(chain, sizeof chain, &m.suffix_len, 0x8008, out, UINT16_MAX - 44 - 4 - 1),
                     WIRE_OK);
    assert_int_equal(m.suffix_len, UINT16_MAX - 44 - 1); /* 44 is even and lengthField too */
    assert_int_equal(wire_encode(&m, out, sizeof out), UINT16_MAX - 1);
    struct ptp_message again = decoded(out, sizeof out);
    assert_int_equal(again.suffix_len, m.suffix_len);
    m.suffix_len++;
    assert_int_equal(wire_encode(&m, out, sizeof out), UINT16_MAX);
    m.suffix_len++;
    assert_int_equal(wire_encode(&m, out, sizeof out), WIRE_SPACE);
}

static void test_error_texts(void **state)
{
    (void)state;
    for (int a = 0; a < WIRE_ERRORS; a++) {
        assert_non_null(wire_error_text(-a));
        assert_string_not_equal(wire_error_text(-a), "unknown error");
        for (int b = 0; b < a; b++)
            assert_string_not_equal(wire_error_text(-a), wire_error_text(-b));
    }
    assert_string_equal(wire_error_text(1), "unknown error");
    assert_string_equal(wire_error_text(-WIRE_ERRORS), "unknown error");
}

/* ---- timestamps ---- */

static void test_timestamps(void **state)
{
    (void)state;
    static const struct {
        struct wire_timestamp t;
        bool fits;
        int64_t ns;
    } cases[] = {
        {{0, 0}, true, 0},
        {{1, 1}, true, 1000000001},
        {{1700000037, 999999999}, true, 1700000037999999999},
        {{9223372036, 854775807}, true, INT64_MAX},
        {{9223372036, 854775808}, false, 0},
        {{9223372037, 0}, false, 0},
        {{(UINT64_C(1) << 48) - 1, 999999999}, false, 0},
        {{UINT64_MAX, 0}, false, 0},
        {{0, 1000000000}, false, 0},
        {{0, UINT32_MAX}, false, 0},
    };
    for (size_t i = 0; i < LEN(cases); i++) {
        int64_t ns = -7;
        assert_int_equal(wire_timestamp_to_ns(&cases[i].t, &ns), cases[i].fits);
        assert_true(ns == (cases[i].fits ? cases[i].ns : -7));
        if (cases[i].fits) {
            struct wire_timestamp back = wire_timestamp_from_ns(ns);
            assert_timestamp(&back, cases[i].t.seconds, cases[i].t.nanoseconds);
        }
    }
    static const int64_t negative[] = {-1, -1000000000, INT64_MIN};
    for (size_t i = 0; i < LEN(negative); i++) {
        struct wire_timestamp t = wire_timestamp_from_ns(negative[i]);
        assert_timestamp(&t, 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_round_trip),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_announce_fields),
        cmocka_unit_test(test_timestamp_and_response_fields),
        cmocka_unit_test(test_signaling_and_management_fields),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_message_length_cut_anywhere),
        cmocka_unit_test(test_octets_behind_the_message_are_ignored),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_reserved_types),
        cmocka_unit_test(test_reserved_fields_are_ignored_and_sent_as_zero),
        cmocka_unit_test(test_encode_refuses),
        cmocka_unit_test(test_longest_message),
        cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
