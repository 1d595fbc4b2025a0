/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual time: events in order of their time; those of one instant in the order in which they were posted.
 */
#ifndef GMD_SIM_QUEUE_H
#define GMD_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_BYTES_MAX 64
#define QUEUE_EVENTS_MAX 8192

/* A PTP message on its way. Nodes are numbered by the medium. */
struct packet {
    uint8_t from, to; /* to: with unicast */
    bool multicast;
    uint8_t channel; /* enum channel */
    uint16_t len;
    uint8_t bytes[PACKET_BYTES_MAX];
};

struct event;
typedef void (*event_fn)(void *owner, const struct event *e);

struct event {
    event_fn fire;
    void *owner;
    int64_t value;  /* what the owner wants to remember */
    uint32_t token; /* the same */
    uint32_t life;  /* of the owner at the posting: what is left of an earlier life comes to nothing */
    struct packet packet;
};

struct queue_entry {
    int64_t at_ns;
    uint64_t order;
    uint32_t slot;
};

struct queue {
    int64_t now_ns; /* since the beginning of the simulation */
    uint64_t posted;
    size_t count;
    struct queue_entry heap[QUEUE_EVENTS_MAX];
    uint32_t free[QUEUE_EVENTS_MAX];
    struct event slots[QUEUE_EVENTS_MAX];
};

void queue_init(struct queue *q);

/* at_ns in the past counts as now. Aborts when the queue is full. */
void queue_post(struct queue *q, int64_t at_ns, const struct event *e);

/* Fires all events up to until_ns, then it is until_ns. */
void queue_run(struct queue *q, int64_t until_ns);

#endif
