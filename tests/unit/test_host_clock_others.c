/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's clock among others: daemons that steer it too, people who set it, leap seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/host_clock_rig.h"

static void settled(struct host_rig *r, uint64_t seed)
{
    rig_init(r, 300000, seed);
    rig_seconds(r, 120);
    assert_int_equal(r->h.status.state, HOST_CLOCK_FOLLOWING);
    rig_judge_anew(r);
}

/* --- others ---------------------------------------------------------------------------------------- */

static void once_frequency(struct host_rig *r)
{
    r->freq += 330000; /* 5 ppm */
}
static void once_tick(struct host_rig *r)
{
    r->tick++;
}
static void once_pll(struct host_rig *r)
{
    r->status |= STA_PLL;
    r->pll_offset = 100;
}
static void once_step(struct host_rig *r)
{
    rig_set(r, -400000);
}

/* Once: found at the next comparison, put back, said for ten minutes. */
static void touched_once(void **state)
{
    (void)state;
    static const struct {
        void (*touch)(struct host_rig *r);
        const char *what;
        int settle_s;
    } cases[] = {
        {once_frequency, "its frequency was changed", 20},
        {once_tick, "its frequency was changed", 20},
        {once_pll, "the kernel was told to slew it", 20},
        {once_step, "it was stepped", 80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct host_rig r;
        settled(&r, i + 1);
        r.base_noise_ns = cases[i].touch == once_step ? 5000 : 200;
        rig_pass(&r, 1000000);
        cases[i].touch(&r);
        rig_pass(&r, RIG_TICK_NS);
        const unsigned steps = r.steps;
        rig_ticks(&r, 1);
        assert_true(r.h.status.contested);
        assert_string_equal(r.h.status.foreign, cases[i].what);
        assert_int_equal(r.h.status.state, HOST_CLOCK_FOLLOWING);
        rig_seconds(&r, cases[i].settle_s);
        if (llabs(rig_error(&r)) > 200)
            fail_msg("case %d: %d ns", (int)i, (int)rig_error(&r));
        assert_int_equal(r.steps, steps);
        /* how fast the kernel slews is not known */
        assert_true(r.h.status.restarts == 0 || cases[i].touch == once_pll);
        assert_int_equal(r.tick, 10000);
        assert_int_equal(r.pll_offset, 0);
        assert_int_equal(r.status & STA_UNSYNC, 0);
        rig_seconds(&r, 600 - cases[i].settle_s - 5);
        assert_true(r.h.status.contested);
        rig_seconds(&r, 10);
        assert_false(r.h.status.contested);
        assert_int_equal(r.h.status.foreign_steps + r.h.status.foreign_freqs, i == 2 ? 0 : 1);
    }
}

/* A daemon that steers it every 16 s: hands off until it has been silent for ten minutes. */
static void contested(void **state)
{
    (void)state;
    struct host_rig r;
    settled(&r, 1);
    long daemons = r.freq;
    for (int i = 0; i < 100; i++) {
        if (i == 3) {
            assert_int_equal(r.h.status.state, HOST_CLOCK_YIELDING);
            r.sets = 0;
        }
        daemons += i % 2 ? 3000 : -3000;
        r.freq = daemons;
        rig_seconds(&r, 16);
        assert_true(r.h.status.contested);
    }
    assert_int_equal(r.sets, 0);
    assert_int_equal(r.h.status.state, HOST_CLOCK_YIELDING);
    rig_seconds(&r, 580);
    assert_int_equal(r.h.status.state, HOST_CLOCK_YIELDING);
    rig_set(&r, 5000); /* too little to be told from noise: corrected all the same */
    rig_seconds(&r, 90);
    assert_int_equal(r.h.status.state, HOST_CLOCK_FOLLOWING);
    assert_false(r.h.status.contested);
    assert_true(llabs(rig_error(&r)) < 200);
    assert_int_equal(r.h.status.steps, 1); /* the one at the start */
}

/* Somebody sets it by an hour: told apart from the served clock's doing, undone only if allowed. */
static void set_by_an_hour(void **state)
{
    (void)state;
    static const double later_ns[] = {0, 1e9};
    for (size_t i = 0; i < 2; i++) {
        struct host_rig r;
        settled(&r, 1);
        r.h.config.step_later_ns = later_ns[i];
        rig_set(&r, 3600 * NS_PER_S);
        rig_ticks(&r, 1);
        assert_int_equal(r.h.status.foreign_steps, 1);
        assert_true(llabs(r.h.status.foreign_step_ns - 3600 * NS_PER_S) < 1000);
        assert_true(r.h.status.contested);
        if (later_ns[i] > 0) {
            assert_true(llabs(rig_error(&r)) < 2000);
            rig_seconds(&r, 10);
            assert_true(llabs(rig_error(&r)) < 200);
            assert_int_equal(r.status & STA_UNSYNC, 0);
        } else {
            rig_seconds(&r, 10);
            assert_true(rig_error(&r) > 3599 * NS_PER_S);
            assert_true(fabs(r.h.status.offset_ns - 3600e9) < 1e6);
            assert_true(r.status & STA_UNSYNC); /* and nobody is told that it is right */
        }
        assert_true(r.fastest_ppb < 10500);
    }
}

/* --- leap seconds ---------------------------------------------------------------------------------- */

/* Leaps at the end of the day that RIG_NOON_TAI_S is in. */
static void leap_tonight(struct host_rig *r, int leap)
{
    r->leap = leap;
    r->leap_true_ns = (RIG_NOON_TAI_S + 43200 + (leap > 0)) * NS_PER_S - (leap < 0 ? NS_PER_S : 0);
}

/* Not at any moment may the host be off by more than its noise, except within the inserted second itself,
 * which the kernel gives the name 23:59:59 once more. told_late_s: so long the caller says the old TAI-UTC.
 */
static void across(struct host_rig *r, int leap, int told_late_s)
{
    const int64_t ends_ns = r->leap_true_ns, begins_ns = ends_ns - (leap > 0 ? NS_PER_S : 0);
    for (int i = 0; i < 4 * 150; i++) {
        rig_ticks(r, 1);
        const bool inserted = r->true_ns >= begins_ns && r->true_ns < ends_ns;
        const int64_t error = rig_error(r) + (inserted ? NS_PER_S : 0);
        if (llabs(error) > 250)
            fail_msg("leap %+d: off by %lld ns, %+.2f s from its end", leap, (long long)error,
                     (double)(r->true_ns - ends_ns) / 1e9);
        if (r->true_ns > ends_ns + 4 * NS_PER_S)
            assert_int_equal(r->status & (STA_INS | STA_DEL), 0);
        r->late_s = r->true_ns >= ends_ns && r->true_ns < ends_ns + told_late_s * NS_PER_S ? leap : 0;
    }
}

static void leap_seconds(void **state)
{
    (void)state;
    static const struct {
        int leap, told_late_s;
    } cases[] = {{1, 0}, {-1, 0}, {1, 20}, {-1, 20}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int leap = cases[i].leap;
        struct host_rig r;
        rig_init(&r, 300000, i + 1);
        leap_tonight(&r, leap);
        rig_seconds(&r, 60);
        assert_int_equal(r.status & (STA_INS | STA_DEL), leap > 0 ? STA_INS : STA_DEL);
        rig_until_midnight(&r, 20);
        assert_int_equal(r.tai, 37);
        const unsigned steps = r.steps;
        across(&r, leap, cases[i].told_late_s);
        assert_int_equal(r.leaps, 1);
        assert_int_equal(r.steps, steps);
        assert_int_equal(r.tai, 37 + leap);
        assert_int_equal(r.utc_offset_s, 37 + leap);
        assert_int_equal(r.status & (STA_INS | STA_DEL | STA_UNSYNC), 0);
        assert_false(r.h.status.contested);
        /* not again the next midnight */
        rig_until_midnight(&r, 2);
        rig_seconds(&r, 10);
        assert_int_equal(r.leaps, 1);
        assert_true(llabs(rig_error(&r)) < 250);
    }
}

/* The kernel forgets its hour when the clock is set, by others or by gmd: armed anew. Withdrawn: disarmed. */
static void leap_rearmed_and_withdrawn(void **state)
{
    (void)state;
    const int64_t midnight_s = RIG_NOON_TAI_S - 37 + 43200;
    struct host_rig r;
    rig_init(&r, 300000, 1);
    r.h.config.step_later_ns = 1e9;
    leap_tonight(&r, 1);
    rig_seconds(&r, 60);
    assert_int_equal(r.leap_next_s, midnight_s);
    rig_set(&r, 100000);
    assert_int_equal(r.leap_next_s, RIG_LEAP_NOT);
    rig_seconds(&r, 60);
    assert_int_equal(r.leap_next_s, midnight_s);
    r.served_off_ns = 2 * NS_PER_S;
    rig_ticks(&r, 8);
    assert_true(llabs(r.last_step_ns - 2 * NS_PER_S) < 2000);
    assert_int_equal(r.leap_next_s, RIG_LEAP_NOT);
    rig_seconds(&r, 60);
    assert_int_equal(r.leap_next_s, midnight_s);
    r.leap_unannounced = true;
    rig_seconds(&r, 2);
    assert_int_equal(r.status & STA_INS, 0);
    assert_int_equal(r.leap_next_s, RIG_LEAP_NOT);
}

/* A clock that is far off, and may not be stepped, would leap at a wrong moment. */
static void leap_far_off(void **state)
{
    (void)state;
    struct host_rig r;
    rig_init(&r, 5 * NS_PER_S, 1);
    r.h.config.step_threshold_ns = 0;
    leap_tonight(&r, 1);
    rig_seconds(&r, 60);
    assert_int_equal(r.h.status.state, HOST_CLOCK_FOLLOWING);
    assert_int_equal(r.status & STA_INS, 0);
}

/* A leap second that nobody announced: a second off, said, slewed or stepped as configured. */
static void leap_unannounced(void **state)
{
    (void)state;
    struct host_rig r;
    rig_init(&r, 300000, 1);
    r.h.config.step_later_ns = 5e8;
    leap_tonight(&r, 1);
    r.leap_unannounced = true;
    rig_seconds(&r, 60);
    rig_until_midnight(&r, 20);
    assert_int_equal(r.status & STA_INS, 0);
    rig_seconds(&r, 60);
    assert_int_equal(r.leaps, 0);
    assert_int_equal(r.h.status.steps, 2);
    assert_true(llabs(r.last_step_ns + NS_PER_S) < 2000);
    assert_true(llabs(rig_error(&r)) < 250);
    assert_int_equal(r.tai, 38);
}

/* The served clock is away when the leap comes: the kernel leaps all the same. */
static void leap_while_coasting(void **state)
{
    (void)state;
    struct host_rig r;
    rig_init(&r, 300000, 1);
    r.walk_ppb = r.white_ns = 0;
    leap_tonight(&r, 1);
    rig_until_midnight(&r, 60);
    r.compare_fails = true;
    rig_seconds(&r, 120);
    assert_int_equal(r.h.status.state, HOST_CLOCK_COASTING);
    assert_int_equal(r.leaps, 1);
    assert_true(llabs(rig_error(&r)) < 20000);
    assert_int_equal(r.status & STA_INS, 0);
    r.compare_fails = false;
    rig_seconds(&r, 60);
    assert_true(llabs(rig_error(&r)) < 250);
    assert_int_equal(r.h.status.foreign_steps, 0);
    assert_int_equal(r.steps, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(touched_once),
        cmocka_unit_test(contested),
        cmocka_unit_test(set_by_an_hour),
        cmocka_unit_test(leap_seconds),
        cmocka_unit_test(leap_rearmed_and_withdrawn),
        cmocka_unit_test(leap_far_off),
        cmocka_unit_test(leap_unannounced),
        cmocka_unit_test(leap_while_coasting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
