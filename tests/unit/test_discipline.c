/* SPDX-License-Identifier: BSD-2-Clause */
/* The discipline on simulated oscillators and pulses: lock, noise, loss, return, outliers, foreign steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/discipline_rig.h"

#ifdef SANITIZED
#define SEEDS 6 /* for memory, not for luck */
#else
#define SEEDS 24
#endif

/* Says which seed, then fails. */
#define CHECK(seed, condition)                                                                               \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail_msg("seed %d: %s", (int)(seed), #condition);                                                \
    } while (0)

static enum discipline_state state_of(const struct rig *r)
{
    return r->d.status.state;
}

static uint8_t class_of(struct rig *r)
{
    return discipline_quality(&r->d).clock_quality.clock_class;
}

static struct rig locked_rig(struct oscillator oscillator, enum oscillator_class named, int seed, int seconds)
{
    struct rig r;
    struct discipline_config config = discipline_defaults();
    config.oscillator = named;
    rig_init(&r, &config, oscillator, (uint64_t)seed);
    rig_seconds(&r, seconds);
    CHECK(seed, state_of(&r) == DISCIPLINE_LOCKED);
    return r;
}

static struct rig locked_nic(int seed)
{
    return locked_rig(oscillator_nic, OSCILLATOR_AUTO, seed, 300);
}

/* Seconds until the state is reached, or -1. */
static int seconds_until(struct rig *r, enum discipline_state wanted, int limit)
{
    for (int t = 0; t < limit; t++) {
        if (state_of(r) == wanted)
            return t;
        rig_second(r);
    }
    return -1;
}

/* From any phase, years away included, and any frequency: one step, then locked within 10 s. */
static void test_time_to_lock(void **state)
{
    (void)state;
    for (int seed = 1; seed <= SEEDS * 4; seed++) {
        struct rig r;
        const struct discipline_config config = discipline_defaults();
        rig_init(&r, &config, seed % 2 ? oscillator_nic : oscillator_ocxo, (uint64_t)seed);
        r.freq_ppb = (rig_uniform(&r) * 2 - 1) * 499000;
        r.whole_ns = (int64_t)((rig_uniform(&r) * 2 - 1) * (seed % 3 ? 3e9 : 1.9e18));
        r.latency_ns = seed % 5 ? 400000 : 50e6; /* a busy host */
        const int t = seconds_until(&r, DISCIPLINE_LOCKED, 11);
        CHECK(seed, t >= 0 && t <= 10);
        CHECK(seed, r.steps == 1);
        CHECK(seed, fabs(rig_error(&r)) < 100);
        CHECK(seed, r.d.status.jumps == 0);
    }
}

/* An error below what a step is good for is slewed away. */
static void test_small_error_is_not_stepped(void **state)
{
    (void)state;
    struct rig r;
    const struct discipline_config config = discipline_defaults();
    rig_init(&r, &config, oscillator_nic, 1);
    r.freq_ppb = 200;
    r.whole_ns = 15000;
    const int t = seconds_until(&r, DISCIPLINE_LOCKED, 20);
    assert_true(t >= 0 && t < 16);
    assert_int_equal(r.steps, 0);
}

/* A real PHC's step lands microseconds off. */
static void test_imprecise_step(void **state)
{
    (void)state;
    struct rig r;
    const struct discipline_config config = discipline_defaults();
    rig_init(&r, &config, oscillator_nic, 1);
    while (!r.steps)
        rig_second(&r);
    r.phase_ns += 9000;
    const int t = seconds_until(&r, DISCIPLINE_LOCKED, 20);
    assert_true(t >= 0 && t <= 12);
    assert_int_equal(r.steps, 1);
}

static void test_locked_noise_below_the_pulses(void **state)
{
    (void)state;
    for (int seed = 1; seed <= SEEDS; seed++) {
        struct rig r = seed % 2 ? locked_nic(seed) : locked_rig(oscillator_ocxo, OSCILLATOR_AUTO, seed, 900);
        double sum = 0, max = 0;
        for (int t = 0; t < 2000; t++) {
            rig_second(&r);
            sum += rig_error(&r) * rig_error(&r);
            max = fmax(max, fabs(rig_error(&r)));
        }
        CHECK(seed, sqrt(sum / 2000) < (seed % 2 ? 16 : 5));
        CHECK(seed, max < (seed % 2 ? 70 : 20));
        CHECK(seed, state_of(&r) == DISCIPLINE_LOCKED && r.d.status.outliers == 0);
        CHECK(seed, discipline_quality(&r.d).clock_quality.clock_accuracy == 0x21);
    }
}

/* The frequency at the loss is the smoothed one, not the last kick. */
static void test_holdover_of_an_ocxo(void **state)
{
    (void)state;
    unsigned covered = 0;
    for (int seed = 1; seed <= SEEDS; seed++) {
        struct rig r = locked_rig(oscillator_ocxo, OSCILLATOR_AUTO, seed, 3600);
        const double before = r.control_ppb;
        r.pulses = false;
        rig_seconds(&r, 4);
        CHECK(seed, fabs(r.control_ppb - before) < 1);
        rig_seconds(&r, 596);
        CHECK(seed, state_of(&r) == DISCIPLINE_HOLDOVER_IN);
        CHECK(seed, fabs(rig_error(&r)) < 100);
        CHECK(seed, r.d.status.bound_ns < 150);
        covered += fabs(rig_error(&r)) <= r.d.status.bound_ns;
    }
    assert_true(covered >= SEEDS - 2);
}

static void test_loss_and_return(void **state)
{
    (void)state;
    for (int seed = 1; seed <= SEEDS; seed++) {
        struct rig r = locked_nic(seed);
        const int64_t last_pulse = r.d.status.last_sample_ns;
        const uint8_t accuracy = discipline_quality(&r.d).clock_quality.clock_accuracy;
        r.pulses = false;
        CHECK(seed, seconds_until(&r, DISCIPLINE_HOLDOVER_IN, 5) >= 0);
        CHECK(seed, r.d.status.since_ns - last_pulse < 3 * NS_PER_S);
        CHECK(seed, class_of(&r) == 7);
        CHECK(seed, strcmp(r.d.status.why, "no pulse for 2 s") == 0);
        const bool short_loss = seed % 2;
        if (short_loss)
            rig_seconds(&r, 2);
        else
            CHECK(seed, seconds_until(&r, DISCIPLINE_HOLDOVER_OUT, 3600) > 60);
        const uint8_t held = short_loss ? 7 : 187;
        CHECK(seed, class_of(&r) == held);
        CHECK(seed, discipline_quality(&r.d).clock_quality.clock_accuracy >= accuracy);
        r.pulses = true;
        r.phase_ns += short_loss ? 0 : 3000; /* the oscillator did worse than the model says */
        /* they must agree with the clock for a while */
        rig_seconds(&r, short_loss ? 9 : 0);
        if (short_loss)
            CHECK(seed, state_of(&r) == DISCIPLINE_HOLDOVER_IN);
        rig_second(&r);
        if (short_loss)
            CHECK(seed, state_of(&r) == DISCIPLINE_REACQUIRING);
        int t = 0;
        for (; t < 1000 && state_of(&r) != DISCIPLINE_LOCKED; t++) {
            CHECK(seed, class_of(&r) == held);
            CHECK(seed, fabs(r.control_ppb + r.freq_ppb) < 50 + 60); /* slew and error of estimate */
            rig_second(&r);
        }
        CHECK(seed, state_of(&r) == DISCIPLINE_LOCKED && class_of(&r) == 6);
        CHECK(seed, r.steps == 1);
        CHECK(seed, fabs(rig_error(&r)) < 200);
        /* out of specification is forgiven: the next loss begins with 7 again */
        rig_seconds(&r, 60);
        r.pulses = false;
        rig_seconds(&r, 10);
        CHECK(seed, class_of(&r) == 7);
    }
}

static void test_no_trust_is_holdover_at_once(void **state)
{
    (void)state;
    struct rig r = locked_nic(1);
    r.usable = false;
    rig_second(&r);
    assert_int_equal(state_of(&r), DISCIPLINE_HOLDOVER_IN);
    assert_string_equal(r.d.status.why, "no fix");
}

/* One pulse in three missing is no loss. */
static void test_missing_pulses(void **state)
{
    (void)state;
    struct rig r = locked_nic(1);
    for (int t = 0; t < 600; t++) {
        r.pulses = t % 3 != 0;
        rig_second(&r);
        assert_int_equal(state_of(&r), DISCIPLINE_LOCKED);
    }
}

static void test_loss_before_the_first_lock(void **state)
{
    (void)state;
    struct rig r;
    const struct discipline_config config = discipline_defaults();
    rig_init(&r, &config, oscillator_nic, 1);
    for (int seconds = 1; seconds < 6; seconds++) {
        r.pulses = true;
        rig_seconds(&r, seconds);
        assert_int_equal(state_of(&r), DISCIPLINE_ACQUIRING);
        r.pulses = false;
        rig_seconds(&r, 4);
        assert_int_equal(state_of(&r), DISCIPLINE_FREE_RUN);
        assert_int_equal(class_of(&r), 248);
        assert_false(discipline_quality(&r.d).may_serve);
        assert_false(discipline_numbers(&r.d));
    }
    r.pulses = true;
    assert_true(seconds_until(&r, DISCIPLINE_LOCKED, 11) >= 0);
}

/* The same oscillator with and without one bad pulse: no difference worth naming. */
static void test_single_outliers_move_nothing(void **state)
{
    (void)state;
    static const int64_t outliers_ns[] = {500000000, 200000000, -200000000, 300000, -300000, 2000};
    for (size_t i = 0; i < sizeof outliers_ns / sizeof outliers_ns[0]; i++)
        for (int seed = 1; seed <= SEEDS; seed++) {
            struct rig clean = locked_nic(seed), bad = clean;
            bad.outlier_ns = outliers_ns[i];
            for (int t = 0; t < 60; t++) {
                rig_second(&clean);
                rig_second(&bad);
                CHECK(seed, fabs(rig_error(&clean) - rig_error(&bad)) < 30);
                CHECK(seed, state_of(&bad) == DISCIPLINE_LOCKED);
            }
            CHECK(seed, bad.d.status.outliers == 1);
        }
}

/* The same pulse delivered twice is one. */
static void test_repeated_pulse(void **state)
{
    (void)state;
    struct rig r = locked_nic(1);
    rig_second(&r);
    const struct discipline before = r.d;
    const int64_t second = RIG_TAI_S + r.now_ns / NS_PER_S - 1;
    rig_act(&r, discipline_sample(&r.d, second, second * NS_PER_S + 40, r.now_ns));
    assert_int_equal(r.d.status.outliers, before.status.outliers + 1);
    assert_int_equal(r.d.estimator.updates, before.estimator.updates);
    assert_int_equal(r.d.good_pulses, before.good_pulses);
}

/* Both edges of the pulse are stamped: each second brings one that is 200 ms wrong. */
static void test_both_edges(void **state)
{
    (void)state;
    struct rig r = locked_nic(1);
    for (int t = 0; t < 300; t++) {
        rig_second(&r);
        const int64_t second = RIG_TAI_S + r.now_ns / NS_PER_S - 1;
        rig_act(&r, discipline_sample(&r.d, second, second * NS_PER_S + 200000000, r.now_ns));
        assert_int_equal(state_of(&r), DISCIPLINE_LOCKED);
        assert_true(fabs(rig_error(&r)) < 100);
    }
}

/* A lasting shift is believed after a while, and slewed to. */
static void test_lasting_shift(void **state)
{
    (void)state;
    static const int64_t shifts_ns[] = {3000, -3000, 20000};
    for (size_t i = 0; i < sizeof shifts_ns / sizeof shifts_ns[0]; i++) {
        struct rig r = locked_nic((int)i + 1);
        const double target = -(double)shifts_ns[i]; /* pulses late: the clock reads more at the edge */
        r.shift_ns = shifts_ns[i];
        rig_seconds(&r, 28);
        assert_int_equal(state_of(&r), DISCIPLINE_LOCKED);
        rig_seconds(&r, 30);
        assert_int_equal(state_of(&r), DISCIPLINE_HOLDOVER_IN);
        assert_true(fabs(rig_error(&r)) < 1000);
        assert_true(seconds_until(&r, DISCIPLINE_REACQUIRING, 700) >= 0);
        assert_int_equal(class_of(&r), 187); /* the bound is above 1 us */
        while (state_of(&r) != DISCIPLINE_LOCKED) {
            const double before = rig_error(&r);
            rig_second(&r);
            assert_true(fabs(rig_error(&r) - before) < 75);
            assert_true(r.now_ns < 2000 * NS_PER_S);
        }
        assert_true(fabs(rig_error(&r) - target) < 250);
        assert_int_equal(r.steps, 1);
    }
}

/* A large error at the return: slewed, unless the operator allows a step. */
static void test_return_from_a_large_error(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        struct rig r = locked_nic(1);
        r.d.config.step_above_ns = allowed ? 20000 : 0;
        r.pulses = false;
        rig_seconds(&r, 3600);
        r.phase_ns -= 60000; /* less than the watch for foreign steps sees */
        r.pulses = true;
        double last = rig_error(&r);
        const unsigned steps = r.steps;
        for (int t = 0; t < 200; t++) {
            rig_second(&r);
            if (!allowed)
                assert_true(fabs(rig_error(&r) - last) <
                            150); /* slewing, and what the hour did to the frequency */
            last = rig_error(&r);
        }
        assert_int_equal(r.steps - steps, allowed);
        assert_true(allowed ? fabs(rig_error(&r)) < 200 : fabs(rig_error(&r)) > 50000);
        assert_int_equal(state_of(&r), allowed ? DISCIPLINE_LOCKED : DISCIPLINE_REACQUIRING);
    }
}

/* A receiver without antenna claims a fix for 20 s and runs away; an oscillator that is good knows better,
 * and what was learned before is what it holds over with. */
static void test_lying_receiver(void **state)
{
    (void)state;
    for (int seed = 1; seed <= SEEDS / 4; seed++) {
        struct rig r = locked_rig(oscillator_ocxo, OSCILLATOR_AUTO, seed, 1800);
        for (int t = 0; t < 20; t++) {
            r.shift_ns += 50;
            rig_second(&r);
            CHECK(seed, fabs(rig_error(&r)) < 60);
        }
        r.usable = false;
        rig_seconds(&r, 300);
        CHECK(seed, fabs(rig_error(&r)) < 100);
        CHECK(seed, state_of(&r) == DISCIPLINE_HOLDOVER_IN && class_of(&r) == 7);
        r.usable = true;
        r.shift_ns = 0;
        CHECK(seed, seconds_until(&r, DISCIPLINE_LOCKED, 120) >= 0);
    }
}

/* A pull of 1 ns/s: frozen, said so, not followed for minutes; at last believed, for no state is stuck. */
static void test_slow_pull(void **state)
{
    (void)state;
    struct rig r = locked_rig(oscillator_ocxo, OSCILLATOR_AUTO, 1, 7200);
    int t = 0;
    for (; t < 300; t++) {
        r.shift_ns += 1;
        rig_second(&r);
        CHECK(t, fabs(rig_error(&r)) < 100);
        if (state_of(&r) == DISCIPLINE_HOLDOVER_IN && strstr(r.d.status.why, "pull"))
            break;
    }
    assert_in_range(t, 20, 150);
    for (; t < 400; t++) {
        r.shift_ns += 1;
        rig_second(&r);
    }
    assert_true(fabs(rig_error(&r)) < 100);
    for (; t < 4000 && state_of(&r) != DISCIPLINE_LOCKED; t++) {
        r.shift_ns += 1;
        rig_second(&r);
    }
    assert_int_equal(state_of(&r), DISCIPLINE_LOCKED);
}

/* Pulses without sense: coasting, then holdover, never a wild correction; and back. */
static void test_incoherent_pulses(void **state)
{
    (void)state;
    struct rig r = locked_nic(1);
    for (int t = 0; t < 40; t++) {
        r.shift_ns = (int64_t)((rig_uniform(&r) * 2 - 1) * 2e8);
        rig_second(&r);
        assert_true(fabs(rig_error(&r)) < 500);
    }
    assert_int_equal(state_of(&r), DISCIPLINE_HOLDOVER_IN);
    r.shift_ns = 0;
    const int t = seconds_until(&r, DISCIPLINE_LOCKED, 60);
    assert_true(t >= 0);
}

/* The oscillator itself jumps in frequency (a thermal shock, somebody's adjtimex): learned anew. */
static void test_frequency_jump(void **state)
{
    (void)state;
    for (int seed = 1; seed <= SEEDS; seed++) {
        struct rig r = locked_nic(seed);
        r.freq_ppb += seed % 2 ? 30 : -3000;
        rig_seconds(&r, 60);
        CHECK(seed, seconds_until(&r, DISCIPLINE_LOCKED, 8000) >= 0);
        rig_seconds(&r, 60);
        CHECK(seed, fabs(rig_error(&r)) < 100);
        CHECK(seed, r.steps == 1);
    }
}

static void test_foreign_step(void **state)
{
    (void)state;
    static const int64_t jumps[] = {37 * NS_PER_S, -37 * NS_PER_S, -1 * NS_PER_S,
                                    NS_PER_S / 2,  -3000000,       1500000000LL * NS_PER_S};
    for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++)
        for (int seed = 1; seed <= SEEDS; seed++) {
            struct rig r = locked_nic(seed);
            r.ticks = seed % 4 ? 1 : 10;
            const unsigned where = (unsigned)seed % 3;
            if (where == 1)
                r.misread_ns = 2000000; /* a misreading just before */
            rig_second(&r);
            r.whole_ns += jumps[i];
            rig_seconds(&r, 2);
            CHECK(seed, r.d.status.jumps == 1);
            CHECK(seed, llabs(r.d.status.last_jump_ns - jumps[i]) < 20000);
            CHECK(seed, r.steps == 2);
            CHECK(seed, fabs(rig_error(&r)) < 20000);
            CHECK(seed, state_of(&r) == DISCIPLINE_REACQUIRING);
            CHECK(seed, class_of(&r) == 187);
            CHECK(seed, !discipline_quality(&r.d).time_traceable);
            double told_s;
            CHECK(seed, sscanf(r.d.status.why, "clock stepped by %lf s by somebody else", &told_s) == 1);
            CHECK(seed, fabs(told_s - (double)jumps[i] * 1e-9) < 1e-4);
            const int relocked_s = seconds_until(&r, DISCIPLINE_LOCKED, 600);
            CHECK(seed, relocked_s > 0 && relocked_s < 20);
            CHECK(seed, class_of(&r) == 6);
            CHECK(seed, fabs(rig_error(&r)) < 250 && r.steps <= 3);
        }
}

static void test_foreign_step_in_holdover(void **state)
{
    (void)state;
    struct rig r = locked_nic(1);
    r.pulses = false;
    rig_seconds(&r, 10);
    assert_int_equal(state_of(&r), DISCIPLINE_HOLDOVER_IN);
    r.whole_ns -= 5 * NS_PER_S;
    rig_seconds(&r, 2);
    assert_int_equal(state_of(&r), DISCIPLINE_HOLDOVER_OUT);
    assert_int_equal(class_of(&r), 187);
    assert_true(fabs(rig_error(&r)) < 20000);
    r.pulses = true;
    assert_true(seconds_until(&r, DISCIPLINE_LOCKED, 600) > 0);
}

/* Before the first lock there is nothing to restore: acquisition begins anew. */
static void test_foreign_step_before_lock(void **state)
{
    (void)state;
    struct rig r;
    const struct discipline_config config = discipline_defaults();
    rig_init(&r, &config, oscillator_nic, 1);
    rig_seconds(&r, 5);
    r.whole_ns += 100 * NS_PER_S;
    rig_seconds(&r, 2);
    assert_int_equal(r.d.status.jumps, 1);
    assert_int_equal(r.steps, 1);
    assert_int_equal(class_of(&r), 248);
    assert_true(seconds_until(&r, DISCIPLINE_LOCKED, 12) > 0);
    assert_int_equal(r.steps, 2);
}

static void test_misreadings_are_no_steps(void **state)
{
    (void)state;
    struct rig r = locked_nic(1);
    for (int t = 0; t < 600; t++) {
        if (t % 2)
            r.misread_ns = (int64_t)(rig_uniform(&r) * 2e7);
        rig_second(&r);
        assert_int_equal(state_of(&r), DISCIPLINE_LOCKED);
        assert_true(fabs(rig_error(&r)) < 100);
    }
    assert_int_equal(r.d.status.jumps, 0);
    assert_int_equal(r.steps, 1);
}

/* The clock cannot be steered as far as its oscillator is off: no endless stepping. */
static void test_oscillator_beyond_reach(void **state)
{
    (void)state;
    struct rig r;
    struct discipline_config config = discipline_defaults();
    config.max_freq_ppb = 10000;
    rig_init(&r, &config, oscillator_nic, 1);
    rig_seconds(&r, 600);
    assert_int_equal(r.steps, 0);
    assert_int_equal(state_of(&r), DISCIPLINE_ACQUIRING);
    assert_true(fabs(r.control_ppb) <= 10000);
}

/* A configuration that promises a better oscillator or better pulses than there are: still a clock. */
static void test_wrong_expectations(void **state)
{
    (void)state;
    for (int seed = 1; seed <= SEEDS; seed++) {
        struct rig r = locked_rig(oscillator_nic, OSCILLATOR_RUBIDIUM, seed, 60);
        r.jitter_ns = seed % 2 ? 20 : 50;
        for (int t = 0; t < 1800; t++) {
            rig_second(&r);
            CHECK(seed, fabs(rig_error(&r)) < 400);
        }
        CHECK(seed, state_of(&r) == DISCIPLINE_LOCKED);
    }
}

/* What gnss should never pass on. */
static void test_absurd_samples(void **state)
{
    (void)state;
    static const int64_t values[][2] = {{INT64_MAX, 0},           {INT64_MIN, 0}, {0, INT64_MAX},
                                        {0, INT64_MIN},           {-1, -1},       {1, 0},
                                        {9000000000LL, INT64_MIN}};
    for (int when = 0; when < 2; when++) {
        struct rig r;
        const struct discipline_config config = discipline_defaults();
        rig_init(&r, &config, oscillator_nic, 1);
        if (when)
            rig_seconds(&r, 100);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            rig_act(&r, discipline_sample(&r.d, values[i][0], values[i][1], r.now_ns));
            rig_second(&r);
            assert_true(isfinite(r.control_ppb) && isfinite(r.d.status.bound_ns));
        }
        assert_true(seconds_until(&r, DISCIPLINE_LOCKED, 20) >= 0);
        assert_true(fabs(rig_error(&r)) < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_to_lock),
        cmocka_unit_test(test_small_error_is_not_stepped),
        cmocka_unit_test(test_imprecise_step),
        cmocka_unit_test(test_locked_noise_below_the_pulses),
        cmocka_unit_test(test_holdover_of_an_ocxo),
        cmocka_unit_test(test_loss_and_return),
        cmocka_unit_test(test_no_trust_is_holdover_at_once),
        cmocka_unit_test(test_missing_pulses),
        cmocka_unit_test(test_loss_before_the_first_lock),
        cmocka_unit_test(test_single_outliers_move_nothing),
        cmocka_unit_test(test_repeated_pulse),
        cmocka_unit_test(test_both_edges),
        cmocka_unit_test(test_lasting_shift),
        cmocka_unit_test(test_return_from_a_large_error),
        cmocka_unit_test(test_lying_receiver),
        cmocka_unit_test(test_slow_pull),
        cmocka_unit_test(test_incoherent_pulses),
        cmocka_unit_test(test_frequency_jump),
        cmocka_unit_test(test_foreign_step),
        cmocka_unit_test(test_foreign_step_in_holdover),
        cmocka_unit_test(test_foreign_step_before_lock),
        cmocka_unit_test(test_misreadings_are_no_steps),
        cmocka_unit_test(test_oscillator_beyond_reach),
        cmocka_unit_test(test_wrong_expectations),
        cmocka_unit_test(test_absurd_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
