/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/stability.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PS_PER_NS      1e3
#define TDEV_INTERVALS 9 /* the first term is over after 3 tau, a measurement lasts 12 */

static const unsigned level_steps[STABILITY_LEVELS] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

static const struct {
    unsigned step_s;
    unsigned first, levels; /* those that are reported */
    int64_t span_s;
} scales[STABILITY_SCALES] = {
    {.step_s = 1, .first = 0, .levels = 10, .span_s = 3600},
    {.step_s = 100, .first = 4, .levels = 6, .span_s = 86400},
};

void stability_init(struct stability *s)
{
    memset(s, 0, sizeof *s);
}

/* --- spans: what is older than the last 24 of them is forgotten ------------------------------------- */

static unsigned place(const struct stability_scale *c)
{
    return (unsigned)(c->span % STABILITY_SPANS);
}

static void turn_to(struct stability_scale *c, int64_t span)
{
    const bool all = span < c->span || span - c->span > STABILITY_SPANS;
    for (int i = 0; i < STABILITY_SPANS && (all || c->span < span); i++) {
        c->span = all ? span + i : c->span + 1;
        memset(c->shares[place(c)], 0, sizeof c->shares[0]);
        c->largest_ps[place(c)] = c->seconds[place(c)] = 0;
    }
    c->span = span;
}

/* --- TDEV ------------------------------------------------------------------------------------------- */

/* The sum of all steps but the last so many. */
static uint64_t integral(const struct stability_scale *c, unsigned back)
{
    return c->integral[(c->sums - back) % STABILITY_HISTORY];
}

/* A sum of n steps is a difference of the series' integral; the inner sum of TDEV, three of them as
 * x[i+2n] - 2 x[i+n] + x[i], is its third difference. */
static void add_sum(struct stability_scale *c, int64_t sum_ps)
{
    const uint64_t total = integral(c, 0) + (uint64_t)sum_ps;
    c->sums++;
    c->integral[c->sums % STABILITY_HISTORY] = total;
    for (int i = 0; i < STABILITY_LEVELS && c->sums >= 3 * level_steps[i]; i++) {
        const unsigned n = level_steps[i];
        const int64_t inner =
            (int64_t)(total - 3 * integral(c, n) + 3 * integral(c, 2 * n) - integral(c, 3 * n));
        struct stability_share *share = &c->shares[place(c)][i];
        share->squares += (double)inner * (double)inner;
        share->terms++;
    }
}

/* --- MTIE ------------------------------------------------------------------------------------------- */

static struct stability_range both(struct stability_range a, struct stability_range b)
{
    return (struct stability_range){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

/* The range of level i that ended so many steps ago. */
static struct stability_range *range_at(struct stability_scale *c, int i, unsigned back)
{
    const unsigned begin = level_steps[i] - 1 + (unsigned)i;
    const unsigned length = level_steps[i + 1] - level_steps[i] + 1;
    return &c->history[begin + (c->ranges - back) % length];
}

/* An interval of the next level is the union of two or three of this one. */
static struct stability_range widened(struct stability_scale *c, int i, struct stability_range range)
{
    const unsigned n = level_steps[i], furthest = level_steps[i + 1] - n;
    for (unsigned back = n; back < furthest; back += n)
        range = both(range, *range_at(c, i, back));
    return both(range, *range_at(c, i, furthest));
}

static void add_range(struct stability_scale *c, struct stability_range range)
{
    c->ranges++;
    for (int i = 0; i < STABILITY_LEVELS && c->ranges >= level_steps[i]; i++) {
        struct stability_share *share = &c->shares[place(c)][i];
        const uint32_t width = (uint32_t)range.high - (uint32_t)range.low;
        if (width > share->widest_ps)
            share->widest_ps = width;
        share->intervals++;
        if (i + 1 == STABILITY_LEVELS)
            break;
        *range_at(c, i, 0) = range;
        if (c->ranges >= level_steps[i + 1])
            range = widened(c, i, range);
    }
}

/* --- the series ------------------------------------------------------------------------------------- */

/* A step sums up its own seconds, and reaches from its first second to that of the next step. */
static void add_to_scale(struct stability_scale *c, unsigned step_s, int32_t error_ps)
{
    const struct stability_range point = {error_ps, error_ps};
    if (c->filled == 0) {
        if (c->sums > 0)
            add_range(c, both(c->range, point));
        c->range = point;
    }
    c->range = both(c->range, point);
    c->sum_ps += error_ps;
    if (++c->filled < step_s)
        return;
    add_sum(c, c->sum_ps);
    c->filled = 0;
    c->sum_ps = 0;
}

static void add_second(struct stability *s, int64_t tai_s, int32_t error_ps)
{
    for (int k = 0; k < STABILITY_SCALES; k++) {
        struct stability_scale *c = &s->scales[k];
        const uint32_t size = (uint32_t)abs(error_ps);
        if (tai_s / scales[k].span_s != c->span)
            turn_to(c, tai_s / scales[k].span_s);
        if (size > c->largest_ps[place(c)])
            c->largest_ps[place(c)] = size;
        c->seconds[place(c)]++;
        add_to_scale(c, scales[k].step_s, error_ps);
    }
    s->last_s = tai_s;
    s->last_ps = error_ps;
}

void stability_interrupt(struct stability *s)
{
    if (!s->running)
        return;
    s->running = false;
    s->interruptions++;
    for (int k = 0; k < STABILITY_SCALES; k++) {
        struct stability_scale *c = &s->scales[k];
        c->sum_ps = 0;
        c->filled = c->sums = c->ranges = 0;
        c->integral[0] = 0;
    }
}

void stability_add(struct stability *s, int64_t tai_s, double error_ns)
{
    const double limit = INT32_MAX;
    const int32_t error_ps = (int32_t)lrint(fmax(-limit, fmin(error_ns * PS_PER_NS, limit)));
    if (tai_s < 0 || (s->running && tai_s <= s->last_s))
        return;
    if (s->running && tai_s - s->last_s > STABILITY_GAP_S + 1)
        stability_interrupt(s);
    if (s->running) {
        const int64_t from_s = s->last_s, seconds = tai_s - from_s;
        const int64_t from_ps = s->last_ps, change_ps = error_ps - from_ps;
        for (int64_t i = 1; i < seconds; i++, s->filled++)
            add_second(s, from_s + i, (int32_t)(from_ps + change_ps * i / seconds));
    }
    s->running = true;
    add_second(s, tai_s, error_ps);
}

/* --- figures ---------------------------------------------------------------------------------------- */

static struct stability_point point(const struct stability_scale *c, unsigned step_s, unsigned level)
{
    struct stability_share all = {0};
    const double n = level_steps[level], tau_s = n * step_s;
    for (int i = 0; i < STABILITY_SPANS; i++) {
        const struct stability_share *share = &c->shares[i][level];
        all.squares += share->squares;
        all.terms += share->terms;
        all.intervals += share->intervals;
        if (share->widest_ps > all.widest_ps)
            all.widest_ps = share->widest_ps;
    }
    struct stability_point p = {.tau_s = (long)tau_s, .mtie_ns = NAN, .tdev_ns = NAN};
    if (all.intervals > 0)
        p.mtie_ns = all.widest_ps / PS_PER_NS;
    if (all.terms > TDEV_INTERVALS * n)
        p.tdev_ns = sqrt(all.squares / (6 * tau_s * tau_s * all.terms)) / PS_PER_NS;
    return p;
}

struct stability_figures stability_figures(const struct stability *s)
{
    struct stability_figures f = {.max_abs_te_ns = NAN};
    struct stability_point *p = f.points;
    uint32_t largest_ps = 0;
    for (int i = 0; i < STABILITY_SPANS; i++) {
        f.observed_s += s->scales[0].seconds[i];
        if (s->scales[0].largest_ps[i] > largest_ps)
            largest_ps = s->scales[0].largest_ps[i];
    }
    if (f.observed_s > 0)
        f.max_abs_te_ns = largest_ps / PS_PER_NS;
    for (int k = 0; k < STABILITY_SCALES; k++)
        for (unsigned i = 0; i < scales[k].levels; i++)
            *p++ = point(&s->scales[k], scales[k].step_s, scales[k].first + i);
    return f;
}
