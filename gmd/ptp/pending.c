/* SPDX-License-Identifier: BSD-2-Clause */
/* Two-step messages that wait for their transmit timestamp. */
#include "gmd/ptp/pending.h"

#include "gmd/ptp/wire.h"

#define HISTORY 64 /* bits of given_up */

static uint32_t age(const struct pending *p, uint32_t token)
{
    return p->next_token - 1 - token;
}

static void give_up(struct pending *p, struct pending_entry *e)
{
    uint32_t k = age(p, e->token);
    if (k < HISTORY)
        p->given_up |= 1ULL << k;
    e->used = false;
}

/* A free entry, or the oldest. */
static struct pending_entry *find_room(struct pending *p, unsigned first)
{
    struct pending_entry *oldest = &p->entries[first];
    for (unsigned i = first; i < PENDING_MAX; i++) {
        struct pending_entry *e = &p->entries[i];
        if (!e->used)
            return e;
        if (age(p, e->token) > age(p, oldest->token))
            oldest = e;
    }
    return oldest;
}

struct pending_entry *pending_add(struct pending *p, uint8_t message_type, unsigned *dropped)
{
    struct pending_entry *e = find_room(p, message_type == MSG_SYNC ? 0 : PENDING_SYNC_ONLY);
    *dropped = e->used;
    if (e->used)
        give_up(p, e);

    *e = (struct pending_entry){.used = true, .message_type = message_type, .token = p->next_token++};
    p->given_up <<= 1;
    return e;
}

enum pending_result pending_take(struct pending *p, uint32_t token, struct pending_entry *entry)
{
    for (unsigned i = 0; i < PENDING_MAX; i++) {
        struct pending_entry *e = &p->entries[i];
        if (!e->used || e->token != token)
            continue;
        *entry = *e;
        e->used = false;
        return PENDING_TAKEN;
    }

    uint32_t k = age(p, token);
    if (k >= HISTORY || (p->given_up >> k & 1) == 0)
        return PENDING_UNKNOWN;
    p->given_up &= ~(1ULL << k);
    return PENDING_LATE;
}

unsigned pending_expire(struct pending *p, int64_t now_ns, int64_t timeout_ns)
{
    unsigned expired = 0;
    for (unsigned i = 0; i < PENDING_MAX; i++) {
        struct pending_entry *e = &p->entries[i];
        if (!e->used || now_ns - e->sent_ns < timeout_ns)
            continue;
        give_up(p, e);
        expired++;
    }
    return expired;
}

int64_t pending_deadline(const struct pending *p, int64_t timeout_ns)
{
    int64_t deadline = INT64_MAX;
    for (unsigned i = 0; i < PENDING_MAX; i++) {
        const struct pending_entry *e = &p->entries[i];
        if (e->used && e->sent_ns + timeout_ns < deadline)
            deadline = e->sent_ns + timeout_ns;
    }
    return deadline;
}
