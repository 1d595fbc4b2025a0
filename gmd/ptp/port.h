/* SPDX-License-Identifier: BSD-2-Clause */
/* One PTP port: takes messages, time stamps and the passing of time; returns frames. No system call, no
 * clock, no allocation. `now_ns` is monotonic; `*_timestamp_ns` are TAI by the clock that gmd serves. */
#ifndef GMD_PTP_PORT_H
#define GMD_PTP_PORT_H

#include "bmca/foreign.h"
#include "bmca/fsm.h"
#include "gmd/ptp/clients.h"
#include "gmd/ptp/wire.h"

#define PORT_SYNC_PENDING 8 /* Syncs (and Pdelay_Resps) that may wait for their transmit timestamp */

struct port_config {
    enum delay_mechanism delay_mechanism;
    int8_t log_announce_interval; /* log2 s */
    int8_t log_sync_interval;
    int8_t log_min_delay_req_interval;
    uint8_t announce_receipt_timeout; /* announce intervals */
    int64_t ingress_latency_ns;       /* subtracted from receive timestamps, clause 7.3.4.2 */
    int64_t egress_latency_ns;        /* added to transmit timestamps */
    int64_t tx_timestamp_timeout_ns;  /* a transmit timestamp later than this is missing */
};

struct port_counters {
    uint64_t tx[16], rx[16];         /* by messageType */
    uint64_t rx_errors[WIRE_ERRORS]; /* by -wire_error */
    uint64_t rx_wrong_domain, rx_wrong_sdo, rx_own, rx_no_timestamp, rx_ignored;
    uint64_t tx_timestamp_missing, tx_timestamp_late, tx_timestamp_unknown;
    uint64_t announce_timeouts;
};

/* A two-step event message whose second half waits for the time stamp of the first. */
struct port_pending {
    bool used;
    uint32_t token;
    uint8_t message_type; /* MSG_SYNC or MSG_PDELAY_RESP */
    uint16_t sequence_id;
    int64_t sent_ns; /* monotonic */
    /* Pdelay_Resp: what its Follow_Up repeats */
    struct port_identity requesting;
    int64_t correction;
    struct address to;
    bool unicast;
};

struct instance;

struct port {
    struct port_config config;
    struct port_identity identity;
    enum port_state state;
    int64_t state_since_ns;
    struct foreign_table foreign;
    struct port_counters counters;
    struct port_pending pending[PORT_SYNC_PENDING];
    struct outbox *outbox;
    uint32_t next_token;
    uint16_t announce_sequence, sync_sequence;
    int64_t announce_due_ns, sync_due_ns, announce_receipt_due_ns, qualification_due_ns; /* INT64_MAX: off */
    uint64_t random; /* state of the generator behind the standard's randomised timeout */
    bool link_up;
};

/* Ports live inside an instance (instance.h), which calls these. */
void port_init(struct port *p, const struct port_config *config, const struct port_identity *identity,
               struct outbox *outbox, uint64_t seed, int64_t now_ns);

/* One received message. Returns true if the state decision should run (foreign data changed). */
bool port_receive(struct port *p, struct instance *in, const struct frame_in *f, int64_t now_ns);

/* The transmit timestamp of the frame with this token, TAI ns. Unknown or repeated tokens are counted. */
void port_tx_timestamp(struct port *p, struct instance *in, uint32_t token, int64_t timestamp_ns,
                       int64_t now_ns);

/* Does what is due. Returns true if the state decision should run. */
bool port_tick(struct port *p, struct instance *in, int64_t now_ns);

/* When port_tick has something to do next; INT64_MAX for never. */
int64_t port_deadline(const struct port *p);

/* Feeds the state machine and arms what the new state needs. True if the state changed. */
bool port_event(struct port *p, struct instance *in, enum port_event event, int64_t now_ns);

#endif
