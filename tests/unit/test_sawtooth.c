/* SPDX-License-Identifier: BSD-2-Clause */
/* Each pulse gets exactly its own correction or none, whether it comes before the pulse or after it, and
 * nothing waits in vain for long. */
#include "tests/unit/gnss_rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NEVER INT64_MIN

/* Each second's own sawtooth, told apart from every other's. */
static double sawtooth_of(int64_t tai_s)
{
    return (double)(tai_s % 41) - 20;
}

static bool correction(struct scene *sc, int64_t at_ns, int64_t tai_s, double late_ns)
{
    struct receiver_report r = bare_report(mono(sc->s) + at_ns);

    r.has_sawtooth = true;
    r.sawtooth_tai_s = tai_s;
    r.sawtooth_ns = late_ns;
    return deliver(sc, &r);
}

static void expect_sample(const struct scene *sc, bool corrected)
{
    int64_t tai_s = sc->sample.tai_s;
    double late_ns = sawtooth_of(tai_s);

    if (sc->sample.corrected != corrected)
        fail_msg("second %lld: corrected %d", (long long)sc->s, sc->sample.corrected);
    if (corrected)
        assert_true(sc->sample.sawtooth_ns == late_ns);
    /* the pulse came late by its sawtooth: so much is left if it was not corrected */
    assert_int_equal(sc->sample.reading_ns - tai_s * NS_PER_S - sc->clock_error_ns,
                     corrected ? 0 : llround(late_ns));
}

/* One second: its correction at at_ns from the edge (NEVER: none), pulse, message and four ticks. Returns
 * when the sample came; NEVER: not at all. */
static int64_t second(struct scene *sc, int64_t at_ns)
{
    int64_t tai_s = true_tai(sc->s), given_ns = NEVER;

    if (at_ns != NEVER && at_ns < 0)
        assert_false(correction(sc, at_ns, tai_s, sawtooth_of(tai_s)));
    if (pulse(sc, llround(sawtooth_of(tai_s))))
        given_ns = 0;
    message(sc, LATENCY_NS, 0, FIX_3D);
    for (int64_t t = 125 * MS; t < NS_PER_S; t += 250 * MS) {
        if (at_ns >= 0 && at_ns >= t - 250 * MS && at_ns < t &&
            correction(sc, at_ns, tai_s, sawtooth_of(tai_s)))
            given_ns = at_ns;
        if (tick(sc, t))
            given_ns = t;
    }
    if (given_ns != NEVER)
        assert_int_equal(sc->sample.tai_s, tai_s);
    sc->s++;
    return given_ns;
}

static void test_before_the_pulse(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(second(&sc, -950 * MS + (int64_t)i * 19 * MS), 0);
        expect_sample(&sc, true);
    }
    assert_true(sc.g.status.corrected);
    assert_int_equal(sc.g.status.samples_corrected, 50);
    for (int i = 0; i < 5; i++) { /* TIM-TP lost */
        assert_int_equal(second(&sc, NEVER), 0);
        expect_sample(&sc, false);
        expect_trust(&sc, GNSS_GOOD);
    }
    assert_false(sc.g.status.corrected);
    assert_int_equal(sc.g.status.samples_corrected, 50);
}

/* The first one teaches; from then on each pulse waits for its own. */
static void test_behind_the_pulse(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    assert_int_equal(second(&sc, 110 * MS), 0);
    expect_sample(&sc, false);
    for (int i = 0; i < 50; i++) {
        int64_t at_ns = 1 * MS + (int64_t)i * 5 * MS;

        assert_int_equal(second(&sc, at_ns), at_ns);
        expect_sample(&sc, true);
    }
}

static void test_behind_the_pulse_and_lost(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    second(&sc, 110 * MS);
    second(&sc, 110 * MS);
    expect_sample(&sc, true);
    assert_int_equal(second(&sc, NEVER), 375 * MS); /* the first tick behind the end of the wait */
    expect_sample(&sc, false);
    assert_int_equal(second(&sc, 110 * MS), 110 * MS); /* one lost costs no other one */
    expect_sample(&sc, true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(second(&sc, NEVER), i < 3 ? 375 * MS : 0);
        expect_sample(&sc, false);
        expect_trust(&sc, GNSS_GOOD);
    }
    assert_int_equal(second(&sc, 110 * MS), 0); /* back, and learned again */
    assert_int_equal(second(&sc, 110 * MS), 110 * MS);
    expect_sample(&sc, true);
}

/* What comes later than a pulse can wait delays nothing. */
static void test_too_late(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(second(&sc, 400 * MS), 0);
        expect_sample(&sc, false);
    }
    assert_int_equal(sc.g.sawtooth.status.too_late, 10);
}

static void test_from_behind_to_before(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    second(&sc, 110 * MS);
    second(&sc, 110 * MS);
    assert_int_equal(second(&sc, -400 * MS), 0);
    expect_sample(&sc, true);
    assert_int_equal(second(&sc, NEVER), 0); /* not awaited any more */
}

/* Said twice, by TIM-TP before the pulse and by gpsd behind it. */
static void test_both(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (int i = 0; i < 10; i++) {
        int64_t tai_s = true_tai(sc.s);

        correction(&sc, -500 * MS, tai_s, sawtooth_of(tai_s));
        assert_int_equal(second(&sc, 110 * MS), 0);
        expect_sample(&sc, true);
    }
}

/* Another second's, stale, absurd: none of them moves a pulse. */
static void test_never_anothers(void **state)
{
    static const int64_t shifts[] = {-3600, -2, -1, 1, 2, 1000000000};

    (void)state;
    for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
        struct scene sc = begin();

        lock(&sc);
        for (int n = 0; n < 10; n++) {
            correction(&sc, -300 * MS, true_tai(sc.s) + shifts[i], 500);
            second(&sc, NEVER);
            if (shifts[i] < 1 || shifts[i] > 2 || n < shifts[i]) /* one or two early are that pulse's own */
                expect_sample(&sc, false);
        }
    }
}

/* Of a second early is its own all the same, of three seconds early it is of another time. */
static void test_age(void **state)
{
    struct sawtooth s;
    double late_ns = 0;

    (void)state;
    sawtooth_init(&s, SAWTOOTH_WAIT_NS);
    sawtooth_message(&s, 100, 7, mono(0));
    assert_true(sawtooth_find(&s, 100, mono(0) + 1500 * MS, &late_ns));
    assert_true(late_ns == 7);
    assert_true(sawtooth_find(&s, 100, mono(0) - 1500 * MS, &late_ns));
    assert_false(sawtooth_find(&s, 100, mono(0) + 1501 * MS, &late_ns));
    assert_false(sawtooth_find(&s, 100, mono(0) - 1501 * MS, &late_ns));
    assert_false(sawtooth_find(&s, 99, mono(0), &late_ns));
    assert_false(sawtooth_find(&s, 101, mono(0), &late_ns));
}

static void test_implausible(void **state)
{
    static const double wrong[] = {1000.1, -1000.1, 1e18, -INFINITY, INFINITY, NAN};
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        correction(&sc, -300 * MS, true_tai(sc.s), wrong[i]);
        assert_int_equal(second(&sc, NEVER), 0);
        expect_sample(&sc, false);
    }
    assert_int_equal(sc.g.sawtooth.status.implausible, 6);
    correction(&sc, -300 * MS, true_tai(sc.s), -1000); /* as far as it goes */
    second(&sc, NEVER);
    assert_true(sc.sample.corrected);
}

/* Before lock too, from the first numbered pulse on; one without a number cannot be corrected. */
static void test_before_lock(void **state)
{
    struct scene sc = begin();

    (void)state;
    for (int i = 0; i < AGREEING; i++)
        assert_int_equal(second(&sc, -500 * MS), NEVER);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(second(&sc, -500 * MS), 0);
        expect_sample(&sc, true);
    }
}

/* The clock is a second off and knows it: which pulse a correction is for cannot be told. */
static void test_numbering_disagrees(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    sc.clock_error_ns += NS_PER_S;
    gnss_clock_changed(&sc.g);
    for (int i = 0; i < 10; i++, sc.s++) {
        correction(&sc, 20 * MS, true_tai(sc.s) + 1, 10);
        pulse(&sc, 0);
        message(&sc, LATENCY_NS, 0, FIX_3D);
        if (i >= 5)
            assert_false(sc.sample.corrected);
    }
    assert_true(sc.g.status.numbering_disagrees);
}

/* What waits when the clock is stepped, or when the fix goes, is not given out any more. */
static void test_dropped_while_waiting(void **state)
{
    (void)state;
    for (int stepped = 0; stepped <= 1; stepped++) {
        struct scene sc = begin();

        lock(&sc);
        second(&sc, 110 * MS);
        second(&sc, 110 * MS);
        if (!stepped)
            message(&sc, -400 * MS, 0, FIX_NONE);
        assert_false(pulse(&sc, 0));
        assert_true(sc.g.held.there);
        if (stepped)
            gnss_clock_changed(&sc.g);
        else
            message(&sc, 200 * MS, 0, FIX_NONE);
        assert_false(correction(&sc, 220 * MS, true_tai(sc.s), 3));
        assert_false(tick(&sc, 400 * MS));
    }
}

/* A spurious pulse waits, the true one of the same second comes behind it: that is the one given out. */
static void test_spurious_while_waiting(void **state)
{
    struct scene sc = begin();

    (void)state;
    lock(&sc);
    second(&sc, 110 * MS);
    second(&sc, 110 * MS);
    assert_false(pulse(&sc, -300000));
    assert_false(pulse(&sc, llround(sawtooth_of(true_tai(sc.s)))));
    assert_true(correction(&sc, 110 * MS, true_tai(sc.s), sawtooth_of(true_tai(sc.s))));
    expect_sample(&sc, true);
    assert_false(tick(&sc, 400 * MS));
}

static void test_foreign_pulse(void **state)
{
    struct gnss_config c = config;
    struct scene sc;

    (void)state;
    c.pulse[0].foreign = true;
    sc = begin_with(&c);
    lock(&sc);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(second(&sc, i < 5 ? -300 * MS : 110 * MS), 0);
        expect_sample(&sc, false);
    }
}

/* Corrections early, late, lost, repeated, pulses missing and doubled: whatever is corrected is corrected by
 * its own. */
static void test_random(void **state)
{
    unsigned seed = (unsigned)time(NULL);

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 100; round++) {
        struct scene sc = begin();
        int64_t given_s = 0;

        lock(&sc);
        for (int i = 0; i < 200; i++) {
            int64_t at_ns = rand() % 4 == 0 ? NEVER : rand() % 2 ? -(rand() % 950) * MS : rand() % 600 * MS;

            if (rand() % 10 == 0) {
                correction(&sc, 10 * MS, true_tai(sc.s), sawtooth_of(true_tai(sc.s)));
                message(&sc, LATENCY_NS, 0, FIX_3D);
                sc.s++;
                continue;
            }
            if ((at_ns == NEVER || at_ns >= 0) && rand() % 10 == 0)
                pulse(&sc, -300000);
            if (second(&sc, at_ns) == NEVER)
                continue;
            assert_true(sc.sample.tai_s > given_s);
            given_s = sc.sample.tai_s;
            expect_sample(&sc, sc.sample.corrected);
        }
        assert_true(sc.g.status.samples_corrected > 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_the_pulse),
        cmocka_unit_test(test_behind_the_pulse),
        cmocka_unit_test(test_behind_the_pulse_and_lost),
        cmocka_unit_test(test_too_late),
        cmocka_unit_test(test_from_behind_to_before),
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_never_anothers),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_implausible),
        cmocka_unit_test(test_before_lock),
        cmocka_unit_test(test_numbering_disagrees),
        cmocka_unit_test(test_dropped_while_waiting),
        cmocka_unit_test(test_spurious_while_waiting),
        cmocka_unit_test(test_foreign_pulse),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
