/* SPDX-License-Identifier: BSD-2-Clause */
/* When the next of many clients sends. Time is cut into slots, one message each, at a random moment within
 * its slot: even on the whole, never in step. Pure. */
#ifndef GMD_LOAD_PACER_H
#define GMD_LOAD_PACER_H

#include <stdint.h>

/* What is later than both is left out, not made up for by a burst */
#define PACER_LAG_NS    20000000
#define PACER_LAG_SLOTS 64

struct pacer {
    double slot_ns;
    int64_t start_ns;
    uint64_t slot;     /* of the next message */
    int64_t due_ns;    /* when it is to be sent; INT64_MAX: never */
    uint64_t left_out; /* slots that passed unused: the sender was too slow */
    uint64_t random;
};

/* rate_hz of all together; 0: never; infinite: always. */
void pacer_init(struct pacer *p, double rate_hz, uint64_t seed, int64_t now_ns);

/* The message that was due is sent, at now_ns. */
void pacer_next(struct pacer *p, int64_t now_ns);

/* xorshift64*, for those who need a number at random; state must not be 0. */
uint64_t pacer_random(uint64_t *state);

#endif
