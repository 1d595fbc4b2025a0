/* SPDX-License-Identifier: BSD-2-Clause */
/* A bad oscillator in front of true time. Its frequency changes once a second of true time, by drift and by a
 * seeded random walk, whether anybody reads it or not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bmca/ptp.h"
#include "gmd/clock/common.h"
#include "gmd/clock/timeline.h"

#define MAX_FREQ_PPB 500000.0
#define CELL_NS      NS_PER_S /* how long the oscillator's frequency stays the same */

struct simulated {
    struct clock clock;
    struct oscillator_model model;
    true_time_fn true_now;
    void *ctx;
    int64_t utc_offset_ns;
    struct timeline timeline; /* base: true time */
    int64_t start_ns;         /* true time of the opening */
    int64_t cell;             /* the present one, from start_ns on */
    double wander_ppb;
    uint64_t random;
};

/* splitmix64 */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static double random_gauss(uint64_t *state)
{
    double u = ((double)(random_next(state) >> 11) + 1.0) * 0x1p-53; /* 0 < u <= 1 */
    double v = (double)(random_next(state) >> 11) * 0x1p-53;
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

/* Of the steered clock: the oscillator's error in the middle of the present cell, and the correction. */
static double rate_ppb(const struct simulated *s)
{
    double days = ((double)s->cell + 0.5) * CELL_NS / (86400.0 * NS_PER_S);
    double oscillator_ppb = s->model.freq_ppb + s->model.drift_ppb_per_day * days + s->wander_ppb;
    double correction_ppb = s->clock.freq_ppb;
    return oscillator_ppb + correction_ppb + oscillator_ppb * correction_ppb * 1e-9;
}

/* Brings the oscillator up to now; returns true time. */
static int64_t advance(struct simulated *s)
{
    int64_t now_ns = s->true_now(s->ctx);
    int64_t cell = (now_ns - s->start_ns) / CELL_NS;
    while (s->cell < cell) {
        s->cell++;
        s->wander_ppb += s->model.wander_ppb * random_gauss(&s->random);
        timeline_set_rate(&s->timeline, s->start_ns + s->cell * CELL_NS, rate_ppb(s));
    }
    return now_ns;
}

static int simulated_read(struct clock *c, int64_t *now_ns)
{
    struct simulated *s = (struct simulated *)c;
    int64_t true_ns = advance(s);
    *now_ns = timeline_now(&s->timeline, true_ns);
    return 0;
}

static int simulated_convert(struct clock *c, enum stamp kind, int64_t raw_ns, int64_t *clock_ns)
{
    struct simulated *s = (struct simulated *)c;
    advance(s);
    *clock_ns = timeline_then(&s->timeline, kind == STAMP_SYSTEM ? raw_ns + s->utc_offset_ns : raw_ns);
    return 0;
}

static int simulated_adjust(struct clock *c, double freq_ppb)
{
    struct simulated *s = (struct simulated *)c;
    int64_t true_ns = advance(s);
    c->freq_ppb = clock_clip(freq_ppb, c->max_freq_ppb);
    timeline_set_rate(&s->timeline, true_ns, rate_ppb(s));
    return 0;
}

static int simulated_step(struct clock *c, int64_t delta_ns)
{
    struct simulated *s = (struct simulated *)c;
    int64_t true_ns = advance(s);
    timeline_step(&s->timeline, true_ns, delta_ns);
    return 0;
}

static void simulated_close(struct clock *c)
{
    free(c);
}

static const struct clock_ops simulated_ops = {
    .name = "simulated",
    .read = simulated_read,
    .convert = simulated_convert,
    .adjust = simulated_adjust,
    .step = simulated_step,
    .close = simulated_close,
};

struct clock *clock_simulated_open(const struct oscillator_model *model, true_time_fn true_now, void *ctx,
                                   int utc_offset_s, char *error, int error_size)
{
    struct simulated *s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(error, error_size, "simulated clock: %s", strerror(ENOMEM));
        return NULL;
    }
    s->clock.ops = &simulated_ops;
    s->clock.max_freq_ppb = MAX_FREQ_PPB;
    s->model = *model;
    s->true_now = true_now;
    s->ctx = ctx;
    s->utc_offset_ns = utc_offset_s * NS_PER_S;
    s->random = model->seed;
    s->start_ns = true_now(ctx);
    timeline_init(&s->timeline, s->start_ns, s->start_ns + model->offset_ns, rate_ppb(s));
    snprintf(s->clock.description, sizeof(s->clock.description),
             "simulated clock (%+g ppb, %+g s at the start)", model->freq_ppb,
             (double)model->offset_ns / NS_PER_S);
    return &s->clock;
}

void clock_simulated_disturb(struct clock *c, int64_t delta_ns)
{
    simulated_step(c, delta_ns);
}
