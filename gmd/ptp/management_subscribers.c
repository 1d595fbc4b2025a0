/* SPDX-License-Identifier: BSD-2-Clause */
/* Subscriptions to events: made, renewed, ended, expired. */
#include "gmd/ptp/management_subscribers.h"

#include "bmca/dataset.h"

static bool alive(const struct management_subscriber *s, int64_t now_ns)
{
    return s->events != 0 && now_ns < s->expires_ns;
}

const struct management_subscriber *management_subscription(const struct management_subscribers *t,
                                                            const struct port_identity *identity,
                                                            int64_t now_ns)
{
    for (size_t i = 0; i < MANAGEMENT_SUBSCRIBERS_MAX; i++) {
        const struct management_subscriber *s = &t->entries[i];
        if (alive(s, now_ns) && port_identity_compare(&s->identity, identity) == 0)
            return s;
    }
    return NULL;
}

/* The entry of identity, else a free or expired one, else NULL. */
static struct management_subscriber *place_for(struct management_subscribers *t,
                                               const struct port_identity *identity, int64_t now_ns)
{
    const struct management_subscriber *old = management_subscription(t, identity, now_ns);
    if (old)
        return &t->entries[old - t->entries];
    for (size_t i = 0; i < MANAGEMENT_SUBSCRIBERS_MAX; i++) {
        if (alive(&t->entries[i], now_ns))
            continue;
        t->entries[i] = (struct management_subscriber){.identity = *identity};
        return &t->entries[i];
    }
    return NULL;
}

bool management_subscribe(struct management_subscribers *t, const struct port_identity *identity,
                          const struct management_peer *peer, uint8_t events, uint16_t duration_s,
                          int64_t now_ns)
{
    struct management_subscriber *s = place_for(t, identity, now_ns);
    if (!s)
        return events == 0 || duration_s == 0;
    s->peer = *peer;
    s->events = events;
    s->expires_ns = duration_s == MANAGEMENT_FOR_EVER ? INT64_MAX : now_ns + duration_s * NS_PER_S;
    return true;
}

uint16_t management_subscription_left(const struct management_subscriber *s, int64_t now_ns)
{
    if (s->expires_ns == INT64_MAX)
        return MANAGEMENT_FOR_EVER;
    return (uint16_t)((s->expires_ns - now_ns + NS_PER_S - 1) / NS_PER_S);
}

struct management_subscriber *management_subscribers_next(struct management_subscribers *t,
                                                          enum management_event event, int64_t now_ns,
                                                          size_t *cursor)
{
    while (*cursor < MANAGEMENT_SUBSCRIBERS_MAX) {
        struct management_subscriber *s = &t->entries[(*cursor)++];
        if (alive(s, now_ns) && (s->events >> event & 1))
            return s;
    }
    return NULL;
}
