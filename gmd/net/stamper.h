/* SPDX-License-Identifier: BSD-2-Clause */
/* Time stamps of sockets (SO_TIMESTAMPING): of sent frames asked for frame by frame, collected from the error
 * queue, matched to the frame's token by the kernel's own count of stamped frames (OPT_ID). */
#ifndef GMD_NET_STAMPER_H
#define GMD_NET_STAMPER_H

#include "gmd/net/batch.h"

#define STAMPER_RING 1024 /* frames that may wait for their stamps; older ones are forgotten */

struct stamper_frame {
    bool known;   /* a frame that its sender wants stamped */
    bool waiting; /* no stamp has come yet */
    uint32_t id, token;
};

#define STAMPER_TAKE 16 /* stamps that one system call takes */

/* What came from the error queue; the frames that come with their stamps are cut off, nobody reads them. */
struct stamper_queue {
    struct mmsghdr msgs[STAMPER_TAKE];
    struct iovec iov[STAMPER_TAKE];
    uint8_t data[STAMPER_TAKE][8];
    _Alignas(struct cmsghdr) uint8_t control[STAMPER_TAKE][256];
    unsigned count, next;
};

struct stamper {
    int fd;
    enum stamping stamping;
    struct stamper_frame ring[STAMPER_RING]; /* by id */
    struct stamper_queue queue;
    uint32_t next_id;     /* what the kernel gives the next stamped frame */
    bool lost_count;      /* a send failed: did the kernel count it or not? */
    int64_t last_sent_ns; /* of a frame that waits for its stamp, monotonic */
};

/* Turns stamping on for frames that leave through fd. 0 or -errno. */
int stamper_init(struct stamper *s, int fd, enum stamping stamping);

/* The same for what only receives. */
int stamper_listen(int fd, enum stamping stamping);

/* Sends the messages that were composed from frames[0..count-1], with what each asks of its time of sending.
 * Returns how many are settled, at least one: results[i] is 0, -errno of the last of them, or 1. After a
 * failed send the count is set right first, and until stamps that are on their way have come in, frames go
 * out without one: 1. */
unsigned stamper_send(struct stamper *s, struct batch_out *b, const struct frame_out *frames, unsigned count,
                      int *results);

/* One stamp from the error queue, repeated ones included: 1, or 0 when there is none. A pending socket error
 * is taken off (counted), or poll would report it for ever. */
int stamper_take(struct stamper *s, struct transport_counters *counters, uint32_t *token,
                 struct raw_stamp *stamp);

/* The stamp of this kind among a received message's control data, if it is there. */
struct raw_stamp stamper_received(enum stamping stamping, struct msghdr *msg);

#endif
