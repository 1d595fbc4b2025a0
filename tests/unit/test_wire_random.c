/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire codec at random: good messages of all types come back octet by octet, damaged ones do no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/wire.h"

#define BYTES_MAX     512
#define RANDOM_ROUNDS 100000

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static void fill_random(void *p, size_t len, uint64_t *random)
{
    for (uint8_t *b = p; len > 0; len--)
        *b++ = (uint8_t)(next_random(random) >> 32);
}

/* Random octets with a good header, nanoseconds in range, no reserved bits and a chain of whole TLVs. */
static size_t random_message(uint8_t *octets, uint64_t *random)
{
    static const struct {
        uint8_t type, fixed;
    } messages[] = {
        {MSG_SYNC, 44},
        {MSG_DELAY_REQ, 44},
        {MSG_PDELAY_REQ, 54},
        {MSG_PDELAY_RESP, 54},
        {MSG_FOLLOW_UP, 44},
        {MSG_DELAY_RESP, 54},
        {MSG_PDELAY_RESP_FOLLOW_UP, 54},
        {MSG_ANNOUNCE, 64},
        {MSG_SIGNALING, 44},
        {MSG_MANAGEMENT, 48},
    };
    size_t pick = next_random(random) % (sizeof messages / sizeof messages[0]);
    uint8_t type = messages[pick].type;
    size_t len = messages[pick].fixed;
    fill_random(octets, len, random);
    octets[0] = (uint8_t)((octets[0] & 0xF0) | type);
    octets[1] = (uint8_t)((octets[1] & 0xF0) | PTP_VERSION);
    if (type != MSG_DELAY_REQ && type != MSG_PDELAY_REQ && type != MSG_ANNOUNCE)
        octets[PTP_HEADER_LEN + 6] &= 0x1F;
    if (type == MSG_PDELAY_REQ)
        memset(octets + 44, 0, 10);
    if (type == MSG_ANNOUNCE)
        octets[46] = 0;
    if (type == MSG_MANAGEMENT) {
        octets[46] &= 0x0F;
        octets[47] = 0;
    }
    for (unsigned n = next_random(random) % 6; n > 0; n--) {
        uint8_t value[64];
        fill_random(value, sizeof value, random);
        uint16_t tlv_len = (uint16_t)(next_random(random) % sizeof value);
        assert_int_equal(tlv_append(octets, BYTES_MAX, &len, (uint16_t)next_random(random), value, tlv_len),
                         WIRE_OK);
    }
    octets[2] = (uint8_t)(len >> 8);
    octets[3] = (uint8_t)len;
    return len;
}

static void test_random_round_trip(void **state)
{
    (void)state;
    uint64_t random = 0x9E3779B97F4A7C15;
    print_message("seed %#llx\n", (unsigned long long)random);
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        uint8_t octets[BYTES_MAX], out[BYTES_MAX];
        size_t len = random_message(octets, &random);
        struct ptp_message m;
        assert_int_equal(wire_decode(octets, len, &m), WIRE_OK);
        assert_int_equal(wire_encode(&m, out, sizeof out), (int)len);
        assert_memory_equal(out, octets, len);
        assert_int_equal(wire_decode(octets, next_random(&random) % len, &m), WIRE_TRUNCATED);
    }
}

/* Octets changed at random: whatever comes of it, what is accepted encodes to something that is accepted. */
static void test_random_damage(void **state)
{
    (void)state;
    uint64_t random = 0xD1B54A32D192ED03;
    print_message("seed %#llx\n", (unsigned long long)random);
    unsigned seen[WIRE_ERRORS] = {0};
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        uint8_t octets[BYTES_MAX], out[BYTES_MAX];
        size_t len = random_message(octets, &random);
        for (unsigned n = 1 + next_random(&random) % 3; n > 0; n--) {
            size_t at = next_random(&random) % (n == 1 ? 4 : len); /* one of them where it hurts */
            octets[at] ^= (uint8_t)(1 << next_random(&random) % 8);
        }
        struct ptp_message m;
        int error = wire_decode(octets, len, &m);
        assert_in_range(-error, 0, WIRE_ERRORS - 1);
        seen[-error]++;
        if (error == WIRE_OK) {
            int encoded = wire_encode(&m, out, sizeof out);
            assert_int_equal(encoded, octets[2] << 8 | octets[3]);
            assert_int_equal(wire_decode(out, (size_t)encoded, &m), WIRE_OK);
        }
    }
    for (int e = 0; e < WIRE_ERRORS - 1; e++)
        assert_true(seen[e] > 0);
    assert_int_equal(seen[-WIRE_SPACE], 0); /* an encoder's error */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_round_trip),
        cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
