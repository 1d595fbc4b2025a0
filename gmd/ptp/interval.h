/* SPDX-License-Identifier: BSD-2-Clause */
/* Message intervals as IEEE 1588 writes them, and the grid that periodic messages keep. */
#ifndef GMD_PTP_INTERVAL_H
#define GMD_PTP_INTERVAL_H

#include "bmca/ptp.h"

/* 2^log2_s seconds in ns; log2_s from -9 (below it ns are not exact) to 22. */
static inline int64_t interval_ns(int8_t log2_s)
{
    return log2_s >= 0 ? NS_PER_S << log2_s : NS_PER_S >> -log2_s;
}

/* The first instant after now_ns on the grid of due_ns, where due_ns <= now_ns: late wake-ups do not add up
 * to drift, and a long pause is skipped instead of caught up with. */
static inline int64_t grid_next(int64_t due_ns, int64_t interval, int64_t now_ns)
{
    return due_ns + ((now_ns - due_ns) / interval + 1) * interval;
}

#endif
