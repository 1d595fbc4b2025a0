/* SPDX-License-Identifier: BSD-2-Clause */
/* Receivers that fail while they go on claiming a fix, and drag their pulses away: from the sign of trouble
 * on nothing of that reaches the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/grandmaster_rig.h"

#define LOCKED_S     900
#define CLAIMED_S    20   /* the fix is claimed so long */
#define DRAG_NS      50.0 /* a second */
#define WITHOUT_S    300  /* a fix, then */
#define MOVED_MAX_NS 100.0

struct failure {
    const char *name;
    struct receiver_report good, bad; /* what it says of itself */
    const char *why;                  /* NULL: no sign but the pulses themselves */
};

#define SATELLITES .satellites_used = 9, .satellites_visible = 12
#define SITE       .has_position = true, .latitude_deg = 52.5, .longitude_deg = 13.4

static const struct failure failures[] = {
    {"satellites", {SATELLITES}, {.satellites_used = 2, .satellites_visible = 3}, "too few satellites"},
    {"accuracy",
     {SATELLITES, .time_accuracy_ns = 20},
     {SATELLITES, .time_accuracy_ns = 1500},
     "the receiver is not sure of its time"},
    {"jamming",
     {SATELLITES, .jamming = THREAT_NONE},
     {SATELLITES, .jamming = THREAT_CRITICAL},
     "the receiver is jammed"},
    {"spoofing",
     {SATELLITES, .spoofing = THREAT_NONE},
     {SATELLITES, .spoofing = THREAT_WARNING},
     "the receiver reports spoofing"},
    {"antenna open",
     {SATELLITES, .antenna = ANTENNA_OK},
     {SATELLITES, .antenna = ANTENNA_OPEN},
     "the antenna is open"},
    {"antenna short",
     {SATELLITES, .antenna = ANTENNA_OK},
     {SATELLITES, .antenna = ANTENNA_SHORT},
     "the antenna is shorted"},
    {"moved",
     {SATELLITES, SITE},
     {SATELLITES, .has_position = true, .latitude_deg = 52.6, .longitude_deg = 13.4},
     "the antenna has moved"},
    {"no sign", {SATELLITES}, {SATELLITES}, NULL},
};

static void dragged_second(struct rig *r, double late_ns)
{
    pulse(r, 0, late_ns + JITTER_NS * gauss(r));
    finish(r);
}

static struct rig *locked(struct service *service, const struct failure *f)
{
    struct grandmaster_config config = config_of_one();
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    config.gnss.integrity =
        (struct integrity_config){.min_satellites = 4, .time_accuracy_ns = 1000, .position_moved_m = 100};
    begin(r, &config, service);
    r->says = f->good;
    for (int i = 0; i < LOCKED_S; i++)
        good_second(r);
    assert_int_equal(r->gm.discipline.status.state, DISCIPLINE_LOCKED);
    return r;
}

static void expect_state(const struct rig *r, const struct failure *f, enum discipline_state state)
{
    const struct discipline_status *s = &r->gm.discipline.status;

    if (s->state != state)
        fail_msg("%s: %s since \"%s\" instead of %s", f->name, discipline_state_name(s->state), s->why,
                 discipline_state_name(state));
}

/* The sign shows with the first pulse that is dragged away, the fix flag drops long after it. */
static void test_failing_receiver(void **state)
{
    struct service *service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));

    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        const struct failure *f = &failures[i];
        struct rig *r = locked(service, f);
        double late_ns = 0;

        begin_measuring(r);
        r->says = f->bad;
        for (int t = 0; t < CLAIMED_S; t++) {
            dragged_second(r, late_ns += DRAG_NS);
            if (f->why && t >= 3) { /* a move wants three fixes */
                expect_state(r, f, DISCIPLINE_FROZEN);
                assert_non_null(strstr(r->gm.discipline.status.why, f->why));
                assert_int_equal(r->gm.quality.clock_quality.clock_class, 6);
            }
        }
        r->says.has_fix = true;
        r->says.fix = FIX_NONE;
        for (int t = 0; t < WITHOUT_S; t++)
            dragged_second(r, late_ns += DRAG_NS);
        expect_state(r, f, DISCIPLINE_HOLDOVER_IN);
        if (r->worst_ns >= MOVED_MAX_NS)
            fail_msg("%s: the clock was moved by %.0f ns", f->name, r->worst_ns);

        r->says = f->good; /* a threat is believed for 10 s more */
        for (int t = 0; t < 60; t++)
            good_second(r);
        expect_state(r, f, DISCIPLINE_LOCKED);
        assert_true(r->worst_ns < MOVED_MAX_NS && r->steps == 1);
        free(r);
    }
    free(service);
}

/* Clients see nothing of a suspicion that passes. */
static void test_passing_suspicion(void **state)
{
    struct service *service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));

    (void)state;
    for (size_t i = 0; i + 1 < sizeof failures / sizeof failures[0]; i++) {
        struct rig *r = locked(service, &failures[i]);
        begin_measuring(r);
        for (int times = 0; times < 3; times++) {
            r->says = failures[i].bad;
            for (int t = 0; t < 4; t++) {
                dragged_second(r, 400);
                assert_int_equal(r->gm.quality.clock_quality.clock_class, 6);
            }
            expect_state(r, &failures[i], DISCIPLINE_FROZEN);
            r->says = failures[i].good;
            for (int t = 0; t < 16; t++) { /* a threat is believed for 10 s more */
                good_second(r);
                assert_int_equal(r->gm.quality.clock_quality.clock_class, 6);
            }
            expect_state(r, &failures[i], DISCIPLINE_LOCKED);
        }
        assert_true(r->worst_ns < MOVED_MAX_NS / 2);
        free(r);
    }
    free(service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failing_receiver),
        cmocka_unit_test(test_passing_suspicion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
