/* SPDX-License-Identifier: BSD-2-Clause */
/* The ports' feet in the network: sockets opened, watched, drained and re-opened; stamps converted by the
 * clock. */
#ifndef GMD_PORTS_H
#define GMD_PORTS_H

#include "gmd/daemon.h"

/* Follows links and opens what can be opened. -1 with error if the configuration cannot be served at all. */
int ports_start(struct daemon *d, char *error, int error_size);

/* Sends what the engine left in the outboxes; call after each event. */
void ports_flush(struct daemon *d);

/* Sets d->instance_timer and d->sync_timer to what the engine waits for next. */
void ports_set_timers(struct daemon *d);

/* Keeps what the kernel does for the ports up to date; with every tick, after the clock was set. */
void ports_tick(struct daemon *d, int64_t now_ns);

/* Opens again what could not be opened so far; runs by d->port_timer. */
void ports_retry(struct daemon *d, int64_t now_ns);

/* The PHC is another device now: what stamps with it, or could not, is opened again. */
void ports_reopen(struct daemon *d, int64_t now_ns);

void ports_close(struct daemon *d);

#endif
