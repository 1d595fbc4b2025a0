/* SPDX-License-Identifier: BSD-2-Clause */
/* How long before a deadline to get up. A kernel that handles what an interface receives keeps the core for
 * up to some hundred us (NAPI: 64 frames at a time) and a process that is woken meanwhile waits, whatever its
 * priority. The lead is half of the longest such wait of the last wakes, next to nothing on a core at rest:
 * who is up all of it makes what is received wait instead, and is no more than half of it late without. */
#ifndef GMD_LEAD_H
#define GMD_LEAD_H

#include <stdint.h>

#define LEAD_WAIT_MAX_NS 400000LL /* longer ones are a machine that stood still: no lead helps there */
#define LEAD_WAKES       32       /* of the last one to two times as many */

/* All zeros: no wake yet. */
struct lead {
    int64_t recent_ns, former_ns;
    int count;
};

/* A wake came so much later than it was due. */
void lead_note(struct lead *l, int64_t late_ns);

/* 0..LEAD_WAIT_MAX_NS / 2 */
int64_t lead_ns(const struct lead *l);

#endif
