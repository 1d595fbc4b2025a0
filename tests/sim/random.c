/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/random.h"

/* SplitMix64 (Steele, Lea, Flood 2014) */
uint64_t random_bits(struct random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

double random_unit(struct random *r)
{
    return (double)(random_bits(r) >> 11) * 0x1p-53;
}

int64_t random_between(struct random *r, int64_t from, int64_t to)
{
    return from + (int64_t)(random_bits(r) % (uint64_t)(to - from + 1));
}

bool random_chance(struct random *r, double probability)
{
    return random_unit(r) < probability;
}
