/* SPDX-License-Identifier: BSD-2-Clause */
/* Each client has a ring of the times of its last requests. */
#include "gmd/load/population.h"

#include <stdlib.h>

#define WINDOW_MAX 65536 /* sequenceIds */

bool population_init(struct population *p, unsigned count, double rate_hz, int64_t timeout_ns)
{
    *p = (struct population){.count = count, .timeout_ns = timeout_ns, .window = 1};
    while (p->window < WINDOW_MAX && p->window < rate_hz * (double)timeout_ns / 1e9 + 1)
        p->window *= 2;
    p->clients = calloc(count, sizeof *p->clients);
    p->sent_ns = calloc((size_t)count * p->window, sizeof *p->sent_ns);
    for (unsigned i = 0; p->clients && i < count; i++) {
        struct load_client *c = &p->clients[i];
        c->log_min_delay_req_interval = LOG_INTERVAL_NONE;
        c->sync.shared_sequence = c->announce.shared_sequence = true;
    }
    return p->clients && p->sent_ns;
}

void population_free(struct population *p)
{
    free(p->clients);
    free(p->sent_ns);
    *p = (struct population){0};
}

static int64_t *place(const struct population *p, unsigned client, uint16_t sequence)
{
    return &p->sent_ns[(size_t)client * p->window + sequence % p->window];
}

static uint64_t half(uint16_t sequence)
{
    return 1ull << sequence % 64;
}

uint16_t population_sent(struct population *p, unsigned client, int64_t now_ns)
{
    struct load_client *c = &p->clients[client];
    c->sent++;
    c->halves &= ~half(c->sequence);
    *place(p, client, c->sequence) = now_ns;
    return c->sequence++;
}

void population_unsent(struct population *p, unsigned client)
{
    struct load_client *c = &p->clients[client];
    c->sent--;
    *place(p, client, --c->sequence) = 0;
}

bool population_answered(struct population *p, unsigned client, uint16_t sequence, int64_t now_ns)
{
    struct load_client *c = &p->clients[client];
    int64_t *sent_ns = place(p, client, sequence);
    const unsigned ago = (uint16_t)(c->sequence - sequence);
    if (!*sent_ns || ago < 1 || ago > p->window) {
        p->unasked++;
        return false;
    }
    const int64_t round_trip_ns = now_ns - *sent_ns;
    *sent_ns = 0;
    if (round_trip_ns > p->timeout_ns) {
        p->late++;
        return true;
    }
    c->answered++;
    __atomic_store_n(&p->answered, p->answered + 1, __ATOMIC_RELAXED); /* others look on */
    histogram_add(&p->round_trip, round_trip_ns);
    if (round_trip_ns > c->worst_ns)
        c->worst_ns = round_trip_ns;
    return true;
}

void population_half(struct population *p, unsigned client, uint16_t sequence)
{
    p->clients[client].halves |= half(sequence);
}

bool population_had_half(struct population *p, unsigned client, uint16_t sequence)
{
    uint64_t *halves = &p->clients[client].halves;
    const bool had = *halves & half(sequence);
    *halves &= ~half(sequence);
    return had;
}

bool population_expired(struct population *p, unsigned client, int64_t now_ns)
{
    int64_t *sent_ns = place(p, client, (uint16_t)(p->clients[client].sequence - 1));
    if (!*sent_ns || now_ns - *sent_ns <= p->timeout_ns)
        return false;
    *sent_ns = 0;
    return true;
}
