/* SPDX-License-Identifier: BSD-2-Clause */
/* The watch for steps that somebody else makes: the clock against monotonic time. Pure.
 *
 * Hazards decide its shape. A reading that was preempted between its two clocks is off by milliseconds: one
 * displaced reading proves nothing, two that agree and are a while apart do. CLOCK_MONOTONIC is itself slewed
 * by whoever disciplines the system clock, by up to 10 % (chrony's largest rate is 8.3 %): a displacement
 * that grows no faster than that is not a step, and a pulse that came in time since says that there was none.
 */
#ifndef GMD_HOLDOVER_WATCH_H
#define GMD_HOLDOVER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum watch_state {
    WATCH_QUIET,
    WATCH_SUSPICIOUS, /* displaced readings: those that follow decide */
    WATCH_DISTURBED,  /* monotonic time has changed its rate: learning it before anything is concluded */
};

struct watch {
    bool valid;
    enum watch_state state;
    int64_t now_ns;     /* monotonic */
    int64_t clock_ns;   /* what the clock should read at now_ns */
    int64_t based_ns;   /* monotonic time of the reading that this rests on */
    double rate_ppb;    /* of the unsteered clock against monotonic time, learned */
    int64_t suspect_ns; /* displacement seen, first at ... */
    int64_t suspect_at_ns;
    bool vouched; /* since then a pulse contradicted the part of it below a second */
};

/* Time has come to now_ns, with this correction in force. */
void watch_advance(struct watch *w, int64_t now_ns, double control_ppb);

/* We stepped the clock ourselves. */
void watch_stepped(struct watch *w, int64_t delta_ns);

/* Compares a reading, taken at the time advanced to. Returns the displacement once it is certain, else 0;
 * with a reading a second that is within 2 s. Displacements of up to threshold_ns pass. */
int64_t watch_check(struct watch *w, int64_t clock_ns, int64_t threshold_ns);

/* A pulse of age_ns ago was believed; by it the clock is displaced by residual_ns. What it shows of a
 * displacement is the part below a second: pulses are numbered by the clock. A displacement of more than
 * threshold_ns in this part that the pulse does not share is monotonic time's own. */
void watch_vouch(struct watch *w, int64_t age_ns, double residual_ns, int64_t threshold_ns);

/* How long ago (ns) the clock showed reading_ns; 0 if that makes no sense. */
int64_t watch_age(const struct watch *w, int64_t reading_ns);

#endif
