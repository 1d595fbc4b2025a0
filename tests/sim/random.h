/* SPDX-License-Identifier: BSD-2-Clause */
/* The one source of chance in a simulation: the same seed gives the same run. */
#ifndef GMD_SIM_RANDOM_H
#define GMD_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

uint64_t random_bits(struct random *r);

/* 0 <= x < 1 */
double random_unit(struct random *r);

/* from <= x <= to */
int64_t random_between(struct random *r, int64_t from, int64_t to);

bool random_chance(struct random *r, double probability);

#endif
