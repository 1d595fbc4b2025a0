/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock that is served, as the daemon handles it: read with errors counted, steered as the discipline
 * asks, looked after for what others do to it. */
#ifndef GMD_SERVED_CLOCK_H
#define GMD_SERVED_CLOCK_H

#include "gmd/daemon.h"

/* now (monotonic) and the clock as close together as can be had; 0 or -errno (counted). */
int served_clock_read(struct daemon *d, int64_t *now_ns, int64_t *clock_ns);

/* Does to the clock what the discipline asks. */
void served_clock_carry_out(struct daemon *d, const struct discipline_action *action);

/* Twice a second, before it is read: has somebody else, or the device itself, moved it? True if it has, and
 * time stamps may have to be asked for anew. */
bool served_clock_check(struct daemon *d, int64_t now_ns);

#endif
