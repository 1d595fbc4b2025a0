/* SPDX-License-Identifier: BSD-2-Clause */
/* What all parts of a simulation share: virtual time, chance, the medium, and the first rule that was broken.
 */
#ifndef GMD_SIM_WORLD_H
#define GMD_SIM_WORLD_H

#include "bmca/ptp.h"
#include "tests/sim/medium.h"
#include "tests/sim/queue.h"
#include "tests/sim/random.h"

#define WORLD_EPOCH_TAI_S   1800000000LL /* TAI at virtual time 0: January 2027 */
#define WORLD_UTC_OFFSET_S  37
#define WORLD_GPS_MINUS_UTC 18

struct world {
    uint64_t seed;
    bool verbose; /* says what happens */
    struct random random;
    struct queue queue;
    struct medium medium;
    char violation[240]; /* the first one; empty as long as all rules hold */
};

void world_init(struct world *w, uint64_t seed);

int64_t world_now_ns(const struct world *w);
/* True time. A true_time_fn: ctx is the world. */
int64_t world_tai_ns(void *ctx);

/* One line with the virtual time, if verbose. */
__attribute__((format(printf, 2, 3))) void world_say(const struct world *w, const char *format, ...);
/* A rule was broken. Only the first one counts: the rest may follow from it. */
__attribute__((format(printf, 2, 3))) void world_violate(struct world *w, const char *format, ...);

#endif
