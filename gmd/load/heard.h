/* SPDX-License-Identifier: BSD-2-Clause */
/* Who else speaks PTP here: the grandmasters that are heard by multicast and how regularly they send; and,
 * when nobody answers, what may be the matter. Pure. */
#ifndef GMD_LOAD_HEARD_H
#define GMD_LOAD_HEARD_H

#include "gmd/load/packet.h"
#include "gmd/load/stream.h"
#include "gmd/ptp/wire.h"

#define HEARD_MASTERS 8

struct heard_master {
    struct port_identity identity;
    uint8_t domain;
    uint32_t address; /* IPv4 */
    uint8_t mac[6];   /* of its frames */
    uint64_t announces;
    struct stream sync, announce;
};

struct heard {
    unsigned count;
    struct heard_master masters[HEARD_MASTERS];
    uint64_t malformed;                            /* not PTP version 2 as it should be */
    struct histogram sync_errors, announce_errors; /* of all masters of the right domain */
};

/* A multicast Announce, Sync or Follow_Up of this or another domain, arrived at now_ns. last: the run is
 * over; what had begun before may still be completed. */
void heard_message(struct heard *h, const struct ptp_message *m, const struct packet *packet, bool last,
                   int64_t now_ns);

/* The first that announced itself in the domain, or NULL. */
const struct heard_master *heard_find(const struct heard *h, uint8_t domain);

/* What is heard instead of an answer, in plain words; text of size. Returns text. */
const char *heard_explain(const struct heard *h, uint8_t domain, char *text, int size);

/* Announced interval in ns; 0 where log2 s is none. */
int64_t interval_of(int8_t log_interval);

#endif
