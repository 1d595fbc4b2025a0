/* SPDX-License-Identifier: BSD-2-Clause */
/* Two-step event messages that wait for their transmit timestamp: a bounded table, pure. A timestamp that
 * never comes costs the second half of its own message and nothing else. */
#ifndef GMD_PTP_PENDING_H
#define GMD_PTP_PENDING_H

#include "bmca/ptp.h"
#include "gmd/ptp/frame.h"

#define PENDING_MAX       8
#define PENDING_SYNC_ONLY 4   /* of these, kept for Sync: a flood of Pdelay_Req cannot cost a Follow_Up */
#define PENDING_HISTORY   256 /* tokens whose fate is remembered; divides 2^31 */
#define PENDING_TOKENS    0x7FFFFFFFu /* the highest; beyond are those of unicast_flight.h */

/* Where a message goes, and from where, as in struct frame_out. */
struct route {
    enum destination destination;
    struct address to, from;
    uint16_t to_port;
};

struct pending_entry {
    bool used;
    uint8_t message_type; /* MSG_SYNC or MSG_PDELAY_RESP */
    uint16_t sequence_id;
    uint32_t token;
    int64_t sent_ns;    /* monotonic */
    struct route route; /* of the second half */
    /* what a Pdelay_Resp_Follow_Up repeats of its Pdelay_Req */
    struct port_identity requesting;
    int64_t correction;
};

struct pending {
    struct pending_entry entries[PENDING_MAX];
    uint32_t next_token;
    uint8_t fates[PENDING_HISTORY]; /* enum fate of pending.c, by token */
};

enum pending_result {
    PENDING_TAKEN,
    PENDING_LATE,       /* given up before */
    PENDING_DUPLICATED, /* the second one for this token, or yet another */
    PENDING_UNKNOWN,    /* of no token of late */
};

/* An entry for the message that takes token next_token. When there is no room the oldest one is given up, and
 * *dropped is 1 instead of 0. */
struct pending_entry *pending_add(struct pending *p, uint8_t message_type, unsigned *dropped);

/* The timestamp of token came: its entry moves to *entry. */
enum pending_result pending_take(struct pending *p, uint32_t token, struct pending_entry *entry);

/* No timestamp of token is to be expected. Returns false if nobody waits for one. */
bool pending_forget(struct pending *p, uint32_t token);

/* Gives up what has waited for timeout_ns; returns how many. */
unsigned pending_expire(struct pending *p, int64_t now_ns, int64_t timeout_ns);

/* When pending_expire has something to do; INT64_MAX for never. */
int64_t pending_deadline(const struct pending *p, int64_t timeout_ns);

#endif
