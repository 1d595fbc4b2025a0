/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's filter (classic BPF) of a generator thread's socket: it sees what is for its own clients, and
 * one of the threads what is for everybody. Pure. */
#ifndef GMD_LOAD_FILTER_H
#define GMD_LOAD_FILTER_H

#include <linux/filter.h>

#include "gmd/load/identity.h"
#include "gmd/load/packet.h"

#define FILTER_LEN_MAX 32

/* A client belongs to the thread if its index, octets 4 to 7 of its clockIdentity, is share modulo shares. */
struct filter_spec {
    enum packet_transport transport;
    struct identity_prefix prefix;
    uint32_t shares, share; /* shares: a power of two */
    bool multicast;         /* takes multicast messages other than Delay_Resp */
    bool unicast;           /* takes unicast messages other than Delay_Resp: */
    uint32_t first_address; /* client 0's IPv4 address; 0: all clients have one, these go to share 0 */
    uint16_t first_port;    /* client 0's UDP port, by which these are told apart instead; 0: all have one */
};

/* Returns the number of instructions. */
unsigned filter_build(const struct filter_spec *spec, struct sock_filter code[FILTER_LEN_MAX]);

#endif
