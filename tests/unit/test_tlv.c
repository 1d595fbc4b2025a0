/* SPDX-License-Identifier: BSD-2-Clause */
/* TLV chains at their bounds: what fits, what ends a chain, what is malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/wire.h"

static void test_tlv_append_bounds(void **state)
{
    (void)state;
    static const uint8_t value[] = {1, 2, 3};
    static const uint8_t expected[] = {0x00, 0x03, 0x00, 0x04, 1, 2, 3, 0}; /* padded to even */
    for (size_t size = 0; size <= sizeof expected + 1; size++) {
        uint8_t buf[16];
        memset(buf, 0xA5, sizeof buf);
        size_t at = 2;
        int error = tlv_append(buf, size + 2, &at, TLV_ORGANIZATION_EXTENSION, value, sizeof value);
        bool fits = size >= sizeof expected;
        assert_int_equal(error, fits ? WIRE_OK : WIRE_SPACE);
        assert_int_equal(at, fits ? 2 + sizeof expected : 2);
        if (fits)
            assert_memory_equal(buf + 2, expected, sizeof expected);
        for (size_t i = fits ? 2 + sizeof expected : 0; i < sizeof buf; i++)
            assert_int_equal(buf[i], 0xA5);
    }

    static uint8_t big[UINT16_MAX + 8];
    size_t at = 0;
    assert_int_equal(tlv_append(big, sizeof big, &at, 1, big, UINT16_MAX),
                     WIRE_SPACE); /* 65536 with its pad */
    at = 5;
    assert_int_equal(tlv_append(big, 4, &at, 1, NULL, 0), WIRE_SPACE);
    assert_int_equal(at, 5);
    at = 0;
    assert_int_equal(tlv_append(big, 4, &at, 0x1234, NULL, 0), WIRE_OK);
    assert_memory_equal(big, "\x12\x34\0\0", 4);
}

static void test_tlv_next_ends(void **state)
{
    (void)state;
    static const uint8_t chain[] = {0x00, 0x08, 0x00, 0x00, 0x00, 0x03, 0x00, 0x02, 7, 8, 0xFF, 0xFF, 0xFF};
    struct tlv tlv;
    size_t at = 0;
    assert_int_equal(tlv_next(chain, sizeof chain, &at, &tlv), 1);
    assert_int_equal(tlv.length, 0);
    assert_int_equal(tlv_next(chain, sizeof chain, &at, &tlv), 1);
    assert_int_equal(tlv.type, TLV_ORGANIZATION_EXTENSION);
    assert_memory_equal(tlv.value, "\x07\x08", 2);
    assert_int_equal(tlv_next(chain, sizeof chain, &at, &tlv), 0); /* three octets are no TLV */
    assert_int_equal(at, 10);
    at = 4;
    assert_int_equal(tlv_next(chain, 9, &at, &tlv), WIRE_TLV);
    assert_int_equal(at, 4);
    at = 0;
    assert_int_equal(tlv_next(NULL, 0, &at, &tlv), 0);
    at = 99;
    assert_int_equal(tlv_next(chain, sizeof chain, &at, &tlv), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tlv_append_bounds),
        cmocka_unit_test(test_tlv_next_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
