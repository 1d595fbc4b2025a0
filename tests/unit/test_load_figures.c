/* SPDX-License-Identifier: BSD-2-Clause */
/* What gmload counts: percentiles, pace, completeness of Sync, answered requests. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/load/pacer.h"
#include "gmd/load/population.h"
#include "gmd/load/stream.h"

#define SEED 20260101u
#define MS   1000000LL
#define SYNC (125 * MS)

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* against sorted values, over all magnitudes */
static void test_quantiles(void **state)
{
    (void)state;
    enum { N = 20000 };
    static int64_t values[N];
    static struct histogram h, other;
    uint64_t random = SEED;
    print_message("seed %u\n", SEED);
    for (int i = 0; i < N; i++) {
        values[i] = (int64_t)(pacer_random(&random) >> (2 + pacer_random(&random) % 60));
        histogram_add(i % 3 ? &h : &other, values[i]);
    }
    histogram_merge(&h, &other);
    qsort(values, N, sizeof *values, compare);
    static const double shares[] = {0, 0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 1};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const int rank = (int)ceil(shares[i] * N);
        const int64_t exact = values[rank ? rank - 1 : 0], found = histogram_quantile(&h, shares[i]);
        assert_true(found >= exact);
        assert_true((double)found <= (double)exact * 1.016 + 1);
    }
    assert_int_equal(h.count, N);
    assert_int_equal(histogram_quantile(&h, 1), values[N - 1]);
}

static void test_quantiles_of_few(void **state)
{
    (void)state;
    static struct histogram h;
    assert_int_equal(histogram_quantile(&h, 0.99), 0);
    histogram_add(&h, -5);
    assert_int_equal(histogram_quantile(&h, 1), 0);
    histogram_add(&h, INT64_MAX);
    assert_int_equal(histogram_quantile(&h, 1), INT64_MAX);
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
}

/* One message in each slot, in order, on the average at the rate. */
static void test_pace(void **state)
{
    (void)state;
    static const double rates[] = {0.5, 8, 800, 33333, 1e6};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        struct pacer p;
        pacer_init(&p, rates[r], SEED, 1000);
        for (int i = 0; i < 10000; i++) {
            const double slot = ((double)p.due_ns - 1000) * rates[r] / 1e9;
            assert_true(slot > i - 0.01 && slot < i + 1.01);
            pacer_next(&p, p.due_ns);
        }
        assert_int_equal(p.left_out, 0);
    }
}

static void test_pace_at_the_ends(void **state)
{
    (void)state;
    struct pacer p;
    pacer_init(&p, 0, SEED, 5);
    assert_int_equal(p.due_ns, INT64_MAX);
    pacer_init(&p, INFINITY, SEED, 5);
    for (int i = 0; i < 100; i++, pacer_next(&p, 1000 * MS))
        assert_int_equal(p.due_ns, 5);
    assert_int_equal(p.left_out, 0);

    pacer_init(&p, 1000, SEED, 0);
    pacer_next(&p, 15 * MS); /* a little late: made up for */
    assert_int_equal(p.slot, 1);
    pacer_next(&p, 500 * MS); /* stopped for half a second: left out */
    assert_int_equal(p.slot, 500);
    assert_int_equal(p.left_out, 498);
    assert_true(p.due_ns >= 500 * MS && p.due_ns <= 501 * MS);
}

/* S: Sync, F: Follow_Up, s: one-step Sync, with their sequenceIds */
static const struct {
    const char *what;
    uint16_t first;
    const char *script; /* type and offset from first, two characters each */
    uint64_t expected, missing, follow_ups_missing;
} scripts[] = {
    {"all there", 10, "S0F0S1F1S2F2", 3, 0, 0},
    {"over the end of the numbers", 0xFFFF, "S0F0S1F1S2F2", 3, 0, 0},
    {"one-step", 10, "s0s1s2", 3, 0, 0},
    {"a Sync is missing", 10, "S0F0S2F2", 3, 1, 0},
    {"a Sync is missing, its Follow_Up is there", 10, "S0F0F1S2F2", 3, 1, 0},
    {"a Follow_Up is missing", 10, "S0F0S1S2F2", 3, 0, 1},
    {"the last Follow_Up is missing", 10, "S0F0S1", 2, 0, 1},
    {"Follow_Up before Sync", 10, "S0F0F1S1F2S2", 3, 0, 0},
    {"out of order", 10, "S0S2F2S1F0F1", 3, 0, 0},
    {"twice", 10, "S0S0F0F0S1F1S1", 2, 0, 0},
    {"older than the first", 12, "S0F0S1F1", 2, 0, 0},
    {"only Follow_Ups", 10, "F0F1F2", 0, 0, 0},
};

static void test_completeness(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        static struct histogram errors;
        struct stream s = {0};
        for (const char *c = scripts[i].script; *c; c += 2) {
            const uint16_t sequence = (uint16_t)(scripts[i].first + c[1] - '0');
            if (*c == 'F')
                stream_follow_up(&s, sequence, false);
            else
                stream_message(&s, sequence, *c == 'S', 0, 0, &errors);
        }
        stream_finish(&s, 0);
        if (s.counts.expected != scripts[i].expected || s.counts.missing != scripts[i].missing ||
            s.counts.follow_ups_missing != scripts[i].follow_ups_missing)
            fail_msg("%s: %llu, %llu, %llu", scripts[i].what, (unsigned long long)s.counts.expected,
                     (unsigned long long)s.counts.missing, (unsigned long long)s.counts.follow_ups_missing);
        assert_int_equal(errors.count, 0);
    }
}

/* Random losses against plain counting, gaps longer than the window included. */
static void test_completeness_at_random(void **state)
{
    (void)state;
    uint64_t random = SEED;
    print_message("seed %u\n", SEED);
    for (int run = 0; run < 200; run++) {
        static struct histogram errors;
        struct stream s = {0};
        uint64_t missing = 0, late = 0, pending = 0;
        const unsigned loss = (unsigned)(pacer_random(&random) % 100);
        uint16_t sequence = (uint16_t)pacer_random(&random);
        stream_message(&s, sequence, true, 0, 0, &errors);
        stream_follow_up(&s, sequence, false);
        unsigned last = 0;
        for (unsigned n = 1; n <= 5000; n++) {
            sequence++;
            if (pacer_random(&random) % 100 < loss) {
                pending++;
                continue;
            }
            missing += pending;
            pending = 0;
            last = n;
            stream_message(&s, sequence, true, 0, 0, &errors);
            if (pacer_random(&random) % 8)
                stream_follow_up(&s, sequence, false);
            else
                late++;
        }
        stream_finish(&s, 0);
        assert_int_equal(s.counts.expected, last + 1);
        assert_int_equal(s.counts.missing, missing);
        assert_int_equal(s.counts.follow_ups_missing, late);
        assert_int_equal(s.counts.restarts, 0);
    }
}

static void test_interval_errors(void **state)
{
    (void)state;
    static struct histogram errors;
    struct stream s = {0};
    const int64_t interval = SYNC;
    stream_message(&s, 1, false, interval, 0, &errors);
    stream_message(&s, 2, false, interval, 126 * MS, &errors);
    stream_message(&s, 4, false, interval, 376 * MS, &errors); /* 3 is missing: no interval */
    stream_message(&s, 5, false, interval, 501 * MS - 3, &errors);
    assert_int_equal(errors.count, 2);
    assert_int_equal(errors.max_ns, MS);
    stream_finish(&s, 501 * MS + 4 * interval); /* then silence */
    assert_int_equal(s.counts.expected, 5 + 3);
    assert_int_equal(s.counts.missing, 1 + 3);
}

static void test_restart(void **state)
{
    (void)state;
    static struct histogram errors;
    struct stream s = {0};
    stream_message(&s, 30000, false, MS, 0, &errors);
    stream_message(&s, 0, false, MS, MS, &errors);
    stream_message(&s, 1, false, MS, 2 * MS, &errors);
    stream_finish(&s, 2 * MS);
    assert_int_equal(s.counts.expected, 3);
    assert_int_equal(s.counts.missing, 0);
    assert_int_equal(s.counts.restarts, 1);
    assert_int_equal(errors.count, 1);
}

/* ptp4l numbers the unicast messages to all its clients in one sequence */
static void test_shared_sequence(void **state)
{
    (void)state;
    static struct histogram errors;
    struct stream s = {.shared_sequence = true};
    for (int i = 0; i < 80; i++) {
        if (i == 40)
            continue;
        stream_message(&s, (uint16_t)(i * 5000), true, SYNC, i * SYNC, &errors);
        if (i != 50)
            stream_follow_up(&s, (uint16_t)(i * 5000), false);
    }
    stream_finish_shared(&s, 79 * SYNC + 185 * MS, 0, SYNC);
    assert_int_equal(s.counts.expected, 80);
    assert_int_equal(s.counts.missing, 1);
    assert_int_equal(s.counts.follow_ups_missing, 1);
    assert_int_equal(s.counts.restarts, 0);
    assert_int_equal(errors.count, 77);
    assert_int_equal(errors.max_ns, 0);

    struct stream none = {.shared_sequence = true};
    stream_finish_shared(&none, 10 * SYNC, 10 * SYNC, SYNC);
    assert_int_equal(none.counts.missing, 9);
    struct stream not_granted = {.shared_sequence = true};
    stream_finish_shared(&not_granted, 10 * SYNC, 0, SYNC);
    assert_int_equal(not_granted.counts.expected, 0);
}

/* A server, or the machine, that stood still: what comes late, in a burst, is an error of time, not a loss.
 */
static void test_shared_late(void **state)
{
    (void)state;
    static struct histogram errors;
    struct stream s = {.shared_sequence = true};
    const int64_t stood_until = 44 * SYNC + 2 * MS;
    for (int i = 0; i < 80; i++) {
        const int64_t due = i * SYNC;
        const int64_t at = due > 40 * SYNC && due < stood_until ? stood_until + i * MS / 8 : due;
        if (i != 42)
            stream_message(&s, (uint16_t)i, false, SYNC, at, &errors);
    }
    stream_finish_shared(&s, 79 * SYNC + 3 * SYNC - MS, 0, SYNC);
    assert_int_equal(s.counts.expected, 80);
    assert_int_equal(s.counts.missing, 1);
    assert_true(errors.max_ns > SYNC - MS && errors.max_ns <= SYNC);
}

static void test_answers(void **state)
{
    (void)state;
    struct population p;
    assert_true(population_init(&p, 3, 8, 500 * MS));
    assert_int_equal(p.window, 8);
    p.clients[1].sequence = 0xFFFE; /* over the end of the numbers */
    for (int i = 0; i < 4; i++)
        assert_int_equal(population_sent(&p, 1, 1000 + i), (uint16_t)(0xFFFE + i));
    assert_true(population_answered(&p, 1, 0xFFFF, 2001));
    assert_false(population_answered(&p, 1, 0xFFFF, 2002)); /* twice */
    assert_false(population_answered(&p, 1, 2, 2003));      /* not sent yet */
    assert_false(population_answered(&p, 1, 0xFFFD, 2003));
    assert_false(population_answered(&p, 2, 0, 2003)); /* another client */
    assert_true(population_answered(&p, 1, 0, 1002 + 501 * MS));
    assert_int_equal(p.answered, 1);
    assert_int_equal(p.unasked, 4);
    assert_int_equal(p.late, 1);
    assert_int_equal(p.clients[1].sent, 4);
    assert_int_equal(p.clients[1].answered, 1);
    assert_int_equal(p.clients[1].worst_ns, 1000);

    /* one that did not leave cannot be answered */
    population_unsent(&p, 1);
    assert_int_equal(p.clients[1].sequence, 1);
    assert_false(population_answered(&p, 1, 1, 2004));

    /* an answer to a request so old that its place was used again */
    for (int i = 0; i < 9; i++)
        population_sent(&p, 0, 1000 + i);
    assert_false(population_answered(&p, 0, 0, 3000));
    assert_true(population_answered(&p, 0, 8, 3000));
    population_free(&p);
}

static void test_giving_up(void **state)
{
    (void)state;
    struct population p;
    assert_true(population_init(&p, 1, 0, 10 * MS));
    assert_false(population_expired(&p, 0, MS)); /* nothing was sent */
    population_sent(&p, 0, MS);
    assert_false(population_expired(&p, 0, 11 * MS));
    assert_true(population_expired(&p, 0, 11 * MS + 1));
    assert_false(population_expired(&p, 0, 20 * MS)); /* once */
    assert_false(population_answered(&p, 0, 0, 20 * MS));
    population_free(&p);
}

static void test_halves(void **state)
{
    (void)state;
    struct population p;
    assert_true(population_init(&p, 2, 8, 500 * MS));
    p.clients[0].sequence = 0xFFFF;
    population_sent(&p, 0, MS);
    population_sent(&p, 0, MS);
    assert_false(population_had_half(&p, 0, 0));
    population_half(&p, 0, 0); /* out of order */
    population_half(&p, 0, 0xFFFF);
    assert_false(population_had_half(&p, 1, 0)); /* another client's */
    assert_true(population_had_half(&p, 0, 0xFFFF));
    assert_false(population_had_half(&p, 0, 0xFFFF)); /* once */
    assert_true(population_had_half(&p, 0, 0));
    population_half(&p, 0, 1); /* too early: not of the request that is sent then */
    population_sent(&p, 0, MS);
    assert_false(population_had_half(&p, 0, 1));
    population_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_quantiles_of_few),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_pace_at_the_ends),
        cmocka_unit_test(test_completeness),
        cmocka_unit_test(test_completeness_at_random),
        cmocka_unit_test(test_interval_errors),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_shared_sequence),
        cmocka_unit_test(test_shared_late),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_giving_up),
        cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
