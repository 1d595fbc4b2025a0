/* SPDX-License-Identifier: BSD-2-Clause */
/* One discipline on one oscillator with one receiver in virtual time, a second a step: first with pulses,
 * then without (the outage), then with pulses again. A warm start has pulses before all that, and a restart
 * that remembers them. Pure. */
#ifndef GMD_SIMULATE_RUN_H
#define GMD_SIMULATE_RUN_H

#include <stdbool.h>

#include "gmd/simulate/oscillator.h"
#include "gmd/simulate/pulses.h"
#include "gmd/simulate/sensor.h"
#include "gmd/simulate/trace.h"
#include "holdover/discipline.h"

struct run_config {
    struct discipline_config discipline;
    const struct oscillator_figures *oscillator; /* or else */
    struct trace oscillator_trace;               /* ppb */
    double day; /* its temperature's, at the start, 0..1, and ageing upwards; below 0: by chance */
    const struct pulse_figures *pulses; /* or else */
    struct trace pulse_trace;           /* ns late */
    bool sensor;                        /* in the modelled oscillator's room; or else */
    struct trace temperature_trace;     /* degrees Celsius; empty: no sensor */
    long warm_s, lock_s, outage_s, return_s;
    uint64_t seed;
};

struct run {
    struct run_config config;
    struct discipline discipline;
    struct oscillator_synth oscillator;
    struct pulse_synth pulses;
    struct sensor_synth sensor;
    struct chance chance;
    long t_s;         /* seconds done; below 0: before the restart */
    int64_t now_ns;   /* monotonic = true time since the start */
    int64_t whole_ns; /* clock - TAI, whole part ... */
    double part_ns;   /* ... and the rest */
    double oscillator_ppb, control_ppb;
    double free_ns; /* phase of the free oscillator */
    bool pulsed;    /* there was a pulse in the second last simulated */
};

/* Begins after the restart. false: nothing had been learned that is worth remembering. */
bool run_init(struct run *r, const struct run_config *config);
long run_total_s(const struct run *r);

/* Simulates the next second. */
void run_second(struct run *r);

bool run_in_outage(const struct run *r);  /* in the second last simulated */
double run_error_ns(const struct run *r); /* true error of the clock at its end */

#endif
