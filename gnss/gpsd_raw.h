/* SPDX-License-Identifier: BSD-2-Clause */
/* gpsd's raw stream on a connection of its own, so that no byte of the receiver's can disturb the reports. It
 * is an extra: where it is refused, lost, or carries no UBX, nothing is said of it. */
#ifndef GMD_GNSS_GPSD_RAW_H
#define GMD_GNSS_GPSD_RAW_H

#include "gnss/gpsd_link.h"
#include "gnss/ubx.h"

struct gpsd_raw {
    struct gpsd_link link;
    bool asked; /* for the stream, on this connection */
    struct ubx ubx;
};

/* To where `like` goes, which has just been initialised. */
void gpsd_raw_init(struct gpsd_raw *r, const struct gpsd_link *like);

/* 1: what a message says is set in *report; 0: nothing more, or *budget, which counts messages and reads
 * down, is used up. Connects when that is due. */
int gpsd_raw_read(struct gpsd_raw *r, const char *device, int64_t now_ns, unsigned *budget,
                  struct receiver_report *report);

/* When gpsd_raw_read wants to be called even without input. */
int64_t gpsd_raw_deadline(const struct gpsd_raw *r);

void gpsd_raw_stop(struct gpsd_raw *r, int64_t now_ns);

#endif
