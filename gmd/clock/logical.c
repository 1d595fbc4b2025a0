/* SPDX-License-Identifier: BSD-2-Clause */
/* The logical clock: a clock that may not be steered, steered in the daemon's memory alone. */
#include "gmd/clock/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/clock/common.h"
#include "gmd/clock/timeline.h"

/* No oscillator that ticks at all is worse. */
#define MAX_FREQ_PPB 1e6

struct logical {
    struct clock clock;
    struct clock_ops ops; /* those that the base has too */
    struct clock *base;
    struct timeline timeline;
};

/* The base's device may be another one after any call. */
static int read_base(struct logical *l, int64_t *base_ns)
{
    int error = l->base->ops->read(l->base, base_ns);
    l->clock.phc = l->base->phc;
    l->clock.retries = l->base->retries;
    l->clock.generation = l->base->generation;
    return error;
}

static int logical_read(struct clock *c, int64_t *now_ns)
{
    struct logical *l = (struct logical *)c;
    int64_t base_ns;
    int error = read_base(l, &base_ns);
    if (!error)
        *now_ns = timeline_now(&l->timeline, base_ns);
    return error;
}

static int logical_convert(struct clock *c, enum stamp kind, int64_t raw_ns, int64_t *clock_ns)
{
    struct logical *l = (struct logical *)c;
    int64_t base_ns;
    int error = l->base->ops->convert(l->base, kind, raw_ns, &base_ns);
    if (!error)
        *clock_ns = timeline_then(&l->timeline, base_ns);
    return error;
}

static int logical_adjust(struct clock *c, double freq_ppb)
{
    struct logical *l = (struct logical *)c;
    int64_t base_ns;
    int error = read_base(l, &base_ns);
    if (error)
        return error;
    c->freq_ppb = clock_clip(freq_ppb, c->max_freq_ppb);
    timeline_set_rate(&l->timeline, base_ns, c->freq_ppb);
    return 0;
}

static int logical_step(struct clock *c, int64_t delta_ns)
{
    struct logical *l = (struct logical *)c;
    int64_t base_ns;
    int error = read_base(l, &base_ns);
    if (!error)
        timeline_step(&l->timeline, base_ns, delta_ns);
    return error;
}

static int logical_compare(struct clock *c, int64_t *clock_ns, int64_t *realtime_ns, int64_t *uncertainty_ns)
{
    struct logical *l = (struct logical *)c;
    int64_t base_ns;
    int error = l->base->ops->compare(l->base, &base_ns, realtime_ns, uncertainty_ns);
    if (!error)
        *clock_ns = timeline_then(&l->timeline, base_ns);
    return error;
}

static int logical_check(struct clock *c, struct clock_finding *finding)
{
    struct logical *l = (struct logical *)c;
    return l->base->ops->check(l->base, finding);
}

static void logical_follow(struct clock *c, const char *device)
{
    struct logical *l = (struct logical *)c;
    l->base->ops->follow(l->base, device);
}

static void logical_close(struct clock *c)
{
    struct logical *l = (struct logical *)c;
    l->base->ops->close(l->base);
    free(l);
}

static const struct clock_ops logical_ops = {
    .name = "logical",
    .read = logical_read,
    .convert = logical_convert,
    .adjust = logical_adjust,
    .step = logical_step,
    .close = logical_close,
};

struct clock *clock_logical_open(struct clock *base, char *error, int error_size)
{
    int64_t base_ns;
    int failed = base->ops->read(base, &base_ns);
    struct logical *l = failed ? NULL : calloc(1, sizeof(*l));
    if (!l) {
        snprintf(error, error_size, "logical clock: %s cannot be read: %s", base->description,
                 strerror(failed ? -failed : ENOMEM));
        base->ops->close(base);
        return NULL;
    }
    l->ops = logical_ops;
    l->ops.compare = base->ops->compare ? logical_compare : NULL;
    l->ops.check = base->ops->check ? logical_check : NULL;
    l->ops.follow = base->ops->follow ? logical_follow : NULL;
    l->clock.ops = &l->ops;
    l->clock.max_freq_ppb = MAX_FREQ_PPB;
    l->base = base;
    l->clock.phc = base->phc;
    timeline_init(&l->timeline, base_ns, base_ns, 0.0);
    snprintf(l->clock.description, sizeof(l->clock.description), "logical clock on %.*s",
             (int)sizeof(l->clock.description) - 20, base->description);
    return &l->clock;
}
