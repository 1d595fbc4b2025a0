/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's table of neighbours (rtnetlink). */
#ifndef GMD_NET_NEIGHBOUR_H
#define GMD_NET_NEIGHBOUR_H

#include <stddef.h>

/* Gives a multicast group (AF_INET or AF_INET6, 4 or 16 octets) a place for good. The kernel keeps groups
 * among the neighbours, and throws these out first when the table is full: then whoever makes up addresses
 * stops Sync, which the kernel drops without a word. The entry says what the kernel itself would, and stays.
 * Needs CAP_NET_ADMIN; without it nothing happens. */
void neighbour_pin_group(int family, const void *group, int ifindex);

#endif
