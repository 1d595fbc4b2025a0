/* SPDX-License-Identifier: BSD-2-Clause */
/* Which second a pulse marks: late, stale, doubled and wrong messages, missing and extra pulses. */
#include "tests/unit/gnss_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void test_start(void **state)
{
    struct scene sc = begin();

    (void)state;
    tick(&sc, 0);
    expect_trust(&sc, GNSS_NO_RECEIVER);
    for (int i = 0; i < AGREEING; i++) {
        assert_false(pulse(&sc, 0));
        message(&sc, LATENCY_NS, 0, FIX_3D);
        expect_trust(&sc, i == 0 ? GNSS_NO_FIX : i < AGREEING - 1 ? GNSS_NOT_NUMBERED : GNSS_GOOD);
        assert_int_equal(sc.g.status.agreeing, i + 1);
        sc.s++;
    }
    pulse(&sc, 0);
    expect_right_sample(&sc, 0);
}

/* The loop may read the message before the pulse that it belongs to. */
static void test_message_read_before_pulse(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (int i = 0; i < 10; i++, sc.s++) {
        message(&sc, 1 * MS, 0, FIX_3D);
        pulse(&sc, 0);
    }
    pulse(&sc, 0);
    expect_right_sample(&sc, 0);
}

static void test_several_messages_an_epoch(void **state)
{
    struct scene sc = begin();

    (void)state;
    pulse(&sc, 0);
    for (int i = 0; i < 10; i++)
        message(&sc, LATENCY_NS + (int64_t)i * MS, 0, FIX_3D);
    assert_int_equal(sc.g.status.agreeing, 1);
    sc.s++;
    run(&sc, AGREEING - 1);
    assert_int_equal(sc.g.status.agreeing, AGREEING);
    /* the second one of an epoch is held up beyond the next good one: harmless */
    pulse(&sc, 0);
    message(&sc, LATENCY_NS, 0, FIX_3D);
    message(&sc, LATENCY_NS + MS, -1, FIX_3D);
    expect_trust(&sc, GNSS_GOOD);
    assert_int_equal(sc.g.status.messages_late, 1);
}

static void test_late_message_before_lock(void **state)
{
    struct scene sc = begin();

    (void)state;
    run(&sc, AGREEING + 2);
    expect_trust(&sc, GNSS_GOOD);
    pulse(&sc, 0);
    sc.s++; /* this second's message comes within the next one */
    pulse(&sc, 0);
    message(&sc, LATENCY_NS, -1, FIX_3D);
    expect_trust(&sc, GNSS_NOT_NUMBERED); /* the vote begins anew, and ends right */
    sc.s++;
    run(&sc, AGREEING - 1);
    expect_trust(&sc, GNSS_NOT_NUMBERED);
    run(&sc, 1);
    expect_trust(&sc, GNSS_GOOD);
    pulse(&sc, 0);
    expect_right_sample(&sc, 0);
}

/* Late or wrong messages, each alone or for long, never move a locked clock's numbers. */
static void test_wrong_messages_after_lock(void **state)
{
    static const int errors[] = {-1, 1, -17, 3600, -619315200 /* 1024 weeks */, 1000000000};

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct scene sc = begin();

        lock(&sc);
        for (int n = 1; n <= 20; n++, sc.s++) {
            pulse(&sc, 0);
            expect_right_sample(&sc, 0);
            message(&sc, LATENCY_NS, errors[i], FIX_3D);
            message(&sc, LATENCY_NS + MS, errors[i], FIX_3D);
            assert_int_equal(sc.g.status.numbering_disagrees, n >= 5);
            expect_trust(&sc, GNSS_GOOD);
        }
        assert_int_equal(sc.g.status.disagreement_s, errors[i]);
        run(&sc, 1);
        assert_false(sc.g.status.numbering_disagrees);
        assert_int_equal(sc.g.status.disagreement_s, 0);
    }
}

/* Right ones between: not lasting. */
static void test_now_and_then_wrong(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 40; i++, sc.s++) {
        pulse(&sc, 0);
        message(&sc, LATENCY_NS, i % 5 ? -1 : 0, FIX_3D);
        assert_false(sc.g.status.numbering_disagrees);
    }
}

/* Stopped gpsd resumes: a minute of messages at once, in either phase. */
static void test_stale_burst(void **state)
{
    (void)state;
    for (int locked = 0; locked <= 1; locked++) {
        struct scene sc = begin();

        if (locked)
            lock(&sc);
        else
            run(&sc, 10);
        for (int i = 0; i < 30; i++, sc.s++) {
            pulse(&sc, 0);
            expect_right_sample(&sc, 0);
            tick(&sc, NS_PER_S / 2);
        }
        pulse(&sc, 0);
        for (int i = 30; i >= 0; i--)
            message(&sc, 300 * MS + (int64_t)(30 - i) * 1000, -i, FIX_3D);
        assert_false(sc.g.status.numbering_disagrees);
        assert_true(sc.g.status.messages_late >= 1);
        sc.s++;
        run(&sc, AGREEING);
        expect_right_sample(
            &(struct scene){
                .s = sc.s - 1, .numbered = true, .sample = sc.sample, .clock_error_ns = sc.clock_error_ns},
            0);
        expect_trust(&sc, GNSS_GOOD);
    }
}

/* The message that decides the vote numbers the pulses before it, too: a lock need not wait for new ones. */
static void test_early_pulses(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (unsigned i = 1; i < AGREEING; i++) {
        run(&sc, 1);
        assert_int_equal(sc.early_samples, 0);
    }
    pulse(&sc, 77);
    assert_false(sc.numbered);
    message(&sc, LATENCY_NS, 0, FIX_3D);
    assert_int_equal(sc.early_samples, AGREEING < GNSS_EARLY_PULSES ? AGREEING : GNSS_EARLY_PULSES);
    sc.numbered = true;
    expect_right_sample(&sc, 77);
    sc.s++;
    run(&sc, 5);
    assert_true(sc.numbered);
    assert_int_equal(sc.early_samples, AGREEING < GNSS_EARLY_PULSES ? AGREEING : GNSS_EARLY_PULSES);
}

/* Readings of a clock that was stepped since are void. */
static void test_early_pulses_of_stepped_clock(void **state)
{
    struct scene sc = begin();

    (void)state;
    run(&sc, AGREEING - 1);
    pulse(&sc, 0);
    gnss_clock_changed(&sc.g);
    message(&sc, LATENCY_NS, 0, FIX_3D);
    assert_int_equal(sc.early_samples, 0);
}

static void test_missing_pulses_before_lock(void **state)
{
    static const int gaps[] = {1, 2, 5, 90};

    (void)state;
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
        struct scene sc = begin();

        run(&sc, 10);
        for (int n = 0; n < gaps[i]; n++, sc.s++)
            message(&sc, LATENCY_NS, 0, FIX_3D);
        pulse(&sc, 0);
        expect_right_sample(&sc, 0);
    }
}

/* Such as a trailing edge: the message comes before it, or long after. */
static void test_offset_beyond_the_message(void **state)
{
    static const int64_t offsets_ns[] = {200 * MS, 499 * MS, -200 * MS, -499 * MS};

    (void)state;
    for (size_t i = 0; i < sizeof(offsets_ns) / sizeof(offsets_ns[0]); i++) {
        struct gnss_config c = config;
        c.pulse[0].offset_ns = PULSE_DELAY + offsets_ns[i];
        struct scene sc = begin_with(&c);
        for (int n = 0; n < 10; n++, sc.s++) {
            if (offsets_ns[i] < 0)
                pulse(&sc, offsets_ns[i]);
            message(&sc, LATENCY_NS, 0, FIX_3D);
            if (offsets_ns[i] > 0)
                pulse(&sc, offsets_ns[i]);
        }
        sc.s--;
        expect_right_sample(&sc, 0);
    }
}

/* After so long the count is not to be relied on: the messages number anew. */
static void test_pulse_gap_too_long(void **state)
{
    struct scene sc = begin();

    (void)state;
    run(&sc, 10);
    for (int n = 0; n < 101; n++, sc.s++)
        message(&sc, LATENCY_NS, 0, FIX_3D);
    assert_false(pulse(&sc, 0));
    expect_trust(&sc, GNSS_NOT_NUMBERED);
    run(&sc, AGREEING + 1);
    expect_trust(&sc, GNSS_GOOD);
}

static void test_extra_pulses_before_lock(void **state)
{
    static const int64_t at_ns[] = {300000, 100 * MS, 200 * MS, 500 * MS, 899 * MS};

    (void)state;
    for (size_t i = 0; i < sizeof(at_ns) / sizeof(at_ns[0]); i++) {
        struct scene sc = begin();

        run(&sc, 10);
        for (int n = 0; n < 20; n++, sc.s++) {
            pulse(&sc, 0);
            expect_right_sample(&sc, 0);
            message(&sc, LATENCY_NS, 0, FIX_3D);
            assert_false(pulse(&sc, at_ns[i]));
        }
        assert_int_equal(sc.g.status.source[0].rejected, 20);
    }
}

/* 300 us too early, it takes the true one's place; the count stays right. */
static void test_early_extra_pulse(void **state)
{
    struct scene sc = begin();

    (void)state;
    run(&sc, 10);
    assert_true(pulse(&sc, -300000));
    assert_int_equal(sc.sample.tai_s, true_tai(sc.s));
    assert_false(pulse(&sc, 0));
    sc.s++;
    pulse(&sc, 0);
    expect_right_sample(&sc, 0);
}

/* The first pulse ever was a spurious one: the true train prevails, even with an echo. */
static void test_first_pulse_spurious(void **state)
{
    (void)state;
    for (int echo = 0; echo <= 1; echo++) {
        struct scene sc = begin();

        pulse(&sc, -400 * MS);
        for (int i = 0; i < 2 + AGREEING; i++, sc.s++) {
            pulse(&sc, 0);
            if (echo)
                pulse(&sc, 300000);
            message(&sc, LATENCY_NS, 0, FIX_3D);
        }
        pulse(&sc, 0);
        expect_right_sample(&sc, 0);
    }
}

static void test_spurious_pulse_locked(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    pulse(&sc, 0);
    expect_right_sample(&sc, 0);
    assert_false(pulse(&sc, 300000));   /* the same second, and worse */
    assert_false(pulse(&sc, 300 * MS)); /* no second at all */
    assert_int_equal(sc.g.status.source[0].rejected, 2);
    sc.s++;
    assert_true(pulse(&sc, -300000)); /* the true one behind it is still let through */
    pulse(&sc, 0);
    expect_right_sample(&sc, 0);
}

static void test_locked_without_messages(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 55; i++, sc.s++) {
        if (i % 7 == 3)
            continue; /* a missing pulse now and then */
        pulse(&sc, 0);
        expect_right_sample(&sc, 0);
    }
}

/* Before lock, through a leap second: the count goes on, the label without meaning is left out. */
static void test_leap_second_before_lock(void **state)
{
    static const char text[] = "#@ 9999936000\n2272060800 36\n3968611200 37\n3968697600 38\n";
    struct leap_table table;
    char error[100];
    int64_t leap_utc = 3968697600LL - 2208988800LL;

    (void)state;
    assert_int_equal(leap_table_parse(text, sizeof(text) - 1, &table, error, sizeof(error)), 0);
    for (int first = -8; first <= 3; first++) {
        struct gnss g;
        struct gnss_sample sample;

        gnss_init(&g, &config, 0);
        leap_set_table(&g.leap, &table);
        for (int64_t tai = leap_utc + 37 + first; tai < leap_utc + 37 + 20; tai++) {
            int64_t utc = tai < leap_utc + 38 ? tai - 37 : tai - 38;
            struct receiver_report r = report(utc, FIX_3D, tai * NS_PER_S + LATENCY_NS);

            if (gnss_pulse(&g, 0, 0, tai * NS_PER_S, false, &sample))
                assert_int_equal(sample.tai_s, tai);
            gnss_message(&g, &r, false, 0, &sample);
        }
        assert_int_equal(g.status.trust, GNSS_GOOD);
    }
}

/* Fresh from the factory a receiver makes its UTC with outdated leap seconds, and says so. */
static void test_receiver_with_wrong_leap(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (int i = 0; i < 10; i++, sc.s++) {
        struct receiver_report r = report(UTC0 + sc.s + 2, FIX_3D, mono(sc.s) + LATENCY_NS);

        r.gps_minus_utc_s = 16;
        pulse(&sc, 0);
        deliver(&sc, &r);
    }
    pulse(&sc, 0);
    expect_right_sample(&sc, 0);
    tick(&sc, 0);
    assert_true(sc.g.status.leap.disagree);
    assert_false(sc.g.status.leap.valid);
}

static void test_absurd_labels(void **state)
{
    static const int64_t labels[] = {INT64_MIN, -1, INT64_MAX, 100000000001LL};
    struct scene sc = begin();

    (void)state;
    run(&sc, 10);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        struct receiver_report r = report(labels[i], FIX_3D, mono(sc.s) + LATENCY_NS);

        deliver(&sc, &r);
        expect_trust(&sc, GNSS_GOOD);
    }
}

/* The clock was stepped back by a second: the same numbers come again and are not taken for doubles. */
static void test_clock_stepped(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    pulse(&sc, 0);
    sc.s++;
    sc.clock_error_ns = -NS_PER_S + 50;
    assert_false(pulse(&sc, 0));
    gnss_clock_changed(&sc.g);
    assert_true(pulse(&sc, 0));
}

static bool stale_pulse(struct scene *sc, int64_t age_ns)
{
    struct gnss_sample sample;
    int64_t clock_ns = true_tai(sc->s) * NS_PER_S + sc->clock_error_ns + PULSE_DELAY - age_ns;

    return gnss_pulse(&sc->g, 0, clock_ns, mono(sc->s) + PULSE_DELAY, sc->locked, &sample);
}

/* Held up somewhere, all of them come at once, with their old readings and the time of now. */
static void test_stale_pulses(void **state)
{
    (void)state;
    for (int locked = 0; locked <= 1; locked++) {
        struct scene sc = begin();
        uint64_t rejected;

        if (locked)
            lock(&sc);
        else
            run(&sc, 10);
        for (int i = 0; i < 20; i++, sc.s++)
            message(&sc, LATENCY_NS, 0, FIX_3D);
        rejected = sc.g.status.source[0].rejected;
        if (locked) /* before lock the first one of the burst would be the pulse of now */
            for (int64_t age_s = 20; age_s > 0; age_s--)
                assert_false(stale_pulse(&sc, age_s * NS_PER_S));
        pulse(&sc, 0);
        expect_right_sample(&sc, 0);
        for (int64_t age_s = 3; age_s > 0; age_s--)
            assert_false(stale_pulse(&sc, age_s * NS_PER_S));
        assert_int_equal(sc.g.status.source[0].rejected, rejected + (locked ? 23 : 3));
        sc.s++;
        run(&sc, 2);
        sc.s--;
        expect_right_sample(&sc, 0);
    }
}

/* The clock is a second off and nobody told: not for ever are pulses taken for stale ones. */
static void test_not_stale_for_ever(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    sc.clock_error_ns += NS_PER_S;
    for (int i = 0; i < 5; i++, sc.s++)
        assert_int_equal(pulse(&sc, 0), i >= 2);
}

/* Any order of anything: no numbered sample is ever wrong while the messages are right or late. */
static void test_random(void **state)
{
    unsigned seed = (unsigned)time(NULL);

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 300; round++) {
        struct scene sc = begin();

        for (int i = 0; i < 200; i++, sc.s++) {
            if (rand() % 10)
                if (pulse(&sc, rand() % 1000))
                    assert_int_equal(sc.sample.tai_s, true_tai(sc.s));
            if (rand() % 20 == 0)
                pulse(&sc, rand() % NS_PER_S);
            if (rand() % 10)
                message(&sc, LATENCY_NS, 0, rand() % 10 ? FIX_3D : FIX_NONE);
            if (rand() % 20 == 0)
                message(&sc, LATENCY_NS + MS, -rand() % 3, FIX_3D);
            if (rand() % 50 == 0)
                link_down(&sc, 500 * MS);
            tick(&sc, 900 * MS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_message_read_before_pulse),
        cmocka_unit_test(test_several_messages_an_epoch),
        cmocka_unit_test(test_late_message_before_lock),
        cmocka_unit_test(test_wrong_messages_after_lock),
        cmocka_unit_test(test_now_and_then_wrong),
        cmocka_unit_test(test_stale_burst),
        cmocka_unit_test(test_early_pulses),
        cmocka_unit_test(test_early_pulses_of_stepped_clock),
        cmocka_unit_test(test_missing_pulses_before_lock),
        cmocka_unit_test(test_pulse_gap_too_long),
        cmocka_unit_test(test_extra_pulses_before_lock),
        cmocka_unit_test(test_offset_beyond_the_message),
        cmocka_unit_test(test_early_extra_pulse),
        cmocka_unit_test(test_first_pulse_spurious),
        cmocka_unit_test(test_spurious_pulse_locked),
        cmocka_unit_test(test_locked_without_messages),
        cmocka_unit_test(test_leap_second_before_lock),
        cmocka_unit_test(test_receiver_with_wrong_leap),
        cmocka_unit_test(test_absurd_labels),
        cmocka_unit_test(test_clock_stepped),
        cmocka_unit_test(test_stale_pulses),
        cmocka_unit_test(test_not_stale_for_ever),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
