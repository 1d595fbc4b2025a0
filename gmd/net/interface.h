/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says about an interface: address, link, time stamping. */
#ifndef GMD_NET_INTERFACE_H
#define GMD_NET_INTERFACE_H

#include <stdint.h>

#include "gmd/net/hwtstamp.h"

struct interface_info {
    int index;
    uint8_t mac[6];
    bool up;                /* IFF_UP and IFF_RUNNING */
    int phc_index;          /* -1: none */
    bool hardware_stamping; /* the driver can stamp what PTP needs, in both directions */
    bool one_step_sync;     /* and write the time into Sync itself */
    bool software_stamping;
    char why_not_hardware[160]; /* in plain words, empty if it can */
};

/* 0, or -1 with error ("eth7: no such interface"). ETHTOOL_GET_TS_INFO. A VLAN or macvlan has the abilities
 * of the interface under it; a bond has none, for its hardware clock would change with the active interface.
 */
int interface_query(const char *name, struct interface_info *info, char *error, int error_size);

/* Sees to it that the driver stamps what need says (SIOCSHWTSTAMP); settings that serve already, somebody
 * else's perhaps, are left alone. 0, 1 if they had to be changed, or -1 with error. */
int interface_stamp_in_hardware(const char *name, const struct hwtstamp_need *need, char *error,
                                int error_size);

/* The same for two-step; 0 or -1. */
int interface_enable_hardware_stamping(const char *name, bool ethernet, char *error, int error_size);

/* Watches links (rtnetlink). fd to poll and to close, or -errno. */
int link_watch_open(void);
/* One change: 1 when some link changed, or changes may have been missed (query all again); 0 when nothing is
 * there. An interface that was removed comes back with another index. */
int link_watch_read(int fd);

#endif
