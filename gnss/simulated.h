/* SPDX-License-Identifier: BSD-2-Clause */
/* A simulated GNSS receiver with its pulse output: one antenna, one sky, both drivers. True time is what
 * CLOCK_REALTIME shows (the daemon) or what the caller says (the simulator). */
#ifndef GMD_GNSS_SIMULATED_H
#define GMD_GNSS_SIMULATED_H

#include "gnss/pulse.h"
#include "gnss/receiver.h"

struct simulated_gnss;

/* Switches, all on at the start. Antenna off: the fix and with it the pulse are lost after 3 s and come back
 * 2 s after antenna on; fix off: the receiver reports mode 1, the pulse goes on; pulse off: no edges; link
 * off: receiver gone. */
enum simulated_switch {
    SIMULATED_ANTENNA,
    SIMULATED_FIX,
    SIMULATED_PULSE,
    SIMULATED_LINK,
    SIMULATED_SWITCHES,
};
const char *simulated_switch_name(enum simulated_switch s); /* "antenna", "fix", "pulse", "link" */

struct simulated_config {
    double jitter_ns;    /* white, 1 sigma */
    double sawtooth_ns;  /* uniform +- */
    int64_t latency_ns;  /* of the message behind the second */
    int gps_minus_utc_s; /* what the receiver claims and makes its UTC with; 0: it does not say, and is right
                          */
    uint64_t seed;
};

struct simulated_gnss *simulated_gnss_new(const struct simulated_config *config);
void simulated_gnss_free(struct simulated_gnss *s);
void simulated_gnss_switch(struct simulated_gnss *s, enum simulated_switch which, bool on);
bool simulated_gnss_is_on(const struct simulated_gnss *s, enum simulated_switch which);

/* Pure half: what the receiver does at the true UTC second utc_s; seconds must not go back. False if there is
 * no edge, no message. The caller fills in report->arrival_ns. */
bool simulated_gnss_edge(struct simulated_gnss *s, int64_t utc_s, int64_t *edge_utc_ns);
bool simulated_gnss_report(struct simulated_gnss *s, int64_t utc_s, struct receiver_report *report);

/* Drivers over CLOCK_REALTIME; close does not free s. */
struct receiver *receiver_simulated_open(struct simulated_gnss *s);
struct pulse *pulse_simulated_open(struct simulated_gnss *s);

#endif
