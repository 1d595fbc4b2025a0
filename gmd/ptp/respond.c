/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers to delay requests. */
#include "gmd/ptp/respond.h"

#include "gmd/ptp/send.h"
#include "gmd/ptp/sptp.h"
#include "gmd/ptp/unicast_port.h"

static struct route route_back(const struct frame_in *f, enum destination multicast)
{
    if (f->multicast)
        return (struct route){.destination = multicast};
    return (struct route){.destination = DEST_UNICAST, .to = f->from, .from = f->to};
}

static struct ptp_message response(const struct instance *in, const struct port *p, enum message_type type,
                                   uint16_t sequence_id, const struct port_identity *requesting,
                                   int64_t timestamp_ns)
{
    struct ptp_message m = message_new(in, p, type);
    m.header.sequence_id = sequence_id;
    m.body.response.requesting = *requesting;
    m.body.response.timestamp = wire_timestamp_from_ns(timestamp_ns);
    return m;
}

/* Whether unicast requests of this client are answered without any more words (G.8275.2, G.8265.1). */
static bool has_its_grant(const struct service *s, const struct client *cl)
{
    return cl->granted || !s->config.unicast.limits.grant_needed;
}

/* Whether an identity is used twice shows in the sequenceIds of all its requests. */
unsigned respond_elsewhere(const struct instance *in, const struct client *cl, int64_t now_ns)
{
    const struct port *p = &in->ports[cl->port - 1];
    if (client_rank(cl) == CLIENT_LAST || client_faults(cl, now_ns) & (FAULT_CLONED | FAULT_TWO_ADDRESSES))
        return 0;
    return (has_its_grant(in->service, cl) ? RESPOND_UNICAST : 0) |
           (p->config.unicast_only ? 0 : RESPOND_MULTICAST);
}

/* Accounts for the request and says whether so many messages may be spent on it. */
static struct client *admit(struct port *p, struct instance *in, const struct ptp_message *req,
                            const struct frame_in *f, enum client_mode mode, unsigned messages,
                            int64_t now_ns)
{
    struct service *s = in->service;
    const struct client_request r = {
        .identity = req->header.source,
        .from = f->from,
        .port = p->identity.port,
        .mode = (uint8_t)mode,
        .log_interval = p->config.log_min_delay_req_interval,
        .sequence_id = req->header.sequence_id,
    };
    struct client *c = clients_request(s->clients, &r, now_ns);
    if (!f->has_timestamp) {
        p->counters.rx_no_timestamp++;
        p->rx_missing_run++;
        client_refuse(c, REFUSED_NO_TIMESTAMP);
        return NULL;
    }
    p->rx_missing_run = 0;
    if (mode == CLIENT_HYBRID && !has_its_grant(s, c)) {
        p->counters.rx_no_grant++;
        client_refuse(c, REFUSED_NO_GRANT);
        return NULL;
    }
    return budget_request(&s->budget, c, messages, now_ns) == REFUSED_NOT ? c : NULL;
}

/* An outbox that is full is capacity that is used up. */
static void conclude(struct client *c, bool sent)
{
    if (sent)
        client_answer(c);
    else
        client_refuse(c, REFUSED_BUDGET);
}

static void respond_sptp(struct port *p, struct instance *in, const struct ptp_message *req,
                         const struct frame_in *f, int64_t now_ns)
{
    struct client *c = admit(p, in, req, f, CLIENT_SPTP, 2, now_ns);
    if (c != NULL)
        conclude(c, unicast_send_sptp_sync(p, in, req, f, now_ns));
}

/* Clause 11.3.2: the correction that transparent clocks added to the request goes back to its sender.
 *
 * logMessageInterval (clause 13.3.2.14; table 24 of 2008): logMinDelayReqInterval, longer under load, but
 * 0x7F in a unicast answer. In hybrid mode ptp4l sends the same, and as a client it does not read the
 * interval of an answer with unicastFlag. */
void respond_delay_req(struct port *p, struct instance *in, const struct ptp_message *req,
                       const struct frame_in *f, int64_t now_ns)
{
    if (in->service->config.sptp && !f->multicast && sptp_is_request(&req->header)) {
        respond_sptp(p, in, req, f, now_ns);
        return;
    }
    struct client *c = admit(p, in, req, f, f->multicast ? CLIENT_MULTICAST : CLIENT_HYBRID, 1, now_ns);
    if (c == NULL)
        return;

    struct ptp_message m = response(in, p, MSG_DELAY_RESP, req->header.sequence_id, &req->header.source,
                                    f->timestamp_ns - p->config.ingress_latency_ns);
    m.header.correction = req->header.correction;
    if (f->multicast)
        m.header.log_message_interval =
            budget_log_interval(&in->service->budget, p->config.log_min_delay_req_interval, now_ns);
    struct route route = route_back(f, DEST_PRIMARY_MULTICAST);
    conclude(c, send_general(p, &m, &route));
}

/* Clause 11.4.2, two-step with both timestamps: Pdelay_Resp says when the request came, its Follow_Up when
 * the Pdelay_Resp left and the request's correction. Pdelay_Resp's own correction is that below 1 ns: none.
 */
void respond_pdelay_req(struct port *p, struct instance *in, const struct ptp_message *req,
                        const struct frame_in *f, int64_t now_ns)
{
    struct client *c = admit(p, in, req, f, CLIENT_PEER, 2, now_ns);
    if (c == NULL)
        return;

    struct ptp_message m = response(in, p, MSG_PDELAY_RESP, req->header.sequence_id, &req->header.source,
                                    f->timestamp_ns - p->config.ingress_latency_ns);
    struct route route = route_back(f, DEST_PEER_MULTICAST);
    struct pending_entry *e = send_event(p, &m, &route, now_ns);
    conclude(c, e != NULL);
    if (e == NULL)
        return;
    e->requesting = req->header.source;
    e->correction = req->header.correction;
}

void respond_pdelay_follow_up(struct port *p, const struct instance *in, const struct pending_entry *entry,
                              int64_t timestamp_ns)
{
    if (!port_is_active(p))
        return;

    struct ptp_message m =
        response(in, p, MSG_PDELAY_RESP_FOLLOW_UP, entry->sequence_id, &entry->requesting, timestamp_ns);
    m.header.correction = entry->correction;
    send_general(p, &m, &entry->route);
}
