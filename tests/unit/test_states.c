/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of states, walked: every row is taken by a discipline that is driven there, and from wherever a
 * row leads a good signal leads back to LOCKED within bounded time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "holdover/states.h"
#include "tests/unit/discipline_rig.h"

#define STATES        (DISCIPLINE_REACQUIRING + 1)
#define ROWS_MAX      64
#define FACTS         (FACT_LOOSE << 1)
#define BACK_WITHIN_S 400 /* 60 pulses to be believed, and 10 us slewed at 50 ppb */
#define RIGHT_NS      250
#define STEPS_MAX     5

enum deed {
    END,
    GOOD, /* all is as it should be */
    NO_PULSES,
    NO_FIX,
    SUSPICION,
    FOREIGN_STEP,
    SHIFT,   /* all pulses are 3 us late */
    PULL,    /* by 1 ns a second more and more late */
    CLIPPED, /* the clock cannot be steered as far as its oscillator is off */
};

/* What befalls a discipline: each deed, and then so many seconds. */
struct scenario {
    const char *name;
    struct oscillator oscillator;
    double holdover_limit_s, freeze_s;
    unsigned overrule_pulses;
    struct {
        enum deed deed;
        int seconds;
    } steps[STEPS_MAX];
};

/* Zero: the default. */
#define NIC  .oscillator = {2.5, 0.3, 1e-4}
#define OCXO .oscillator = {0.012, 0.0016, 5.8e-6}

static const struct scenario scenarios[] = {
    {"lock, loss and return", NIC, .steps = {{GOOD, 60}, {NO_PULSES, 20}, {GOOD, 60}}},
    {"no fix before the first lock", NIC, .steps = {{GOOD, 4}, {NO_FIX, 5}, {GOOD, 30}}},
    {"suspicion before the first lock", NIC, .steps = {{GOOD, 4}, {SUSPICION, 5}, {GOOD, 30}}},
    {"suspicion that passes", NIC, .steps = {{GOOD, 60}, {SUSPICION, 5}, {GOOD, 30}}},
    {"suspicion that lasts", OCXO, .steps = {{GOOD, 600}, {SUSPICION, 30}, {GOOD, 30}}},
    {"suspicion, then no fix", NIC, .steps = {{GOOD, 60}, {SUSPICION, 5}, {NO_FIX, 5}, {GOOD, 30}}},
    {"suspicion, then no pulses", NIC, .steps = {{GOOD, 60}, {SUSPICION, 5}, {NO_PULSES, 5}}},
    {"suspicion, then pulses elsewhere", OCXO, .overrule_pulses = 10,
     .steps = {{GOOD, 600}, {SUSPICION, 5}, {SHIFT, 30}}},
    {"suspicion, long freeze of a poor oscillator", NIC, .freeze_s = 3600,
     .steps = {{GOOD, 60}, {SUSPICION, 300}}},
    {"suspicion, short time limit", NIC, .holdover_limit_s = 5, .steps = {{GOOD, 60}, {SUSPICION, 20}}},
    {"clock stepped while frozen", NIC, .steps = {{GOOD, 60}, {SUSPICION, 3}, {FOREIGN_STEP, 3}}},
    {"clock stepped while locked", NIC, .steps = {{GOOD, 60}, {FOREIGN_STEP, 30}}},
    {"clock stepped in holdover", NIC, .steps = {{GOOD, 60}, {NO_PULSES, 10}, {FOREIGN_STEP, 5}}},
    {"out of specification by the bound", NIC, .steps = {{GOOD, 60}, {NO_PULSES, 600}, {GOOD, 60}}},
    {"out of specification by time", OCXO, .holdover_limit_s = 30,
     .steps = {{GOOD, 60}, {NO_FIX, 60}, {GOOD, 60}}},
    {"lost again, in specification", NIC, .steps = {{GOOD, 60}, {NO_PULSES, 10}, {GOOD, 12}, {NO_FIX, 2}}},
    {"suspicion while coming back", NIC, .steps = {{GOOD, 60}, {NO_PULSES, 10}, {GOOD, 12}, {SUSPICION, 2}}},
    {"lost again, out of it", NIC, .steps = {{GOOD, 60}, {FOREIGN_STEP, 4}, {NO_FIX, 2}, {GOOD, 60}}},
    {"pulses move", NIC, .overrule_pulses = 10, .steps = {{GOOD, 60}, {SHIFT, 100}}},
    {"pulses pull", OCXO, .steps = {{GOOD, 7200}, {PULL, 300}}},
    {"the clock runs away", NIC, .steps = {{GOOD, 60}, {CLIPPED, 10}}},
};

struct walk {
    bool taken[ROWS_MAX];
    bool entered[STATES];
};

static void befall(struct rig *r, enum deed deed)
{
    r->pulses = deed != NO_PULSES;
    r->usable = deed != NO_FIX;
    r->suspect = deed == SUSPICION;
    if (deed == FOREIGN_STEP) /* the rest goes on as it was */
        r->pulses = r->d.status.state == DISCIPLINE_LOCKED, r->whole_ns += 5 * NS_PER_S;
    r->shift_ns = deed == SHIFT ? 3000 : 0;
    r->d.config.max_freq_ppb = deed == CLIPPED ? 20000 : 500000;
}

static unsigned number_of(const struct transition *row)
{
    unsigned n = 0;

    while (state_transition(n) && state_transition(n) != row)
        n++;
    assert_non_null(state_transition(n));
    return n;
}

/* From here a good signal is enough. */
static void comes_back(const struct rig *from, const char *name)
{
    struct rig *r = malloc(sizeof *r);
    int t = 0;

    assert_non_null(r);
    *r = *from;
    befall(r, GOOD);
    while (t < BACK_WITHIN_S && (r->d.status.state != DISCIPLINE_LOCKED || fabs(rig_error(r)) > RIGHT_NS)) {
        rig_second(r);
        t++;
    }
    rig_seconds(r, 10);
    if (r->d.status.state != DISCIPLINE_LOCKED || fabs(rig_error(r)) > RIGHT_NS)
        fail_msg("%s: back from \"%s\", %s since \"%s\", %+.0f ns off", name, from->d.status.why,
                 discipline_state_name(r->d.status.state), r->d.status.why, rig_error(r));
    free(r);
}

static void walk(struct walk *w, const struct scenario *sc)
{
    struct rig *r = malloc(sizeof *r);
    struct discipline_config config = discipline_defaults();
    const struct transition *row = NULL;

    assert_non_null(r);
    config.holdover_limit_s = sc->holdover_limit_s;
    if (sc->freeze_s > 0)
        config.freeze_ns = (int64_t)(sc->freeze_s * NS_PER_S);
    if (sc->overrule_pulses)
        config.overrule_pulses = sc->overrule_pulses;
    rig_init(r, &config, sc->oscillator, 1);
    comes_back(r, sc->name);
    w->entered[r->d.status.state] = true;
    for (int i = 0; i < STEPS_MAX && sc->steps[i].deed != END; i++) {
        befall(r, sc->steps[i].deed);
        for (int t = 0; t < sc->steps[i].seconds; t++) {
            r->shift_ns += sc->steps[i].deed == PULL;
            rig_second(r);
            if (r->d.row == row)
                continue;
            row = r->d.row;
            assert_int_equal(row->from, r->d.status.previous);
            assert_int_equal(row->to, r->d.status.state);
            assert_int_equal(strncmp(r->d.status.why, row->why, strlen(row->why)), 0);
            w->taken[number_of(row)] = w->entered[row->to] = true;
            comes_back(r, sc->name);
        }
    }
    free(r);
}

static void test_every_row_is_taken_and_every_state_left(void **state)
{
    static struct walk w;

    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        walk(&w, &scenarios[i]);
    for (unsigned n = 0; state_transition(n); n++) {
        const struct transition *t = state_transition(n);
        if (!w.taken[n])
            fail_msg("no scenario takes row %u: %s, facts %03x, to %s (\"%s\")", n,
                     discipline_state_name(t->from), (unsigned)t->when, discipline_state_name(t->to), t->why);
    }
    for (int s = 0; s < STATES; s++)
        assert_true(w.entered[s]);
}

/* The table by itself: no row leads nowhere, and none is hidden behind those before it. */
static void test_rows_are_sound(void **state)
{
    unsigned rows = 0, exits[STATES] = {0};

    (void)state;
    for (; state_transition(rows); rows++) {
        const struct transition *t = state_transition(rows);
        assert_true(rows < ROWS_MAX && t->from != t->to && t->when != 0);
        assert_ptr_equal(state_next(t->from, t->when), t);
        exits[t->from]++;
    }
    for (int s = 0; s < STATES; s++) {
        assert_true(exits[s] > 0);
        assert_null(state_next((enum discipline_state)s, 0));
        assert_true(strlen(discipline_state_name((enum discipline_state)s)) > 1);
        assert_true(state_tau_s((enum discipline_state)s) > 1);
    }
    assert_string_equal(discipline_state_name((enum discipline_state)STATES), "?");
}

/* What several facts together mean. */
static void test_first_row_counts(void **state)
{
    static const struct {
        enum discipline_state from;
        unsigned facts;
        int to; /* -1: stay */
    } rows[] = {
        {DISCIPLINE_FREE_RUN, FACT_UNUSED | FACT_LOST, -1},
        {DISCIPLINE_LOCKED, FACT_PULSES | FACT_AGREED | FACT_BEYOND | FACT_LOOSE, -1},
        {DISCIPLINE_LOCKED, FACT_UNUSED | FACT_LOST, DISCIPLINE_HOLDOVER_IN},
        {DISCIPLINE_LOCKED, FACT_UNUSED | FACT_OVERDUE, DISCIPLINE_FROZEN},
        {DISCIPLINE_LOCKED, FACT_STEPPED | FACT_UNUSED | FACT_LOST, DISCIPLINE_REACQUIRING},
        {DISCIPLINE_FROZEN, FACT_UNUSED, -1},
        {DISCIPLINE_FROZEN, FACT_UNUSED | FACT_LOST | FACT_BEYOND, DISCIPLINE_HOLDOVER_OUT},
        {DISCIPLINE_FROZEN, FACT_PULSES | FACT_SHIFTED, DISCIPLINE_REACQUIRING},
        {DISCIPLINE_HOLDOVER_IN, FACT_UNUSED | FACT_LOST | FACT_LOOSE, -1},
        {DISCIPLINE_HOLDOVER_OUT, FACT_UNUSED | FACT_LOST | FACT_BEYOND, -1},
        {DISCIPLINE_REACQUIRING, FACT_UNUSED | FACT_AGREED | FACT_BEYOND, DISCIPLINE_HOLDOVER_OUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct transition *t = state_next(rows[i].from, rows[i].facts);
        assert_int_equal(t ? (int)t->to : -1, rows[i].to);
    }
    for (unsigned facts = 0; facts < FACTS; facts++)
        for (int s = 0; s < STATES; s++) {
            const struct transition *t = state_next((enum discipline_state)s, facts);
            assert_true(!t || ((int)t->from == s && (facts & t->when) == (unsigned)t->when));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sound),
        cmocka_unit_test(test_first_row_counts),
        cmocka_unit_test(test_every_row_is_taken_and_every_state_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
