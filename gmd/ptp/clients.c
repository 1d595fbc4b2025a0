/* SPDX-License-Identifier: BSD-2-Clause */
/* The client table: chained hashing over a fixed array, and one list for each standing, from the newest to
 * the longest idle. */
#include "gmd/ptp/clients.h"

#include <string.h>

#include "gmd/ptp/wire.h"

#define NONE UINT16_MAX

#define LISTS          3 /* misfit, newcomer, established */
#define IDENTITY_BYTES 12

/* Held clients at the end of a list that are passed over in one search for room. */
#define PASSED_OVER 8

/* An established client that was silent for so long is forgotten. */
#define FORGET_NS (86400 * NS_PER_S)

/* Two addresses within this time are one conflict. */
#define CONFLICT_NS (60 * NS_PER_S)
/* One sequence of sequenceIds may skip so many. */
#define SEQUENCE_GAP 8

_Static_assert(CLIENTS_CAPACITY_MAX < NONE, "numbers are 16 bits");

struct links {
    uint16_t next;         /* in the bucket, or free */
    uint16_t newer, older; /* in the list of its standing, by when it was heard last */
    uint16_t source;
    uint16_t speaker; /* its identity's place among the speakers */
    uint16_t next_changed;
};

/* Of a place of the table. */
enum change {
    CHANGED = 1, /* since it was fetched */
    ANOTHER = 2, /* client than was told of */
    TOLD = 4,    /* the one who fetches knows a client here */
};

struct list {
    uint16_t newest, oldest;
    uint16_t count;
};

struct clients {
    struct clients_config config;
    struct clients_counters counters;
    struct client strangers;
    struct list lists[LISTS];
    struct sources sources;
    uint16_t used, free; /* records ever used, the first ones; of these, those free again */
    uint16_t mask;       /* of buckets and speakers */
    struct client *all;
    struct links *links;
    uint16_t *buckets;
    uint16_t *speakers; /* by identity alone: who used it last */
    uint8_t *changes;   /* enum change */
    uint16_t changed_first, changed_last;
};

size_t clients_size(unsigned capacity)
{
    return sizeof(struct clients) + capacity * (sizeof(struct client) + sizeof(struct links) + 1) +
           sources_size(capacity) + hash_buckets(capacity) * (sizeof(uint16_t) + sizeof(uint16_t));
}

void clients_init(struct clients *c, const struct clients_config *config)
{
    unsigned capacity = config->capacity, buckets = hash_buckets(capacity);
    c->config = *config;
    c->free = c->changed_first = NONE;
    c->mask = (uint16_t)(buckets - 1);
    c->strangers.standing = CLIENT_STRANGER;
    for (unsigned i = 0; i < LISTS; i++)
        c->lists[i] = (struct list){.newest = NONE, .oldest = NONE};

    uint8_t *at = (uint8_t *)(c + 1);
    c->all = (struct client *)at;
    at += capacity * sizeof(struct client);
    sources_init(&c->sources, at, capacity, &c->config.key);
    at += sources_size(capacity);
    c->links = (struct links *)at;
    at += capacity * sizeof(struct links);
    c->buckets = (uint16_t *)at;
    c->speakers = c->buckets + buckets;
    c->changes = (uint8_t *)(c->speakers + buckets);
    memset(c->buckets, 0xFF, buckets * sizeof(uint16_t)); /* NONE */
    memset(c->speakers, 0xFF, buckets * sizeof(uint16_t));
}

/* ---- finding ---- */

static size_t put_identity(uint8_t *key, const struct port_identity *identity, uint16_t port)
{
    memcpy(key, identity->clock.id, 8);
    memcpy(key + 8, &identity->port, 2);
    memcpy(key + 10, &port, 2);
    return IDENTITY_BYTES;
}

static uint16_t *bucket_of(const struct clients *c, const struct port_identity *identity,
                           const struct address *from, uint16_t port)
{
    uint8_t key[IDENTITY_BYTES + ADDRESS_KEY_BYTES];
    size_t len = put_identity(key, identity, port);
    len += address_key(from, key + len);
    return &c->buckets[clients_hash(&c->config.key, key, len) & c->mask];
}

static uint16_t speaker_of(const struct clients *c, const struct port_identity *identity, uint16_t port)
{
    uint8_t key[IDENTITY_BYTES];
    put_identity(key, identity, port);
    return clients_hash(&c->config.key, key, sizeof(key)) & c->mask;
}

static bool same_identity(const struct client *cl, const struct port_identity *identity, uint16_t port)
{
    return memcmp(cl->identity.clock.id, identity->clock.id, 8) == 0 && cl->identity.port == identity->port &&
           cl->port == port;
}

static uint16_t find(const struct clients *c, uint16_t i, const struct port_identity *identity,
                     const struct address *from, uint16_t port)
{
    while (i != NONE &&
           !(same_identity(&c->all[i], identity, port) && address_same(&c->all[i].address, from)))
        i = c->links[i].next;
    return i;
}

struct client *clients_find(struct clients *c, const struct port_identity *identity,
                            const struct address *from, uint16_t port)
{
    uint16_t i = find(c, *bucket_of(c, identity, from, port), identity, from, port);
    return i == NONE ? NULL : &c->all[i];
}

/* ---- lists ---- */

static struct list *list_of(struct clients *c, uint16_t i)
{
    return &c->lists[c->all[i].standing];
}

static void unlink_client(struct clients *c, uint16_t i)
{
    struct list *list = list_of(c, i);
    struct links *l = &c->links[i];
    *(l->newer == NONE ? &list->newest : &c->links[l->newer].older) = l->older;
    *(l->older == NONE ? &list->oldest : &c->links[l->older].newer) = l->newer;
    list->count--;
}

static void link_newest(struct clients *c, uint16_t i)
{
    struct list *list = list_of(c, i);
    c->links[i].newer = NONE;
    c->links[i].older = list->newest;
    *(list->newest == NONE ? &list->oldest : &c->links[list->newest].newer) = i;
    list->newest = i;
    list->count++;
}

static void touch(struct clients *c, uint16_t i)
{
    if (list_of(c, i)->newest == i)
        return;
    unlink_client(c, i);
    link_newest(c, i);
}

/* ---- what is told to an enforcement elsewhere ---- */

static void mark_changed(struct clients *c, uint16_t i, uint8_t flags)
{
    if (!(c->changes[i] & CHANGED)) {
        *(c->changed_first == NONE ? &c->changed_first : &c->links[c->changed_last].next_changed) = i;
        c->changed_last = i;
        c->links[i].next_changed = NONE;
    }
    c->changes[i] |= CHANGED | flags;
}

/* Free places are a misfit's, with nothing seen. */
static bool is_told_of(const struct client *cl)
{
    return cl->standing != CLIENT_MISFIT || cl->granted;
}

static bool describe_change(struct clients *c, uint16_t i, struct client_change *change)
{
    const struct client *cl = &c->all[i];
    bool told = c->changes[i] & TOLD, is_new = !told || c->changes[i] & ANOTHER;
    c->changes[i] = is_told_of(cl) ? TOLD : 0;
    c->changed_first = c->links[i].next_changed;
    *change = (struct client_change){.index = i};
    if (!is_told_of(cl))
        return told;
    change->client = cl;
    change->is_new = is_new;
    return true;
}

bool clients_next_change(struct clients *c, struct client_change *change)
{
    while (c->changed_first != NONE)
        if (describe_change(c, c->changed_first, change))
            return true;
    return false;
}

bool clients_is_as_told(const struct clients *c, unsigned index)
{
    return (c->changes[index] & (TOLD | ANOTHER)) == TOLD;
}

/* ---- standing and interval ---- */

static int8_t sane_interval(int8_t log_interval)
{
    if (log_interval < CLIENT_LOG_MIN)
        return CLIENT_LOG_MIN;
    return log_interval > CLIENT_LOG_MAX ? CLIENT_LOG_MAX : log_interval;
}

static void set_interval(struct clients *c, struct client *cl, int8_t log_interval)
{
    cl->log_interval = sane_interval(log_interval);
    if (cl->standing != CLIENT_STRANGER)
        mark_changed(c, (uint16_t)(cl - c->all), 0);
}

static void set_standing(struct clients *c, uint16_t i, enum client_standing standing)
{
    unlink_client(c, i);
    c->all[i].standing = (uint8_t)standing;
    link_newest(c, i);
    mark_changed(c, i, 0);
}

/* ---- making room ---- */

static void evict(struct clients *c, uint16_t i)
{
    struct client *cl = &c->all[i];
    uint16_t *at = bucket_of(c, &cl->identity, &cl->address, cl->port);
    while (*at != i)
        at = &c->links[*at].next;
    *at = c->links[i].next;

    unlink_client(c, i);
    mark_changed(c, i, ANOTHER);
    sources_leave(&c->sources, c->links[i].source);
    uint16_t *speaker = &c->speakers[c->links[i].speaker];
    if (*speaker == i)
        *speaker = NONE;
    memset(cl, 0, sizeof(*cl));
    c->links[i].next = c->free;
    c->free = i;
    c->counters.evicted++;
}

/* The one of this standing that was idle for longest, and for idle_ns at least; NONE. Those with grants get
 * behind the others. */
static uint16_t oldest_idle(struct clients *c, enum client_standing standing, int64_t idle_ns, int64_t now_ns)
{
    struct list *list = &c->lists[standing];
    for (unsigned passed = 0; passed < PASSED_OVER && list->oldest != NONE; passed++) {
        uint16_t i = list->oldest;
        if (!c->all[i].held)
            return now_ns - c->all[i].last_seen_ns >= idle_ns ? i : NONE;
        touch(c, i);
    }
    return NONE;
}

static bool is_full(const struct clients *c)
{
    return c->free == NONE && c->used == c->config.capacity;
}

/* Whose place a new one of this standing may take; NONE: nobody's. */
static uint16_t find_victim(struct clients *c, enum client_standing standing, int64_t now_ns)
{
    uint16_t victim = oldest_idle(c, CLIENT_MISFIT, 0, now_ns);
    if (victim == NONE && standing != CLIENT_MISFIT)
        victim = oldest_idle(c, CLIENT_ESTABLISHED, c->config.idle_ns, now_ns);
    if (victim == NONE && standing != CLIENT_MISFIT)
        victim = oldest_idle(c, CLIENT_NEWCOMER, PROBATION_HOLD_NS, now_ns);
    return victim;
}

/* Who does not come back is forgotten in time even where there is room: a host whose identity is another one
 * after each restart must not use up what its address may have. One of each standing with each new client. */
static void forget_idle(struct clients *c, int64_t now_ns)
{
    const int64_t idle_ns[LISTS] = {c->config.idle_ns, c->config.idle_ns, FORGET_NS};
    for (unsigned standing = 0; standing < LISTS; standing++) {
        uint16_t i = oldest_idle(c, standing, idle_ns[standing], now_ns);
        if (i != NONE)
            evict(c, i);
    }
}

static struct client *insert(struct clients *c, const struct client_request *r, enum client_standing standing,
                             int64_t now_ns)
{
    forget_idle(c, now_ns);
    uint16_t victim = is_full(c) ? find_victim(c, standing, now_ns) : NONE;
    if (is_full(c) && victim == NONE)
        return NULL;
    if (sources_clients(&c->sources, &r->from) >= c->config.per_address) {
        c->counters.address_full++;
        return NULL;
    }
    if (victim != NONE)
        evict(c, victim);

    uint16_t i = c->free;
    if (i != NONE)
        c->free = c->links[i].next;
    else
        i = c->used++;
    uint16_t *bucket = bucket_of(c, &r->identity, &r->from, r->port);
    c->all[i] = (struct client){.identity = r->identity,
                                .port = r->port,
                                .address = r->from,
                                .standing = (uint8_t)standing,
                                .log_interval = sane_interval(r->log_interval),
                                .first_seen_ns = now_ns,
                                .last_seen_ns = now_ns};
    struct links *l = &c->links[i];
    l->next = *bucket;
    l->source = sources_join(&c->sources, &r->from);
    l->speaker = speaker_of(c, &r->identity, r->port);
    *bucket = i;
    link_newest(c, i);
    mark_changed(c, i, 0);
    return &c->all[i];
}

/* ---- standing ---- */

/* An eighth of the table stays for newcomers. */
static bool room_for_established(struct clients *c, int64_t now_ns)
{
    unsigned most = c->config.capacity - c->config.capacity / 8;
    if (c->lists[CLIENT_ESTABLISHED].count < most)
        return true;
    uint16_t idle = oldest_idle(c, CLIENT_ESTABLISHED, c->config.idle_ns, now_ns);
    if (idle == NONE)
        return false;
    evict(c, idle);
    return true;
}

static void review_standing(struct clients *c, struct client *cl, int64_t now_ns)
{
    if (cl->standing == CLIENT_NEWCOMER && cl->seconds_seen >= CLIENT_PROBATION &&
        room_for_established(c, now_ns))
        set_standing(c, (uint16_t)clients_index(c, cl), CLIENT_ESTABLISHED);
}

/* ---- faults ---- */

static void note_faults(struct clients *c, struct client *cl, uint8_t faults, int64_t now_ns)
{
    cl->faults |= faults;
    for (unsigned i = 0; faults >> i != 0; i++) {
        if (!(faults >> i & 1))
            continue;
        struct clients_fault *f = &c->counters.faults[i];
        f->count++;
        f->last_ns = now_ns;
        f->identity = cl->identity;
        f->address = cl->address;
    }
}

/* Does this identity come from two addresses? The last one who spoke for it is remembered, no more: enough
 * where both speak. Sequence ids that go on tell one client from two. */
static void check_identity(struct clients *c, struct client *cl, uint16_t sequence_id, int64_t now_ns)
{
    uint16_t i = (uint16_t)clients_index(c, cl), *speaker = &c->speakers[c->links[i].speaker];
    if (*speaker == i)
        return;
    struct client *last = *speaker == NONE ? NULL : &c->all[*speaker];
    *speaker = i;
    if (last == NULL || !same_identity(last, &cl->identity, cl->port) ||
        now_ns - last->last_seen_ns > CONFLICT_NS)
        return;
    uint16_t gap = (uint16_t)(sequence_id - last->sequence_id);
    uint8_t fault = gap >= 1 && gap <= SEQUENCE_GAP ? FAULT_TWO_ADDRESSES : FAULT_CLONED;
    last->faults |= fault;
    note_faults(c, cl, fault, now_ns);
}

/* ---- being asked ---- */

static struct client *find_or_insert(struct clients *c, const struct client_request *r,
                                     enum client_standing standing, int64_t now_ns)
{
    struct client *cl = clients_find(c, &r->identity, &r->from, r->port);
    if (cl != NULL) {
        touch(c, (uint16_t)clients_index(c, cl));
        return cl;
    }
    cl = insert(c, r, standing, now_ns);
    if (cl != NULL)
        return cl;
    c->counters.strangers++;
    return &c->strangers;
}

/* A misfit that asks as it should is a newcomer after all. */
static struct client *greet(struct clients *c, const struct client_request *r, int64_t now_ns)
{
    struct client *cl = find_or_insert(c, r, CLIENT_NEWCOMER, now_ns);
    if (cl->standing == CLIENT_MISFIT) {
        cl->seconds_seen = 0;
        set_standing(c, (uint16_t)clients_index(c, cl), CLIENT_NEWCOMER);
    }
    if (!cl->granted && cl->log_interval != sane_interval(r->log_interval))
        set_interval(c, cl, r->log_interval);
    return cl;
}

struct client *clients_request(struct clients *c, const struct client_request *r, int64_t now_ns)
{
    struct client *cl = greet(c, r, now_ns);
    if (cl->standing == CLIENT_STRANGER) {
        client_asked(cl, r->sequence_id, now_ns);
        return cl;
    }
    check_identity(c, cl, r->sequence_id, now_ns);
    client_set_mode(cl, r->mode);
    uint8_t faults = client_asked(cl, r->sequence_id, now_ns);
    if (faults != 0)
        note_faults(c, cl, faults, now_ns);
    review_standing(c, cl, now_ns);
    return cl;
}

struct client *clients_meet(struct clients *c, const struct client_request *r, int64_t now_ns)
{
    struct client *cl = greet(c, r, now_ns);
    if (cl->standing == CLIENT_STRANGER)
        return cl;
    if (cl->requests == 0)
        cl->mode = r->mode;
    client_seen(cl, now_ns);
    review_standing(c, cl, now_ns);
    return cl;
}

void clients_misfit(struct clients *c, const struct client_request *r, enum client_fault fault,
                    int64_t now_ns)
{
    struct client *cl = find_or_insert(c, r, CLIENT_MISFIT, now_ns);
    if (cl->requests == 0)
        cl->mode = r->mode;
    client_asked(cl, r->sequence_id, now_ns);
    client_refuse(cl, REFUSED_MISFIT);
    if (cl->standing != CLIENT_STRANGER)
        note_faults(c, cl, fault, now_ns);
}

void clients_set_grant(struct clients *c, struct client *cl, bool held, int8_t log_interval)
{
    bool granted = log_interval != LOG_INTERVAL_NONE;
    bool changes = granted != cl->granted || (granted && log_interval != cl->log_interval);
    cl->held = held;
    cl->granted = granted;
    if (changes)
        set_interval(c, cl, granted ? log_interval : cl->log_interval);
}

void clients_asked_elsewhere(struct clients *c, unsigned index, const struct client_elsewhere *e,
                             int64_t now_ns)
{
    if (e->requests == 0)
        return;
    touch(c, (uint16_t)index);
    uint8_t faults = client_asked_elsewhere(&c->all[index], e, now_ns);
    if (faults != 0)
        note_faults(c, &c->all[index], faults, now_ns);
}

/* ---- looking at it ---- */

unsigned clients_index(const struct clients *c, const struct client *cl)
{
    return cl == &c->strangers ? c->config.capacity : (unsigned)(cl - c->all);
}

struct client *clients_at(struct clients *c, unsigned index)
{
    return &c->all[index];
}

unsigned clients_capacity(const struct clients *c)
{
    return c->config.capacity;
}

/* Free records are all zero. */
const struct client *clients_next(const struct clients *c, size_t *cursor)
{
    while (*cursor < c->used) {
        const struct client *cl = &c->all[(*cursor)++];
        if (cl->seconds_seen > 0)
            return cl;
    }
    return NULL;
}

unsigned clients_used(const struct clients *c)
{
    return c->used;
}

size_t clients_count(const struct clients *c)
{
    size_t count = 0;
    for (unsigned i = 0; i < LISTS; i++)
        count += c->lists[i].count;
    return count;
}

size_t clients_active(const struct clients *c, int64_t now_ns, int64_t window_ns)
{
    size_t n = 0;
    for (unsigned k = 0; k < LISTS; k++) {
        uint16_t i = c->lists[k].newest;
        for (; i != NONE && now_ns - c->all[i].last_seen_ns <= window_ns; i = c->links[i].older)
            n++;
    }
    return n;
}

const struct client *clients_strangers(const struct clients *c)
{
    return &c->strangers;
}

const struct clients_counters *clients_counters(const struct clients *c)
{
    return &c->counters;
}

unsigned clients_of_standing(const struct clients *c, enum client_standing standing)
{
    return c->lists[standing].count;
}
