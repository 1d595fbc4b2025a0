/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of a pulse's edges begins it, where the NIC stamps both whatever it was told (igb, igc): the leading
 * edge is a pulse width before the other. Pure.
 *
 * At half a second's width that tells nothing; then the receiver's messages do, which come in the half second
 * after the leading edge, or a locked clock's own second. */
#ifndef GMD_GNSS_EDGES_H
#define GMD_GNSS_EDGES_H

#include <stdbool.h>
#include <stdint.h>

enum edges_state {
    EDGES_LEARNING, /* nothing is passed on yet */
    EDGES_SINGLE,   /* one edge a second: everything is passed on */
    EDGES_BOTH,     /* both are stamped: leading ones are passed on */
    EDGES_HALF, /* both, half a second apart, and nothing told yet which one leads: nothing is passed on */
};

#define EDGES_HISTORY 3

struct edges {
    int64_t width_ns; /* as configured; 0: taken to be below half a second */
    bool enforced;    /* the driver promised to stamp one edge only */
    enum edges_state state;
    int64_t last_ns[EDGES_HISTORY]; /* the latest edges, newest first */
    unsigned count;                 /* of them */
    int64_t leading_ns;             /* BOTH: a leading edge; HALF: one of the two, to vote on */
    int64_t found_width_ns;         /* BOTH, HALF */
    int votes;                      /* HALF: for leading_ns if positive, for the other if negative */
    int64_t message_ns;
    unsigned strays; /* BOTH, HALF: in a row where no edge is expected */
    unsigned alike;  /* BOTH, HALF: of the same kind in a row */
    bool last_led;
    unsigned matching; /* LEARNING, SINGLE: in a row that look like both */
    uint64_t dropped;  /* edges not passed on */
};

/* width_ns: of the pulse, 0 unknown, below 1 s. */
void edges_init(struct edges *e, int64_t width_ns, bool enforced);

/* An edge of the channel, by monotonic time. True: pass it on. */
bool edges_event(struct edges *e, int64_t edge_ns);

/* A message that labels a second arrived. */
void edges_message(struct edges *e, int64_t arrival_ns);

/* A locked clock was at a whole second. */
void edges_second(struct edges *e, int64_t second_ns);

#endif
