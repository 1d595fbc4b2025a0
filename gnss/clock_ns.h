/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a clock in ns, for the drivers of this room. */
#ifndef GMD_GNSS_CLOCK_NS_H
#define GMD_GNSS_CLOCK_NS_H

#include <stdint.h>
#include <time.h>

#include "bmca/ptp.h"

/* 0 for a clock that cannot be read. */
static inline int64_t clock_ns(clockid_t id)
{
    struct timespec t = {0};

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

#endif
