/* SPDX-License-Identifier: BSD-2-Clause */
/* UBX frames: found wherever they stand in the stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/ubx_rig.h"

/* The reports of all samples, in their order. */
static void samples_say(struct receiver_report *r)
{
    for (size_t i = 0; i < UBX_SAMPLES; i++)
        r[i] = nothing;
    r[0].spoofing = THREAT_NONE;
    r[1].gps_minus_utc_s = LEAP_S;
    r[1].has_tai = true;
    r[1].tai_s = TAI_S;
    r[1].time_accuracy_ns = 20;
    r[2].gps_minus_utc_s = LEAP_S;
    r[2].has_leap = true;
    r[2].leap_step_s = 1;
    r[2].leap_utc_s = UTC_2027;
    for (int i = 3; i <= 4; i++) {
        r[i].antenna = ANTENNA_OK;
        r[i].jamming = THREAT_NONE;
    }
    r[5].has_sawtooth = true;
    r[5].sawtooth_tai_s = TAI_S + 1;
    r[5].sawtooth_ns = 4.321; /* qErr is -4321 ps */
    for (int i = 6; i <= 7; i++) {
        r[i].jamming = THREAT_NONE;
        r[i].spoofing = THREAT_NONE;
    }
}

/* All samples' frames one after the other. Returns their length. */
static size_t all_samples(uint8_t *to)
{
    size_t len = 0;

    for (size_t i = 0; i < UBX_SAMPLES; i++)
        len += ubx_sample_frame(to + len, &ubx_samples[i]);
    return len;
}

/* The samples' reports come out of the stream, in pieces of so many bytes, and nothing else does. */
static void expect_samples(struct ubx *u, const uint8_t *stream, size_t len, size_t piece)
{
    struct receiver_report expected[UBX_SAMPLES], report;
    size_t said = 0;

    samples_say(expected);
    for (size_t at = 0; at < len; at += piece) {
        const uint8_t *data = stream + at;
        size_t left = len - at < piece ? len - at : piece;

        for (report = nothing; ubx_next(u, &data, &left, &report); report = nothing) {
            assert_true(said < UBX_SAMPLES);
            assert_same(&report, &expected[said++]);
        }
        assert_int_equal(left, 0);
    }
    assert_int_equal(said, UBX_SAMPLES);
}

static void test_split_anywhere(void **state)
{
    uint8_t stream[UBX_SAMPLES * UBX_SAMPLE_MAX];
    size_t len = all_samples(stream);

    (void)state;
    for (size_t piece = 1; piece <= len; piece++) {
        struct ubx u;

        ubx_init(&u);
        expect_samples(&u, stream, len, piece);
        assert_int_equal(u.frames, UBX_SAMPLES);
        assert_int_equal(u.checksum_errors + u.refused + u.overlong + u.undated, 0);
    }
}

/* What stands between frames: none of it swallows one. */
static void test_between(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        uint64_t false_starts, frames; /* each time */
    } between[] = {
        {"$GPRMC,021402.00,A,5230.0000,N,01322.0000,E,0.0,0.0,221126,,,A*5C\r\n", 66, 0, 0},
        {"{\"class\":\"VERSION\",\"release\":\"3.22\"}\r\n", 38, 0, 0},
        {"\xD3\x00\x13\x3E\xD0\x00\x03", 7, 0, 0}, /* RTCM */
        {"\xB5", 1, 0, 0},
        {"\xB5\xB5\xB5", 3, 0, 0},
        {"\xB5\x62", 2, 1, 0},                 /* its length is the next one's class and id */
        {"\xB5\x62\x01\x20\x10\x00", 6, 1, 0}, /* begins, and is cut off */
        {"\xB5\x62\x01\x20\xFF\xFF", 6, 1, 0},
        {"\xB5\x62\x01\x20\x01\x02", 6, 1, 0},                  /* longer by one than what is taken */
        {"\xB5\x62\x05\x01\x02\x00\x06\x01\x0F\x38", 10, 0, 1}, /* ACK-ACK */
        {"\xB5\x62\x05\x01\x02\x00\x06\x01\x0F\x39", 10, 1, 0},
    };
    static uint8_t stream[4096]; /* with zeros behind: what is taken for a frame comes to its end */

    (void)state;
    for (size_t i = 0; i < sizeof(between) / sizeof(between[0]); i++) {
        size_t len = 0;
        struct ubx u;

        for (size_t s = 0; s < UBX_SAMPLES; s++) {
            memcpy(stream + len, between[i].bytes, between[i].len);
            len += between[i].len;
            len += ubx_sample_frame(stream + len, &ubx_samples[s]);
        }
        memset(stream + len, 0, UBX_SAMPLE_MAX);
        len += UBX_SAMPLE_MAX;
        ubx_init(&u);
        expect_samples(&u, stream, len, len);
        assert_int_equal(u.frames, UBX_SAMPLES * (1 + between[i].frames));
        assert_int_equal(u.checksum_errors + u.overlong, UBX_SAMPLES * between[i].false_starts);
        assert_int_equal(u.refused, 0);
    }
}

/* The longest frame that is taken, and a message within another's payload, which is none. */
static void test_longest_hides_what_it_carries(void **state)
{
    uint8_t payload[UBX_PAYLOAD_MAX] = {0}, stream[2 * UBX_SAMPLE_MAX];
    size_t len;
    struct ubx u;
    const uint8_t *data = stream;
    struct receiver_report report = nothing;

    (void)state;
    ubx_sample_frame(payload + 20, &ubx_samples[5]);
    len =
        ubx_frame(stream, 0x02, 0x13, payload, sizeof(payload)); /* RXM-SFRBX carries what satellites send */
    ubx_init(&u);
    assert_false(ubx_next(&u, &data, &len, &report));
    assert_int_equal(u.frames, 1);
    assert_int_equal(u.len, 0);
}

/* One bit wrong, wherever it is: the message is lost, the next one is not. */
static void test_every_bit_counts(void **state)
{
    uint8_t stream[4 * UBX_SAMPLE_MAX] = {0};
    size_t first = ubx_sample_frame(stream, &ubx_samples[1]);
    size_t len = sizeof(stream); /* padded: what looks longer now comes to its end */

    (void)state;
    ubx_sample_frame(stream + first, &ubx_samples[5]);
    for (size_t bit = 0; bit < 8 * first; bit++) {
        struct receiver_report report = nothing;
        struct ubx u;
        const uint8_t *data = stream;
        size_t left = len;

        stream[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ubx_init(&u);
        assert_true(ubx_next(&u, &data, &left, &report));
        assert_true(report.has_sawtooth);
        assert_false(report.has_tai);
        assert_false(ubx_next(&u, &data, &left, &report));
        stream[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* Noise between the frames, with the first sync character in it. */
static void test_noise(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    static uint8_t stream[UBX_SAMPLES * (UBX_SAMPLE_MAX + 100)];

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 2000; round++) {
        size_t len = 0;
        struct ubx u;

        for (size_t s = 0; s < UBX_SAMPLES; s++) {
            for (int n = rand() % 100; n > 0; n--) {
                stream[len] = (uint8_t)(rand() % 20 ? rand() : 0xB5);
                stream[len] += stream[len] == 0x62;
                len++;
            }
            len += ubx_sample_frame(stream + len, &ubx_samples[s]);
        }
        ubx_init(&u);
        expect_samples(&u, stream, len, 1 + (size_t)rand() % 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_anywhere),
        cmocka_unit_test(test_between),
        cmocka_unit_test(test_longest_hides_what_it_carries),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
