/* SPDX-License-Identifier: BSD-2-Clause */
/* What gnss.c and gnss_messages.c share. */
#ifndef GMD_GNSS_GNSS_INTERNAL_H
#define GMD_GNSS_GNSS_INTERNAL_H

#include "bmca/ptp.h"
#include "gnss/gnss.h"

/* Takes in what a message says; what follows from it is evaluated by the caller. */
void gnss_hear(struct gnss *g, const struct receiver_report *r, int64_t clock_ns);

/* The receiver is not heard any more. */
void gnss_forget_sky(struct gnss_status *s);

/* True if at_ns is INT64_MIN (never) or longer ago than limit_ns. */
static inline bool gnss_longer_ago(int64_t at_ns, int64_t now_ns, int64_t limit_ns)
{
    return at_ns == INT64_MIN || now_ns - at_ns > limit_ns;
}

static inline struct gnss_source *gnss_in_use(struct gnss *g)
{
    return &g->source[g->pair.status.in_use];
}

#endif
