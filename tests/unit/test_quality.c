/* SPDX-License-Identifier: BSD-2-Clause */
/* Quality: accuracy classes with hysteresis, the log variance, and what each state announces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "holdover/discipline.h"

static void test_accuracy_covering(void **state)
{
    (void)state;
    /* IEEE 1588-2019 table 5 */
    static const struct {
        double bound_ns;
        uint8_t accuracy;
    } cases[] = {
        {0, 0x20},    {25, 0x20},    {25.1, 0x21},   {100, 0x21},  {250, 0x22},      {251, 0x23},
        {1000, 0x23}, {2500, 0x24},  {10e3, 0x25},   {25e3, 0x26}, {100e3, 0x27},    {250e3, 0x28},
        {1e6, 0x29},  {2.5e6, 0x2A}, {10e6, 0x2B},   {25e6, 0x2C}, {100e6, 0x2D},    {250e6, 0x2E},
        {1e9, 0x2F},  {10e9, 0x30},  {10.1e9, 0x31}, {1e18, 0x31}, {INFINITY, 0x31}, {NAN, 0x31},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(accuracy_covering(cases[i].bound_ns), cases[i].accuracy);
}

static void test_accuracy_hysteresis(void **state)
{
    (void)state;
    static const struct {
        int second;
        double bound_ns;
        uint8_t announced;
    } rows[] = {
        {0, 60, 0x21},                                    /* first: at once */
        {1, 101, 0x22},                                   /* worse: at once */
        {2, 99, 0x22},    {15, 99, 0x22}, {30, 71, 0x22}, /* better, but not by enough: never */
        {31, 69, 0x22},   {40, 69, 0x22}, {41, 69, 0x21}, /* 10 s of it */
        {50, 150, 0x22},  {51, 60, 0x22}, {59, 90, 0x22}, /* interrupted */
        {60, 60, 0x22},   {69, 60, 0x22}, {70, 60, 0x21},
        {71, 5000, 0x25}, {72, 10, 0x25}, {82, 10, 0x20}, /* over several classes */
    };
    struct accuracy a;
    accuracy_init(&a);
    assert_int_equal(a.announced, CLOCK_ACCURACY_UNKNOWN);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t is = accuracy_follow(&a, rows[i].bound_ns, rows[i].second * NS_PER_S);
        if (is != rows[i].announced)
            fail_msg("second %d: 0x%02x, expected 0x%02x", rows[i].second, is, rows[i].announced);
    }
}

/* A bound that swings about a class limit must not make the announced value swing. */
static void test_accuracy_does_not_flap(void **state)
{
    (void)state;
    struct accuracy a;
    accuracy_init(&a);
    unsigned changes = 0;
    uint8_t last = accuracy_follow(&a, 90, 0);
    for (int t = 1; t < 10000; t++) {
        const uint8_t now = accuracy_follow(&a, 100 + 28 * sin(t * 0.37) * sin(t * 0.001), t * NS_PER_S);
        changes += now != last;
        last = now;
    }
    assert_int_equal(changes, 1);
}

static void test_log_variance(void **state)
{
    (void)state;
    static const struct {
        double variance_s2;
        uint16_t value;
    } cases[] = {
        {1, 0x8000},
        {2, 0x8100},
        {0.5, 0x7F00},
        {1.142e-15, 0x4E5D},     /* G.8275.1, T-GM locked to a PRTC */
        {25e-9 * 25e-9, 0x4D7E}, /* log2(6.25e-16) = -50.507 */
        {0x1p-63, 0x4100},       /* IEEE 802.1AS-2011's default */
        {1e300, 0xFFFE},
        {1e-300, 0},
        {0, 0xFFFF},
        {-1, 0xFFFF},
        {NAN, 0xFFFF},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(offset_scaled_log_variance(cases[i].variance_s2), cases[i].value);
}

static void test_of_each_state(void **state)
{
    (void)state;
    static const struct {
        enum discipline_state state;
        bool beyond;
        uint8_t clock_class, accuracy;
        uint16_t variance;
        bool traceable;
        uint8_t source;
    } cases[] = {
        {DISCIPLINE_FREE_RUN, false, 248, 0xFE, 0xFFFF, false, TIME_SOURCE_INTERNAL_OSCILLATOR},
        {DISCIPLINE_ACQUIRING, false, 248, 0xFE, 0xFFFF, false, TIME_SOURCE_INTERNAL_OSCILLATOR},
        {DISCIPLINE_LOCKED, false, 6, 0x21, 0x4E5D, true, TIME_SOURCE_GNSS},
        {DISCIPLINE_FROZEN, false, 6, 0x21, 0x4E5D, true, TIME_SOURCE_GNSS},
        {DISCIPLINE_HOLDOVER_IN, false, 7, 0x21, 0x4E5D, true, TIME_SOURCE_GNSS},
        {DISCIPLINE_HOLDOVER_OUT, true, 52, 0x21, 0xFFFF, false, TIME_SOURCE_INTERNAL_OSCILLATOR},
        {DISCIPLINE_REACQUIRING, false, 7, 0x21, 0x4E5D, true, TIME_SOURCE_GNSS},
        {DISCIPLINE_REACQUIRING, true, 52, 0x21, 0xFFFF, false, TIME_SOURCE_INTERNAL_OSCILLATOR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct discipline_config config = {.pulse_noise_ns = 20,
                                                 .locked_class = 6,
                                                 .holdover_class = 7,
                                                 .out_of_spec_class = 52,
                                                 .free_run_class = 248};
        struct discipline d;
        discipline_init(&d, &config);
        assert_false(discipline_quality(&d).may_serve);
        d.status.state = cases[i].state;
        d.beyond = cases[i].beyond;
        d.accuracy.announced = 0x21;
        d.status.locked_first_ns = 1;
        const struct discipline_quality q = discipline_quality(&d);
        assert_int_equal(q.clock_quality.clock_class, cases[i].clock_class);
        assert_int_equal(q.clock_quality.clock_accuracy, cases[i].accuracy);
        assert_int_equal(q.clock_quality.offset_scaled_log_variance, cases[i].variance);
        assert_int_equal(q.time_traceable, cases[i].traceable);
        assert_int_equal(q.frequency_traceable, cases[i].traceable);
        assert_int_equal(q.time_source, cases[i].source);
        assert_true(q.may_serve);
    }
}

/* By the noise configured, constant while locked; never better than a PRTC's. */
static void test_variance_by_noise(void **state)
{
    (void)state;
    static const struct {
        double noise_ns;
        uint16_t value;
    } cases[] = {{0.2, 0x4E5D}, {33.8, 0x4E5D}, {5000, 0x5CC8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct discipline_config config = {.pulse_noise_ns = cases[i].noise_ns};
        struct discipline d;
        discipline_init(&d, &config);
        d.status.state = DISCIPLINE_LOCKED;
        assert_int_equal(discipline_quality(&d).clock_quality.offset_scaled_log_variance, cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy_covering),      cmocka_unit_test(test_accuracy_hysteresis),
        cmocka_unit_test(test_accuracy_does_not_flap), cmocka_unit_test(test_log_variance),
        cmocka_unit_test(test_of_each_state),          cmocka_unit_test(test_variance_by_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
