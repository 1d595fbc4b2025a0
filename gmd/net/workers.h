/* SPDX-License-Identifier: BSD-2-Clause */
/* Workers: threads that answer a port's Delay_Req over UDP beside the daemon, each for its share of the
 * clients that the guard knows (bpf/workers.bpf.c). They share nothing with the daemon but the guard's maps:
 * what to answer with (answer.h), and counters. */
#ifndef GMD_NET_WORKERS_H
#define GMD_NET_WORKERS_H

#include "gmd/net/guard.h"

struct workers_config {
    unsigned port;  /* as the guard knows it, attached, and settled (answer.h) */
    unsigned count; /* 1..KERNEL_WORKERS_MAX */
    int ifindex;
};

struct workers;

/* NULL, and why in plain words: the daemon answers alone. */
struct workers *workers_open(struct guard *g, const struct workers_config *c, const struct transport *t,
                             char *why, int why_size);

/* Waits for the threads, which takes no longer than a batch. Before the transport is closed. */
void workers_close(struct workers *w);

/* What became of requests that were theirs and that they did not answer. */
struct workers_counts {
    uint64_t queue_lost; /* the receive queue was full */
    uint64_t unanswered; /* no stamp, not sent, or the answer's time was over */
};
struct workers_counts workers_count(struct workers *w);

#endif
