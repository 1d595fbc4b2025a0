/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run showed, in numbers: collected second by second. */
#ifndef GMD_SIMULATE_FIGURES_H
#define GMD_SIMULATE_FIGURES_H

#include <stdbool.h>

#include "gmd/simulate/run.h"
#include "holdover/stability.h"

#define FIGURES_HORIZONS 6
#define FIGURES_FITS     22 /* windows of 16, 32, 64 ... s, the last one of a year */

struct figures_horizon {
    long after_s; /* of the outage */
    bool reached;
    double error_ns;     /* |true error| then */
    double max_error_ns; /* largest |true error| until then */
    double line_ns; /* a straight line fitted to the true phase of the last LINE_S seconds misses by this */
    int fits;
    double
        fits_ns[FIGURES_FITS]; /* what lines fitted to the true phase of the last 16, 32, 64 ... s miss by */
    double hindsight_ns;       /* the least of them */
};

/* Times are seconds of the run, -1: never. */
struct figures {
    long locked_at_s;    /* first LOCKED */
    long within_100ns_s; /* from then on |true error| below 100 ns, for a minute at least */
    long locked_seconds; /* that rms and max are of: from LOCKED_SETTLE_S after the first lock on */
    double locked_rms_ns, locked_max_ns;
    struct stability_figures stability; /* of the same seconds, while LOCKED */
    bool sensed;
    double coefficient, coefficient_sigma; /* ppb/K, learned when the pulses ended */
    struct figures_horizon horizons[FIGURES_HORIZONS];
    long outage_seconds;
    double share95, share999; /* of the outage's seconds with |true error| within the bound */
    double median_ratio95;    /* bound / |true error| */
    double return_error_ns;   /* true error when the pulses came back */
    long relocked_after_s;    /* of their return */
    double relock_error_ns;
    unsigned long long steps; /* after the first lock */
};

struct figures_collector {
    struct figures figures;
    long good_since_s;
    double locked_sum, outage_max;
    struct stability stability;
    long within95, within999;
    double *free_ns; /* phase of the free oscillator before each second */
    double *ratios;
    unsigned long long steps_at_lock;
};

/* false: out of memory. */
bool figures_begin(struct figures_collector *c, const struct run *r);

/* After each run_second(). */
void figures_add(struct figures_collector *c, const struct run *r);

/* Completes c->figures and frees what was collected. */
void figures_end(struct figures_collector *c, const struct run *r);

#endif
