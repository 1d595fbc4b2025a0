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
    int64_t (*deadline)(struct pulse *p); /* monotonic ns when read() wants to be called; INT64_MAX: never.
                                             May change by another source's read() */
    /* 1: *event filled, call again; 0: nothing more; -errno: trouble, counted, and the driver goes on. */
    int (*read)(struct pulse *p, int64_t now_ns, struct pulse_event *event);
    void (*close)(struct pulse *p);
};

/* What others know and a source may need. */
enum pulse_hint {
    PULSE_HINT_MESSAGE, /* a message of the receiver that labels a second arrived at at_ns */
    PULSE_HINT_SECOND,  /* a locked clock is, was or will be at a whole second at at_ns */
    PULSE_HINT_RESET,   /* the device may have been reset: ask for time stamps anew at at_ns */
};

struct pulse {
    const struct pulse_ops *ops;
    void (*hint)(struct pulse *p, enum pulse_hint hint, int64_t at_ns); /* NULL: needs none */
    char description[96];                                               /* "/dev/pps0, assert edge" */
    char problem[160];   /* in plain words, empty when all is well */
    uint64_t errors;     /* reads that failed, edges that were missed */
    uint64_t stale;      /* edges dropped because they were too old, or not of this clock's time */
    uint64_t other_edge; /* edges dropped because they do not begin a pulse */
    uint64_t rearmed;    /* how often the device was opened or asked for time stamps again */
    int of_phc;          /* the edge is /dev/ptpN's own second, not a receiver's; -1: it is not */
};

/* at_ns: monotonic. A reset may move the source's deadline to at_ns. */
static inline void pulse_hint(struct pulse *p, enum pulse_hint hint, int64_t at_ns)
{
    if (p->hint)
        p->hint(p, hint, at_ns);
}

enum pulse_edge {
    PULSE_RISING,
    PULSE_FALLING,
};

/* PPSAPI (RFC 2783) on a device such as /dev/pps0. A device that vanishes is opened again by its path. The
 * PPS device of a PHC is enabled; it tells that PHC's second (of_phc). NULL and error filled on failure. */
struct pulse *pulse_pps_open(const char *device, enum pulse_edge edge, char *error, int error_size);

/* External time stamps of a PHC; pin -1: leave the pin functions as they are. Events that were queued before
 * the open are dropped, stale ones too. Where the NIC stamps both edges the leading one is told from the
 * pulse's width; one of half a second needs hints. A device that was reset or vanished is set up again. */
struct pulse *pulse_extts_open(const char *device, int pin, int channel, enum pulse_edge edge, char *error,
                               int error_size);

/* The width of the pulse, for a NIC that stamps both edges; 0, as at first: unknown, below half a second. */
void pulse_extts_set_width(struct pulse *p, int64_t width_ns);

#endif
