/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/clients_sources.h"

#include <string.h>

size_t sources_size(unsigned capacity)
{
    return capacity * sizeof(struct source) + hash_buckets(capacity) * sizeof(uint16_t);
}

void sources_init(struct sources *s, void *memory, unsigned capacity, const struct hash_key *key)
{
    *s = (struct sources){
        .key = key,
        .free = SOURCE_NONE,
        .bucket_mask = (uint16_t)(hash_buckets(capacity) - 1),
        .all = memory,
        .buckets = (uint16_t *)((struct source *)memory + capacity),
    };
    memset(s->buckets, 0xFF, hash_buckets(capacity) * sizeof(uint16_t)); /* SOURCE_NONE */
}

size_t address_key(const struct address *a, uint8_t *key)
{
    static const uint8_t lengths[] = {
        [ADDRESS_NONE] = 0, [ADDRESS_IPV4] = 4, [ADDRESS_IPV6] = 16, [ADDRESS_MAC] = 6};
    size_t len = lengths[a->family & 3];
    key[0] = a->family;
    memcpy(key + 1, a->bytes, len);
    if (a->family != ADDRESS_IPV6)
        return 1 + len;
    memcpy(key + 1 + len, &a->scope, sizeof(a->scope));
    return 1 + len + sizeof(a->scope);
}

bool address_same(const struct address *a, const struct address *b)
{
    return a->family == b->family && a->scope == b->scope &&
           memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static uint16_t *bucket_of(const struct sources *s, const struct address *a)
{
    uint8_t key[ADDRESS_KEY_BYTES];
    size_t len = address_key(a, key);
    return &s->buckets[clients_hash(s->key, key, len) & s->bucket_mask];
}

static uint16_t find(const struct sources *s, uint16_t i, const struct address *address)
{
    while (i != SOURCE_NONE && !address_same(&s->all[i].address, address))
        i = s->all[i].next;
    return i;
}

unsigned sources_clients(const struct sources *s, const struct address *address)
{
    uint16_t i = find(s, *bucket_of(s, address), address);
    return i == SOURCE_NONE ? 0 : s->all[i].clients;
}

uint16_t sources_join(struct sources *s, const struct address *address)
{
    uint16_t *bucket = bucket_of(s, address), i = find(s, *bucket, address);
    if (i == SOURCE_NONE) {
        i = s->free;
        if (i != SOURCE_NONE)
            s->free = s->all[i].next;
        else
            i = s->used++;
        s->all[i] = (struct source){.address = *address, .next = *bucket};
        *bucket = i;
    }
    s->all[i].clients++;
    return i;
}

void sources_leave(struct sources *s, uint16_t number)
{
    struct source *source = &s->all[number];
    if (--source->clients > 0)
        return;
    uint16_t *at = bucket_of(s, &source->address);
    while (*at != number)
        at = &s->all[*at].next;
    *at = source->next;
    source->next = s->free;
    s->free = number;
}
