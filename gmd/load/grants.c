/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables 110 to 113: messageType stands in the high nibble of each TLV's first octet. */
#include "gmd/load/grants.h"

#include "gmd/load/octets.h"

#define RETRY_NS        NS_PER_S /* clause 16.1.1: no oftener than once a second */
#define REFUSED_WAIT_NS (3 * NS_PER_S)

static const uint8_t message_types[GRANT_TYPES] = {MSG_ANNOUNCE, MSG_SYNC, MSG_DELAY_RESP};

static struct grant *find(struct grants *g, uint8_t octet, enum grant_type *type)
{
    for (unsigned i = 0; i < GRANT_TYPES; i++)
        if (message_types[i] == octet >> 4) {
            *type = (enum grant_type)i;
            return &g->types[i];
        }
    return NULL;
}

void grants_start(struct grants *g, int64_t ask_ns)
{
    *g = (struct grants){0};
    for (unsigned i = 0; i < GRANT_TYPES; i++)
        g->types[i].ask_ns = ask_ns;
}

static void lose(struct grant *grant, int64_t end_ns)
{
    if (grant->state == GRANT_HELD)
        grant->held_ns += end_ns - grant->since_ns;
    grant->state = GRANT_NONE;
}

void grants_tick(struct grants *g, const struct grants_config *config, struct grants_counters *counters,
                 int64_t now_ns, uint8_t *chain, size_t size, size_t *at)
{
    for (unsigned i = 0; i < GRANT_TYPES; i++) {
        struct grant *grant = &g->types[i];
        if (grant->state == GRANT_HELD && now_ns >= grant->until_ns) {
            lose(grant, grant->until_ns);
            counters->expired++;
        }
        if (grant->state == GRANT_CANCELLING || now_ns < grant->ask_ns)
            continue;
        uint8_t value[6] = {(uint8_t)(message_types[i] << 4), (uint8_t)config->log_interval[i]};
        put_u32(value + 2, config->duration_s);
        if (tlv_append(chain, size, at, TLV_REQUEST_UNICAST_TRANSMISSION, value, sizeof value) != WIRE_OK)
            return;
        counters->requested++;
        grant->ask_ns = now_ns + RETRY_NS;
    }
}

static void take_grant(struct grant *grant, int8_t asked_log, const struct grants_config *config,
                       struct grants_counters *counters, const struct tlv *tlv, int64_t now_ns)
{
    const uint32_t duration_s = get_u32(tlv->value + 2);
    if (!duration_s) {
        counters->refused++;
        grant->ask_ns = now_ns + REFUSED_WAIT_NS;
        return;
    }
    if (grant->state == GRANT_HELD) {
        counters->renewed++;
    } else {
        counters->granted++;
        grant->since_ns = now_ns;
    }
    grant->state = GRANT_HELD;
    grant->log_interval = (int8_t)tlv->value[1];
    if (grant->log_interval < asked_log || duration_s > config->duration_s)
        counters->beyond++;
    grant->until_ns = now_ns + duration_s * NS_PER_S;
    grant->ask_ns = now_ns + duration_s * NS_PER_S * 3 / 4;
}

void grants_tlv(struct grants *g, const struct grants_config *config, struct grants_counters *counters,
                const struct tlv *tlv, int64_t now_ns, uint8_t *chain, size_t size, size_t *at)
{
    enum grant_type type;
    struct grant *grant = tlv->length >= 2 ? find(g, tlv->value[0], &type) : NULL;
    if (!grant)
        return;
    switch (tlv->type) {
    case TLV_GRANT_UNICAST_TRANSMISSION:
        if (tlv->length >= 8 && grant->state != GRANT_CANCELLING)
            take_grant(grant, config->log_interval[type], config, counters, tlv, now_ns);
        break;
    case TLV_CANCEL_UNICAST_TRANSMISSION: {
        const uint8_t value[2] = {tlv->value[0] & 0xF0};
        tlv_append(chain, size, at, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, value, sizeof value);
        if (grant->state == GRANT_HELD) {
            counters->withdrawn++;
            lose(grant, now_ns);
            grant->ask_ns = now_ns + REFUSED_WAIT_NS;
        }
        break;
    }
    case TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION:
        if (grant->state == GRANT_CANCELLING) {
            counters->acknowledged++;
            grant->state = GRANT_NONE;
        }
        break;
    default:
        break;
    }
}

void grants_cancel(struct grants *g, struct grants_counters *counters, int64_t now_ns, uint8_t *chain,
                   size_t size, size_t *at)
{
    for (unsigned i = 0; i < GRANT_TYPES; i++) {
        struct grant *grant = &g->types[i];
        const uint8_t value[2] = {(uint8_t)(message_types[i] << 4)};
        grant->ask_ns = INT64_MAX;
        if (!grants_held(g, (enum grant_type)i, now_ns) ||
            tlv_append(chain, size, at, TLV_CANCEL_UNICAST_TRANSMISSION, value, sizeof value) != WIRE_OK)
            continue;
        lose(grant, now_ns);
        grant->state = GRANT_CANCELLING;
        counters->cancelled++;
    }
}

int64_t grants_held_for(const struct grants *g, enum grant_type type, int64_t now_ns)
{
    const struct grant *grant = &g->types[type];
    return grant->held_ns + (grant->state == GRANT_HELD ? now_ns - grant->since_ns : 0);
}

bool grants_held(const struct grants *g, enum grant_type type, int64_t now_ns)
{
    return g->types[type].state == GRANT_HELD && now_ns < g->types[type].until_ns;
}
