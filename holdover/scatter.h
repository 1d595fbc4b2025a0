/* SPDX-License-Identifier: BSD-2-Clause */
/* How far single pulses scatter about whatever line they follow: for pulses of which no clock can tell yet.
 * Pure. */
#ifndef GMD_HOLDOVER_SCATTER_H
#define GMD_HOLDOVER_SCATTER_H

#include <stdint.h>

#define SCATTER_PULSES 16

struct scatter {
    unsigned count;
    double steered_ns;
    int64_t last_tai_s, origin_ns;
    double phases_ns[SCATTER_PULSES]; /* from origin_ns on; a ring */
};

void scatter_reset(struct scatter *s);

/* The clock was moved by so much since the last call: its correction times the time that passed, or a step.
 */
void scatter_steered(struct scatter *s, double by_ns);

/* Adds a pulse; phase_ns: clock - TAI. One that is not the next second's begins anew. */
void scatter_add(struct scatter *s, int64_t tai_s, int64_t phase_ns);

/* 1 sigma of one of the last SCATTER_PULSES pulses, ns: the median of their second differences, so outliers
 * among them count little, and a constant frequency nothing. 0: there are not so many. */
double scatter_ns(const struct scatter *s);

#endif
