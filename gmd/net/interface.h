/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says about an interface: address, link, time stamping. */
#ifndef GMD_NET_INTERFACE_H
#define GMD_NET_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

struct interface_info {
    int index;
    uint8_t mac[6];
    bool up;                /* IFF_UP and IFF_RUNNING */
    int phc_index;          /* -1: none */
    bool hardware_stamping; /* the driver can stamp what PTP needs, in both directions */
    bool software_stamping;
    char why_not_hardware[128]; /* in plain words, empty if it can */
};

/* 0, or -1 with error ("eth7: no such interface"). ETHTOOL_GET_TS_INFO. */
int interface_query(const char *name, struct interface_info *info, char *error, int error_size);

/* Turns hardware stamping on (SIOCSHWTSTAMP), asking for the narrowest filter that serves and taking what the
 * driver grants. 0, or -1 with error. */
int interface_enable_hardware_stamping(const char *name, bool ethernet, char *error, int error_size);

/* Watches links (rtnetlink). fd to poll and to close, or -errno. */
int link_watch_open(void);
/* One change: 1 with the interface's index and whether it is up (a removed one is not), 0 when nothing is
 * there, -ENOBUFS when messages were lost (query all again). An interface that was removed comes back with
 * another index. */
int link_watch_read(int fd, int *index, bool *up);

#endif
