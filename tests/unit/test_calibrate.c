/* SPDX-License-Identifier: BSD-2-Clause */
/* From rounds to clients.capacity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gmd/calibrate/figures.h"

#define NEAR 0.02

/* 10 us an answer, a fifth of it to receive; 2.5 times slower in the worst round */
static const struct round answering[] = {
    {.seconds = 1, .gmd_s = 0.8, .receive_s = 0.2, .answers = 100000},
    {.seconds = 1, .gmd_s = 0.4, .receive_s = 0.1, .answers = 50000},
    {.seconds = 1, .gmd_s = 0.2, .receive_s = 0.05, .answers = 10000},
    {.seconds = 1, .gmd_s = 0.4, .receive_s = 0.1, .answers = 52000},
    {.seconds = 1, .gmd_s = 0.6, .receive_s = 0.15, .answers = 75000},
};
#define ROUNDS 5

static void test_answers(void **state)
{
    (void)state;
    struct figures f;
    assert_true(figures_of(answering, ROUNDS, NULL, 0, &f));
    assert_float_equal(f.answers_hz.median, 100000, NEAR);
    assert_float_equal(f.answers_hz.least, 40000, NEAR);
    assert_float_equal(f.answers_hz.most, 104000, NEAR);
    assert_float_equal(f.answer_gmd_us, 8, NEAR);
    assert_float_equal(f.answer_receive_us, 2, NEAR);
    assert_float_equal(f.busy, 0.5, NEAR);
    assert_float_equal(f.sync_us, 0, NEAR);
    /* of an even number the mean of the middle two, here 40,000 and 100,000 */
    assert_true(figures_of(answering + 1, 2, NULL, 0, &f));
    assert_float_equal(f.answers_hz.median, 70000, NEAR);
}

/* What answers (10 us) and Announce took is not Sync's; a round that says nothing is left out. */
static void test_sync(void **state)
{
    (void)state;
    static const struct round syncing[] = {
        {.seconds = 1, .gmd_s = 0.31, .receive_s = 0.01, .syncs = 10000, .answers = 1500, .announces = 500},
        {.seconds = 1, .gmd_s = 0.001, .receive_s = 0, .syncs = 100, .answers = 1000},
        {.seconds = 1, .gmd_s = 0.001, .receive_s = 0},
    };
    struct figures f;
    assert_true(figures_of(answering, ROUNDS, syncing, 3, &f));
    assert_float_equal(f.sync_us, 30, NEAR);
    assert_float_equal(f.messages_hz, 2e6 / 30, NEAR);
    assert_true(figures_of(answering, ROUNDS, syncing + 1, 2, &f));
    assert_float_equal(f.sync_us, 0, NEAR);
}

static void test_nothing_to_go_by(void **state)
{
    (void)state;
    static const struct round silent[] = {{.seconds = 1, .gmd_s = 0.1}};
    static const struct round timeless[] = {{.seconds = 1, .answers = 100}};
    struct figures f;
    assert_false(figures_of(silent, 1, NULL, 0, &f));
    assert_false(figures_of(timeless, 1, NULL, 0, &f));
    assert_false(figures_of(answering, 0, NULL, 0, &f));
    assert_false(figures_of(answering, FIGURES_ROUNDS_MAX + 1, NULL, 0, &f));
}

static void test_capacity(void **state)
{
    (void)state;
    static const struct {
        double answers_hz, messages_hz;
        unsigned alone, with_sync;
    } rows[] = {
        {100000, 0, 80000, 80000},                                /* Sync not known */
        {100000, 66667, 80000, 53000},                            /* the slower of both */
        {100000, 150000, 80000, 80000}, {61237, 0, 48000, 48000}, /* 48,989.6: down, never up */
        {1237, 1250, 980, 980},         {1250, 0, 1000, 1000},
        {125000, 0, 100000, 100000},    {20, 10, 100, 100}, /* the option's range */
        {1e9, 1e9, 10000000, 10000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct figures f = {.answers_hz = {.median = rows[i].answers_hz},
                                  .messages_hz = rows[i].messages_hz};
        assert_int_equal(figures_capacity(&f, false), rows[i].alone);
        assert_int_equal(figures_capacity(&f, true), rows[i].with_sync);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_nothing_to_go_by),
        cmocka_unit_test(test_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
