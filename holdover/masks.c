/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/masks.h"

#include <math.h>
#include <stddef.h>

/* From where the segment before ends, up to to_s. */
struct segment {
    double to_s, ns, ns_per_s;
};

#define SEGMENTS_MAX 3

static const struct {
    const char *name;
    double max_abs_te_ns;                                 /* clause 6.1 */
    struct segment limits[MASK_QUANTITIES][SEGMENTS_MAX]; /* clause 6.2, tables 1 to 4 */
} masks[MASKS] = {
    [MASK_PRTC_A] =
        {
            .name = "prtc_a",
            .max_abs_te_ns = 100,
            .limits =
                {
                    [MASK_MTIE] = {{273, 25, 0.275}, {INFINITY, 100, 0}},
                    [MASK_TDEV] = {{100, 3, 0}, {1000, 0, 0.03}, {10000, 30, 0}},
                },
        },
    [MASK_PRTC_B] =
        {
            .name = "prtc_b",
            .max_abs_te_ns = 40,
            .limits =
                {
                    [MASK_MTIE] = {{54.5, 25, 0.275}, {INFINITY, 40, 0}},
                    [MASK_TDEV] = {{100, 1, 0}, {500, 0, 0.01}, {100000, 5, 0}},
                },
        },
};

const char *mask_name(enum mask_name m)
{
    return masks[m].name;
}

const char *mask_verdict_name(enum mask_verdict v)
{
    static const char *const names[] = {
        [MASK_UNKNOWN] = "unknown", [MASK_PASS] = "pass", [MASK_FAIL] = "fail"};
    return names[v];
}

double mask_limit_ns(enum mask_name m, enum mask_quantity q, double tau_s)
{
    for (size_t i = 0; i < SEGMENTS_MAX; i++) {
        const struct segment *s = &masks[m].limits[q][i];
        if (tau_s <= s->to_s)
            return s->ns + s->ns_per_s * tau_s;
    }
    return NAN;
}

double mask_max_abs_te_ns(enum mask_name m)
{
    return masks[m].max_abs_te_ns;
}

static enum mask_verdict judge(double value, double limit)
{
    if (isnan(value) || isnan(limit))
        return MASK_UNKNOWN;
    return value <= limit ? MASK_PASS : MASK_FAIL;
}

/* One failure is a failure; otherwise one that passes is enough to tell. */
static enum mask_verdict worse(enum mask_verdict a, enum mask_verdict b)
{
    return a > b ? a : b;
}

enum mask_verdict mask_judge_point(enum mask_name m, enum mask_quantity q, const struct stability_point *p)
{
    return judge(q == MASK_MTIE ? p->mtie_ns : p->tdev_ns, mask_limit_ns(m, q, (double)p->tau_s));
}

struct mask_judgement mask_judge(enum mask_name m, const struct stability_figures *f)
{
    struct mask_judgement j = {.max_abs_te = judge(f->max_abs_te_ns, masks[m].max_abs_te_ns)};
    for (int i = 0; i < STABILITY_TAUS; i++) {
        const struct stability_point *p = &f->points[i];
        bool judged = true;
        for (enum mask_quantity q = 0; q < MASK_QUANTITIES; q++) {
            const enum mask_verdict v = mask_judge_point(m, q, p);
            j.quantity[q] = worse(j.quantity[q], v);
            judged = judged && v != MASK_UNKNOWN;
            if (v == MASK_FAIL && !j.fails_at_s[q])
                j.fails_at_s[q] = p->tau_s;
        }
        if (judged)
            j.judged_to_s = p->tau_s;
    }
    j.all = worse(j.max_abs_te, worse(j.quantity[MASK_MTIE], j.quantity[MASK_TDEV]));
    if (j.all == MASK_PASS && !j.judged_to_s)
        j.all = MASK_UNKNOWN;
    return j;
}
