/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps the host's CLOCK_REALTIME on the UTC of the clock that gmd serves, for hypervisors that hand their
 * clock to guests. Comparisons in, commands for the kernel out; host_clock_kernel.h carries them out. Pure.
 *
 * - Nothing is touched before the served clock was locked once and something vouches for TAI-UTC. From then
 * on it is followed, in holdover too: it is still the best clock there is.
 * - One step at the start, if the clock is further off than step_threshold_ns; afterwards it is slewed, and
 *   stepped only beyond step_later_ns, if that is allowed at all.
 * - A leap second is the kernel's: armed in the last 12 h of the day, it repeats (or skips) 23:59:59. From 3
 * s before to 2 s after, comparisons are not used.
 * - Somebody else's step or frequency is found at the next comparison. Ours is put back, but for the third
 * time within ten minutes gmd takes its hands off until ten minutes passed without another: two servos on one
 *   clock make it worse than either, and no guest may see that. */
#ifndef GMD_HOST_CLOCK_H
#define GMD_HOST_CLOCK_H

#include "gmd/host_clock_filter.h"

struct host_clock_config {
    double step_threshold_ns; /* at the start a larger error is stepped away; 0: never */
    double step_later_ns;     /* the same at any later time; 0: never */
    double max_slew_ppb;      /* phase is corrected no faster */
};

/* What the kernel says of CLOCK_REALTIME. */
struct host_clock_reading {
    double freq_ppb; /* correction in force */
    bool slewing;    /* the kernel removes an offset that somebody gave it (ADJ_OFFSET) */
    int tai_s;       /* its TAI-UTC */
    int64_t base_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC: constant until CLOCK_REALTIME is set */
    int64_t base_uncertainty_ns;
};

struct host_clock_sample {
    int64_t now_ns; /* monotonic */
    struct host_clock_reading kernel;
    /* the served clock */
    bool usable;                                   /* was locked once, keeps time, and could be compared */
    int64_t clock_ns, realtime_ns, uncertainty_ns; /* of struct clock_ops.compare */
    double bound_ns;                               /* on its error, 95 % */
    int utc_offset_s;                              /* TAI-UTC */
    bool utc_offset_valid, leap59, leap61;
};

/* What to do to CLOCK_REALTIME now: the step first. */
struct host_clock_action {
    bool step;
    int64_t step_ns; /* to add */
    bool adjust;     /* puts freq_ppb and leap in force */
    double freq_ppb; /* absolute */
    int leap;        /* at the end of this UTC day TAI-UTC grows by it: 1 STA_INS, -1 STA_DEL, 0 neither */
    bool vouch;      /* it is synchronised, within these */
    double maxerror_ns, esterror_ns;
    bool set_tai;
    int tai_s;
};

enum host_clock_state {
    HOST_CLOCK_WAITING,   /* for a served clock that was locked once, and a valid UTC offset */
    HOST_CLOCK_MEASURING, /* the first comparisons: nothing is touched yet */
    HOST_CLOCK_FOLLOWING,
    HOST_CLOCK_COASTING, /* the served clock does not answer: on at the last frequency */
    HOST_CLOCK_YIELDING, /* somebody else steers it: hands off */
};

struct host_clock_status {
    enum host_clock_state state;
    double offset_ns; /* CLOCK_REALTIME - UTC, estimated; known from FOLLOWING on */
    double sigma_ns;  /* of offset_ns */
    double freq_ppb;  /* correction in force */
    uint64_t samples, outliers, restarts, steps;
    /* what others did */
    uint64_t foreign_steps, foreign_freqs;
    int64_t foreign_ns;      /* monotonic time of the last; INT64_MIN: never */
    int64_t foreign_step_ns; /* size of the last step */
    double foreign_freq_ppb; /* the last frequency found in force that was not ours */
    const char *foreign;     /* "it was stepped", ... */
    bool contested;          /* within the last ten minutes */
};

struct host_clock {
    struct host_clock_config config;
    struct host_clock_status status;
    struct host_clock_filter filter;
    int64_t origin_ns; /* CLOCK_REALTIME - UTC is this + filter.phase_ns: whole years leave no rounding */
    bool known;        /* base_ns and the frequency in force were read */
    int64_t base_ns;
    int64_t sampled_ns; /* monotonic time of the last sample */
    bool adopted;       /* the step at the start was made, or was not needed */
    unsigned measured;  /* comparisons that agree, since MEASURING began */
    unsigned rejected;  /* in a row */
    unsigned touches;   /* by others, within ten minutes */
    int utc_offset_s;
    bool has_utc_offset;
    /* leap second */
    int leap;               /* armed: what TAI-UTC grows by */
    int64_t leap_utc_s;     /* the midnight, 1970 */
    bool leaping;           /* near it: do not look */
    int64_t leap_settle_ns; /* until then our TAI-UTC goes before the caller's (monotonic) */
    int64_t leap_rearm_ns;  /* not armed before (monotonic): a step makes the kernel forget the hour */
};

void host_clock_init(struct host_clock *h, const struct host_clock_config *config);

/* Several times a second. */
struct host_clock_action host_clock_sample(struct host_clock *h, const struct host_clock_sample *s);

/* What came of the action: the step was made; the correction that is in force, ppb. Not called: it failed. */
void host_clock_stepped(struct host_clock *h, int64_t step_ns);
void host_clock_adjusted(struct host_clock *h, double freq_ppb);

const char *host_clock_state_name(enum host_clock_state s); /* "FOLLOWING", ... */

#endif
