/* SPDX-License-Identifier: BSD-2-Clause */
/* The client table: chained hashing over a fixed array, and a list from the newest to the longest idle. */
#include "gmd/ptp/clients.h"

#include <math.h>
#include <string.h>

#define BUCKETS       2048 /* twice the clients: short chains */
#define NONE          UINT16_MAX
#define RATE_WINDOW_S 10.0
#define KEY_BYTES     (8 + 2 + 1 + 16 + 4 + 2)

_Static_assert(CLIENTS_MAX < NONE, "indices are 16 bits");

struct slot {
    struct client client;
    uint16_t next;         /* in the bucket */
    uint16_t newer, older; /* by last request */
};

struct clients {
    uint64_t key[2];
    uint64_t evicted;
    uint16_t count; /* slots in use: the first ones */
    uint16_t newest, oldest;
    uint16_t buckets[BUCKETS];
    struct slot slots[CLIENTS_MAX];
};

size_t clients_size(void)
{
    return sizeof(struct clients);
}

void clients_init(struct clients *c, uint64_t seed)
{
    memset(c, 0, sizeof(*c));
    c->key[0] = seed;
    c->key[1] = seed * 0x9E3779B97F4A7C15ULL ^ 0x6A09E667F3BCC908ULL;
    c->newest = c->oldest = NONE;
    memset(c->buckets, 0xFF, sizeof(c->buckets)); /* NONE */
}

/* ---- hash: SipHash-2-4 (Aumasson, Bernstein 2012), because strangers choose the keys ---- */

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], unsigned rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t sip_word(const uint8_t *bytes, size_t len)
{
    uint64_t w = 0;
    for (size_t i = 0; i < len; i++)
        w |= (uint64_t)bytes[i] << (8 * i);
    return w;
}

static uint64_t sip_hash(const uint64_t key[2], const uint8_t *bytes, size_t len)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
                     key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL};
    size_t whole = len / 8 * 8;
    for (size_t at = 0; at <= whole; at += 8) {
        uint64_t w =
            at < whole ? sip_word(bytes + at, 8) : sip_word(bytes + whole, len - whole) | (uint64_t)len << 56;
        v[3] ^= w;
        sip_rounds(v, 2);
        v[0] ^= w;
    }
    v[2] ^= 0xFF;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint16_t *bucket_of(struct clients *c, const struct client *who)
{
    uint8_t key[KEY_BYTES], *k = key;
    memcpy(k, who->identity.clock.id, 8);
    k += 8;
    memcpy(k, &who->identity.port, 2);
    k += 2;
    *k++ = who->address.family;
    memcpy(k, who->address.bytes, 16);
    k += 16;
    memcpy(k, &who->address.scope, 4);
    k += 4;
    memcpy(k, &who->port, 2);
    return &c->buckets[sip_hash(c->key, key, sizeof(key)) % BUCKETS];
}

static bool same_client(const struct client *a, const struct client *b)
{
    return memcmp(a->identity.clock.id, b->identity.clock.id, 8) == 0 &&
           a->identity.port == b->identity.port && a->address.family == b->address.family &&
           memcmp(a->address.bytes, b->address.bytes, 16) == 0 && a->address.scope == b->address.scope &&
           a->port == b->port;
}

/* ---- order by last request ---- */

static void unlink_slot(struct clients *c, uint16_t i)
{
    struct slot *s = &c->slots[i];
    *(s->newer == NONE ? &c->newest : &c->slots[s->newer].older) = s->older;
    *(s->older == NONE ? &c->oldest : &c->slots[s->older].newer) = s->newer;
}

static void link_newest(struct clients *c, uint16_t i)
{
    c->slots[i].newer = NONE;
    c->slots[i].older = c->newest;
    *(c->newest == NONE ? &c->oldest : &c->slots[c->newest].newer) = i;
    c->newest = i;
}

/* ---- slots ---- */

static uint16_t find(struct clients *c, uint16_t bucket, const struct client *who)
{
    uint16_t i = bucket;
    while (i != NONE && !same_client(&c->slots[i].client, who))
        i = c->slots[i].next;
    return i;
}

static uint16_t evict_oldest(struct clients *c)
{
    uint16_t victim = c->oldest;
    uint16_t *at = bucket_of(c, &c->slots[victim].client);
    while (*at != victim)
        at = &c->slots[*at].next;
    *at = c->slots[victim].next;
    unlink_slot(c, victim);
    c->evicted++;
    return victim;
}

static uint16_t insert(struct clients *c, uint16_t *bucket, const struct client *who)
{
    uint16_t i = c->count < CLIENTS_MAX ? c->count++ : evict_oldest(c);
    c->slots[i] = (struct slot){.client = *who, .next = *bucket};
    *bucket = i;
    return i;
}

/* The plain mean since the first request until the window is full, then an exponential mean over the window.
 * Each request brings weight * 1/dt, which tends to 1/window as dt goes to 0: bursts are no singularity. */
static void update_rate(struct client *cl, int64_t now_ns)
{
    double age_s = (double)(now_ns - cl->first_seen_ns) / NS_PER_S;
    double dt_s = (double)(now_ns - cl->last_seen_ns) / NS_PER_S;
    if (age_s <= 0)
        return;
    if (age_s < RATE_WINDOW_S) {
        cl->rate_hz = (double)cl->requests / age_s;
        return;
    }
    double weight = -expm1(-dt_s / RATE_WINDOW_S);
    cl->rate_hz += (dt_s > 0 ? weight / dt_s : 1 / RATE_WINDOW_S) - weight * cl->rate_hz;
}

struct client *clients_request(struct clients *c, const struct port_identity *id, const struct address *from,
                               enum client_mode mode, uint16_t port, int64_t now_ns)
{
    const struct client who = {
        .identity = *id, .address = *from, .port = port, .first_seen_ns = now_ns, .last_seen_ns = now_ns};
    uint16_t *bucket = bucket_of(c, &who);
    uint16_t i = find(c, *bucket, &who);
    if (i == NONE)
        i = insert(c, bucket, &who);
    else
        unlink_slot(c, i);
    link_newest(c, i);

    struct client *cl = &c->slots[i].client;
    update_rate(cl, now_ns);
    cl->mode = (uint8_t)mode;
    cl->last_seen_ns = now_ns;
    cl->requests++;
    return cl;
}

/* ---- looking at it ---- */

const struct client *clients_next(const struct clients *c, size_t *cursor)
{
    return *cursor < c->count ? &c->slots[(*cursor)++].client : NULL;
}

size_t clients_count(const struct clients *c)
{
    return c->count;
}

size_t clients_active(const struct clients *c, int64_t now_ns, int64_t window_ns)
{
    size_t n = 0;
    for (uint16_t i = c->newest; i != NONE && now_ns - c->slots[i].client.last_seen_ns <= window_ns;
         i = c->slots[i].older)
        n++;
    return n;
}

uint64_t clients_evicted(const struct clients *c)
{
    return c->evicted;
}

const char *client_mode_name(enum client_mode mode)
{
    static const char *const names[] = {
        [CLIENT_MULTICAST] = "multicast", [CLIENT_HYBRID] = "hybrid", [CLIENT_PEER] = "peer"};
    return (unsigned)mode < sizeof(names) / sizeof(names[0]) ? names[mode] : "?";
}
