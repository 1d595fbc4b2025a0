/* SPDX-License-Identifier: BSD-2-Clause */
/* One PTP port: takes messages, time stamps and the passing of time; returns frames. No system call, no
 * clock, no allocation. `now_ns` is monotonic; `*_timestamp_ns` are TAI by the clock that gmd serves. */
#ifndef GMD_PTP_PORT_H
#define GMD_PTP_PORT_H

#include "bmca/decision.h"
#include "bmca/foreign.h"
#include "bmca/fsm.h"
#include "gmd/ptp/pending.h"
#include "gmd/ptp/wire.h"

struct port_config {
    enum delay_mechanism delay_mechanism;
    int8_t log_announce_interval; /* log2 s */
    int8_t log_sync_interval;
    int8_t log_min_delay_req_interval;
    uint8_t announce_receipt_timeout; /* announce intervals */
    int64_t ingress_latency_ns;       /* subtracted from receive timestamps, clause 7.3.4.2 */
    int64_t egress_latency_ns;        /* added to transmit timestamps */
    int64_t tx_timestamp_timeout_ns;  /* a transmit timestamp later than this is missing */
    bool one_step_sync;               /* twoStepFlag of Sync is FALSE: the NIC writes the time into it */
    bool unicast_only; /* by negotiation; multicast is neither sent nor heard, nor is Announce */
};

/* Every frame that was decoded is counted in rx_* once: under rx[] if it was for this port, else under the
 * reason why not. rx_no_timestamp, rx_no_grant and rx_ignored are further fates of messages in rx[]. */
struct port_counters {
    uint64_t tx[16], rx[16];         /* by messageType */
    uint64_t rx_errors[WIRE_ERRORS]; /* by -wire_error */
    uint64_t rx_wrong_domain, rx_wrong_sdo;
    uint64_t rx_own;          /* sent by a port of this very instance */
    uint64_t rx_no_timestamp; /* requests that cannot be answered for want of their receive time */
    uint64_t rx_no_grant;     /* requests that the profile answers to those with a grant only */
    uint64_t rx_ignored;      /* of no use in this state, or to a grandmaster at all */
    /* Each missing one costs the second half of a two-step message; missing - late never came at all. */
    uint64_t tx_timestamp_missing;    /* nothing came in time */
    uint64_t tx_timestamp_late;       /* of these, came after all */
    uint64_t tx_timestamp_duplicated; /* a second one for the same message, or yet another */
    uint64_t tx_timestamp_unknown;    /* for no message of late */
    uint64_t tx_unstamped;            /* messages that were not sent, or not stamped, by fault of the host */
    uint64_t announce_timeouts;
};

struct instance;

struct port {
    struct port_config config;
    struct port_identity identity;
    enum port_state state;
    int64_t state_since_ns;
    enum decision_code decision; /* the last one */
    struct foreign_table foreign;
    struct port_counters counters;
    unsigned tx_missing_run, rx_missing_run; /* timestamps in a row that did not come, up to now */
    struct pending pending;
    struct outbox *outbox;
    uint16_t announce_sequence, sync_sequence, signaling_sequence; /* of the next message */
    /* INT64_MAX: off. A LISTENING port without announce receipt timer has listened long enough. */
    int64_t announce_due_ns, sync_due_ns, announce_receipt_due_ns, qualification_due_ns;
    bool announce_timed_out; /* the event waits for the state decision */
    uint64_t random;         /* state of the generator behind the standard's randomised timeout */
};

/* Ports live inside an instance (instance.h), which calls these. */
void port_init(struct port *p, const struct port_config *config, const struct port_identity *identity,
               struct outbox *outbox, uint64_t seed, int64_t now_ns);

/* Takes part in the protocol: neither INITIALIZING nor FAULTY nor DISABLED. */
bool port_is_active(const struct port *p);

/* One received message. Returns true if the state decision should run (foreign data changed). */
bool port_receive(struct port *p, struct instance *in, const struct frame_in *f, int64_t now_ns);

/* The transmit timestamp of the frame with this token, TAI ns. Only the first one has an effect, if it comes
 * before port_tick has given it up: who was away himself takes what came meanwhile first. Others are counted.
 */
void port_tx_timestamp(struct port *p, struct instance *in, uint32_t token, int64_t timestamp_ns);

/* The frame with this token did not leave, or without a timestamp: none will come. */
void port_tx_unstamped(struct port *p, struct instance *in, uint32_t token);

/* Does what is due. Returns true if the state decision should run. */
bool port_tick(struct port *p, struct instance *in, int64_t now_ns);

/* When port_tick has something to do next; INT64_MAX for never. */
int64_t port_deadline(const struct port *p);

/* Feeds the state machine and does what the new state asks for at once: a port that becomes MASTER announces
 * itself before this returns. True if the state changed. */
bool port_event(struct port *p, struct instance *in, enum port_event event, int64_t now_ns);

#endif
