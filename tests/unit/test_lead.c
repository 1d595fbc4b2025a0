/* SPDX-License-Identifier: BSD-2-Clause */
/* How long before a deadline to get up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gmd/lead.h"

/* After so many wakes that came so late. */
static int64_t after(int64_t lead_ns, int count, int64_t late_ns)
{
    for (int i = 0; i < count; i++)
        lead_ns = lead_after(lead_ns, late_ns);
    return lead_ns;
}

static void none_where_wakes_are_exact(void **state)
{
    (void)state;
    assert_int_equal(after(0, 100, 0), 0);
    assert_int_equal(after(0, 100, -5), 0);
}

static void it_comes_to_what_is_usual(void **state)
{
    (void)state;
    assert_in_range(after(0, 30, 200000), 200000 - LEAD_FALL_NS, 200000 + LEAD_RISE_NS);
    assert_in_range(after(LEAD_MAX_NS, 500, 200000), 200000 - LEAD_FALL_NS, 200000 + LEAD_RISE_NS);
}

/* Waits spread evenly over 0..200 us: 19 in 20 are below 190. */
static void it_suffices_nineteen_times_in_twenty(void **state)
{
    (void)state;
    int64_t lead_ns = 0, sum_ns = 0;
    uint32_t seed = 1;
    const int count = 20000;
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        lead_ns = lead_after(lead_ns, (int64_t)(seed >> 8) % 200000);
        sum_ns += lead_ns;
    }
    assert_in_range(sum_ns / count, 180000, 200000);
}

static void a_stall_hardly_moves_it(void **state)
{
    (void)state;
    assert_int_equal(after(50000, 1, 100000000), 50000 + LEAD_RISE_NS);
    assert_int_equal(after(0, 1000, 100000000), LEAD_MAX_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_where_wakes_are_exact),
        cmocka_unit_test(it_comes_to_what_is_usual),
        cmocka_unit_test(it_suffices_nineteen_times_in_twenty),
        cmocka_unit_test(a_stall_hardly_moves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
