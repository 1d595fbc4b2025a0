/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages on their way into a port's outbox. */
#include "gmd/ptp/send.h"

#include <string.h>

#define MESSAGE_BYTES_MAX 64 /* Announce, the longest that ports send; none of them carries a TLV */

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

static bool send_frame(struct port *p, struct ptp_message *m, const struct route *route, bool want_timestamp,
                       uint32_t token)
{
    if (route->destination == DEST_UNICAST)
        m->header.flags |= FLAG_UNICAST;

    uint8_t bytes[MESSAGE_BYTES_MAX];
    int len = wire_encode(m, bytes, sizeof(bytes));
    struct frame_out *f = len > 0 ? outbox_next(p->outbox) : NULL;
    if (f == NULL)
        return false;

    f->channel = message_is_event(m->header.message_type) ? CHANNEL_EVENT : CHANNEL_GENERAL;
    f->destination = route->destination;
    f->to = route->to;
    f->want_timestamp = want_timestamp;
    f->token = token;
    f->len = (uint16_t)len;
    memcpy(f->bytes, bytes, (size_t)len);
    p->counters.tx[m->header.message_type]++;
    return true;
}

bool send_general(struct port *p, struct ptp_message *m, const struct route *route)
{
    return send_frame(p, m, route, false, 0);
}

struct pending_entry *send_event(struct port *p, struct ptp_message *m, const struct route *route,
                                 int64_t now_ns)
{
    m->header.flags |= FLAG_TWO_STEP;
    if (!send_frame(p, m, route, true, p->pending.next_token))
        return NULL;

    unsigned dropped;
    struct pending_entry *e = pending_add(&p->pending, m->header.message_type, &dropped);
    p->counters.tx_timestamp_missing += dropped;
    e->sequence_id = m->header.sequence_id;
    e->sent_ns = now_ns;
    e->route = *route;
    return e;
}
