/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiver's own protocol adds: TAI labels, leap seconds to come, words on antenna, sky and time; each
 * in messages that say nothing else. */
#include "tests/unit/gnss_rig.h"

#include <string.h>

static void tai_message(struct scene *sc, int64_t at_ns, int64_t label_error)
{
    struct receiver_report r = bare_report(mono(sc->s) + at_ns);

    r.has_tai = true;
    r.tai_s = true_tai(sc->s) + label_error;
    deliver(sc, &r);
}

/* Its fix, and nothing to number by. */
static void fix_message(struct scene *sc, int64_t at_ns)
{
    struct receiver_report r = bare_report(mono(sc->s) + at_ns);

    r.has_fix = true;
    r.fix = FIX_3D;
    deliver(sc, &r);
}

/* No table, no configured offset, a receiver that never tells its UTC. */
static void test_tai_numbers(void **state)
{
    struct scene sc = begin();

    (void)state;
    gnss_init(&sc.g, &config, 0);
    for (int i = 0; i < AGREEING + 3; i++, sc.s++) { /* the first two, before a fix is sure, do not count */
        assert_int_equal(pulse(&sc, 0), i >= AGREEING + 2);
        tai_message(&sc, LATENCY_NS, 0);
        fix_message(&sc, LATENCY_NS + MS);
    }
    sc.s--;
    expect_right_sample(&sc, 0);
    tick(&sc, NS_PER_S / 2);
    assert_false(sc.g.status.leap.valid);
    assert_false(sc.g.status.leap.disagree);
}

/* It speaks for as long as other messages vouch for the fix, and vouches for nothing itself. */
static void test_tai_is_no_fix(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (int i = 0; i < 10; i++, sc.s++) {
        assert_false(pulse(&sc, 0));
        tai_message(&sc, LATENCY_NS, 0);
        expect_trust(&sc, GNSS_NO_FIX);
    }
    assert_int_equal(sc.g.status.agreeing, 0);
    lock(&sc);
    for (int i = 0; i < 70; i++, sc.s++) {
        pulse(&sc, 0);
        tai_message(&sc, LATENCY_NS, 0);
        tick(&sc, NS_PER_S / 2);
        expect_trust(&sc, i < 59 ? GNSS_GOOD : GNSS_NO_FIX);
        assert_false(sc.g.status.silent);
    }
}

/* An outdated table makes the UTC labels a second wrong, the TAI labels are right: these number, and the
 * contradiction is shown. In one report or in two. */
static void test_tai_goes_before_utc(void **state)
{
    (void)state;
    for (int together = 0; together <= 1; together++) {
        struct scene sc = begin();

        gnss_init(&sc.g, &config, TAI_OFFSET - 1);
        for (int i = 0; i < 20; i++, sc.s++) {
            struct receiver_report r = report(UTC0 + sc.s, FIX_3D, mono(sc.s) + LATENCY_NS);

            pulse(&sc, 0);
            if (i >= AGREEING + 2)
                expect_right_sample(&sc, 0);
            r.has_tai = together;
            r.tai_s = true_tai(sc.s);
            if (!together)
                tai_message(&sc, LATENCY_NS - MS, 0);
            deliver(&sc, &r);
            tick(&sc, NS_PER_S / 2);
        }
        assert_true(sc.g.status.labels_disagree);
        assert_int_equal(sc.g.status.labels_differ_s, -1);
        assert_true(sc.g.status.leap.disagree);
        assert_false(sc.g.status.leap.valid);
        assert_int_equal(sc.g.status.messages_late, 0);
        /* TAI is not told any more: nothing contradicts, and the locked clock is not renumbered */
        sc.locked = true;
        sc.clock_error_ns = 40;
        gnss_clock_changed(&sc.g);
        run(&sc, 10);
        expect_right_sample(
            &(struct scene){.s = sc.s - 1, .numbered = true, .sample = sc.sample, .clock_error_ns = 40}, 0);
        assert_false(sc.g.status.labels_disagree);
        assert_true(sc.g.status.numbering_disagrees);
        assert_int_equal(sc.g.status.disagreement_s, -1);
    }
}

/* TAI labels that are wrong, or late, against a locked clock: shown, nothing else. */
static void test_wrong_tai_after_lock(void **state)
{
    static const int64_t errors[] = {-1, 1, 19, -619315200};

    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct scene sc = begin();

        lock(&sc);
        for (int n = 1; n <= 10; n++, sc.s++) {
            pulse(&sc, 0);
            expect_right_sample(&sc, 0);
            tai_message(&sc, LATENCY_NS, errors[i]);
            message(&sc, LATENCY_NS + MS, 0, FIX_3D);
            assert_int_equal(sc.g.status.numbering_disagrees, n >= 5);
        }
        assert_int_equal(sc.g.status.disagreement_s, errors[i]);
        assert_true(sc.g.status.labels_disagree);
        tai_message(&sc, LATENCY_NS, 0);
        assert_false(sc.g.status.numbering_disagrees);
    }
}

static void test_absurd_tai(void **state)
{
    static const int64_t labels[] = {INT64_MIN, -1, INT64_MAX, 100000000001LL};
    struct scene sc = begin();

    (void)state;
    run(&sc, 10);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        struct receiver_report r = bare_report(mono(sc.s) + LATENCY_NS);

        r.has_tai = true;
        r.tai_s = labels[i];
        deliver(&sc, &r);
        expect_trust(&sc, GNSS_GOOD);
    }
    assert_int_equal(sc.g.status.agreeing, 10);
}

/* One field each. None votes, none vouches, each shows that the receiver is alive. */
static void test_one_field(void **state)
{
    (void)state;
    for (int field = 0; field < 8; field++) {
        struct scene sc = begin();
        struct receiver_report r;

        lock(&sc);
        const unsigned agreeing = sc.g.status.agreeing;
        const uint64_t messages = sc.g.status.messages;
        for (int i = 0; i < 10; i++, sc.s++) {
            r = bare_report(mono(sc.s) + LATENCY_NS);
            switch (field) {
            case 0:
                r.antenna = ANTENNA_OPEN;
                break;
            case 1:
                r.jamming = THREAT_WARNING;
                break;
            case 2:
                r.spoofing = THREAT_CRITICAL;
                break;
            case 3:
                r.time_accuracy_ns = 5;
                break;
            case 4:
                r.has_sawtooth = true;
                r.sawtooth_tai_s = true_tai(sc.s);
                break;
            case 5:
                r.has_leap = true;
                break;
            case 6:
                r.gps_minus_utc_s = 18;
                break;
            case 7:
                r.satellites_used = 4;
                break;
            }
            deliver(&sc, &r);
            tick(&sc, NS_PER_S / 2);
            assert_false(sc.g.status.silent);
        }
        assert_int_equal(sc.g.status.messages, messages + 10);
        assert_int_equal(sc.g.status.agreeing, agreeing);
        assert_true(sc.g.vouched_ns < mono(sc.s - 10));
        assert_int_equal(sc.g.status.fix, FIX_3D);
    }
}

static void say(struct scene *sc, enum receiver_antenna antenna, enum receiver_threat jamming,
                enum receiver_threat spoofing, double accuracy_ns)
{
    struct receiver_report r = bare_report(mono(sc->s) + LATENCY_NS);

    r.antenna = antenna;
    r.jamming = jamming;
    r.spoofing = spoofing;
    r.time_accuracy_ns = accuracy_ns;
    deliver(sc, &r);
}

static void expect_words(const struct scene *sc, enum receiver_antenna antenna, enum receiver_threat jamming,
                         enum receiver_threat spoofing, double accuracy_ns)
{
    const struct words *w = &sc->g.status.words;

    assert_int_equal(w->antenna, antenna);
    assert_int_equal(w->jamming, jamming);
    assert_int_equal(w->spoofing, spoofing);
    assert_true(w->time_accuracy_ns == accuracy_ns);
}

static void test_words(void **state)
{
    struct scene sc = begin();

    (void)state;
    assert_int_equal(sc.g.status.words.said_ns[WORD_ANTENNA], INT64_MIN);
    lock(&sc);
    say(&sc, ANTENNA_SHORT, THREAT_NONE, THREAT_NONE, 12);
    sc.s++;
    say(&sc, ANTENNA_UNKNOWN, THREAT_CRITICAL, THREAT_UNKNOWN, 0); /* says nothing of the others */
    expect_words(&sc, ANTENNA_SHORT, THREAT_CRITICAL, THREAT_NONE, 12);
    assert_int_equal(sc.g.status.words.said_ns[WORD_ANTENNA], mono(sc.s - 1) + LATENCY_NS);
    assert_int_equal(sc.g.status.words.said_ns[WORD_JAMMING], mono(sc.s) + LATENCY_NS);
    run(&sc, 60); /* the receiver goes on to speak, but not of these: 60 s after the word it is old */
    expect_words(&sc, ANTENNA_UNKNOWN, THREAT_CRITICAL, THREAT_UNKNOWN, 0);
    run(&sc, 1);
    expect_words(&sc, ANTENNA_UNKNOWN, THREAT_UNKNOWN, THREAT_UNKNOWN, 0);
}

/* Two messages speak of jamming, each second: the worse one stands. Over when it is not repeated. */
static void test_threat_of_two_messages(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (int i = 0; i < 30; i++, sc.s++) {
        say(&sc, ANTENNA_OK, THREAT_WARNING, THREAT_NONE, 0);
        say(&sc, ANTENNA_OK, THREAT_NONE, THREAT_CRITICAL, 0);
        expect_words(&sc, ANTENNA_OK, THREAT_WARNING, THREAT_CRITICAL, 0);
    }
    for (int i = 0; i < 15; i++, sc.s++) {
        say(&sc, ANTENNA_OK, THREAT_NONE, THREAT_NONE, 0);
        expect_words(&sc, ANTENNA_OK, i < 10 ? THREAT_WARNING : THREAT_NONE,
                     i < 10 ? THREAT_CRITICAL : THREAT_NONE, 0);
    }
}

static void test_words_of_a_silent_receiver(void **state)
{
    (void)state;
    for (int down = 0; down <= 1; down++) {
        struct scene sc = begin();

        lock(&sc);
        say(&sc, ANTENNA_OK, THREAT_NONE, THREAT_WARNING, 7);
        if (down)
            link_down(&sc, 100 * MS);
        tick(&sc, 4 * NS_PER_S);
        expect_words(&sc, ANTENNA_UNKNOWN, THREAT_UNKNOWN, THREAT_UNKNOWN, 0);
        assert_int_equal(sc.g.status.words.said_ns[WORD_SPOOFING], mono(sc.s) + LATENCY_NS);
    }
}

/* A leap second that only the receiver knows of, in messages of their own, with labels that go through it;
 * the receiver lost an hour before, or not; before the first lock, or after it. */
static void test_announced_leap(void **state)
{
    const int64_t leap_utc = UTC0 - UTC0 % 86400 + 86400, leap_tai = leap_utc + 38;

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        const bool lost = kind & 1, locked = kind & 2;
        struct scene sc = begin();

        gnss_init(&sc.g, &config, 0);
        sc.s = leap_tai - true_tai(0) - 4000;
        for (; true_tai(sc.s) < leap_tai + 200; sc.s++) {
            const int64_t tai = true_tai(sc.s);
            struct receiver_report r = report(tai < leap_tai ? tai - 37 : tai - 38, FIX_3D, 0);

            if (locked && tai == leap_tai - 3900) {
                sc.locked = true;
                sc.clock_error_ns = 40;
                gnss_clock_changed(&sc.g);
            }
            if (pulse(&sc, 0))
                assert_int_equal(sc.sample.tai_s, tai);
            r.arrival_ns = mono(sc.s) + LATENCY_NS;
            if (!lost || tai < leap_tai - 3600) {
                deliver(&sc, &r);
                r = bare_report(mono(sc.s) + LATENCY_NS + MS);
                r.gps_minus_utc_s = tai < leap_tai + 5 ? 18 : 19; /* it takes its time */
                r.has_leap = true;
                r.leap_step_s = tai < leap_tai;
                r.leap_utc_s = tai < leap_tai ? leap_utc : 0;
                deliver(&sc, &r);
            }
            tick(&sc, NS_PER_S / 2);
            if (tai < leap_tai - 3990)
                continue;
            if (sc.g.status.leap.utc_offset_s != (tai < leap_tai ? 37 : 38) || !sc.g.status.leap.valid ||
                sc.g.status.leap.leap61 != (tai < leap_tai) || sc.g.status.leap.leap59)
                fail_msg("kind %d, %lld s from it: offset %d, valid %d, leap61 %d", kind,
                         (long long)(tai - leap_tai), sc.g.status.leap.utc_offset_s, sc.g.status.leap.valid,
                         sc.g.status.leap.leap61);
            assert_false(sc.g.status.numbering_disagrees);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tai_numbers),
        cmocka_unit_test(test_tai_is_no_fix),
        cmocka_unit_test(test_tai_goes_before_utc),
        cmocka_unit_test(test_wrong_tai_after_lock),
        cmocka_unit_test(test_absurd_tai),
        cmocka_unit_test(test_one_field),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_threat_of_two_messages),
        cmocka_unit_test(test_words_of_a_silent_receiver),
        cmocka_unit_test(test_announced_leap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
