/* SPDX-License-Identifier: BSD-2-Clause */
/* Up to 2^SUB_BITS each value has a bucket; above, each octave has 2^SUB_BITS of them. */
#include "gmd/load/histogram.h"

#include <math.h>

static unsigned bucket_of(uint64_t ns)
{
    if (ns < 1u << HISTOGRAM_SUB_BITS)
        return (unsigned)ns;
    const unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_SUB_BITS;
    return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)(ns >> shift) - (1u << HISTOGRAM_SUB_BITS);
}

/* The greatest value of a bucket. */
static int64_t bucket_top(unsigned bucket)
{
    if (bucket < 1u << HISTOGRAM_SUB_BITS)
        return bucket;
    const unsigned shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    const uint64_t sub = (bucket & ((1u << HISTOGRAM_SUB_BITS) - 1)) + (1u << HISTOGRAM_SUB_BITS);
    return (int64_t)(((sub + 1) << shift) - 1);
}

void histogram_add(struct histogram *h, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    h->count++;
    h->buckets[bucket_of((uint64_t)ns)]++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->count += from->count;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

int64_t histogram_quantile(const struct histogram *h, double share)
{
    const uint64_t wanted = (uint64_t)ceil(share * (double)h->count);
    uint64_t below = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->count; i++) {
        below += h->buckets[i];
        if (below && below >= wanted)
            return bucket_top(i) < h->max_ns ? bucket_top(i) : h->max_ns;
    }
    return 0;
}
