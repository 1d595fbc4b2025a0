/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver says of an interface that matters to a program in it (SIOCETHTOOL). */
#ifndef GMD_NET_ETHTOOL_H
#define GMD_NET_ETHTOOL_H

#include <stdbool.h>
#include <stdint.h>

bool ethtool_is_veth(const char *interface);

/* Frames that a program sent back and the driver could not send, over all queues; 0 where it does not count
 * them. */
uint64_t ethtool_lost_answers(const char *interface);

#endif
