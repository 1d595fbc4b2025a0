/* SPDX-License-Identifier: BSD-2-Clause */
/* How a port's messages come about: the header that they share and the way into the outbox. */
#ifndef GMD_PTP_SEND_H
#define GMD_PTP_SEND_H

#include "gmd/ptp/instance.h"

/* A message of this port with its header filled as far as the type alone says, everything else zero. */
struct ptp_message message_new(const struct instance *in, const struct port *p, enum message_type type);

/* Encodes m into the port's outbox and counts it; the frame, or NULL if the box is full. */
struct frame_out *send_frame(struct port *p, struct ptp_message *m, const struct route *route);

/* The same for an event message whose transmit timestamp is wanted (two-step): the caller sets the token. */
struct frame_out *send_stamped(struct port *p, struct ptp_message *m, const struct route *route);

/* ns to correctionField, clause 13.3.2.9 */
#define CORRECTION_PER_NS 65536

/* Encodes m into the port's outbox and counts it; unicastFlag follows the route. False if the box is full. */
bool send_general(struct port *p, struct ptp_message *m, const struct route *route);

/* The same for an event message into which the NIC writes its time of sending: one-step. */
bool send_one_step(struct port *p, struct ptp_message *m, const struct route *route);

/* The same for the first half of a two-step message. Returns the entry that waits for the transmit timestamp,
 * for the caller to add what the second half needs; NULL if the box is full. */
struct pending_entry *send_event(struct port *p, struct ptp_message *m, const struct route *route,
                                 int64_t now_ns);

#endif
