/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the rounds of gmd --calibrate have shown to clients.capacity. Pure. */
#ifndef GMD_CALIBRATE_FIGURES_H
#define GMD_CALIBRATE_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#define FIGURES_ROUNDS_MAX 9

/* What one round has shown. */
struct round {
    double seconds;          /* it took */
    double gmd_s, receive_s; /* processor time of the daemon, and of its interface's receive path */
    uint64_t answers;        /* Delay_Resp */
    uint64_t syncs;          /* unicast Sync, with their Follow_Ups */
    uint64_t announces;      /* unicast */
};

struct spread {
    double least, median, most;
};

struct figures {
    struct spread answers_hz; /* in one second of a core */
    double answer_gmd_us;     /* one answer's processor time, medians: the daemon's ... */
    double answer_receive_us; /* ... and the receive path's */
    double busy;              /* 0..1: share of the core that answering took, median */
    double sync_us;           /* one unicast Sync with its Follow_Up, both parts; 0: not known */
    double messages_hz;       /* of unicast Sync and Follow_Up, in one second of a core; 0: not known */
};

/* Of answering rounds (at least one) and of rounds with unicast Sync (or none). False if one of the former
 * shows no answer or no time. */
bool figures_of(const struct round *answering, unsigned answering_count, const struct round *syncing,
                unsigned syncing_count, struct figures *f);

/* clients.capacity, messages a second: FIGURES_SHARE of what was measured, two digits, within the option's
 * range. unicast_sync: the server also sends those, so that the slower of both counts. */
unsigned figures_capacity(const struct figures *f, bool unicast_sync);
/* The rest is for other work on the core, and for what a NIC's driver costs more than a veth. */
#define FIGURES_SHARE 0.8

#endif
