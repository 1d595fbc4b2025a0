/* SPDX-License-Identifier: BSD-2-Clause */
/* How long before a deadline to get up. A kernel that handles what an interface receives keeps the core for
 * up to some hundred us (NAPI: 64 frames at a time) and a process that is woken meanwhile waits, whatever its
 * priority. The lead suffices 19 times in 20: it rises with each wake that came later, and falls with each
 * other. A machine that stands still now and then hardly moves it, and on a core at rest it is next to
 * nothing. */
#ifndef GMD_LEAD_H
#define GMD_LEAD_H

#include <stdint.h>

#define LEAD_MAX_NS  400000LL
#define LEAD_RISE_NS 19000LL
#define LEAD_FALL_NS 1000LL

/* lead_ns: 0 before the first wake. Returns the one to be used from now on, when one came late_ns after it
 * was due: 0..LEAD_MAX_NS. */
int64_t lead_after(int64_t lead_ns, int64_t late_ns);

#endif
