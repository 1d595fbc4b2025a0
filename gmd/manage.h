/* SPDX-License-Identifier: BSD-2-Clause */
/* Management of the running daemon (pmc, phc2sys, monitoring): the UNIX socket and the PTP ports on one side,
 * gmd/ptp/management on the other. Trouble with the socket never stops time: it is named, and the socket is
 * opened again when it can be. */
#ifndef GMD_MANAGE_H
#define GMD_MANAGE_H

#include "gmd/daemon.h"
#include "gmd/ptp/management.h"

struct manage;

struct manage_config {
    const char *socket; /* "": none */
    bool network;       /* answer the network's GETs too */
    const char *user_description;
};

/* Never NULL. The strings live as long as it does. */
struct manage *manage_open(struct daemon *d, const struct manage_config *config);
void manage_close(struct manage *m);

/* A received frame, which may be a management message or not: answers go to the port's outbox. */
void manage_frame(struct manage *m, unsigned port, const struct frame_in *f, int64_t now_ns);

/* Tells subscribers what has changed since the last call; after each event. */
void manage_notify(struct manage *m, int64_t now_ns);

/* Why the socket does not answer; empty when it does, or when none is wanted. */
const char *manage_problem(const struct manage *m);

const struct management_counters *manage_counters(const struct manage *m);

#endif
