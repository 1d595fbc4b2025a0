/* SPDX-License-Identifier: BSD-2-Clause */
/* Who asks this grandmaster for Delay_Resp (or Pdelay_Resp): a bounded table, pure. */
#ifndef GMD_PTP_CLIENTS_H
#define GMD_PTP_CLIENTS_H

#include "bmca/ptp.h"
#include "gmd/ptp/frame.h"

#define CLIENTS_MAX 1024

enum client_mode {
    CLIENT_MULTICAST, /* asks by multicast */
    CLIENT_HYBRID,    /* asks by unicast */
    CLIENT_PEER,      /* asks with Pdelay_Req */
};

/* Told apart by port identity, address and our port: clones of one identity show as two. */
struct client {
    struct port_identity identity;
    struct address address;
    uint8_t mode;                        /* enum client_mode, of the last request */
    uint16_t port;                       /* our port's number */
    int64_t first_seen_ns, last_seen_ns; /* monotonic */
    uint64_t requests, answered;
    double rate_hz; /* requests per second, smoothed over some 10 s, as of the last request */
};

struct clients; /* allocated once by the owner */

size_t clients_size(void);
/* seed: keys the hash; secret, or strangers can choose identities that slow the table down. */
void clients_init(struct clients *c, uint64_t seed);

/* One request at now_ns (monotonic): finds or makes the client (the one idle for longest gives way when the
 * table is full) and counts it. Never NULL. */
struct client *clients_request(struct clients *c, const struct port_identity *id, const struct address *from,
                               enum client_mode mode, uint16_t port, int64_t now_ns);

/* Walks all clients: *cursor starts at 0; NULL at the end. */
const struct client *clients_next(const struct clients *c, size_t *cursor);
size_t clients_count(const struct clients *c);
/* Clients heard within the last window_ns. */
size_t clients_active(const struct clients *c, int64_t now_ns, int64_t window_ns);
uint64_t clients_evicted(const struct clients *c);
const char *client_mode_name(enum client_mode mode);

#endif
