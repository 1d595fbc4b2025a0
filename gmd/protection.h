/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands beside the daemon for its ports: the guard before their sockets, the fast path in their
 * drivers, workers. What the kernel cannot do is named, and the ports serve as usual. */
#ifndef GMD_PROTECTION_H
#define GMD_PROTECTION_H

#include "gmd/daemon.h"
#include "gmd/net/guard.h"

struct protection_config {
    bool guard;          /* where the kernel permits; else there is only the plain filter */
    bool ingress;        /* the guard answers known clients, where it is early */
    bool fast_path;      /* needs the guard's maps, though not the guard ... */
    unsigned workers;    /* ... and so do these; of each port */
    unsigned clients;    /* slots of the client table */
    double strangers_hz; /* requests of all together who are not established, per port */
};

/* What a port has of it. */
struct protection_status {
    bool guarded;
    bool early;            /* before the network stack already */
    const char *fast_mode; /* "driver", "ingress", "off" */
    unsigned workers;
    uint64_t workers_unanswered; /* requests that they could not answer */
    char missing[160];           /* why it is not guarded; empty when it is, or was not to be */
    char problem[160];           /* what ails the fast path, or workers; empty when all is well */
    struct kernel_counts counts;
    uint64_t queue_lost; /* frames that found the receive queue full */
};

struct protection;

/* NULL for want of memory. NULL may be handed to all that follows but protection_status. */
struct protection *protection_open(const struct protection_config *c);
void protection_close(struct protection *g);

/* A port's transport was opened, or is about to be closed. */
void protection_port_opened(struct protection *g, struct daemon_port *port);
void protection_port_closing(struct protection *g, const struct daemon_port *port);

/* Renews what is answered with in the daemon's stead: some times a second, and after the clock was set. */
void protection_renew(struct protection *g, struct daemon *d, int64_t now_ns);

/* Tells client table and budget what was done in the daemon's stead, some times a second: of some clients, in
 * turn. True: of all. */
bool protection_collect(struct protection *g, struct daemon *d, int64_t now_ns);

/* After each event: a port that is no longer MASTER falls silent at once, and the kernel learns who is a
 * client. */
void protection_settle(struct protection *g, struct daemon *d);

/* Once a second or so: counts what was lost, and looks for answers that a driver loses. */
void protection_check(struct protection *g, struct daemon *d);

/* Brings the client table up to date with what the kernel refused and answered. */
void protection_account(struct protection *g, struct daemon *d, int64_t now_ns);

/* What the kernel did with a port's frames before its sockets; zeros where it does nothing. */
struct kernel_counts protection_counts(const struct protection *g, unsigned port);

void protection_status(const struct protection *g, unsigned port, struct protection_status *s);

#endif
