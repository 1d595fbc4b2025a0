/* SPDX-License-Identifier: BSD-2-Clause */
/* The client-driven exchange of Meta's data centres (SPTP), the server's side. A unicast Delay_Req with a
 * flag of its own is answered by a Sync and an Announce; no grant, no state:
 *   Delay_Req, received at T4     -> Sync, originTimestamp T4, to the UDP port that the Delay_Req came from
 *   Sync's transmit timestamp T1  -> Announce, originTimestamp T1, correctionField of the Delay_Req
 * both with the sequenceId of the Delay_Req. A client's event port is the one that it asks from: its sockets
 * need not be on 319, and several clients of one host differ by it.
 *
 * Two answers to one request, of 108 octets to 44, and whoever makes up an address may choose its port: a
 * reflector of twice the octets, as far as budget and guard let strangers ask. No loop comes of it: to nobody
 * who follows the protocol are a Sync or an Announce a request. */
#ifndef GMD_PTP_SPTP_H
#define GMD_PTP_SPTP_H

#include "gmd/ptp/wire.h"

/* Its flagField is exactly unicast and PTP profile specific 1. */
bool sptp_is_request(const struct ptp_header *h);

/* Makes the answers of a Sync and an Announce that have their ordinary contents: flags, logMessageInterval,
 * sequenceId, timestamps (TAI ns) and correction are set. */
void sptp_sync(struct ptp_message *sync, uint16_t sequence_id, int64_t t4_ns);
void sptp_announce(struct ptp_message *announce, uint16_t sequence_id, int64_t correction, int64_t t1_ns);

/* Whether the Announce goes where the Sync went, as Meta's ptping wants it, instead of to port 320: the
 * client's portNumber is above 10. */
bool sptp_announce_to_event_port(const struct port_identity *requester);

#endif
