/* SPDX-License-Identifier: BSD-2-Clause */
/* The run of agreeing pulses of trend.h. */
#include "holdover/trend.h"

#include <math.h>
#include <stdbool.h>

#define GAP_MAX_S     10
#define SLOPE_MAX_PPB 1e6 /* crystals are within 100 ppm, with a bad correction in force 500 ppm more */

/* Phases may be apart by more than int64_t holds (a clock at its epoch's far end): then they are no line. */
static bool difference(int64_t a, int64_t b, double *d)
{
    int64_t n;
    if (__builtin_sub_overflow(a, b, &n))
        return false;
    *d = (double)n;
    return true;
}

double trend_span_s(const struct trend *t)
{
    return t->count > 1 ? (double)(t->last.tai_s - t->first.tai_s) : 0;
}

double trend_slope_ppb(const struct trend *t)
{
    double d;
    if (t->count < 2 || !difference(t->last.phase_ns, t->first.phase_ns, &d))
        return 0;
    return d / trend_span_s(t);
}

void trend_reset(struct trend *t)
{
    t->count = 0;
}

static bool continues(const struct trend *t, struct trend_point p)
{
    double gap, d;
    return t->count > 0 && difference(p.tai_s, t->last.tai_s, &gap) && gap > 0 && gap <= GAP_MAX_S &&
           difference(p.phase_ns, t->last.phase_ns, &d) && fabs(d) <= SLOPE_MAX_PPB * gap;
}

static bool on_line(const struct trend *t, struct trend_point p, double tolerance_ns)
{
    double d;
    return t->count < 2 || (difference(p.phase_ns, t->last.phase_ns, &d) &&
                            fabs(d - trend_slope_ppb(t) * (double)(p.tai_s - t->last.tai_s)) <= tolerance_ns);
}

unsigned trend_add(struct trend *t, struct trend_point p, double tolerance_ns)
{
    if (!continues(t, p)) {
        t->first = p;
        t->count = 0;
    } else if (!on_line(t, p, tolerance_ns)) {
        /* the outlier may have been any of the older ones: the two latest begin the next run */
        t->first = t->last;
        t->count = 1;
    }
    t->last = p;
    return ++t->count;
}
