/* SPDX-License-Identifier: BSD-2-Clause */
/* Percentiles of durations in constant memory: log-linear buckets, 1.6 % wide. Pure. */
#ifndef GMD_LOAD_HISTOGRAM_H
#define GMD_LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS  ((64 - HISTOGRAM_SUB_BITS) << HISTOGRAM_SUB_BITS)

/* Zero-initialise. */
struct histogram {
    uint64_t count;
    int64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* One duration; a negative one counts as 0. */
void histogram_add(struct histogram *h, int64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The duration that the share (0..1) of all does not exceed, to the upper edge of its bucket and never above
 * the greatest; 0 when there are none. */
int64_t histogram_quantile(const struct histogram *h, double share);

#endif
