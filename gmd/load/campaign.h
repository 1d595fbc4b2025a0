/* SPDX-License-Identifier: BSD-2-Clause */
/* One run of gmload: finds the server, lets the threads loose, puts their figures together. */
#ifndef GMD_LOAD_CAMPAIGN_H
#define GMD_LOAD_CAMPAIGN_H

#include <stdatomic.h>

#include "gmd/load/heard.h"
#include "gmd/load/settings.h"

struct load_figures {
    uint64_t sent, answered;
    uint64_t late, unasked; /* answers after the timeout; answers to no request that waits */
    uint64_t unsent;        /* the host had no room for them */
    uint64_t left_out;      /* the generator was too slow for them */
};

struct load_worst {
    unsigned client;
    uint64_t sent, answered;
    int64_t round_trip_ns;
};

struct load_stream {
    struct stream_counts counts;
    struct histogram errors; /* of the interval */
};

struct load_result {
    double seconds;
    bool has_server;
    struct port_identity server;
    uint32_t server_address; /* IPv4 */
    struct load_figures good, abuse;
    struct histogram round_trip;       /* of the good clients */
    struct load_worst worst;           /* lowest share of answers, then the longest round trip */
    unsigned unanswered_clients;       /* asked and had no answer at all */
    unsigned silent_clients;           /* could not ask: no grant */
    uint64_t asking_faster;            /* clients beyond the logMinDelayReqInterval that they were told */
    struct load_stream sync, announce; /* negotiated mode: the clients' own; else by multicast */
    struct grants_counters grants;
    uint64_t dropped; /* received, but lost for want of room: the generator was too slow */
    bool vanished;    /* the interface: before the time was up */
    struct heard heard;
};

/* Runs until the time is up or *stop. Progress goes to stderr. 0, or -1 with error where nothing could be
 * measured. */
int load_campaign(const struct load_settings *s, const atomic_bool *stop, struct load_result *result,
                  char *error, int error_size);

#endif
