/* SPDX-License-Identifier: BSD-2-Clause */
/* Oscillators by the figures that data sheets give: Allan deviation at 1, 100 and 1000 s, ageing,
 * temperature. The noise is white, flicker and random walk of frequency; their levels are solved for so that
 * the Allan deviation of the whole (daily temperature cycle and ageing included) meets the figures. Pure. */
#ifndef GMD_SIMULATE_OSCILLATOR_H
#define GMD_SIMULATE_OSCILLATOR_H

#include "gmd/simulate/random.h"

#define OSCILLATOR_FLICKER 10 /* Markov processes, time constants a factor 4 apart */

/* Fractional frequencies in ppb. */
struct oscillator_figures {
    const char *name;
    double adev_1, adev_100, adev_1000;
    double aging_per_day;
    double per_kelvin; /* the room's temperature swings by +-2 K a day */
    double offset;     /* the frequency error at the start lies within +- this */
};

/* tcxo, ocxo, ocxo-hq, rubidium, nic; NULL: none of this name. */
const struct oscillator_figures *oscillator_named(const char *name);

struct oscillator_synth {
    struct chance chance;
    double white, walk, flicker; /* deviations a second; of each Markov process */
    double state[OSCILLATOR_FLICKER], keep[OSCILLATOR_FLICKER], kick[OSCILLATOR_FLICKER];
    double walked, aging_per_s, per_kelvin, swing, phase, offset;
    double t_s;
};

void oscillator_start(struct oscillator_synth *o, const struct oscillator_figures *f, uint64_t seed);

/* Mean frequency error of the next second, ppb. */
double oscillator_next(struct oscillator_synth *o);

/* The room's temperature in that next second, degrees Celsius. */
double oscillator_room(const struct oscillator_synth *o);

#endif
