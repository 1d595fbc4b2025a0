/* SPDX-License-Identifier: BSD-2-Clause */
/* Two pulse sources: the better one is used, the other stands in and watches, and no change of source is a
 * step. The clock of these scenes is perfect and follows nothing: what a sample is off, the pulses are. */
#include "tests/unit/gnss_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NEVER     INT64_MIN
#define THRESHOLD 1000

static struct gnss_config two(double noise_0, double noise_1)
{
    struct gnss_config c = config;

    c.second_pulse = true;
    c.pair_threshold_ns = THRESHOLD;
    c.pulse[0].noise_ns = noise_0;
    c.pulse[1] = c.pulse[0];
    c.pulse[1].noise_ns = noise_1;
    return c;
}

/* What came of a second. */
struct outcome {
    unsigned samples;
    int64_t tai_s, error_ns; /* of the last one */
};

static void note(struct outcome *o, const struct scene *sc)
{
    o->samples++;
    o->tai_s = sc->sample.tai_s;
    o->error_ns = sc->sample.reading_ns - sc->sample.tai_s * NS_PER_S - sc->clock_error_ns;
}

/* A second in which the sources' pulses are off by so much (NEVER: missing), the first one's read first or
 * last. */
static struct outcome second(struct scene *sc, int64_t off_0, int64_t off_1)
{
    const int64_t off[PULSE_SOURCES] = {off_0, off_1};
    struct outcome o = {0};

    for (unsigned i = 0; i < PULSE_SOURCES; i++) {
        unsigned source = sc->s % 2 ? i : !i;

        if (off[source] != NEVER && pulse_of(sc, source, off[source]))
            note(&o, sc);
    }
    message(sc, LATENCY_NS, 0, FIX_3D);
    for (int64_t t = 125 * MS; t < NS_PER_S; t += 250 * MS)
        if (tick(sc, t))
            note(&o, sc);
    sc->s++;
    return o;
}

static void become_locked(struct scene *sc)
{
    sc->locked = true;
    sc->clock_error_ns = 40;
    gnss_clock_changed(&sc->g);
}

static struct scene locked(const struct gnss_config *c, int64_t off_1)
{
    struct scene sc = begin_with(c);

    for (int i = 0; i < 10; i++)
        second(&sc, 0, off_1);
    become_locked(&sc);
    for (int i = 0; i < 20; i++)
        second(&sc, 0, off_1);
    return sc;
}

static void expect_one(struct outcome o, const struct scene *sc, int64_t error_ns, int64_t tolerance_ns)
{
    if (o.samples != 1 || o.tai_s != true_tai(sc->s - 1) || llabs(o.error_ns - error_ns) > tolerance_ns)
        fail_msg("second %lld: %u samples, of %+lld s, %+lld ns instead of %+lld", (long long)sc->s - 1,
                 o.samples, (long long)(o.tai_s - true_tai(sc->s - 1)), (long long)o.error_ns,
                 (long long)error_ns);
}

static void expect_source(const struct scene *sc, unsigned source, enum pulse_pair_why why, unsigned changes)
{
    const struct pulse_pair_status *s = &sc->g.pair.status;

    if (s->in_use != source || s->why != why || s->changes != changes)
        fail_msg("second %lld: source %u, %s, %llu changes", (long long)sc->s, s->in_use,
                 pulse_pair_why_name(s->why), (unsigned long long)s->changes);
}

static void test_better_one_is_used(void **state)
{
    (void)state;
    for (unsigned best = 0; best <= 1; best++) {
        const struct gnss_config c = two(best == 0 ? 10 : 50, best == 1 ? 10 : 50);
        struct scene sc = begin_with(&c);

        for (int i = 0; i < 100; i++) {
            struct outcome o;

            if (i == 10)
                become_locked(&sc);
            o = second(&sc, 0, 300);

            if (i >= AGREEING) {
                expect_one(o, &sc, best == 0 ? 0 : 300, 0);
                assert_int_equal(sc.sample.source, best);
            }
        }
        expect_source(&sc, best, PULSE_PAIR_REFERENCE, 0);
        assert_true(sc.g.pair.status.compared);
        assert_true(sc.g.pair.status.difference_ns == 300);
        assert_false(sc.g.pair.status.disagree);
        assert_int_equal(sc.g.pair.status.strayed, -1);
    }
}

/* Each source has its own offset. */
static void test_own_offsets(void **state)
{
    struct gnss_config c = two(10, 50);
    struct scene sc;

    (void)state;
    c.pulse[1].offset_ns += 40000;
    sc = locked(&c, 40000);
    assert_true(sc.g.pair.status.difference_ns == 0);
    expect_one(second(&sc, NEVER, 40000), &sc, 0, 0);
    expect_one(second(&sc, NEVER, 40000), &sc, 0, 0);
}

/* No second is lost, and what the two differ by is no step. */
static void test_stands_in(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = locked(&c, 300);

    (void)state;
    for (int i = 0; i < 200; i++) {
        expect_one(second(&sc, NEVER, 300), &sc, 0, 0);
        expect_trust(&sc, GNSS_GOOD);
    }
    expect_source(&sc, 1, PULSE_PAIR_OTHER_MISSING, 1);
    assert_true(sc.g.pair.status.missing[0]);
    assert_false(sc.g.pair.status.compared);
    assert_true(sc.g.pair.status.bridge_ns == 300);
}

/* The sample that stands in is there before 2 s have passed since the last one: whoever asks for a pulse in
 * every 2 s has it. */
static void test_stands_in_time(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = locked(&c, 300);

    (void)state;
    pulse_of(&sc, 1, 300);
    assert_false(tick(&sc, 300 * MS + PULSE_DELAY));
    assert_true(tick(&sc, 300 * MS + PULSE_DELAY + 1));
    assert_int_equal(sc.sample.tai_s, true_tai(sc.s));
    assert_int_equal(sc.sample.source, 1);
    assert_false(tick(&sc, 400 * MS));
    assert_false(pulse_of(&sc, 0, 450000)); /* late, but there: the second is served */
}

static void test_both_missing(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = locked(&c, 300);

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(second(&sc, NEVER, NEVER).samples, 0);
    expect_trust(&sc, GNSS_NO_PULSE);
    expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 0);
    second(&sc, NEVER, 300); /* the other one is back first */
    expect_trust(&sc, GNSS_GOOD);
    expect_source(&sc, 1, PULSE_PAIR_OTHER_MISSING, 1);
}

/* Back after some time, differing otherwise than before: used again when it has been there for a while, and
 * what is left of the difference goes by half a nanosecond a second. */
static void test_return_of_the_better(void **state)
{
    (void)state;
    for (int parity = 0; parity <= 1; parity++) { /* whichever is read first in the second of the change */
        const struct gnss_config c = two(10, 50);
        struct scene sc = locked(&c, 300);
        int64_t last_ns = 0;
        int back_s = 0;

        for (int i = 0; i < 100 + parity; i++)
            second(&sc, NEVER, 300);
        for (int i = 0; i < 600; i++) {
            struct outcome o = second(&sc, -100, 300);
            bool is_back = sc.g.pair.status.changes == 2;

            if (is_back && !back_s)
                back_s = i;
            expect_one(o, &sc, last_ns, is_back && i <= back_s + 1 ? 20 : 1);
            last_ns = o.error_ns;
        }
        assert_in_range(back_s, 30, 45);
        expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 2);
        assert_int_equal(last_ns, -100);
        assert_true(sc.g.pair.status.bridge_ns == 0);
    }
}

/* Never seen at the start: the other one is used, with its own word only. When the better one comes and is
 * far away, there is no frame to keep. */
static void test_better_one_comes_late(void **state)
{
    static const int64_t offs[] = {200, 50000};

    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        const struct gnss_config c = two(10, 50);
        struct scene sc = begin_with(&c);
        int64_t worst_ns = 0, last_ns = 0;

        for (int i = 0; i < 100; i++) {
            struct outcome o;

            if (i == 10)
                become_locked(&sc);
            o = second(&sc, NEVER, offs[k]);
            if (i > 10)
                expect_one(o, &sc, offs[k], 0);
        }
        expect_source(&sc, 1, PULSE_PAIR_OTHER_MISSING, 1);
        last_ns = offs[k];
        for (int i = 0; i < 700; i++) {
            struct outcome o = second(&sc, 0, offs[k]);

            if (llabs(o.error_ns - last_ns) > worst_ns)
                worst_ns = llabs(o.error_ns - last_ns);
            last_ns = o.error_ns;
        }
        expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 2);
        assert_int_equal(sc.g.pair.status.disagree, offs[k] > THRESHOLD);
        assert_int_equal(last_ns, 0);
        assert_int_equal(worst_ns, offs[k] > THRESHOLD ? offs[k] : 1);
    }
}

static void test_disagreement(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = begin_with(&c);

    (void)state;
    for (int i = 0; i < 9; i++) /* before lock too, where nobody can say who is right */
        second(&sc, 0, -1500);
    assert_false(sc.g.pair.status.disagree);
    for (int i = 0; i < 9; i++)
        second(&sc, 0, -1500);
    assert_true(sc.g.pair.status.disagree);
    assert_true(sc.g.pair.status.difference_ns == -1500);
    assert_int_equal(sc.g.pair.status.strayed, -1);
    for (int i = 0; i < 9; i++)
        second(&sc, 0, -900); /* not clearly below the threshold */
    assert_true(sc.g.pair.status.disagree);
    for (int i = 0; i < 9; i++)
        second(&sc, 0, -700);
    assert_false(sc.g.pair.status.disagree);
    for (int i = 0; i < 9; i++)
        second(&sc, 0, 2500);
    assert_true(sc.g.pair.status.disagree);
    assert_int_equal(sc.g.pair.status.strayed, -1);
}

/* One pulse, or four in a row, 300 us off: either source, no word of disagreement, no change. */
static void test_a_few_wrong_pulses(void **state)
{
    (void)state;
    for (int source = 0; source <= 1; source++) {
        const struct gnss_config c = two(10, 50);
        struct scene sc = locked(&c, 300);

        for (int i = 0; i < 100; i++) {
            int64_t off_ns = i % 25 < 4 ? 300000 : 0;
            struct outcome o = second(&sc, source == 0 ? off_ns : 0, 300 + (source == 1 ? off_ns : 0));

            assert_int_equal(o.samples, 1);
            assert_false(sc.g.pair.status.disagree);
        }
        expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 0);
        assert_int_equal(sc.g.pair.status.strayed, -1);
    }
}

/* It moves away from the other one and from the clock: the other one is believed, in the frame there was. */
static void test_source_in_use_strays(void **state)
{
    (void)state;
    for (int parity = 0; parity <= 1; parity++) {
        const struct gnss_config c = two(10, 50);
        struct scene sc = locked(&c, 300);
        unsigned wrong = 0;

        if (parity)
            second(&sc, 0, 300);
        for (int i = 0; i < 300; i++) {
            struct outcome o = second(&sc, -2500, 300);

            assert_int_equal(o.samples, 1);
            if (llabs(o.error_ns) > 50)
                wrong++;
        }
        assert_in_range(wrong, 1, 5);
        expect_source(&sc, 1, PULSE_PAIR_OTHER_STRAYED, 1);
        assert_int_equal(sc.g.pair.status.strayed, 0);
        assert_true(sc.g.pair.status.disagree);
        for (int i = 0; i < 60; i++) /* and comes back to its senses */
            expect_one(second(&sc, 0, 300), &sc, 0, 50);
        expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 2);
        assert_int_equal(sc.g.pair.status.strayed, -1);
        assert_false(sc.g.pair.status.disagree);
    }
}

static void test_watching_source_strays(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = locked(&c, 300);

    (void)state;
    for (int i = 0; i < 20; i++)
        expect_one(second(&sc, 0, 3300), &sc, 0, 0);
    expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 0);
    assert_int_equal(sc.g.pair.status.strayed, 1);
    assert_true(sc.g.pair.status.disagree);
    /* now it would be needed: holdover is better, for ten minutes */
    for (int i = 0; i < 598; i++)
        assert_int_equal(second(&sc, NEVER, 3300).samples, 0);
    expect_trust(&sc, GNSS_NO_PULSE);
    for (int i = 0; i < 5; i++)
        second(&sc, NEVER, 3300);
    expect_trust(&sc, GNSS_GOOD);
    expect_source(&sc, 1, PULSE_PAIR_OTHER_MISSING, 1);
    expect_one(second(&sc, NEVER, 3300), &sc, 3300, 0); /* by its own word: the frame is not known any more */
}

/* Small, reproducible noise. */
static int64_t noise(unsigned *random, int64_t amplitude_ns)
{
    *random = *random * 1103515245u + 12345u;
    return (int64_t)(*random >> 8) % (2 * amplitude_ns + 1) - amplitude_ns;
}

/* Noisier than ever expected: the quiet one is used. Quiet again: back. */
static void test_noise(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = locked(&c, 0);
    unsigned random = 1;

    (void)state;
    for (int i = 0; i < 300; i++)
        second(&sc, noise(&random, 1500), noise(&random, 80));
    expect_source(&sc, 1, PULSE_PAIR_LESS_NOISE, 1);
    assert_true(sc.g.pair.status.noise_ns[0] > 700 && sc.g.pair.status.noise_ns[0] < 1000);
    assert_true(sc.g.pair.status.noise_ns[1] > 35 && sc.g.pair.status.noise_ns[1] < 55);
    assert_true(sc.sample.noise_ns >= 50);
    for (int i = 0; i < 600; i++) /* better than it was, but not good enough to come back */
        second(&sc, noise(&random, 180), noise(&random, 80));
    expect_source(&sc, 1, PULSE_PAIR_LESS_NOISE, 1);
    for (int i = 0; i < 900; i++)
        second(&sc, noise(&random, 15), noise(&random, 80));
    expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 2);
    assert_true(sc.sample.noise_ns >= 10 && sc.sample.noise_ns < 20);
}

/* Wherever the noises are relative to each other: no flapping. */
static void test_no_flapping(void **state)
{
    unsigned random = 7;

    (void)state;
    for (int64_t amplitude_ns = 10; amplitude_ns < 1000; amplitude_ns += amplitude_ns / 4) {
        const struct gnss_config c = two(10, 50);
        struct scene sc = locked(&c, 0);

        for (int i = 0; i < 3600; i++)
            second(&sc, noise(&random, amplitude_ns), noise(&random, 85));
        if (sc.g.pair.status.changes > 2)
            fail_msg("amplitude %lld: %llu changes", (long long)amplitude_ns,
                     (unsigned long long)sc.g.pair.status.changes);
    }
}

/* Neither order, nor a start in the middle of a second, makes a change out of nothing. */
static void test_start(void **state)
{
    (void)state;
    for (int first = 0; first <= 1; first++) {
        const struct gnss_config c = two(10, 50);
        struct scene sc = begin_with(&c);

        sc.s = first;
        second(&sc, first ? NEVER : 0, first ? 0 : NEVER);
        for (int i = 0; i < 20; i++)
            second(&sc, 0, 0);
        expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 0);
        expect_trust(&sc, GNSS_GOOD);
    }
}

/* The better one never had a pulse: the other one's are numbered and used. */
static void test_start_with_the_other(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = begin_with(&c);
    struct outcome o = {0};

    (void)state;
    for (int i = 0; i < AGREEING + 3; i++)
        o = second(&sc, NEVER, 0);
    expect_one(o, &sc, 0, 0);
    expect_source(&sc, 1, PULSE_PAIR_OTHER_MISSING, 1);
}

/* A step of the clock, seen by both, says nothing about either. */
static void test_clock_stepped(void **state)
{
    const struct gnss_config c = two(10, 50);
    struct scene sc = locked(&c, 300);
    double noise_ns;

    (void)state;
    sc.clock_error_ns += 37 * NS_PER_S;
    for (int i = 0; i < 2; i++)
        second(&sc, 0, 300);
    sc.clock_error_ns -= 37 * NS_PER_S;
    gnss_clock_changed(&sc.g);
    for (int i = 0; i < 20; i++)
        expect_one(second(&sc, 0, 300), &sc, 0, 0);
    noise_ns = sc.g.pair.status.noise_ns[0];
    sc.clock_error_ns += 5000;
    gnss_clock_changed(&sc.g);
    for (int i = 0; i < 20; i++)
        expect_one(second(&sc, 0, 300), &sc, 0, 0);
    assert_true(sc.g.pair.status.noise_ns[0] < noise_ns); /* nor was it noise */
    sc.clock_error_ns += 5000;                            /* and one that nobody notices */
    for (int i = 0; i < 20; i++)
        second(&sc, 0, 300);
    expect_source(&sc, 0, PULSE_PAIR_REFERENCE, 0);
    assert_int_equal(sc.g.pair.status.strayed, -1);
    assert_false(sc.g.pair.status.disagree);
}

/* Corrections are for the receiver's pulse, whichever of the two it is. */
static void test_correction_of_one(void **state)
{
    for (unsigned foreign = 0; foreign <= 1; foreign++) {
        struct gnss_config c = two(10, 50);
        struct scene sc;

        (void)state;
        c.pulse[foreign].foreign = true;
        sc = locked(&c, 0);
        for (int i = 0; i < 40; i++) {
            struct receiver_report r = bare_report(mono(sc.s) - 300 * MS);

            r.has_sawtooth = true;
            r.sawtooth_tai_s = true_tai(sc.s);
            r.sawtooth_ns = 8;
            deliver(&sc, &r);
            second(&sc, i < 20 ? 0 : NEVER, 0);
            assert_int_equal(sc.sample.corrected, sc.sample.source != foreign);
        }
        assert_true(foreign ? sc.g.pair.usual_ns > 4 : sc.g.pair.usual_ns < -4);
        assert_int_equal(sc.sample.source, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_better_one_is_used),
        cmocka_unit_test(test_own_offsets),
        cmocka_unit_test(test_stands_in),
        cmocka_unit_test(test_stands_in_time),
        cmocka_unit_test(test_both_missing),
        cmocka_unit_test(test_return_of_the_better),
        cmocka_unit_test(test_better_one_comes_late),
        cmocka_unit_test(test_disagreement),
        cmocka_unit_test(test_a_few_wrong_pulses),
        cmocka_unit_test(test_source_in_use_strays),
        cmocka_unit_test(test_watching_source_strays),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_no_flapping),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_start_with_the_other),
        cmocka_unit_test(test_clock_stepped),
        cmocka_unit_test(test_correction_of_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
