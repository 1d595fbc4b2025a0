/* SPDX-License-Identifier: BSD-2-Clause */
/* What clock drivers share: clipping, and clock_adjtime's units in one place. */
#ifndef GMD_CLOCK_COMMON_H
#define GMD_CLOCK_COMMON_H

#include <errno.h>
#include <stdbool.h>
#include <sys/timex.h>
#include <time.h>

#include "gmd/clock/clock.h"

/* freq_ppb within +-max_ppb; 0 for what is not a number. */
double clock_clip(double freq_ppb, double max_ppb);

/* CLOCK_x now, ns; 0 or -errno. */
int clock_id_read(clockid_t id, int64_t *now_ns);

/* clock_adjtime() or a test's stand-in. */
typedef int (*clock_adjtime_fn)(clockid_t id, struct timex *tx);

/* Sets the frequency, absolute; *applied_ppb is what the kernel's unit (2^-16 ppm) made of it. 0 or -errno.
 */
int clock_id_adjust(clock_adjtime_fn adjtime_fn, clockid_t id, double freq_ppb, double *applied_ppb);

/* Adds delta_ns. 0 or -errno. */
int clock_id_step(clock_adjtime_fn adjtime_fn, clockid_t id, int64_t delta_ns);

/* The frequency correction in force; changes nothing. 0 or -errno. */
int clock_id_frequency(clock_adjtime_fn adjtime_fn, clockid_t id, double *freq_ppb);

/* Errors of a device that may be gone at the next attempt: EINTR, EAGAIN, EBUSY, EIO. A call that failed so
 * is made again at once, CLOCK_ATTEMPTS times in all. error: -errno. */
#define CLOCK_ATTEMPTS 3
bool clock_passing(int error);

/* Compares the frequency that the kernel says is in force with freq_ppb. 1: somebody else set it, *finding is
 * filled; 0: it is ours; -errno. */
int clock_id_check(clock_adjtime_fn adjtime_fn, clockid_t id, double freq_ppb, struct clock_finding *finding);

/* Stand-ins of clocks that are only read: -EPERM. */
int clock_never_adjust(struct clock *c, double freq_ppb);
int clock_never_step(struct clock *c, int64_t delta_ns);

#endif
