/* SPDX-License-Identifier: BSD-2-Clause */
/* clockAccuracy and offsetScaledLogVariance from numbers. Pure. */
#ifndef GMD_HOLDOVER_QUALITY_H
#define GMD_HOLDOVER_QUALITY_H

#include <stdint.h>

/* clockAccuracy is compared by the BMCA: an announced value gets worse at once but better only when the
 * bound stayed well within the better class for a while. */
struct accuracy {
    uint8_t announced;       /* 0xFE: unknown, nothing announced yet */
    int64_t better_since_ns; /* monotonic; INT64_MIN: not better now */
};

void accuracy_init(struct accuracy *a);

/* bound_ns is the 95 % bound at now_ns (monotonic). Returns what to announce. */
uint8_t accuracy_follow(struct accuracy *a, double bound_ns, int64_t now_ns);

/* The smallest class of table 5 that covers bound_ns, 0x20 (25 ns) at best: the finer ones are new in
 * IEEE 1588-2019 and reserved for a receiver of the 2008 edition. */
uint8_t accuracy_covering(double bound_ns);

/* The largest bound that this class covers, ns; infinite for what is no class of the table. */
double accuracy_covers_ns(uint8_t accuracy);

/* offsetScaledLogVariance of a PTP variance in s^2 (clause 7.6.3.3): 256 * log2 + 0x8000, within 0..0xFFFE;
 * of zero, a negative or no number: 0xFFFF, unknown. */
uint16_t offset_scaled_log_variance(double variance_s2);

#endif
