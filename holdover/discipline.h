/* SPDX-License-Identifier: BSD-2-Clause */
/* The discipline: numbered pulses in, clock commands, state and quality out. Pure.
 *
 * It steps the clock only before the first lock; afterwards it only steers, with two exceptions that are not
 * its own doing: a step that somebody else made is undone by its measured inverse, and re-acquisition after a
 * long loss follows the same rule as holdover exit (slew). */
#ifndef GMD_HOLDOVER_DISCIPLINE_H
#define GMD_HOLDOVER_DISCIPLINE_H

#include "bmca/ptp.h"
#include "holdover/bank.h"

enum discipline_state {
    DISCIPLINE_FREE_RUN,  /* never had a time worth serving, no usable pulses */
    DISCIPLINE_ACQUIRING, /* usable pulses, before the first lock: may step */
    DISCIPLINE_LOCKED,
    DISCIPLINE_FROZEN,       /* as locked to the outside; pulses are suspect and neither teach nor steer */
    DISCIPLINE_HOLDOVER_IN,  /* in specification: bound within the limit */
    DISCIPLINE_HOLDOVER_OUT, /* out of specification */
    DISCIPLINE_REACQUIRING,  /* usable pulses again, agreement awaited; announces what holdover did */
};

/* How far the gnss room trusts its pulses. */
enum pulse_trust {
    PULSES_LOST, /* there are none to use */
    PULSES_TRUSTED,
    PULSES_SUSPECT, /* they come, but there are signs that they are going wrong */
};

#define BOUND_UNKNOWN_NS 1e18 /* of status.bound_ns */

struct discipline_config {
    double pulse_noise_ns;            /* expected noise of a pulse reading, 1 sigma */
    enum oscillator_class oscillator; /* OSCILLATOR_AUTO: learned */
    double max_freq_ppb;              /* what the clock can be steered by */
    double lock_threshold_ns;         /* |offset| below it, or 3 sigmas of the pulses' noise ... */
    unsigned lock_pulses;             /* ... for so many pulses in a row: locked; they end a freeze, too */
    double unlock_threshold_ns; /* |filtered offset| above it while locked: lock is lost (REACQUIRING) */
    unsigned reacquire_pulses;  /* pulses in agreement before REACQUIRING may end */
    unsigned overrule_pulses;   /* pulses in a row that agree with each other, not with the clock: believed */
    double max_slew_ppb;        /* phase correction after the first lock is no faster than this */
    double step_above_ns;       /* coming back, a larger error is stepped away; 0: never */
    int64_t freeze_ns;          /* a suspicion that lasts longer is holdover */
    double holdover_limit_ns;   /* bound beyond which holdover is out of specification */
    double holdover_limit_s;    /* so long without lock, and it is too; 0: no such limit */
    double systematic_ns;       /* uncertainty that no averaging removes: receiver, cable, stamps */
    uint8_t locked_class;       /* 6 */
    uint8_t holdover_class;     /* 7 */
    uint8_t out_of_spec_class;  /* 52, 187, ... */
    uint8_t free_run_class;     /* 248 */
    int64_t jump_threshold_ns;  /* clock against monotonic time between ticks: more is a foreign step */
};

/* What to do to the clock now. step first, then frequency. */
struct discipline_action {
    bool step;
    int64_t step_ns; /* to add */
    bool adjust;
    double freq_ppb; /* absolute */
};

struct discipline_quality {
    struct clock_quality clock_quality;
    bool time_traceable, frequency_traceable;
    uint8_t time_source;
    bool may_serve; /* true from the first lock on */
};

struct discipline_status {
    enum discipline_state state, previous;
    int64_t since_ns;   /* monotonic */
    char why[96];       /* of the last transition, for the log: "no pulse for 2 s" */
    double offset_ns;   /* last pulse against the clock: positive, the clock is ahead */
    double filtered_ns; /* estimate of the same */
    double freq_ppb;    /* correction in force */
    double drift_ppb_per_day;
    double bound_ns;        /* 95 % bound on the clock's error, now; 1e18: unknown */
    double bound999_ns;     /* 99.9 % */
    int64_t last_sample_ns; /* monotonic; INT64_MIN: never */
    uint64_t samples, outliers, steps, jumps;
    uint64_t rewinds;        /* what the last pulses taught was undone */
    bool jumped;             /* since the last lock */
    int64_t last_jump_ns;    /* size of the last foreign step */
    int64_t locked_first_ns; /* monotonic time of the first lock; INT64_MIN: not yet */
};

#include "holdover/estimator.h"
#include "holdover/quality.h"
#include "holdover/scatter.h"
#include "holdover/servo.h"
#include "holdover/trend.h"
#include "holdover/watch.h"

/* Pulses that come back must agree with the clock for a while. */
struct probation {
    unsigned pulses;
    double sum_ns; /* of their residuals */
};

struct discipline {
    struct discipline_config config; /* its pulse_noise_ns: learned before the first lock, if that is more */
    struct discipline_status status;
    struct estimator estimator;
    struct scatter scatter; /* of pulses before the first lock */
    struct trend trend;     /* pulses that contradict the estimate: do they agree with each other? */
    struct servo servo;
    struct watch watch;
    struct accuracy accuracy;
    unsigned good_pulses;    /* in a row within the lock threshold */
    unsigned contradictions; /* pulses in a row that contradict the estimate */
    struct probation probation;
    unsigned undo_pulses;         /* until the undoing of a foreign step is completed; 0: nothing to undo */
    bool beyond;                  /* out of specification since the last lock */
    const struct transition *row; /* of the table of states.h: what led to this state; NULL: nothing yet */
    int64_t unlocked_ns;          /* monotonic: when LOCKED was left last */
    int64_t distrusted_ns; /* monotonic: last tick at which pulses were not trusted; INT64_MIN: never */
    bool commanded;        /* the frequency correction in force is ours */
    int64_t last_tai_s;    /* number of the last pulse that was believed */
    int64_t bound_at_ns;   /* monotonic time of the bounds */
    int64_t believed_ns;   /* its monotonic time; INT64_MIN: never */
};

void discipline_init(struct discipline *d, const struct discipline_config *config);

/* One numbered pulse that gnss trusts: the clock read reading_ns when it was tai_s (TAI s since the PTP
 * epoch). now_ns: monotonic time of this call, at which the action takes effect; the edge may lie up to 2 s
 * before. */
struct discipline_action discipline_sample(struct discipline *d, int64_t tai_s, int64_t reading_ns,
                                           int64_t now_ns);

/* Passing of time, at least once a second (the loss of pulses and foreign steps are found here): clock_ns is
 * the clock read at now_ns (monotonic). why: what the gnss room says when it does not trust its pulses ("no
 * fix"). */
struct discipline_action discipline_tick(struct discipline *d, int64_t now_ns, int64_t clock_ns,
                                         enum pulse_trust trust, const char *why);

/* Now and then, where there is a sensor near the oscillator: what it reads, degrees Celsius, within the
 * limits of thermometer.h. */
void discipline_temperature(struct discipline *d, int64_t now_ns, double celsius);

/* The correction that the clock really has after an action, ppb: devices round, clip and refuse. */
void discipline_adjusted(struct discipline *d, double freq_ppb);

/* Somebody else moved the clock by some delta_ns, give or take sigma_ns, too little to be stepped back: the
 * estimate follows, and the next pulses tell exactly. */
void discipline_displaced(struct discipline *d, double delta_ns, double sigma_ns);

/* True while pulses may be numbered by the clock itself: since the first lock, unless its error bound has
 * grown beyond a quarter of a second. */
bool discipline_numbers(const struct discipline *d);

/* Recomputed from state; never set by hand elsewhere. */
struct discipline_quality discipline_quality(struct discipline *d);

const char *discipline_state_name(enum discipline_state s); /* "FREE_RUN", "HOLDOVER_IN_SPEC", ... */

#endif
