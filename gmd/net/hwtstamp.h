/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver is to stamp (struct hwtstamp_config), negotiated: drivers grant other settings than they were
 * asked for, and others use the same NIC. Pure: the ioctl is the caller's. */
#ifndef GMD_NET_HWTSTAMP_H
#define GMD_NET_HWTSTAMP_H

#include <linux/net_tstamp.h>
#include <stdbool.h>

struct hwtstamp_need {
    bool ethernet; /* PTPv2 event messages over Ethernet are to be stamped on receipt; else over UDP */
    bool one_step; /* the NIC is to write the time into Sync */
};

/* SIOCGHWTSTAMP or SIOCSHWTSTAMP: 0 or -errno; config goes in and comes back. */
typedef int (*hwtstamp_ioctl)(void *ctx, unsigned long request, struct hwtstamp_config *config);

/* Sees to it that the driver's settings serve the need. Settings that do are left alone. Else the narrowest
 * receive filter is asked for first; where another one is in force, those first that may serve its user too.
 * What was granted is read back. 0; 1 if the settings were changed; or -errno, and why in plain words. */
int hwtstamp_negotiate(const struct hwtstamp_need *need, hwtstamp_ioctl fn, void *ctx, char *why,
                       int why_size);

#endif
