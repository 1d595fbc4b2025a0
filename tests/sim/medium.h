/* SPDX-License-Identifier: BSD-2-Clause */
/* A bridge with one link to each node. It delays, loses, repeats and overtakes, and it may fall into parts.
 * Towards event messages it is an end-to-end transparent clock: what a message waited inside goes into its
 * correctionField (IEEE 1588-2019 clause 10.2), so that disorder costs no accuracy where receivers honour
 * the field. The links themselves are symmetric. */
#ifndef GMD_SIM_MEDIUM_H
#define GMD_SIM_MEDIUM_H

#include "tests/sim/queue.h"
#include "tests/sim/random.h"

#define NODES_MAX 24

struct link {
    int64_t delay_ns; /* one way */
    unsigned group;   /* only nodes of one group hear each other */
    bool down;
    event_fn receive; /* with the packet in the event */
    void *owner;
};

struct disorder {
    double loss;      /* probability on each link that a packet passes */
    double duplicate; /* probability that a packet is delivered twice */
    double overtaken; /* probability that a packet waits up to ... */
    int64_t wait_ns;  /* ... this long in the bridge */
};

struct medium {
    struct queue *queue;
    struct random *random;
    struct disorder disorder;
    unsigned nodes;
    struct link links[NODES_MAX];
};

void medium_init(struct medium *m, struct queue *queue, struct random *random);

/* Returns the number of the node. */
unsigned medium_attach(struct medium *m, event_fn receive, void *owner, int64_t delay_ns);

/* p->from sends p now. */
void medium_send(struct medium *m, const struct packet *p);

#endif
