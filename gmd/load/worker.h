/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread of the generator: some clients, one packet socket, its own figures. Threads share nothing that
 * changes; the figures are put together when all have ended. */
#ifndef GMD_LOAD_WORKER_H
#define GMD_LOAD_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "gmd/load/heard.h"
#include "gmd/load/host.h"
#include "gmd/load/identity.h"
#include "gmd/load/pacer.h"
#include "gmd/load/population.h"

struct worker {
    /* set by the owner */
    const struct load_settings *settings;
    const atomic_bool *stop;
    struct packet_route route;   /* to the server */
    struct port_identity server; /* all ones: unknown */
    enum identity_kind kind;
    uint16_t tag;           /* of its identities */
    uint32_t shares, share; /* clients share, share + shares, ... of their kind */
    unsigned clients;
    double rate_hz;           /* of each client; infinite: all that can be sent */
    unsigned resting;         /* closed loop: as many always wait for their turn */
    uint64_t count;           /* Delay_Reqs at most; 0: any number */
    uint32_t first_address;   /* client 0's; with own_address the address of all */
    bool own_address;         /* each client has its own */
    uint16_t first_port;      /* client 0's UDP port, each has its own; 0: all have that of PTP */
    int64_t start_ns, end_ns; /* monotonic */

    atomic_bool ended;

    /* figures; sent and population.answered may be read (atomically) while it runs */
    uint64_t sent, unsent; /* Delay_Reqs that left, and that did not for want of room */
    struct population population;
    struct heard heard;
    struct grants_counters grants;
    struct stream_counts sync, announce; /* unicast, of all clients */
    struct histogram sync_errors, announce_errors;

    /* its own */
    pthread_t thread;
    struct raw raw;
    struct pacer pacer;
    uint8_t request[RAW_FRAME_MAX]; /* a Delay_Req's frame, but for source and sequenceId */
    size_t request_len, headers_len;
    unsigned batch[RAW_BATCH]; /* which client each frame of the batch is a request of; NOT_A_REQUEST */
    unsigned *ready, ready_head, ready_count; /* closed loop: clients that may send, a ring */
    unsigned visited;                         /* the client whose grants were looked at last */
    int64_t visit_ns;
    bool over;     /* the time is up: only what had begun is completed */
    bool vanished; /* the interface has */
};

/* Its socket and its clients, before it runs. 0, or -1 with error. */
int worker_open(struct worker *w, const struct load_host *host, char *error, int error_size);
void worker_close(struct worker *w);

/* The thread: from start_ns to end_ns, and until the last answers have come. */
void *worker_run(void *worker);

/* The source address of a client. */
uint32_t worker_address(const struct worker *w, unsigned client);
/* Queues Signaling of a client with these TLVs. */
void worker_signal(struct worker *w, unsigned client, const uint8_t *chain, size_t len);
/* Closed loop: the client may send its next request. */
void worker_ready(struct worker *w, unsigned client);

#endif
