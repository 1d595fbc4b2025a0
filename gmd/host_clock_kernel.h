/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's CLOCK_REALTIME as host_clock.h sees and steers it: clock_adjtime and the pair of readings that
 * shows whether it was set. */
#ifndef GMD_HOST_CLOCK_KERNEL_H
#define GMD_HOST_CLOCK_KERNEL_H

#include "gmd/clock/common.h"
#include "gmd/host_clock.h"

/* The kernel's calls, or a test's stand-ins: no test touches the machine's own clock. */
struct host_clock_calls {
    clock_adjtime_fn adjtime;
    int (*read)(clockid_t id, int64_t *now_ns); /* 0 or -errno */
};
extern const struct host_clock_calls host_clock_calls;

/* The served clock's standing, as the daemon knows it. */
struct host_clock_source {
    struct clock *clock;
    bool usable;     /* locked once, and the device answers */
    double bound_ns; /* 95 % */
    int utc_offset_s;
    bool utc_offset_valid, leap59, leap61;
};

/* Whether CLOCK_REALTIME can be kept on c at all. NULL, or why not: c must be a hardware clock, or a logical
 * one on top of it; what is made of CLOCK_REALTIME itself would be steered by its own shadow. */
const char *host_clock_unfit(const struct clock *c);

/* Reads, decides and carries out, at now_ns (monotonic); several times a second. 0, or -errno of what the
 * kernel refused. *stepped_ns: what CLOCK_REALTIME was stepped by, mostly 0. */
int host_clock_run(struct host_clock *h, const struct host_clock_calls *calls,
                   const struct host_clock_source *source, int64_t now_ns, int64_t *stepped_ns);

/* gmd ends: no half-made slew is left running, only the oscillator's correction. 0 or -errno. */
int host_clock_leave(struct host_clock *h, const struct host_clock_calls *calls);

#endif
