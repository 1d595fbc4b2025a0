/* SPDX-License-Identifier: BSD-2-Clause */
/* The device file of a PHC: opened, found unfit to be steered, lost and opened again. */
#ifndef GMD_CLOCK_PHC_DEVICE_H
#define GMD_CLOCK_PHC_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct phc_device {
    char path[128];
    int flags; /* O_RDWR to steer, O_RDONLY */
    int fd;    /* -1: vanished */
    clockid_t id;
    dev_t number;
    int64_t retry_ns, backoff_ns; /* monotonic; next attempt to open it again */
};

/* 0, or -1 with a complaint. */
int phc_device_open(struct phc_device *d, const char *path, int flags, char *error, int error_size);

/* What it may be steered by, and the correction in force; false and why not in plain words. Sets the
 * frequency in force anew unless max_adj is 0. */
bool phc_device_steerable(const struct phc_device *d, double *max_freq_ppb, double *freq_ppb, char *why,
                          int why_size);

/* It has vanished. */
void phc_device_lost(struct phc_device *d);

/* The next attempt is for this path, at once. */
void phc_device_rename(struct phc_device *d, const char *path);

/* Tries to open it again, if it is time. 0 or -errno, -ENODEV between attempts. */
int phc_device_reopen(struct phc_device *d);

void phc_device_close(struct phc_device *d);

#endif
