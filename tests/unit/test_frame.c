/* SPDX-License-Identifier: BSD-2-Clause */
/* The outbox at its limits, and addresses as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gmd/ptp/frame.h"

static void addresses(void **state)
{
    (void)state;
    static const struct {
        struct address address;
        const char *text;
    } cases[] = {
        {{ADDRESS_IPV4, {192, 0, 2, 1}, 0}, "192.0.2.1"},
        {{ADDRESS_IPV4, {255, 255, 255, 255}, 0}, "255.255.255.255"},
        {{ADDRESS_IPV6, {0xfe, 0x80, [15] = 1}, 3}, "fe80::1"},
        {{ADDRESS_IPV6, {0}, 0}, "::"},
        {{ADDRESS_IPV6,
          {0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66},
          0},
         "2001:db8:1111:2222:3333:4444:5555:6666"},
        {{ADDRESS_MAC, {0x02, 0, 0, 0, 0xab, 0x0c}, 0}, "02:00:00:00:ab:0c"},
        {{ADDRESS_NONE, {1, 2, 3}, 0}, "none"},
        {{99, {1, 2, 3}, 0}, "none"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buf[ADDRESS_STRLEN];
        memset(buf, 'x', sizeof(buf));
        assert_ptr_equal(address_format(&cases[i].address, buf), buf);
        assert_string_equal(buf, cases[i].text);
    }
}

static void outbox_in_order_until_full(void **state)
{
    (void)state;
    static struct outbox box;
    for (unsigned i = 0; i < OUTBOX_FRAMES; i++) {
        assert_ptr_equal(outbox_next(&box), &box.frames[i]);
        assert_int_equal(box.count, i + 1);
    }
    assert_int_equal(box.overflows, 0);
    assert_null(outbox_next(&box));
    assert_null(outbox_next(&box));
    assert_int_equal(box.overflows, 2);
    assert_int_equal(box.count, OUTBOX_FRAMES);
}

/* A frame of an emptied box says nothing of its past. */
static void outbox_reuses_clean_frames(void **state)
{
    (void)state;
    static struct outbox box;
    struct frame_out *f = outbox_next(&box);
    memset(f, 0xff, sizeof(*f));
    box.count = 0;
    assert_ptr_equal(outbox_next(&box), f);
    assert_int_equal(f->channel, CHANNEL_EVENT);
    assert_int_equal(f->destination, DEST_PRIMARY_MULTICAST);
    static const struct address none;
    assert_memory_equal(&f->to, &none, sizeof(none));
    assert_int_equal(f->to_port, 0);
    assert_false(f->want_timestamp);
    assert_int_equal(f->token, 0);
    assert_int_equal(f->len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(outbox_in_order_until_full),
        cmocka_unit_test(outbox_reuses_clean_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
