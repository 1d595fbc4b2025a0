/* SPDX-License-Identifier: BSD-2-Clause */
/* Unicast Syncs on their way out: which transmit timestamp belongs to whom. A ring: many may be under way,
 * each costs the same, and one whose timestamp never comes costs its own Follow_Up. Pure. */
#ifndef GMD_PTP_UNICAST_FLIGHT_H
#define GMD_PTP_UNICAST_FLIGHT_H

#include "gmd/ptp/pending.h"

#define FLIGHTS 512 /* divides 2^31 */

/* Tokens of flights have this bit set; those of other messages have not. */
#define FLIGHT_TOKEN 0x80000000u

enum flight_kind {
    FLIGHT_SYNC, /* a Follow_Up is to follow */
    FLIGHT_SPTP, /* an Announce */
};

struct flight {
    uint8_t kind; /* enum flight_kind */
    bool waiting;
    bool given_up;
    uint16_t port; /* index of ours */
    uint16_t sequence_id;
    uint32_t token;
    uint16_t to_port; /* SPTP: UDP port of the Delay_Req */
    int64_t sent_ns;  /* monotonic */
    struct address to, from;
    struct port_identity requesting; /* SPTP: of the Delay_Req, and its correctionField */
    int64_t correction;
};

struct flights {
    uint32_t next, oldest; /* counts of flights: begun, and no longer looked at */
    struct flight ring[FLIGHTS];
};

/* Begins a flight: the frame is to ask for a timestamp with its token. The caller fills in the rest. *lost:
 * the one that had to be given up for it, if that still waited; else its `waiting` is false. */
struct flight *flight_begin(struct flights *f, enum flight_kind kind, int64_t now_ns, struct flight *lost);

/* The timestamp of token came: its flight moves to *flight. */
enum pending_result flight_take(struct flights *f, uint32_t token, struct flight *flight);

/* No timestamp of token is to be expected. Returns false if nobody waits for one. */
bool flight_forget(struct flights *f, uint32_t token);

/* Gives up one that was sent timeout_ns ago or earlier; false: there is none. */
bool flight_expire(struct flights *f, int64_t now_ns, int64_t timeout_ns, struct flight *flight);

/* When flight_expire has something to do; INT64_MAX for never. */
int64_t flight_deadline(const struct flights *f, int64_t timeout_ns);

#endif
