/* SPDX-License-Identifier: BSD-2-Clause */
/* The grandmaster as a whole: from messages and pulses to what it announces, and a clock that stops
 * answering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/grandmaster.h"
#include "tests/defaults.h"

#define UTC_S     1795000000
#define TAI_S     (UTC_S + 37)
#define TICKS     4
#define TICK_NS   (NS_PER_S / TICKS)
#define MESSAGE_S 0.1

struct rig {
    struct grandmaster gm;
    struct outbox outbox;
    int64_t now_ns;   /* monotonic, 0 at TAI_S */
    int64_t error_ns; /* of a clock that is otherwise perfect */
    unsigned steps;
};

static int64_t clock_of(const struct rig *r)
{
    return TAI_S * NS_PER_S + r->now_ns + r->error_ns;
}

static void carry_out(struct rig *r, struct discipline_action action)
{
    if (action.step) {
        r->error_ns += action.step_ns;
        r->steps++;
        grandmaster_stepped(&r->gm);
    }
    grandmaster_adjusted(&r->gm, 0); /* this clock takes no correction and needs none */
    r->outbox.count = 0;
}

static void setup(struct rig *r, struct service *service)
{
    const struct grandmaster_config config = {
        .gnss = gnss_defaults(),
        .discipline = discipline_defaults(),
        .default_ds = {.clock_identity = {{2, 0, 0, 0xFF, 0xFE, 0, 0, 1}},
                       .priority1 = 128,
                       .priority2 = 128},
        .configured_utc_offset_s = 37,
    };
    const struct port_config port = {.delay_mechanism = DELAY_MECHANISM_E2E,
                                     .log_sync_interval = -3,
                                     .announce_receipt_timeout = 3,
                                     .tx_timestamp_timeout_ns = 50000000};
    memset(r, 0, sizeof *r);
    r->error_ns = 1200 * (NS_PER_S / 1000);
    service_init_plain(service, 1);
    grandmaster_init(&r->gm, &config, service);
    instance_add_port(&r->gm.instance, &port, &r->outbox, 1, 0);
    instance_link(&r->gm.instance, 0, true, 0);
}

/* One second: its pulse, its message, its ticks. */
static void second(struct rig *r, bool clock_answers)
{
    if (clock_answers)
        carry_out(r, grandmaster_pulse(&r->gm, 0, clock_of(r), r->now_ns, r->now_ns));
    const struct receiver_report report = {
        .arrival_ns = r->now_ns + (int64_t)(MESSAGE_S * 1e9),
        .link = RECEIVER_LINK_UP,
        .has_fix = true,
        .fix = FIX_3D,
        .has_time = true,
        .utc_s = UTC_S + r->now_ns / NS_PER_S,
        .satellites_used = 9,
        .satellites_visible = 12,
    };
    grandmaster_message(&r->gm, &report, clock_of(r));
    for (int i = 0; i < TICKS; i++) {
        r->now_ns += TICK_NS;
        carry_out(r, grandmaster_tick(&r->gm, r->now_ns, clock_of(r), clock_answers));
        instance_tick(&r->gm.instance, r->now_ns);
    }
}

static int seconds_until(struct rig *r, enum discipline_state wanted, int limit_s)
{
    for (int s = 0; s < limit_s; s++) {
        if (r->gm.discipline.status.state == wanted)
            return s;
        second(r, true);
    }
    return -1;
}

static void test_serves_from_lock_on(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    setup(r, *state);
    assert_false(instance_is_master(&r->gm.instance));
    assert_in_range(seconds_until(r, DISCIPLINE_LOCKED, 30), 5, 20);
    assert_true(llabs(r->error_ns) < 200);
    assert_int_equal(r->steps, 1);
    second(r, true);
    assert_true(instance_is_master(&r->gm.instance));
    struct ptp_message m;
    instance_announce(&r->gm.instance, &r->gm.instance.ports[0], &m);
    assert_int_equal(m.body.announce.grandmaster_clock_quality.clock_class, 6);
    assert_int_equal(m.body.announce.current_utc_offset, 37);
    assert_int_equal(m.body.announce.time_source, TIME_SOURCE_GNSS);
    assert_int_equal(m.header.flags, FLAG_UTC_OFFSET_VALID | FLAG_PTP_TIMESCALE | FLAG_TIME_TRACEABLE |
                                         FLAG_FREQUENCY_TRACEABLE);
    free(r);
}

/* Pulses and fix are good, but nobody can read the clock: what is announced must not stay class 6. */
static void test_clock_that_does_not_answer(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    setup(r, *state);
    assert_true(seconds_until(r, DISCIPLINE_LOCKED, 30) > 0);
    second(r, true);
    second(r, false);
    assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_HOLDOVER_IN);
    assert_non_null(strstr(r->gm.discipline.status.why, "the clock does not answer"));
    assert_int_equal(r->gm.instance.default_ds.clock_quality.clock_class, 7);
    assert_true(seconds_until(r, DISCIPLINE_LOCKED, 60) > 0);
    assert_int_equal(r->gm.instance.default_ds.clock_quality.clock_class, 6);
    assert_int_equal(r->steps, 1);
    free(r);
}

int main(void)
{
    struct service *service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_serves_from_lock_on, service),
        cmocka_unit_test_prestate(test_clock_that_does_not_answer, service),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(service);
    return failed;
}
