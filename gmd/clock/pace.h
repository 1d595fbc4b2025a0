/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock against CLOCK_MONOTONIC_RAW, which nobody slews: does it run as its oscillator and its correction
 * make it? Finer than the watch of the holdover room, whose CLOCK_MONOTONIC is slewed. Pure.
 *
 * One reading that deviates proves nothing (a preempted one is off); the next one tells a jump, which stays
 * the same, from a wrong rate, which grows. */
#ifndef GMD_CLOCK_PACE_H
#define GMD_CLOCK_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Both at one instant. */
struct pace_point {
    int64_t raw_ns, clock_ns;
    int64_t window_ns; /* the time that reading both took */
};

struct pace {
    bool based, learned, stood;
    struct pace_point base, last; /* what predictions rest on; the last reading */
    int64_t advanced_ns;          /* raw time up to which ... */
    double excess_ns;             /* ... the clock should have gained so much on raw time since base */
    double rate_ppb;              /* of the uncorrected clock against raw time, learned */
    bool suspicious;
    int64_t suspect_ns, suspect_raw_ns; /* the first deviation */
    unsigned insisting;                 /* verdicts of a wrong rate in a row */
};

enum pace_verdict {
    PACE_EVEN,
    PACE_SUSPICIOUS, /* the first reading that deviates; the next one decides */
    PACE_STOPPED,
    PACE_BACKWARDS, /* at once */
    PACE_JUMPED,    /* with the second reading */
    PACE_RATE,      /* rate_ppb too fast, with the second reading */
};

struct pace_result {
    enum pace_verdict verdict;
    int64_t displaced_ns; /* from where the clock should be ... */
    int64_t limit_ns;     /* ... give or take this; 0: not known */
    double rate_ppb;
};

/* The correction freq_ppb has been in force up to raw_ns. */
void pace_advance(struct pace *p, int64_t raw_ns, double freq_ppb);

/* One reading with freq_ppb in force, at least 0.2 s after the last one (else it is ignored). */
struct pace_result pace_reading(struct pace *p, const struct pace_point *point, double freq_ppb);

/* The same after it was found out that another correction was in force: the displacement is no surprise, and
 * predictions rest on this reading. */
struct pace_result pace_displaced(struct pace *p, const struct pace_point *point, double freq_ppb);

/* The clock was stepped or is another one: readings are void, what was learned of its rate is not. */
void pace_restart(struct pace *p);

#endif
