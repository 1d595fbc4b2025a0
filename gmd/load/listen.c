/* SPDX-License-Identifier: BSD-2-Clause */
/* A Delay_Resp names its client; unicast Sync, Announce and Signaling are their client's by the address, or
 * the UDP port, that they are sent to. */
#include "gmd/load/listen.h"

static void answered(struct worker *w, unsigned client, uint16_t sequence, int64_t now_ns)
{
    if (population_answered(&w->population, client, sequence, now_ns) && w->settings->closed_loop && !w->over)
        worker_ready(w, client);
}

static void abuse_answered(struct worker *w)
{
    __atomic_store_n(&w->population.answered, w->population.answered + 1, __ATOMIC_RELAXED);
}

static void delay_resp(struct worker *w, const struct ptp_message *m, int64_t now_ns)
{
    struct population *p = &w->population;
    uint32_t index;
    if (!identity_index(&m->body.response.requesting, w->kind, w->tag, &index))
        return;
    if (w->kind != IDENTITY_GOOD) {
        abuse_answered(w);
        return;
    }
    const unsigned client = index / w->shares;
    if (index % w->shares != w->share || client >= p->count)
        return;
    p->clients[client].log_min_delay_req_interval = m->header.log_message_interval;
    answered(w, client, m->header.sequence_id, now_ns);
}

static void signaling(struct worker *w, unsigned client, const struct ptp_message *m, int64_t now_ns)
{
    uint8_t chain[GRANTS_TLVS_MAX];
    size_t len = 0, at = 0;
    struct tlv tlv;
    while (tlv_next(m->suffix, m->suffix_len, &at, &tlv) == 1)
        grants_tlv(&w->population.clients[client].grants, &w->settings->grants, &w->grants, &tlv, now_ns,
                   chain, sizeof chain, &len);
    if (len)
        worker_signal(w, client, chain, len);
}

static int64_t granted_ns(const struct load_client *c, enum grant_type type)
{
    return c->grants.types[type].state == GRANT_HELD ? interval_of(c->grants.types[type].log_interval) : 0;
}

/* False: none of this thread's. */
static bool client_of(const struct worker *w, const struct packet *packet, unsigned *client)
{
    const uint32_t index = w->first_port ? (uint32_t)packet->destination_port - w->first_port
                                         : packet->destination - w->first_address;
    *client = index / w->shares;
    return index % w->shares == w->share && *client < w->population.count;
}

/* Sync, then Announce: the exchange is complete. */
static void sptp(struct worker *w, const struct packet *packet, const struct ptp_message *m, int64_t now_ns)
{
    unsigned client;
    const uint16_t sequence = m->header.sequence_id;
    if (!client_of(w, packet, &client))
        return;
    if (m->header.message_type == MSG_SYNC)
        population_half(&w->population, client, sequence);
    else if (m->header.message_type != MSG_ANNOUNCE || !population_had_half(&w->population, client, sequence))
        return;
    else if (w->kind == IDENTITY_GOOD)
        answered(w, client, sequence, now_ns);
    else
        abuse_answered(w);
}

static void unicast(struct worker *w, const struct packet *packet, const struct ptp_message *m,
                    int64_t now_ns)
{
    unsigned client;
    if (!client_of(w, packet, &client))
        return;
    struct load_client *c = &w->population.clients[client];
    const uint16_t sequence = m->header.sequence_id;
    switch (m->header.message_type) {
    case MSG_SYNC:
        if (!w->over)
            stream_message(&c->sync, sequence, m->header.flags & FLAG_TWO_STEP, granted_ns(c, GRANT_SYNC),
                           now_ns, &w->sync_errors);
        break;
    case MSG_FOLLOW_UP:
        stream_follow_up(&c->sync, sequence, w->over);
        break;
    case MSG_ANNOUNCE:
        if (!w->over)
            stream_message(&c->announce, sequence, false, granted_ns(c, GRANT_ANNOUNCE), now_ns,
                           &w->announce_errors);
        break;
    case MSG_SIGNALING:
        signaling(w, client, m, now_ns);
        break;
    default:
        break;
    }
}

void listen_frame(struct worker *w, const uint8_t *frame, size_t len, int64_t now_ns)
{
    struct packet packet;
    struct ptp_message m;
    if (!packet_parse(w->settings->transport, frame, len, &packet))
        return;
    if (wire_decode(packet.ptp, packet.ptp_len, &m) != WIRE_OK) {
        w->heard.malformed++;
        return;
    }
    const bool ours = m.header.domain_number == w->settings->domain;
    if (m.header.message_type == MSG_DELAY_RESP) {
        if (ours && w->settings->mode != LOAD_SPTP)
            delay_resp(w, &m, now_ns);
    } else if (packet.multicast) {
        heard_message(&w->heard, &m, &packet, w->over, now_ns);
    } else if (ours && w->settings->mode == LOAD_NEGOTIATED) {
        unicast(w, &packet, &m, now_ns);
    } else if (ours && w->settings->mode == LOAD_SPTP) {
        sptp(w, &packet, &m, now_ns);
    }
}
