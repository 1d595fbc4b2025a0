/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces on top of others: VLAN, macvlan, bond, team, bridge. */
#ifndef GMD_NET_STACKED_H
#define GMD_NET_STACKED_H

#include <net/if.h>

#define STACKED_LOWER_MAX 4 /* names that are kept; more are only counted */

enum stacked_kind {
    STACKED_NOT,
    STACKED_VLAN,
    STACKED_MACVLAN,
    STACKED_BOND, /* or team */
    STACKED_BRIDGE,
};

struct stacked {
    enum stacked_kind kind;
    const char *what; /* "bond"; "" for STACKED_NOT */
    char name[IFNAMSIZ];
    char driver[32];
    unsigned lower_count; /* 0 too where they are in another network namespace */
    char lower[STACKED_LOWER_MAX][IFNAMSIZ];
};

/* Where the frames of an interface are stamped, or would be: itself, or what lies under the VLANs and
 * macvlans that it is. By the drivers' names (ETHTOOL_GDRVINFO on fd, any socket) and /sys/class/net. */
struct stacked stacked_foundation(int fd, const char *name);

/* "bond0 is a bond of eth0, eth1"; text of size. Returns text. */
const char *stacked_describe(const struct stacked *s, char *text, int size);

#endif
