/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/simulate/sensor.h"

#include <math.h>

#define LAG_S   60.0
#define NOISE_K 0.1
#define STEP_K  0.125 /* 11 bits, what the LM75's successors have */

void sensor_start(struct sensor_synth *s, double room, uint64_t seed)
{
    *s = (struct sensor_synth){.chance = chance_seed(seed, 4), .board = room};
}

void sensor_pass(struct sensor_synth *s, double room)
{
    s->board += (room - s->board) / LAG_S;
}

double sensor_reading(struct sensor_synth *s)
{
    return STEP_K * round((s->board + NOISE_K * chance_gauss(&s->chance)) / STEP_K);
}
