/* SPDX-License-Identifier: BSD-2-Clause */
/* A binary heap of small entries over a pool of events. */
#include "tests/sim/queue.h"

#include <stdio.h>
#include <stdlib.h>

void queue_init(struct queue *q)
{
    q->now_ns = 0;
    q->posted = 0;
    q->count = 0;
    for (uint32_t i = 0; i < QUEUE_EVENTS_MAX; i++)
        q->free[i] = i;
}

static bool earlier(const struct queue_entry *a, const struct queue_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct queue_entry *a, struct queue_entry *b)
{
    const struct queue_entry t = *a;
    *a = *b;
    *b = t;
}

static void sift_up(struct queue *q, size_t i)
{
    while (i > 0) {
        const size_t parent = (i - 1) / 2;
        /* i is below QUEUE_EVENTS_MAX, by the check in queue_post */
        /* cppcheck-suppress arrayIndexOutOfBoundsCond */
        if (!earlier(&q->heap[i], &q->heap[parent]))
            return;
        swap(&q->heap[i], &q->heap[parent]);
        i = parent;
    }
}

static void sift_down(struct queue *q, size_t i)
{
    for (;;) {
        size_t first = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < q->count; child++)
            if (earlier(&q->heap[child], &q->heap[first]))
                first = child;
        if (first == i)
            return;
        swap(&q->heap[i], &q->heap[first]);
        i = first;
    }
}

void queue_post(struct queue *q, int64_t at_ns, const struct event *e)
{
    const size_t last = q->count;
    if (last >= QUEUE_EVENTS_MAX) {
        fprintf(stderr, "simulation: more than %d events wait\n", QUEUE_EVENTS_MAX);
        abort();
    }
    const uint32_t slot = q->free[last];
    q->slots[slot] = *e;
    q->heap[last] = (struct queue_entry){
        .at_ns = at_ns > q->now_ns ? at_ns : q->now_ns, .order = q->posted++, .slot = slot};
    q->count++;
    sift_up(q, last);
}

/* The event moves out of the pool first, as firing it posts others. */
static void fire_first(struct queue *q)
{
    const struct queue_entry first = q->heap[0];
    const struct event e = q->slots[first.slot];
    if (first.at_ns < q->now_ns) {
        fprintf(stderr, "simulation: time went back\n");
        abort();
    }
    q->heap[0] = q->heap[--q->count];
    q->free[q->count] = first.slot;
    sift_down(q, 0);
    q->now_ns = first.at_ns;
    e.fire(e.owner, &e);
}

void queue_run(struct queue *q, int64_t until_ns)
{
    while (q->count > 0 && q->heap[0].at_ns <= until_ns)
        fire_first(q);
    q->now_ns = until_ns;
}
