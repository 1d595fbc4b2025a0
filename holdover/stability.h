/* SPDX-License-Identifier: BSD-2-Clause */
/* Rolling MTIE and TDEV (ITU-T G.810, Appendix II) of a series of time errors, one a second. Pure;
 * 76 kB, some hundred additions a second.
 *
 * Up to 1000 s both are exact: all intervals that ended in the last 24 hours. Beyond, up to 100 000 s, only
 * intervals that begin a whole number of 100 s after their series are looked at, those that ended in the last
 * 24 days. That leaves TDEV unbiased, and MTIE between that of tau - 100 s and that of tau, but for the last
 * 100 s of a series. */
#ifndef GMD_HOLDOVER_STABILITY_H
#define GMD_HOLDOVER_STABILITY_H

#include <stdbool.h>
#include <stdint.h>

#define STABILITY_TAUS   16 /* 1, 2, 5, 10 ... 100 000 s */
#define STABILITY_GAP_S  10 /* missing seconds up to this many are filled by a straight line */
#define STABILITY_SCALES 2
#define STABILITY_LEVELS 10 /* 1, 2, 5 ... 1000 steps of a scale */
#define STABILITY_SPANS  24 /* hours or days */

#define STABILITY_STEPS_MAX 1000
#define STABILITY_HISTORY   (3 * STABILITY_STEPS_MAX + 1)
/* each level remembers as far back as the next one asks: 2 - 1, 5 - 2, 10 - 5 ... steps, and the newest */
#define STABILITY_RANGES (STABILITY_STEPS_MAX - 1 + STABILITY_LEVELS - 1)

/* Of the time errors in an interval, ps. */
struct stability_range {
    int32_t low, high;
};

/* What one span of time adds to the figures of one level. */
struct stability_share {
    double squares; /* of TDEV's inner sums, ps^2 */
    uint32_t terms, intervals;
    uint32_t widest_ps;
};

/* Time in steps of 1 s or of 100 s. */
struct stability_scale {
    /* the step being filled */
    int64_t sum_ps;
    unsigned filled;
    struct stability_range range;
    /* whole steps of the uninterrupted series */
    uint32_t sums, ranges;
    uint64_t integral[STABILITY_HISTORY]; /* ring of the sums so far, modulo 2^64 */
    struct stability_range history[STABILITY_RANGES];
    /* what outlasts interruptions */
    int64_t span; /* number of the present one */
    struct stability_share shares[STABILITY_SPANS][STABILITY_LEVELS];
    uint32_t largest_ps[STABILITY_SPANS]; /* |time error| */
    uint32_t seconds[STABILITY_SPANS];
};

struct stability {
    struct stability_scale scales[STABILITY_SCALES];
    bool running;   /* there is a series that goes on */
    int64_t last_s; /* its newest time error */
    int32_t last_ps;
    uint64_t interruptions, filled; /* seconds filled */
};

void stability_init(struct stability *s);

/* The clock was error_ns ahead at tai_s (beyond +-2.1 ms: counted as that). A second that is not later than
 * the last is ignored; after a longer gap than STABILITY_GAP_S a new series begins. */
void stability_add(struct stability *s, int64_t tai_s, double error_ns);

/* The next time error begins a new series: no interval reaches over this moment. */
void stability_interrupt(struct stability *s);

/* NAN: not yet known. MTIE wants one whole interval; TDEV a measurement of 12 tau. */
struct stability_point {
    long tau_s;
    double mtie_ns, tdev_ns;
};

struct stability_figures {
    long observed_s;      /* time errors in the last 24 hours */
    double max_abs_te_ns; /* the largest of them; NAN if there is none */
    struct stability_point points[STABILITY_TAUS];
};

/* As of the last time error. */
struct stability_figures stability_figures(const struct stability *s);

#endif
