/* SPDX-License-Identifier: BSD-2-Clause */
/* The logical clock over a base that the test moves by hand; the units of clock_adjtime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bmca/ptp.h"
#include "gmd/clock/clock.h"
#include "gmd/clock/common.h"
#include "gmd/clock/timeline.h"

#define START_NS 1795303460891028434LL /* a TAI time of 2026 */

/* A base that shows what the test says, and must never be adjusted. */
struct base {
    struct clock clock;
    int64_t now_ns;
    int error;
    int closed;
};

static int base_read(struct clock *c, int64_t *now_ns)
{
    struct base *b = (struct base *)c;
    *now_ns = b->now_ns;
    return b->error;
}

static int base_convert(struct clock *c, enum stamp kind, int64_t raw_ns, int64_t *clock_ns)
{
    if (kind == STAMP_HARDWARE)
        return -EOPNOTSUPP;
    *clock_ns = raw_ns;
    return ((struct base *)c)->error;
}

static int base_adjust(struct clock *c, double freq_ppb)
{
    (void)c;
    (void)freq_ppb;
    fail_msg("the base was adjusted");
    return 0;
}

static int base_step(struct clock *c, int64_t delta_ns)
{
    (void)c;
    (void)delta_ns;
    fail_msg("the base was stepped");
    return 0;
}

static void base_close(struct clock *c)
{
    ((struct base *)c)->closed++;
}

static const struct clock_ops base_ops = {.name = "base",
                                          .read = base_read,
                                          .convert = base_convert,
                                          .adjust = base_adjust,
                                          .step = base_step,
                                          .close = base_close};

static struct base base;

static struct clock *open_logical(int64_t start_ns)
{
    char error[160];
    base = (struct base){.clock = {.ops = &base_ops, .description = "the base"}, .now_ns = start_ns};
    struct clock *c = clock_logical_open(&base.clock, error, sizeof(error));
    assert_non_null(c);
    return c;
}

static int64_t reading(struct clock *c)
{
    int64_t now_ns = 0;
    assert_int_equal(c->ops->read(c, &now_ns), 0);
    return now_ns;
}

static int64_t converted(struct clock *c, int64_t raw_ns)
{
    int64_t ns = 0;
    assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, raw_ns, &ns), 0);
    return ns;
}

static void starts_as_its_base(void **state)
{
    (void)state;
    struct clock *c = open_logical(START_NS);
    assert_string_equal(c->ops->name, "logical");
    assert_string_equal(c->description, "logical clock on the base");
    assert_true(reading(c) == START_NS);
    base.now_ns += 12345678901LL;
    assert_true(reading(c) == START_NS + 12345678901LL);
    c->ops->close(c);
    assert_int_equal(base.closed, 1);
}

static void rates_are_exact(void **state)
{
    (void)state;
    static const struct {
        double ppb;
        int64_t elapsed_ns, gained_ns;
    } cases[] = {
        {0.0, 86400 * NS_PER_S, 0},
        {1.0, NS_PER_S, 1},
        {-1.0, NS_PER_S, -1},
        {25000.0, NS_PER_S, 25000},
        {-25000.0, 86400LL * NS_PER_S, -2160000000LL},
        {0.001, 10000LL * NS_PER_S, 10},
        {100000.0, 30LL * 86400 * NS_PER_S, 259200000000LL},
        {1e6, 365LL * 86400 * NS_PER_S, 31536000000000LL},
        {2e6, NS_PER_S, 1000000}, /* clipped */
        {-INFINITY, NS_PER_S, -1000000},
        {NAN, NS_PER_S, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clock *c = open_logical(START_NS);
        assert_int_equal(c->ops->adjust(c, cases[i].ppb), 0);
        assert_true(reading(c) == START_NS);
        base.now_ns += cases[i].elapsed_ns;
        int64_t gained_ns = reading(c) - base.now_ns;
        /* floor of a double: one ns of play */
        if (llabs(gained_ns - cases[i].gained_ns) > 1)
            fail_msg("case %zu: gained %lld ns", i, (long long)gained_ns);
        c->ops->close(c);
    }
}

static void adjusting_does_not_jump(void **state)
{
    (void)state;
    struct clock *c = open_logical(START_NS);
    srand(7);
    for (int i = 0; i < 10000; i++) {
        base.now_ns += rand() % 2000000000;
        int64_t before_ns = reading(c);
        assert_int_equal(c->ops->adjust(c, (rand() % 2000001 - 1000000)), 0);
        assert_true(reading(c) == before_ns);
    }
    c->ops->close(c);
}

static void steps_are_exact(void **state)
{
    (void)state;
    static const int64_t steps[] = {1, -1, 37 * NS_PER_S, -37 * NS_PER_S, -START_NS / 2, START_NS, 0};
    struct clock *c = open_logical(START_NS);
    c->ops->adjust(c, 12345.678);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        base.now_ns += 123456789;
        int64_t before_ns = reading(c);
        assert_int_equal(c->ops->step(c, steps[i]), 0);
        assert_true(reading(c) == before_ns + steps[i]);
    }
    c->ops->close(c);
}

/* A stamp taken before an adjustment or step converts as if it had not happened. */
static void history_converts(void **state)
{
    (void)state;
    struct clock *c = open_logical(START_NS);
    c->ops->adjust(c, 1e6);
    base.now_ns += NS_PER_S;
    int64_t raw_ns = base.now_ns - 300000000, shown_ns = converted(c, raw_ns);
    assert_true(llabs(shown_ns - (START_NS + 700000000 + 700000)) <= 1);
    for (int i = 0; i < TIMELINE_SEGMENTS - 3; i++) {
        c->ops->adjust(c, -1e6 + i);
        c->ops->step(c, i % 2 ? 5 * NS_PER_S : -5 * NS_PER_S);
        base.now_ns += 1000;
        assert_true(i > (TIMELINE_SEGMENTS - 3) / 2 || converted(c, raw_ns) == shown_ns);
    }
    /* the edge of a segment belongs to the newer one */
    int64_t edge_ns = base.now_ns, before_ns = reading(c);
    c->ops->step(c, NS_PER_S);
    assert_true(converted(c, edge_ns) == before_ns + NS_PER_S);
    assert_true(converted(c, edge_ns - 1) < before_ns);
    /* a little in the future: by the present rate */
    c->ops->adjust(c, 1e6);
    assert_true(llabs(converted(c, base.now_ns + 1000000) - (reading(c) + 1001000)) <= 1);
    c->ops->close(c);
}

static void a_million_adjustments_do_not_drift(void **state)
{
    (void)state;
    struct clock *c = open_logical(START_NS);
    long double expected = 0;
    srand(42);
    for (int i = 0; i < 1000000; i++) {
        double ppb = (rand() % 200001 - 100000) + 0.123;
        int64_t elapsed_ns = 1 + rand() % 100000000;
        c->ops->adjust(c, ppb);
        base.now_ns += elapsed_ns;
        expected += (long double)elapsed_ns * (long double)ppb * 1e-9L;
    }
    int64_t gained_ns = reading(c) - base.now_ns;
    if (fabsl((long double)gained_ns - expected) > 2)
        fail_msg("seed 42: gained %lld, expected %.3Lf", (long long)gained_ns, expected);
    c->ops->close(c);
}

/* A base set back (by somebody else) shows as that jump, and the clock works on after the next command. */
static void base_jumps_show(void **state)
{
    (void)state;
    struct clock *c = open_logical(START_NS);
    base.now_ns += 10 * NS_PER_S;
    c->ops->step(c, 1200000000);
    base.now_ns += NS_PER_S;
    int64_t before_ns = reading(c);
    base.now_ns -= 5 * NS_PER_S;
    assert_true(reading(c) == before_ns - 5 * NS_PER_S);
    c->ops->step(c, 5 * NS_PER_S);
    assert_true(reading(c) == before_ns);
    assert_true(converted(c, base.now_ns - 1) == before_ns - 1);
    base.now_ns += NS_PER_S;
    assert_true(converted(c, base.now_ns) == before_ns + NS_PER_S);
    assert_true(converted(c, base.now_ns - 1) == before_ns + NS_PER_S - 1);
    c->ops->close(c);
}

static void base_errors_pass_through(void **state)
{
    (void)state;
    struct clock *c = open_logical(START_NS);
    int64_t ns;
    c->ops->adjust(c, 100.0);
    assert_int_equal(c->ops->convert(c, STAMP_HARDWARE, 1, &ns), -EOPNOTSUPP);
    base.error = -EIO;
    assert_int_equal(c->ops->read(c, &ns), -EIO);
    assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, 1, &ns), -EIO);
    assert_int_equal(c->ops->adjust(c, 5.0), -EIO);
    assert_int_equal(c->ops->step(c, 5), -EIO);
    assert_true(c->freq_ppb == 100.0);
    c->ops->close(c);

    char error[160];
    base.closed = 0;
    assert_null(clock_logical_open(&base.clock, error, sizeof(error)));
    assert_string_equal(error, "logical clock: the base cannot be read: Input/output error");
    assert_int_equal(base.closed, 1);
}

static void on_the_readonly_system_clock(void **state)
{
    (void)state;
    char error[160];
    struct clock *system = clock_readonly_system_open(37, error, sizeof(error));
    assert_int_equal(system->ops->adjust(system, 1.0), -EPERM);
    assert_int_equal(system->ops->step(system, 1), -EPERM);
    struct clock *c = clock_logical_open(system, error, sizeof(error));
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t raw_ns = ts.tv_sec * NS_PER_S + ts.tv_nsec;
    int64_t late_ns = reading(c) - (raw_ns + 37 * NS_PER_S);
    assert_in_range(late_ns, 0, NS_PER_S);
    assert_true(converted(c, raw_ns) == raw_ns + 37 * NS_PER_S);
    clock_system_set_utc_offset(system, 38);
    assert_true(converted(c, raw_ns) == raw_ns + 38 * NS_PER_S);
    assert_int_equal(c->ops->step(c, -1200000000), 0);
    assert_true(reading(c) - (raw_ns + 38 * NS_PER_S) < 0);
    c->ops->close(c);
}

/* clock_adjtime's units, against a stand-in for the system call */
static struct timex last;
static int answer;

static int fake_adjtime(clockid_t id, struct timex *tx)
{
    assert_int_equal(id, 99);
    last = *tx;
    tx->freq = 655360; /* what a call that asks gets to see */
    errno = EPERM;
    return answer;
}

static void kernel_frequency(void **state)
{
    (void)state;
    static const struct {
        double ppb;
        long scaled_ppm;
    } cases[] = {{0, 0},      {1000, 65536}, {-1000, -65536}, {500000, 32768000}, {-500000, -32768000},
                 {0.0153, 1}, {0.007, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double applied_ppb = NAN;
        answer = 0;
        assert_int_equal(clock_id_adjust(fake_adjtime, 99, cases[i].ppb, &applied_ppb), 0);
        assert_int_equal(last.modes, ADJ_FREQUENCY);
        assert_true(last.freq == cases[i].scaled_ppm);
        assert_true(applied_ppb == (double)cases[i].scaled_ppm / 65.536);
    }
    double ppb = 7.0;
    answer = -1;
    assert_int_equal(clock_id_adjust(fake_adjtime, 99, 1.0, &ppb), -EPERM);
    assert_int_equal(clock_id_frequency(fake_adjtime, 99, &ppb), -EPERM);
    assert_true(ppb == 7.0);
    answer = TIME_ERROR; /* the clock's state, not an error */
    assert_int_equal(clock_id_frequency(fake_adjtime, 99, &ppb), 0);
    assert_int_equal(last.modes, 0);
    assert_true(ppb == 10000.0);
}

static void kernel_step(void **state)
{
    (void)state;
    static const struct {
        int64_t delta_ns;
        long s, ns;
    } cases[] = {{1, 0, 1},
                 {-1, -1, 999999999},
                 {37 * NS_PER_S, 37, 0},
                 {-37 * NS_PER_S, -37, 0},
                 {-1500000000, -2, 500000000},
                 {1795303460891028434LL, 1795303460, 891028434}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answer = 0;
        assert_int_equal(clock_id_step(fake_adjtime, 99, cases[i].delta_ns), 0);
        assert_int_equal(last.modes, ADJ_SETOFFSET | ADJ_NANO);
        assert_true(last.time.tv_sec == cases[i].s);
        assert_true(last.time.tv_usec == cases[i].ns);
    }
    answer = -1;
    assert_int_equal(clock_id_step(fake_adjtime, 99, 1), -EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_as_its_base),
        cmocka_unit_test(rates_are_exact),
        cmocka_unit_test(adjusting_does_not_jump),
        cmocka_unit_test(steps_are_exact),
        cmocka_unit_test(history_converts),
        cmocka_unit_test(a_million_adjustments_do_not_drift),
        cmocka_unit_test(base_jumps_show),
        cmocka_unit_test(base_errors_pass_through),
        cmocka_unit_test(on_the_readonly_system_clock),
        cmocka_unit_test(kernel_frequency),
        cmocka_unit_test(kernel_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
