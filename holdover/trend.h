/* SPDX-License-Identifier: BSD-2-Clause */
/* Do pulses agree with each other? A run of pulses that lie on one straight line. It finds the first phase
 * and frequency, and it tells a lasting change from an outlier. Pure. */
#ifndef GMD_HOLDOVER_TREND_H
#define GMD_HOLDOVER_TREND_H

#include <stdint.h>

struct trend_point {
    int64_t tai_s;
    int64_t phase_ns; /* with the effect of steering removed */
};

struct trend {
    unsigned count; /* points in the run */
    struct trend_point first, last;
};

void trend_reset(struct trend *t);

/* Adds a pulse; one that leaves the line by more than tolerance_ns, that comes after a gap or that makes no
 * sense as a frequency begins a new run. Returns the points in the run; 3 and more agree with each other. */
unsigned trend_add(struct trend *t, struct trend_point p, double tolerance_ns);

/* Of the run; 0 with fewer than 2 points. */
double trend_slope_ppb(const struct trend *t);
double trend_span_s(const struct trend *t);

#endif
