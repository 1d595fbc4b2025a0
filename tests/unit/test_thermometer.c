/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of temperatures: what no room can do is not believed, the coefficient is learned and
 * remembered, it carries the clock through an outage, and bounds grow when the sensor is lost. */
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

#define EVERY_NS    (THERMOMETER_EVERY_S * NS_PER_S)
#define COEFFICIENT 0.5 /* ppb/K of the oscillators here */

/* --- the sensor alone ------------------------------------------------------------------------------ */

/* Feeds so many equal readings; the sum of changes. */
static double feed(struct thermometer *t, int64_t *now_ns, double celsius, int readings)
{
    double sum = 0;
    for (; readings-- > 0; *now_ns += EVERY_NS)
        sum += thermometer_read(t, *now_ns, celsius);
    return sum;
}

static void test_changes_add_up(void **state)
{
    (void)state;
    struct thermometer t;
    int64_t now_ns = 0;
    thermometer_init(&t);
    assert_true(thermometer_lost(&t, 0));
    assert_true(feed(&t, &now_ns, 20, 10) == 0 && t.celsius == 20);
    double sum = feed(&t, &now_ns, 23, 60);
    assert_true(sum > 1 && sum < 2); /* 5 minutes later it is on its way */
    sum += feed(&t, &now_ns, 23, 300);
    assert_true(fabs(sum - 3) < 0.01 && fabs(t.celsius - 23) < 0.01);
}

static void test_wild_readings(void **state)
{
    (void)state;
    struct thermometer t;
    int64_t now_ns = 0;
    thermometer_init(&t);
    feed(&t, &now_ns, 20, 10);
    assert_true(feed(&t, &now_ns, 85, 11) == 0 && t.celsius == 20 && t.wild_seen == 11);
    assert_true(feed(&t, &now_ns, 20, 1) == 0 && t.wild_seen == 0);
    for (int i = 0; i < 40; i++) /* wild, and each differs from the last */
        assert_true(feed(&t, &now_ns, i % 2 ? 85 : -40, 1) == 0);
    assert_true(t.celsius == 20 && thermometer_lost(&t, now_ns));
    /* it insists: the sensor was moved, and nothing has become warmer */
    assert_true(feed(&t, &now_ns, 60, 12) == 0 && t.celsius == 60 && !thermometer_lost(&t, now_ns));
}

/* What happened meanwhile counts at once, if a room can do it. */
static void test_pause(void **state)
{
    (void)state;
    struct thermometer t;
    int64_t now_ns = 0;
    thermometer_init(&t);
    feed(&t, &now_ns, 20, 10);
    now_ns += 7200 * NS_PER_S;
    assert_true(feed(&t, &now_ns, 28, 1) == 8 && t.celsius == 28);
    now_ns += 7200 * NS_PER_S;
    assert_true(feed(&t, &now_ns, 60, 1) == 0 && t.celsius == 28);
}

/* --- learning -------------------------------------------------------------------------------------- */

/* An OCXO in a room whose temperature swings within a night. */
struct room {
    struct rig rig;
    double told_k; /* what its sensor adds to the truth */
    double now_k;
    bool sensor;
};

static double room_k(int64_t now_ns)
{
    return 2 * sin(2 * M_PI * (double)now_ns * 1e-9 / 28800);
}

static void room_seconds(struct room *m, int seconds)
{
    for (; seconds > 0; seconds--) {
        const double kelvin = room_k(m->rig.now_ns);
        m->rig.freq_ppb += COEFFICIENT * (kelvin - m->now_k);
        m->now_k = kelvin;
        if (m->sensor && m->rig.now_ns / NS_PER_S % THERMOMETER_EVERY_S == 0)
            discipline_temperature(&m->rig.d, m->rig.now_ns,
                                   25 + kelvin + m->told_k + 0.1 * rig_gauss(&m->rig));
        rig_second(&m->rig);
    }
}

static struct room *learned(uint64_t seed, bool sensor)
{
    struct room *m = calloc(1, sizeof *m);
    const struct discipline_config config = discipline_defaults();
    assert_non_null(m);
    rig_init(&m->rig, &config, oscillator_ocxo, seed);
    m->sensor = sensor;
    room_seconds(m, 21600);
    assert_int_equal(m->rig.d.status.state, DISCIPLINE_LOCKED);
    return m;
}

static double coefficient(const struct room *m, double *sigma)
{
    return bank_coefficient(&m->rig.d.estimator.bank, sigma);
}

static double outage_error(struct room *m, int seconds)
{
    m->rig.pulses = false;
    room_seconds(m, seconds);
    return rig_error(&m->rig);
}

static void test_learns_and_uses_it(void **state)
{
    (void)state;
    double with = 0, without = 0, sigma;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct room *m = learned(seed, true), *blind = learned(seed, false);
        const double c = coefficient(m, &sigma);
        if (fabs(c - COEFFICIENT) > 3 * sigma || sigma > COEFFICIENT / 4)
            fail_msg("seed %d: %g +- %g ppb/K", (int)seed, c, sigma);
        assert_true(coefficient(blind, &sigma) == 0 && sigma == 0);
        const double error = outage_error(m, 7200);
        assert_true(fabs(error) < m->rig.d.status.bound999_ns);
        with += error * error / 4;
        const double blind_error = outage_error(blind, 7200);
        without += blind_error * blind_error / 4;
        free(m);
        free(blind);
    }
    print_message("after 2 h: %.0f ns rms with a sensor, %.0f without\n", sqrt(with), sqrt(without));
    assert_true(sqrt(with) < 0.5 * sqrt(without));
}

/* Where the sensor's zero lies does not matter, and no sensor is no change. */
static void test_offset_does_not_matter(void **state)
{
    (void)state;
    struct room *m = learned(5, true), *shifted = malloc(sizeof *shifted);
    double sigma;
    *shifted = *m;
    shifted->told_k = 30; /* an exchanged sensor */
    room_seconds(shifted, 3600);
    room_seconds(m, 3600);
    assert_int_equal(shifted->rig.d.status.state, DISCIPLINE_LOCKED);
    assert_true(fabs(rig_error(&shifted->rig)) < 50);
    assert_true(fabs(coefficient(shifted, &sigma) - COEFFICIENT) < 4 * sigma);
    free(m);
    free(shifted);
}

/* --- a sensor that is lost ------------------------------------------------------------------------- */

static void test_lost_in_holdover(void **state)
{
    (void)state;
    struct room *seeing = learned(6, true), *blind = malloc(sizeof *blind);
    *blind = *seeing;
    blind->sensor = false;
    const double error = outage_error(blind, 7200);
    outage_error(seeing, 7200);
    assert_true(fabs(error) < blind->rig.d.status.bound999_ns);
    assert_true(blind->rig.d.status.bound_ns > 1.3 * seeing->rig.d.status.bound_ns);
    /* and back: what the room did meanwhile is known again */
    const double before_ppb = estimator_freq(&blind->rig.d.estimator);
    const double change = room_k(blind->rig.now_ns) + 25 - blind->rig.d.estimator.thermometer.celsius;
    double sigma;
    discipline_temperature(&blind->rig.d, blind->rig.now_ns, 25 + room_k(blind->rig.now_ns));
    assert_true(fabs(estimator_freq(&blind->rig.d.estimator) - before_ppb -
                     coefficient(blind, &sigma) * change) < 0.02);
    free(seeing);
    free(blind);
}

/* Pulses have taught the frequency meanwhile: it is not corrected a second time. */
static void test_lost_while_locked(void **state)
{
    (void)state;
    struct room *m = learned(7, true);
    m->sensor = false;
    room_seconds(m, 3600);
    m->sensor = true;
    const double before_ppb = estimator_freq(&m->rig.d.estimator);
    discipline_temperature(&m->rig.d, m->rig.now_ns, 25 + room_k(m->rig.now_ns));
    assert_true(fabs(estimator_freq(&m->rig.d.estimator) - before_ppb) < 1e-3);
    room_seconds(m, 600);
    assert_int_equal(m->rig.d.status.state, DISCIPLINE_LOCKED);
    assert_true(fabs(rig_error(&m->rig)) < 50);
    free(m);
}

/* --- forecast and memory --------------------------------------------------------------------------- */

/* Told before an outage, and what the bound then is: near, whatever the room does. */
static void test_forecast_holds(void **state)
{
    (void)state;
    struct room *m = learned(8, true);
    const double told_ns = forecast_bound_ns(&m->rig.d, 7200);
    struct discipline unseen = m->rig.d;
    unseen.estimator.bank.room = ROOM_UNSEEN;
    assert_true(forecast_bound_ns(&unseen, 7200) > 1.2 * told_ns);
    outage_error(m, 7200);
    const double ratio = m->rig.d.status.bound_ns / told_ns;
    if (ratio < 0.5 || ratio > 1.2)
        fail_msg("bound is %g of what was told", ratio);
    free(m);
}

static void test_remembers_the_coefficient(void **state)
{
    (void)state;
    struct room *m = learned(9, true);
    char *text = malloc(MEMORY_SIZE), *again = malloc(MEMORY_SIZE);
    struct estimator *e = malloc(sizeof *e), *changed = malloc(sizeof *e);
    double sigma, remembered_sigma;
    const size_t length = memory_write(&m->rig.d.estimator, 1000, text, MEMORY_SIZE);
    assert_true(length > 0 && strstr(text, " temperature "));

    estimator_init(e, 20, OSCILLATOR_AUTO);
    estimator_predict(e, 0);
    assert_null(memory_read(e, text, length, 1000, 0));
    assert_true(fabs(bank_coefficient(&e->bank, &remembered_sigma) - coefficient(m, &sigma)) < 1e-6);
    assert_true(fabs(remembered_sigma / sigma - 1) < 0.01);
    /* the room has become warmer while gmd was away */
    const double before_ppb = e->bank.freq_ppb;
    estimator_temperature(e, m->rig.d.estimator.thermometer.celsius + 3);
    assert_true(fabs(e->bank.freq_ppb - before_ppb - 3 * bank_coefficient(&e->bank, &sigma)) < 0.05);

    /* without a sensor from now on: used all the same */
    estimator_init(changed, 20, OSCILLATOR_AUTO);
    assert_null(memory_read(changed, text, length, 87400, 0));
    assert_true(changed->bank.room == ROOM_UNSEEN && changed->bank.freq_variance > e->bank.freq_variance);

    /* numbers are missing at the end of a line: refused */
    for (size_t cut = 0; cut < length; cut += 11)
        assert_non_null(memory_read(changed, text, cut, 1000, 0));
    /* and one that knows of no temperature is as good as ever */
    struct room *blind = learned(9, false);
    const size_t blind_length = memory_write(&blind->rig.d.estimator, 1000, again, MEMORY_SIZE);
    assert_null(strstr(again, " temperature "));
    estimator_init(e, 20, OSCILLATOR_AUTO);
    estimator_predict(e, 0);
    assert_null(memory_read(e, again, blind_length, 1000, 0));
    estimator_temperature(e, 25);
    assert_true(bank_coefficient(&e->bank, &sigma) == 0 && sigma > 0);
    free(blind);
    free(m);
    free(text);
    free(again);
    free(e);
    free(changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes_add_up),
        cmocka_unit_test(test_wild_readings),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_learns_and_uses_it),
        cmocka_unit_test(test_offset_does_not_matter),
        cmocka_unit_test(test_lost_in_holdover),
        cmocka_unit_test(test_lost_while_locked),
        cmocka_unit_test(test_forecast_holds),
        cmocka_unit_test(test_remembers_the_coefficient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
