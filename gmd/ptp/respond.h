/* SPDX-License-Identifier: BSD-2-Clause */
/* What a port answers: Delay_Resp, Pdelay_Resp and Pdelay_Resp_Follow_Up. Each goes the way that its request
 * came, multicast or unicast from the address that was asked, and requires the request's receive timestamp.
 */
#ifndef GMD_PTP_RESPOND_H
#define GMD_PTP_RESPOND_H

#include "gmd/ptp/instance.h"

/* Ways of asking for Delay_Resp, as bits. */
enum respond_way {
    RESPOND_UNICAST = 1,
    RESPOND_MULTICAST = 2,
};

/* In which ways others may answer this client's plain Delay_Req in the daemon's stead while its port is
 * MASTER: those in which the daemon itself would, and none where the daemon has to see the requests. */
unsigned respond_elsewhere(const struct instance *in, const struct client *cl, int64_t now_ns);

/* The caller has checked state and delay mechanism. */
void respond_delay_req(struct port *p, struct instance *in, const struct ptp_message *req,
                       const struct frame_in *f, int64_t now_ns);
void respond_pdelay_req(struct port *p, struct instance *in, const struct ptp_message *req,
                        const struct frame_in *f, int64_t now_ns);

/* The Pdelay_Resp of entry left at timestamp_ns (TAI, egress latency included). */
void respond_pdelay_follow_up(struct port *p, const struct instance *in, const struct pending_entry *entry,
                              int64_t timestamp_ns);

#endif
