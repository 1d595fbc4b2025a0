/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/unicast_negotiate.h"

#define NO_SERVICE UNICAST_SERVICES

/* Values of the TLVs, clauses 16.1.4.1 to 16.1.4.4: messageType in the upper half of the first octet */
#define REQUEST_LENGTH 6
#define GRANT_LENGTH   8
#define CANCEL_LENGTH  2

#define RENEWAL_INVITED  0x01 /* the last octet of GRANT */
#define MAINTAIN_REQUEST 0x01 /* in CANCEL's first: it is about the other direction's grants */

/* Signaling messages of a client: so many at once, then one each interval. */
#define SIGNALING_BURST       16
#define SIGNALING_INTERVAL_MS 1000

static const uint8_t message_types[UNICAST_SERVICES] = {MSG_ANNOUNCE, MSG_SYNC, MSG_DELAY_RESP,
                                                        MSG_PDELAY_RESP};

static enum unicast_service service_of(uint8_t octet)
{
    unsigned i = 0;
    while (i < UNICAST_SERVICES && message_types[i] != octet >> 4)
        i++;
    return i;
}

/* ---- the limit on Signaling itself ---- */

/* Modulo 2^32 ms: what is busy for longer than the burst lasts is an old time that has come round. */
static bool admit(struct unicast *u, struct client *cl, int64_t now_ns)
{
    const uint32_t full = SIGNALING_BURST * SIGNALING_INTERVAL_MS;
    if (cl->standing == CLIENT_STRANGER)
        return budget_courtesy(u->budget, cl, now_ns);
    uint32_t now_ms = (uint32_t)(now_ns / 1000000);
    uint32_t *busy_ms = &u->all[clients_index(u->clients, cl)].signaling_busy_ms;
    uint32_t ahead = *busy_ms - now_ms;
    if (ahead > full)
        ahead = 0;
    if (ahead + SIGNALING_INTERVAL_MS > full || !budget_courtesy(u->budget, cl, now_ns))
        return false;
    *busy_ms = now_ms + ahead + SIGNALING_INTERVAL_MS;
    return true;
}

/* ---- one TLV ---- */

struct exchange {
    struct unicast *u;
    struct client *cl;
    uint8_t *reply;
    size_t len;
    int64_t now_ns;
};

/* For display: a refusal stays until the service is granted after all. */
static void note_outcome(struct client *cl, enum unicast_refusal why, enum unicast_service service,
                         int8_t requested)
{
    if (why == UNICAST_GRANTED && cl->unfit_service != service)
        return;
    cl->unfit_why = (uint8_t)why;
    cl->unfit_service = (uint8_t)service;
    cl->unfit_interval = requested;
}

static void answer_request(struct exchange *x, const uint8_t *value)
{
    uint32_t duration_s =
        (uint32_t)value[2] << 24 | (uint32_t)value[3] << 16 | (uint32_t)value[4] << 8 | value[5];
    enum unicast_service service = service_of(value[0]);
    int8_t requested = (int8_t)value[1], granted = requested;
    enum unicast_refusal why = UNICAST_NOT_SERVED;
    if (service != NO_SERVICE)
        why = unicast_grant(x->u, x->cl, service, requested, &duration_s, &granted, x->now_ns);
    x->u->counters.requests[why]++;
    note_outcome(x->cl, why, service, requested);
    if (why != UNICAST_GRANTED) { /* clause 16.1.4.2: a grant for no time, at what was asked for */
        duration_s = 0;
        granted = requested;
    }

    const uint8_t grant[GRANT_LENGTH] = {
        value[0] & 0xF0,
        (uint8_t)granted,
        (uint8_t)(duration_s >> 24),
        (uint8_t)(duration_s >> 16),
        (uint8_t)(duration_s >> 8),
        (uint8_t)duration_s,
        0,
        why == UNICAST_GRANTED ? RENEWAL_INVITED : 0,
    };
    tlv_append(x->reply, UNICAST_REPLY_MAX, &x->len, TLV_GRANT_UNICAST_TRANSMISSION, grant, GRANT_LENGTH);
}

/* Acknowledged even where nothing is granted: the first acknowledgement may have been lost. */
static void answer_cancel(struct exchange *x, const uint8_t *value)
{
    enum unicast_service service = service_of(value[0]);
    if (service == NO_SERVICE || value[0] & MAINTAIN_REQUEST)
        return;
    x->u->counters.cancels_received++;
    if (x->cl->standing != CLIENT_STRANGER)
        unicast_end(x->u, x->cl, service);
    const uint8_t acknowledge[CANCEL_LENGTH] = {value[0], 0};
    tlv_append(x->reply, UNICAST_REPLY_MAX, &x->len, TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, acknowledge,
               CANCEL_LENGTH);
}

static void take_acknowledge(struct exchange *x, const uint8_t *value)
{
    enum unicast_service service = service_of(value[0]);
    if (service == NO_SERVICE || x->cl->standing == CLIENT_STRANGER)
        return;
    x->u->counters.acknowledged++;
    unicast_acknowledged(x->u, x->cl, service);
}

static const struct {
    uint16_t type, length;
    void (*take)(struct exchange *x, const uint8_t *value);
} handlers[] = {
    {TLV_REQUEST_UNICAST_TRANSMISSION, REQUEST_LENGTH, answer_request},
    {TLV_CANCEL_UNICAST_TRANSMISSION, CANCEL_LENGTH, answer_cancel},
    {TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION, CANCEL_LENGTH, take_acknowledge},
};

static void take_tlv(struct exchange *x, const struct tlv *tlv)
{
    for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (tlv->type != handlers[i].type)
            continue;
        if (tlv->length < handlers[i].length)
            x->u->counters.malformed++;
        else
            handlers[i].take(x, tlv->value);
    }
}

/* ---- messages ---- */

/* Only what asks for something makes a client of its sender. */
static bool has_request(const struct ptp_message *m)
{
    size_t at = 0;
    struct tlv tlv;
    while (tlv_next(m->suffix, m->suffix_len, &at, &tlv) > 0)
        if (tlv.type == TLV_REQUEST_UNICAST_TRANSMISSION)
            return true;
    return false;
}

size_t unicast_signaling(struct unicast *u, const struct client_request *r, const struct address *local,
                         const struct ptp_message *m, uint8_t reply[UNICAST_REPLY_MAX], int64_t now_ns)
{
    struct client *cl = has_request(m) ? clients_meet(u->clients, r, now_ns)
                                       : clients_find(u->clients, &r->identity, &r->from, r->port);
    if (cl == NULL)
        return 0;
    if (!admit(u, cl, now_ns)) {
        u->counters.limited++;
        return 0;
    }
    if (cl->standing != CLIENT_STRANGER)
        unicast_set_local(u, cl, local);

    struct exchange x = {.u = u, .cl = cl, .reply = reply, .now_ns = now_ns};
    size_t at = 0;
    struct tlv tlv;
    while (x.len + 4 + GRANT_LENGTH <= UNICAST_REPLY_MAX && tlv_next(m->suffix, m->suffix_len, &at, &tlv) > 0)
        take_tlv(&x, &tlv);
    return x.len;
}

size_t unicast_cancel_tlvs(const struct unicast_event *e, uint8_t reply[UNICAST_REPLY_MAX])
{
    size_t len = 0;
    for (unsigned i = 0; i < UNICAST_SERVICES; i++) {
        const uint8_t cancel[CANCEL_LENGTH] = {(uint8_t)(message_types[i] << 4), 0};
        if (e->services >> i & 1)
            tlv_append(reply, UNICAST_REPLY_MAX, &len, TLV_CANCEL_UNICAST_TRANSMISSION, cancel,
                       CANCEL_LENGTH);
    }
    return len;
}
