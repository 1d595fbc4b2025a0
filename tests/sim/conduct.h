/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that hold for everything one grandmaster sends, whatever happens around it. */
#ifndef GMD_SIM_CONDUCT_H
#define GMD_SIM_CONDUCT_H

#include "gmd/grandmaster.h"
#include "tests/sim/world.h"

#define CONDUCT_SYNCS         16
#define CONDUCT_TIME_LIMIT_NS 1000 /* of the time that a LOCKED master serves */

/* A Sync that was sent. */
struct conduct_sync {
    bool sent, left, followed;
    uint16_t sequence_id;
    int64_t true_ns; /* TAI when it left */
};

struct conduct {
    struct world *world;
    const char *name;
    bool announced, synced; /* sequence numbers below are known */
    uint16_t announce_sequence, sync_sequence;
    struct conduct_sync syncs[CONDUCT_SYNCS];
    int64_t excused_until_ns;            /* virtual: the clock was set behind gmd's back, time may be wrong;
                                             INT64_MAX: until it enters LOCKED */
    int64_t first_sync_ns, last_sync_ns; /* virtual, of this life; INT64_MIN: none */
    int64_t locked_ns;                   /* virtual, first lock of this life; INT64_MIN: not yet */
    uint64_t follow_ups;
};

/* A new life begins. */
void conduct_start(struct conduct *c, struct world *world, const char *name);

/* The discipline entered LOCKED. */
void conduct_locked(struct conduct *c);

/* A frame out of the outbox of gm. error_ns: clock - true time at this moment. */
void conduct_sent(struct conduct *c, const struct grandmaster *gm, const struct frame_out *f,
                  double error_ns);

/* The event message left now, at this true time. */
void conduct_left(struct conduct *c, const struct packet *p);

#endif
