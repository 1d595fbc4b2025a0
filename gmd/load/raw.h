/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet socket: whole frames out in batches, frames in through a ring that is shared with the kernel, with
 * the kernel's time of arrival. */
#ifndef GMD_LOAD_RAW_H
#define GMD_LOAD_RAW_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define RAW_BATCH     64
#define RAW_FRAME_MAX 256 /* octets of a sent frame */

struct raw {
    int fd;
    int interface; /* index */
    uint8_t *ring;
    unsigned next;    /* frame of the ring */
    uint64_t dropped; /* received frames that found no room in it */
    unsigned batched;
    struct iovec iov[RAW_BATCH];
    uint8_t frames[RAW_BATCH][RAW_FRAME_MAX];
};

/* ethertype in host order. filter may be NULL. 0, or -1 with error. */
int raw_open(struct raw *r, int interface, uint16_t ethertype, const struct sock_fprog *filter, char *error,
             int error_size);
void raw_close(struct raw *r);

/* Room for the next frame of the batch, of RAW_FRAME_MAX octets; NULL when it is full. */
uint8_t *raw_frame(struct raw *r);
void raw_commit(struct raw *r, size_t len);
/* Sends the batch; how many of its frames, from the first on, left. errno says why not all, or 0. */
unsigned raw_send(struct raw *r);

/* The oldest received frame, with its arrival by CLOCK_REALTIME; false when there is none. It is valid until
 * raw_release. */
bool raw_receive(struct raw *r, const uint8_t **frame, size_t *len, int64_t *realtime_ns);
void raw_release(struct raw *r);

/* Waits for a frame, wait_ns at most. */
void raw_wait(const struct raw *r, int64_t wait_ns);

#endif
