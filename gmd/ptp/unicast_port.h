/* SPDX-License-Identifier: BSD-2-Clause */
/* What ports send and receive by unicast on their clients' behalf: negotiation, Sync, Announce and Follow_Up
 * under a grant, and the client-driven exchange. */
#ifndef GMD_PTP_UNICAST_PORT_H
#define GMD_PTP_UNICAST_PORT_H

#include "gmd/ptp/instance.h"

/* A Signaling message, for a MASTER port. */
void unicast_receive_signaling(struct port *p, struct instance *in, const struct ptp_message *m,
                               const struct frame_in *f, int64_t now_ns);

/* The Sync that answers a Delay_Req of the client-driven exchange. False: no room in the outbox. */
bool unicast_send_sptp_sync(struct port *p, struct instance *in, const struct ptp_message *req,
                            const struct frame_in *f, int64_t now_ns);

/* Grants are made while this clock serves, and withdrawn as configured; after each state decision. */
void unicast_follow_state(struct instance *in, int64_t now_ns);

/* Sends what is due, as far as the outboxes have room. */
void unicast_tick(struct instance *in, int64_t now_ns);
int64_t unicast_next_tick(const struct instance *in);

/* The transmit timestamp of a token with FLIGHT_TOKEN, TAI ns with egress latency. */
enum pending_result unicast_stamped(struct port *p, struct instance *in, uint32_t token,
                                    int64_t timestamp_ns);
/* There will be none. False if nobody waits for one. */
bool unicast_unstamped(struct instance *in, uint32_t token);

#endif
