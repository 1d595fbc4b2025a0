/* SPDX-License-Identifier: BSD-2-Clause */
/* Time stamps of one socket (SO_TIMESTAMPING): asked for frame by frame, collected from the error queue,
 * matched to the frame's token by the kernel's own count of stamped frames (OPT_ID). */
#ifndef GMD_NET_STAMPER_H
#define GMD_NET_STAMPER_H

#include <sys/socket.h>

#include "gmd/net/transport.h"

#define STAMPER_RING 256 /* frames that may wait for their stamps; older ones are forgotten */

struct stamper_frame {
    bool known;   /* a frame that its sender wants stamped */
    bool waiting; /* no stamp has come yet */
    uint32_t id, token;
};

struct stamper {
    int fd;
    enum stamping stamping;
    struct stamper_frame ring[STAMPER_RING]; /* by id */
    uint32_t next_id;                        /* what the kernel gives the next stamped frame */
    bool lost_count;                         /* a send failed: did the kernel count it or not? */
    int64_t last_sent_ns;                    /* of a frame that waits for its stamp, monotonic */
};

/* Room in a message's control buffer for stamper_send. */
#define STAMPER_CONTROL CMSG_SPACE(sizeof(uint32_t))

/* Turns stamping on. 0 or -errno. */
int stamper_init(struct stamper *s, int fd, enum stamping stamping);

/* Sends msg with what f asks of its time of sending; that appends to msg's control buffer (STAMPER_CONTROL
 * bytes free behind msg_controllen). After a failed send the count is set right first, and until stamps that
 * are on their way have come in, frames go out without one: 1. 0 or -errno. */
int stamper_send(struct stamper *s, struct msghdr *msg, const struct frame_out *f);

/* One stamp from the error queue, repeated ones included: 1, or 0 when there is none. A pending socket error
 * is taken off (counted), or poll would report it for ever. */
int stamper_take(struct stamper *s, struct transport_counters *counters, uint32_t *token,
                 struct raw_stamp *stamp);

/* The stamp of the wanted kind among a received message's control data, if it is there. */
struct raw_stamp stamper_received(const struct stamper *s, struct msghdr *msg);

#endif
