/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of a receiver's pulses and of the stamps that a NIC takes of them. Pure. */
#ifndef GMD_SIMULATE_PULSES_H
#define GMD_SIMULATE_PULSES_H

#include "gmd/simulate/random.h"

/* All ns. */
struct pulse_figures {
    const char *name;
    double white;
    double sawtooth;             /* +- this */
    double wander, wander_tau_s; /* first-order Markov process */
    double daily, half_daily;    /* amplitudes of sines */
    double stamp_step;           /* resolution of the stamp; 0: none */
};

/* f9t, m8t, plain, reference; NULL: none of this name. */
const struct pulse_figures *pulses_named(const char *name);

struct pulse_synth {
    const struct pulse_figures *figures;
    struct chance chance;
    double wander, saw, saw_rate, phase, t_s;
};

void pulses_start(struct pulse_synth *p, const struct pulse_figures *f, uint64_t seed);

/* How late (ns) the next second's pulse is. */
double pulses_next(struct pulse_synth *p);

#endif
