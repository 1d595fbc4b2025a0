/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages on their way into a port's outbox. */
#include "gmd/ptp/send.h"

#include <string.h>

#define MESSAGE_BYTES_MAX 320 /* Signaling with UNICAST_REPLY_MAX of TLVs is the longest */

struct ptp_message message_new(const struct instance *in, const struct port *p, enum message_type type)
{
    return (struct ptp_message){
        .header =
            {
                .message_type = (uint8_t)type,
                .major_sdo_id = (uint8_t)(in->default_ds.sdo_id >> 8),
                .minor_sdo_id = (uint8_t)in->default_ds.sdo_id,
                .minor_version = PTP_MINOR_VERSION,
                .domain_number = in->default_ds.domain_number,
                .source = p->identity,
                .control = WIRE_CONTROL_AUTO,
                .log_message_interval = LOG_INTERVAL_NONE,
            },
    };
}

struct frame_out *send_frame(struct port *p, struct ptp_message *m, const struct route *route)
{
    if (route->destination == DEST_UNICAST)
        m->header.flags |= FLAG_UNICAST;

    uint8_t bytes[MESSAGE_BYTES_MAX];
    int len = wire_encode(m, bytes, sizeof(bytes));
    struct frame_out *f = len > 0 ? outbox_next(p->outbox) : NULL;
    if (f == NULL)
        return NULL;

    f->channel = message_is_event(m->header.message_type) ? CHANNEL_EVENT : CHANNEL_GENERAL;
    f->destination = route->destination;
    f->to = route->to;
    f->to_port = route->to_port;
    f->from = route->from;
    f->len = (uint16_t)len;
    memcpy(f->bytes, bytes, (size_t)len);
    p->counters.tx[m->header.message_type]++;
    return f;
}

bool send_general(struct port *p, struct ptp_message *m, const struct route *route)
{
    return send_frame(p, m, route) != NULL;
}

bool send_one_step(struct port *p, struct ptp_message *m, const struct route *route)
{
    struct frame_out *f = send_frame(p, m, route);
    if (f != NULL)
        f->insert_timestamp = true;
    return f != NULL;
}

struct frame_out *send_stamped(struct port *p, struct ptp_message *m, const struct route *route)
{
    m->header.flags |= FLAG_TWO_STEP;
    struct frame_out *f = send_frame(p, m, route);
    if (f != NULL)
        f->want_timestamp = true;
    return f;
}

struct pending_entry *send_event(struct port *p, struct ptp_message *m, const struct route *route,
                                 int64_t now_ns)
{
    struct frame_out *f = send_stamped(p, m, route);
    if (f == NULL)
        return NULL;

    unsigned dropped;
    struct pending_entry *e = pending_add(&p->pending, m->header.message_type, &dropped);
    p->counters.tx_timestamp_missing += dropped;
    f->token = e->token;
    e->sequence_id = m->header.sequence_id;
    e->sent_ns = now_ns;
    e->route = *route;
    return e;
}
