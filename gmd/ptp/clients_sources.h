/* SPDX-License-Identifier: BSD-2-Clause */
/* The source addresses of the clients, and how many clients each has. */
#ifndef GMD_PTP_CLIENTS_SOURCES_H
#define GMD_PTP_CLIENTS_SOURCES_H

#include "gmd/ptp/clients_hash.h"
#include "gmd/ptp/frame.h"

#define SOURCE_NONE UINT16_MAX

struct source {
    struct address address;
    uint16_t clients;
    uint16_t next; /* in its bucket, or free */
};

/* At most as many as there are clients. */
struct sources {
    const struct hash_key *key;
    uint16_t bucket_mask;
    uint16_t used, free; /* ever used, the first ones; of these, those free again */
    uint16_t *buckets;
    struct source *all;
};

/* The memory behind the struct, zeroed by the caller. capacity: 1..65534 */
size_t sources_size(unsigned capacity);
void sources_init(struct sources *s, void *memory, unsigned capacity, const struct hash_key *key);

/* Clients at this address. */
unsigned sources_clients(const struct sources *s, const struct address *address);

/* One client more at this address; returns the source's number. */
uint16_t sources_join(struct sources *s, const struct address *address);
/* One less. */
void sources_leave(struct sources *s, uint16_t number);

/* An address as octets to hash; returns how many, up to ADDRESS_KEY_BYTES. */
size_t address_key(const struct address *a, uint8_t *key);
#define ADDRESS_KEY_BYTES 21
bool address_same(const struct address *a, const struct address *b);

#endif
