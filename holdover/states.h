/* SPDX-License-Identifier: BSD-2-Clause */
/* The state machine of the discipline: one table of transitions over facts. Pure. */
#ifndef GMD_HOLDOVER_STATES_H
#define GMD_HOLDOVER_STATES_H

#include "holdover/discipline.h"

/* What is true at an event. */
enum fact {
    FACT_PULSES = 1 << 0,  /* a pulse came and was believed */
    FACT_LOST = 1 << 1,    /* pulses are missing, not trusted, or contradict each other */
    FACT_AGREED = 1 << 2,  /* enough pulses in a row within the lock threshold */
    FACT_STEPPED = 1 << 3, /* somebody else stepped the clock */
    FACT_SHIFTED = 1 << 4, /* a lasting run of pulses insisted on another time and was believed */
    FACT_STRAYED = 1 << 5, /* filtered offset above the unlock threshold */
    FACT_BEYOND = 1 << 6,  /* since the last lock the error bound has been above the holdover limit, that
                              took longer than allowed, or the clock was stepped */
    FACT_DRAWN = 1 << 7,   /* pulses pull to one side for longer than noise does */
    FACT_UNUSED = 1 << 8,  /* pulses are lost, or suspect */
    FACT_OVERDUE = 1 << 9, /* they are suspect, and the state has lasted as long as a freeze may */
    FACT_LOOSE = 1 << 10,  /* the error bound is above what is announced */
};

struct transition {
    enum discipline_state from;
    enum fact when;
    enum discipline_state to;
    const char *why; /* beginning of the sentence that the details end */
};

/* The rows of the table by number from 0; NULL at its end. */
const struct transition *state_transition(unsigned number);

/* The first transition of the table that the facts (enum fact, or-ed) allow; NULL: stay. */
const struct transition *state_next(enum discipline_state state, unsigned facts);

/* Servo time constant to settle at in a state, s. */
double state_tau_s(enum discipline_state state);

#endif
