/* SPDX-License-Identifier: BSD-2-Clause */
/* Simulated oscillators and receivers are what their figures say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "gmd/simulate/oscillator.h"
#include "gmd/simulate/pulses.h"

#define DAY_S 86400
#define SEEDS 6

/* Overlapping Allan variance of phases a second apart (NIST SP 1065, eq. 10). */
static double avar(const double *phase, int n, int m)
{
    double sum = 0;
    const int terms = n - 2 * m;
    for (int i = 0; i < terms; i++) {
        const double d = phase[i + 2 * m] - 2 * phase[i + m] + phase[i];
        sum += d * d;
    }
    return sum / (2.0 * m * m * terms);
}

/* The figures of the issue, restated: the model's own table is what is tested. */
static void test_allan_deviations(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double adev[3];
    } cases[] = {
        {"tcxo", {0.18, 0.43, 1.4}},           {"ocxo", {0.012, 0.011, 0.029}},
        {"ocxo-hq", {0.0033, 0.0017, 0.0031}}, {"rubidium", {0.03, 0.003, 0.001}},
        {"nic", {2.52, 2.98, 11.7}},
    };
    static const int averages[] = {1, 100, 1000};
    double *phase = calloc(DAY_S + 1, sizeof *phase);
    assert_non_null(phase);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double sum[3] = {0};
        for (int seed = 1; seed <= SEEDS; seed++) {
            struct oscillator_synth o;
            oscillator_start(&o, oscillator_named(cases[k].name), (uint64_t)seed);
            for (int t = 0; t < DAY_S; t++)
                phase[t + 1] = phase[t] + oscillator_next(&o);
            for (int i = 0; i < 3; i++)
                sum[i] += avar(phase, DAY_S + 1, averages[i]) / SEEDS;
        }
        for (int i = 0; i < 3; i++) {
            const double ratio = sqrt(sum[i]) / cases[k].adev[i], tolerance = i == 2 ? 0.15 : 0.06;
            if (fabs(ratio - 1) > tolerance)
                fail_msg("%s at %d s: %g of the figure", cases[k].name, averages[i], ratio);
        }
    }
    free(phase);
}

static void test_oscillators_differ_by_seed(void **state)
{
    (void)state;
    struct oscillator_synth a, b, c;
    oscillator_start(&a, oscillator_named("ocxo"), 1);
    oscillator_start(&b, oscillator_named("ocxo"), 1);
    oscillator_start(&c, oscillator_named("ocxo"), 2);
    for (int t = 0; t < 100; t++) {
        const double y = oscillator_next(&a);
        assert_true(y == oscillator_next(&b) && y != oscillator_next(&c));
    }
    assert_null(oscillator_named("quartz"));
    assert_null(pulses_named("quartz"));
}

static void test_pulse_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double rms_ns, largest_ns;
    } cases[] = {{"f9t", 3, 20}, {"m8t", 14.1, 60}, {"plain", 20, 130}, {"reference", 12.6, 80}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double sum = 0;
        for (int seed = 1; seed <= SEEDS; seed++) {
            struct pulse_synth p;
            pulses_start(&p, pulses_named(cases[k].name), (uint64_t)seed);
            for (int t = 0; t < 2 * DAY_S; t++) {
                const double late = pulses_next(&p);
                assert_true(fabs(late) < cases[k].largest_ns);
                sum += late * late / (2.0 * DAY_S * SEEDS);
            }
        }
        if (fabs(sqrt(sum) / cases[k].rms_ns - 1) > 0.1)
            fail_msg("%s: %g ns rms", cases[k].name, sqrt(sum));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allan_deviations),
        cmocka_unit_test(test_oscillators_differ_by_seed),
        cmocka_unit_test(test_pulse_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
