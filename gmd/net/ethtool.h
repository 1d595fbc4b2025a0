/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver says of an interface that matters to a program in it (SIOCETHTOOL). */
#ifndef GMD_NET_ETHTOOL_H
#define GMD_NET_ETHTOOL_H

#include <stdbool.h>
#include <stdint.h>

bool ethtool_is_veth(const char *interface);

/* Frames that an XDP program sent back, over all queues; 0 where the driver does not count them. */
struct ethtool_answers {
    uint64_t sent, lost; /* not sent: for want of room, or of somebody who takes them */
};
struct ethtool_answers ethtool_answers(const char *interface);

#endif
