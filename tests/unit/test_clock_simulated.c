/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated clock against a true time that the test moves by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bmca/ptp.h"
#include "gmd/clock/clock.h"

#define START_NS 1795303460891028434LL
#define DAY_NS   (86400 * NS_PER_S)

static int64_t true_ns;

static int64_t true_now(void *ctx)
{
    assert_ptr_equal(ctx, &true_ns);
    return true_ns;
}

static struct clock *open_simulated(struct oscillator_model model)
{
    char error[160];
    true_ns = START_NS;
    struct clock *c = clock_simulated_open(&model, true_now, &true_ns, 37, error, sizeof(error));
    assert_non_null(c);
    return c;
}

/* How far the clock is ahead of true time. */
static int64_t ahead(struct clock *c)
{
    int64_t now_ns = 0;
    assert_int_equal(c->ops->read(c, &now_ns), 0);
    return now_ns - true_ns;
}

static void is_near(int64_t value, double expected, double tolerance)
{
    if (fabs((double)value - expected) > tolerance)
        fail_msg("%lld, expected %.1f +- %.1f", (long long)value, expected, tolerance);
}

static void models(void **state)
{
    (void)state;
    static const struct {
        struct oscillator_model model;
        int64_t elapsed_ns;
        double ahead_ns, tolerance_ns;
    } cases[] = {
        {{0}, DAY_NS, 0, 0},
        {{.offset_ns = -1200000000}, DAY_NS, -1200000000, 0},
        {{.freq_ppb = 25000, .offset_ns = 1200000000}, 100 * NS_PER_S, 1200000000 + 2500000, 1},
        {{.freq_ppb = -25000}, DAY_NS + 123456789, -2160003086.4, 1},
        /* drift: half of rate times the square of time */
        {{.drift_ppb_per_day = 100}, DAY_NS, 0.5 * 100 * 86400, 1},
        {{.freq_ppb = 10, .drift_ppb_per_day = -10}, 2 * DAY_NS, 2 * 864000 - 0.5 * 20 * 172800, 2},
        /* wander: 1 ppb per sqrt(s) gives sqrt(T^3/3) = 18 us (1 sigma) after 1000 s */
        {{.wander_ppb = 1, .seed = 5}, 1000 * NS_PER_S, 0, 60000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clock *c = open_simulated(cases[i].model);
        is_near(ahead(c), (double)cases[i].model.offset_ns, 0);
        true_ns += cases[i].elapsed_ns;
        is_near(ahead(c), cases[i].ahead_ns, cases[i].tolerance_ns);
        c->ops->close(c);
    }
}

/* What the oscillator does is its own affair, whoever looks. */
static void independent_of_reading(void **state)
{
    (void)state;
    const struct oscillator_model model = {
        .freq_ppb = 300, .drift_ppb_per_day = 10, .wander_ppb = 5, .seed = 11};
    struct clock *often = open_simulated(model), *seldom = open_simulated(model);
    srand(3);
    while (true_ns < START_NS + 500 * NS_PER_S) {
        true_ns += 1 + rand() % 700000000;
        ahead(often);
    }
    assert_true(ahead(often) == ahead(seldom));
    struct oscillator_model other = model;
    other.seed = 12;
    int64_t end_ns = true_ns;
    struct clock *different = open_simulated(other);
    true_ns = end_ns;
    assert_true(ahead(different) != ahead(often));
    often->ops->close(often);
    seldom->ops->close(seldom);
    different->ops->close(different);
}

static void wander_grows_as_it_should(void **state)
{
    (void)state;
    double sum = 0;
    const int runs = 300;
    for (int i = 0; i < runs; i++) {
        struct clock *c = open_simulated((struct oscillator_model){.wander_ppb = 2, .seed = 1000u + i});
        true_ns += 100 * NS_PER_S;
        double off = (double)ahead(c);
        sum += off * off;
        c->ops->close(c);
    }
    /* the sum of random steps: sigma^2 * n^3 / 3 for n = 100 s */
    double rms = sqrt(sum / runs), expected = 2 * sqrt(100.0 * 100 * 100 / 3);
    if (rms < 0.85 * expected || rms > 1.15 * expected)
        fail_msg("rms %.1f ns, expected %.1f (seeds 1000..)", rms, expected);
}

static void steered_like_a_phc(void **state)
{
    (void)state;
    struct clock *c = open_simulated((struct oscillator_model){.freq_ppb = 25000, .offset_ns = 1200000000});
    true_ns += 1500000000;
    int64_t before_ns = ahead(c);
    assert_int_equal(c->ops->step(c, -before_ns), 0);
    is_near(ahead(c), 0, 0);
    /* the inverse of (1 + 25 ppm) */
    assert_int_equal(c->ops->adjust(c, -25000.0 / 1.000025), 0);
    is_near(ahead(c), 0, 0);
    true_ns += 1000 * NS_PER_S;
    is_near(ahead(c), 0, 1);
    assert_int_equal(c->ops->adjust(c, 9e9), 0);
    assert_true(c->freq_ppb == c->max_freq_ppb);
    c->ops->close(c);
}

static void converts_over_changes(void **state)
{
    (void)state;
    struct clock *c = open_simulated((struct oscillator_model){.freq_ppb = 1000});
    int64_t utc_ns = 37 * NS_PER_S, system_ns, hardware_ns, before_ns;
    true_ns += 10 * NS_PER_S;
    int64_t stamp_ns = true_ns - 400000000;
    assert_int_equal(c->ops->convert(c, STAMP_HARDWARE, stamp_ns, &before_ns), 0);
    is_near(before_ns - stamp_ns, 9600, 1);
    c->ops->adjust(c, -50000);
    c->ops->step(c, -NS_PER_S);
    clock_simulated_disturb(c, 777);
    true_ns += 3 * NS_PER_S;
    ahead(c);
    assert_int_equal(c->ops->convert(c, STAMP_HARDWARE, stamp_ns, &hardware_ns), 0);
    assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, stamp_ns - utc_ns, &system_ns), 0);
    assert_true(hardware_ns == before_ns);
    assert_true(system_ns == before_ns);
    /* a little in the future */
    assert_int_equal(c->ops->convert(c, STAMP_HARDWARE, true_ns + 2000000, &hardware_ns), 0);
    is_near(hardware_ns - (true_ns + 2000000), (double)ahead(c) - 98, 1);
    c->ops->close(c);
}

static void disturbed_behind_our_back(void **state)
{
    (void)state;
    struct clock *c = open_simulated((struct oscillator_model){.freq_ppb = 0});
    c->ops->adjust(c, 500);
    clock_simulated_disturb(c, -123456789);
    assert_true(c->freq_ppb == 500);
    is_near(ahead(c), -123456789, 0);
    c->ops->close(c);
}

/* As a logical clock's base. */
static void under_a_logical_clock(void **state)
{
    (void)state;
    char error[160];
    struct clock *c = open_simulated((struct oscillator_model){.freq_ppb = -25000, .offset_ns = -1200000000});
    c = clock_logical_open(c, error, sizeof(error));
    assert_non_null(c);
    c->ops->step(c, 1200000000);
    c->ops->adjust(c, 25000.0 / (1 - 25e-6));
    true_ns += 3600 * NS_PER_S;
    is_near(ahead(c), 0, 3);
    int64_t shown_ns;
    assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, true_ns - 37 * NS_PER_S, &shown_ns), 0);
    is_near(shown_ns - true_ns, 0, 3);
    c->ops->close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models),
        cmocka_unit_test(independent_of_reading),
        cmocka_unit_test(wander_grows_as_it_should),
        cmocka_unit_test(steered_like_a_phc),
        cmocka_unit_test(converts_over_changes),
        cmocka_unit_test(disturbed_behind_our_back),
        cmocka_unit_test(under_a_logical_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
