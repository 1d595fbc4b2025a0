/* SPDX-License-Identifier: BSD-2-Clause */
/* The chooser of the leading edge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gnss/edges.h"

#define MS    (NS_PER_S / 1000)
#define START (1000 * NS_PER_S)

/* Edges of one second as stamped: the leading one at second s, the other a width later. */
struct train {
    struct edges e;
    int64_t width_ns;
    bool first_is_other;
    int64_t s;
    int leading, trailing; /* passed on */
};

static struct train train(int64_t width_ns, int64_t configured_ns, bool enforced)
{
    struct train t = {.width_ns = width_ns};
    edges_init(&t.e, configured_ns, enforced);
    return t;
}

static int64_t jitter(void)
{
    return rand() % 20001 - 10000;
}

static void leading_edge(struct train *t)
{
    t->leading += edges_event(&t->e, START + t->s * NS_PER_S + jitter());
}

static void trailing_edge(struct train *t)
{
    t->trailing += edges_event(&t->e, START + t->s * NS_PER_S + t->width_ns + jitter());
}

/* So many seconds with both edges; then how many of either were passed on. */
static void run(struct train *t, int seconds)
{
    t->leading = t->trailing = 0;
    for (int i = 0; i < seconds; i++, t->s++) {
        leading_edge(t);
        trailing_edge(t);
    }
}

static void run_single(struct train *t, int seconds)
{
    t->leading = t->trailing = 0;
    for (int i = 0; i < seconds; i++, t->s++)
        leading_edge(t);
}

static void one_edge_a_second(void **state)
{
    (void)state;
    for (int enforced = 0; enforced <= 1; enforced++) {
        struct train t = train(100 * MS, 0, enforced);
        run_single(&t, 10);
        assert_int_equal(t.leading, enforced ? 10 : 9); /* the first may have been either */
        t.s += 7;                                       /* none for a while */
        run_single(&t, 10);
        assert_int_equal(t.leading, 10);
        assert_int_equal(t.e.state, EDGES_SINGLE);
    }
}

static void both_edges(void **state)
{
    static const struct {
        int64_t width_ns, configured_ns;
    } cases[] = {
        {100 * MS, 0},        {100 * MS, 100 * MS}, {20 * MS, 0},         {200 * MS, 0},
        {400 * MS, 0},        {470 * MS, 0},        {800 * MS, 800 * MS}, {590 * MS, 600 * MS},
        {900 * MS, 950 * MS}, {5 * MS, 0},          {20000, 0},           {200 * MS, 250 * MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int first = 0; first <= 1; first++) {
            struct train t = train(cases[i].width_ns, cases[i].configured_ns, false);
            if (first)
                trailing_edge(&t);
            t.s++;
            run(&t, 60);
            if (t.trailing || t.leading < 58)
                fail_msg("width %lld ms: %d leading, %d trailing", (long long)(cases[i].width_ns / MS),
                         t.leading, t.trailing);
        }
    }
}

/* The driver promised one edge and stamps both: a few seconds, then it is found out. */
static void a_broken_promise(void **state)
{
    (void)state;
    struct train t = train(100 * MS, 0, true);
    run(&t, 10);
    assert_true(t.trailing <= 4);
    assert_int_equal(t.e.state, EDGES_BOTH);
    run(&t, 60);
    assert_int_equal(t.leading, 60);
    assert_int_equal(t.trailing, 0);
}

static void missing_edges(void **state)
{
    const unsigned seed = 4711;
    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    struct train t = train(100 * MS, 0, false);
    run(&t, 5);
    t.leading = t.trailing = 0;
    int sent = 0;
    for (int i = 0; i < 2000; i++, t.s++) {
        if (rand() % 10) {
            sent++;
            leading_edge(&t);
        }
        if (rand() % 10)
            trailing_edge(&t);
    }
    assert_int_equal(t.trailing, 0);
    assert_true(t.leading > sent * 98 / 100);
}

/* Spurious pulses among single ones: they are passed on, and make no pattern. */
static void spurious_pulses(void **state)
{
    (void)state;
    for (int64_t at_ns = 20 * MS; at_ns < NS_PER_S - 20 * MS; at_ns += 10 * MS) {
        struct train t = train(0, 0, true);
        run_single(&t, 5);
        t.width_ns = at_ns;
        run(&t, 2);
        run_single(&t, 20);
        assert_int_equal(t.leading, 20);
    }
}

/* At the very start they may be taken for a second edge, but not for long. */
static void a_spurious_pulse_at_the_start(void **state)
{
    (void)state;
    for (int64_t at_ns = 20 * MS; at_ns < NS_PER_S - 20 * MS; at_ns += 10 * MS) {
        struct train t = train(at_ns, 0, false);
        run(&t, 1);
        run_single(&t, 8);
        run_single(&t, 20);
        assert_int_equal(t.leading, 20);
    }
}

static void bounce(void **state)
{
    (void)state;
    struct train t = train(0, 0, false);
    run_single(&t, 5);
    for (int i = 0; i < 50; i++)
        assert_false(edges_event(&t.e, t.e.last_ns[0] + (int64_t)i * 100000));
    assert_int_equal(t.e.dropped, 1 + 50);
    run_single(&t, 5);
    assert_int_equal(t.leading, 5);
}

/* --- half a second --- */

static void message(struct train *t, int64_t after_ns)
{
    edges_message(&t->e, START + t->s * NS_PER_S + after_ns);
}

static void half_a_second_by_messages(void **state)
{
    static const int64_t latency_ns[] = {5 * MS, 80 * MS, 176 * MS, 350 * MS, 450 * MS};
    (void)state;
    for (size_t i = 0; i < sizeof(latency_ns) / sizeof(latency_ns[0]); i++) {
        for (int first = 0; first <= 1; first++) {
            struct train t = train(500 * MS, 0, false);
            if (first)
                trailing_edge(&t);
            t.s++;
            run(&t, 10);
            assert_int_equal(t.leading + t.trailing, 0); /* nothing is guessed */
            assert_int_equal(t.e.state, EDGES_HALF);
            for (int k = 0; k < 6; k++, t.s++) { /* a burst an epoch: the first one tells */
                leading_edge(&t);
                if (latency_ns[i] < 500 * MS) {
                    message(&t, latency_ns[i]);
                    message(&t, latency_ns[i] + 2 * MS);
                    message(&t, latency_ns[i] + 250 * MS);
                }
                trailing_edge(&t);
            }
            assert_int_equal(t.e.state, EDGES_BOTH);
            run(&t, 60);
            assert_int_equal(t.leading, 60);
            assert_int_equal(t.trailing, 0);
        }
    }
}

static void half_a_second_by_a_locked_clock(void **state)
{
    (void)state;
    for (int64_t off_ns = -200 * MS; off_ns <= 200 * MS; off_ns += 50 * MS) {
        for (int first = 0; first <= 1; first++) {
            struct train t = train(500 * MS, 0, false);
            if (first)
                trailing_edge(&t);
            t.s++;
            run(&t, 10);
            edges_second(&t.e, START + (t.s + 3) * NS_PER_S + off_ns);
            run(&t, 60);
            assert_int_equal(t.leading, 60);
            assert_int_equal(t.trailing, 0);
        }
    }
}

/* Messages here and there decide nothing. */
static void half_a_second_and_no_pattern(void **state)
{
    (void)state;
    struct train t = train(500 * MS, 0, false);
    run(&t, 5);
    for (int i = 0; i < 50; i++) {
        message(&t, i % 3 == 0 ? 700 * MS : 200 * MS);
        run(&t, 1);
        assert_int_equal(t.leading + t.trailing, 0);
    }
    assert_int_equal(t.e.state, EDGES_HALF);
}

/* --- the signal changes --- */

static void the_other_edge_goes(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct train t = train(k ? 500 * MS : 100 * MS, 0, false);
        run(&t, 10);
        edges_second(&t.e, START);
        run_single(&t, 10);
        assert_true(t.leading >= (k ? 4 : 10));
        for (int i = 0; i < 10; i++, t.s++) /* only what was taken for the trailing edge */
            trailing_edge(&t);
        t.trailing = 0;
        for (int i = 0; i < 10; i++, t.s++)
            trailing_edge(&t);
        assert_int_equal(t.trailing, 10);
    }
}

static void another_phase(void **state)
{
    (void)state;
    struct train t = train(100 * MS, 0, false);
    run(&t, 10);
    for (int k = 0; k < 9; k++) {
        const int64_t before_s = t.s;
        struct edges e = t.e;
        t = train(100 * MS, 0, false);
        t.e = e;
        t.s = before_s + 1;
        for (int i = 0; i < 10; i++, t.s++) { /* 0.3 s later than before */
            t.leading += edges_event(&t.e, START + t.s * NS_PER_S + 300 * MS * (k + 1));
            t.trailing += edges_event(&t.e, START + t.s * NS_PER_S + 300 * MS * (k + 1) + 100 * MS);
        }
        if (t.trailing > 2 || t.leading < 6)
            fail_msg("%d: %d leading, %d trailing", k, t.leading, t.trailing);
    }
}

static void nonsense(void **state)
{
    const unsigned seed = 815;
    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    struct edges e;
    edges_init(&e, 0, false);
    int64_t at_ns = START;
    for (int i = 0; i < 100000; i++) {
        at_ns += (int64_t)rand() * (rand() % 5 - 1);
        switch (rand() % 5) {
        case 0:
            edges_message(&e, at_ns);
            break;
        case 1:
            edges_second(&e, at_ns);
            break;
        default:
            edges_event(&e, at_ns);
        }
    }
    struct train t = train(100 * MS, 0, false);
    t.e = e;
    t.s = at_ns / NS_PER_S;
    run(&t, 20);
    run(&t, 60);
    assert_int_equal(t.leading, 60);
    assert_int_equal(t.trailing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_edge_a_second),
        cmocka_unit_test(both_edges),
        cmocka_unit_test(a_broken_promise),
        cmocka_unit_test(missing_edges),
        cmocka_unit_test(spurious_pulses),
        cmocka_unit_test(a_spurious_pulse_at_the_start),
        cmocka_unit_test(bounce),
        cmocka_unit_test(half_a_second_by_messages),
        cmocka_unit_test(half_a_second_by_a_locked_clock),
        cmocka_unit_test(half_a_second_and_no_pattern),
        cmocka_unit_test(the_other_edge_goes),
        cmocka_unit_test(another_phase),
        cmocka_unit_test(nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
