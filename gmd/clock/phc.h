/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the PHC driver, which stands in phc.c (its operations), phc_step.c and phc_check.c. */
#ifndef GMD_CLOCK_PHC_H
#define GMD_CLOCK_PHC_H

#include "gmd/clock/clock.h"
#include "gmd/clock/cross.h"
#include "gmd/clock/pace.h"
#include "gmd/clock/phc_device.h"

struct phc {
    struct clock clock;
    struct phc_device device;
    struct cross cross;
    struct pace pace;
    bool commanded; /* the frequency in force is known to be clock.freq_ppb */
};

typedef int (*phc_call_fn)(struct phc *p, void *argument);

/* fn(p, argument), made again when it fails for a passing reason; a device that has vanished is opened again
 * before, or closed after. 0 or -errno. */
int phc_call(struct phc *p, phc_call_fn fn, void *argument);

/* The PHC and CLOCK_MONOTONIC_RAW as close together as can be had; argument: struct pace_point. */
int phc_read_pace(struct phc *p, void *argument);

/* Operations: see struct clock_ops. */
int phc_adjust(struct clock *c, double freq_ppb);
int phc_step(struct clock *c, int64_t delta_ns);
int phc_check(struct clock *c, struct clock_finding *finding);

#endif
