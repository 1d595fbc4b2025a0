/* SPDX-License-Identifier: BSD-2-Clause */
/* Two pulse sources for one clock: the better is used, the other watches it. README.md of this room has the
 * rules. Pure. */
#ifndef GMD_GNSS_PULSE_PAIR_H
#define GMD_GNSS_PULSE_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#define PULSE_SOURCES      2
#define PULSE_PAIR_SECONDS 9 /* seconds that are looked at together: no single pulse decides anything */

struct pulse_pair_config {
    double noise_ns[PULSE_SOURCES]; /* expected, 1 sigma, > 0; the smaller one's is the source of reference */
    double threshold_ns;            /* the sources disagree beyond it */
};

/* Why the source in use is in use. */
enum pulse_pair_why {
    PULSE_PAIR_REFERENCE,     /* it is the better one by its expected noise */
    PULSE_PAIR_LESS_NOISE,    /* the source of reference is much noisier than expected */
    PULSE_PAIR_OTHER_MISSING, /* the other has no pulses */
    PULSE_PAIR_OTHER_STRAYED, /* the other left both this one and the clock */
};

struct pulse_pair_status {
    unsigned in_use;
    enum pulse_pair_why why;
    bool missing[PULSE_SOURCES];
    double noise_ns[PULSE_SOURCES]; /* measured against the locked clock; expected until it is known */
    bool compared;                  /* difference_ns is of the last seconds */
    double difference_ns;           /* source 1 - source 0, median of the last seconds */
    bool disagree;                  /* that is beyond the threshold, or one strayed */
    int strayed;                    /* the source that left the other one and the clock; -1: none */
    double bridge_ns; /* taken off the pulses of the source in use, so that a change is no step */
    uint64_t changes; /* of the source in use */
};

struct pulse_pair_side {
    bool numbered; /* tai_s and reading_ns are of the last pulse, and the clock was not stepped since */
    int64_t tai_s, reading_ns;
    int64_t arrival_ns; /* monotonic */
    int64_t since_ns;   /* of the first one after it was missing */
    double variance;    /* of a pulse, ns^2 */
};

/* A second with pulses of both sources. */
struct pulse_pair_second {
    double difference_ns; /* source 1 - source 0 */
    double error_ns;      /* of the source in use against the clock, bridge removed */
};

struct pulse_pair {
    struct pulse_pair_config config;
    struct pulse_pair_status status;
    bool started, clock_locked;
    struct pulse_pair_side side[PULSE_SOURCES];
    struct pulse_pair_second seconds[PULSE_PAIR_SECONDS]; /* a ring */
    unsigned compared;                                    /* how many since it was begun */
    int64_t compared_tai_s;                               /* the last one's */
    bool known;                                           /* usual_ns is */
    double usual_ns;      /* the difference that is nobody's fault: cables, latency */
    unsigned preferred_s; /* for so many seconds the other source would have been preferred */
};

void pulse_pair_init(struct pulse_pair *p, const struct pulse_pair_config *config);

/* A numbered pulse: the clock read reading_ns (this source's own offset removed) at the edge, which came at
 * arrival_ns (monotonic). True if its source is the one in use, perhaps by this very pulse. */
bool pulse_pair_pulse(struct pulse_pair *p, unsigned source, int64_t tai_s, int64_t reading_ns,
                      int64_t arrival_ns, bool clock_locked);

/* True if the source in use is missing and the other has just taken its place: its last pulse counts. */
bool pulse_pair_tick(struct pulse_pair *p, int64_t now_ns);

/* Readings are void; differences are not. */
void pulse_pair_clock_changed(struct pulse_pair *p);

const char *pulse_pair_why_name(enum pulse_pair_why w); /* "the better one", ... */

#endif
