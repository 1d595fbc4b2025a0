/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of states.h. README.md shows the same one. */
#include "holdover/states.h"

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Of several that apply, the first counts. */
static const struct transition transitions[] = {
    {DISCIPLINE_FREE_RUN, FACT_PULSES, DISCIPLINE_ACQUIRING, "usable pulses"},

    {DISCIPLINE_ACQUIRING, FACT_UNUSED, DISCIPLINE_FREE_RUN, ""},
    {DISCIPLINE_ACQUIRING, FACT_AGREED, DISCIPLINE_LOCKED, "pulses agree: "},

    {DISCIPLINE_LOCKED, FACT_STEPPED, DISCIPLINE_REACQUIRING, "clock stepped by "},
    {DISCIPLINE_LOCKED, FACT_LOST, DISCIPLINE_HOLDOVER_IN, ""},
    {DISCIPLINE_LOCKED, FACT_UNUSED, DISCIPLINE_FROZEN, "frozen: "},
    {DISCIPLINE_LOCKED, FACT_DRAWN, DISCIPLINE_HOLDOVER_IN, "pulses pull away from the model"},
    {DISCIPLINE_LOCKED, FACT_SHIFTED, DISCIPLINE_REACQUIRING, "pulses insist on another time, "},
    {DISCIPLINE_LOCKED, FACT_STRAYED, DISCIPLINE_REACQUIRING, "offset too large, "},

    {DISCIPLINE_FROZEN, FACT_STEPPED, DISCIPLINE_HOLDOVER_OUT, "clock stepped by "},
    {DISCIPLINE_FROZEN, FACT_SHIFTED, DISCIPLINE_REACQUIRING, "pulses insist on another time, "},
    {DISCIPLINE_FROZEN, FACT_BEYOND, DISCIPLINE_HOLDOVER_OUT, "out of specification: "},
    {DISCIPLINE_FROZEN, FACT_LOST, DISCIPLINE_HOLDOVER_IN, ""},
    {DISCIPLINE_FROZEN, FACT_OVERDUE, DISCIPLINE_HOLDOVER_IN, "frozen for too long: "},
    {DISCIPLINE_FROZEN, FACT_LOOSE, DISCIPLINE_HOLDOVER_IN, "frozen, and the error bound is now "},
    {DISCIPLINE_FROZEN, FACT_PULSES, DISCIPLINE_LOCKED, "the suspicion has passed, pulses agree"},

    {DISCIPLINE_HOLDOVER_IN, FACT_STEPPED, DISCIPLINE_HOLDOVER_OUT, "clock stepped by "},
    {DISCIPLINE_HOLDOVER_IN, FACT_BEYOND, DISCIPLINE_HOLDOVER_OUT, "out of specification: "},
    {DISCIPLINE_HOLDOVER_IN, FACT_PULSES, DISCIPLINE_REACQUIRING, "usable pulses"},

    {DISCIPLINE_HOLDOVER_OUT, FACT_PULSES, DISCIPLINE_REACQUIRING, "usable pulses"},

    {DISCIPLINE_REACQUIRING, FACT_UNUSED | FACT_BEYOND, DISCIPLINE_HOLDOVER_OUT, ""},
    {DISCIPLINE_REACQUIRING, FACT_UNUSED, DISCIPLINE_HOLDOVER_IN, ""},
    {DISCIPLINE_REACQUIRING, FACT_AGREED, DISCIPLINE_LOCKED, "pulses agree: "},
};

static const struct {
    const char *name;
    double tau_s;
} states[] = {
    [DISCIPLINE_FREE_RUN] = {"FREE_RUN", 1.25},
    [DISCIPLINE_ACQUIRING] = {"ACQUIRING", 1.25},
    [DISCIPLINE_LOCKED] = {"LOCKED", 10},
    [DISCIPLINE_FROZEN] = {"FROZEN", 10},
    [DISCIPLINE_HOLDOVER_IN] = {"HOLDOVER_IN_SPEC", 10},
    [DISCIPLINE_HOLDOVER_OUT] = {"HOLDOVER_OUT_OF_SPEC", 10},
    [DISCIPLINE_REACQUIRING] = {"REACQUIRING", 4},
};

const struct transition *state_transition(unsigned number)
{
    return number < ARRAY_SIZE(transitions) ? &transitions[number] : NULL;
}

const struct transition *state_next(enum discipline_state state, unsigned facts)
{
    for (size_t i = 0; i < ARRAY_SIZE(transitions); i++) {
        const struct transition *t = &transitions[i];
        if (t->from == state && (facts & t->when) == (unsigned)t->when)
            return t;
    }
    return NULL;
}

double state_tau_s(enum discipline_state state)
{
    return states[state].tau_s;
}

const char *discipline_state_name(enum discipline_state s)
{
    return (size_t)s < ARRAY_SIZE(states) ? states[s].name : "?";
}
