/* SPDX-License-Identifier: BSD-2-Clause */
/* If the antenna failed now: how good would the clock be later, and how long is it good enough? Pure. */
#ifndef GMD_HOLDOVER_FORECAST_H
#define GMD_HOLDOVER_FORECAST_H

#include "holdover/discipline.h"

#define FORECAST_MAX_S 2592000.0 /* 30 days: no model is worth more */

/* The 95 % bound on the clock's error after so many seconds without a pulse, ns. BOUND_UNKNOWN_NS before the
 * first pulses. */
double forecast_bound_ns(const struct discipline *d, double after_s);

/* Seconds without a pulse until that bound is above limit_ns; 0: it is already; FORECAST_MAX_S: not before
 * that. */
double forecast_time_left_s(const struct discipline *d, double limit_ns);

/* A step down that is coming. */
struct forecast_step {
    double limit_ns;        /* the bound beyond which it is taken, or the bound when the time limit is over */
    double after_s;         /* as forecast_time_left_s() */
    uint8_t clock_accuracy; /* then announced */
    uint8_t clock_class;
};

/* The steps from now until out of specification, the last one included, in their order. Returns how many. */
unsigned forecast_steps(const struct discipline *d, struct forecast_step *steps, unsigned max);

#endif
