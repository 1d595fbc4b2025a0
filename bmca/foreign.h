/* SPDX-License-Identifier: BSD-2-Clause */
/* The foreign masters of one port and which of them are qualified (clause 9.3.2.4 and 9.3.2.5). */
#ifndef GMD_BMCA_FOREIGN_H
#define GMD_BMCA_FOREIGN_H

#include <stddef.h>

#include "bmca/dataset.h"

#define FOREIGN_MASTER_THRESHOLD   2 /* Announce messages ... */
#define FOREIGN_MASTER_TIME_WINDOW 4 /* ... within so many announce intervals, clause 9.3.2.4.5 */
#define FOREIGN_MASTERS_MAX        16

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
    uint64_t announces; /* accepted since first seen */
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
    FOREIGN_DISCARDED_OLD,   /* sequenceId not newer than the last one from this port */
};

/* announce_interval_ns in ns; announce_receipt_timeout in intervals (2..255). */
void foreign_init(struct foreign_table *t, int64_t announce_interval_ns, unsigned announce_receipt_timeout);

/* One Announce, received at now_ns (monotonic). A full table evicts the worst unqualified master, or else
 * the one silent for longest. */
enum foreign_result foreign_announce(struct foreign_table *t, const struct foreign_announce *a,
                                     const struct clock_identity *own, int64_t now_ns);

/* Forgets masters silent for longer than the announce receipt timeout; true if a qualified one went. */
bool foreign_expire(struct foreign_table *t, int64_t now_ns);

bool foreign_qualified(const struct foreign_table *t, const struct foreign_master *m, int64_t now_ns);

/* Erbest of this port (clause 9.3.2.3), or NULL. The pointer holds until the table changes. */
const struct foreign_master *foreign_best(const struct foreign_table *t, int64_t now_ns);

void foreign_clear(struct foreign_table *t);

#endif
