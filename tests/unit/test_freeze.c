/* SPDX-License-Identifier: BSD-2-Clause */
/* A receiver under suspicion: its pulses teach nothing and steer nothing; a suspicion that passes changes
 * nothing that clients see, one that lasts is holdover. And specification that ends by time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "holdover/forecast.h"
#include "tests/unit/discipline_rig.h"

static struct rig *locked(struct oscillator oscillator, int seed, int seconds)
{
    struct rig *r = malloc(sizeof *r);
    const struct discipline_config config = discipline_defaults();

    assert_non_null(r);
    rig_init(r, &config, oscillator, (uint64_t)seed);
    rig_seconds(r, seconds);
    assert_int_equal(r->d.status.state, DISCIPLINE_LOCKED);
    return r;
}

/* What clients see of it. */
static void expect_as_locked(struct rig *r)
{
    const struct discipline_quality q = discipline_quality(&r->d);

    assert_int_equal(q.clock_quality.clock_class, 6);
    assert_int_equal(q.clock_quality.clock_accuracy, 0x21);
    assert_int_equal(q.clock_quality.offset_scaled_log_variance, 0x4E5D);
    assert_true(q.time_traceable && q.frequency_traceable && q.time_source == TIME_SOURCE_GNSS);
}

/* The receiver lies while it is suspected, by 50 ns/s: nothing of that gets through. */
static void test_a_suspicion_that_passes(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 16; seed++) {
        struct rig *r = locked(seed % 2 ? oscillator_nic : oscillator_ocxo, seed, 600);
        const unsigned updates = r->d.estimator.updates;
        double bound_ns = 0;
        const int lasts_s = 1 + seed % 6;

        r->suspect = true;
        for (int t = 0; t < lasts_s; t++) {
            r->shift_ns += 50;
            rig_second(r);
            assert_int_equal(r->d.status.state, DISCIPLINE_FROZEN);
            assert_string_equal(r->d.status.why, "frozen: too few satellites");
            expect_as_locked(r);
            assert_true(r->d.status.bound_ns >= bound_ns);
            bound_ns = r->d.status.bound_ns - 1; /* computed to 1 % */
        }
        assert_true(r->d.status.since_ns > r->now_ns - (lasts_s + 1) * NS_PER_S);
        r->suspect = false;
        r->shift_ns = 0;
        rig_seconds(r, 4); /* of the five that it takes */
        assert_int_equal(r->d.status.state, DISCIPLINE_FROZEN);
        assert_int_equal(r->d.estimator.updates, updates);
        assert_int_equal(r->d.contradictions, 0);
        expect_as_locked(r);
        rig_second(r);
        assert_int_equal(r->d.status.state, DISCIPLINE_LOCKED);
        assert_int_equal(r->d.status.previous, DISCIPLINE_FROZEN);
        assert_int_equal(r->d.estimator.updates, updates + 1);
        expect_as_locked(r);
        assert_true(fabs(rig_error(r)) < 100);
        free(r);
    }
}

static void test_a_suspicion_that_lasts(void **state)
{
    struct rig *r = locked(oscillator_ocxo, 1, 600);

    (void)state;
    r->suspect = true;
    rig_seconds(r, 20);
    assert_int_equal(r->d.status.state, DISCIPLINE_FROZEN);
    rig_seconds(r, 2);
    assert_int_equal(r->d.status.state, DISCIPLINE_HOLDOVER_IN);
    assert_string_equal(r->d.status.why, "frozen for too long: too few satellites");
    assert_int_equal(discipline_quality(&r->d).clock_quality.clock_class, 7);
    assert_true(fabs(rig_error(r)) < 100);
    free(r);
}

/* Each second another word: never believed in between, and no excuse for staying frozen. */
static void test_a_suspicion_that_comes_and_goes(void **state)
{
    struct rig *r = locked(oscillator_ocxo, 1, 600);
    const unsigned updates = r->d.estimator.updates;

    (void)state;
    for (int t = 0; t < 60; t++) {
        r->suspect = t % 3 == 0;
        rig_second(r);
        assert_int_equal(r->d.status.state, t < 21 ? DISCIPLINE_FROZEN : DISCIPLINE_HOLDOVER_IN);
    }
    assert_int_equal(r->d.estimator.updates, updates);
    free(r);
}

/* The patience with pulses that were not looked at begins when they are. */
static void test_a_long_freeze(void **state)
{
    struct rig *r = locked(oscillator_ocxo, 1, 600);

    (void)state;
    r->d.config.freeze_ns = 100 * NS_PER_S;
    r->suspect = true;
    rig_seconds(r, 90);
    assert_int_equal(r->d.status.state, DISCIPLINE_FROZEN);
    r->suspect = false;
    rig_seconds(r, 5);
    assert_int_equal(r->d.status.state, DISCIPLINE_LOCKED);

    r->suspect = true;
    rig_seconds(r, 5);
    r->suspect = false;
    r->shift_ns = 700; /* where the clock does not expect them */
    rig_seconds(r, 29);
    assert_int_equal(r->d.status.state, DISCIPLINE_FROZEN);
    rig_seconds(r, 3);
    assert_int_equal(r->d.status.state, DISCIPLINE_HOLDOVER_IN);
    assert_string_equal(r->d.status.why, "pulses contradict each other for 30 s");
    assert_true(fabs(rig_error(r)) < 100);
    free(r);
}

/* Of an oscillator that is not good enough for it, only as long as the bound is what is announced. */
static void test_a_poor_oscillator_is_not_frozen_for_long(void **state)
{
    struct rig *r = locked(oscillator_nic, 1, 60);

    (void)state;
    r->d.config.freeze_ns = 1000 * NS_PER_S;
    r->suspect = true;
    for (int t = 0; t < 60 && r->d.status.state != DISCIPLINE_HOLDOVER_IN; t++) {
        assert_true(r->d.status.bound_ns <= 100);
        expect_as_locked(r);
        rig_second(r);
    }
    assert_int_equal(r->d.status.state, DISCIPLINE_HOLDOVER_IN);
    assert_true(r->d.status.bound_ns > 100);
    assert_non_null(strstr(r->d.status.why, "error bound"));
    free(r);
}

/* holdover_limit_s: whichever of time and bound comes first; told beforehand. */
static void test_specification_ends_by_time(void **state)
{
    static const struct {
        double limit_s;
        unsigned steps;
        uint8_t accuracy; /* at the last step */
    } rows[] = {
        {0, 3, 0x24},   /* none: 250 ns, 1 us and out */
        {300, 1, 0x21}, /* long before any */
        {1e6, 3, 0x24}, /* long after all */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *r = locked(oscillator_ocxo, 5, 1800);
        struct forecast_step steps[16];

        r->d.config.holdover_limit_s = rows[i].limit_s;
        const unsigned n = forecast_steps(&r->d, steps, 16);
        const struct forecast_step *last = &steps[n - 1];
        assert_int_equal(n, rows[i].steps);
        assert_int_equal(last->clock_class, 187);
        assert_int_equal(last->clock_accuracy, rows[i].accuracy);
        if (rows[i].limit_s != 300) {
            free(r);
            continue;
        }
        assert_true(last->after_s == 300 && last->limit_ns < 100);
        const int64_t start_ns = r->now_ns;
        r->pulses = false;
        rig_seconds(r, 100);
        forecast_steps(&r->d, steps, 16);
        assert_true(fabs(steps[0].after_s - 203) < 2); /* from the loss on, which is seen after 2 s */
        while (r->d.status.state != DISCIPLINE_HOLDOVER_OUT) {
            assert_true(r->now_ns - start_ns < 400 * NS_PER_S);
            rig_second(r);
        }
        assert_in_range((r->now_ns - start_ns) / NS_PER_S, 300, 304);
        assert_string_equal(r->d.status.why, "out of specification: not locked for 300 s");
        forecast_steps(&r->d, steps, 16);
        assert_true(steps[0].after_s == 0);
        r->pulses = true; /* a lock forgives */
        rig_seconds(r, 40);
        assert_int_equal(r->d.status.state, DISCIPLINE_LOCKED);
        forecast_steps(&r->d, steps, 16);
        assert_true(steps[0].after_s == 300);
        free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_suspicion_that_passes),
        cmocka_unit_test(test_a_suspicion_that_lasts),
        cmocka_unit_test(test_a_suspicion_that_comes_and_goes),
        cmocka_unit_test(test_a_long_freeze),
        cmocka_unit_test(test_a_poor_oscillator_is_not_frozen_for_long),
        cmocka_unit_test(test_specification_ends_by_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
