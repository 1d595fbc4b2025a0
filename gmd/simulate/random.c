/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/simulate/random.h"

#include <math.h>

/* SplitMix64 (Steele, Lea, Flood 2014) */
static uint64_t next(struct chance *c)
{
    uint64_t z = c->state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

struct chance chance_seed(uint64_t seed, uint64_t stream)
{
    struct chance c = {seed};
    c.state = next(&c) ^ (stream * 0xD1342543DE82EF95ULL);
    next(&c);
    return c;
}

double chance_uniform(struct chance *c)
{
    return (double)(next(c) >> 11) * 0x1p-53;
}

double chance_gauss(struct chance *c)
{
    const double u = 1 - chance_uniform(c); /* Box and Muller: 0 < u <= 1 */
    return sqrt(-2 * log(u)) * cos(2 * M_PI * chance_uniform(c));
}
