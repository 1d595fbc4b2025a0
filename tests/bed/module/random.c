// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* Random numbers that are the same in every run of one seed, whatever else happens: each user has a stream.
 */
#include "bed.h"
#include <linux/module.h>

static uint seed = 1;
module_param(seed, uint, 0444);

void random_seed(struct rnd_state *r, u32 stream)
{
    prandom_seed_state(r, ((u64)seed << 32) + 7919 * (stream + 1));
}

bool random_permille(struct rnd_state *r, s64 permille)
{
    return permille > 0 && prandom_u32_state(r) % 1000 < permille;
}

/* Twelve uniform numbers add up to one that is normal enough, of variance 1. */
s64 random_normal(struct rnd_state *r, s64 sigma)
{
    s64 sum = -6 * 65536;
    int i;

    if (!sigma)
        return 0;
    for (i = 0; i < 12; i++)
        sum += prandom_u32_state(r) >> 16;
    return (sum * sigma) >> 16;
}
