/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/scatter.h"

#include <math.h>
#include <stdlib.h>

#define DIFFERENCES (SCATTER_PULSES - 2)

/* Of the second difference of independent values with 1 sigma = 1, normally distributed: sqrt(1 + 4 + 1)
 * times the quartile. */
#define MEDIAN_OF_ONE (2.449490 * 0.674490)

void scatter_reset(struct scatter *s)
{
    s->count = 0;
}

void scatter_steered(struct scatter *s, double by_ns)
{
    s->steered_ns += by_ns;
}

/* Apart by more than int64_t holds: no pulses of one clock. */
static int64_t from_origin(struct scatter *s, int64_t phase_ns)
{
    int64_t d;
    if (s->count > 0 && !__builtin_sub_overflow(phase_ns, s->origin_ns, &d))
        return d;
    s->count = 0;
    s->steered_ns = 0;
    s->origin_ns = phase_ns;
    return 0;
}

void scatter_add(struct scatter *s, int64_t tai_s, int64_t phase_ns)
{
    if (s->count > 0 && (uint64_t)tai_s - (uint64_t)s->last_tai_s != 1)
        s->count = 0;
    const double phase = (double)from_origin(s, phase_ns) - s->steered_ns;
    s->phases_ns[s->count++ % SCATTER_PULSES] = phase;
    s->last_tai_s = tai_s;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double scatter_ns(const struct scatter *s)
{
    double differences[DIFFERENCES];
    if (s->count < SCATTER_PULSES)
        return 0;
    for (unsigned i = 0; i < DIFFERENCES; i++) {
        const double *p = s->phases_ns;
        const unsigned at = s->count + i;
        differences[i] =
            fabs(p[at % SCATTER_PULSES] - 2 * p[(at + 1) % SCATTER_PULSES] + p[(at + 2) % SCATTER_PULSES]);
    }
    qsort(differences, DIFFERENCES, sizeof differences[0], compare);
    return (differences[DIFFERENCES / 2 - 1] + differences[DIFFERENCES / 2]) / 2 / MEDIAN_OF_ONE;
}
