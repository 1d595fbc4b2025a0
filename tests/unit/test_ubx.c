/* SPDX-License-Identifier: BSD-2-Clause */
/* UBX: what each message means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ubx_rig.h"

static void put(uint8_t *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void test_too_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < UBX_SAMPLES; i++) {
        const struct ubx_sample *s = &ubx_samples[i];

        for (size_t len = 0; len < s->len; len++) {
            struct receiver_report report = nothing;
            uint8_t *payload = malloc(len + !len); /* so that a sanitizer sees each byte beyond */
            struct ubx u;

            assert_non_null(payload);
            memcpy(payload, s->payload, len);
            ubx_init(&u);
            if (s->message_id == 0x09 && s->payload[0] == 2 && len >= 4)
                assert_true(ubx_decode(&u, s->class_id, s->message_id, payload, len, &report));
            else {
                assert_false(ubx_decode(&u, s->class_id, s->message_id, payload, len, &report));
                assert_int_equal(u.refused, 1);
                assert_same(&report, &nothing);
            }
            free(payload);
        }
    }
}

static void test_of_no_interest(void **state)
{
    static const uint8_t payload[92] = {0};
    struct receiver_report report = nothing;
    struct ubx u;

    (void)state;
    ubx_init(&u);
    assert_false(ubx_decode(&u, 0x01, 0x07, payload, sizeof(payload), &report)); /* NAV-PVT */
    assert_false(ubx_decode(&u, 0x27, 0x10, payload, sizeof(payload), &report)); /* SEC-SIGLOG */
    assert_int_equal(u.refused, 0);
}

enum outcome {
    SAYS,
    SILENT,
    REFUSED,
    UNDATED,
};

static void expect(const struct ubx *u, bool says, enum outcome outcome)
{
    assert_int_equal(says, outcome == SAYS);
    assert_int_equal(u->refused, outcome == REFUSED);
    assert_int_equal(u->undated, outcome == UNDATED);
}

static void test_tim_tp(void **state)
{
    enum { UTC = 3, UTC_UNKNOWN = 1, INVALID = 0x10, RAIM = 0x08 };
    static const struct {
        uint32_t tow_ms, sub;
        int32_t q_err_ps;
        unsigned week, flags, reference;
        int leap_s; /* as said before */
        enum outcome outcome;
        int64_t tai_s;
    } cases[] = {
        {TOW_MS, 0, 0, WEEK, 0, 0, 0, SAYS, TAI_S},
        {TOW_MS, 0, 7900, WEEK, RAIM, 0, 0, SAYS, TAI_S},
        {TOW_MS, 0, -21000, WEEK, 0, 0xF0, LEAP_S, SAYS, TAI_S},
        {TOW_MS, 0, 100000, WEEK, 0, 0, 0, SAYS, TAI_S},
        {TOW_MS, 0, 100001, WEEK, 0, 0, 0, REFUSED, 0},
        {TOW_MS, 0, -100001, WEEK, 0, 0, 0, REFUSED, 0},
        {TOW_MS, 0, INT32_MIN, WEEK, 0, 0, 0, REFUSED, 0},
        {TOW_MS, 0, 1, WEEK, INVALID, 0, 0, SILENT, 0},
        /* UTC: its own week and time of week */
        {TOW_MS - 18000, 0, 1, WEEK, UTC, 0x30, LEAP_S, SAYS, TAI_S},
        {TOW_MS - 18000, 0, 1, WEEK, UTC, 0x3F, LEAP_S, SAYS, TAI_S}, /* no GNSS is named then */
        {TOW_MS - 18000, 0, 1, WEEK, UTC, 0x30, 0, UNDATED, 0},
        {TOW_MS - 18000, 0, 1, WEEK, UTC_UNKNOWN, 0x30, LEAP_S, UNDATED, 0},
        /* other systems */
        {TOW_MS, 0, 1, WEEK, 0, 1, LEAP_S, UNDATED, 0},
        {TOW_MS, 0, 1, WEEK, 0, 2, LEAP_S, UNDATED, 0},
        {TOW_MS, 0, 1, WEEK, 0, 3, 0, SAYS, TAI_S},
        {TOW_MS, 0, 1, WEEK - 1024, 0, 3, 0, SAYS, TAI_S},
        {TOW_MS, 0, 1, WEEK - 1024, 0, 0, 0, REFUSED, 0},
        {TOW_MS, 0, 1, WEEK, 0, 15, LEAP_S, UNDATED, 0},
        /* the whole second */
        {TOW_MS + 2, 0, 1, WEEK, 0, 0, 0, SAYS, TAI_S},
        {TOW_MS + 2, UINT32_MAX, 1, WEEK, 0, 0, 0, SILENT, 0},
        {TOW_MS - 1, UINT32_MAX, 1, WEEK, 0, 0, 0, SAYS, TAI_S},
        {TOW_MS - 3, 0, 1, WEEK, 0, 0, 0, SILENT, 0},
        {TOW_MS + 500, 0, 1, WEEK, 0, 0, 0, SILENT, 0},
        /* the week's end */
        {604800000, 0, 1, WEEK, 0, 0, 0, SAYS, TAI_S - TOW_MS / 1000 + 604800},
        {604799999, UINT32_MAX, 1, WEEK, 0, 0, 0, SAYS, TAI_S - TOW_MS / 1000 + 604800},
        {604800001, 0, 1, WEEK, 0, 0, 0, REFUSED, 0},
        {UINT32_MAX, UINT32_MAX, 1, WEEK, 0, 0, 0, REFUSED, 0},
        {TOW_MS, 0, 1, 65535, 0, 0, 0, REFUSED, 0},
        {TOW_MS, 0, 1, 0, 0, 0, 0, REFUSED, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct receiver_report report = nothing, expected = nothing;
        uint8_t p[16];
        struct ubx u;

        put(p, cases[i].tow_ms, 4);
        put(p + 4, cases[i].sub, 4);
        put(p + 8, (uint32_t)cases[i].q_err_ps, 4);
        put(p + 12, cases[i].week, 2);
        p[14] = (uint8_t)cases[i].flags;
        p[15] = (uint8_t)cases[i].reference;
        ubx_init(&u);
        u.gps_minus_utc_s = cases[i].leap_s;
        expect(&u, ubx_decode(&u, 0x0D, 0x01, p, sizeof(p), &report), cases[i].outcome);
        expected.has_sawtooth = cases[i].outcome == SAYS;
        expected.sawtooth_tai_s = cases[i].tai_s;
        expected.sawtooth_ns = expected.has_sawtooth ? -cases[i].q_err_ps / 1000.0 : 0;
        assert_same(&report, &expected);
    }
}

static void test_nav_timegps(void **state)
{
    static const struct {
        uint32_t tow_ms;
        int32_t f_tow_ns;
        int week, leap_s;
        unsigned valid;
        uint32_t accuracy_ns;
        enum outcome outcome;
        int64_t tai_s; /* 0: none */
        int said_leap_s;
    } cases[] = {
        {TOW_MS, 0, WEEK, LEAP_S, 7, 20, SAYS, TAI_S, LEAP_S},
        {TOW_MS, 499999, WEEK, LEAP_S, 7, 20, SAYS, TAI_S, LEAP_S},
        {TOW_MS, -500000, WEEK, LEAP_S, 7, 20, SAYS, TAI_S, LEAP_S},
        {TOW_MS - 1, 300000, WEEK, LEAP_S, 7, 20, SAYS, TAI_S, LEAP_S},
        {TOW_MS + 200, 0, WEEK, LEAP_S, 7, 20, SAYS, 0, LEAP_S}, /* 5 Hz */
        {TOW_MS, 0, WEEK, LEAP_S, 3, UINT32_MAX, SAYS, TAI_S, 0},
        {TOW_MS, 0, WEEK, 0, 7, 20, SAYS, TAI_S, 0},
        {TOW_MS, 0, WEEK, -1, 7, 20, SAYS, TAI_S, 0},
        {TOW_MS, 0, WEEK, LEAP_S, 6, 20, SILENT, 0, 0},
        {TOW_MS, 0, WEEK, LEAP_S, 5, 20, SILENT, 0, 0},
        {TOW_MS, 0, WEEK - 1024, LEAP_S, 7, 20, REFUSED, 0, 0},
        {TOW_MS, 0, -1, LEAP_S, 7, 20, REFUSED, 0, 0},
        {604800000, 0, WEEK, LEAP_S, 7, 20, REFUSED, 0, 0},
        {0, -400000, WEEK, LEAP_S, 7, 20, SAYS, TAI_S - TOW_MS / 1000, LEAP_S},
        {604799999, 600000, WEEK, LEAP_S, 7, 20, SAYS, TAI_S - TOW_MS / 1000 + 604800, LEAP_S},
        {TOW_MS, INT32_MIN, WEEK, LEAP_S, 7, 20, SAYS, 0, LEAP_S},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct receiver_report report = nothing, expected = nothing;
        uint8_t p[16];
        struct ubx u;

        put(p, cases[i].tow_ms, 4);
        put(p + 4, (uint32_t)cases[i].f_tow_ns, 4);
        put(p + 8, (uint16_t)cases[i].week, 2);
        p[10] = (uint8_t)cases[i].leap_s;
        p[11] = (uint8_t)cases[i].valid;
        put(p + 12, cases[i].accuracy_ns, 4);
        ubx_init(&u);
        expect(&u, ubx_decode(&u, 0x01, 0x20, p, sizeof(p), &report), cases[i].outcome);
        expected.has_tai = cases[i].tai_s != 0;
        expected.tai_s = cases[i].tai_s;
        expected.gps_minus_utc_s = cases[i].said_leap_s;
        expected.time_accuracy_ns = cases[i].outcome == SAYS ? cases[i].accuracy_ns : 0;
        assert_same(&report, &expected);
        assert_int_equal(u.gps_minus_utc_s, cases[i].said_leap_s);
    }
}

static void test_nav_timels(void **state)
{
    enum { GPS = 2, BEIDOU = 4, CONFIGURED = 7, NONE = 0, LEFT = 3447958 };
    static const struct {
        unsigned source, change_source;
        int current_s, step_s;
        int32_t left_s;
        unsigned week, day, valid, version;
        enum outcome outcome;
        int said_leap_s, used_leap_s;
        bool has_leap;
        int said_step_s;
    } cases[] = {
        {GPS, GPS, 18, 1, LEFT, 2451, 5, 3, 0, SAYS, 18, 18, true, 1},
        {GPS, GPS, 18, -1, LEFT, 2451, 5, 3, 0, SAYS, 18, 18, true, -1},
        {GPS, BEIDOU, 18, 1, LEFT, 2451, 4, 3, 0, SAYS, 18, 18, true, 1}, /* it counts days from 0 */
        {GPS, GPS, 18, 1, LEFT + 1, 2451, 5, 3, 0, SAYS, 18, 18, true, 1},
        {GPS, GPS, 18, 1, 0, 2451, 5, 2, 0, REFUSED, 0, 0, false, 0},
        /* nothing announced: the last one */
        {GPS, GPS, 18, 0, -312000000, 1929, 7, 3, 0, SAYS, 18, 18, true, 0},
        {GPS, GPS, 18, 1, -1, 1929, 7, 3, 0, SAYS, 18, 18, true, 0},
        {GPS, GPS, 18, 0, 0, 0, 0, 3, 0, SAYS, 18, 18, true, 0},
        /* not known */
        {GPS, GPS, 18, 1, LEFT, 2451, 5, 1, 0, SAYS, 18, 18, false, 0},
        {GPS, NONE, 18, 1, LEFT, 2451, 5, 3, 0, SAYS, 18, 18, false, 0},
        {GPS, GPS, 18, 1, LEFT, 2451, 5, 0, 0, SILENT, 0, 0, false, 0},
        {GPS, NONE, 18, 0, 0, 0, 0, 0, 0, SILENT, 0, 0, false, 0},
        /* not from the sky: good for the receiver's own UTC only */
        {0, NONE, 18, 0, 0, 0, 0, 1, 0, SILENT, 0, 18, false, 0},
        {CONFIGURED, NONE, 18, 0, 0, 0, 0, 1, 0, SILENT, 0, 18, false, 0},
        {255, NONE, 18, 0, 0, 0, 0, 1, 0, SILENT, 0, 18, false, 0},
        {GPS, NONE, 0, 0, 0, 0, 0, 1, 0, SILENT, 0, 0, false, 0},
        {GPS, NONE, -3, 0, 0, 0, 0, 1, 0, SILENT, 0, 0, false, 0},
        /* nonsense */
        {GPS, GPS, 18, 2, LEFT, 2451, 5, 2, 0, REFUSED, 0, 0, false, 0},
        {GPS, GPS, 18, -128, LEFT, 2451, 5, 2, 0, REFUSED, 0, 0, false, 0},
        {GPS, GPS, 18, 1, LEFT, 2451, 4, 2, 0, REFUSED, 0, 0, false, 0},
        {GPS, GPS, 18, 1, LEFT, 2451, 0, 2, 0, REFUSED, 0, 0, false, 0},
        {GPS, GPS, 18, 1, LEFT, 2451, 8, 2, 0, REFUSED, 0, 0, false, 0},
        {GPS, GPS, 18, 1, LEFT, 147, 5, 2, 0, REFUSED, 0, 0, false, 0},
        {GPS, GPS, 18, 1, INT32_MAX, 2451, 5, 2, 0, REFUSED, 0, 0, false, 0},
        {GPS, GPS, 18, 1, LEFT, 2451, 5, 3, 1, REFUSED, 0, 0, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct receiver_report report = nothing, expected = nothing;
        uint8_t p[24] = {0};
        struct ubx u;

        put(p, TOW_MS, 4);
        p[4] = (uint8_t)cases[i].version;
        p[8] = (uint8_t)cases[i].source;
        p[9] = (uint8_t)cases[i].current_s;
        p[10] = (uint8_t)cases[i].change_source;
        p[11] = (uint8_t)cases[i].step_s;
        put(p + 12, (uint32_t)cases[i].left_s, 4);
        put(p + 16, cases[i].week, 2);
        put(p + 18, cases[i].day, 2);
        p[23] = (uint8_t)cases[i].valid;
        ubx_init(&u);
        expect(&u, ubx_decode(&u, 0x01, 0x26, p, sizeof(p), &report), cases[i].outcome);
        expected.gps_minus_utc_s = cases[i].said_leap_s;
        expected.has_leap = cases[i].has_leap;
        expected.leap_step_s = cases[i].said_step_s;
        expected.leap_utc_s = cases[i].said_step_s ? UTC_2027 : 0;
        assert_same(&report, &expected);
        assert_int_equal(u.gps_minus_utc_s, cases[i].used_leap_s);
    }
}

/* At the very second of the leap it still is announced. */
static void test_leap_until_its_second(void **state)
{
    (void)state;
    for (int left_s = 2; left_s >= -1; left_s--) {
        struct receiver_report report = nothing;
        uint8_t p[24] = {[10] = 2, [11] = 1, [23] = 2};
        struct ubx u;

        put(p, (uint64_t)(5 * 86400 + 18 - left_s) * 1000, 4);
        put(p + 12, (uint32_t)left_s, 4);
        put(p + 16, 2451, 2);
        put(p + 18, 5, 2);
        ubx_init(&u);
        assert_true(ubx_decode(&u, 0x01, 0x26, p, sizeof(p), &report));
        assert_true(report.has_leap);
        assert_int_equal(report.leap_step_s, left_s >= 0);
        assert_int_equal(report.leap_utc_s, left_s >= 0 ? UTC_2027 : 0);
    }
}

static void test_antenna(void **state)
{
    enum { OFF, ON, DONT_KNOW };
    static const struct {
        unsigned status[2], power;
        enum receiver_antenna antenna;
    } cases[] = {
        {{0, 0}, ON, ANTENNA_UNKNOWN},   {{1, 1}, ON, ANTENNA_UNKNOWN}, {{2, 2}, ON, ANTENNA_OK},
        {{3, 3}, ON, ANTENNA_SHORT},     {{4, 4}, ON, ANTENNA_OPEN},    {{5, 255}, ON, ANTENNA_UNKNOWN},
        {{2, 2}, DONT_KNOW, ANTENNA_OK}, {{3, 3}, OFF, ANTENNA_SHORT},  {{2, 2}, OFF, ANTENNA_UNKNOWN},
        {{4, 4}, OFF, ANTENNA_UNKNOWN},  {{2, 4}, ON, ANTENNA_OPEN},    {{4, 2}, ON, ANTENNA_OPEN},
        {{3, 4}, ON, ANTENNA_SHORT},     {{4, 3}, ON, ANTENNA_SHORT},   {{1, 2}, ON, ANTENNA_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct receiver_report report = nothing;
        uint8_t rf[52] = {[1] = 2}, hw[60] = {0};
        struct ubx u;

        for (int block = 0; block < 2; block++) {
            rf[4 + 24 * block + 2] = (uint8_t)cases[i].status[block];
            rf[4 + 24 * block + 3] = (uint8_t)cases[i].power;
        }
        ubx_init(&u);
        assert_int_equal(ubx_decode(&u, 0x0A, 0x38, rf, sizeof(rf), &report),
                         cases[i].antenna != ANTENNA_UNKNOWN);
        assert_int_equal(report.antenna, cases[i].antenna);
        if (cases[i].status[0] != cases[i].status[1])
            continue;
        report = nothing;
        hw[20] = (uint8_t)cases[i].status[0];
        hw[21] = (uint8_t)cases[i].power;
        assert_int_equal(ubx_decode(&u, 0x0A, 0x09, hw, sizeof(hw), &report),
                         cases[i].antenna != ANTENNA_UNKNOWN);
        assert_int_equal(report.antenna, cases[i].antenna);
        assert_int_equal(report.jamming, THREAT_UNKNOWN);
    }
}

/* MON-RF with no block, with more than it carries, of another version. */
static void test_mon_rf_blocks(void **state)
{
    struct receiver_report report = nothing;
    uint8_t p[52] = {0, 0, [4 + 2] = 2, [4 + 3] = 1};
    struct ubx u;

    (void)state;
    ubx_init(&u);
    assert_false(ubx_decode(&u, 0x0A, 0x38, p, sizeof(p), &report));
    assert_int_equal(u.refused, 0);
    p[1] = 3;
    assert_false(ubx_decode(&u, 0x0A, 0x38, p, sizeof(p), &report));
    assert_int_equal(u.refused, 1);
    p[0] = p[1] = 1;
    assert_false(ubx_decode(&u, 0x0A, 0x38, p, sizeof(p), &report));
    assert_int_equal(u.refused, 2);
    assert_same(&report, &nothing);
}

static void test_threats(void **state)
{
    static const struct {
        const char *name;
        unsigned class_id, message_id;
        size_t len;
        uint8_t payload[60];
        enum receiver_threat jamming, spoofing;
        enum outcome outcome;
    } cases[] = {
        {"status 0", 1, 3, 16, {[7] = 0x00}, 0, THREAT_UNKNOWN, SILENT},
        {"status 1", 1, 3, 16, {[7] = 0x08}, 0, THREAT_NONE, SAYS},
        {"status 2", 1, 3, 16, {[7] = 0x10}, 0, THREAT_WARNING, SAYS},
        {"status 3", 1, 3, 16, {[7] = 0x1B}, 0, THREAT_CRITICAL, SAYS},
        {"status, other bits", 1, 3, 16, {[7] = 0xE7}, 0, THREAT_UNKNOWN, SILENT},
        {"hw 2", 10, 9, 60, {[22] = 0x08}, THREAT_WARNING, 0, SAYS},
        {"hw 3", 10, 9, 60, {[22] = 0x0F}, THREAT_CRITICAL, 0, SAYS},
        {"hw, other bits", 10, 9, 60, {[22] = 0xF3}, 0, 0, SILENT},
        {"rf, the worse of two", 10, 56, 52, {[1] = 2, [5] = 2, [29] = 1}, THREAT_WARNING, 0, SAYS},
        {"rf, the worse of two", 10, 56, 52, {[1] = 2, [5] = 1, [29] = 3}, THREAT_CRITICAL, 0, SAYS},
        {"rf, one of them unknown", 10, 56, 52, {[1] = 2, [5] = 0, [29] = 1}, THREAT_NONE, 0, SAYS},
        {"sig 1", 39, 9, 12, {1, [4] = 0x05, [8] = 0x07}, THREAT_WARNING, THREAT_CRITICAL, SAYS},
        {"sig 1, off", 39, 9, 12, {1, [4] = 0x04, [8] = 0x06}, 0, 0, SILENT},
        {"sig 1, one off", 39, 9, 12, {1, [4] = 0x04, [8] = 0x05}, 0, THREAT_WARNING, SAYS},
        {"sig 2", 39, 9, 4, {2, 0x35}, THREAT_WARNING, 0, SAYS},
        {"sig 2", 39, 9, 4, {2, 0x3D}, THREAT_WARNING, THREAT_CRITICAL, SAYS},
        {"sig 2, off", 39, 9, 4, {2, 0x36}, 0, 0, SILENT},
        {"sig 3", 39, 9, 8, {3, 0x2B, 0, 1}, THREAT_NONE, THREAT_WARNING, SAYS},
        {"sig 4", 39, 9, 12, {4, 0x2B}, 0, 0, REFUSED},
        {"sig 0", 39, 9, 12, {0, 0x2B}, 0, 0, REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct receiver_report report = nothing, expected = nothing;
        struct ubx u;

        ubx_init(&u);
        expected.jamming = cases[i].jamming;
        expected.spoofing = cases[i].spoofing;
        expect(
            &u,
            ubx_decode(&u, cases[i].class_id, cases[i].message_id, cases[i].payload, cases[i].len, &report),
            cases[i].outcome);
        if (report.jamming != expected.jamming || report.spoofing != expected.spoofing)
            fail_msg("%s: %d %d", cases[i].name, (int)report.jamming, (int)report.spoofing);
        assert_same(&report, &expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_short),  cmocka_unit_test(test_of_no_interest),
        cmocka_unit_test(test_tim_tp),     cmocka_unit_test(test_nav_timegps),
        cmocka_unit_test(test_nav_timels), cmocka_unit_test(test_leap_until_its_second),
        cmocka_unit_test(test_antenna),    cmocka_unit_test(test_mon_rf_blocks),
        cmocka_unit_test(test_threats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
