/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated receiver: its switches, its noise, and its drivers over CLOCK_REALTIME. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gnss/clock_ns.h"
#include "gnss/simulated.h"

#define T0 1750000000LL

static const struct simulated_config plain = {.seed = 1, .gps_minus_utc_s = 18};

static bool edge(struct simulated_gnss *s, int64_t utc_s)
{
    int64_t ns;

    return simulated_gnss_edge(s, utc_s, &ns);
}

static enum fix_mode fix(struct simulated_gnss *s, int64_t utc_s)
{
    struct receiver_report r;

    assert_true(simulated_gnss_report(s, utc_s, &r));
    assert_int_equal(r.link, RECEIVER_LINK_UP);
    assert_true(r.has_fix && r.has_time);
    assert_int_equal(r.utc_s, utc_s);
    return r.fix;
}

static void test_report(void **state)
{
    struct simulated_gnss *s = simulated_gnss_new(&plain);
    struct receiver_report r;

    (void)state;
    assert_true(simulated_gnss_report(s, T0, &r));
    assert_int_equal(r.fix, FIX_3D);
    assert_int_equal(r.utc_s, T0);
    assert_int_equal(r.gps_minus_utc_s, 18);
    assert_int_equal(r.antenna, ANTENNA_OK);
    assert_true(r.satellites_used > 0 && r.satellites_used <= r.satellites_visible);
    simulated_gnss_free(s);
}

static void test_wrong_leap_shifts_label(void **state)
{
    struct simulated_config c = plain;
    struct simulated_gnss *s;
    struct receiver_report r;

    (void)state;
    c.gps_minus_utc_s = 16;
    s = simulated_gnss_new(&c);
    assert_true(simulated_gnss_report(s, T0, &r));
    assert_int_equal(r.utc_s + r.gps_minus_utc_s, T0 + 18);
    simulated_gnss_free(s);
}

/* Both halves agree in either order of asking. */
static void test_antenna(void **state)
{
    struct simulated_gnss *s = simulated_gnss_new(&plain);
    struct receiver_report r;

    (void)state;
    assert_true(edge(s, T0));
    simulated_gnss_switch(s, SIMULATED_ANTENNA, false);
    assert_false(simulated_gnss_is_on(s, SIMULATED_ANTENNA));
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(edge(s, T0 + i), i < 4);
        assert_int_equal(fix(s, T0 + i), i < 4 ? FIX_3D : FIX_NONE);
        assert_true(simulated_gnss_report(s, T0 + i, &r));
        assert_int_equal(r.antenna, ANTENNA_OPEN); /* the supervisor sees it at once */
    }
    assert_int_equal(r.satellites_visible, 0);
    simulated_gnss_switch(s, SIMULATED_ANTENNA, true);
    for (int i = 11; i <= 20; i++) {
        assert_int_equal(fix(s, T0 + i), i < 13 ? FIX_NONE : FIX_3D);
        assert_int_equal(edge(s, T0 + i), i >= 13);
    }
    /* a loose plug for two seconds is not noticed */
    simulated_gnss_switch(s, SIMULATED_ANTENNA, false);
    assert_true(edge(s, T0 + 21) && edge(s, T0 + 22));
    simulated_gnss_switch(s, SIMULATED_ANTENNA, true);
    for (int i = 23; i < 30; i++)
        assert_true(edge(s, T0 + i));
    simulated_gnss_switch(s, SIMULATED_ANTENNA, false);
    for (int i = 30; i < 40; i++) /* nor does it shorten the next loss */
        assert_int_equal(edge(s, T0 + i), i < 33);
    simulated_gnss_free(s);
}

static void test_switches(void **state)
{
    struct simulated_gnss *s = simulated_gnss_new(&plain);
    struct receiver_report r;

    (void)state;
    simulated_gnss_switch(s, SIMULATED_FIX, false);
    assert_int_equal(fix(s, T0), FIX_NONE);
    assert_true(edge(s, T0));
    simulated_gnss_switch(s, SIMULATED_FIX, true);
    simulated_gnss_switch(s, SIMULATED_PULSE, false);
    assert_int_equal(fix(s, T0 + 1), FIX_3D);
    assert_false(edge(s, T0 + 1));
    simulated_gnss_switch(s, SIMULATED_PULSE, true);
    simulated_gnss_switch(s, SIMULATED_LINK, false);
    assert_true(edge(s, T0 + 2));
    assert_true(simulated_gnss_report(s, T0 + 2, &r));
    assert_int_equal(r.link, RECEIVER_LINK_DOWN);
    assert_false(r.has_fix || r.has_time);
    for (int i = 0; i < SIMULATED_SWITCHES; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(simulated_switch_name((enum simulated_switch)i),
                                    simulated_switch_name((enum simulated_switch)j));
    simulated_gnss_free(s);
}

static void test_noise(void **state)
{
    struct simulated_config c = {.jitter_ns = 100, .seed = 7};
    struct simulated_gnss *jitter = simulated_gnss_new(&c), *sawtooth, *again;
    double sum = 0, squares = 0, largest = 0;
    const int n = 20000;

    (void)state;
    c = (struct simulated_config){.sawtooth_ns = 50, .seed = 7};
    sawtooth = simulated_gnss_new(&c);
    again = simulated_gnss_new(&c);
    for (int i = 0; i < n; i++) {
        int64_t ns, same;

        assert_true(simulated_gnss_edge(jitter, T0 + i, &ns));
        ns -= (T0 + i) * NS_PER_S;
        sum += (double)ns;
        squares += (double)(ns * ns);
        assert_true(simulated_gnss_edge(sawtooth, T0 + i, &ns));
        assert_true(simulated_gnss_edge(again, T0 + i, &same));
        assert_int_equal(ns, same);
        largest = fmax(largest, fabs((double)(ns - (T0 + i) * NS_PER_S)));
    }
    assert_true(fabs(sum / n) < 4);                 /* 5 sigma of the mean */
    assert_true(fabs(sqrt(squares / n) - 100) < 5); /* 10 sigma */
    assert_true(largest > 45 && largest <= 51);
    simulated_gnss_free(jitter);
    simulated_gnss_free(sawtooth);
    simulated_gnss_free(again);
}

static void wait_until(int64_t monotonic_ns)
{
    struct timespec t = {.tv_sec = monotonic_ns / NS_PER_S, .tv_nsec = monotonic_ns % NS_PER_S};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* Three real seconds: each has one edge and one message, in place however late the wake-up is. */
static void test_drivers(void **state)
{
    struct simulated_config c = {.latency_ns = 150000000, .seed = 3, .gps_minus_utc_s = 18};
    struct simulated_gnss *s = simulated_gnss_new(&c);
    struct receiver *r = receiver_simulated_open(s);
    struct pulse *p = pulse_simulated_open(s);
    int64_t last_s = 0;

    (void)state;
    assert_int_equal(p->ops->fd(p), -1);
    int fds[RECEIVER_FDS];
    r->ops->fds(r, fds);
    assert_int_equal(fds[0], -1);
    assert_int_equal(fds[1], -1);
    for (int i = 0; i < 3; i++) {
        struct pulse_event e;
        struct receiver_report report;
        int64_t now = clock_ns(CLOCK_MONOTONIC), due = p->ops->deadline(p), edge_s;

        assert_int_equal(p->ops->read(p, now, &e), 0);
        assert_true(due - now > 0 && due - now <= NS_PER_S);
        wait_until(due + 20000000);
        assert_int_equal(p->ops->read(p, clock_ns(CLOCK_MONOTONIC), &e), 1);
        assert_int_equal(e.edge_ns % NS_PER_S, 0);
        edge_s = e.edge_ns / NS_PER_S;
        assert_true(last_s == 0 || edge_s == last_s + 1);
        last_s = edge_s;
        assert_int_equal(e.sequence, i);
        assert_false(e.hardware);
        assert_true(llabs(e.arrival_ns - due) < 1000000);
        assert_int_equal(p->ops->read(p, clock_ns(CLOCK_MONOTONIC), &e), 0);

        due = r->ops->deadline(r);
        wait_until(due);
        assert_int_equal(r->ops->read(r, clock_ns(CLOCK_MONOTONIC), &report), 1);
        assert_int_equal(report.utc_s, edge_s);
        assert_true(llabs(due - e.arrival_ns - c.latency_ns) < NS_PER_S);
        assert_int_equal(r->ops->read(r, clock_ns(CLOCK_MONOTONIC), &report), 0);
    }
    simulated_gnss_switch(s, SIMULATED_PULSE, false);
    simulated_gnss_switch(s, SIMULATED_LINK, false);
    {
        struct pulse_event e;
        struct receiver_report report;

        wait_until(r->ops->deadline(r));
        assert_int_equal(p->ops->read(p, clock_ns(CLOCK_MONOTONIC), &e), 0);
        assert_int_equal(r->ops->read(r, clock_ns(CLOCK_MONOTONIC), &report), 1);
        assert_int_equal(report.link, RECEIVER_LINK_DOWN);
        assert_true(strlen(r->problem) > 0);
    }
    p->ops->close(p);
    r->ops->close(r);
    simulated_gnss_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),  cmocka_unit_test(test_wrong_leap_shifts_label),
        cmocka_unit_test(test_antenna), cmocka_unit_test(test_switches),
        cmocka_unit_test(test_noise),   cmocka_unit_test(test_drivers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
