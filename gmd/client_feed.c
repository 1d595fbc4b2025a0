/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/client_feed.h"

#include <stdlib.h>

#include "gmd/ptp/wire.h"

#define CHANGES_PER_CALL 64 /* each a system call or two */

/* One place of the table. */
struct place {
    uint32_t answered, refused; /* of the guard's counts, modulo 2^32, what the table knows */
    uint8_t rank;               /* enum client_rank, as the guard was told */
    bool fed;
};

struct client_feed {
    struct guard *guard;
    unsigned capacity, next; /* next: whose counts to look at */
    struct place places[];
};

struct client_feed *client_feed_new(struct guard *g, unsigned capacity)
{
    struct client_feed *f = calloc(1, sizeof(*f) + capacity * sizeof(f->places[0]));
    if (f) {
        f->guard = g;
        f->capacity = capacity;
    }
    return f;
}

void client_feed_free(struct client_feed *f)
{
    free(f);
}

static void tell(struct client_feed *f, const struct client_change *change)
{
    struct place *p = &f->places[change->index];
    if (!change->client) {
        guard_forget(f->guard, change->index);
        *p = (struct place){.fed = false};
    } else if (p->fed && !change->is_new) {
        guard_change(f->guard, change->index, change->rate_hz, change->burst, (uint8_t)change->rank);
        p->rank = (uint8_t)change->rank;
    } else {
        const struct guard_client c = {
            .identity = change->client->identity,
            .address = change->client->address,
            .port = change->client->port - 1u,
            .rate_hz = change->rate_hz,
            .burst = change->burst,
            .rank = (uint8_t)change->rank,
            .log_message_interval = LOG_INTERVAL_NONE,
        };
        *p = (struct place){.fed = guard_allow(f->guard, change->index, &c) == 0, .rank = c.rank};
    }
}

void client_feed_changes(struct client_feed *f, struct clients *c)
{
    struct client_change change;
    for (int i = 0; f && i < CHANGES_PER_CALL && clients_next_change(c, &change); i++)
        tell(f, &change);
}

/* Who has become a senior meanwhile. */
static void review_rank(struct client_feed *f, const struct client *cl, unsigned index)
{
    const uint8_t rank = (uint8_t)client_rank(cl);
    if (rank == f->places[index].rank)
        return;
    guard_change(f->guard, index, client_allowance(cl->log_interval) * RATE_UNIT_HZ, CLIENT_BURST, rank);
    f->places[index].rank = rank;
}

static void account(struct client_feed *f, struct clients *c, unsigned index, int64_t now_ns)
{
    struct place *p = &f->places[index];
    const struct guard_counts counts = guard_read(f->guard, index);
    const uint32_t answered = (uint32_t)counts.answered - p->answered;
    const uint32_t refused = (uint32_t)counts.refused - p->refused;
    if (answered > 0 || refused > 0)
        clients_asked_elsewhere(c, index, (uint64_t)answered + refused, answered, now_ns);
    p->answered += answered;
    p->refused += refused;
}

void client_feed_counts(struct client_feed *f, struct clients *c, int64_t now_ns)
{
    if (!f)
        return;
    for (unsigned i = 0; i <= f->capacity / CLIENT_FEED_PARTS; i++) {
        if (f->places[f->next].fed) {
            account(f, c, f->next, now_ns);
            review_rank(f, clients_at(c, f->next), f->next);
        }
        f->next = (f->next + 1) % f->capacity;
    }
}
