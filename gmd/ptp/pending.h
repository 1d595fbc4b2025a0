/* SPDX-License-Identifier: BSD-2-Clause */
/* Two-step event messages that wait for their transmit timestamp: a bounded table, pure. A timestamp that
 * never comes costs the second half of its own message and nothing else. */
#ifndef GMD_PTP_PENDING_H
#define GMD_PTP_PENDING_H

#include "bmca/ptp.h"
#include "gmd/ptp/frame.h"

#define PENDING_MAX       8
#define PENDING_SYNC_ONLY 4 /* of these, kept for Sync: a flood of Pdelay_Req cannot cost a Follow_Up */

/* Where a message goes; to: with DEST_UNICAST. */
struct route {
    enum destination destination;
    struct address to;
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
    uint64_t given_up; /* bit k: the timestamp of token next_token - 1 - k was given up */
};

enum pending_result {
    PENDING_TAKEN,
    PENDING_LATE,    /* given up before, within the last 64 tokens */
    PENDING_UNKNOWN, /* never issued, or answered already */
};

/* An entry for the message that takes token next_token. When there is no room the oldest one is given up, and
 * *dropped is 1 instead of 0. */
struct pending_entry *pending_add(struct pending *p, uint8_t message_type, unsigned *dropped);

/* The timestamp of token came: its entry moves to *entry. */
enum pending_result pending_take(struct pending *p, uint32_t token, struct pending_entry *entry);

/* Gives up what has waited for timeout_ns; returns how many. */
unsigned pending_expire(struct pending *p, int64_t now_ns, int64_t timeout_ns);

/* When pending_expire has something to do; INT64_MAX for never. */
int64_t pending_deadline(const struct pending *p, int64_t timeout_ns);

#endif
