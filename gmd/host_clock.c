/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/host_clock.h"

#include <math.h>
#include <stdlib.h>

#include "bmca/ptp.h"
#include "holdover/servo.h"

#define MEASURE_SAMPLES  8   /* that agree, before the first command */
#define NOISIER          1.5 /* if they do not: expected at the next attempt */
#define REJECTED_MAX     8   /* outliers in a row: then it is the estimate that is wrong */
#define UNCERTAIN_MAX_NS 1000000
#define SERVO_TAU_S      2.0
#define MAX_FREQ_PPB     500000.0 /* the kernel's MAXFREQ */
#define SURE_SIGMAS      3.0
#define SYNCHRONISED_NS  1e9 /* further off, it is not called synchronised */

#define FOREIGN_STEP_NS   50000 /* of CLOCK_REALTIME against CLOCK_MONOTONIC */
#define FOREIGN_FREQ_PPB  0.1   /* the kernel's unit is 0.015 */
#define FOREIGN_MEMORY_NS (600 * NS_PER_S)
#define TOUCHES_MAX       3

#define DAY_S          86400
#define LEAP_AHEAD_S   43200 /* clause 9.4: announced no earlier */
#define LEAP_ARM_S     6     /* the kernel takes it in at the next second */
#define LEAP_BEFORE_S  3
#define LEAP_AFTER_S   2
#define LEAP_SETTLE_NS (60 * NS_PER_S) /* the caller's sources may be slow to say the new TAI-UTC */
#define LEAP_REARM_NS  (2 * NS_PER_S)  /* the kernel must have seen a second without the flag */
#define LEAP_NEAR_NS   5e8             /* arm only a clock that knows its day */

void host_clock_init(struct host_clock *h, const struct host_clock_config *config)
{
    *h = (struct host_clock){.config = *config, .leap_settle_ns = INT64_MIN, .leap_rearm_ns = INT64_MIN};
    h->status.foreign_ns = INT64_MIN;
    host_clock_filter_init(&h->filter, 0, 0);
}

static double offset(const struct host_clock *h)
{
    return (double)h->origin_ns + h->filter.phase_ns;
}

static void measure_anew(struct host_clock *h, double noisier)
{
    h->measured = h->rejected = 0;
    host_clock_filter_forget(&h->filter, noisier);
}

/* --- what others do -------------------------------------------------------------------------------- */

static void touched(struct host_clock *h, int64_t now_ns, const char *what)
{
    struct host_clock_status *s = &h->status;
    if (s->state == HOST_CLOCK_WAITING) /* the clock is not ours yet */
        return;
    h->touches = s->contested ? h->touches + 1 : 1;
    s->contested = true;
    s->foreign = what;
    s->foreign_ns = now_ns;
    if (h->touches >= TOUCHES_MAX) {
        s->state = HOST_CLOCK_YIELDING;
        h->leap = 0;
        h->leaping = false;
    }
}

static bool shows_steps(const struct host_clock_sample *s)
{
    return s->kernel.base_uncertainty_ns <= FOREIGN_STEP_NS / 2;
}

/* CLOCK_MONOTONIC is slewed as CLOCK_REALTIME is, but never set: their difference shows every step. */
static void watch_steps(struct host_clock *h, const struct host_clock_sample *s)
{
    if (!shows_steps(s))
        return;
    const int64_t jump = s->kernel.base_ns - h->base_ns;
    if (llabs(jump) <= FOREIGN_STEP_NS)
        return;
    h->base_ns = s->kernel.base_ns;
    h->origin_ns += jump;
    host_clock_filter_doubt(&h->filter, (double)s->kernel.base_uncertainty_ns);
    if (h->leaping && llabs(jump + h->leap * NS_PER_S) <= FOREIGN_STEP_NS)
        return;
    h->leap_rearm_ns = s->now_ns + LEAP_REARM_NS;
    h->status.foreign_steps++;
    h->status.foreign_step_ns = jump;
    touched(h, s->now_ns, "it was stepped");
}

static void watch_frequency(struct host_clock *h, const struct host_clock_sample *s)
{
    struct host_clock_filter *f = &h->filter;
    const double strange = s->kernel.freq_ppb - f->control_ppb;
    const bool ours = h->status.state == HOST_CLOCK_FOLLOWING || h->status.state == HOST_CLOCK_COASTING;
    if (fabs(strange) > FOREIGN_FREQ_PPB) {
        h->status.foreign_freqs++;
        h->status.foreign_freq_ppb = s->kernel.freq_ppb;
        /* in force for some part of the time that passed */
        host_clock_filter_doubt(f, strange * (double)(s->now_ns - h->sampled_ns) * 1e-9);
        touched(h, s->now_ns, "its frequency was changed");
    } else if (s->kernel.slewing && ours) {
        touched(h, s->now_ns, "the kernel was told to slew it");
    }
    host_clock_filter_predict(f, s->now_ns);
    f->control_ppb = s->kernel.freq_ppb;
}

static void watch_others(struct host_clock *h, const struct host_clock_sample *s)
{
    if (h->status.contested && s->now_ns - h->status.foreign_ns >= FOREIGN_MEMORY_NS)
        h->status.contested = false;
    if (h->known) {
        watch_steps(h, s);
        watch_frequency(h, s);
    } else if (shows_steps(s)) {
        h->known = true;
        h->base_ns = s->kernel.base_ns;
        host_clock_filter_init(&h->filter, s->now_ns, s->kernel.freq_ppb);
    }
    if (h->status.state == HOST_CLOCK_YIELDING && !h->status.contested) {
        h->status.state = HOST_CLOCK_WAITING;
        measure_anew(h, 1);
    }
    h->sampled_ns = s->now_ns;
}

/* --- UTC ------------------------------------------------------------------------------------------- */

static void set_utc_offset(struct host_clock *h, int utc_offset_s)
{
    h->origin_ns += (utc_offset_s - h->utc_offset_s) * NS_PER_S;
    h->utc_offset_s = utc_offset_s;
    h->has_utc_offset = true;
}

static int announced_leap(const struct host_clock_sample *s)
{
    return s->utc_offset_valid ? s->leap61 - s->leap59 : 0;
}

static void arm_leap(struct host_clock *h, const struct host_clock_sample *s, int64_t utc_s)
{
    const int64_t to_midnight_s = DAY_S - utc_s % DAY_S;
    const int leap = announced_leap(s);
    if (leap && h->status.state == HOST_CLOCK_FOLLOWING && s->now_ns >= h->leap_rearm_ns &&
        fabs(offset(h)) < LEAP_NEAR_NS && to_midnight_s >= LEAP_ARM_S && to_midnight_s <= LEAP_AHEAD_S) {
        h->leap = leap;
        h->leap_utc_s = utc_s + to_midnight_s;
    }
}

/* The kernel leaps by its own clock, and so is the time near the leap told here: by what CLOCK_REALTIME
 * shows. */
static void follow_leap(struct host_clock *h, const struct host_clock_sample *s)
{
    const int64_t utc_s = (h->base_ns + s->now_ns) / NS_PER_S;
    const int64_t before_s = h->leap_utc_s - utc_s;
    if (!h->leap) {
        arm_leap(h, s, utc_s);
    } else if (!h->leaping && before_s <= LEAP_BEFORE_S) {
        h->leaping = true;
    } else if (h->leaping && before_s <= -LEAP_AFTER_S) {
        set_utc_offset(h, h->utc_offset_s + h->leap);
        h->leap_settle_ns = s->now_ns + LEAP_SETTLE_NS;
        h->leap = 0;
        h->leaping = false;
    } else if (h->leaping ? before_s > LEAP_ARM_S
                          : announced_leap(s) != h->leap || s->now_ns < h->leap_rearm_ns) {
        h->leap = 0; /* withdrawn, or the clock was set */
        h->leaping = false;
    }
}

static void follow_utc_offset(struct host_clock *h, const struct host_clock_sample *s)
{
    if (s->utc_offset_valid && !h->leap && s->now_ns >= h->leap_settle_ns)
        set_utc_offset(h, s->utc_offset_s);
}

/* --- the clock ------------------------------------------------------------------------------------- */

static void rejected(struct host_clock *h, int64_t error_ns)
{
    h->status.outliers++;
    if (h->status.state == HOST_CLOCK_MEASURING) {
        measure_anew(h, NOISIER); /* the outlier may be one of those taken before */
    } else if (++h->rejected >= REJECTED_MAX) {
        h->rejected = 0;
        h->status.restarts++;
        h->origin_ns = error_ns;
        host_clock_filter_restart(&h->filter, 0);
    }
}

static void take(struct host_clock *h, const struct host_clock_sample *s)
{
    const int64_t error_ns = s->realtime_ns - (s->clock_ns - h->utc_offset_s * NS_PER_S);
    h->status.samples++;
    if (!h->filter.started)
        h->origin_ns = error_ns;
    if (host_clock_filter_update(&h->filter, (double)(error_ns - h->origin_ns), (double)s->uncertainty_ns)) {
        h->measured++;
        h->rejected = 0;
    } else {
        rejected(h, error_ns);
    }
}

static bool wants_step(struct host_clock *h)
{
    const double threshold = h->adopted ? h->config.step_later_ns : h->config.step_threshold_ns;
    const bool wants = threshold > 0 && fabs(offset(h)) > threshold;
    if (!wants)
        h->adopted = true;
    return wants;
}

/* phase_ns 0: holds the frequency. */
static struct host_clock_action steer(struct host_clock *h, double phase_ns)
{
    const struct servo servo = {.tau_s = SERVO_TAU_S};
    const struct servo_limits limits = {.freq_ppb = MAX_FREQ_PPB, .slew_ppb = h->config.max_slew_ppb};
    return (struct host_clock_action){
        .adjust = true,
        .freq_ppb = servo_command(&servo, phase_ns, h->filter.freq_ppb, &limits),
        .leap = h->leap,
    };
}

static struct host_clock_action follow(struct host_clock *h, const struct host_clock_sample *s)
{
    const double error_ns = offset(h);
    const double sigma_ns = host_clock_filter_sigma(&h->filter);
    const bool step = wants_step(h);
    const int64_t step_ns = step ? -(h->origin_ns + llround(h->filter.phase_ns)) : 0;
    const double left_ns = step ? 0 : fabs(error_ns);
    struct host_clock_action a = steer(h, step ? 0 : error_ns);
    a.step = step;
    a.step_ns = step_ns;
    a.maxerror_ns = s->bound_ns + h->filter.narrowest_ns + SURE_SIGMAS * sigma_ns + left_ns;
    a.esterror_ns = sigma_ns + left_ns;
    a.vouch = a.maxerror_ns < SYNCHRONISED_NS;
    a.tai_s = h->utc_offset_s;
    a.set_tai = s->kernel.tai_s != h->utc_offset_s;
    return a;
}

/* No comparison to be had: what was never touched stays so, what was steered goes on. */
static struct host_clock_action coast(struct host_clock *h)
{
    switch (h->status.state) {
    case HOST_CLOCK_FOLLOWING:
    case HOST_CLOCK_COASTING:
        h->status.state = HOST_CLOCK_COASTING;
        return steer(h, 0);
    default:
        h->status.state = HOST_CLOCK_WAITING;
        measure_anew(h, 1);
        return (struct host_clock_action){0};
    }
}

static struct host_clock_action decide(struct host_clock *h, const struct host_clock_sample *s)
{
    enum host_clock_state *state = &h->status.state;
    if (*state == HOST_CLOCK_YIELDING)
        return (struct host_clock_action){0};
    if (!h->known || !s->usable || s->uncertainty_ns < 0 || s->uncertainty_ns > UNCERTAIN_MAX_NS ||
        !h->has_utc_offset)
        return coast(h);
    if (h->leaping)
        return steer(h, 0);
    if (*state == HOST_CLOCK_WAITING)
        *state = HOST_CLOCK_MEASURING;
    take(h, s);
    if (*state == HOST_CLOCK_MEASURING && h->measured < MEASURE_SAMPLES)
        return (struct host_clock_action){0};
    *state = HOST_CLOCK_FOLLOWING;
    return follow(h, s);
}

struct host_clock_action host_clock_sample(struct host_clock *h, const struct host_clock_sample *s)
{
    watch_others(h, s);
    follow_leap(h, s);
    follow_utc_offset(h, s);
    const struct host_clock_action action = decide(h, s);
    h->status.offset_ns = offset(h);
    h->status.sigma_ns = host_clock_filter_sigma(&h->filter);
    h->status.freq_ppb = h->filter.control_ppb;
    return action;
}

void host_clock_stepped(struct host_clock *h, int64_t step_ns)
{
    h->origin_ns += step_ns;
    h->base_ns += step_ns;
    h->leap_rearm_ns = h->sampled_ns + LEAP_REARM_NS;
    h->adopted = true;
    h->status.steps++;
    h->status.offset_ns = offset(h);
}

void host_clock_adjusted(struct host_clock *h, double freq_ppb)
{
    h->filter.control_ppb = freq_ppb;
    h->status.freq_ppb = freq_ppb;
}

const char *host_clock_state_name(enum host_clock_state s)
{
    static const char *const names[] = {
        [HOST_CLOCK_WAITING] = "WAITING",     [HOST_CLOCK_MEASURING] = "MEASURING",
        [HOST_CLOCK_FOLLOWING] = "FOLLOWING", [HOST_CLOCK_COASTING] = "COASTING",
        [HOST_CLOCK_YIELDING] = "YIELDING",
    };
    return names[s];
}
