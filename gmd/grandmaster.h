/* SPDX-License-Identifier: BSD-2-Clause */
/* The grandmaster without a machine: GNSS room, discipline and PTP instance tied together in the direction
 * that time flows. Pure: the daemon and the fleet simulator drive this same object and carry out what it
 * returns. now_ns is monotonic, clock_ns is read from the clock that gmd serves (TAI). */
#ifndef GMD_GRANDMASTER_H
#define GMD_GRANDMASTER_H

#include "gmd/ptp/instance.h"
#include "gnss/gnss.h"
#include "holdover/discipline.h"
#include "holdover/stability.h"

struct grandmaster_config {
    struct gnss_config gnss;
    struct discipline_config discipline;
    struct default_ds default_ds; /* the quality is the discipline's */
    int configured_utc_offset_s;  /* TAI-UTC; 0: none */
    bool serve_before_lock;
};

struct grandmaster {
    struct gnss gnss;
    struct discipline discipline;
    struct instance instance;
    struct stability stability;        /* pulses against the clock, while LOCKED */
    struct discipline_quality quality; /* in force */
    bool serve_before_lock;
};

void grandmaster_init(struct grandmaster *gm, const struct grandmaster_config *config,
                      struct service *service);

/* A message of the receiver, handled at its arrival; clock_ns as read then. It may be what an earlier pulse
 * has waited for. */
struct discipline_action grandmaster_message(struct grandmaster *gm, const struct receiver_report *r,
                                             int64_t clock_ns);

/* A pulse edge of source 0 or 1, handled at now_ns: clock_ns is what the clock showed at the edge, arrival_ns
 * the monotonic time of the edge or of its being read. */
struct discipline_action grandmaster_pulse(struct grandmaster *gm, unsigned source, int64_t clock_ns,
                                           int64_t arrival_ns, int64_t now_ns);

/* Several times a second: clock_ns was read at now_ns. clock_answers: false once the device has not for a
 * while; clock_ns is then a guess. */
struct discipline_action grandmaster_tick(struct grandmaster *gm, int64_t now_ns, int64_t clock_ns,
                                          bool clock_answers);

/* The clock was stepped as an action asked. */
void grandmaster_stepped(struct grandmaster *gm);

/* Somebody else's frequency was in force for a moment, and moved the clock: see discipline_displaced. */
void grandmaster_displaced(struct grandmaster *gm, double delta_ns, double sigma_ns);

/* The frequency correction that is in force after an action: what the device made of it, or the old one. */
void grandmaster_adjusted(struct grandmaster *gm, double freq_ppb);

#endif
