/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/report_stability.h"

#include <math.h>
#include <stdio.h>

#include "gmd/report_value.h"
#include "holdover/masks.h"

static const struct {
    const char *name, *value, *fails_at;
} quantities[MASK_QUANTITIES] = {
    [MASK_MTIE] = {"mtie", "mtie_ns", "mtie_fails_at_s"},
    [MASK_TDEV] = {"tdev", "tdev_ns", "tdev_fails_at_s"},
};

static json_t *verdict(enum mask_verdict v)
{
    return v == MASK_UNKNOWN ? json_null() : json_string(mask_verdict_name(v));
}

static json_t *judgements(const struct stability_figures *f)
{
    json_t *rows = json_array();
    for (enum mask_name m = 0; m < MASKS; m++) {
        const struct mask_judgement j = mask_judge(m, f);
        json_t *o = json_object();
        put(o, "mask", json_string(mask_name(m)));
        put(o, "verdict", verdict(j.all));
        put(o, "judged_to_s", j.judged_to_s ? json_integer(j.judged_to_s) : json_null());
        put(o, "max_abs_te", verdict(j.max_abs_te));
        for (int q = 0; q < MASK_QUANTITIES; q++) {
            put(o, quantities[q].name, verdict(j.quantity[q]));
            put(o, quantities[q].fails_at, j.fails_at_s[q] ? json_integer(j.fails_at_s[q]) : json_null());
        }
        json_array_append_new(rows, o);
    }
    return rows;
}

static json_t *row(enum mask_quantity q, const struct stability_point *p)
{
    json_t *o = json_object();
    put(o, "tau_s", json_integer(p->tau_s));
    put(o, quantities[q].value, number(q == MASK_MTIE ? p->mtie_ns : p->tdev_ns));
    for (enum mask_name m = 0; m < MASKS; m++) {
        char limit[16];
        snprintf(limit, sizeof limit, "%s_ns", mask_name(m));
        put(o, limit, number(mask_limit_ns(m, q, (double)p->tau_s)));
        put(o, mask_name(m), verdict(mask_judge_point(m, q, p)));
    }
    return o;
}

static json_t *rows_known(enum mask_quantity q, const struct stability_figures *f)
{
    json_t *rows = json_array();
    for (int i = 0; i < STABILITY_TAUS; i++)
        if (!isnan(q == MASK_MTIE ? f->points[i].mtie_ns : f->points[i].tdev_ns))
            json_array_append_new(rows, row(q, &f->points[i]));
    return rows;
}

void put_stability(json_t *object, const struct stability_figures *f)
{
    put(object, "observed_s", json_integer(f->observed_s));
    put(object, "max_abs_te_ns", number(f->max_abs_te_ns));
    put(object, "masks", judgements(f));
    for (enum mask_quantity q = 0; q < MASK_QUANTITIES; q++)
        put(object, quantities[q].name, rows_known(q, f));
}
