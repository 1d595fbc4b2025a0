/* SPDX-License-Identifier: BSD-2-Clause */
/* The served clock as a line for the kernel: it must say what the clock's own conversion says. */
#include "gmd/net/clock_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "bmca/ptp.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t true_time(void *ctx)
{
    (void)ctx;
    return read_ns(CLOCK_REALTIME) + 37 * NS_PER_S;
}

static struct clock *logical(double base_ppb, double freq_ppb, int64_t step_ns)
{
    char error[160];
    const struct oscillator_model model = {.offset_ns = 123456789, .freq_ppb = base_ppb};
    struct clock *base = clock_simulated_open(&model, true_time, NULL, 37, error, sizeof error);
    assert_non_null(base);
    struct clock *c = clock_logical_open(base, error, sizeof error);
    assert_non_null(c);
    assert_int_equal(c->ops->adjust(c, freq_ppb), 0);
    assert_int_equal(c->ops->step(c, step_ns), 0);
    return c;
}

static void agrees(struct clock *c, enum stamp kind, int64_t raw_offset_ns)
{
    static const int64_t ages_ns[] = {0, 1000, NS_PER_S / 4, NS_PER_S, 3 * NS_PER_S};
    struct kernel_line line;
    assert_int_equal(clock_line(c, kind, &line), 0);
    assert_int_equal(clock_line_socket_lag(kind), raw_offset_ns);
    for (size_t i = 0; i < sizeof ages_ns / sizeof ages_ns[0]; i++) {
        const int64_t raw_ns = line.raw_ns + ages_ns[i];
        __s64 by_line_ns = 0;
        int64_t by_clock_ns;
        assert_true(kernel_line_at(&line, raw_ns, &by_line_ns));
        assert_int_equal(c->ops->convert(c, kind, raw_ns - raw_offset_ns, &by_clock_ns), 0);
        assert_in_range(by_line_ns - by_clock_ns + 4, 0, 8); /* a rounding for each second */
    }
}

static const struct {
    double base_ppb, freq_ppb;
    int64_t step_ns;
} cases[] = {
    {0, 0, 0}, {25000, -24999.5, 0}, {-300, 5, -7 * NS_PER_S}, {1e5, 9e5, 12345}, {0, -1e6, 1},
};

static void test_over_software_stamps(void **state)
{
    (void)state;
    const int64_t tai_s = (read_ns(CLOCK_TAI) - read_ns(CLOCK_REALTIME) + NS_PER_S / 2) / NS_PER_S;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct clock *c = logical(cases[i].base_ppb, cases[i].freq_ppb, cases[i].step_ns);
        agrees(c, STAMP_SYSTEM, tai_s * NS_PER_S);
        c->ops->close(c);
    }
}

/* The PHC's own reading is found from what the clock shows. */
static void test_over_hardware_stamps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct clock *c = logical(cases[i].base_ppb, cases[i].freq_ppb, cases[i].step_ns);
        struct kernel_line line;
        agrees(c, STAMP_HARDWARE, 0);
        assert_int_equal(clock_line(c, STAMP_HARDWARE, &line), 0);
        const int64_t age_ns = true_time(NULL) - line.raw_ns;
        assert_in_range(age_ns + 1000, 0, NS_PER_S);
        c->ops->close(c);
    }
}

static void test_reach(void **state)
{
    (void)state;
    const struct kernel_line line = {.raw_ns = 1000 * NS_PER_S, .clock_ns = 5, .excess = 1 << 22};
    __s64 ns;
    assert_false(kernel_line_at(&line, line.raw_ns + KERNEL_LINE_NS + 1, &ns));
    assert_false(kernel_line_at(&line, line.raw_ns - KERNEL_LINE_NS - 1, &ns));
    assert_true(kernel_line_at(&line, line.raw_ns + KERNEL_LINE_NS, &ns));
    assert_int_equal(ns, 5 + KERNEL_LINE_NS + KERNEL_LINE_NS / 1024);
}

static void test_clock_without_relation(void **state)
{
    (void)state;
    char error[160];
    struct kernel_line line;
    struct clock *c = clock_readonly_system_open(37, error, sizeof error);
    assert_true(clock_line(c, STAMP_HARDWARE, &line) < 0);
    c->ops->close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_software_stamps),
        cmocka_unit_test(test_over_hardware_stamps),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_clock_without_relation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
