/* SPDX-License-Identifier: BSD-2-Clause */
/* A Delay_Resp names its client; unicast Sync, Announce and Signaling are their client's by the address that
 * they are sent to. */
#include "gmd/load/listen.h"

static void delay_resp(struct worker *w, const struct ptp_message *m, int64_t now_ns)
{
    struct population *p = &w->population;
    uint32_t index;
    if (!identity_index(&m->body.response.requesting, w->kind, w->tag, &index))
        return;
    if (w->kind != IDENTITY_GOOD) {
        __atomic_store_n(&p->answered, p->answered + 1, __ATOMIC_RELAXED);
        return;
    }
    const unsigned client = index / w->shares;
    if (index % w->shares != w->share || client >= p->count)
        return;
    p->clients[client].log_min_delay_req_interval = m->header.log_message_interval;
    if (population_answered(p, client, m->header.sequence_id, now_ns) && w->settings->closed_loop && !w->over)
        worker_ready(w, client);
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

static void unicast(struct worker *w, const struct packet *packet, const struct ptp_message *m,
                    int64_t now_ns)
{
    const uint32_t index = packet->destination - w->first_address;
    const unsigned client = index / w->shares;
    if ((w->own_address && index % w->shares != w->share) || client >= w->population.count)
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
        if (ours)
            delay_resp(w, &m, now_ns);
    } else if (packet.multicast) {
        heard_message(&w->heard, &m, &packet, w->over, now_ns);
    } else if (ours && w->settings->mode == LOAD_NEGOTIATED) {
        unicast(w, &packet, &m, now_ns);
    }
}
