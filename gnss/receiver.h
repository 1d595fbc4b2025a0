/* SPDX-License-Identifier: BSD-2-Clause */
/* Receivers: what says which second it is and whether the sky is good. A driver is a table of functions. */
#ifndef GMD_GNSS_RECEIVER_H
#define GMD_GNSS_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

/* A label outside is a receiver that lost count of GPS weeks (1024 weeks are 19.6 years) or nonsense. */
#define RECEIVER_UTC_MIN_S 1704067200LL /* 2024 */
#define RECEIVER_UTC_MAX_S 4102444800LL /* 2100 */

enum fix_mode {
    FIX_UNKNOWN = 0,
    FIX_NONE = 1,
    FIX_2D = 2,
    FIX_3D = 3,
};

enum receiver_link {
    RECEIVER_LINK_DOWN, /* not connected (gpsd gone, device missing); reconnecting */
    RECEIVER_LINK_UP,
};

enum receiver_antenna {
    ANTENNA_UNKNOWN,
    ANTENNA_OK,
    ANTENNA_SHORT,
    ANTENNA_OPEN,
    ANTENNA_FAULT, /* a fault of unknown kind */
};

/* Jamming, spoofing: what the receiver says of either. */
enum receiver_threat {
    THREAT_UNKNOWN,
    THREAT_NONE,
    THREAT_WARNING,
    THREAT_CRITICAL,
};

/* One message of the receiver. Fields it did not carry say so. */
struct receiver_report {
    int64_t arrival_ns;      /* monotonic */
    enum receiver_link link; /* a report with RECEIVER_LINK_DOWN carries nothing else */
    bool has_fix;            /* fix below is known */
    enum fix_mode fix;
    bool has_time;     /* utc_s labels the epoch of this message; only whole seconds are passed on */
    int64_t utc_s;     /* seconds since 1970, UTC */
    bool has_position; /* degrees, north and east positive */
    double latitude_deg, longitude_deg;
    int satellites_used;    /* -1: not in this message */
    int satellites_visible; /* -1: not in this message */
    int gps_minus_utc_s;    /* from the receiver's own almanac; 0: not in this message */
    /* What only the receiver's own protocol tells (UBX through gpsd's raw stream). A report may carry nothing
     * else: then has_fix and has_time are false and it labels no epoch. */
    enum receiver_antenna antenna;          /* ANTENNA_UNKNOWN: not in this message */
    enum receiver_threat jamming, spoofing; /* THREAT_UNKNOWN: not in this message */
    bool has_tai; /* tai_s: the epoch's whole second (PTP epoch), with no need of leap seconds */
    int64_t tai_s;
    double time_accuracy_ns; /* the receiver's own estimate, 1 sigma; 0: not in this message */
    bool has_sawtooth;       /* the pulse of sawtooth_tai_s comes so much late (negative: early) */
    int64_t sawtooth_tai_s;
    double sawtooth_ns;
    bool has_leap;      /* what the sky announces: */
    int leap_step_s;    /* +1, -1; 0: nothing is announced */
    int64_t leap_utc_s; /* first second (1970, UTC) after the leap; 0 with leap_step_s 0 */
};

struct receiver;

#define RECEIVER_FDS 2

struct receiver_ops {
    const char *name; /* "gpsd", "simulated" */
    /* The descriptors to poll for reading, -1 where there is none. May change after each call below. */
    void (*fds)(struct receiver *r, int fds[RECEIVER_FDS]);
    /* When read() wants to be called even without input (reconnection, simulated epochs), monotonic ns;
     * INT64_MAX for never. */
    int64_t (*deadline)(struct receiver *r);
    /* Takes what is there without waiting. 1: *report filled, call again; 0: nothing more. */
    int (*read)(struct receiver *r, int64_t now_ns, struct receiver_report *report);
    void (*close)(struct receiver *r);
};

/* "unknown", "ok", "short", "open", "fault" */
const char *receiver_antenna_name(enum receiver_antenna a);
/* "unknown", "none", "warning", "critical" */
const char *receiver_threat_name(enum receiver_threat t);

struct receiver {
    const struct receiver_ops *ops;
    char description[96]; /* "gpsd at localhost:2947" */
    char problem[160];    /* why the link is down, in plain words; empty while it is up */
    uint64_t malformed;   /* messages that made no sense and were dropped */
};

/* gpsd through libgps; device: watch only this one, or "" for all. Never fails: an absent gpsd is retried
 * with back-off (0.5 s doubling to 8 s). NULL only without memory or descriptors. */
struct receiver *receiver_gpsd_open(const char *host, const char *port, const char *device);

#endif
