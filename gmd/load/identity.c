/* SPDX-License-Identifier: BSD-2-Clause */
/* kind, a mark, tag; then the index. */
#include "gmd/load/identity.h"

#include "gmd/load/octets.h"

#define MARK 0x67

struct identity_prefix identity_prefix(enum identity_kind kind, uint16_t tag)
{
    const uint32_t kind_and_mark = (uint32_t)kind << 24 | MARK << 16;
    if (kind == IDENTITY_FORGED)
        return (struct identity_prefix){kind_and_mark, 0xFFFF0000};
    return (struct identity_prefix){kind_and_mark | tag, 0xFFFFFFFF};
}

/* A number that looks random, another one for each i (splitmix64's finish). */
static uint64_t scatter(uint64_t i)
{
    i = (i + 1) * 0x9E3779B97F4A7C15ULL;
    i = (i ^ i >> 30) * 0xBF58476D1CE4E5B9ULL;
    i = (i ^ i >> 27) * 0x94D049BB133111EBULL;
    return i ^ i >> 31;
}

struct port_identity identity_make(enum identity_kind kind, uint16_t tag, uint32_t index)
{
    struct port_identity id = {.port = 1};
    uint32_t head = identity_prefix(kind, tag).value;
    if (kind == IDENTITY_FORGED) {
        const uint64_t random = scatter((uint64_t)tag << 32 | index);
        head |= (uint32_t)(random >> 32 & 0xFFFF);
        index = (uint32_t)random;
    }
    put_u32(id.clock.id, head);
    put_u32(id.clock.id + 4, index);
    return id;
}

bool identity_index(const struct port_identity *id, enum identity_kind kind, uint16_t tag, uint32_t *index)
{
    const struct identity_prefix prefix = identity_prefix(kind, tag);
    *index = get_u32(id->clock.id + 4);
    return (get_u32(id->clock.id) & prefix.mask) == prefix.value && id->port == 1;
}
