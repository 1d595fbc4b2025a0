/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/clients_hash.h"

#include <endian.h>
#include <string.h>

unsigned hash_buckets(unsigned entries)
{
    unsigned count = 16;
    while (count < entries)
        count *= 2;
    return count;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

struct state {
    uint64_t a, b, c, d;
};

static void rounds(struct state *s, unsigned count)
{
    while (count-- > 0) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotate(s->b, 13) ^ s->a;
        s->d = rotate(s->d, 16) ^ s->c;
        s->a = rotate(s->a, 32) + s->d;
        s->c += s->b;
        s->d = rotate(s->d, 21) ^ s->a;
        s->b = rotate(s->b, 17) ^ s->c;
        s->c = rotate(s->c, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->d ^= word;
    rounds(s, 2);
    s->a ^= word;
}

uint64_t clients_hash(const struct hash_key *key, const void *bytes, size_t len)
{
    struct state s = {key->k[0] ^ 0x736f6d6570736575ULL, key->k[1] ^ 0x646f72616e646f6dULL,
                      key->k[0] ^ 0x6c7967656e657261ULL, key->k[1] ^ 0x7465646279746573ULL};
    const uint8_t *at = bytes, *whole = at + len / 8 * 8;
    uint64_t word;
    for (; at < whole; at += 8) {
        memcpy(&word, at, 8);
        absorb(&s, le64toh(word));
    }
    word = 0;
    memcpy(&word, at, len % 8);
    absorb(&s, le64toh(word) | (uint64_t)len << 56);
    s.c ^= 0xFF;
    rounds(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}
