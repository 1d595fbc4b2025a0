/* SPDX-License-Identifier: BSD-2-Clause */
/* When pulses may be believed: lost fixes, silence, missing pulses, and the boundaries of each. */
#include "tests/unit/gnss_rig.h"

static void test_one_bad_epoch(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    pulse(&sc, 0);
    message(&sc, LATENCY_NS, 0, FIX_NONE);
    message(&sc, LATENCY_NS + 5 * MS, 0, FIX_NONE);
    message(&sc, LATENCY_NS + 300 * MS, 0, FIX_NONE);
    expect_trust(&sc, GNSS_GOOD);
    sc.s++;
    run(&sc, 3);
    expect_trust(&sc, GNSS_GOOD);
    /* every other one bad: still no change */
    for (int i = 0; i < 20; i++, sc.s++) {
        assert_true(pulse(&sc, 0));
        message(&sc, LATENCY_NS, 0, i % 2 ? FIX_3D : FIX_NONE);
    }
}

static void test_fix_lost_and_back(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 10; i++, sc.s++) {
        assert_int_equal(pulse(&sc, 0), i < 2);
        message(&sc, LATENCY_NS, 0, FIX_NONE);
        expect_trust(&sc, i < 1 ? GNSS_GOOD : GNSS_NO_FIX);
    }
    assert_int_equal(sc.g.status.fix, FIX_NONE);
    for (int i = 0; i < 5; i++, sc.s++) {
        assert_int_equal(pulse(&sc, 0), i >= 2);
        message(&sc, LATENCY_NS, 0, FIX_2D);
        message(&sc, LATENCY_NS + MS, 0, FIX_3D); /* the same epoch again is not a second word */
        expect_trust(&sc, i < 1 ? GNSS_NO_FIX : GNSS_GOOD);
    }
}

/* gpsd's first message of a cycle may not know the fix yet. */
static void test_epoch_with_both(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 10; i++, sc.s++) {
        assert_true(pulse(&sc, 0));
        message(&sc, LATENCY_NS, 0, FIX_NONE);
        message(&sc, LATENCY_NS + MS, 0, FIX_3D);
    }
}

static void test_never_a_fix(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (int i = 0; i < 30; i++, sc.s++) {
        assert_false(pulse(&sc, 0));
        message(&sc, LATENCY_NS, 0, FIX_NONE);
        expect_trust(&sc, GNSS_NO_FIX);
    }
    assert_int_equal(sc.g.status.agreeing, 0); /* a label without a fix does not vote */
}

static void test_gpsd_gone(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    link_down(&sc, 10 * MS);
    assert_int_equal(sc.g.status.fix, FIX_UNKNOWN);
    for (int i = 0; i < 10; i++, sc.s++) {
        pulse(&sc, 0);
        expect_right_sample(&sc, 0);
        tick(&sc, NS_PER_S / 2);
        expect_trust(&sc, GNSS_GOOD);
        assert_false(sc.g.status.silent);
    }
    run(&sc, 3); /* back, and nothing has happened */
    expect_trust(&sc, GNSS_GOOD);
}

/* Down, or up but silent: trusted to the end of the grace and not a millisecond longer. */
static void test_unvouched(void **state)
{
    (void)state;
    for (int down = 0; down <= 1; down++) {
        struct scene sc = begin();
        int64_t last_s;

        lock(&sc);
        last_s = sc.s - 1;
        if (down)
            link_down(&sc, 10 * MS);
        for (; sc.s <= last_s + 60; sc.s++) {
            assert_true(pulse(&sc, 0));
            tick(&sc, LATENCY_NS);
            expect_trust(&sc, GNSS_GOOD);
            assert_int_equal(sc.g.status.silent, !down && sc.s - last_s > 3);
        }
        sc.s--;
        tick(&sc, LATENCY_NS);
        expect_trust(&sc, GNSS_GOOD);
        tick(&sc, LATENCY_NS + 1);
        expect_trust(&sc, GNSS_NO_RECEIVER);
        sc.s++;
        assert_false(pulse(&sc, 0));
        message(&sc, LATENCY_NS, 0, FIX_3D);
        expect_trust(&sc, GNSS_NO_FIX); /* heard again, but one word is not enough */
        sc.s++;
        run(&sc, 1);
        expect_trust(&sc, GNSS_GOOD);
    }
}

/* Satellites are all that it says: no word on the fix, so the grace runs out all the same. */
static void test_heard_but_not_vouched(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 70; i++, sc.s++) {
        struct receiver_report r = {.arrival_ns = mono(sc.s) + LATENCY_NS,
                                    .link = RECEIVER_LINK_UP,
                                    .satellites_used = 0,
                                    .satellites_visible = 3,
                                    .antenna = ANTENNA_FAULT};

        pulse(&sc, 0);
        deliver(&sc, &r);
        expect_trust(&sc, i < 60 ? GNSS_GOOD : GNSS_NO_FIX);
        assert_false(sc.g.status.silent);
    }
    assert_int_equal(sc.g.status.satellites_visible, 3);
    assert_int_equal(sc.g.status.words.antenna, ANTENNA_FAULT);
}

static void test_pulses_missing(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    sc.s--;
    tick(&sc, 2 * NS_PER_S + PULSE_DELAY);
    expect_trust(&sc, GNSS_GOOD);
    tick(&sc, 2 * NS_PER_S + PULSE_DELAY + 1);
    expect_trust(&sc, GNSS_NO_PULSE);
    sc.s += 3;
    pulse(&sc, 0); /* the first one back counts again */
    expect_right_sample(&sc, 0);
}

static void test_no_pulse_ever(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (int i = 0; i < 10; i++, sc.s++)
        message(&sc, LATENCY_NS, 0, FIX_3D);
    expect_trust(&sc, GNSS_NO_PULSE);
    assert_int_equal(sc.g.status.agreeing, 0);
}

/* A wrong clock, or pulses at the wrong place: rejected pulses are as good as none. */
static void test_locked_clock_half_a_second_off(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    sc.clock_error_ns = 300 * MS;
    for (int i = 0; i < 4; i++, sc.s++)
        assert_false(pulse(&sc, 0));
    tick(&sc, 0);
    expect_trust(&sc, GNSS_NO_PULSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bad_epoch),
        cmocka_unit_test(test_fix_lost_and_back),
        cmocka_unit_test(test_epoch_with_both),
        cmocka_unit_test(test_never_a_fix),
        cmocka_unit_test(test_gpsd_gone),
        cmocka_unit_test(test_unvouched),
        cmocka_unit_test(test_heard_but_not_vouched),
        cmocka_unit_test(test_pulses_missing),
        cmocka_unit_test(test_no_pulse_ever),
        cmocka_unit_test(test_locked_clock_half_a_second_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
