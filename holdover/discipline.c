/* SPDX-License-Identifier: BSD-2-Clause */
/* The discipline: ties trend, estimator, servo, watch and states together. */
#include "holdover/discipline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "holdover/states.h"

#define SILENT_NS 2000000000LL /* no pulse: with a tick a second, holdover within 3 s */
#define INCOHERENT_NS                                                                                        \
    30000000000LL           /* pulses, but none believed; lasting insistence is no coherence with the clock */
#define FIRST_PULSES      3 /* in agreement: give the first phase and frequency */
#define TREND_SIGMAS      12                    /* 5 sigma of the third difference from a line, sqrt(6) */
#define PHASE_MAX_NS      4000000000000000000LL /* 126 years: a clock at its epoch is nearer */
#define STEP_ABOVE_NS     20000.0 /* below, slewing before the first lock takes a second or two */
#define STEP_ERROR_NS     5000.0  /* a PHC driver's step is a read and a write, microseconds apart */
#define BOUND_SIGMAS      2.0
#define BOUND_EVERY_NS    900000000LL
#define NUMBERS_WITHIN_NS 250e6
#define COMMAND_STEP_PPB  1e-4
#define REWIND_PULSES     3   /* that contradict in a row: were those before them sound? */
#define LOSS_SIGMAS       5.0 /* at a loss: the last minutes led away from what was known before */
#define DOUBT_SIGMAS      3.0 /* the same, when pulses contradict already */
#define PULLING_SIGMAS    1.0 /* asked for again with each pulse: a constant shift is soon within */
#define SLOPE_PATIENCE    10  /* oscillators seldom jump in frequency, spoofers pull */
#define PROBATION_SIGMAS  3.5
#define LOCK_SIGMAS       3.0
#define NOISIER           2.0   /* than expected: SCATTER_PULSES tell it to a third */
#define NOISE_MAX_NS      20000 /* more is no pulse's noise */
#define UNDO_PULSES       3     /* know what two software readings left of a foreign step */

void discipline_init(struct discipline *d, const struct discipline_config *config)
{
    memset(d, 0, sizeof *d);
    d->config = *config;
    d->status.last_sample_ns = INT64_MIN;
    d->status.locked_first_ns = INT64_MIN;
    d->status.bound_ns = d->status.bound999_ns = BOUND_UNKNOWN_NS;
    d->believed_ns = d->distrusted_ns = INT64_MIN;
    estimator_init(&d->estimator, config->pulse_noise_ns, config->oscillator);
    accuracy_init(&d->accuracy);
}

static bool ever_locked(const struct discipline *d)
{
    return d->status.locked_first_ns != INT64_MIN;
}

static double lock_limit(const struct discipline *d)
{
    return fmax(d->config.lock_threshold_ns, LOCK_SIGMAS * d->config.pulse_noise_ns);
}

static void advance(struct discipline *d, int64_t now_ns)
{
    const double passed_s = d->estimator.timed ? fmax((double)(now_ns - d->estimator.at_ns) * 1e-9, 0) : 0;
    if (passed_s > 0)
        servo_pace(&d->servo, state_tau_s(d->status.state), passed_s);
    scatter_steered(&d->scatter, d->estimator.control_ppb * passed_s);
    watch_advance(&d->watch, now_ns, d->estimator.control_ppb);
    estimator_predict(&d->estimator, now_ns);
}

/* The sentence of status.why ends with what the fact was. unused: why pulses are not used. */
static void describe(const struct discipline *d, enum fact when, const char *unused, char *text, size_t size)
{
    text[0] = 0;
    if (when & (FACT_LOST | FACT_UNUSED | FACT_OVERDUE))
        snprintf(text, size, "%s", unused);
    else if (when & FACT_AGREED)
        snprintf(text, size, "%u in a row within %.0f ns", d->good_pulses, lock_limit(d));
    else if (when & FACT_STEPPED)
        snprintf(text, size, "%+.6f s by somebody else", (double)d->status.last_jump_ns * 1e-9);
    else if (when & (FACT_SHIFTED | FACT_STRAYED))
        snprintf(text, size, "%+.0f ns", estimator_phase(&d->estimator));
    else if (when & FACT_LOOSE)
        snprintf(text, size, "%.0f ns", d->status.bound_ns);
    else if (when & FACT_BEYOND && d->status.bound_ns > d->config.holdover_limit_ns)
        snprintf(text, size, "error bound above %.0f ns", d->config.holdover_limit_ns);
    else if (when & FACT_BEYOND)
        snprintf(text, size, "not locked for %.0f s", d->config.holdover_limit_s);
}

/* Without pulses. */
static bool holding(enum discipline_state s)
{
    return s == DISCIPLINE_FROZEN || s == DISCIPLINE_HOLDOVER_IN || s == DISCIPLINE_HOLDOVER_OUT;
}

static void enter(struct discipline *d, enum discipline_state to)
{
    if (holding(to) && !holding(d->status.state) &&
        estimator_rewind(&d->estimator, LOSS_SIGMAS, ESTIMATOR_LEANING))
        d->status.rewinds++;
    if (to == DISCIPLINE_REACQUIRING || to == DISCIPLINE_LOCKED)
        estimator_unmark(&d->estimator);
    d->probation = (struct probation){0};
    if (d->status.state == DISCIPLINE_LOCKED)
        d->unlocked_ns = d->estimator.at_ns;
    d->status.previous = d->status.state;
    d->status.state = to;
    d->status.since_ns = d->estimator.at_ns;
    d->good_pulses = 0;
    if (to == DISCIPLINE_LOCKED) {
        d->beyond = false;
        d->status.jumped = false;
        if (!ever_locked(d))
            d->status.locked_first_ns = d->estimator.at_ns;
    }
}

static void move(struct discipline *d, unsigned facts, const char *unused)
{
    const struct transition *t = state_next(d->status.state, facts);
    if (!t)
        return;
    char detail[sizeof d->status.why];
    describe(d, t->when, unused, detail, sizeof detail);
    snprintf(d->status.why, sizeof d->status.why, "%s%s", t->why, detail);
    d->row = t;
    enter(d, t->to);
}

/* The clock's error is below this with the given probability. near: the last result. */
static double bound(const struct discipline *d, double probability, double near)
{
    if (!d->estimator.started)
        return BOUND_UNKNOWN_NS;
    const double error = bank_quantile(&d->estimator.bank, probability, near - d->config.systematic_ns);
    return fmin(error + d->config.systematic_ns, BOUND_UNKNOWN_NS);
}

/* Facts that are not of one event but hold now. */
static unsigned standing_facts(const struct discipline *d)
{
    const bool locked = ever_locked(d);
    const unsigned wanted = locked ? d->config.reacquire_pulses : d->config.lock_pulses;
    unsigned facts = 0;

    if (d->good_pulses >= wanted)
        facts |= FACT_AGREED;
    if (fabs(estimator_phase(&d->estimator)) > d->config.unlock_threshold_ns)
        facts |= FACT_STRAYED;
    if (d->estimator.drawn)
        facts |= FACT_DRAWN;
    if (d->beyond)
        facts |= FACT_BEYOND;
    if (d->status.bound_ns > accuracy_covers_ns(d->accuracy.announced))
        facts |= FACT_LOOSE;
    return facts;
}

/* Quantiles of a mixture are dear, and once a second is often enough unless something happened. */
static void renew_bounds(struct discipline *d, bool now)
{
    const int64_t at_ns = d->estimator.at_ns;
    if (!now && d->status.bound_ns < BOUND_UNKNOWN_NS && at_ns - d->bound_at_ns < BOUND_EVERY_NS)
        return;
    d->bound_at_ns = at_ns;
    d->status.bound_ns = bound(d, 0.95, d->status.bound_ns);
    d->status.bound999_ns = fmax(bound(d, 0.999, d->status.bound999_ns), d->status.bound_ns);
}

static void judge_specification(struct discipline *d)
{
    const double unlocked_s = (double)(d->estimator.at_ns - d->unlocked_ns) * 1e-9;
    if (!ever_locked(d) || d->status.state == DISCIPLINE_LOCKED)
        return;
    if (d->status.bound_ns > d->config.holdover_limit_ns ||
        (d->config.holdover_limit_s > 0 && unlocked_s >= d->config.holdover_limit_s))
        d->beyond = true;
}

/* Steers by the estimate. Without one yet, makes sure once that the correction is what is believed: zero. */
static void command(struct discipline *d, struct discipline_action *action)
{
    struct estimator *e = &d->estimator;
    const struct servo_limits limits = {
        .freq_ppb = d->config.max_freq_ppb,
        .slew_ppb = ever_locked(d) ? d->config.max_slew_ppb : d->config.max_freq_ppb,
    };
    double freq = e->control_ppb;

    if (e->started)
        freq = servo_command(&d->servo, estimator_phase(e), estimator_freq(e), &limits);
    if (d->commanded && fabs(freq - e->control_ppb) < COMMAND_STEP_PPB)
        return;
    d->commanded = true;
    action->adjust = true;
    action->freq_ppb = freq;
    estimator_control(e, freq);
}

/* clockAccuracy is a comparand of the BMCA: a locked clock announces what its receiver and stamps are
 * configured to be good for, so that equal grandmasters announce the same, unless its own bound is more than
 * twice that. */
static double announced_bound(const struct discipline *d)
{
    if (d->status.state != DISCIPLINE_LOCKED && d->status.state != DISCIPLINE_FROZEN)
        return d->status.bound_ns;
    return fmax(d->status.bound_ns / 2, d->config.systematic_ns + BOUND_SIGMAS * d->config.pulse_noise_ns);
}

/* The end of every event. unused: why pulses are not used, if that is one of the facts. */
static void settle(struct discipline *d, unsigned facts, const char *unused, struct discipline_action *action)
{
    const struct estimator *e = &d->estimator;

    renew_bounds(d, (facts & ~(unsigned)FACT_PULSES) != 0 || action->step);
    judge_specification(d);
    move(d, facts | standing_facts(d), unused);
    judge_specification(d);
    if (ever_locked(d))
        accuracy_follow(&d->accuracy, announced_bound(d), e->at_ns);
    servo_pace(&d->servo, state_tau_s(d->status.state), 0);
    command(d, action);
    d->status.filtered_ns = e->started ? estimator_phase(e) : 0;
    d->status.freq_ppb = e->control_ppb;
    d->status.drift_ppb_per_day = e->bank.drift * 86400;
}

static void step(struct discipline *d, int64_t delta_ns, struct discipline_action *action)
{
    action->step = true;
    action->step_ns = delta_ns;
    scatter_steered(&d->scatter, (double)delta_ns);
    d->status.steps++;
    watch_stepped(&d->watch, delta_ns);
}

/* Before the first lock a large phase error is stepped away, if the clock could be kept there at all. */
static void step_before_lock(struct discipline *d, struct discipline_action *action)
{
    struct estimator *e = &d->estimator;
    if (ever_locked(d) || !e->started || fabs(estimator_phase(e)) <= STEP_ABOVE_NS ||
        fabs(estimator_freq(e)) >= d->config.max_freq_ppb)
        return;
    const int64_t delta_ns = -llround(estimator_phase(e));
    step(d, delta_ns, action);
    estimator_step(e, (double)delta_ns, STEP_ERROR_NS);
    d->good_pulses = 0;
}

/* Two software readings know a foreign step to microseconds only. What their inverse left is stepped too,
 * once pulses tell it: the time was broken anyway, and hours of slewing would not make it better. */
static void complete_undo(struct discipline *d, struct discipline_action *action)
{
    struct estimator *e = &d->estimator;
    if (d->undo_pulses == 0 || --d->undo_pulses > 0)
        return;
    const double left_ns = fabs(estimator_phase(e));
    if (left_ns <= lock_limit(d) || left_ns > (double)d->config.jump_threshold_ns)
        return;
    const int64_t delta_ns = -llround(estimator_phase(e));
    step(d, delta_ns, action);
    estimator_step(e, (double)delta_ns, STEP_ERROR_NS);
    d->good_pulses = 0;
}

/* Coming back from a long holdover slewing may take days; who allows it gets a step instead. */
static void step_at_return(struct discipline *d, struct discipline_action *action)
{
    struct estimator *e = &d->estimator;
    if (d->status.state != DISCIPLINE_REACQUIRING || d->config.step_above_ns <= 0 ||
        fabs(estimator_phase(e)) <= d->config.step_above_ns)
        return;
    const int64_t delta_ns = -llround(estimator_phase(e));
    step(d, delta_ns, action);
    estimator_step(e, (double)delta_ns, STEP_ERROR_NS);
    d->good_pulses = 0;
}

/* A pulse that is not believed by itself: enough of them that agree with each other are. Returns facts. */
static unsigned insist(struct discipline *d, int64_t tai_s, int64_t phase_now_ns, int64_t age_ns)
{
    struct estimator *e = &d->estimator;
    const double tolerance = TREND_SIGMAS * d->config.pulse_noise_ns + d->config.lock_threshold_ns;
    unsigned wanted = ever_locked(d) ? d->config.overrule_pulses : FIRST_PULSES;
    const struct trend_point p = {.tai_s = tai_s, .phase_ns = phase_now_ns - llround(estimator_expected(e))};

    d->good_pulses = 0;
    const unsigned count = trend_add(&d->trend, p, tolerance);
    const double slope = trend_slope_ppb(&d->trend);
    const double span_s = trend_span_s(&d->trend);
    if (ever_locked(d) && count > 1 && fabs(slope) * span_s < d->config.unlock_threshold_ns &&
        estimator_slope_sigmas(e, slope, span_s) > PULLING_SIGMAS)
        wanted *= SLOPE_PATIENCE;
    if (count < wanted)
        return e->started ? 0 : FACT_PULSES;

    const double phase = (double)phase_now_ns + slope * (double)age_ns * 1e-9;
    estimator_restart(e, phase, slope, span_s);
    trend_reset(&d->trend);
    d->probation = (struct probation){0};
    return FACT_PULSES | FACT_SHIFTED;
}

/* A pulse outside the gate (or before there is an estimate). Several in a row, and those before them are
 * doubted, too. */
static void contradicted(struct discipline *d)
{
    d->probation = (struct probation){0};
    if (!d->estimator.started)
        return;
    d->status.outliers++;
    if (++d->contradictions == REWIND_PULSES && d->status.state == DISCIPLINE_LOCKED &&
        estimator_rewind(&d->estimator, DOUBT_SIGMAS, 0))
        d->status.rewinds++;
}

/* After a freeze and in holdover pulses are believed again when some in a row agree with the estimate, and so
 * does their mean. */
static bool on_probation(struct discipline *d, double residual_ns)
{
    const struct estimator *e = &d->estimator;
    struct probation *p = &d->probation;
    const bool frozen = d->status.state == DISCIPLINE_FROZEN;
    const unsigned wanted = frozen ? d->config.lock_pulses : d->config.reacquire_pulses;
    if (!holding(d->status.state))
        return false;
    p->sum_ns += residual_ns;
    if (++p->pulses < wanted)
        return true;
    const double mean = p->sum_ns / p->pulses, noise = e->noise_ns * e->noise_ns / p->pulses;
    *p = (struct probation){0};
    return fabs(mean) >
           fmax(PROBATION_SIGMAS * sqrt(e->bank.pulse_variance + noise), d->config.pulse_noise_ns);
}

/* Pulses that are noisier than expected would be taken for outliers, and the clock might never lock. */
static void learn_noise(struct discipline *d, int64_t tai_s, int64_t phase_now_ns)
{
    struct estimator *e = &d->estimator;
    if (ever_locked(d))
        return;
    scatter_add(&d->scatter, tai_s, phase_now_ns);
    const double noise_ns = scatter_ns(&d->scatter);
    if (noise_ns <= NOISIER * d->config.pulse_noise_ns || noise_ns > NOISE_MAX_NS)
        return;
    d->config.pulse_noise_ns = noise_ns;
    estimator_expect(e, noise_ns);
    estimator_forget(e);
    scatter_reset(&d->scatter);
    trend_reset(&d->trend);
}

/* phase_ns: what a pulse of age_ns ago said. Returns facts. */
static unsigned take(struct discipline *d, int64_t tai_s, int64_t phase_ns, int64_t age_ns)
{
    struct estimator *e = &d->estimator;
    const int64_t phase_now_ns = phase_ns + llround(estimator_rate(e) * (double)age_ns * 1e-9);
    const double phase_now = (double)phase_now_ns;

    learn_noise(d, tai_s, phase_now_ns);
    if (!e->started || fabs(phase_now - estimator_expected(e)) > estimator_gate(e)) {
        contradicted(d);
        return insist(d, tai_s, phase_now_ns, age_ns);
    }
    if (on_probation(d, phase_now - estimator_expected(e)))
        return insist(d, tai_s, phase_now_ns, age_ns);
    trend_reset(&d->trend);
    d->contradictions = 0;
    watch_vouch(&d->watch, age_ns, phase_now - estimator_expected(e), d->config.jump_threshold_ns);
    estimator_update(e, phase_now);
    if (fabs(phase_now) <= lock_limit(d))
        d->good_pulses++;
    else
        d->good_pulses = 0;
    return FACT_PULSES;
}

struct discipline_action discipline_sample(struct discipline *d, int64_t tai_s, int64_t reading_ns,
                                           int64_t now_ns)
{
    struct discipline_action action = {0};
    int64_t true_ns, phase_ns;
    unsigned facts = 0;

    advance(d, now_ns);
    const bool repeated = d->believed_ns != INT64_MIN && tai_s == d->last_tai_s;
    d->status.samples++;
    d->status.last_sample_ns = now_ns;
    if (repeated || __builtin_mul_overflow(tai_s, (int64_t)NS_PER_S, &true_ns) ||
        __builtin_sub_overflow(reading_ns, true_ns, &phase_ns) || phase_ns > PHASE_MAX_NS ||
        phase_ns < -PHASE_MAX_NS) {
        d->status.outliers++;
    } else {
        d->status.offset_ns = (double)phase_ns;
        facts = take(d, tai_s, phase_ns, watch_age(&d->watch, reading_ns));
    }
    if (facts & FACT_PULSES) {
        d->believed_ns = now_ns;
        d->last_tai_s = tai_s;
        complete_undo(d, &action);
        step_at_return(d, &action);
    }
    step_before_lock(d, &action);
    settle(d, facts, NULL, &action);
    return action;
}

/* Somebody set the clock. Before the first lock acquisition begins anew; afterwards the inverse is stepped,
 * known as well as two software readings tell it. */
static unsigned undo_jump(struct discipline *d, int64_t jump_ns, struct discipline_action *action)
{
    d->status.jumps++;
    d->status.jumped = true;
    d->status.last_jump_ns = jump_ns;
    d->good_pulses = 0;
    trend_reset(&d->trend);
    if (!ever_locked(d)) {
        estimator_forget(&d->estimator);
        return 0;
    }
    step(d, -jump_ns, action);
    /* the estimate never knew of the jump: only the error of its measurement is left */
    estimator_step(&d->estimator, 0, (double)d->config.jump_threshold_ns);
    d->beyond = true;
    d->undo_pulses = UNDO_PULSES;
    return FACT_STEPPED;
}

/* Facts about pulses that the gnss room does not trust. */
static unsigned distrust(struct discipline *d, int64_t now_ns, enum pulse_trust trust)
{
    d->distrusted_ns = now_ns;
    d->probation = (struct probation){0};
    if (trust == PULSES_LOST)
        return FACT_UNUSED | FACT_LOST;
    if (now_ns - d->status.since_ns >= d->config.freeze_ns)
        return FACT_UNUSED | FACT_OVERDUE;
    return FACT_UNUSED;
}

/* Longer ago than limit_ns, and so is the end of the last distrust: what could not be is not missed. */
static bool missed(const struct discipline *d, int64_t at_ns, int64_t now_ns, int64_t limit_ns)
{
    const int64_t since_ns = at_ns > d->distrusted_ns ? at_ns : d->distrusted_ns;
    return since_ns == INT64_MIN || now_ns - since_ns >= limit_ns;
}

/* What is wrong with pulses that the gnss room trusts, or NULL. */
static const char *pulses_missed(const struct discipline *d, int64_t now_ns)
{
    if (missed(d, d->status.last_sample_ns, now_ns, SILENT_NS))
        return "no pulse for 2 s";
    if (missed(d, d->believed_ns, now_ns, INCOHERENT_NS))
        return "pulses contradict each other for 30 s";
    return NULL;
}

struct discipline_action discipline_tick(struct discipline *d, int64_t now_ns, int64_t clock_ns,
                                         enum pulse_trust trust, const char *why)
{
    struct discipline_action action = {0};
    unsigned facts = 0;

    advance(d, now_ns);
    const int64_t jump_ns = watch_check(&d->watch, clock_ns, d->config.jump_threshold_ns);
    if (jump_ns)
        facts = undo_jump(d, jump_ns, &action);
    const char *unused = pulses_missed(d, now_ns);
    if (trust != PULSES_TRUSTED) {
        facts |= distrust(d, now_ns, trust);
        unused = why && why[0] ? why : "pulses are not trusted";
    } else if (unused) {
        facts |= FACT_UNUSED | FACT_LOST;
    }
    settle(d, facts, unused, &action);
    return action;
}

void discipline_temperature(struct discipline *d, int64_t now_ns, double celsius)
{
    advance(d, now_ns);
    estimator_temperature(&d->estimator, celsius);
}

void discipline_adjusted(struct discipline *d, double freq_ppb)
{
    estimator_control(&d->estimator, freq_ppb);
    d->status.freq_ppb = freq_ppb;
}

void discipline_displaced(struct discipline *d, double delta_ns, double sigma_ns)
{
    estimator_step(&d->estimator, delta_ns, sigma_ns);
    estimator_unmark(&d->estimator);
}

bool discipline_numbers(const struct discipline *d)
{
    return ever_locked(d) && d->status.bound_ns < NUMBERS_WITHIN_NS;
}
