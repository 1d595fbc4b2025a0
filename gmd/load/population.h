/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of one generator thread, and which of their Delay_Reqs were answered. */
#ifndef GMD_LOAD_POPULATION_H
#define GMD_LOAD_POPULATION_H

#include "gmd/load/grants.h"
#include "gmd/load/stream.h"

struct load_client {
    uint64_t sent, answered;
    int64_t worst_ns;                  /* round trip */
    uint16_t sequence;                 /* of the next request */
    uint16_t signaling_sequence;       /* of the next Signaling */
    int8_t log_min_delay_req_interval; /* as the last answer told it; LOG_INTERVAL_NONE: it did not */
    uint64_t halves; /* client-driven exchange: the last 64 sequenceIds whose Sync came, as bits */
    /* negotiated mode */
    struct grants grants;
    struct stream sync, announce;
};

struct population {
    unsigned count;
    struct load_client *clients;
    unsigned window; /* requests of one client that may wait, a power of two */
    /* sent_ns[client * window + sequence % window]: when it was sent; 0: nobody waits for it */
    int64_t *sent_ns;
    int64_t timeout_ns;
    uint64_t answered, late, unasked; /* answers: in time, after timeout_ns, to no request that waits */
    struct histogram round_trip;
};

/* count clients that each send rate_hz requests a second; 0: the next only after an answer. False without
 * memory. */
bool population_init(struct population *p, unsigned count, double rate_hz, int64_t timeout_ns);
void population_free(struct population *p);

/* The client sends a request: its sequenceId. */
uint16_t population_sent(struct population *p, unsigned client, int64_t now_ns);
/* The last one did not leave after all. */
void population_unsent(struct population *p, unsigned client);
/* The client was answered; true if it waited for that, however late. */
bool population_answered(struct population *p, unsigned client, uint16_t sequence, int64_t now_ns);
/* The first half of an answer came that has two; whether it did, to be asked once. */
void population_half(struct population *p, unsigned client, uint16_t sequence);
bool population_had_half(struct population *p, unsigned client, uint16_t sequence);
/* True if the client's last request has waited for the timeout: it is given up. */
bool population_expired(struct population *p, unsigned client, int64_t now_ns);

#endif
