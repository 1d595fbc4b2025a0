/* SPDX-License-Identifier: BSD-2-Clause */
/* How long before a deadline to get up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gmd/lead.h"

static void note(struct lead *l, int count, int64_t late_ns)
{
    for (int i = 0; i < count; i++)
        lead_note(l, late_ns);
}

static void none_before_the_first_wake(void **state)
{
    (void)state;
    const struct lead l = {0};
    assert_int_equal(lead_ns(&l), 0);
}

static void it_is_half_the_longest_wait(void **state)
{
    (void)state;
    struct lead l = {0};
    note(&l, 1, 20000);
    note(&l, 1, 250000);
    note(&l, 1, 30000);
    assert_int_equal(lead_ns(&l), 125000);
}

static void what_is_long_ago_is_forgotten(void **state)
{
    (void)state;
    struct lead l = {0};
    note(&l, 1, 250000);
    note(&l, LEAD_WAKES, 20000);
    assert_int_equal(lead_ns(&l), 125000);
    note(&l, LEAD_WAKES - 1, 20000);
    assert_int_equal(lead_ns(&l), 10000);
}

static void a_stall_is_none(void **state)
{
    (void)state;
    struct lead l = {0};
    note(&l, 1, 20000);
    note(&l, LEAD_WAKES, LEAD_WAIT_MAX_NS + 1);
    assert_int_equal(lead_ns(&l), 10000);
    note(&l, 1, LEAD_WAIT_MAX_NS);
    assert_int_equal(lead_ns(&l), LEAD_WAIT_MAX_NS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_before_the_first_wake),
        cmocka_unit_test(it_is_half_the_longest_wait),
        cmocka_unit_test(what_is_long_ago_is_forgotten),
        cmocka_unit_test(a_stall_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
