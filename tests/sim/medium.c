/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/medium.h"

#include <assert.h>

#include "gmd/ptp/frame.h"

#define RESIDENCE_MIN_NS  500
#define RESIDENCE_MAX_NS  5000
#define CORRECTION_OFFSET 8 /* of the correctionField in the header, 8 octets of ns * 2^16 */

void medium_init(struct medium *m, struct queue *queue, struct random *random)
{
    *m = (struct medium){.queue = queue, .random = random};
}

unsigned medium_attach(struct medium *m, event_fn receive, void *owner, int64_t delay_ns)
{
    assert(m->nodes < NODES_MAX);
    m->links[m->nodes] = (struct link){.delay_ns = delay_ns, .receive = receive, .owner = owner};
    return m->nodes++;
}

static void add_correction(struct packet *p, int64_t residence_ns)
{
    uint8_t *field = &p->bytes[CORRECTION_OFFSET];
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | field[i];
    value += (uint64_t)residence_ns << 16;
    for (int i = 7; i >= 0; i--, value >>= 8)
        field[i] = (uint8_t)value;
}

static int64_t residence(struct medium *m)
{
    const struct disorder *d = &m->disorder;
    int64_t ns = random_between(m->random, RESIDENCE_MIN_NS, RESIDENCE_MAX_NS);
    if (random_chance(m->random, d->overtaken))
        ns += random_between(m->random, 0, d->wait_ns);
    return ns;
}

static void deliver(struct medium *m, const struct packet *p, unsigned to)
{
    const struct link *in = &m->links[p->from], *out = &m->links[to];
    if (random_chance(m->random, m->disorder.loss))
        return;
    struct event e = {.fire = out->receive, .owner = out->owner, .packet = *p};
    const int64_t wait_ns = residence(m);
    if (p->channel == CHANNEL_EVENT)
        add_correction(&e.packet, wait_ns);
    queue_post(m->queue, m->queue->now_ns + in->delay_ns + wait_ns + out->delay_ns, &e);
}

void medium_send(struct medium *m, const struct packet *p)
{
    const struct link *in = &m->links[p->from];
    if (in->down || random_chance(m->random, m->disorder.loss))
        return;
    for (unsigned to = 0; to < m->nodes; to++) {
        const struct link *out = &m->links[to];
        if (to == p->from || (!p->multicast && to != p->to) || out->down || out->group != in->group)
            continue;
        deliver(m, p, to);
        if (random_chance(m->random, m->disorder.duplicate))
            deliver(m, p, to);
    }
}
