/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots are counted from the start, so that rounding does not add up. */
#include "gmd/load/pacer.h"

#include <math.h>

uint64_t pacer_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

static void schedule(struct pacer *p)
{
    const double within = (double)(pacer_random(&p->random) >> 11) * 0x1p-53;
    p->due_ns = p->start_ns + (int64_t)(((double)p->slot + within) * p->slot_ns);
}

void pacer_init(struct pacer *p, double rate_hz, uint64_t seed, int64_t now_ns)
{
    *p = (struct pacer){.start_ns = now_ns, .random = seed | 1, .due_ns = INT64_MAX};
    if (rate_hz > 0) {
        p->slot_ns = isinf(rate_hz) ? 0 : 1e9 / rate_hz;
        schedule(p);
    }
}

void pacer_next(struct pacer *p, int64_t now_ns)
{
    p->slot++;
    const double lag_ns = (double)(now_ns - p->due_ns);
    if (p->slot_ns > 0 && lag_ns > PACER_LAG_NS && lag_ns > PACER_LAG_SLOTS * p->slot_ns) {
        const uint64_t now_slot = (uint64_t)((double)(now_ns - p->start_ns) / p->slot_ns);
        p->left_out += now_slot - p->slot;
        p->slot = now_slot;
    }
    schedule(p);
}
