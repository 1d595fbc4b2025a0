/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's side of unicast negotiation (IEEE 1588-2019 clause 16.1): asks for Announce, Sync and
 * Delay_Resp, renews in time, gives back, acknowledges. Pure. */
#ifndef GMD_LOAD_GRANTS_H
#define GMD_LOAD_GRANTS_H

#include "gmd/ptp/wire.h"

enum grant_type {
    GRANT_ANNOUNCE,
    GRANT_SYNC,
    GRANT_DELAY_RESP,
    GRANT_TYPES,
};

struct grants_config {
    int8_t log_interval[GRANT_TYPES]; /* that is asked for, log2 s */
    uint32_t duration_s;
};

struct grants_counters {
    uint64_t requested, granted, renewed, refused;
    uint64_t expired;      /* ran out, though renewal had been asked for */
    uint64_t withdrawn;    /* CANCEL by the server */
    uint64_t cancelled;    /* CANCEL by us */
    uint64_t acknowledged; /* of these */
    uint64_t beyond;       /* granted more often or for longer than was asked for */
};

struct grant {
    enum { GRANT_NONE, GRANT_HELD, GRANT_CANCELLING } state;
    int8_t log_interval;       /* as granted last */
    int64_t ask_ns, until_ns;  /* when to ask (again), when it ends */
    int64_t since_ns, held_ns; /* held since; and for how long before that */
};

struct grants {
    struct grant types[GRANT_TYPES];
};

#define GRANTS_TLVS_MAX (GRANT_TYPES * 12) /* octets that a call appends at most */

/* The first requests are due at ask_ns. */
void grants_start(struct grants *g, int64_t ask_ns);

/* Time passes: appends the requests that are due to chain + *at. */
void grants_tick(struct grants *g, const struct grants_config *config, struct grants_counters *counters,
                 int64_t now_ns, uint8_t *chain, size_t size, size_t *at);

/* A TLV of a received Signaling message; appends what it is to be answered with. */
void grants_tlv(struct grants *g, const struct grants_config *config, struct grants_counters *counters,
                const struct tlv *tlv, int64_t now_ns, uint8_t *chain, size_t size, size_t *at);

/* Gives back what is held: appends the CANCELs. */
void grants_cancel(struct grants *g, struct grants_counters *counters, int64_t now_ns, uint8_t *chain,
                   size_t size, size_t *at);

/* Up to now_ns, in all. */
int64_t grants_held_for(const struct grants *g, enum grant_type type, int64_t now_ns);
bool grants_held(const struct grants *g, enum grant_type type, int64_t now_ns);

#endif
