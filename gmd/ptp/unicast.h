/* SPDX-License-Identifier: BSD-2-Clause */
/* Unicast by negotiation (IEEE 1588 clause 16.1), the grantor's side: what was granted to whom, and what is
 * to be sent when. Pure. Grants stand beside the client table, by its numbers; a client with a grant keeps
 * its place there. Requests, grants and cancellations as messages: unicast_negotiate.c.
 *
 * A wheel per kind of message spreads Sync and Announce of many clients evenly over their intervals. */
#ifndef GMD_PTP_UNICAST_H
#define GMD_PTP_UNICAST_H

#include "gmd/ptp/budget.h"
#include "gmd/ptp/unicast_limits.h"
#include "gmd/ptp/wheel.h"

/* A CANCEL is sent so often, a second apart, until it is acknowledged. */
#define UNICAST_CANCEL_TRIES 3

/* Different addresses of ours that grants may be served from; further ones leave it to the interface. */
#define UNICAST_LOCAL_MAX 16

struct unicast_grant {
    uint32_t expiry_s;         /* monotonic; while live */
    int8_t requested, granted; /* log2 s */
    bool live;
    bool newcomer : 1;   /* was one when it was granted, and is reserved as such */
    bool cancelling : 1; /* ended by us, and that is not acknowledged yet */
};

struct unicast_client {
    struct unicast_grant grants[UNICAST_SERVICES];
    uint16_t sequence_id[2];    /* of the next Announce and Sync */
    uint32_t signaling_busy_ms; /* its token bucket for Signaling, monotonic, modulo 2^32 */
    uint8_t local;              /* number of our address; UNICAST_LOCAL_MAX: the interface's choice */
    uint8_t tries;              /* CANCELs that may still be sent */
};

/* Why nothing was granted. */
enum unicast_refusal {
    UNICAST_GRANTED,
    UNICAST_NOT_SERVED, /* the profile has no such service, or the messageType is none */
    UNICAST_INTERVAL,   /* out of the profile's range */
    UNICAST_DURATION,
    UNICAST_BUDGET,    /* the capacity is reserved */
    UNICAST_NO_ROOM,   /* the client table has no place for a stranger */
    UNICAST_WITHDRAWN, /* nothing is granted at present */
};
#define UNICAST_REFUSALS 7

struct unicast_counters {
    uint64_t requests[UNICAST_REFUSALS]; /* by outcome, per TLV */
    uint64_t cancels_received, cancels_sent, acknowledged;
    uint64_t unacknowledged; /* grants whose CANCEL was sent in vain */
    uint64_t expired;        /* grants that were not renewed */
    uint64_t malformed;      /* TLVs too short for what they are */
    uint64_t limited;        /* Signaling messages not looked at: too many */
    unsigned live[UNICAST_SERVICES];
    unsigned cancelling; /* clients */
};

struct unicast_config {
    struct unicast_limits limits;
    bool one_step;           /* Sync without Follow_Up: one message instead of two */
    uint32_t grants_most_s;  /* durations are granted up to here; limits.duration_max_s also holds */
    int8_t log_interval_min; /* no shorter interval is granted, whatever the limits; log2 s */
};

struct unicast {
    struct unicast_config config;
    struct clients *clients;
    struct budget *budget;
    struct unicast_counters counters;
    bool withdrawn;
    struct address locals[UNICAST_LOCAL_MAX];
    unsigned local_count;
    struct unicast_client *all; /* by clients_index */
    struct wheel announce, sync;
    struct wheel timer; /* expiry and repeated CANCEL */
};

/* The memory behind the struct, for a client table of this capacity. */
size_t unicast_size(unsigned capacity);
/* memory: zeroed. clients and budget must outlive it. */
void unicast_init(struct unicast *u, void *memory, const struct unicast_config *config,
                  struct clients *clients, struct budget *budget, int64_t now_ns);

enum unicast_action {
    UNICAST_SEND_SYNC, /* and its Follow_Up, once it is stamped */
    UNICAST_SEND_ANNOUNCE,
    UNICAST_SEND_CANCEL, /* a Signaling message with a CANCEL for each of `services` */
};

struct unicast_event {
    uint8_t action;   /* enum unicast_action */
    uint8_t services; /* bit 1 << enum unicast_service; CANCEL */
    int8_t log_interval;
    uint16_t sequence_id; /* Sync and Announce: counted per client */
    struct port_identity identity;
    uint16_t port;           /* ours */
    struct address to, from; /* from: ADDRESS_NONE, the interface's choice */
};

/* What is due until now_ns, `most` at most, Sync first; call again while it fills the array. */
unsigned unicast_due(struct unicast *u, int64_t now_ns, struct unicast_event *events, unsigned most);

/* When to call unicast_due next; INT64_MAX for never. */
int64_t unicast_deadline(const struct unicast *u);

/* Ends every grant, tells each client so by CANCEL, spread over a second, and grants nothing until
 * unicast_resume. For the end, the hand-over to another grandmaster, or a time not worth serving. */
void unicast_withdraw(struct unicast *u, int64_t now_ns);
void unicast_resume(struct unicast *u);
/* The withdrawal is over: everyone acknowledged or was told often enough. */
bool unicast_settled(const struct unicast *u);

/* A client's grants, for display. */
const struct unicast_client *unicast_of(const struct unicast *u, const struct client *cl);

/* Inside: what negotiation does to one client's grants. */
enum unicast_refusal unicast_grant(struct unicast *u, struct client *cl, enum unicast_service service,
                                   int8_t log_interval, uint32_t *duration_s, int8_t *granted,
                                   int64_t now_ns);
void unicast_end(struct unicast *u, struct client *cl, enum unicast_service service);
void unicast_acknowledged(struct unicast *u, struct client *cl, enum unicast_service service);
void unicast_set_local(struct unicast *u, struct client *cl, const struct address *local);

const char *unicast_service_name(enum unicast_service service);
const char *unicast_refusal_name(enum unicast_refusal why);

#endif
