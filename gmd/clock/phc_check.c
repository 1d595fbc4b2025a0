/* SPDX-License-Identifier: BSD-2-Clause */
/* What somebody else did to a PHC: its frequency as the kernel tells it, and its pace. */
#include <stdio.h>

#include "bmca/ptp.h"
#include "gmd/clock/common.h"
#include "gmd/clock/phc.h"

#define READINGS 5 /* of which the one with the shortest window is taken */

int phc_read_pace(struct phc *p, void *argument)
{
    struct pace_point *best = argument;
    best->window_ns = INT64_MAX;
    for (int i = 0; i < READINGS; i++) {
        int64_t before_ns, clock_ns, after_ns;
        int error = clock_id_read(CLOCK_MONOTONIC_RAW, &before_ns);
        if (!error)
            error = clock_id_read(p->device.id, &clock_ns);
        if (!error)
            error = clock_id_read(CLOCK_MONOTONIC_RAW, &after_ns);
        if (error)
            return error;
        const int64_t window_ns = after_ns - before_ns;
        if (window_ns < best->window_ns)
            *best = (struct pace_point){before_ns + window_ns / 2, clock_ns, window_ns};
    }
    return 0;
}

static const enum clock_trouble trouble_of[] = {
    [PACE_EVEN] = CLOCK_WELL,           [PACE_SUSPICIOUS] = CLOCK_WELL, [PACE_STOPPED] = CLOCK_STOPPED,
    [PACE_BACKWARDS] = CLOCK_BACKWARDS, [PACE_JUMPED] = CLOCK_JUMPED,   [PACE_RATE] = CLOCK_RATE,
};

static void describe(struct clock_finding *f)
{
    const double displaced_s = (double)f->displaced_ns / 1e9;
    switch (f->trouble) {
    case CLOCK_STOPPED:
        snprintf(f->what, sizeof(f->what), "it stands still");
        break;
    case CLOCK_BACKWARDS:
        snprintf(f->what, sizeof(f->what), "it went back: off by %+.9f s", displaced_s);
        break;
    case CLOCK_JUMPED:
        snprintf(f->what, sizeof(f->what), "it moved by %+.9f s", displaced_s);
        break;
    case CLOCK_RATE:
        snprintf(f->what, sizeof(f->what), "it ran %+.1f ppm off what its correction makes of it",
                 f->rate_ppb / 1000);
        break;
    case CLOCK_WELL:
    case CLOCK_GONE:
    case CLOCK_STEERED:
        break;
    }
}

static int check_frequency(struct phc *p, void *finding)
{
    return clock_id_check(clock_adjtime, p->device.id, p->clock.freq_ppb, finding);
}

static void note(struct clock_finding *f, const struct pace_result *r)
{
    f->displaced_ns = r->displaced_ns;
    f->uncertainty_ns = r->limit_ns;
}

/* A driver that was reset has lost its correction with its time: at the first suspicion it is set again. */
static int check_pace(struct phc *p, struct clock_finding *finding)
{
    struct clock *c = &p->clock;
    struct pace_point point;
    const int error = phc_call(p, phc_read_pace, &point);
    if (error)
        return error;
    const struct pace_result r = pace_reading(&p->pace, &point, c->freq_ppb);
    *finding = (struct clock_finding){.trouble = trouble_of[r.verdict], .rate_ppb = r.rate_ppb};
    note(finding, &r);
    describe(finding);
    if (c->max_freq_ppb > 0 && (r.verdict != PACE_EVEN || !p->commanded))
        phc_adjust(c, c->freq_ppb);
    return finding->trouble != CLOCK_WELL;
}

/* What else the kernel says is in force is somebody else's, unless it has refused ours. */
static int check_steering(struct phc *p, struct clock_finding *finding)
{
    struct clock *c = &p->clock;
    struct pace_point point;
    if (c->max_freq_ppb <= 0 || !p->commanded)
        return 0;
    const int found = phc_call(p, check_frequency, finding);
    if (found <= 0)
        return found;
    phc_adjust(c, c->freq_ppb);
    if (phc_call(p, phc_read_pace, &point) == 0) {
        const struct pace_result r = pace_displaced(&p->pace, &point, c->freq_ppb);
        note(finding, &r);
    }
    return found;
}

int phc_check(struct clock *c, struct clock_finding *finding)
{
    struct phc *p = (struct phc *)c;
    /* first: what is found wrong in the pace is set again, and would hide it */
    int found = check_steering(p, finding);
    if (found == 0)
        found = check_pace(p, finding);
    if (found != -ENODEV)
        return found;
    *finding = (struct clock_finding){.trouble = CLOCK_GONE};
    snprintf(finding->what, sizeof(finding->what), "%.80s has vanished; waiting for it", p->device.path);
    return 1;
}
