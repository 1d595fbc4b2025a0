/* SPDX-License-Identifier: BSD-2-Clause */
/* What odd pulses do to a locked clock that is really steered: off the second, doubled, missing, stale, of a
 * second source, with and without sawtooth corrections. The truth is known here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/grandmaster_rig.h"

#define LOCKED_S 600
#define ODD_S    300
#define NOISE_NS 20.0 /* of the locked clock: two sigma of a pulse, which no good minute comes near */

static struct grandmaster_config config_of_two(void)
{
    struct grandmaster_config config = config_of_one();

    config.gnss.second_pulse = true;
    config.gnss.pair_threshold_ns = 1000;
    config.gnss.pulse[1].noise_ns = 2 * JITTER_NS;
    return config;
}

static struct rig *locked(struct service *service)
{
    const struct grandmaster_config config = config_of_one();
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    begin(r, &config, service);
    for (int i = 0; i < LOCKED_S; i++) {
        if (i == LOCKED_S - ODD_S)
            begin_measuring(r);
        good_second(r);
    }
    assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_LOCKED);
    assert_int_equal(r->steps, 1);
    assert_true(r->worst_ns < NOISE_NS);
    begin_measuring(r);
    return r;
}

/* --- odd seconds: each is given the number of the second ------------------------------------------------ */

static void late_pulse(struct rig *r, int i)
{
    pulse(r, 0, i % 5 ? JITTER_NS * gauss(r) : 300000);
    finish(r);
}

static void early_pulse(struct rig *r, int i)
{
    pulse(r, 0, i % 5 ? JITTER_NS * gauss(r) : -300000);
    finish(r);
}

static void echo(struct rig *r, int i)
{
    static const double echoes_ns[] = {5000, 300000, 100e6, 200e6, 500e6, 999.7e6};

    pulse(r, 0, JITTER_NS * gauss(r));
    pulse(r, 0, echoes_ns[i % 6]); /* read late */
    finish(r);
}

static void forerunner(struct rig *r, int i)
{
    if (i % 3 == 0)
        pulse(r, 0, -300000);
    pulse(r, 0, JITTER_NS * gauss(r));
    finish(r);
}

static void missing(struct rig *r, int i)
{
    if (i % 4)
        pulse(r, 0, JITTER_NS * gauss(r));
    finish(r);
}

/* Eight seconds of nothing, then all of them at once: their readings are of their own seconds and wrong by
 * what the driver made of them, their arrival is now. */
static void stale_burst(struct rig *r, int i)
{
    if (i % 20 < 8) {
        finish(r);
        return;
    }
    if (i % 20 == 8)
        for (int k = 8; k > 0; k--)
            carry_out(r,
                      grandmaster_pulse(&r->gm, 0, clock_of(r) - k * NS_PER_S + 40000, r->now_ns, r->now_ns));
    good_second(r);
}

/* The same, with the time of arrival that each had, off by what its age is uncertain by. */
static void stale_burst_of_known_age(struct rig *r, int i)
{
    if (i % 20 < 8) {
        finish(r);
        return;
    }
    if (i % 20 == 8)
        for (int k = 8; k > 0; k--)
            carry_out(r, grandmaster_pulse(&r->gm, 0, clock_of(r) - k * NS_PER_S,
                                           r->now_ns - k * NS_PER_S + k * MS, r->now_ns));
    good_second(r);
}

static void test_odd_pulses(void **state)
{
    static const struct {
        const char *name;
        void (*second)(struct rig *r, int i);
    } odds[] = {
        {"300 us late", late_pulse},
        {"300 us early", early_pulse},
        {"a second one behind it", echo},
        {"one before it", forerunner},
        {"missing", missing},
        {"stale ones at once", stale_burst},
        {"stale ones, each with its age", stale_burst_of_known_age},
    };

    for (size_t k = 0; k < sizeof odds / sizeof odds[0]; k++) {
        struct rig *r = locked(*state);

        for (int i = 0; i < ODD_S; i++)
            odds[k].second(r, i);
        print_message("%s: worst %.1f ns, rms %.1f ns\n", odds[k].name, r->worst_ns, rms(r));
        if (r->worst_ns > NOISE_NS || r->steps != 1)
            fail_msg("%s: the clock was moved by %.0f ns, %u steps", odds[k].name, r->worst_ns, r->steps);
        for (int i = 0; i < 30; i++)
            good_second(r);
        assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_LOCKED);
        free(r);
    }
}

/* --- two sources ---------------------------------------------------------------------------------------- */

/* The better one goes and comes back: the clock does not move, and never knows holdover. */
static void test_second_source(void **state)
{
    const struct grandmaster_config config = config_of_two();
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    begin(r, &config, *state);
    for (int i = 0; i < 1500; i++) {
        if (i == 300)
            begin_measuring(r);
        if (i < LOCKED_S || i > 2 * LOCKED_S)
            pulse(r, 0, JITTER_NS * gauss(r));
        pulse(r, 1, 400 + 1.5 * JITTER_NS * gauss(r));
        finish(r);
        if (i > 300)
            assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_LOCKED);
    }
    print_message("worst %.1f ns, rms %.1f ns\n", r->worst_ns, rms(r));
    assert_true(r->worst_ns < 1.5 * NOISE_NS);
    assert_int_equal(r->gm.gnss.pair.status.changes, 2);
    assert_int_equal(r->gm.gnss.pair.status.in_use, 0);
    assert_int_equal(r->steps, 1);
    free(r);
}

/* The source in use lies by 3 us: so much that no clock would have followed at once, but in the end. */
static void test_second_source_against_a_liar(void **state)
{
    const struct grandmaster_config config = config_of_two();
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    begin(r, &config, *state);
    for (int i = 0; i < 900; i++) {
        if (i == 300)
            begin_measuring(r);
        pulse(r, 0, JITTER_NS * gauss(r) + (i > LOCKED_S ? 3000 : 0));
        pulse(r, 1, 400 + 1.5 * JITTER_NS * gauss(r));
        finish(r);
        if (i > 300)
            assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_LOCKED);
    }
    assert_true(r->worst_ns < 1.5 * NOISE_NS);
    assert_int_equal(r->gm.gnss.pair.status.why, PULSE_PAIR_OTHER_STRAYED);
    assert_int_equal(r->gm.gnss.pair.status.strayed, 0);
    free(r);
}

/* --- sawtooth ------------------------------------------------------------------------------------------- */

enum when { NOT_AT_ALL, BEFORE, BEHIND };

static double rms_with_sawtooth(struct service *service, enum when when)
{
    const struct grandmaster_config config = config_of_one();
    struct rig *r = calloc(1, sizeof *r);
    double result;

    assert_non_null(r);
    begin(r, &config, service);
    for (int i = 0; i < 1200; i++) {
        const double sawtooth_ns = 20 * sin(i * 0.02); /* a slow beat, which no averaging removes */
        struct receiver_report report;

        if (i == 300)
            begin_measuring(r);
        for (int behind = 0; behind <= 1; behind++) {
            if (behind) {
                pulse(r, 0, sawtooth_ns + gauss(r));
                go_to(r, r->now_ns + 60 * MS);
            }
            report = report_of(r);
            report.has_sawtooth = true;
            report.sawtooth_tai_s = TAI_S + r->now_ns / NS_PER_S;
            report.sawtooth_ns = sawtooth_ns;
            if (when == (behind ? BEHIND : BEFORE))
                carry_out(r, grandmaster_message(&r->gm, &report, clock_of(r)));
        }
        finish(r);
    }
    assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_LOCKED);
    result = rms(r);
    free(r);
    return result;
}

static void test_sawtooth(void **state)
{
    const double without = rms_with_sawtooth(*state, NOT_AT_ALL), before = rms_with_sawtooth(*state, BEFORE),
                 behind = rms_with_sawtooth(*state, BEHIND);

    print_message("rms without correction %.2f ns, with one before the pulse %.2f ns, behind it %.2f ns\n",
                  without, before, behind);
    assert_true(without > 8);
    assert_true(before < 1.5);
    assert_true(behind < 1.5);
}

/* --- MTIE and TDEV -------------------------------------------------------------------------------------- */

#define LARGEST_NS (NOISE_NS + 4.5 * JITTER_NS) /* a locked clock against a pulse that is believed */

static void check_stability(const struct rig *r, unsigned interruptions, const char *what)
{
    const struct stability_figures f = stability_figures(&r->gm.stability);

    print_message("%s: %ld s, largest %.1f ns, TDEV(1 s) %.2f ns\n", what, f.observed_s, f.max_abs_te_ns,
                  f.points[0].tdev_ns);
    assert_true(r->gm.stability.running);
    assert_int_equal(r->gm.stability.interruptions, interruptions);
    assert_true(f.max_abs_te_ns > JITTER_NS && f.max_abs_te_ns < LARGEST_NS);
    assert_true(f.points[0].mtie_ns < 2 * LARGEST_NS);
    assert_true(fabs(f.points[0].tdev_ns / JITTER_NS - 1) < 0.1);
}

/* What the locked clock is measured by: neither pulses that are rejected, nor a foreign step that is undone,
 * nor the way back from holdover. */
static void test_stability_is_of_the_locked_clock(void **state)
{
    struct rig *r = locked(*state);
    double far_ns = 0;

    assert_in_range(stability_figures(&r->gm.stability).observed_s, LOCKED_S - 30, LOCKED_S);
    check_stability(r, 0, "locked");
    for (int i = 0; i < ODD_S; i++)
        late_pulse(r, i);
    check_stability(r, 0, "with late pulses");

    r->error_ns += 1e6;
    good_second(r);
    for (int i = 0; i < 120; i++)
        good_second(r);
    check_stability(r, 1, "after a foreign step");

    r->gm.discipline.config.max_slew_ppb = 3; /* locked again while still on its way */
    r->oscillator_ppb += 3;
    for (int i = 0; i < 60; i++)
        finish(r);
    r->oscillator_ppb -= 3;
    assert_false(r->gm.stability.running);
    for (int i = 0; i < 300; i++) {
        good_second(r);
        if (r->gm.discipline.status.state == DISCIPLINE_LOCKED)
            far_ns = fmax(far_ns, fabs(r->error_ns));
    }
    assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_LOCKED);
    assert_true(far_ns > 2 * LARGEST_NS);
    check_stability(r, 2, "after holdover");
    free(r);
}

int main(void)
{
    struct service *service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_odd_pulses, service),
        cmocka_unit_test_prestate(test_second_source, service),
        cmocka_unit_test_prestate(test_second_source_against_a_liar, service),
        cmocka_unit_test_prestate(test_sawtooth, service),
        cmocka_unit_test_prestate(test_stability_is_of_the_locked_clock, service),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(service);
    return failed;
}
