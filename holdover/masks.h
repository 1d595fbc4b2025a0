/* SPDX-License-Identifier: BSD-2-Clause */
/* What ITU-T G.8272 (11/2018, clause 6) demands of a locked primary reference time clock, as data. Pure. */
#ifndef GMD_HOLDOVER_MASKS_H
#define GMD_HOLDOVER_MASKS_H

#include "holdover/stability.h"

enum mask_name {
    MASK_PRTC_A,
    MASK_PRTC_B,
    MASKS,
};

enum mask_quantity {
    MASK_MTIE,
    MASK_TDEV,
    MASK_QUANTITIES,
};

enum mask_verdict {
    MASK_UNKNOWN, /* nothing observed yet, or nothing demanded */
    MASK_PASS,    /* as far as observed: up to judged_to_s */
    MASK_FAIL,
};

const char *mask_name(enum mask_name m);            /* "prtc_a" */
const char *mask_verdict_name(enum mask_verdict v); /* "pass" */

/* The largest value allowed, ns; NAN where tau is beyond the mask's end. */
double mask_limit_ns(enum mask_name m, enum mask_quantity q, double tau_s);
double mask_max_abs_te_ns(enum mask_name m);

struct mask_judgement {
    enum mask_verdict all, max_abs_te, quantity[MASK_QUANTITIES];
    long fails_at_s[MASK_QUANTITIES]; /* shortest tau that fails; 0: none */
    long judged_to_s;                 /* longest tau of which both quantities were observed; 0: none */
};

enum mask_verdict mask_judge_point(enum mask_name m, enum mask_quantity q, const struct stability_point *p);
struct mask_judgement mask_judge(enum mask_name m, const struct stability_figures *f);

#endif
