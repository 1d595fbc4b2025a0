/* SPDX-License-Identifier: BSD-2-Clause */
/* A sender's sequence of Sync with Follow_Up, or of Announce, as it is received: what is missing, and how far
 * from their interval the messages come. Pure. */
#ifndef GMD_LOAD_STREAM_H
#define GMD_LOAD_STREAM_H

#include <stdbool.h>

#include "gmd/load/histogram.h"

#define STREAM_WINDOW 64 /* sequenceIds whose messages may still come, in whatever order */

struct stream_counts {
    uint64_t expected;           /* messages: Sync or Announce */
    uint64_t missing;            /* of these */
    uint64_t follow_ups_missing; /* of two-step Syncs that were received */
    uint64_t restarts;           /* sequenceId jumped: the sender started anew */
};

/* Zero-initialise, shared_sequence apart. Bit n of the maps belongs to sequenceId newest - n. */
struct stream {
    /* The sequenceId counts what others are sent as well, as that of ptp4l's unicast messages does: it only
     * ties Follow_Up to Sync, and what is missing must be told by time. */
    bool shared_sequence;
    uint64_t valid, received, two_step, followed;
    uint16_t newest;
    uint16_t last_sequence; /* of the last Sync or Announce, which arrived at last_ns */
    int64_t last_ns;
    int64_t interval_ns; /* 0: unknown */
    uint64_t messages;   /* received */
    uint64_t gaps;       /* shared sequence: messages that were missing between them */
    struct stream_counts counts;
};

/* Sync or Announce arrived at now_ns. interval_ns as announced or granted, 0: unknown. The absolute error of
 * its distance to the one before goes to errors, unless one is missing between them. */
void stream_message(struct stream *s, uint16_t sequence, bool two_step, int64_t interval_ns, int64_t now_ns,
                    struct histogram *errors);
/* Follow_Up arrived. completing: no Sync is taken any more, so that one without its Sync belongs to nothing.
 */
void stream_follow_up(struct stream *s, uint16_t sequence, bool completing);

/* Nothing more will come after end_ns: what should have come since the last message counts as missing. */
void stream_finish(struct stream *s, int64_t end_ns);
/* The same for a shared sequence, which was due every interval_ns for held_ns. */
void stream_finish_shared(struct stream *s, int64_t end_ns, int64_t held_ns, int64_t interval_ns);

void stream_counts_add(struct stream_counts *into, const struct stream_counts *from);

#endif
