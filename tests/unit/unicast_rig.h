/* SPDX-License-Identifier: BSD-2-Clause */
/* Unicast negotiation without a port: requests as TLVs, answers taken apart. */
#ifndef GMD_TESTS_UNIT_UNICAST_RIG_H
#define GMD_TESTS_UNIT_UNICAST_RIG_H

#include <string.h>

#include "gmd/ptp/unicast_negotiate.h"
#include "tests/unit/clients_rig.h"

struct unicast_rig {
    struct clients_rig base;
    struct unicast u;
    void *memory;
    uint8_t suffix[512], reply[UNICAST_REPLY_MAX];
    size_t suffix_len, reply_len;
};

static const struct address rig_local = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};
static const uint8_t rig_types[UNICAST_SERVICES] = {MSG_ANNOUNCE, MSG_SYNC, MSG_DELAY_RESP, MSG_PDELAY_RESP};

/* r must stay where it is. */
static inline void unicast_rig_init(struct unicast_rig *r, const char *profile, unsigned capacity,
                                    uint32_t capacity_hz)
{
    *r = (struct unicast_rig){.base = rig_of(capacity, 64, capacity_hz),
                              .memory = calloc(1, unicast_size(capacity))};
    const struct unicast_config config = {
        .limits = *unicast_limits_of(profile), .grants_most_s = 3600, .log_interval_min = -7};
    unicast_init(&r->u, r->memory, &config, r->base.clients, &r->base.budget, r->base.now);
}

static inline void unicast_rig_end(struct unicast_rig *r)
{
    free(r->memory);
    rig_end(&r->base);
}

static inline void add_tlv(struct unicast_rig *r, uint16_t type, const void *value, uint16_t length)
{
    tlv_append(r->suffix, sizeof(r->suffix), &r->suffix_len, type, value, length);
}

static inline void add_request(struct unicast_rig *r, enum unicast_service service, int8_t log_interval,
                               uint32_t duration_s)
{
    const uint8_t value[] = {(uint8_t)(rig_types[service] << 4), (uint8_t)log_interval,
                             (uint8_t)(duration_s >> 24),        (uint8_t)(duration_s >> 16),
                             (uint8_t)(duration_s >> 8),         (uint8_t)duration_s};
    add_tlv(r, TLV_REQUEST_UNICAST_TRANSMISSION, value, sizeof(value));
}

static inline void add_cancel(struct unicast_rig *r, uint16_t type, enum unicast_service service)
{
    const uint8_t value[] = {(uint8_t)(rig_types[service] << 4), 0};
    add_tlv(r, type, value, sizeof(value));
}

/* Client n sends what was added, in one Signaling message. */
static inline size_t signal_from(struct unicast_rig *r, uint32_t n)
{
    const struct client_request q = request_of(n, 0);
    const struct ptp_message m = {.suffix = r->suffix, .suffix_len = r->suffix_len};
    r->reply_len = unicast_signaling(&r->u, &q, &rig_local, &m, r->reply, r->base.now);
    r->suffix_len = 0;
    return r->reply_len;
}

struct answer {
    uint16_t type;
    uint8_t message_type, flags;
    int8_t log_interval;
    uint32_t duration_s;
};

/* The k-th TLV of the answer; type 0: there is none. */
static inline struct answer answer_at(const struct unicast_rig *r, unsigned k)
{
    size_t at = 0;
    struct tlv tlv;
    while (tlv_next(r->reply, r->reply_len, &at, &tlv) > 0) {
        if (k-- > 0)
            continue;
        struct answer a = {.type = tlv.type, .message_type = tlv.value[0] >> 4};
        if (tlv.length == 8) {
            a.log_interval = (int8_t)tlv.value[1];
            a.duration_s = (uint32_t)tlv.value[2] << 24 | (uint32_t)tlv.value[3] << 16 |
                           (uint32_t)tlv.value[4] << 8 | tlv.value[5];
            a.flags = tlv.value[7];
        }
        return a;
    }
    return (struct answer){0};
}

/* One request alone: what was granted. */
static inline struct answer ask_for(struct unicast_rig *r, uint32_t n, enum unicast_service service,
                                    int8_t log_interval, uint32_t duration_s)
{
    add_request(r, service, log_interval, duration_s);
    signal_from(r, n);
    return answer_at(r, 0);
}

static inline struct client *client_of(struct unicast_rig *r, uint32_t n)
{
    const struct client_request q = request_of(n, 0);
    return clients_find(r->base.clients, &q.identity, &q.from, q.port);
}

#endif
