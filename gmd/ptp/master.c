/* SPDX-License-Identifier: BSD-2-Clause */
/* Announce, Sync and Follow_Up of a MASTER port. */
#include "gmd/ptp/master.h"

#include "gmd/ptp/interval.h"
#include "gmd/ptp/send.h"

static const struct route multicast = {.destination = DEST_PRIMARY_MULTICAST};

static uint16_t announce_flags(const struct time_properties *tp)
{
    return (uint16_t)((tp->leap61 ? FLAG_LEAP61 : 0) | (tp->leap59 ? FLAG_LEAP59 : 0) |
                      (tp->current_utc_offset_valid ? FLAG_UTC_OFFSET_VALID : 0) |
                      (tp->ptp_timescale ? FLAG_PTP_TIMESCALE : 0) |
                      (tp->time_traceable ? FLAG_TIME_TRACEABLE : 0) |
                      (tp->frequency_traceable ? FLAG_FREQUENCY_TRACEABLE : 0));
}

/* originTimestamp stays 0, as clause 13.5.2.1 allows. */
void instance_announce(const struct instance *in, const struct port *p, struct ptp_message *m)
{
    *m = message_new(in, p, MSG_ANNOUNCE);
    m->header.flags = announce_flags(&in->time_properties);
    m->header.sequence_id = p->announce_sequence;
    m->header.log_message_interval = p->config.log_announce_interval;
    m->body.announce = (struct announce_body){
        .current_utc_offset = in->time_properties.current_utc_offset,
        .grandmaster_priority1 = in->parent_ds.grandmaster_priority1,
        .grandmaster_clock_quality = in->parent_ds.grandmaster_clock_quality,
        .grandmaster_priority2 = in->parent_ds.grandmaster_priority2,
        .grandmaster_identity = in->parent_ds.grandmaster_identity,
        .steps_removed = in->steps_removed,
        .time_source = in->time_properties.time_source,
    };
}

static void send_announce(struct port *p, const struct instance *in)
{
    struct ptp_message m;
    instance_announce(in, p, &m);
    if (send_general(p, &m, &multicast))
        p->announce_sequence++;
}

/* originTimestamp stays 0. Two-step: clause 9.5.9.4 allows it, Follow_Up carries the precise one. One-step:
 * the NIC writes the time at which it saw the frame; the way from there to the network is left to
 * correctionField. */
static void send_sync(struct port *p, const struct instance *in, int64_t now_ns)
{
    struct ptp_message m = message_new(in, p, MSG_SYNC);
    m.header.sequence_id = p->sync_sequence;
    m.header.log_message_interval = p->config.log_sync_interval;
    bool sent;
    if (p->config.one_step_sync) {
        m.header.correction = p->config.egress_latency_ns * CORRECTION_PER_NS;
        sent = send_one_step(p, &m, &multicast);
    } else {
        sent = send_event(p, &m, &multicast, now_ns) != NULL;
    }
    if (sent)
        p->sync_sequence++;
}

void master_follow_up(struct port *p, const struct instance *in, const struct pending_entry *entry,
                      int64_t timestamp_ns)
{
    if (p->state != PORT_MASTER)
        return;

    struct ptp_message m = message_new(in, p, MSG_FOLLOW_UP);
    m.header.sequence_id = entry->sequence_id;
    m.header.log_message_interval = p->config.log_sync_interval;
    m.body.timestamp = wire_timestamp_from_ns(timestamp_ns);
    send_general(p, &m, &entry->route);
}

void master_start(struct port *p, const struct instance *in, int64_t now_ns)
{
    if (p->config.unicast_only)
        return; /* the grants have timers of their own */
    p->announce_due_ns = now_ns;
    p->sync_due_ns = now_ns;
    master_tick(p, in, now_ns);
}

void master_stop(struct port *p)
{
    p->announce_due_ns = INT64_MAX;
    p->sync_due_ns = INT64_MAX;
}

/* Sync first: both share a grid, so the last Sync of a master that dies is never older than its last
 * Announce, from which a standby counts. */
void master_tick(struct port *p, const struct instance *in, int64_t now_ns)
{
    if (now_ns >= p->sync_due_ns) {
        p->sync_due_ns = grid_next(p->sync_due_ns, interval_ns(p->config.log_sync_interval), now_ns);
        send_sync(p, in, now_ns);
    }
    if (now_ns >= p->announce_due_ns) {
        p->announce_due_ns =
            grid_next(p->announce_due_ns, interval_ns(p->config.log_announce_interval), now_ns);
        send_announce(p, in);
    }
}
