/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 (Aumasson, Bernstein 2012): strangers choose what is hashed, so the hash is keyed. */
#ifndef GMD_PTP_CLIENTS_HASH_H
#define GMD_PTP_CLIENTS_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k[2];
};

/* Buckets for so many entries: a power of two. */
unsigned hash_buckets(unsigned entries);

uint64_t clients_hash(const struct hash_key *key, const void *bytes, size_t len);

#endif
