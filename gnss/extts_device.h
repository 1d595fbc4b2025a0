/* SPDX-License-Identifier: BSD-2-Clause */
/* A PHC's device as a source of external time stamps: pin, channel, request, events. Two channels of one PHC
 * may be open at a time. */
#ifndef GMD_GNSS_EXTTS_DEVICE_H
#define GMD_GNSS_EXTTS_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define EXTTS_LEFT 16

struct extts_device {
    char path[128];
    int pin; /* -1: the pin functions are left as they are */
    unsigned channel;
    unsigned edge; /* PTP_RISING_EDGE, PTP_FALLING_EDGE */
    int fd;        /* -1: not there */
    bool strict;   /* the driver promised to stamp this edge only */
    /* events of this channel that another one of this process took out of the queue both share */
    int64_t left_ns[EXTTS_LEFT];
    unsigned left_count;
    dev_t dev; /* of the file that was opened */
    ino_t ino;
    struct extts_device *next; /* that is open */
};

/* Opens and prepares d, whose first four members are set. What was queued before is dropped. 0 or -1 with a
 * complaint. */
int extts_device_open(struct extts_device *d, char *error, int error_size);

/* Asks for time stamps anew. 0 or -errno. */
int extts_device_request(struct extts_device *d);

/* 1: an event of the channel, as the PHC's time *edge_ns; 0: none there; -EAGAIN: one of another channel,
 * left to whom it belongs; -errno. Never waits. */
int extts_device_take(struct extts_device *d, int64_t *edge_ns);

/* When the PHC showed edge_ns, monotonic; *age_ns how long ago. 0 or -errno: the PHC does not tell. */
int extts_device_when(const struct extts_device *d, int64_t edge_ns, int64_t *at_ns, int64_t *age_ns);

/* Switches the time stamps off and closes. */
void extts_device_close(struct extts_device *d);

#endif
