/* SPDX-License-Identifier: BSD-2-Clause */
/* A discipline with a simulated oscillator and simulated pulses, in virtual time: for test_discipline.c and
 * test_discipline_chaos.c. The truth is known here. */
#ifndef GMD_TESTS_DISCIPLINE_RIG_H
#define GMD_TESTS_DISCIPLINE_RIG_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "holdover/discipline.h"
#include "tests/defaults.h"

#define RIG_TAI_S 2000000000LL /* true TAI second at monotonic zero */

/* White frequency noise (ns per sqrt(s) of phase), random walk of frequency (ppb per sqrt(s)), drift. */
struct oscillator {
    double white_ns, walk_ppb, drift_ppb_per_s;
};

/* ADEV 2.5e-9 white with a strong walk; 1.2e-11 at 1 s with 2.9e-11 at 1000 s and aging
 * 5e-10 a day */
static const struct oscillator oscillator_nic = {2.5, 0.3, 1e-4};
static const struct oscillator oscillator_ocxo = {0.012, 0.0016, 5.8e-6};

struct rig {
    struct discipline d;
    struct oscillator oscillator;
    uint64_t random;
    int64_t now_ns;      /* monotonic */
    double phase_ns;     /* clock - TAI, below the whole part */
    int64_t whole_ns;    /* whole part of it */
    double freq_ppb;     /* of the free oscillator, now */
    double control_ppb;  /* correction in force */
    double jitter_ns;    /* of pulses */
    double read_ns;      /* noise of software readings */
    double latency_ns;   /* an edge is processed within so long */
    int64_t outlier_ns;  /* next pulse is displaced by this */
    int64_t shift_ns;    /* all pulses are displaced by this */
    int64_t misread_ns;  /* next software reading is displaced by this */
    int ticks;           /* a second */
    bool pulses, usable; /* come; are trusted */
    bool suspect;        /* usable, but for a suspicion */
    unsigned steps;      /* made by the discipline */
    int64_t last_step_ns;
};

static inline double rig_uniform(struct rig *r)
{
    /* xorshift64*, Vigna 2016 */
    r->random ^= r->random >> 12;
    r->random ^= r->random << 25;
    r->random ^= r->random >> 27;
    return (double)((r->random * 0x2545F4914F6CDD1DULL) >> 11) / 9007199254740992.0;
}

static inline double rig_gauss(struct rig *r)
{
    return sqrt(-2 * log(1 - rig_uniform(r))) * cos(2 * M_PI * rig_uniform(r));
}

static inline void rig_init(struct rig *r, const struct discipline_config *config,
                            struct oscillator oscillator, uint64_t seed)
{
    *r = (struct rig){
        .oscillator = oscillator,
        .random = seed * 0x9E3779B97F4A7C15ULL + 1,
        .freq_ppb = 25000,
        .whole_ns = 1200000000,
        .jitter_ns = 20,
        .read_ns = 500,
        .latency_ns = 400000,
        .ticks = 1,
        .pulses = true,
        .usable = true,
    };
    discipline_init(&r->d, config);
    for (int i = 0; i < 8; i++)
        rig_uniform(r);
}

/* True error of the clock. */
static inline double rig_error(const struct rig *r)
{
    return (double)r->whole_ns + r->phase_ns;
}

static inline void rig_run_oscillator(struct rig *r, int64_t dt_ns)
{
    const double dt = (double)dt_ns * 1e-9;
    r->phase_ns += (r->freq_ppb + r->control_ppb) * dt + r->oscillator.white_ns * sqrt(dt) * rig_gauss(r);
    r->freq_ppb += r->oscillator.drift_ppb_per_s * dt + r->oscillator.walk_ppb * sqrt(dt) * rig_gauss(r);
    r->now_ns += dt_ns;
}

static inline void rig_act(struct rig *r, struct discipline_action a)
{
    if (a.step) {
        r->whole_ns += a.step_ns;
        r->steps++;
        r->last_step_ns = a.step_ns;
    }
    if (a.adjust)
        r->control_ppb = a.freq_ppb;
}

static inline int64_t rig_clock(const struct rig *r)
{
    return RIG_TAI_S * NS_PER_S + r->now_ns + r->whole_ns + llround(r->phase_ns);
}

static inline void rig_tick(struct rig *r)
{
    const int64_t clock = rig_clock(r) + llround(r->read_ns * fabs(rig_gauss(r))) + r->misread_ns;
    r->misread_ns = 0;
    const enum pulse_trust usable = r->suspect ? PULSES_SUSPECT : PULSES_TRUSTED;
    rig_act(r, discipline_tick(&r->d, r->now_ns, clock, r->usable ? usable : PULSES_LOST,
                               r->usable ? "too few satellites" : "no fix"));
}

/* One edge, with the number that gnss gives it: by the clock itself when it may, as the daemon does. */
static inline void rig_pulse(struct rig *r)
{
    int64_t tai_s = RIG_TAI_S + (r->now_ns + NS_PER_S / 2) / NS_PER_S;
    const int64_t reading = rig_clock(r) + llround(r->jitter_ns * rig_gauss(r)) + r->outlier_ns + r->shift_ns;
    r->outlier_ns = 0;
    if (discipline_numbers(&r->d))
        tai_s = (reading + NS_PER_S / 2) / NS_PER_S;
    rig_run_oscillator(r, 1 + (int64_t)(rig_uniform(r) * r->latency_ns));
    if (r->pulses && r->usable && !r->suspect)
        rig_act(r, discipline_sample(&r->d, tai_s, reading, r->now_ns));
}

/* One second: a pulse at its beginning and ticks between. */
static inline void rig_second(struct rig *r)
{
    const int64_t start = r->now_ns / NS_PER_S * NS_PER_S;
    rig_pulse(r);
    for (int i = 0; i < r->ticks; i++) {
        rig_run_oscillator(r, start + (2 * i + 1) * NS_PER_S / (2 * r->ticks) - r->now_ns);
        rig_tick(r);
    }
    rig_run_oscillator(r, start + NS_PER_S - r->now_ns);
}

static inline void rig_seconds(struct rig *r, int n)
{
    while (n-- > 0)
        rig_second(r);
}

#endif
