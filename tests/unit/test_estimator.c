/* SPDX-License-Identifier: BSD-2-Clause */
/* The estimator: covariance stays one, states converge, steering and gaps do not disturb. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "holdover/estimator.h"
#include "tests/unit/discipline_rig.h"

/* All leading minors of a symmetric matrix above zero: positive definite (Sylvester). */
static void assert_positive(const struct estimator *e)
{
    const double(*P)[3] = e->P;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            assert_true(isfinite(P[i][j]) && P[i][j] == P[j][i]);
    /* of the correlation matrix, which has no units */
    const double a = P[0][1] / sqrt(P[0][0] * P[1][1]);
    const double b = P[0][2] / sqrt(P[0][0] * P[2][2]);
    const double c = P[1][2] / sqrt(P[1][1] * P[2][2]);
    assert_true(P[0][0] > 0 && P[1][1] > 0 && P[2][2] > 0);
    assert_true(1 - a * a > 0);
    assert_true(1 + 2 * a * b * c - a * a - b * b - c * c > 0);
}

static struct estimator started(double noise_ns, double walk_ppb)
{
    struct estimator e;
    estimator_init(&e, noise_ns, walk_ppb);
    estimator_predict(&e, 0);
    estimator_restart(&e, 0, 0, 2);
    return e;
}

static void test_million_updates(void **state)
{
    (void)state;
    static const struct {
        double noise_ns, walk_ppb;
    } cases[] = {{20, 0.5}, {0.1, 10}, {5000, 1e-6}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct rig r = {.random = 7 + k};
        struct estimator e = started(cases[k].noise_ns, cases[k].walk_ppb);
        int64_t now = 0;
        for (int i = 0; i < 1000000; i++) {
            /* now and then a gap of hours, a step and a restart */
            now += i % 50000 == 49999 ? 20000 * NS_PER_S : NS_PER_S;
            estimator_predict(&e, now);
            estimator_update(&e, cases[k].noise_ns * rig_gauss(&r));
            if (i % 70000 == 0)
                estimator_step(&e, 100, 5000);
            if (i % 90000 == 0)
                estimator_restart(&e, 0, i % 180000 ? 1e4 : 0, 3);
            if (i % 97 == 0)
                assert_positive(&e);
        }
        assert_positive(&e);
    }
}

/* No residual may stay that the model should have learned: frequency and drift are found. */
static void test_finds_frequency_and_drift(void **state)
{
    (void)state;
    const double drift = 2e-5, freq = 123;
    struct rig r = {.random = 3};
    struct estimator e = started(20, 0.002);
    estimator_restart(&e, 0, freq + 5, 2); /* 5 ppb wrong at the start */
    int64_t t = 0;
    for (; t < 20000; t++) {
        estimator_predict(&e, t * NS_PER_S + 1);
        const double phase = freq * (double)t + drift * (double)(t * t) / 2;
        estimator_update(&e, phase + 20 * rig_gauss(&r));
    }
    assert_true(fabs(e.x[1] - (freq + drift * (double)t)) < 0.1);
    assert_true(fabs(e.x[2] - drift) < 3 * sqrt(e.P[2][2]));
    assert_true(sqrt(e.P[2][2]) < 4e-5);
}

/* Errors, divided by the sigma that the filter claims, have the size 1: the bound is honest. */
static void test_covariance_is_honest(void **state)
{
    (void)state;
    double phase2 = 0, freq2 = 0;
    enum { SEEDS = 60 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rig r = {.random = seed * 977};
        struct estimator e = started(20, 0.1);
        double phase = 0, freq = 0;
        for (int t = 1; t <= 1000; t++) {
            phase += freq + e.white_ns * rig_gauss(&r) + 0.1 * rig_gauss(&r) / 2;
            freq += 0.1 * rig_gauss(&r);
            estimator_predict(&e, t * NS_PER_S);
            if (t <= 900) /* then 100 s of prediction alone */
                estimator_update(&e, phase + 20 * rig_gauss(&r));
        }
        phase2 += pow((e.x[0] - phase) / estimator_sigma(&e), 2) / SEEDS;
        freq2 += pow((e.x[1] - freq), 2) / e.P[1][1] / SEEDS;
    }
    /* chi-square of 60: within 0.55 .. 1.6 for 99.9 % */
    assert_true(phase2 > 0.5 && phase2 < 1.6);
    assert_true(freq2 > 0.5 && freq2 < 1.6);
}

/* The same oscillator, once steered wildly, once left alone: the same knowledge. */
static void test_steering_changes_nothing(void **state)
{
    (void)state;
    struct rig r = {.random = 5};
    struct estimator a = started(20, 0.1), b = started(20, 0.1);
    double free_phase = 0, steered = 0, control = 0;
    for (int t = 1; t <= 500; t++) {
        free_phase += 40 + rig_gauss(&r);
        steered += control;
        const double noise = 20 * rig_gauss(&r);
        estimator_predict(&a, t * NS_PER_S);
        estimator_predict(&b, t * NS_PER_S);
        estimator_update(&a, free_phase + noise);
        estimator_update(&b, free_phase + steered + noise);
        control = 1000 * rig_gauss(&r);
        estimator_control(&b, control);
        if (t % 50 == 0) {
            estimator_step(&b, 1e6, 0);
            steered += 1e6;
        }
    }
    assert_true(fabs(a.x[1] - b.x[1]) < 1e-4);
    assert_true(fabs(a.x[0] - (b.x[0] - steered)) < 1e-3);
}

static void test_missing_pulses(void **state)
{
    (void)state;
    struct rig r = {.random = 11};
    struct estimator e = started(20, 0.01);
    double phase = 0;
    int64_t t = 0;
    while (t < 3000) {
        const int64_t dt = 1 + (int64_t)(rig_uniform(&r) * 9);
        t += dt;
        phase += 77.0 * (double)dt;
        estimator_predict(&e, t * NS_PER_S);
        estimator_update(&e, phase + 20 * rig_gauss(&r));
    }
    assert_true(fabs(e.x[1] - 77) < 0.5);
    assert_true(fabs(e.x[0] - phase) < 20);
}

static void test_time_does_not_run_back(void **state)
{
    (void)state;
    struct estimator e = started(20, 0.1);
    estimator_predict(&e, 10 * NS_PER_S);
    const struct estimator before = e;
    estimator_predict(&e, 5 * NS_PER_S);
    assert_memory_equal(&e, &before, sizeof e);
}

static void test_noise_adapts_within_bounds(void **state)
{
    (void)state;
    static const struct {
        double true_ns, low, high;
    } cases[] = {{20, 15, 26}, {45, 36, 55}, {8, 5, 11}, {0.1, 4.99, 5.01}, {1000, 79.9, 80.1}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct rig r = {.random = 13};
        struct estimator e = started(20, 0.01);
        for (int t = 1; t < 3000; t++) {
            estimator_predict(&e, t * NS_PER_S);
            estimator_update(&e, cases[k].true_ns * rig_gauss(&r));
        }
        if (e.noise_ns < cases[k].low || e.noise_ns > cases[k].high)
            fail_msg("noise %g: adapted to %g", cases[k].true_ns, e.noise_ns);
    }
}

/* A phase shift keeps the frequency that was learned, a slope overrules it. */
static void test_restart(void **state)
{
    (void)state;
    struct estimator e = started(20, 0.01);
    for (int t = 1; t < 1000; t++) {
        estimator_predict(&e, t * NS_PER_S);
        estimator_update(&e, 5.0 * t);
    }
    const double freq = e.x[1], sigma = sqrt(e.P[1][1]);
    estimator_restart(&e, 123456, 1.5, 14); /* 2 ppb is the noise of 14 s */
    assert_true(e.x[1] == freq && sqrt(e.P[1][1]) == sigma && e.x[0] == 123456);
    assert_positive(&e);
    estimator_restart(&e, 0, 300, 14);
    assert_true(e.x[1] == freq + 300 && sqrt(e.P[1][1]) > 5 * sigma);
    assert_positive(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_million_updates),
        cmocka_unit_test(test_finds_frequency_and_drift),
        cmocka_unit_test(test_covariance_is_honest),
        cmocka_unit_test(test_steering_changes_nothing),
        cmocka_unit_test(test_missing_pulses),
        cmocka_unit_test(test_time_does_not_run_back),
        cmocka_unit_test(test_noise_adapts_within_bounds),
        cmocka_unit_test(test_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
