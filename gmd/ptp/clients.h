/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks this grandmaster for Delay_Resp (or Pdelay_Resp, or by SPTP): a bounded table, pure.
 *
 * Identities cost a stranger nothing, so a new one is a newcomer until it was heard in CLIENT_PROBATION
 * different seconds. Newcomers use what the established leave free, an eighth of the table at least. When the
 * table is full a newcomer takes the place of a misfit, of an established client idle for idle_ns, or of a
 * newcomer who had PROBATION_HOLD_NS to come back; else it is a stranger: served as far as the budget goes,
 * but not remembered. So a flood of identities, however fast, displaces neither the established nor those who
 * are about to be. */
#ifndef GMD_PTP_CLIENTS_H
#define GMD_PTP_CLIENTS_H

#include "gmd/ptp/clients_record.h"
#include "gmd/ptp/clients_sources.h"

#define CLIENTS_CAPACITY_MIN 16
#define CLIENTS_CAPACITY_MAX 65000
#define PROBATION_HOLD_NS    (4 * NS_PER_S)

struct clients_config {
    unsigned capacity;    /* CLIENTS_CAPACITY_MIN..MAX */
    unsigned per_address; /* clients at one source address, at least 1 */
    int64_t idle_ns;      /* established clients idle for longer may be evicted */
    struct hash_key key;  /* secret and random, or strangers can choose identities that slow the table down */
};

struct client_request {
    struct port_identity identity;
    struct address from;
    uint16_t port;       /* ours, its number */
    uint8_t mode;        /* enum client_mode */
    int8_t log_interval; /* announced least interval of such requests, log2 s; a grant's goes before it */
    uint16_t sequence_id;
};

/* A kind of fault, over all clients. */
struct clients_fault {
    uint64_t count; /* of requests that showed it */
    int64_t last_ns;
    struct port_identity identity; /* who showed it last */
    struct address address;
};

struct clients_counters {
    uint64_t evicted;
    uint64_t strangers;                         /* requests of clients that found no room */
    uint64_t address_full;                      /* of these, because their address has clients enough */
    struct clients_fault faults[CLIENT_FAULTS]; /* in the order of enum client_fault */
};

struct clients; /* allocated once by the owner */

size_t clients_size(unsigned capacity);
/* c: zeroed; pages of it that are not used yet are not touched. */
void clients_init(struct clients *c, const struct clients_config *config);

/* One request at now_ns (monotonic, never less than before): finds or makes the client and counts it; the
 * caller then answers or refuses it (clients_record.h). Never NULL: see CLIENT_STRANGER. The record stays
 * where it is until it is evicted, which only this and the next two functions do. */
struct client *clients_request(struct clients *c, const struct client_request *r, int64_t now_ns);

/* The same for something that is no request: a Signaling message. Nothing is counted. */
struct client *clients_meet(struct clients *c, const struct client_request *r, int64_t now_ns);

/* Requests that the enforcement in front of the daemon dealt with, see client_asked_elsewhere. */
void clients_asked_elsewhere(struct clients *c, unsigned index, const struct client_elsewhere *e,
                             int64_t now_ns);

/* A request that cannot be answered here (FAULT_WRONG_DOMAIN or _VERSION; all of r that is not known is
 * zero): counted as received and refused. */
void clients_misfit(struct clients *c, const struct client_request *r, enum client_fault fault,
                    int64_t now_ns);

/* NULL: not in the table. */
struct client *clients_find(struct clients *c, const struct port_identity *identity,
                            const struct address *from, uint16_t port);

/* The client holds grants, or not any more; log_interval: that of its granted requests, or LOG_INTERVAL_NONE.
 */
void clients_set_grant(struct clients *c, struct client *cl, bool held, int8_t log_interval);

/* 0..capacity-1 for a client of the table, the same for as long as it is in there; capacity: a stranger. */
unsigned clients_index(const struct clients *c, const struct client *cl);
struct client *clients_at(struct clients *c, unsigned index);
unsigned clients_capacity(const struct clients *c);

/* Walks all clients: *cursor starts at 0; NULL at the end. */
const struct client *clients_next(const struct clients *c, size_t *cursor);
/* Places ever used, the first ones: where the cursor ends. */
unsigned clients_used(const struct clients *c);
size_t clients_count(const struct clients *c);
/* Clients heard within the last window_ns. */
size_t clients_active(const struct clients *c, int64_t now_ns, int64_t window_ns);
/* The sum of all who found no room. */
const struct client *clients_strangers(const struct clients *c);
const struct clients_counters *clients_counters(const struct clients *c);
/* CLIENT_MISFIT, CLIENT_NEWCOMER or CLIENT_ESTABLISHED */
unsigned clients_of_standing(const struct clients *c, enum client_standing standing);

/* What an enforcement in front of the daemon has to know of one place of the table. Clients that it was never
 * told of share what it gives to strangers, with newcomers before them. */
struct client_change {
    unsigned index;              /* clients_index */
    const struct client *client; /* NULL: nobody's any more */
    bool is_new;                 /* another client than it was told of, if any */
};

/* The next change of who is there, of standing, interval or grant that was not fetched yet; false: none. What
 * else a client may ask changes with time: seniority, faults, its fair share. */
bool clients_next_change(struct clients *c, struct client_change *change);

/* Whether who is in this place is who was told of: what was done elsewhere was for this client. */
bool clients_is_as_told(const struct clients *c, unsigned index);

#endif
