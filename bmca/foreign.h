/* SPDX-License-Identifier: BSD-2-Clause */
/* The foreign masters of one port and which of them are qualified (clause 9.3.2.4 and 9.3.2.5). */
#ifndef GMD_BMCA_FOREIGN_H
#define GMD_BMCA_FOREIGN_H

#include <stddef.h>

#include "bmca/dataset.h"

#define FOREIGN_MASTER_THRESHOLD   2 /* Announce messages ... */
#define FOREIGN_MASTER_TIME_WINDOW 4 /* ... within so many announce intervals, clause 9.3.2.4.5 */
#define FOREIGN_MASTERS_MAX        16
/* Beyond announceReceiptTimeout intervals: the last Announce that may still come in time is a little late. */
#define FOREIGN_MASTER_GRACE(announce_interval_ns) ((announce_interval_ns) / 4)

/* What an Announce said, beside the candidate. */
struct foreign_announce {
    struct candidate candidate;
    struct time_properties time_properties;
    uint16_t sequence_id;
};

struct foreign_master {
    struct foreign_announce last;
    int64_t seen_ns[FOREIGN_MASTER_THRESHOLD]; /* arrival of the last messages, newest first, monotonic */
    int64_t first_seen_ns;
    uint64_t announces;    /* accepted since first seen */
    uint16_t old_sequence; /* of the message discarded last, if has_old */
    bool has_old;          /* nothing was accepted since */
    bool qualified;        /* reached the threshold; holds until it expires */
    bool used;
};

struct foreign_table {
    struct foreign_master masters[FOREIGN_MASTERS_MAX];
    int64_t window_ns;  /* FOREIGN_MASTER_TIME_WINDOW announce intervals */
    int64_t timeout_ns; /* announceReceiptTimeout intervals: silence that expires a master */
    uint64_t discarded_own, discarded_steps, discarded_old, evicted;
};

enum foreign_result {
    FOREIGN_ACCEPTED,        /* stored; nothing that the state decision looks at is new */
    FOREIGN_CHANGED,         /* stored, and a qualified master is new or its data changed: decide soon */
    FOREIGN_DISCARDED_OWN,   /* the sender or the grandmaster is this clock */
    FOREIGN_DISCARDED_STEPS, /* stepsRemoved >= 255 */
    FOREIGN_DISCARDED_OLD,   /* sequenceId not newer than the last one from this port, and not a restart */
};

/* announce_interval_ns in ns; announce_receipt_timeout in intervals (2..255). */
void foreign_init(struct foreign_table *t, int64_t announce_interval_ns, unsigned announce_receipt_timeout);

/* One Announce, received at now_ns (monotonic).
 *
 * Qualification: two messages within the window make a master qualified, and it stays so until it expires.
 * Clause 9.3.2.5 counts anew at each decision, but only for clocks that are not the present master; keeping
 * the mark for all lets lost messages delay a change and never cause one.
 *
 * Sequence: a sequenceId is old if it is equal to or behind the last one, modulo 2^16. Old messages are
 * discarded and do not keep a master alive. Two old ones in a row that are numbered in a row are a master
 * that started anew: the second is accepted.
 *
 * Room: the table keeps the best. An unqualified master gives way to a better newcomer (the worse of the two
 * counts as evicted); a qualified one never does. When the last slot qualifies, the worst qualified master
 * goes, so that newcomers always find one slot to qualify in. */
enum foreign_result foreign_announce(struct foreign_table *t, const struct foreign_announce *a,
                                     const struct clock_identity *own, int64_t now_ns);

/* Forgets masters that were silent for the announce receipt timeout; true if a qualified one went. */
bool foreign_expire(struct foreign_table *t, int64_t now_ns);

/* Qualified and not silent for the announce receipt timeout. */
bool foreign_qualified(const struct foreign_table *t, const struct foreign_master *m, int64_t now_ns);

/* Erbest of this port (clause 9.3.2.3), or NULL. The pointer holds until the table changes. */
const struct foreign_master *foreign_best(const struct foreign_table *t, int64_t now_ns);

/* Forgets all masters; the counters stay. */
void foreign_clear(struct foreign_table *t);

#endif
