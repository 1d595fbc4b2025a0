/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock made of another one: straight segments from base time to shown time, the latest few kept, so that a
 * stamp taken before an adjustment converts by the segment it belongs to. Pure. */
#ifndef GMD_CLOCK_TIMELINE_H
#define GMD_CLOCK_TIMELINE_H

#include <stdint.h>

#define TIMELINE_SEGMENTS 64

/* From base_ns on: shown = shown_ns + fraction + (base - base_ns) * (1 + rate_ppb / 1e9). */
struct segment {
    int64_t base_ns, shown_ns;
    double fraction; /* of a ns, 0 <= fraction < 1: what rounding would lose at every new segment */
    double rate_ppb;
};

struct timeline {
    struct segment segments[TIMELINE_SEGMENTS]; /* a ring */
    unsigned newest, count;
};

void timeline_init(struct timeline *t, int64_t base_ns, int64_t shown_ns, double rate_ppb);

/* What is shown now that the base reads base_ns: always by the newest segment. */
int64_t timeline_now(const struct timeline *t, int64_t base_ns);

/* What was shown when the base read base_ns: by the segment of that time. Before the oldest one, by that. */
int64_t timeline_then(const struct timeline *t, int64_t base_ns);

/* New segments from base_ns (the present) on. A base that went back behind the newest segment takes the
 * history with it. */
void timeline_set_rate(struct timeline *t, int64_t base_ns, double rate_ppb);
void timeline_step(struct timeline *t, int64_t base_ns, int64_t delta_ns);

#endif
