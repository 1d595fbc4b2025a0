/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/client_feed.h"

#include <stdlib.h>

#include "gmd/ptp/respond.h"

#define CHANGES_PER_CALL 64  /* each a system call or two */
#define PLACES_PER_CALL  256 /* some 40 us: Sync must not wait for more */
#define PARTS            ((CLIENTS_CAPACITY_MAX + PLACES_PER_CALL - 1) / PLACES_PER_CALL)

/* One place of the table. */
struct place {
    uint32_t answered, refused, held_back, crowded; /* of the guard's counts, modulo 2^32, what is known */
    float rate_hz;                                  /* this and what follows: as the guard was told */
    uint8_t rank, ways;
    bool fed;
};

struct client_feed {
    struct guard *guard;
    unsigned part; /* of PLACES_PER_CALL places, to be looked at next */
    int64_t looked_ns[PARTS];
    bool helped[INSTANCE_PORTS_MAX];
    struct budget_elsewhere elsewhere;
    struct place places[];
};

struct client_feed *client_feed_new(struct guard *g, unsigned capacity)
{
    struct client_feed *f = calloc(1, sizeof(*f) + capacity * sizeof(f->places[0]));
    if (f)
        f->guard = g;
    return f;
}

void client_feed_free(struct client_feed *f)
{
    free(f);
}

void client_feed_helped(struct client_feed *f, unsigned port, bool helped)
{
    if (f)
        f->helped[port] = helped;
}

/* --- to the guard -------------------------------------------------------------------------------------- */

_Static_assert((int)RESPOND_UNICAST == (int)KERNEL_UNICAST &&
                   (int)RESPOND_MULTICAST == (int)KERNEL_MULTICAST &&
                   (int)CLIENT_FIRST == (int)KERNEL_SENIOR && (int)CLIENT_LAST == (int)KERNEL_NEWCOMER,
               "the kernel's names for the same");

/* Whom the daemon answers it holds to his fair share itself. */
static struct guard_terms terms_of(const struct client_feed *f, const struct instance *in,
                                   const struct client *cl, int64_t now_ns)
{
    const unsigned ways = f->helped[cl->port - 1] ? respond_elsewhere(in, cl, now_ns) : 0;
    const double rate_hz = ways ? budget_client_hz(&in->service->budget, cl) : client_allowed_hz(cl);
    const bool held = rate_hz < client_allowed_hz(cl);
    return (struct guard_terms){
        .rate_hz = rate_hz,
        .burst = held ? CLIENT_BURST_HELD : CLIENT_BURST,
        .held = held,
        .rank = (uint8_t)client_rank(cl),
        .ways = (uint8_t)ways,
    };
}

static void remember(struct place *p, const struct guard_terms *t)
{
    p->rate_hz = (float)t->rate_hz;
    p->rank = t->rank;
    p->ways = t->ways;
}

static void introduce(struct client_feed *f, unsigned index, const struct client *cl,
                      const struct guard_terms *terms)
{
    const struct guard_client c = {
        .identity = cl->identity,
        .address = cl->address,
        .port = cl->port - 1u,
        .terms = *terms,
        .log_message_interval = LOG_INTERVAL_NONE,
    };
    f->places[index] = (struct place){.fed = guard_allow(f->guard, index, &c) == 0};
    remember(&f->places[index], terms);
}

static void tell(struct client_feed *f, const struct instance *in, const struct client_change *change,
                 int64_t now_ns)
{
    struct place *p = &f->places[change->index];
    if (!change->client) {
        guard_forget(f->guard, change->index);
        *p = (struct place){.fed = false};
        return;
    }
    const struct guard_terms terms = terms_of(f, in, change->client, now_ns);
    if (p->fed && !change->is_new) {
        guard_change(f->guard, change->index, &terms);
        remember(p, &terms);
    } else
        introduce(f, change->index, change->client, &terms);
}

void client_feed_changes(struct client_feed *f, const struct instance *in, int64_t now_ns)
{
    struct client_change change;
    for (int i = 0; f && i < CHANGES_PER_CALL && clients_next_change(in->service->clients, &change); i++)
        tell(f, in, &change, now_ns);
}

static void review_terms(struct client_feed *f, const struct instance *in, unsigned index, int64_t now_ns)
{
    struct place *p = &f->places[index];
    const struct guard_terms terms = terms_of(f, in, clients_at(in->service->clients, index), now_ns);
    if (terms.rank == p->rank && terms.ways == p->ways && (float)terms.rate_hz == p->rate_hz)
        return;
    guard_change(f->guard, index, &terms);
    remember(p, &terms);
}

/* --- from the guard ------------------------------------------------------------------------------------ */

static void account(struct client_feed *f, const struct instance *in, unsigned index, int64_t now_ns)
{
    struct service *s = in->service;
    struct place *p = &f->places[index];
    struct client *cl = clients_at(s->clients, index);
    const struct guard_counts n = guard_read(f->guard, index);
    const uint32_t held_back = n.held_back - p->held_back;
    struct client_elsewhere e = {.answered = n.answered - p->answered,
                                 .refused_budget = n.crowded - p->crowded,
                                 .interval_s = n.interval_s,
                                 .jitter_s = n.jitter_s,
                                 .mode = n.way == KERNEL_MULTICAST ? CLIENT_MULTICAST : CLIENT_HYBRID,
                                 .sequence_id = n.sequence_id};
    e.requests = e.answered + e.refused_budget + held_back + n.refused - p->refused;
    if (e.requests == 0)
        return;
    if (p->ways || e.answered > 0 || held_back > 0)
        budget_book_elsewhere(&s->budget, &f->elsewhere, cl, &e, held_back, f->looked_ns[f->part], now_ns);
    clients_asked_elsewhere(s->clients, index, &e, now_ns);
    p->answered = n.answered;
    p->refused = n.refused;
    p->held_back = n.held_back;
    p->crowded = n.crowded;
}

static bool any_helped(const struct client_feed *f)
{
    bool any = false;
    for (unsigned i = 0; i < INSTANCE_PORTS_MAX; i++)
        any = any || f->helped[i];
    return any;
}

static void look_at(struct client_feed *f, const struct instance *in, unsigned index, bool helped,
                    int64_t now_ns)
{
    struct service *s = in->service;
    if (!f->places[index].fed || !clients_is_as_told(s->clients, index))
        return;
    account(f, in, index, now_ns);
    if (helped)
        budget_survey(&s->budget, &f->elsewhere, clients_at(s->clients, index), now_ns);
    review_terms(f, in, index, now_ns);
}

/* True: it was the last one. */
static bool look_at_part(struct client_feed *f, const struct instance *in, int64_t now_ns)
{
    struct service *s = in->service;
    const unsigned used = clients_used(s->clients), first = f->part * PLACES_PER_CALL;
    const unsigned end = used - first > PLACES_PER_CALL ? first + PLACES_PER_CALL : used;
    const bool helped = any_helped(f);
    for (unsigned i = first; i < end; i++)
        look_at(f, in, i, helped, now_ns);
    f->looked_ns[f->part] = now_ns;
    f->part = end < used ? f->part + 1 : 0;
    if (end == used)
        budget_take_elsewhere(&s->budget, &f->elsewhere, now_ns);
    return end == used;
}

bool client_feed_counts(struct client_feed *f, const struct instance *in, int64_t now_ns)
{
    return !f || look_at_part(f, in, now_ns);
}

void client_feed_all_counts(struct client_feed *f, const struct instance *in, int64_t now_ns)
{
    while (f && !look_at_part(f, in, now_ns))
        ;
}
