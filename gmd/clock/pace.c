/* SPDX-License-Identifier: BSD-2-Clause */
/* The comparison of pace.h. */
#include "gmd/clock/pace.h"

#include <math.h>

#include "bmca/ptp.h"

#define INTERVAL_MIN_NS (NS_PER_S / 5)
#define NOISE_NS        1000 /* beyond the windows: interrupts, buses */
#define WANDER          1e-6 /* two free crystals change against each other by less, in a second */
#define LEARN           (1.0 / 8)
#define INSISTING       3   /* verdicts in a row: the rate has really changed */
#define RATE_MAX_PPB    1e6 /* no oscillator that ticks at all is worse: what looks so at first is a jump */

void pace_advance(struct pace *p, int64_t raw_ns, double freq_ppb)
{
    if (!p->based || raw_ns <= p->advanced_ns)
        return;
    p->excess_ns += (double)(raw_ns - p->advanced_ns) * (p->rate_ppb + freq_ppb) * 1e-9;
    p->advanced_ns = raw_ns;
}

static void rebase(struct pace *p, const struct pace_point *point)
{
    p->based = true;
    p->suspicious = false;
    p->base = p->last = *point;
    p->advanced_ns = point->raw_ns;
    p->excess_ns = 0.0;
}

void pace_restart(struct pace *p)
{
    p->based = false;
}

static double since_s(int64_t then_ns, int64_t now_ns)
{
    return (double)(now_ns - then_ns) * 1e-9;
}

/* How far a clock that runs as it should may deviate. */
static int64_t limit_ns(const struct pace *p, const struct pace_point *point)
{
    const double elapsed_ns = (double)(point->raw_ns - p->base.raw_ns);
    return NOISE_NS + (point->window_ns + p->base.window_ns) / 2 + llround(elapsed_ns * WANDER);
}

static int64_t deviation_ns(const struct pace *p, const struct pace_point *point)
{
    const int64_t elapsed_ns = point->raw_ns - p->base.raw_ns;
    return point->clock_ns - p->base.clock_ns - elapsed_ns - llround(p->excess_ns);
}

static void learn(struct pace *p, double error_ppb)
{
    if (p->learned)
        p->rate_ppb += error_ppb * LEARN;
    else if (fabs(error_ppb) < RATE_MAX_PPB)
        p->rate_ppb = error_ppb;
    else
        return;
    p->learned = true;
}

/* The second reading in a row that deviates. */
static void decide(struct pace *p, const struct pace_point *point, struct pace_result *r)
{
    const int64_t change_ns = r->displaced_ns - p->suspect_ns;
    if (change_ns >= -r->limit_ns && change_ns <= r->limit_ns) {
        r->verdict = PACE_JUMPED;
        return;
    }
    r->verdict = PACE_RATE;
    r->rate_ppb = (double)change_ns / since_s(p->suspect_raw_ns, point->raw_ns);
    if (++p->insisting >= INSISTING) {
        p->rate_ppb += r->rate_ppb;
        p->insisting = 0;
    }
}

static void judge(struct pace *p, const struct pace_point *point, struct pace_result *r)
{
    const int64_t gained_ns = point->clock_ns - p->last.clock_ns;
    const int64_t elapsed_ns = point->raw_ns - p->last.raw_ns;

    if (gained_ns < 0) {
        r->verdict = PACE_BACKWARDS;
    } else if (gained_ns < elapsed_ns / 2) {
        r->verdict = PACE_STOPPED;
    } else if (p->stood) { /* since when it runs again is not known */
        r->verdict = PACE_EVEN;
    } else if (!p->learned || (r->displaced_ns >= -r->limit_ns && r->displaced_ns <= r->limit_ns)) {
        learn(p, (double)r->displaced_ns / since_s(p->base.raw_ns, point->raw_ns));
        p->insisting = 0;
    } else if (p->suspicious) {
        decide(p, point, r);
    } else {
        r->verdict = PACE_SUSPICIOUS;
    }
    p->stood = r->verdict == PACE_STOPPED;
}

struct pace_result pace_reading(struct pace *p, const struct pace_point *point, double freq_ppb)
{
    struct pace_result r = {.verdict = PACE_EVEN};
    if (!p->based) {
        rebase(p, point);
        return r;
    }
    if (point->raw_ns - p->last.raw_ns < INTERVAL_MIN_NS)
        return r;
    pace_advance(p, point->raw_ns, freq_ppb);
    r.displaced_ns = deviation_ns(p, point);
    r.limit_ns = limit_ns(p, point);
    judge(p, point, &r);
    if (r.verdict == PACE_SUSPICIOUS) {
        p->suspicious = true;
        p->suspect_ns = r.displaced_ns;
        p->suspect_raw_ns = point->raw_ns;
        p->last = *point;
    } else {
        rebase(p, point);
    }
    return r;
}

struct pace_result pace_displaced(struct pace *p, const struct pace_point *point, double freq_ppb)
{
    struct pace_result r = {.verdict = PACE_EVEN};
    pace_advance(p, point->raw_ns, freq_ppb);
    if (p->based && p->learned) {
        r.displaced_ns = deviation_ns(p, point);
        r.limit_ns = limit_ns(p, point);
    }
    rebase(p, point);
    return r;
}
