/* SPDX-License-Identifier: BSD-2-Clause */
/* Pulse sources: the edge that marks each second. A driver is a table of functions. */
#ifndef GMD_GNSS_PULSE_H
#define GMD_GNSS_PULSE_H

#include <stdbool.h>
#include <stdint.h>

struct pulse_event {
    int64_t edge_ns; /* raw time stamp of the edge ... */
    bool hardware;   /* ... by the PHC (external time stamps) or else by CLOCK_REALTIME (PPSAPI, simulated) */
    int64_t arrival_ns; /* monotonic: of the edge, if its age can be told; else when the event was read */
    uint32_t sequence;  /* by the source, if it counts; else by the driver */
};

struct pulse;

struct pulse_ops {
    const char *name;                     /* "extts", "pps", "simulated" */
    int (*fd)(struct pulse *p);           /* to poll for reading, or -1 */
    int64_t (*deadline)(struct pulse *p); /* monotonic ns when read() wants to be called; INT64_MAX: never */
    /* 1: *event filled, call again; 0: nothing more; -errno: trouble, counted, and the driver goes on. */
    int (*read)(struct pulse *p, int64_t now_ns, struct pulse_event *event);
    void (*close)(struct pulse *p);
};

struct pulse {
    const struct pulse_ops *ops;
    char description[96]; /* "/dev/pps0, assert edge" */
    char problem[160];    /* in plain words, empty when all is well */
    uint64_t errors;
};

enum pulse_edge {
    PULSE_RISING,
    PULSE_FALLING,
};

/* PPSAPI (RFC 2783) on a device such as /dev/pps0. NULL and error filled on failure. */
struct pulse *pulse_pps_open(const char *device, enum pulse_edge edge, char *error, int error_size);

/* External time stamps of a PHC; pin -1: leave the pin functions as they are. Events that were queued before
 * the open are dropped. */
struct pulse *pulse_extts_open(const char *device, int pin, int channel, enum pulse_edge edge, char *error,
                               int error_size);

#endif
