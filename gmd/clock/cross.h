/* SPDX-License-Identifier: BSD-2-Clause */
/* How a PHC stands to CLOCK_REALTIME: measured by the best ioctl that the driver has, and carried from there
 * to a stamp taken shortly before by the rate between the two. */
#ifndef GMD_CLOCK_CROSS_H
#define GMD_CLOCK_CROSS_H

#include <stdbool.h>
#include <stdint.h>

/* What both showed at one instant, known to +-uncertainty_ns. */
struct cross_point {
    int64_t realtime_ns, phc_ns;
    int64_t uncertainty_ns; /* half the shortest window */
};

struct cross {
    unsigned method;   /* 0 precise, 1 extended, 2 plain: the best that has not failed */
    unsigned failures; /* of that, in a row */
    unsigned points;   /* 0: nothing measured yet */
    struct cross_point last, base;
    double slope_ppb; /* of the PHC against CLOCK_REALTIME from base's predecessor to base */
    double rate_ppb;  /* the same once two slopes agree, else 0: a step of either is no rate */
};

/* Measures now and takes the point over. 0 or -errno. */
int cross_measure(struct cross *x, int fd, struct cross_point *point);

/* Pure: takes a point over. */
void cross_add(struct cross *x, const struct cross_point *point);

/* Pure: true if what was measured serves for a stamp of realtime_ns when CLOCK_REALTIME shows now_ns. */
bool cross_serves(const struct cross *x, int64_t realtime_ns, int64_t now_ns);

/* Pure: what the PHC showed when CLOCK_REALTIME showed realtime_ns. Only after a point was taken over. */
int64_t cross_convert(const struct cross *x, int64_t realtime_ns);

/* The PHC was stepped. */
void cross_forget(struct cross *x);

#endif
