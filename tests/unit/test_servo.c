/* SPDX-License-Identifier: BSD-2-Clause */
/* The servo's law, the run of agreeing pulses and the watch for foreign steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "bmca/ptp.h"
#include "holdover/servo.h"
#include "holdover/trend.h"
#include "holdover/watch.h"

static void test_command(void **state)
{
    (void)state;
    static const struct servo_limits limits = {.freq_ppb = 500, .slew_ppb = 50};
    static const struct {
        double tau, phase, freq, command;
    } cases[] = {
        {10, 0, 0, 0},          {10, 0, 25, -25},  /* the oscillator's error is cancelled */
        {10, 100, 0, -10},                         /* ahead: slower, by phase / tau */
        {10, -100, 25, -15},    {10, 1e6, 0, -50}, /* slewing no faster than allowed ... */
        {10, -1e6, 100, -50},                      /* ... on top of the frequency */
        {10, 0, 9000, -500},                       /* what the clock can do */
        {10, -1e18, -1e9, 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct servo s = {.tau_s = cases[i].tau};
        assert_true(fabs(servo_command(&s, cases[i].phase, cases[i].freq, &limits) - cases[i].command) <
                    1e-9);
    }
}

static void test_pace_widens_without_bump(void **state)
{
    (void)state;
    static const struct servo_limits limits = {.freq_ppb = 500, .slew_ppb = 500};
    struct servo s = {0};
    servo_pace(&s, 1.25, 1);
    assert_true(s.tau_s == 1.25);
    double last = servo_command(&s, 100, 0, &limits);
    int seconds = 0;
    while (s.tau_s < 10) {
        servo_pace(&s, 10, 1);
        const double now = servo_command(&s, 100, 0, &limits);
        assert_true(fabs(now - last) <= 0.05 * fabs(last));
        last = now;
        assert_true(++seconds < 60);
    }
    assert_true(s.tau_s == 10);
    servo_pace(&s, 4, 0.1); /* hurry is at once */
    assert_true(s.tau_s == 4);
}

/* Each row adds a point; expected: the length of the run after it. */
static void test_trend(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t tai_s, phase_ns;
        unsigned count;
    } rows[] = {
        {"first", 100, 0, 1},
        {"second", 101, 25000, 2},
        {"in line", 102, 50010, 3},
        {"two missing", 105, 125000, 4},
        {"300 us off: with the one before, a new run", 106, 450000, 2},
        {"back in line, not with the outlier", 107, 175000, 2},
        {"nor does this agree with the line to the outlier", 108, 200000, 2},
        {"but with the last two", 109, 225000, 3},
        {"500 ms off: no frequency at all", 110, 500250000, 1},
        {"back", 111, 275000, 1},
        {"second", 112, 300000, 2},
        {"the same second twice", 112, 300000, 1},
        {"time running back", 111, 275000, 1},
        {"gap too long", 122, 550000, 1},
        {"far end", 123, INT64_MAX, 1},
        {"difference that no int64_t holds", 124, INT64_MIN, 1},
        {"seconds as well", INT64_MIN, 0, 1},
        {"and back", INT64_MAX, 0, 1},
    };
    struct trend t = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct trend_point p = {rows[i].tai_s, rows[i].phase_ns};
        const unsigned count = trend_add(&t, p, 1000);
        if (count != rows[i].count)
            fail_msg("%s: run of %u, expected %u", rows[i].what, count, rows[i].count);
        if (i == 3) {
            assert_true(fabs(trend_slope_ppb(&t) - 25000) < 1e-9);
            assert_true(trend_span_s(&t) == 5);
        }
    }
    trend_reset(&t);
    assert_true(trend_slope_ppb(&t) == 0 && trend_span_s(&t) == 0);
}

/* Each row is one reading: displacement of the clock, and what the watch says it is sure of. */
struct reading {
    double dt_s;
    int64_t displaced_ns, verdict_ns;
};

#define MS   1000000LL
#define US   1000LL
#define LEAP (37 * NS_PER_S)

static void run_watch(const char *what, const struct reading *rows, size_t count)
{
    struct watch w = {0};
    int64_t now = 5 * NS_PER_S, clock = 1000;
    watch_advance(&w, now, 0);
    assert_true(watch_check(&w, clock, 100 * US) == 0);
    for (size_t i = 0; i < count; i++) {
        const int64_t dt = llround(rows[i].dt_s * 1e9);
        now += dt;
        clock += dt + dt / 40000; /* 25 ppm of steering */
        watch_advance(&w, now, 25000);
        const int64_t verdict = watch_check(&w, clock + rows[i].displaced_ns, 100 * US);
        if (llabs(verdict - rows[i].verdict_ns) > 20 * US)
            fail_msg("%s, row %zu: %lld, expected %lld", what, i, (long long)verdict,
                     (long long)rows[i].verdict_ns);
        if (verdict) {
            watch_stepped(&w, -verdict);
            clock += rows[i].displaced_ns - verdict;
        }
    }
}

static void test_watch(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct reading rows[9];
    } cases[] = {
        {"a step", {{1, 0, 0}, {1, LEAP, 0}, {1, LEAP, LEAP}, {1, 0, 0}, {1, 0, 0}}},
        {"a small one", {{1, 0, 0}, {1, -150 * US, 0}, {1, -150 * US, -150 * US}, {1, 0, 0}}},
        {"read ten times a second",
         {{.1, LEAP, 0}, {.1, LEAP, 0}, {.4, LEAP, 0}, {.3, LEAP, 0}, {.2, LEAP, LEAP}, {.1, 0, 0}}},
        {"misreadings", {{1, 5 * MS, 0}, {1, 0, 0}, {1, 9 * MS, 0}, {1, 0, 0}}},
        {"misreadings in a row", {{1, 5 * MS, 0}, {1, 7 * MS, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}}},
        {"two steps: the sum is undone",
         {{1, 5 * NS_PER_S, 0}, {1, 9 * NS_PER_S, 0}, {1, 9 * NS_PER_S, 9 * NS_PER_S}, {1, 0, 0}}},
        {"a misreading before a step", {{1, 2 * MS, 0}, {1, -3 * MS, 0}, {1, -3 * MS, -3 * MS}, {1, 0, 0}}},
        {"a misreading after a step", {{1, LEAP, 0}, {1, LEAP + 4 * MS, 0}, {1, LEAP, 0}, {1, LEAP, LEAP}}},
        {"slew at 8.3 %, over after some seconds",
         {{1, 40 * MS, 0}, {1, 123 * MS, 0}, {1, 206 * MS, 0}, {1, 289 * MS, 0}, {1, 310 * MS, 0}}},
        {"slew at 500 ppm", {{1, 500 * US, 0}, {1, 1000 * US, 0}, {1, 1500 * US, 0}, {1, 2000 * US, 0}}},
        {"a step before the rate is known",
         {{1, LEAP, 0},
          {1, LEAP + 2 * MS, 0},
          {1, LEAP + 4 * MS, 0},
          {1, LEAP + 6 * MS, 0},
          {1, LEAP + 8 * MS, 0},
          {1, LEAP + 10 * MS, LEAP + 10 * MS}}},
        {"stopped for an hour", {{1, 0, 0}, {3600, 30 * MS, 0}, {1, 30 * MS, 0}, {1, 30 * MS, 0}}},
        {"below the threshold", {{1, 90 * US, 0}, {1, 0, 0}, {1, -90 * US, 0}, {1, 0, 0}}},
        {"beyond int64_t", {{1, INT64_MAX - 10 * NS_PER_S, 0}, {1, -NS_PER_S, 0}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t count = 0;
        while (count < 9 && cases[i].rows[count].dt_s > 0)
            count++;
        run_watch(cases[i].what, cases[i].rows, count);
    }
}

/* Monotonic time runs at another rate for a while: blind for some readings, never a verdict; afterwards a
 * step is seen as before. */
static void test_watch_learns_a_rate(void **state)
{
    (void)state;
    static const double slews[] = {500e-6, -500e-6, 25e-6, 0.083, -0.083};
    for (size_t i = 0; i < sizeof slews / sizeof slews[0]; i++) {
        struct watch w = {0};
        double displaced = 0;
        int64_t now = 0;
        for (int t = 0; t < 400; t++) {
            now += NS_PER_S / 4;
            displaced += (t >= 50 && t < 100) ? slews[i] * 0.25e9 : 0;
            watch_advance(&w, now, 0);
            const int64_t verdict = watch_check(&w, now + llround(displaced), 100 * US);
            assert_int_equal(verdict, 0);
        }
        int64_t verdict = 0;
        for (int t = 0; t < 5; t++) {
            now += NS_PER_S / 4;
            watch_advance(&w, now, 0);
            verdict += watch_check(&w, now + llround(displaced) + LEAP, 100 * US);
        }
        assert_true(llabs(verdict - LEAP) < MS);
    }
}

/* What a pulse says about a suspicion. */
static void test_watch_vouch(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t displaced_ns;
        double residual_ns;
        int64_t age_ns;
        int64_t step_ns;
    } cases[] = {
        {"the pulse does not see it", 3 * MS, 20, 0, 0},
        {"the pulse sees it", 3 * MS, 3 * MS, 0, 3 * MS},
        {"the pulse cannot see whole seconds", LEAP, 20, 0, LEAP},
        {"nor when the reading is a little off", LEAP + 30 * US, 20, 0, LEAP + 30 * US},
        {"but the rest", LEAP + 5 * MS, 20, 0, LEAP},
        {"downwards", -LEAP + 5 * MS, 20, 0, -LEAP},
        {"the edge was before", 3 * MS, 20, 600 * MS, 3 * MS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct watch w = {0};
        watch_advance(&w, 0, 0);
        watch_check(&w, 0, 100 * US);
        watch_advance(&w, NS_PER_S, 0);
        assert_int_equal(watch_check(&w, NS_PER_S + cases[i].displaced_ns, 100 * US), 0);
        watch_advance(&w, 3 * NS_PER_S / 2, 0);
        watch_vouch(&w, cases[i].age_ns, cases[i].residual_ns, 100 * US);
        watch_advance(&w, 2 * NS_PER_S, 0);
        const int64_t verdict = watch_check(&w, 2 * NS_PER_S + cases[i].displaced_ns, 100 * US);
        if (verdict != cases[i].step_ns)
            fail_msg("%s: %lld", cases[i].what, (long long)verdict);
    }
}

static void test_watch_age(void **state)
{
    (void)state;
    struct watch w = {0};
    assert_int_equal(watch_age(&w, 5), 0); /* nothing known */
    watch_advance(&w, 0, 0);
    watch_check(&w, 100 * NS_PER_S, 1000);
    watch_advance(&w, NS_PER_S, 0);
    assert_int_equal(watch_age(&w, 101 * NS_PER_S - 3 * MS), 3 * MS);
    assert_int_equal(watch_age(&w, 101 * NS_PER_S + MS), 0); /* to come */
    assert_int_equal(watch_age(&w, 90 * NS_PER_S), 0);       /* too old to be a pulse's delay */
    assert_int_equal(watch_age(&w, INT64_MIN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_pace_widens_without_bump),
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_learns_a_rate),
        cmocka_unit_test(test_watch_vouch),
        cmocka_unit_test(test_watch_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
