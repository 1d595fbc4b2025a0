/* SPDX-License-Identifier: BSD-2-Clause */
/* A host in virtual time for test_host_clock*.c: the kernel's timekeeping as clock_adjtime(2) shows it
 * (frequency, tick, PLL offset, status, TAI, error limits, leap seconds), a crystal under it, and a served
 * clock that can be compared with it more or less well. Nothing here reaches the machine's own clock. */
#ifndef GMD_TESTS_HOST_CLOCK_RIG_H
#define GMD_TESTS_HOST_CLOCK_RIG_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bmca/ptp.h"
#include "gmd/host_clock_kernel.h"

#define RIG_TICK_NS  (NS_PER_S / 4)
#define RIG_LEAP_NOT INT64_MAX
#define RIG_LIMIT_US 16000000 /* the kernel's NTP_PHASE_LIMIT */

struct host_rig {
    struct clock served; /* first: compare() gets its address */
    struct host_clock h;
    struct host_clock_source source;
    unsigned short random[3];
    /* the truth */
    int64_t true_ns; /* TAI */
    int utc_offset_s;
    int64_t leap_true_ns; /* TAI at which a new TAI-UTC begins; RIG_LEAP_NOT: none */
    int leap;
    bool leap_unannounced;
    int late_s; /* the leap is over, but it is not yet said: TAI-UTC lacks this */
    /* the crystal */
    double osc_ppb, white_ns, walk_ppb;
    /* the kernel */
    int64_t realtime_ns, monotonic_ns;
    double fraction; /* of both */
    long freq, tick, pll_offset, maxerror, esterror;
    int status, tai;
    enum { K_OK, K_INS, K_DEL, K_OOP, K_WAIT } leap_state;
    int64_t leap_next_s;
    int refuse; /* errno of every change */
    unsigned sets, steps, leaps;
    int64_t last_step_ns;
    double base_noise_ns; /* of reading CLOCK_MONOTONIC */
    /* comparison */
    double read_ns, outliers, smi; /* white noise; share of unmarked outliers; of marked ones */
    int64_t served_off_ns, uncertain_ns;
    bool compare_fails;
    /* judged */
    double worst_ns, sum_squares, fastest_ppb;
    unsigned judged;
};

static struct host_rig *rig_in_use; /* clock_adjtime has no context */

static inline double rig_uniform(struct host_rig *r)
{
    return erand48(r->random);
}

static inline double rig_gauss(struct host_rig *r)
{
    return sqrt(-2 * log(1 - rig_uniform(r))) * cos(2 * M_PI * rig_uniform(r));
}

static inline int64_t rig_utc(const struct host_rig *r)
{
    return r->true_ns - r->utc_offset_s * NS_PER_S;
}

static inline int64_t rig_error(const struct host_rig *r)
{
    return r->realtime_ns - rig_utc(r);
}

static inline void rig_set(struct host_rig *r, int64_t delta_ns) /* ADJ_SETOFFSET, settimeofday: ntp_clear */
{
    r->realtime_ns += delta_ns;
    r->status |= STA_UNSYNC;
    r->maxerror = r->esterror = RIG_LIMIT_US;
    r->pll_offset = 0;
    r->leap_next_s = RIG_LEAP_NOT;
    r->steps++;
    r->last_step_ns = delta_ns;
}

static inline void rig_set_status(struct host_rig *r, int status)
{
    if ((r->status & STA_PLL) && !(status & STA_PLL)) {
        r->leap_state = K_OK;
        r->leap_next_s = RIG_LEAP_NOT;
        r->status = STA_UNSYNC;
    }
    r->status = (r->status & STA_RONLY) | (status & ~STA_RONLY);
}

static inline int rig_adjtime(clockid_t id, struct timex *tx)
{
    struct host_rig *r = rig_in_use;
    if (id != CLOCK_REALTIME)
        abort();
    if (tx->modes && r->refuse) {
        errno = r->refuse;
        return -1;
    }
    r->sets += tx->modes != 0;
    if (tx->modes & ADJ_SETOFFSET) {
        if (!(tx->modes & ADJ_NANO) || tx->time.tv_usec < 0 || tx->time.tv_usec >= NS_PER_S)
            abort();
        rig_set(r, tx->time.tv_sec * NS_PER_S + tx->time.tv_usec);
    }
    if (tx->modes & ADJ_STATUS)
        rig_set_status(r, tx->status);
    if (tx->modes & ADJ_NANO)
        r->status |= STA_NANO;
    if (tx->modes & ADJ_FREQUENCY)
        r->freq = tx->freq > 500 << 16 ? 500 << 16 : tx->freq < -(500 << 16) ? -(500 << 16) : tx->freq;
    if (tx->modes & ADJ_MAXERROR)
        r->maxerror = tx->maxerror < RIG_LIMIT_US ? tx->maxerror : RIG_LIMIT_US;
    if (tx->modes & ADJ_ESTERROR)
        r->esterror = tx->esterror < RIG_LIMIT_US ? tx->esterror : RIG_LIMIT_US;
    if (tx->modes & ADJ_TAI)
        r->tai = (int)tx->constant;
    if ((tx->modes & ADJ_OFFSET) && (r->status & STA_PLL))
        r->pll_offset = tx->offset;
    if (tx->modes & ADJ_TICK)
        r->tick = tx->tick;
    *tx = (struct timex){.freq = r->freq,
                         .tick = r->tick,
                         .offset = r->pll_offset,
                         .maxerror = r->maxerror,
                         .esterror = r->esterror,
                         .status = r->status,
                         .tai = r->tai};
    return 0;
}

static inline int rig_read(clockid_t id, int64_t *now_ns)
{
    struct host_rig *r = rig_in_use;
    *now_ns = id == CLOCK_MONOTONIC ? r->monotonic_ns + (int64_t)(rig_uniform(r) * r->base_noise_ns)
                                    : r->realtime_ns + 100;
    return 0;
}

static const struct host_clock_calls rig_calls = {.adjtime = rig_adjtime, .read = rig_read};

/* The true middle of the bracket lies anywhere within what an interruption widened it by. */
static inline int rig_compare(struct clock *c, int64_t *clock_ns, int64_t *realtime_ns,
                              int64_t *uncertainty_ns)
{
    struct host_rig *r = (struct host_rig *)c;
    if (r->compare_fails)
        return -EIO;
    double wider = -20 * log(1 - rig_uniform(r));
    double off = r->read_ns * rig_gauss(r);
    if (rig_uniform(r) < r->smi)
        wider += 5000 + 45000 * rig_uniform(r);
    if (rig_uniform(r) < r->outliers)
        off += rig_uniform(r) < 0.5 ? 10000 : -10000;
    off += wider * (2 * rig_uniform(r) - 1);
    *clock_ns = r->true_ns + r->served_off_ns;
    *realtime_ns = r->realtime_ns + llround(off);
    *uncertainty_ns = r->uncertain_ns + llround(wider);
    return 0;
}

static const struct clock_ops rig_ops = {.name = "phc", .compare = rig_compare};

/* second_overflow() of the kernel: what happens as CLOCK_REALTIME's second begins. */
static inline void rig_second_begins(struct host_rig *r)
{
    const int64_t s = r->realtime_ns / NS_PER_S;
    r->maxerror += 500;
    if (r->maxerror > RIG_LIMIT_US) {
        r->maxerror = RIG_LIMIT_US;
        r->status |= STA_UNSYNC;
    }
    switch (r->leap_state) {
    case K_OK:
        if (r->status & STA_INS) {
            r->leap_state = K_INS;
            r->leap_next_s = s + 86400 - s % 86400;
        } else if (r->status & STA_DEL) {
            r->leap_state = K_DEL;
            r->leap_next_s = s + 86400 - (s + 1) % 86400;
        }
        break;
    case K_INS:
    case K_DEL:
        if (!(r->status & (r->leap_state == K_INS ? STA_INS : STA_DEL))) {
            r->leap_next_s = RIG_LEAP_NOT;
            r->leap_state = K_OK;
        } else if (s == r->leap_next_s) {
            const int by = r->leap_state == K_INS ? -1 : 1;
            r->realtime_ns += by * NS_PER_S;
            r->tai -= by;
            r->leaps++;
            r->leap_state = by < 0 ? K_OOP : K_WAIT;
        }
        break;
    case K_OOP:
        r->leap_next_s = RIG_LEAP_NOT;
        r->leap_state = K_WAIT;
        break;
    case K_WAIT:
        if (!(r->status & (STA_INS | STA_DEL)))
            r->leap_state = K_OK;
    }
}

static inline double rig_rate(const struct host_rig *r)
{
    return (double)r->freq / 65.536 + (double)(r->tick - 10000) * 1e5;
}

/* True time passes; no more than one second of CLOCK_REALTIME begins in it. */
static inline void rig_pass(struct host_rig *r, int64_t dt_ns)
{
    const double dt = (double)dt_ns * 1e-9;
    const double pll = (double)r->pll_offset * 1000 / 16 * dt;
    r->fraction += (r->osc_ppb + rig_rate(r)) * dt + pll + r->white_ns * sqrt(dt) * rig_gauss(r);
    r->osc_ppb += r->walk_ppb * sqrt(dt) * rig_gauss(r);
    const int64_t whole = (int64_t)floor(r->fraction);
    const int64_t second = r->realtime_ns / NS_PER_S;
    r->fraction -= (double)whole;
    r->realtime_ns += dt_ns + whole;
    r->monotonic_ns += dt_ns + whole;
    r->true_ns += dt_ns;
    if (r->realtime_ns / NS_PER_S > second)
        rig_second_begins(r);
    if (r->true_ns >= r->leap_true_ns) {
        r->utc_offset_s += r->leap;
        r->leap_true_ns = RIG_LEAP_NOT;
        r->leap = 0;
    }
}

/* What gnss/leap.h would say now. */
static inline void rig_tell_leap(struct host_rig *r)
{
    const bool soon = r->leap && !r->leap_unannounced && r->leap_true_ns - r->true_ns <= 43200 * NS_PER_S;
    r->source.leap61 = (soon && r->leap > 0) || r->late_s > 0;
    r->source.leap59 = (soon && r->leap < 0) || r->late_s < 0;
    r->source.utc_offset_s = r->utc_offset_s - r->late_s;
}

static inline int rig_run(struct host_rig *r)
{
    int64_t stepped_ns;
    rig_tell_leap(r);
    return host_clock_run(&r->h, &rig_calls, &r->source, r->monotonic_ns, &stepped_ns);
}

static inline void rig_judge(struct host_rig *r)
{
    const double error = (double)rig_error(r);
    r->worst_ns = fmax(r->worst_ns, fabs(error));
    r->sum_squares += error * error;
    r->fastest_ppb = fmax(r->fastest_ppb, fabs(r->osc_ppb + rig_rate(r)));
    r->judged++;
}

static inline void rig_judge_anew(struct host_rig *r)
{
    r->worst_ns = r->sum_squares = r->fastest_ppb = 0;
    r->judged = 0;
}

static inline double rig_rms(const struct host_rig *r)
{
    return sqrt(r->sum_squares / r->judged);
}

static inline void rig_ticks(struct host_rig *r, int n)
{
    while (n-- > 0) {
        rig_run(r);
        rig_pass(r, RIG_TICK_NS);
        rig_judge(r);
    }
}

static inline void rig_seconds(struct host_rig *r, int seconds)
{
    rig_ticks(r, 4 * seconds);
}

/* Until so many seconds before the end of the present UTC day. */
static inline void rig_until_midnight(struct host_rig *r, int64_t before_s)
{
    while (86400 - rig_utc(r) / NS_PER_S % 86400 > before_s)
        rig_ticks(r, 1);
}

#define RIG_NOON_TAI_S 2000030437LL /* TAI: 2033-05-18 12:00:00 UTC with TAI-UTC 37 */

/* A server's crystal 30 ppm off; comparisons of a PHC behind PCIe; CLOCK_REALTIME off by error_ns. */
static inline void rig_init(struct host_rig *r, int64_t error_ns, uint64_t seed)
{
    const struct host_clock_config config = {.step_threshold_ns = 20000, .max_slew_ppb = 10000};
    *r = (struct host_rig){
        .served = {.ops = &rig_ops, .phc = 1},
        .random = {0x330E, (unsigned short)seed, (unsigned short)(seed >> 16)},
        .true_ns = RIG_NOON_TAI_S * NS_PER_S + RIG_TICK_NS / 3, /* no reading at the very second */
        .utc_offset_s = 37,
        .leap_true_ns = RIG_LEAP_NOT,
        .leap_next_s = RIG_LEAP_NOT,
        .osc_ppb = 30000,
        .white_ns = 3,
        .walk_ppb = 1,
        .monotonic_ns = 1000 * NS_PER_S,
        .tick = 10000,
        .maxerror = RIG_LIMIT_US,
        .esterror = RIG_LIMIT_US,
        .status = STA_UNSYNC,
        .base_noise_ns = 200,
        .read_ns = 50,
        .uncertain_ns = 400,
        .smi = 0.02,
        .outliers = 0.005,
    };
    r->realtime_ns = rig_utc(r) + error_ns;
    r->source = (struct host_clock_source){
        .clock = &r->served, .usable = true, .bound_ns = 80, .utc_offset_s = 37, .utc_offset_valid = true};
    host_clock_init(&r->h, &config);
    rig_in_use = r;
}

#endif
