/* SPDX-License-Identifier: BSD-2-Clause */
/* Signaling messages of unicast negotiation (clause 16.1.4): REQUEST, CANCEL and ACKNOWLEDGE_CANCEL in, GRANT
 * and ACKNOWLEDGE_CANCEL out. Pure. */
#ifndef GMD_PTP_UNICAST_NEGOTIATE_H
#define GMD_PTP_UNICAST_NEGOTIATE_H

#include "gmd/ptp/unicast.h"
#include "gmd/ptp/wire.h"

/* The TLVs of one answer fit; requests beyond are not looked at. */
#define UNICAST_REPLY_MAX 256

/* Works through the TLVs of a Signaling message that came by unicast to `local` (ADDRESS_NONE: unknown) and
 * is for us, by its targetPortIdentity. r says from whom: log_interval is the port's announced one. Returns
 * the length of the TLV chain to answer with, in a Signaling message to r's identity and address; 0: no
 * answer. */
size_t unicast_signaling(struct unicast *u, const struct client_request *r, const struct address *local,
                         const struct ptp_message *m, uint8_t reply[UNICAST_REPLY_MAX], int64_t now_ns);

/* The chain of a CANCEL for each of an event's services. Returns its length. */
size_t unicast_cancel_tlvs(const struct unicast_event *e, uint8_t reply[UNICAST_REPLY_MAX]);

#endif
