/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run of gmload is to do, and the command line that says so. */
#ifndef GMD_LOAD_SETTINGS_H
#define GMD_LOAD_SETTINGS_H

#include <net/if.h>

#include "gmd/load/grants.h"
#include "gmd/load/packet.h"

#define LOAD_CLIENTS_MAX 65536
#define LOAD_THREADS_MAX 8
#define LOAD_SECONDS_MAX 86400

enum load_mode {
    LOAD_MULTICAST,  /* Delay_Req by multicast */
    LOAD_HYBRID,     /* by unicast; Announce and Sync by multicast (RFC 9760) */
    LOAD_NEGOTIATED, /* all by unicast, negotiated (clause 16.1) */
    LOAD_SPTP,       /* the client-driven exchange: a Delay_Req is answered by Sync and Announce */
};

struct load_settings {
    char interface[IFNAMSIZ];
    enum packet_transport transport;
    enum load_mode mode;
    uint8_t domain;
    uint32_t server, gateway; /* IPv4 in host order; 0: to be found, none */
    /* IPv4 addresses that the clients send from; address_count 0: the interface's own for all */
    uint32_t first_address, address_count;

    unsigned clients;
    double rate_hz;     /* of each client's Delay_Req */
    bool closed_loop;   /* each client sends as soon as it was answered, whatever rate_hz */
    unsigned in_flight; /* closed loop: so many requests of all wait for an answer at most; 0: one of each
                           client */
    bool obey;          /* logMinDelayReqInterval as answers tell it */
    struct grants_config grants;

    double abuse_hz; /* of the misbehaving client, or of all the forged ones; 0: none; infinite: all it can */
    unsigned forged; /* made-up identities; 0: abuse comes from one client */

    double seconds;
    uint64_t count; /* Delay_Reqs of the good clients in all; 0: any number */
    int64_t timeout_ns;
    unsigned threads; /* power of two, of the good clients */
    double expect;    /* answered share (0..1) below which the run has failed */
    bool json, quiet;
};

enum settings_result {
    SETTINGS_RUN,
    SETTINGS_HELP,
    SETTINGS_VERSION,
    SETTINGS_WRONG, /* error says what */
};

extern const char settings_usage[];
const char *load_mode_name(enum load_mode mode);

/* The command line; defaults are in settings_usage. */
enum settings_result settings_read(struct load_settings *s, int argc, char **argv, char *error,
                                   int error_size);

#endif
