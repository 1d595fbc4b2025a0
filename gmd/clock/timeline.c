/* SPDX-License-Identifier: BSD-2-Clause */
/* Piecewise linear time. Only differences within a segment meet a double: 1.7e18 ns would not fit one. */
#include "gmd/clock/timeline.h"

#include <math.h>

static int64_t evaluate(const struct segment *s, int64_t base_ns, double *fraction)
{
    int64_t elapsed_ns = base_ns - s->base_ns;
    double excess_ns = (double)elapsed_ns * s->rate_ppb * 1e-9 + s->fraction;
    double whole_ns = floor(excess_ns);
    *fraction = excess_ns - whole_ns;
    return s->shown_ns + elapsed_ns + (int64_t)whole_ns;
}

void timeline_init(struct timeline *t, int64_t base_ns, int64_t shown_ns, double rate_ppb)
{
    t->newest = 0;
    t->count = 1;
    t->segments[0] = (struct segment){.base_ns = base_ns, .shown_ns = shown_ns, .rate_ppb = rate_ppb};
}

int64_t timeline_now(const struct timeline *t, int64_t base_ns)
{
    double fraction;
    return evaluate(&t->segments[t->newest], base_ns, &fraction);
}

int64_t timeline_then(const struct timeline *t, int64_t base_ns)
{
    unsigned at = t->newest;
    for (unsigned age = 1; age < t->count && base_ns < t->segments[at].base_ns; age++)
        at = (at + TIMELINE_SEGMENTS - 1) % TIMELINE_SEGMENTS;
    double fraction;
    return evaluate(&t->segments[at], base_ns, &fraction);
}

static struct segment *begin(struct timeline *t, int64_t base_ns)
{
    const struct segment *last = &t->segments[t->newest];
    struct segment s = {.base_ns = base_ns, .rate_ppb = last->rate_ppb};
    s.shown_ns = evaluate(last, base_ns, &s.fraction);
    if (base_ns < last->base_ns)
        t->count = 0;
    t->newest = (t->newest + 1) % TIMELINE_SEGMENTS;
    if (t->count < TIMELINE_SEGMENTS)
        t->count++;
    t->segments[t->newest] = s;
    return &t->segments[t->newest];
}

void timeline_set_rate(struct timeline *t, int64_t base_ns, double rate_ppb)
{
    begin(t, base_ns)->rate_ppb = rate_ppb;
}

void timeline_step(struct timeline *t, int64_t base_ns, int64_t delta_ns)
{
    begin(t, base_ns)->shown_ns += delta_ns;
}
