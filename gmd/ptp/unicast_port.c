/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/unicast_port.h"

#include <string.h>

#include "gmd/ptp/send.h"
#include "gmd/ptp/sptp.h"
#include "gmd/ptp/unicast_negotiate.h"

#define EVENTS 32 /* taken at once */

static struct route to_client(const struct address *to, const struct address *from)
{
    return (struct route){.destination = DEST_UNICAST, .to = *to, .from = *from};
}

/* ---- Signaling ---- */

/* All ones stand for every clock and for every port (clause 13.12.1). */
static bool is_for_port(const struct port *p, const struct port_identity *target)
{
    static const struct clock_identity every_clock = {{255, 255, 255, 255, 255, 255, 255, 255}};
    bool clock = memcmp(&target->clock, &p->identity.clock, sizeof(every_clock)) == 0 ||
                 memcmp(&target->clock, &every_clock, sizeof(every_clock)) == 0;
    return clock && (target->port == p->identity.port || target->port == 0xFFFF);
}

static void send_signaling(struct port *p, const struct instance *in, const struct port_identity *target,
                           const uint8_t *tlvs, size_t len, const struct route *route)
{
    struct ptp_message m = message_new(in, p, MSG_SIGNALING);
    m.header.sequence_id = p->signaling_sequence;
    m.body.target = *target;
    m.suffix = tlvs;
    m.suffix_len = len;
    if (send_general(p, &m, route))
        p->signaling_sequence++;
}

void unicast_receive_signaling(struct port *p, struct instance *in, const struct ptp_message *m,
                               const struct frame_in *f, int64_t now_ns)
{
    struct service *s = in->service;
    if (f->multicast || !s->config.negotiate || !is_for_port(p, &m->body.target)) {
        p->counters.rx_ignored++;
        return;
    }
    const struct client_request r = {
        .identity = m->header.source,
        .from = f->from,
        .port = p->identity.port,
        .mode = CLIENT_NEGOTIATED,
        .log_interval = p->config.log_min_delay_req_interval,
    };
    uint8_t tlvs[UNICAST_REPLY_MAX];
    size_t len = unicast_signaling(&s->unicast, &r, &f->to, m, tlvs, now_ns);
    const struct route route = to_client(&f->from, &f->to);
    if (len > 0)
        send_signaling(p, in, &m->header.source, tlvs, len, &route);
}

/* ---- Sync, and what follows it ---- */

static void count_lost(struct instance *in, const struct flight *lost)
{
    struct port *p = &in->ports[lost->port];
    p->counters.tx_timestamp_missing++;
    p->tx_missing_run++;
}

/* The first half of a two-step exchange; NULL: no room in the outbox. */
static struct flight *send_flight(struct port *p, struct instance *in, struct ptp_message *m,
                                  enum flight_kind kind, const struct route *route, int64_t now_ns)
{
    struct frame_out *frame = send_stamped(p, m, route);
    if (frame == NULL)
        return NULL;
    struct flight lost;
    struct flight *flight = flight_begin(&in->service->flights, kind, now_ns, &lost);
    if (lost.waiting)
        count_lost(in, &lost);
    frame->token = flight->token;
    flight->port = (uint16_t)(p->identity.port - 1);
    flight->sequence_id = m->header.sequence_id;
    flight->to = route->to;
    flight->to_port = route->to_port;
    flight->from = route->from;
    return flight;
}

bool unicast_send_sptp_sync(struct port *p, struct instance *in, const struct ptp_message *req,
                            const struct frame_in *f, int64_t now_ns)
{
    struct ptp_message m = message_new(in, p, MSG_SYNC);
    sptp_sync(&m, req->header.sequence_id, f->timestamp_ns - p->config.ingress_latency_ns);
    struct route route = to_client(&f->from, &f->to);
    route.to_port = f->from_port;
    struct flight *flight = send_flight(p, in, &m, FLIGHT_SPTP, &route, now_ns);
    if (flight == NULL)
        return false;
    flight->requesting = req->header.source;
    flight->correction = req->header.correction;
    return true;
}

/* Unicast messages have logMessageInterval 0x7F (clause 13.3.2.14), as message_new leaves it; Announce
 * carries the granted one, which its receiver's timeout goes by. */
static void send_sync(struct port *p, struct instance *in, const struct unicast_event *e, int64_t now_ns)
{
    struct ptp_message m = message_new(in, p, MSG_SYNC);
    const struct route route = to_client(&e->to, &e->from);
    m.header.sequence_id = e->sequence_id;
    if (!p->config.one_step_sync) {
        send_flight(p, in, &m, FLIGHT_SYNC, &route, now_ns);
        return;
    }
    m.header.correction = p->config.egress_latency_ns * CORRECTION_PER_NS;
    send_one_step(p, &m, &route);
}

static void send_announce(struct port *p, struct instance *in, const struct unicast_event *e)
{
    struct ptp_message m;
    instance_announce(in, p, &m);
    m.header.sequence_id = e->sequence_id;
    m.header.log_message_interval = e->log_interval;
    const struct route route = to_client(&e->to, &e->from);
    send_general(p, &m, &route);
}

static void send_cancel(struct port *p, struct instance *in, const struct unicast_event *e)
{
    uint8_t tlvs[UNICAST_REPLY_MAX];
    size_t len = unicast_cancel_tlvs(e, tlvs);
    const struct route route = to_client(&e->to, &e->from);
    send_signaling(p, in, &e->identity, tlvs, len, &route);
}

static void carry_out(struct instance *in, const struct unicast_event *e, int64_t now_ns)
{
    struct port *p = &in->ports[e->port - 1];
    if (e->action == UNICAST_SEND_CANCEL) {
        if (port_is_active(p))
            send_cancel(p, in, e);
        return;
    }
    if (p->state != PORT_MASTER)
        return;
    if (e->action == UNICAST_SEND_SYNC)
        send_sync(p, in, e, now_ns);
    else
        send_announce(p, in, e);
}

static void send_sptp_announce(struct port *p, struct instance *in, const struct flight *flight,
                               const struct route *route, int64_t timestamp_ns)
{
    struct ptp_message m;
    instance_announce(in, p, &m);
    sptp_announce(&m, flight->sequence_id, flight->correction, timestamp_ns);
    struct frame_out *frame = send_frame(p, &m, route);
    if (frame == NULL || !sptp_announce_to_event_port(&flight->requesting))
        return;
    frame->channel = CHANNEL_EVENT; /* from where the Sync came: firewalls expect nothing else there */
    frame->to_port = flight->to_port;
}

static void send_follow_up(struct port *p, struct instance *in, const struct flight *flight,
                           const struct route *route, int64_t timestamp_ns)
{
    struct ptp_message m = message_new(in, p, MSG_FOLLOW_UP);
    m.header.sequence_id = flight->sequence_id;
    m.body.timestamp = wire_timestamp_from_ns(timestamp_ns);
    send_general(p, &m, route);
}

enum pending_result unicast_stamped(struct port *p, struct instance *in, uint32_t token, int64_t timestamp_ns)
{
    struct flight flight;
    enum pending_result result = flight_take(&in->service->flights, token, &flight);
    if (result != PENDING_TAKEN || p->state != PORT_MASTER)
        return result;
    const struct route route = to_client(&flight.to, &flight.from);
    if (flight.kind == FLIGHT_SPTP)
        send_sptp_announce(p, in, &flight, &route, timestamp_ns);
    else
        send_follow_up(p, in, &flight, &route, timestamp_ns);
    return result;
}

bool unicast_unstamped(struct instance *in, uint32_t token)
{
    return flight_forget(&in->service->flights, token);
}

/* ---- state and time ---- */

void unicast_follow_state(struct instance *in, int64_t now_ns)
{
    struct service *s = in->service;
    bool serves =
        instance_is_master(in) && (in->own_time_properties.time_traceable || !s->config.withdraw_out_of_spec);
    if (serves && !in->withdrawn_for_good)
        unicast_resume(&s->unicast);
    else if (!s->unicast.withdrawn && (instance_is_master(in) || s->config.withdraw_at_handover))
        unicast_withdraw(&s->unicast, now_ns);
}

/* Each event is one frame, so that many fit. */
static unsigned room(const struct instance *in)
{
    unsigned least = OUTBOX_FRAMES;
    for (unsigned i = 0; i < in->port_count; i++) {
        unsigned free = OUTBOX_FRAMES - in->ports[i].outbox->count;
        if (free < least)
            least = free;
    }
    return least < EVENTS ? least : EVENTS;
}

static int64_t stamp_timeout_ns(const struct instance *in)
{
    return in->ports[0].config.tx_timestamp_timeout_ns;
}

void unicast_tick(struct instance *in, int64_t now_ns)
{
    struct flight lost;
    while (flight_expire(&in->service->flights, now_ns, stamp_timeout_ns(in), &lost))
        count_lost(in, &lost);
    struct unicast_event events[EVENTS];
    unsigned count = unicast_due(&in->service->unicast, now_ns, events, room(in));
    for (unsigned i = 0; i < count; i++)
        carry_out(in, &events[i], now_ns);
}

int64_t unicast_next_tick(const struct instance *in)
{
    int64_t due = unicast_deadline(&in->service->unicast);
    int64_t expiry = flight_deadline(&in->service->flights, stamp_timeout_ns(in));
    return due < expiry ? due : expiry;
}
