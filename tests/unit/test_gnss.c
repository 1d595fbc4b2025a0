/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbering and trust, in virtual time: a receiver, its pulses and a clock, and everything that goes wrong
 * with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gnss/gnss.h"

#define MS          1000000LL
#define TAI_OFFSET  37
#define UTC0        1750000000LL            /* true second 0 of a scene */
#define MONO0       (5000 * NS_PER_S + 333) /* monotonic time of it */
#define LATENCY_NS  (80 * MS)
#define PULSE_DELAY 50
#define AGREEING    4

static const struct gnss_config config = {
    .pulse_offset_ns = PULSE_DELAY,
    .silent_ns = 3 * NS_PER_S,
    .unvouched_ns = 60 * NS_PER_S,
    .pulse_missing_ns = 2 * NS_PER_S,
    .agreeing_messages = AGREEING,
};

/* One scene: what happens in true second s of it. */
struct scene {
    struct gnss g;
    int64_t s; /* the next second */
    int64_t clock_error_ns;
    bool locked;
    bool numbered; /* the last pulse gave a sample */
    struct gnss_sample sample;
};

static struct scene begin(void)
{
    struct scene sc = {.clock_error_ns = 12345678901LL};

    gnss_init(&sc.g, &config, TAI_OFFSET);
    return sc;
}

static int64_t mono(int64_t s)
{
    return MONO0 + s * NS_PER_S;
}

static int64_t true_tai(int64_t s)
{
    return UTC0 + s + TAI_OFFSET;
}

static void tick(struct scene *sc, int64_t at_ns)
{
    gnss_tick(&sc->g, mono(sc->s) + at_ns, true_tai(sc->s));
}

/* A pulse at_ns behind the present second. */
static bool pulse(struct scene *sc, int64_t at_ns)
{
    int64_t clock_ns = true_tai(sc->s) * NS_PER_S + at_ns + sc->clock_error_ns + PULSE_DELAY;

    sc->numbered = gnss_pulse(&sc->g, clock_ns, mono(sc->s) + at_ns + PULSE_DELAY, sc->locked, &sc->sample);
    return sc->numbered;
}

static struct receiver_report report(int64_t utc_s, enum fix_mode fix, int64_t arrival_ns)
{
    return (struct receiver_report){.arrival_ns = arrival_ns,
                                    .link = RECEIVER_LINK_UP,
                                    .has_fix = true,
                                    .fix = fix,
                                    .has_time = true,
                                    .utc_s = utc_s,
                                    .satellites_used = -1,
                                    .satellites_visible = -1,
                                    .antenna_ok = -1};
}

static void deliver(struct scene *sc, const struct receiver_report *r)
{
    int64_t since_ns = r->arrival_ns - mono(sc->s);

    gnss_message(&sc->g, r, sc->locked, true_tai(sc->s) * NS_PER_S + since_ns + sc->clock_error_ns);
}

/* A message labelled with the second s + label_error, at_ns behind the present second. */
static void message(struct scene *sc, int64_t at_ns, int64_t label_error, enum fix_mode fix)
{
    struct receiver_report r = report(UTC0 + sc->s + label_error, fix, mono(sc->s) + at_ns);

    deliver(sc, &r);
}

static void link_down(struct scene *sc, int64_t at_ns)
{
    struct receiver_report r = {.arrival_ns = mono(sc->s) + at_ns,
                                .link = RECEIVER_LINK_DOWN,
                                .satellites_used = -1,
                                .satellites_visible = -1,
                                .antenna_ok = -1};

    deliver(sc, &r);
}

/* n ordinary seconds. */
static void run(struct scene *sc, int n)
{
    for (; n > 0; n--, sc->s++) {
        pulse(sc, 0);
        message(sc, LATENCY_NS, 0, FIX_3D);
        tick(sc, NS_PER_S / 2);
    }
}

static void lock(struct scene *sc)
{
    run(sc, 10);
    assert_true(sc->numbered);
    sc->locked = true;
    sc->clock_error_ns = 40;
    gnss_clock_changed(&sc->g);
    run(sc, 2);
    assert_true(sc->numbered);
}

static void expect_right_sample(const struct scene *sc, int64_t at_ns)
{
    assert_true(sc->numbered);
    assert_int_equal(sc->sample.tai_s, true_tai(sc->s));
    assert_int_equal(sc->sample.reading_ns, true_tai(sc->s) * NS_PER_S + at_ns + sc->clock_error_ns);
}

static void expect_trust(const struct scene *sc, enum gnss_trust trust)
{
    if (sc->g.status.trust != trust)
        fail_msg("second %lld: %s instead of %s", (long long)sc->s, gnss_trust_name(sc->g.status.trust),
                 gnss_trust_name(trust));
}

/* --- numbering --- */

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
        message(&sc, LATENCY_NS + i * MS, 0, FIX_3D);
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
            message(&sc, 300 * MS + (30 - i) * 1000, -i, FIX_3D);
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
        assert_int_equal(sc.g.status.pulses_rejected, 20);
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
        for (int i = 0; i < 3 + AGREEING; i++, sc.s++) {
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
    assert_int_equal(sc.g.status.pulses_rejected, 2);
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

            if (gnss_pulse(&g, 0, tai * NS_PER_S, false, &sample))
                assert_int_equal(sample.tai_s, tai);
            gnss_message(&g, &r, false, 0);
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

/* --- trust --- */

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
                                    .antenna_ok = 0};

        pulse(&sc, 0);
        deliver(&sc, &r);
        expect_trust(&sc, i < 60 ? GNSS_GOOD : GNSS_NO_FIX);
        assert_false(sc.g.status.silent);
    }
    assert_int_equal(sc.g.status.satellites_visible, 3);
    assert_int_equal(sc.g.status.antenna_ok, 0);
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
        cmocka_unit_test(test_stale_burst),
        cmocka_unit_test(test_missing_pulses_before_lock),
        cmocka_unit_test(test_pulse_gap_too_long),
        cmocka_unit_test(test_extra_pulses_before_lock),
        cmocka_unit_test(test_early_extra_pulse),
        cmocka_unit_test(test_first_pulse_spurious),
        cmocka_unit_test(test_spurious_pulse_locked),
        cmocka_unit_test(test_locked_without_messages),
        cmocka_unit_test(test_leap_second_before_lock),
        cmocka_unit_test(test_receiver_with_wrong_leap),
        cmocka_unit_test(test_absurd_labels),
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
        cmocka_unit_test(test_clock_stepped),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
