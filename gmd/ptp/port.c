/* SPDX-License-Identifier: BSD-2-Clause */
/* One PTP port: what it does with messages, time stamps, passing time and events of its state machine. */
#include "gmd/ptp/port.h"

#include <string.h>

#include "gmd/ptp/instance.h"
#include "gmd/ptp/interval.h"
#include "gmd/ptp/master.h"
#include "gmd/ptp/respond.h"
#include "gmd/ptp/unicast_port.h"

static int64_t announce_interval(const struct port *p)
{
    return interval_ns(p->config.log_announce_interval);
}

void port_init(struct port *p, const struct port_config *config, const struct port_identity *identity,
               struct outbox *outbox, uint64_t seed, int64_t now_ns)
{
    *p = (struct port){
        .config = *config,
        .identity = *identity,
        .state = PORT_INITIALIZING,
        .state_since_ns = now_ns,
        .outbox = outbox,
        .announce_due_ns = INT64_MAX,
        .sync_due_ns = INT64_MAX,
        .announce_receipt_due_ns = INT64_MAX,
        .qualification_due_ns = INT64_MAX,
        .random = seed,
    };
    foreign_init(&p->foreign, announce_interval(p), config->announce_receipt_timeout);
}

bool port_is_active(const struct port *p)
{
    return p->state != PORT_INITIALIZING && p->state != PORT_FAULTY && p->state != PORT_DISABLED;
}

/* ---- announce receipt timeout, clause 9.2.6.12 ---- */

/* SplitMix64 (Steele, Lea, Flood 2014): any seed will do, 0 included. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
}

/* announceReceiptTimeout intervals of silence and a random part of one more, in the range where the foreign
 * master table has forgotten who is silent. */
static void arm_announce_receipt(struct port *p, int64_t heard_ns)
{
    int64_t interval = announce_interval(p);
    int64_t grace = FOREIGN_MASTER_GRACE(interval);
    int64_t extra = grace + (int64_t)(random_next(&p->random) % (uint64_t)(interval - grace - 1));
    p->announce_receipt_due_ns = heard_ns + p->config.announce_receipt_timeout * interval + extra;
}

static bool announce_receipt_tick(struct port *p, int64_t now_ns)
{
    if (now_ns < p->announce_receipt_due_ns)
        return false;

    /* Who was away himself for an interval and more has no right to call others silent. */
    if (now_ns - p->announce_receipt_due_ns > announce_interval(p)) {
        arm_announce_receipt(p, now_ns);
        return false;
    }

    /* The best one is silent, but is there a second? Then listen to that one. */
    foreign_expire(&p->foreign, now_ns);
    const struct foreign_master *best = foreign_best(&p->foreign, now_ns);
    if (best != NULL) {
        arm_announce_receipt(p, best->seen_ns[0]);
        return true;
    }

    p->announce_receipt_due_ns = INT64_MAX;
    p->announce_timed_out = true;
    p->counters.announce_timeouts++;
    return true;
}

/* ---- states ---- */

/* What this build may do of what the state machine asks for. It does not follow another clock, so neither a
 * slave nor the master of what a slave would learn (M3) is possible; and without a time worth serving there
 * is no master. Such a port stays, or goes back to, LISTENING: silent, and ready. */
static enum port_state permitted_state(const struct instance *in, enum port_state wanted)
{
    switch (wanted) {
    case PORT_PRE_MASTER:
    case PORT_MASTER:
        return in->may_serve && in->steps_removed == 0 ? wanted : PORT_LISTENING;
    case PORT_UNCALIBRATED:
    case PORT_SLAVE:
        return PORT_LISTENING;
    default:
        return wanted;
    }
}

static void start_listening(struct port *p, int64_t now_ns)
{
    const struct foreign_master *best = foreign_best(&p->foreign, now_ns);
    arm_announce_receipt(p, best != NULL ? best->seen_ns[0] : now_ns);
}

static void start_qualification(struct port *p, struct instance *in, int64_t now_ns)
{
    unsigned intervals = port_qualification_intervals(in->steps_removed == 0, in->steps_removed);
    p->qualification_due_ns = now_ns + intervals * announce_interval(p);
    if (intervals == 0)
        port_event(p, in, PORT_EVENT_QUALIFICATION_TIMEOUT_EXPIRES, now_ns);
}

static void enter_state(struct port *p, struct instance *in, enum port_event event, int64_t now_ns)
{
    p->state_since_ns = now_ns;
    p->qualification_due_ns = INT64_MAX;
    p->announce_receipt_due_ns = INT64_MAX;
    master_stop(p);

    switch (p->state) {
    case PORT_LISTENING:
    case PORT_PASSIVE:
        if (event != PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES)
            start_listening(p, now_ns);
        break;
    case PORT_PRE_MASTER:
        start_qualification(p, in, now_ns);
        break;
    case PORT_MASTER:
        master_start(p, in, now_ns);
        break;
    default: /* not active: what was heard is of no value after the break */
        foreign_clear(&p->foreign);
        break;
    }
}

bool port_event(struct port *p, struct instance *in, enum port_event event, int64_t now_ns)
{
    enum port_state from = p->state;
    enum port_state to = permitted_state(in, port_fsm(from, event, false));
    if (to == from)
        return false;

    p->state = to;
    in->transitions[in->transition_count++ % INSTANCE_TRANSITIONS] = (struct port_transition){
        .port = p->identity.port, .from = from, .to = to, .event = event, .decision = p->decision};
    enter_state(p, in, event, now_ns);
    return true;
}

/* ---- receiving ---- */

static struct foreign_announce announce_of(const struct ptp_message *m, const struct port_identity *receiver)
{
    const struct announce_body *body = &m->body.announce;
    const uint16_t flags = m->header.flags;
    return (struct foreign_announce){
        .candidate =
            {
                .priority1 = body->grandmaster_priority1,
                .priority2 = body->grandmaster_priority2,
                .steps_removed = body->steps_removed,
                .quality = body->grandmaster_clock_quality,
                .grandmaster = body->grandmaster_identity,
                .sender = m->header.source,
                .receiver = *receiver,
            },
        .time_properties =
            {
                .current_utc_offset = body->current_utc_offset,
                .current_utc_offset_valid = flags & FLAG_UTC_OFFSET_VALID,
                .leap59 = flags & FLAG_LEAP59,
                .leap61 = flags & FLAG_LEAP61,
                .time_traceable = flags & FLAG_TIME_TRACEABLE,
                .frequency_traceable = flags & FLAG_FREQUENCY_TRACEABLE,
                .ptp_timescale = flags & FLAG_PTP_TIMESCALE,
                .time_source = body->time_source,
            },
        .sequence_id = m->header.sequence_id,
    };
}

/* The best master of this port was heard: its silence counts anew. */
static void restart_announce_receipt(struct port *p, const struct port_identity *sender, int64_t now_ns)
{
    const struct foreign_master *best = foreign_best(&p->foreign, now_ns);
    bool waiting = p->state == PORT_LISTENING || p->state == PORT_PASSIVE;
    if (waiting && best != NULL && port_identity_compare(&best->last.candidate.sender, sender) == 0)
        arm_announce_receipt(p, now_ns);
}

static bool receive_announce(struct port *p, struct instance *in, const struct ptp_message *m,
                             const struct frame_in *f, int64_t now_ns)
{
    (void)f;
    if (m->header.flags & FLAG_ALTERNATE_MASTER) { /* clause 9.3.2.2 */
        p->counters.rx_ignored++;
        return false;
    }

    const struct foreign_announce a = announce_of(m, &p->identity);
    enum foreign_result result = foreign_announce(&p->foreign, &a, &in->default_ds.clock_identity, now_ns);
    if (result != FOREIGN_ACCEPTED && result != FOREIGN_CHANGED)
        return false; /* counted in the table */
    restart_announce_receipt(p, &m->header.source, now_ns);
    return result == FOREIGN_CHANGED;
}

static bool receive_delay_req(struct port *p, struct instance *in, const struct ptp_message *m,
                              const struct frame_in *f, int64_t now_ns)
{
    if (p->state == PORT_MASTER && p->config.delay_mechanism == DELAY_MECHANISM_E2E)
        respond_delay_req(p, in, m, f, now_ns);
    else
        p->counters.rx_ignored++;
    return false;
}

/* A peer measures its link to this port, whatever the port's role. */
static bool receive_pdelay_req(struct port *p, struct instance *in, const struct ptp_message *m,
                               const struct frame_in *f, int64_t now_ns)
{
    if (p->config.delay_mechanism == DELAY_MECHANISM_P2P)
        respond_pdelay_req(p, in, m, f, now_ns);
    else
        p->counters.rx_ignored++;
    return false;
}

static bool receive_signaling(struct port *p, struct instance *in, const struct ptp_message *m,
                              const struct frame_in *f, int64_t now_ns)
{
    if (p->state == PORT_MASTER)
        unicast_receive_signaling(p, in, m, f, now_ns);
    else
        p->counters.rx_ignored++;
    return false;
}

typedef bool (*receive_fn)(struct port *p, struct instance *in, const struct ptp_message *m,
                           const struct frame_in *f, int64_t now_ns);

/* The rest is for slaves, or for management. */
static const receive_fn receivers[16] = {
    [MSG_DELAY_REQ] = receive_delay_req,
    [MSG_PDELAY_REQ] = receive_pdelay_req,
    [MSG_ANNOUNCE] = receive_announce,
    [MSG_SIGNALING] = receive_signaling,
};

/* A frame that is not for this port is counted under the reason. */
static bool is_for_us(struct port *p, const struct instance *in, const struct ptp_header *h)
{
    struct port_counters *c = &p->counters;
    if (h->domain_number != in->default_ds.domain_number)
        c->rx_wrong_domain++;
    else if ((h->major_sdo_id << 8 | h->minor_sdo_id) != in->default_ds.sdo_id)
        c->rx_wrong_sdo++;
    else if (clock_identity_compare(&h->source.clock, &p->identity.clock) == 0 && h->source.port >= 1 &&
             h->source.port <= in->port_count)
        c->rx_own++;
    else
        return true;
    return false;
}

/* Who asks this very clock, by unicast, for what it cannot give, has been set up wrongly. By multicast it
 * asks others that share the network. */
static void note_misfit(struct port *p, struct instance *in, const struct ptp_header *h,
                        enum client_fault fault, const struct frame_in *f, int64_t now_ns)
{
    if (f->multicast || p->state != PORT_MASTER)
        return;
    struct client_request r = {.from = f->from, .port = p->identity.port, .mode = CLIENT_HYBRID};
    if (h != NULL) {
        r.identity = h->source;
        r.sequence_id = h->sequence_id;
    }
    clients_misfit(in->service->clients, &r, fault, now_ns);
}

static bool is_request(const struct ptp_header *h)
{
    return h->message_type == MSG_DELAY_REQ || h->message_type == MSG_PDELAY_REQ;
}

/* Where all goes by negotiation, others' Announce is for the clients to choose by: this clock, which follows
 * none, serves beside other grandmasters (G.8275.2: its ports are masterOnly). */
static bool is_heard(const struct port *p, const struct ptp_header *h, const struct frame_in *f)
{
    return !p->config.unicast_only || (!f->multicast && h->message_type != MSG_ANNOUNCE);
}

bool port_receive(struct port *p, struct instance *in, const struct frame_in *f, int64_t now_ns)
{
    struct ptp_message m;
    int error = wire_decode(f->bytes, f->len, &m);
    if (error != WIRE_OK) {
        p->counters.rx_errors[-error]++;
        if (error == WIRE_VERSION)
            note_misfit(p, in, NULL, FAULT_WRONG_VERSION, f, now_ns);
        return false;
    }

    uint64_t own = p->counters.rx_own;
    if (!is_for_us(p, in, &m.header)) {
        if (is_request(&m.header) && p->counters.rx_own == own)
            note_misfit(p, in, &m.header, FAULT_WRONG_DOMAIN, f, now_ns);
        return false;
    }

    p->counters.rx[m.header.message_type]++;
    receive_fn receive =
        port_is_active(p) && is_heard(p, &m.header, f) ? receivers[m.header.message_type] : NULL;
    if (receive == NULL) {
        p->counters.rx_ignored++;
        return false;
    }
    return receive(p, in, &m, f, now_ns);
}

/* ---- time ---- */

static void expire_pending(struct port *p, int64_t now_ns)
{
    unsigned missing = pending_expire(&p->pending, now_ns, p->config.tx_timestamp_timeout_ns);
    p->counters.tx_timestamp_missing += missing;
    p->tx_missing_run += missing;
}

/* The second half of what it belongs to goes out. */
static enum pending_result take_timestamp(struct port *p, struct instance *in, uint32_t token,
                                          int64_t timestamp_ns)
{
    if (token & FLIGHT_TOKEN)
        return unicast_stamped(p, in, token, timestamp_ns);

    struct pending_entry entry;
    enum pending_result result = pending_take(&p->pending, token, &entry);
    if (result != PENDING_TAKEN)
        return result;
    if (entry.message_type == MSG_SYNC)
        master_follow_up(p, in, &entry, timestamp_ns);
    else
        respond_pdelay_follow_up(p, in, &entry, timestamp_ns);
    return result;
}

void port_tx_timestamp(struct port *p, struct instance *in, uint32_t token, int64_t timestamp_ns)
{
    switch (take_timestamp(p, in, token, timestamp_ns + p->config.egress_latency_ns)) {
    case PENDING_LATE:
        p->counters.tx_timestamp_late++;
        p->tx_missing_run = 0;
        return;
    case PENDING_DUPLICATED:
        p->counters.tx_timestamp_duplicated++;
        return;
    case PENDING_UNKNOWN:
        p->counters.tx_timestamp_unknown++;
        return;
    case PENDING_TAKEN:
        p->tx_missing_run = 0;
        return;
    }
}

void port_tx_unstamped(struct port *p, struct instance *in, uint32_t token)
{
    bool waited = token & FLIGHT_TOKEN ? unicast_unstamped(in, token) : pending_forget(&p->pending, token);
    if (waited)
        p->counters.tx_unstamped++;
}

bool port_tick(struct port *p, struct instance *in, int64_t now_ns)
{
    expire_pending(p, now_ns);
    if (now_ns >= p->qualification_due_ns)
        port_event(p, in, PORT_EVENT_QUALIFICATION_TIMEOUT_EXPIRES, now_ns);
    master_tick(p, in, now_ns);
    return announce_receipt_tick(p, now_ns);
}

int64_t port_deadline(const struct port *p)
{
    const int64_t deadlines[] = {
        p->announce_due_ns,
        p->sync_due_ns,
        p->announce_receipt_due_ns,
        p->qualification_due_ns,
        pending_deadline(&p->pending, p->config.tx_timestamp_timeout_ns),
    };
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        if (deadlines[i] < first)
            first = deadlines[i];
    }
    return first;
}
