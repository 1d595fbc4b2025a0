/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of one client, and how one request changes it. Pure arithmetic over one record. */
#ifndef GMD_PTP_CLIENTS_RECORD_H
#define GMD_PTP_CLIENTS_RECORD_H

#include "bmca/ptp.h"
#include "gmd/ptp/frame.h"

/* How it asked last. */
enum client_mode {
    CLIENT_MULTICAST,
    CLIENT_HYBRID,     /* unicast without a grant */
    CLIENT_NEGOTIATED, /* unicast by grant (clause 16.1) */
    CLIENT_PEER,       /* Pdelay_Req */
    CLIENT_SPTP,       /* client-driven exchange */
};

enum client_standing {
    CLIENT_MISFIT,      /* was never heard asking what could be answered here */
    CLIENT_NEWCOMER,    /* has to show that it asks over time */
    CLIENT_ESTABLISHED, /* is not pushed out by strangers */
    CLIENT_STRANGER,    /* the one record that stands for all who found no room */
};

/* Who is refused last, when all cannot be served. */
enum client_rank {
    CLIENT_FIRST,  /* granted, or senior */
    CLIENT_SECOND, /* established */
    CLIENT_LAST,   /* newcomers, strangers */
};

/* Why a request was not answered. */
enum client_refusal {
    REFUSED_NOT,
    REFUSED_RATE,         /* faster than it may */
    REFUSED_BUDGET,       /* the capacity was used up */
    REFUSED_NO_GRANT,     /* the profile demands a grant, and it has none */
    REFUSED_NO_TIMESTAMP, /* its time of arrival is not known */
    REFUSED_MISFIT,       /* wrong domain or version */
};
#define CLIENT_REFUSALS 6

/* Its likely mistakes, as bits. */
enum client_fault {
    FAULT_TOO_FAST = 1,       /* asks faster than its interval allows, over a minute */
    FAULT_WRONG_DOMAIN = 2,   /* domainNumber or sdoId */
    FAULT_WRONG_VERSION = 4,  /* versionPTP */
    FAULT_CLONED = 8,         /* its identity also comes from another address, with a sequenceId of its own */
    FAULT_TWO_ADDRESSES = 16, /* one sequence of sequenceIds comes from two addresses */
};
#define CLIENT_FAULTS 5

/* Told apart by port identity, source address and our port. Times are monotonic. */
struct client {
    struct port_identity identity;
    uint16_t port; /* ours, its number */
    struct address address;
    uint8_t mode;         /* enum client_mode */
    uint8_t standing;     /* enum client_standing */
    int8_t log_interval;  /* least interval of its requests, log2 s: granted, else as announced */
    uint8_t seconds_seen; /* distinct ones, up to CLIENT_PROBATION */
    int64_t first_seen_ns, last_seen_ns;
    int64_t busy_until_ns; /* of its token bucket, see budget.c */
    uint64_t requests, answered;
    uint32_t refused[CLIENT_REFUSALS - REFUSED_BUDGET]; /* see client_refused */
    uint32_t second[2], minute[2];                      /* requests in this and in the last one */
    float interval_s, jitter_s;                         /* mean, and mean deviation from it */
    uint16_t sequence_id;                               /* of the last request */
    uint8_t faults, faults_before;                      /* enum client_fault, of this and the last minute */
    /* the last grant that it was refused: enum unicast_refusal (0: none) and enum unicast_service */
    uint8_t unfit_why, unfit_service;
    int8_t unfit_interval; /* as it was asked for, log2 s */
    bool granted : 1;      /* log_interval is by grant */
    bool senior : 1; /* established in quiet times: what it asks is part of what the capacity is known to hold
                      */
    bool held : 1;   /* has grants: keeps its place however long idle */
};

_Static_assert(sizeof(struct client) <= 128, "16,384 of them are 2 MiB");

/* Heard in so many different seconds, a newcomer is established. */
#define CLIENT_PROBATION 3

/* Longest and shortest interval that anything here reckons with, log2 s. */
#define CLIENT_LOG_MIN (-8)
#define CLIENT_LOG_MAX 7

/* Rates are powers of two: in units of 1/256 message per second they are whole numbers. */
#define RATE_UNIT_HZ (1.0 / 256)

/* A client may ask so many times at once, beyond its rate. */
#define CLIENT_BURST 16

/* What a client of this interval may ask, RATE_UNIT_HZ: half as much again as the interval says, for requests
 * are spread at random about it (clause 9.5.11.2). */
static inline uint32_t client_allowance(int8_t log_interval)
{
    return 3u << (CLIENT_LOG_MAX - log_interval);
}

static inline double client_allowed_hz(const struct client *cl)
{
    return client_allowance(cl->log_interval) * RATE_UNIT_HZ;
}

enum client_rank client_rank(const struct client *cl);

/* It asked so; by grant, if it has one. */
void client_set_mode(struct client *cl, enum client_mode mode);

/* It was heard: moves the windows on. */
void client_seen(struct client *cl, int64_t now_ns);

/* The same for a request; before client_seen. Returns the faults that it shows (FAULT_TOO_FAST or none). */
uint8_t client_asked(struct client *cl, uint16_t sequence_id, int64_t now_ns);

/* Requests that were dealt with before they reached the daemon, of which the rest was refused for its rate.
 */
struct client_elsewhere {
    uint32_t requests, answered;
    uint32_t refused_budget;
    float interval_s, jitter_s; /* of all that it asked; 0: not known */
    uint8_t mode;               /* enum client_mode of the last one answered ... */
    uint16_t sequence_id;       /* ... and its sequenceId */
};

/* They count as of now. Returns faults as client_asked. */
uint8_t client_asked_elsewhere(struct client *cl, const struct client_elsewhere *e, int64_t now_ns);

void client_answer(struct client *cl);
void client_refuse(struct client *cl, enum client_refusal why);

/* Requests refused for a reason; requests = answered + those of all reasons. */
uint64_t client_refused(const struct client *cl, enum client_refusal why);

/* Requests per second over the last second, or minute; over its life so far if that is shorter. */
double client_rate_1s(const struct client *cl, int64_t now_ns);
double client_rate_60s(const struct client *cl, int64_t now_ns);

/* Those of the present and the last minute. */
uint8_t client_faults(const struct client *cl, int64_t now_ns);

const char *client_mode_name(enum client_mode mode);
const char *client_standing_name(enum client_standing standing);
const char *client_refusal_name(enum client_refusal why);
const char *client_fault_name(enum client_fault fault); /* of one bit */

#endif
