/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/sptp.h"

#define SPTP_FLAGS (FLAG_UNICAST | FLAG_PROFILE_SPECIFIC_1)

/* portNumbers above it belong to tools that listen on one port only. */
#define LAST_ORDINARY_PORT 10

bool sptp_is_request(const struct ptp_header *h)
{
    return h->message_type == MSG_DELAY_REQ && h->flags == SPTP_FLAGS;
}

/* Two-step: what T1 the client needs follows in the Announce. */
void sptp_sync(struct ptp_message *sync, uint16_t sequence_id, int64_t t4_ns)
{
    sync->header.flags |= FLAG_UNICAST | FLAG_TWO_STEP;
    sync->header.sequence_id = sequence_id;
    sync->header.log_message_interval = LOG_INTERVAL_NONE;
    sync->body.timestamp = wire_timestamp_from_ns(t4_ns);
}

void sptp_announce(struct ptp_message *announce, uint16_t sequence_id, int64_t correction, int64_t t1_ns)
{
    announce->header.flags |= FLAG_UNICAST;
    announce->header.sequence_id = sequence_id;
    announce->header.log_message_interval = 0; /* as Meta's own server does */
    announce->header.correction = correction;
    announce->body.announce.origin = wire_timestamp_from_ns(t1_ns);
}

bool sptp_announce_to_event_port(const struct port_identity *requester)
{
    return requester->port > LAST_ORDINARY_PORT;
}
