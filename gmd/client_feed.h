/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the client table and the guard: who may ask how often goes one way, what the kernel did with their
 * requests the other. */
#ifndef GMD_CLIENT_FEED_H
#define GMD_CLIENT_FEED_H

#include "gmd/net/guard.h"
#include "gmd/ptp/clients.h"

struct client_feed;

/* For a table of this capacity and a guard with as many slots. NULL for want of memory. */
struct client_feed *client_feed_new(struct guard *g, unsigned capacity);
void client_feed_free(struct client_feed *f);

/* Tells the guard what has changed in the table; some of it, if it is much: call after each batch of
 * requests. */
void client_feed_changes(struct client_feed *f, struct clients *c);

/* Tells the table what the kernel answered and refused. Each call looks at a part of the clients, so that
 * CLIENT_FEED_PARTS calls look at all of them. */
#define CLIENT_FEED_PARTS 4
void client_feed_counts(struct client_feed *f, struct clients *c, int64_t now_ns);

#endif
