/* SPDX-License-Identifier: BSD-2-Clause */
/* Chance for simulated oscillators and pulses: the same seed gives the same run. Pure. */
#ifndef GMD_SIMULATE_RANDOM_H
#define GMD_SIMULATE_RANDOM_H

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* A stream of its own for each use of a seed, so that another oscillator gets the same pulses. */
struct chance chance_seed(uint64_t seed, uint64_t stream);

/* 0 <= x < 1 */
double chance_uniform(struct chance *c);

/* Mean 0, deviation 1. */
double chance_gauss(struct chance *c);

#endif
