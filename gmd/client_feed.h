/* SPDX-License-Identifier: BSD-2-Clause */
/* Between clients and the guard: who may ask how often, and be answered in the daemon's stead, goes one way;
 * what was done with their requests the other, into the client table and the budget. */
#ifndef GMD_CLIENT_FEED_H
#define GMD_CLIENT_FEED_H

#include "gmd/net/guard.h"
#include "gmd/ptp/instance.h"

struct client_feed;

/* For a table of this capacity and a guard with as many slots. NULL for want of memory. */
struct client_feed *client_feed_new(struct guard *g, unsigned capacity);
void client_feed_free(struct client_feed *f);

/* Whether this port (its index) has somebody who answers in the daemon's stead. */
void client_feed_helped(struct client_feed *f, unsigned port, bool helped);

/* Tells the guard what has changed in the table; some of it, if it is much: call after each batch of
 * requests. */
void client_feed_changes(struct client_feed *f, const struct instance *in, int64_t now_ns);

/* Tells table and budget what was answered and refused, and the guard what else has changed: seniority, fair
 * shares, faults. Some times a second; looks at a few hundred clients at most, in turn. True: all had their
 * turn. */
bool client_feed_counts(struct client_feed *f, const struct instance *in, int64_t now_ns);

/* The same up to the last of them. */
void client_feed_all_counts(struct client_feed *f, const struct instance *in, int64_t now_ns);

#endif
