/* SPDX-License-Identifier: BSD-2-Clause */
/* What a MASTER port sends by itself: Announce, Sync and Follow_Up. */
#ifndef GMD_PTP_MASTER_H
#define GMD_PTP_MASTER_H

#include "gmd/ptp/instance.h"

/* The port became MASTER: the first Announce and Sync go out at once, and both keep one grid from there on.
 */
void master_start(struct port *p, const struct instance *in, int64_t now_ns);
void master_stop(struct port *p);

/* Sends what is due, at most one message of each kind. */
void master_tick(struct port *p, const struct instance *in, int64_t now_ns);

/* The Sync of entry left at timestamp_ns (TAI, egress latency included). */
void master_follow_up(struct port *p, const struct instance *in, const struct pending_entry *entry,
                      int64_t timestamp_ns);

#endif
