/* SPDX-License-Identifier: BSD-2-Clause */
/* What the discipline foretells about an outage, and what it remembers over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "holdover/forecast.h"
#include "holdover/memory.h"
#include "tests/unit/discipline_rig.h"

static struct rig *locked(struct oscillator oscillator, int seconds)
{
    struct rig *r = malloc(sizeof *r);
    const struct discipline_config config = discipline_defaults();
    rig_init(r, &config, oscillator, 5);
    rig_seconds(r, seconds);
    assert_int_equal(r->d.status.state, DISCIPLINE_LOCKED);
    return r;
}

/* The time left that was told is the time that it takes. */
static void test_time_left_comes_true(void **state)
{
    (void)state;
    struct rig *r = locked(oscillator_ocxo, 3600);
    const double told_s = forecast_time_left_s(&r->d, 1000);
    assert_true(told_s > 600 && told_s < 86400);
    const int64_t start = r->now_ns;
    r->pulses = false;
    while (r->d.status.state != DISCIPLINE_HOLDOVER_OUT)
        rig_second(r);
    const double took_s = (double)(r->now_ns - start) * 1e-9;
    assert_true(fabs(took_s / told_s - 1) < 0.05);
    assert_true(forecast_time_left_s(&r->d, 1000) == 0);
    free(r);
}

static void test_steps_in_their_order(void **state)
{
    (void)state;
    struct rig *r = locked(oscillator_ocxo, 1800);
    struct forecast_step steps[16];
    const unsigned n = forecast_steps(&r->d, steps, 16);
    /* from 100 ns on: 250 ns, 1 us is the limit */
    assert_int_equal(n, 3);
    for (unsigned i = 0; i < n; i++) {
        assert_true(steps[i].after_s > (i ? steps[i - 1].after_s : 0));
        assert_int_equal(steps[i].clock_class, i + 1 < n ? 7 : 187);
    }
    assert_int_equal(steps[0].clock_accuracy, 0x22);
    assert_true(steps[2].limit_ns == 1000);
    assert_int_equal(forecast_steps(&r->d, steps, 1), 1);
    free(r);
}

static void test_nothing_before_the_first_pulse(void **state)
{
    (void)state;
    struct discipline *d = malloc(sizeof *d);
    const struct discipline_config config = discipline_defaults();
    discipline_init(d, &config);
    assert_true(forecast_bound_ns(d, 10) == BOUND_UNKNOWN_NS);
    assert_true(forecast_time_left_s(d, 1000) == 0);
    char text[100];
    assert_int_equal(memory_write(&d->estimator, 0, text, sizeof text), 0);
    free(d);
}

/* After a restart: locked as ever, and at once as good in holdover as before. */
static void test_remembers(void **state)
{
    (void)state;
    struct rig *before = locked(oscillator_ocxo, 7200), *after = malloc(sizeof *after);
    char *text = malloc(MEMORY_SIZE);
    const size_t length = memory_write(&before->d.estimator, 1000, text, MEMORY_SIZE);
    assert_true(length > 1000 && length < MEMORY_SIZE);

    *after = *before;
    discipline_init(&after->d, &before->d.config);
    after->whole_ns += 300000000;
    assert_null(memory_read(&after->d.estimator, text, length, 1060, 0));
    after->control_ppb = 0;
    int t = 0;
    for (; after->d.status.state != DISCIPLINE_LOCKED && t < 20; t++)
        rig_second(after);
    assert_true(t <= 10);
    rig_seconds(after, 30);
    const double left = forecast_time_left_s(&after->d, 1000), was = forecast_time_left_s(&before->d, 1000);
    assert_true(left > was / 2);
    after->pulses = false;
    rig_seconds(after, 600);
    assert_true(fabs(rig_error(after)) < 100 && fabs(rig_error(after)) < after->d.status.bound999_ns);

    /* written again, it is the same */
    free(before);
    free(after);
    free(text);
}

/* An oscillator that is not the one remembered: found out, and learned anew. */
static void test_another_oscillator(void **state)
{
    (void)state;
    struct rig *before = locked(oscillator_ocxo, 1800), *after = malloc(sizeof *after);
    char *text = malloc(MEMORY_SIZE);
    const size_t length = memory_write(&before->d.estimator, 1000, text, MEMORY_SIZE);
    const struct discipline_config config = discipline_defaults();
    rig_init(after, &config, oscillator_nic, 6);
    after->freq_ppb = -40000;
    assert_null(memory_read(&after->d.estimator, text, length, 5000, 0));
    rig_seconds(after, 900);
    assert_int_equal(after->d.status.state, DISCIPLINE_LOCKED);
    assert_true(fabs(rig_error(after)) < 100);
    free(before);
    free(after);
    free(text);
}

/* Nothing but what was written is believed. */
static void test_refuses(void **state)
{
    (void)state;
    struct rig *r = locked(oscillator_ocxo, 300);
    char *text = malloc(MEMORY_SIZE), *bad = malloc(MEMORY_SIZE);
    const size_t length = memory_write(&r->d.estimator, 1000, text, MEMORY_SIZE);
    assert_true(length > 0);
    struct estimator *e = malloc(sizeof *e), *unchanged = malloc(sizeof *e);
    estimator_init(e, 20, OSCILLATOR_AUTO);
    *unchanged = *e;

    assert_string_equal(memory_read(e, "", 0, 1000, 0), "not an oscillator's memory of this version");
    assert_string_equal(memory_read(e, text, length, 999, 0), "from the future");
    assert_string_equal(memory_read(e, text, length, 1000 + 400 * 86400, 0), "older than a year");
    for (size_t cut = 0; cut < length; cut += 7)
        assert_non_null(memory_read(e, text, cut, 1000, 0));
    uint64_t random = 1;
    for (int i = 0; i < 5000; i++) {
        memcpy(bad, text, length);
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        const size_t at = (random >> 33) % MEMORY_SIZE;
        if (at >= length)
            continue;
        bad[at] ^= (char)(1 << (i % 8));
        assert_non_null(memory_read(e, bad, length, 1000, 0));
    }
    assert_memory_equal(e, unchanged, sizeof *e);
    assert_null(memory_read(e, text, length, 1000, 0));
    assert_int_equal(memory_write(&r->d.estimator, 1000, text, 1000), 0);
    free(r);
    free(text);
    free(bad);
    free(e);
    free(unchanged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_left_comes_true),
        cmocka_unit_test(test_steps_in_their_order),
        cmocka_unit_test(test_nothing_before_the_first_pulse),
        cmocka_unit_test(test_remembers),
        cmocka_unit_test(test_another_oscillator),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
