/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/simulate/pulses.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define DAY_S 86400.0

static const struct pulse_figures figures[] = {
    {.name = "f9t", .white = 0.2, .wander = 3, .wander_tau_s = 3400}, /* sawtooth corrected */
    {.name = "m8t",
     .white = 0.24,
     .sawtooth = 21,
     .wander = 4.7,
     .wander_tau_s = 2200,
     .daily = 7.5,
     .half_daily = 2.5},
    {.name = "plain", .white = 20},
    /* what the figures of other programs were measured with */
    {.name = "reference", .white = 10, .sawtooth = 10, .wander = 5, .wander_tau_s = 600, .stamp_step = 8},
};

const struct pulse_figures *pulses_named(const char *name)
{
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (strcmp(figures[i].name, name) == 0)
            return &figures[i];
    return NULL;
}

void pulses_start(struct pulse_synth *p, const struct pulse_figures *f, uint64_t seed)
{
    *p = (struct pulse_synth){.figures = f, .chance = chance_seed(seed, 2)};
    p->wander = f->wander * chance_gauss(&p->chance);
    p->saw = chance_uniform(&p->chance);
    p->saw_rate = chance_uniform(&p->chance);
    p->phase = 2 * M_PI * chance_uniform(&p->chance);
}

/* The receiver's own oscillator decides where its ticks fall against the second: a sawtooth whose rate
 * wanders. */
static double sawtooth(struct pulse_synth *p)
{
    p->saw_rate += 0.002 * chance_gauss(&p->chance);
    p->saw += p->saw_rate;
    p->saw -= floor(p->saw);
    return p->figures->sawtooth * (2 * p->saw - 1);
}

double pulses_next(struct pulse_synth *p)
{
    const struct pulse_figures *f = p->figures;
    const double day = 2 * M_PI * p->t_s / DAY_S + p->phase;
    double late =
        f->white * chance_gauss(&p->chance) + p->wander + f->daily * sin(day) + f->half_daily * sin(2 * day);
    if (f->sawtooth > 0)
        late += sawtooth(p);
    if (f->wander > 0) {
        const double keep = exp(-1 / f->wander_tau_s);
        p->wander = keep * p->wander + f->wander * sqrt(1 - keep * keep) * chance_gauss(&p->chance);
    }
    p->t_s += 1;
    return late;
}
