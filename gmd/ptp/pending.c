/* SPDX-License-Identifier: BSD-2-Clause */
/* Two-step messages that wait for their transmit timestamp. */
#include "gmd/ptp/pending.h"

#include "gmd/ptp/wire.h"

enum fate {
    FATE_OPEN, /* waiting, or forgotten */
    FATE_GIVEN_UP,
    FATE_ANSWERED, /* in time or late */
};

static uint32_t age(const struct pending *p, uint32_t token)
{
    return (p->next_token - 1 - token) & PENDING_TOKENS;
}

static void close_entry(struct pending *p, struct pending_entry *e, enum fate fate)
{
    p->fates[e->token % PENDING_HISTORY] = (uint8_t)fate;
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
        close_entry(p, e, FATE_GIVEN_UP);

    *e = (struct pending_entry){.used = true, .message_type = message_type, .token = p->next_token};
    p->next_token = (p->next_token + 1) & PENDING_TOKENS;
    p->fates[e->token % PENDING_HISTORY] = FATE_OPEN;
    return e;
}

static struct pending_entry *find(struct pending *p, uint32_t token)
{
    for (unsigned i = 0; i < PENDING_MAX; i++) {
        if (p->entries[i].used && p->entries[i].token == token)
            return &p->entries[i];
    }
    return NULL;
}

enum pending_result pending_take(struct pending *p, uint32_t token, struct pending_entry *entry)
{
    struct pending_entry *e = find(p, token);
    if (e != NULL) {
        *entry = *e;
        close_entry(p, e, FATE_ANSWERED);
        return PENDING_TAKEN;
    }

    uint8_t *fate = &p->fates[token % PENDING_HISTORY];
    if (age(p, token) >= PENDING_HISTORY || *fate == FATE_OPEN)
        return PENDING_UNKNOWN;
    enum pending_result result = *fate == FATE_GIVEN_UP ? PENDING_LATE : PENDING_DUPLICATED;
    *fate = FATE_ANSWERED;
    return result;
}

bool pending_forget(struct pending *p, uint32_t token)
{
    struct pending_entry *e = find(p, token);
    if (e != NULL)
        close_entry(p, e, FATE_OPEN);
    return e != NULL;
}

unsigned pending_expire(struct pending *p, int64_t now_ns, int64_t timeout_ns)
{
    unsigned expired = 0;
    for (unsigned i = 0; i < PENDING_MAX; i++) {
        struct pending_entry *e = &p->entries[i];
        if (!e->used || now_ns - e->sent_ns < timeout_ns)
            continue;
        close_entry(p, e, FATE_GIVEN_UP);
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
