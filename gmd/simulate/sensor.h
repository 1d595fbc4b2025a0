/* SPDX-License-Identifier: BSD-2-Clause */
/* A temperature sensor on a board in the room: late by a minute, noisy, in steps. Pure. */
#ifndef GMD_SIMULATE_SENSOR_H
#define GMD_SIMULATE_SENSOR_H

#include "gmd/simulate/random.h"

struct sensor_synth {
    struct chance chance;
    double board; /* degrees Celsius */
};

void sensor_start(struct sensor_synth *s, double room, uint64_t seed);

/* A second in which the room has this temperature, degrees Celsius. */
void sensor_pass(struct sensor_synth *s, double room);

/* What it reads now. */
double sensor_reading(struct sensor_synth *s);

#endif
