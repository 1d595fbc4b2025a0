/* SPDX-License-Identifier: BSD-2-Clause */
/* The estimator: covariances stay covariances, the oscillator's kind, frequency and drift are found, bounds
 * cover, steering and gaps do not disturb, and pulses that lead away are undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/simulate/oscillator.h"
#include "gmd/simulate/pulses.h"
#include "holdover/estimator.h"
#include "tests/unit/discipline_rig.h"

#define N KALMAN_STATES

/* Positive semidefinite, up to rounding: Cholesky's method on the correlation matrix, which has no units. */
static void assert_covariance(const struct kalman *k)
{
    double L[N][N] = {{0}};
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) {
            assert_true(isfinite(k->P[i][j]) && k->P[i][j] == k->P[j][i]);
            assert_true(k->P[i][i] > 0);
            double sum = k->P[i][j] / sqrt(k->P[i][i] * k->P[j][j]);
            for (int m = 0; m < j; m++)
                sum -= L[i][m] * L[j][m];
            if (i == j)
                assert_true(sum > -1e-6);
            L[i][j] = i == j ? sqrt(fmax(sum, 1e-12)) : sum / L[j][j];
        }
}

static void assert_sound(const struct estimator *e)
{
    double sum = 0;
    for (int i = 0; i < e->bank.count; i++) {
        assert_covariance(&e->bank.filters[i]);
        assert_true(e->bank.weight[i] >= 0);
        sum += e->bank.weight[i];
    }
    assert_true(fabs(sum - 1) < 1e-9);
    assert_true(e->bank.phase_variance > 0 && isfinite(e->bank.phase_variance));
}

static struct estimator *started(double noise_ns)
{
    struct estimator *e = malloc(sizeof *e);
    estimator_init(e, noise_ns, OSCILLATOR_AUTO);
    estimator_predict(e, 0);
    estimator_restart(e, 0, 0, 2);
    return e;
}

static void test_stays_sound(void **state)
{
    (void)state;
    static const double noises_ns[] = {20, 0.1, 5000};
    for (size_t k = 0; k < sizeof noises_ns / sizeof noises_ns[0]; k++) {
        struct rig r = {.random = 7 + k};
        struct estimator *e = started(noises_ns[k]);
        int64_t now = 0;
        for (int i = 0; i < 60000; i++) {
            /* now and then a gap of hours, a step, a restart, a surprise */
            now += i % 5000 == 4999 ? 20000 * NS_PER_S : NS_PER_S;
            estimator_predict(e, now);
            estimator_update(e, noises_ns[k] * rig_gauss(&r));
            if (i % 7000 == 0)
                estimator_step(e, 100, 5000);
            if (i % 9000 == 0)
                estimator_restart(e, 0, i % 18000 ? 1e4 : 0, 3);
            if (i % 8000 == 0)
                estimator_rewind(e, 3, ESTIMATOR_LEANING);
            if (i % 997 == 0)
                assert_sound(e);
        }
        assert_sound(e);
        free(e);
    }
}

/* Feeds an estimator with a simulated oscillator and receiver for so many seconds; returns the true phase. */
static double feed(struct estimator *e, struct oscillator_synth *o, struct pulse_synth *p, double phase_ns,
                   int seconds)
{
    for (int t = 0; t < seconds; t++) {
        phase_ns += oscillator_next(o) + e->control_ppb;
        estimator_predict(e, e->at_ns + NS_PER_S);
        estimator_update(e, phase_ns + pulses_next(p));
    }
    return phase_ns;
}

/* Nobody told it what it runs on. */
static void test_finds_the_oscillator(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double low_ppb, high_ppb; /* random walk, per sqrt(s) */
    } cases[] = {{"tcxo", 0.03, 0.2},
                 {"ocxo", 4e-4, 4e-3},
                 {"ocxo-hq", 3e-5, 5e-4},
                 {"rubidium", 0, 6e-5},
                 {"nic", 0.2, 1.5}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct oscillator_synth o;
        struct pulse_synth p;
        struct oscillator_figures f = *oscillator_named(cases[k].name);
        f.offset = 0;
        oscillator_start(&o, &f, 3);
        pulses_start(&p, pulses_named("reference"), 3);
        struct estimator *e = started(20);
        feed(e, &o, &p, 0, 14400);
        const double walk = bank_walk_ppb(&e->bank);
        if (walk < cases[k].low_ppb || walk > cases[k].high_ppb)
            fail_msg("%s: walk %g ppb", cases[k].name, walk);
        assert_true(e->noise_ns > 6 && e->noise_ns < 20);
        assert_sound(e);
        free(e);
    }
}

/* After hours of pulses the phase of an hour later lies within the bounds as often as they say. */
static void test_bounds_cover(void **state)
{
    (void)state;
#ifdef SANITIZED
    enum { SEEDS = 3, NAMES = 3 }; /* for memory, not for luck */
#else
    enum { SEEDS = 12, NAMES = 3 };
#endif
    static const char *const names[NAMES] = {"tcxo", "ocxo", "nic"};
    int within95 = 0, within999 = 0;
    double ratios = 0;
    for (int k = 0; k < NAMES; k++)
        for (int seed = 1; seed <= SEEDS; seed++) {
            struct oscillator_synth o;
            struct pulse_synth p;
            struct oscillator_figures f = *oscillator_named(names[k]);
            f.offset = 0;
            oscillator_start(&o, &f, (uint64_t)seed + 100);
            pulses_start(&p, pulses_named("reference"), (uint64_t)seed + 100);
            struct estimator *e = started(20);
            double phase = feed(e, &o, &p, 0, 7200);
            for (int t = 0; t < 3600; t++)
                phase += oscillator_next(&o);
            estimator_predict(e, e->at_ns + 3600 * NS_PER_S);
            const double error = fabs(phase - estimator_phase(e));
            estimator_step(e, -estimator_phase(e), 0); /* what steering would do */
            const double bound = bank_quantile(&e->bank, 0.95, 0);
            within95 += error <= bound;
            within999 += error <= bank_quantile(&e->bank, 0.999, 0);
            ratios += log(bound / error) / (NAMES * SEEDS);
            free(e);
        }
    assert_in_range(within95, NAMES * SEEDS - 6, NAMES * SEEDS);
    assert_in_range(within999, NAMES * SEEDS - 1, NAMES * SEEDS);
    assert_true(exp(ratios) < 8); /* of a bound that fits a normal distribution: 3.7 */
}

/* The quantile of the mixture: the share of probability beyond it is what was asked for. */
static void test_quantile(void **state)
{
    (void)state;
    struct estimator *e = started(20);
    static const struct {
        double probability, sigmas;
    } cases[] = {{0.95, 1.96}, {0.999, 3.29}};
    for (int i = 0; i < e->bank.count; i++) { /* all alike: one normal distribution */
        e->bank.filters[i].x[KALMAN_PHASE] = 0;
        e->bank.filters[i].P[KALMAN_PHASE][KALMAN_PHASE] = 49;
    }
    static const double guesses[] = {0, 1e-3, 13, 1e9};
    for (size_t k = 0; k < 2; k++)
        for (size_t g = 0; g < 4; g++) {
            const double q = bank_quantile(&e->bank, cases[k].probability, guesses[g]);
            assert_true(fabs(q - cases[k].sigmas * 7) < 0.01 * q);
        }
    free(e);
}

/* The same oscillator, once steered wildly, once left alone: the same knowledge. */
static void test_steering_changes_nothing(void **state)
{
    (void)state;
    struct rig r = {.random = 5};
    struct estimator *a = started(20), *b = started(20);
    double free_phase = 0, steered = 0, control = 0;
    for (int t = 1; t <= 500; t++) {
        free_phase += 40 + rig_gauss(&r);
        steered += control;
        const double noise = 20 * rig_gauss(&r);
        estimator_predict(a, t * NS_PER_S);
        estimator_predict(b, t * NS_PER_S);
        estimator_update(a, free_phase + noise);
        estimator_update(b, free_phase + steered + noise);
        control = 1000 * rig_gauss(&r);
        estimator_control(b, control);
        if (t % 50 == 0) {
            estimator_step(b, 1e6, 0);
            steered += 1e6;
        }
    }
    assert_true(fabs(estimator_freq(a) - estimator_freq(b)) < 1e-3);
    assert_true(fabs(estimator_phase(a) - (estimator_phase(b) - steered)) < 1e-2);
    free(a);
    free(b);
}

static void test_missing_pulses(void **state)
{
    (void)state;
    struct rig r = {.random = 11};
    struct estimator *e = started(20);
    double phase = 0;
    int64_t t = 0;
    while (t < 3000) {
        const int64_t dt = 1 + (int64_t)(rig_uniform(&r) * 9);
        t += dt;
        phase += 77.0 * (double)dt;
        estimator_predict(e, t * NS_PER_S);
        estimator_update(e, phase + 20 * rig_gauss(&r));
    }
    assert_true(fabs(estimator_freq(e) - 77) < 0.5);
    assert_true(fabs(estimator_phase(e) - phase) < 20);
    free(e);
}

static void test_time_does_not_run_back(void **state)
{
    (void)state;
    struct estimator *e = started(20), *before = malloc(sizeof *before);
    estimator_predict(e, 10 * NS_PER_S);
    *before = *e;
    estimator_predict(e, 5 * NS_PER_S);
    assert_memory_equal(e, before, sizeof *e);
    free(e);
    free(before);
}

static void test_noise_adapts_within_bounds(void **state)
{
    (void)state;
    static const struct {
        double true_ns, low, high;
    } cases[] = {{20, 15, 26}, {45, 36, 55}, {8, 5, 11}, {0.01, 0.3, 0.4}, {1000, 79.9, 80.1}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct rig r = {.random = 13};
        struct estimator *e = started(20);
        for (int t = 1; t < 3000; t++) {
            estimator_predict(e, t * NS_PER_S);
            estimator_update(e, cases[k].true_ns * rig_gauss(&r));
        }
        if (e->noise_ns < cases[k].low || e->noise_ns > cases[k].high)
            fail_msg("noise %g: adapted to %g", cases[k].true_ns, e->noise_ns);
        free(e);
    }
}

/* A phase shift keeps the frequency that was learned, a slope overrules it. */
static void test_restart(void **state)
{
    (void)state;
    struct estimator *e = started(20);
    for (int t = 1; t < 1000; t++) {
        estimator_predict(e, t * NS_PER_S);
        estimator_update(e, 5.0 * t);
    }
    const double freq = estimator_freq(e), variance = e->bank.freq_variance;
    estimator_restart(e, 123456, 0, 14);
    assert_true(fabs(estimator_freq(e) - freq) < 1e-9 &&
                fabs(e->bank.freq_variance - variance) < 1e-9 * variance);
    assert_true(fabs(estimator_expected(e) - 123456) < 1e-6);
    assert_sound(e);
    estimator_restart(e, 0, 300, 14);
    assert_true(fabs(estimator_freq(e) - freq - 300) < 1e-6 && e->bank.freq_variance > 25 * variance);
    assert_sound(e);
    free(e);
}

/* An OCXO's pulses begin to run away by 1 ns/s: seen, and what they taught is undone. */
static void test_pull_is_seen_and_undone(void **state)
{
    (void)state;
    struct oscillator_synth o;
    struct pulse_synth p;
    struct oscillator_figures f = *oscillator_named("ocxo");
    f.offset = 0;
    oscillator_start(&o, &f, 5);
    pulses_start(&p, pulses_named("reference"), 5);
    struct estimator *e = started(20);
    double phase = feed(e, &o, &p, 0, 7200);
    assert_false(e->drawn);
    int seconds = 0;
    for (double pull = 0; !e->drawn; pull += 1, seconds++) {
        phase += oscillator_next(&o);
        estimator_predict(e, e->at_ns + NS_PER_S);
        estimator_update(e, phase + pull + pulses_next(&p));
        assert_true(seconds < 120);
    }
    assert_true(estimator_rewind(e, 3, ESTIMATOR_LEANING));
    assert_true(fabs(estimator_phase(e) - phase) < 30);
    assert_false(e->drawn);
    assert_sound(e);
    free(e);
}

/* An oven that is switched on runs some 200 ppb away and comes back: after hours that is neither its day nor
 * its ageing, the bounds cover, and it is no longer taken for a bad oscillator. */
static void test_warming_up(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 2; seed++) {
        struct oscillator_synth o;
        struct pulse_synth p;
        struct oscillator_figures f = *oscillator_named("ocxo");
        f.offset = 0;
        oscillator_start(&o, &f, (uint64_t)seed);
        pulses_start(&p, pulses_named("reference"), (uint64_t)seed);
        struct estimator *e = started(20);
        double phase = 0;
        for (int t = 0; t < 14400; t++) {
            phase += 200 * exp(-t / 1200.0) + oscillator_next(&o);
            estimator_predict(e, e->at_ns + NS_PER_S);
            estimator_update(e, phase + pulses_next(&p));
        }
        for (int t = 0; t < 3600; t++)
            phase += oscillator_next(&o);
        estimator_predict(e, e->at_ns + 3600 * NS_PER_S);
        const double error = fabs(phase - estimator_phase(e));
        estimator_step(e, -estimator_phase(e), 0);
        const double bound = bank_quantile(&e->bank, 0.999, 0);
        if (!(error < bound && bound < 10000))
            fail_msg("seed %d: %g of %g ns", seed, error, bound);
        free(e);
    }
}

/* A crystal cannot run away by 50 ns/s, though each of its pulses may be within the gate: seen in seconds, in
 * either direction, and undone from where it began. */
static void test_leaning_pulses_are_seen(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 10; seed++) {
        struct oscillator_synth o;
        struct pulse_synth p;
        struct oscillator_figures f = *oscillator_named("nic");
        f.offset = 0;
        oscillator_start(&o, &f, (uint64_t)seed);
        pulses_start(&p, pulses_named("plain"), (uint64_t)seed);
        struct estimator *e = started(20);
        double phase = feed(e, &o, &p, 0, 1800), pull = 0;
        int seconds = 0;
        for (; !e->drawn; seconds++) {
            pull += seed % 2 ? 50 : -50;
            phase += oscillator_next(&o);
            estimator_predict(e, e->at_ns + NS_PER_S);
            estimator_update(e, phase + pull + pulses_next(&p));
            assert_true(seconds < 10);
        }
        assert_true(estimator_rewind(e, 5, ESTIMATOR_LEANING));
        if (!(fabs(estimator_phase(e) - phase) < 120))
            fail_msg("seed %d, %d s: %g ns", seed, seconds, estimator_phase(e) - phase);
        free(e);
    }
}

/* A sawtooth stands still for minutes, a wander is slow: no pull. */
static void test_receivers_do_not_lean(void **state)
{
    (void)state;
    static const char *const receivers[] = {"f9t", "m8t", "plain", "reference"};
    static const char *const oscillators[] = {"nic", "tcxo", "ocxo"};
    for (int i = 0; i < 4 * 3; i++) {
        struct oscillator_synth o;
        struct pulse_synth p;
        struct oscillator_figures f = *oscillator_named(oscillators[i % 3]);
        f.offset = 0;
        oscillator_start(&o, &f, 40 + (uint64_t)i);
        pulses_start(&p, pulses_named(receivers[i / 3]), 40 + (uint64_t)i);
        struct estimator *e = started(20);
        feed(e, &o, &p, 0, 3600);
        if (e->drawn)
            fail_msg("%s on %s", receivers[i / 3], oscillators[i % 3]);
        free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stays_sound),
        cmocka_unit_test(test_finds_the_oscillator),
        cmocka_unit_test(test_bounds_cover),
        cmocka_unit_test(test_quantile),
        cmocka_unit_test(test_steering_changes_nothing),
        cmocka_unit_test(test_missing_pulses),
        cmocka_unit_test(test_time_does_not_run_back),
        cmocka_unit_test(test_noise_adapts_within_bounds),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_pull_is_seen_and_undone),
        cmocka_unit_test(test_warming_up),
        cmocka_unit_test(test_leaning_pulses_are_seen),
        cmocka_unit_test(test_receivers_do_not_lean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
