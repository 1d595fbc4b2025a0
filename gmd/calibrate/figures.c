/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/calibrate/figures.h"

#include <math.h>
#include <stdlib.h>

#include "gmd/ptp/budget.h"

#define CAPACITY_MAX      10000000 /* clients.capacity's */
#define MESSAGES_PER_SYNC 2        /* as the budget counts a two-step Sync */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts values. */
static struct spread spread_of(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare);
    return (struct spread){values[0], (values[count / 2] + values[(count - 1) / 2]) / 2, values[count - 1]};
}

static double core_us(const struct round *r)
{
    return 1e6 * (r->gmd_s + r->receive_s);
}

static bool figures_of_answers(const struct round *rounds, unsigned count, struct figures *f)
{
    double hz[FIGURES_ROUNDS_MAX], gmd_us[FIGURES_ROUNDS_MAX], receive_us[FIGURES_ROUNDS_MAX],
        busy[FIGURES_ROUNDS_MAX];
    if (count == 0 || count > FIGURES_ROUNDS_MAX)
        return false;
    for (unsigned i = 0; i < count; i++) {
        const struct round *r = &rounds[i];
        const double answers = (double)r->answers;
        if (r->answers == 0 || r->seconds <= 0 || core_us(r) <= 0)
            return false;
        hz[i] = 1e6 * answers / core_us(r);
        gmd_us[i] = 1e6 * r->gmd_s / answers;
        receive_us[i] = 1e6 * r->receive_s / answers;
        busy[i] = fmin(1, core_us(r) / 1e6 / r->seconds);
    }
    f->answers_hz = spread_of(hz, count);
    f->answer_gmd_us = spread_of(gmd_us, count).median;
    f->answer_receive_us = spread_of(receive_us, count).median;
    f->busy = spread_of(busy, count).median;
    return true;
}

/* What answers and Announce took of these rounds is known: the rest is Sync's. */
static double sync_us(const struct round *rounds, unsigned count, double answer_us)
{
    double us[FIGURES_ROUNDS_MAX];
    unsigned known = 0;
    for (unsigned i = 0; i < count; i++) {
        const double others_us = answer_us * (double)(rounds[i].answers + rounds[i].announces);
        if (rounds[i].syncs > 0 && core_us(&rounds[i]) > others_us)
            us[known++] = (core_us(&rounds[i]) - others_us) / (double)rounds[i].syncs;
    }
    return known ? spread_of(us, known).median : 0;
}

bool figures_of(const struct round *answering, unsigned answering_count, const struct round *syncing,
                unsigned syncing_count, struct figures *f)
{
    *f = (struct figures){.busy = 0};
    if (syncing_count > FIGURES_ROUNDS_MAX || !figures_of_answers(answering, answering_count, f))
        return false;
    f->sync_us = sync_us(syncing, syncing_count, 1e6 / f->answers_hz.median);
    f->messages_hz = f->sync_us > 0 ? 1e6 * MESSAGES_PER_SYNC / f->sync_us : 0;
    return true;
}

static double two_digits(double value)
{
    const double unit = pow(10, floor(log10(value)) - 1);
    return floor(value / unit + 1e-9) * unit;
}

unsigned figures_capacity(const struct figures *f, bool unicast_sync)
{
    double hz = f->answers_hz.median;
    if (unicast_sync && f->messages_hz > 0)
        hz = fmin(hz, f->messages_hz);
    return (unsigned)lround(two_digits(fmin(fmax(FIGURES_SHARE * hz, BUDGET_CAPACITY_MIN), CAPACITY_MAX)));
}
