/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what single pulses scatter by, and of a discipline that was told too little of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "holdover/scatter.h"
#include "tests/unit/discipline_rig.h"

static double gauss(void)
{
    return sqrt(-2 * log(1 - drand48())) * cos(2 * M_PI * drand48());
}

static void pulses(struct scatter *s, int64_t tai_s, unsigned count, double noise_ns, double freq_ppb)
{
    for (unsigned i = 0; i < count; i++)
        scatter_add(s, tai_s + i, llround(noise_ns * gauss() + freq_ppb * i));
}

static double typical(double noise_ns, double freq_ppb)
{
    double sum = 0;
    for (int i = 0; i < 500; i++) {
        struct scatter s = {0};
        pulses(&s, 1000, SCATTER_PULSES + (unsigned)i % 7, noise_ns, freq_ppb);
        sum += scatter_ns(&s);
    }
    return sum / 500;
}

static void tells_noise_whatever_the_frequency(void **state)
{
    (void)state;
    srand48(5);
    for (int i = 0; i < 3; i++) {
        const double freq_ppb = (const double[]){0, 25000, -500000}[i];
        assert_float_equal(typical(10, freq_ppb), 10, 1);
        assert_float_equal(typical(1000, freq_ppb), 1000, 100);
    }
    assert_true(typical(0, 25000) == 0);
}

static void counts_outliers_little(void **state)
{
    (void)state;
    struct scatter s = {0};
    srand48(6);
    for (int64_t i = 0; i < SCATTER_PULSES; i++)
        scatter_add(&s, i, (i == 5 ? 1000000000 : 0) + llround(20 * gauss()));
    assert_true(scatter_ns(&s) < 60);
}

static void knows_nothing_at_first_and_after_a_gap(void **state)
{
    (void)state;
    struct scatter s = {0};
    srand48(7);
    for (int64_t i = 0; i < SCATTER_PULSES; i++) {
        assert_true(scatter_ns(&s) == 0);
        scatter_add(&s, i, llround(100 * gauss()));
    }
    assert_true(scatter_ns(&s) > 0);
    scatter_add(&s, SCATTER_PULSES + 1, 0);
    assert_true(scatter_ns(&s) == 0);
    pulses(&s, SCATTER_PULSES + 2, SCATTER_PULSES - 1, 100, 0);
    assert_true(scatter_ns(&s) > 0);
    scatter_reset(&s);
    assert_true(scatter_ns(&s) == 0);
}

static void takes_any_numbers(void **state)
{
    (void)state;
    struct scatter s = {0};
    scatter_add(&s, INT64_MAX, INT64_MIN);
    scatter_add(&s, INT64_MIN, INT64_MAX);
    for (int64_t i = 0; i < 100; i++)
        scatter_add(&s, i, i % 2 ? INT64_MAX : INT64_MIN);
    assert_true(scatter_ns(&s) == 0);
}

/* Seconds until locked, or -1. */
static int lock(struct rig *r, double noise_ns, int seed, int outlier_every)
{
    const struct discipline_config config = discipline_defaults(); /* 20 ns */
    rig_init(r, &config, seed % 2 ? oscillator_nic : oscillator_ocxo, (uint64_t)seed);
    r->jitter_ns = noise_ns;
    for (int t = 0; t < 120; t++) {
        if (r->d.status.state == DISCIPLINE_LOCKED)
            return t;
        r->outlier_ns = outlier_every > 0 && t % outlier_every == 3 ? 1000000 : 0;
        rig_second(r);
    }
    return -1;
}

static void locks_whatever_it_was_told(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        for (int seed = 1; seed <= 20; seed++) {
            struct rig r;
            const double noise_ns = (const double[]){100, 300, 1000, 5000}[i];
            const int t = lock(&r, noise_ns, seed, 0);
            if (t < 0 || t > 60 || fabs(rig_error(&r)) > 3 * noise_ns)
                fail_msg("%g ns, seed %d: locked after %d s, %g ns off", noise_ns, seed, t, rig_error(&r));
            if (t > SCATTER_PULSES + 4)
                assert_in_range(r.d.config.pulse_noise_ns, noise_ns / 2.5, noise_ns * 2.5);
        }
}

static void believes_what_it_was_told_if_that_is_true(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 100; seed++) {
        struct rig r;
        const int t = lock(&r, 20, seed, seed % 2 ? 9 : 0);
        assert_in_range(t, 1, 40);
        assert_true(r.d.config.pulse_noise_ns == discipline_defaults().pulse_noise_ns);
    }
}

static void learns_no_more_once_locked(void **state)
{
    (void)state;
    struct rig r;
    assert_true(lock(&r, 20, 1, 0) > 0);
    r.jitter_ns = 500;
    rig_seconds(&r, 300);
    assert_true(r.d.config.pulse_noise_ns == discipline_defaults().pulse_noise_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_noise_whatever_the_frequency),
        cmocka_unit_test(counts_outliers_little),
        cmocka_unit_test(knows_nothing_at_first_and_after_a_gap),
        cmocka_unit_test(takes_any_numbers),
        cmocka_unit_test(locks_whatever_it_was_told),
        cmocka_unit_test(believes_what_it_was_told_if_that_is_true),
        cmocka_unit_test(learns_no_more_once_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
