/* SPDX-License-Identifier: BSD-2-Clause */
/* The relation of cross.h. */
#include "gmd/clock/cross.h"

#include <errno.h>
#include <linux/ptp_clock.h>
#include <math.h>
#include <sys/ioctl.h>

#include "bmca/ptp.h"

#define SAMPLES          5  /* of which the one with the shortest window is taken */
#define PRECISE_NS       10 /* what PCIe PTM and ART leave */
#define FAILURES_MAX     9  /* in a row: the method is given up */
#define AGE_MAX_NS       (NS_PER_S / 100)
#define AHEAD_MAX_NS     (NS_PER_S / 1000) /* a stamp taken after the measurement: rather measure again */
#define SLOPE_SPAN_NS    (NS_PER_S / 2)    /* 1 us of uncertainty at either end is then 4 ppm */
#define SLOPE_MAX_PPB    1e8               /* chrony's fastest slew is 8.3 % */
#define SLOPE_AGREES_PPB 1e5

static int64_t to_ns(const struct ptp_clock_time *t)
{
    return t->sec * NS_PER_S + t->nsec;
}

/* Hardware latches both clocks at one instant. */
static int measure_precise(int fd, struct cross_point *point)
{
    struct ptp_sys_offset_precise p = {0};
    if (ioctl(fd, PTP_SYS_OFFSET_PRECISE, &p) < 0)
        return -errno;
    *point = (struct cross_point){to_ns(&p.sys_realtime), to_ns(&p.device), PRECISE_NS};
    return 0;
}

/* Keeps in *point the sample whose window, from before to after, is the shortest so far. */
static void take_shorter(const struct ptp_clock_time *before, const struct ptp_clock_time *phc,
                         const struct ptp_clock_time *after, struct cross_point *point)
{
    const int64_t half_ns = (to_ns(after) - to_ns(before)) / 2;
    if (half_ns >= 0 && half_ns < point->uncertainty_ns)
        *point = (struct cross_point){to_ns(before) + half_ns, to_ns(phc), half_ns};
}

/* CLOCK_REALTIME was set within every window: none tells anything. */
static int taken(const struct cross_point *point)
{
    return point->uncertainty_ns == INT64_MAX ? -EAGAIN : 0;
}

/* The driver reads the system clock right around the read of the register. */
static int measure_extended(int fd, struct cross_point *point)
{
    struct ptp_sys_offset_extended e = {.n_samples = SAMPLES};
    if (ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &e) < 0)
        return -errno;
    point->uncertainty_ns = INT64_MAX;
    for (unsigned i = 0; i < SAMPLES; i++)
        take_shorter(&e.ts[i][0], &e.ts[i][1], &e.ts[i][2], point);
    return taken(point);
}

/* The kernel alternates: system, PHC, system, ... */
static int measure_plain(int fd, struct cross_point *point)
{
    struct ptp_sys_offset o = {.n_samples = SAMPLES};
    if (ioctl(fd, PTP_SYS_OFFSET, &o) < 0)
        return -errno;
    point->uncertainty_ns = INT64_MAX;
    for (unsigned i = 0; i < 2 * SAMPLES; i += 2)
        take_shorter(&o.ts[i], &o.ts[i + 1], &o.ts[i + 2], point);
    return taken(point);
}

static int (*const methods[])(int fd, struct cross_point *point) = {measure_precise, measure_extended,
                                                                    measure_plain};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* -ENODEV too is what the precise method says where the system counter is not the one that it can relate
 * (get_device_system_crosststamp). Other errors may pass, but not for ever. */
static bool given_up(struct cross *x, int error)
{
    if (error == -EOPNOTSUPP || error == -ENOTTY || error == -EINVAL || error == -ENODEV)
        return true;
    return error && ++x->failures >= FAILURES_MAX;
}

int cross_measure(struct cross *x, int fd, struct cross_point *point)
{
    int error = methods[x->method](fd, point);
    while (given_up(x, error) && x->method + 1 < METHODS) {
        x->failures = 0;
        error = methods[++x->method](fd, point);
    }
    if (error)
        return error;
    x->failures = 0;
    cross_add(x, point);
    return 0;
}

/* The slope up to the new point, once it is far enough from base. */
static void learn_slope(struct cross *x, const struct cross_point *point)
{
    const int64_t span_ns = point->realtime_ns - x->base.realtime_ns;
    if (span_ns >= 0 && span_ns < SLOPE_SPAN_NS)
        return;
    const double gained_ns = (double)(point->phc_ns - x->base.phc_ns - span_ns);
    const double slope_ppb = span_ns > 0 ? gained_ns / (double)span_ns * 1e9 : NAN;
    const bool agrees = fabs(slope_ppb - x->slope_ppb) < SLOPE_AGREES_PPB;
    x->rate_ppb = agrees && fabs(slope_ppb) < SLOPE_MAX_PPB ? slope_ppb : 0.0;
    x->slope_ppb = slope_ppb;
    x->base = *point;
}

void cross_add(struct cross *x, const struct cross_point *point)
{
    if (x->points++ == 0) {
        x->base = *point;
        x->slope_ppb = NAN;
        x->rate_ppb = 0.0;
    } else {
        learn_slope(x, point);
    }
    x->last = *point;
}

bool cross_serves(const struct cross *x, int64_t realtime_ns, int64_t now_ns)
{
    const int64_t apart_ns = realtime_ns - x->last.realtime_ns;
    const int64_t age_ns = now_ns - x->last.realtime_ns;
    return x->points && age_ns >= 0 && age_ns <= AGE_MAX_NS && apart_ns >= -AGE_MAX_NS &&
           apart_ns <= AHEAD_MAX_NS;
}

int64_t cross_convert(const struct cross *x, int64_t realtime_ns)
{
    const int64_t apart_ns = realtime_ns - x->last.realtime_ns;
    return x->last.phc_ns + apart_ns + llround((double)apart_ns * x->rate_ppb * 1e-9);
}

void cross_forget(struct cross *x)
{
    x->points = 0;
}
