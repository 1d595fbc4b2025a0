/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/estimator.h"

#include <math.h>
#include <string.h>

#define GATE_SIGMAS  5.0
#define NOISE_LOW    64.0 /* the adapted pulse noise stays within expected / 64 .. expected * 4 */
#define NOISE_HIGH   4.0
#define ADAPT_PRIOR  16  /* the expected noise counts as much as so many residuals ... */
#define ADAPT_MEMORY 256 /* ... and the memory of the adaptation is so many residuals */
#define ADAPT_GAP_NS 2500000000LL
#define SLOPE_SIGMAS 5.0
#define GATE_LEAST   0.5 /* of the expected noise: a sawtooth that stood still goes on by all of its height */
#define NOISE_LEAST  0.1 /* of the same */
#define PEAK_MEMORY  1200 /* pulses: a sawtooth that stands still for minutes hides how large it is */
#define DRAWN_SIGMAS 5.0
#define DRAWN_LEAST  2.0 /* of the expected noise: less is a sawtooth or a wander */
#define DRAWN_BY     1.0 /* of the expected noise: an oscillator that foretells worse cannot judge */

#define LEAN_SLACK 1.75 /* sigma: a sawtooth that stands still at its end is off by the square root of 3 */

/* A wild receiver is noticed within seconds, a pull of a ns a second within minutes. */
static const int64_t mark_every_ns[ESTIMATOR_AGES] = {8000000000LL, 180000000000LL};

static double square(double v)
{
    return v * v;
}

void estimator_expect(struct estimator *e, double pulse_noise_ns)
{
    e->expected_noise_ns = pulse_noise_ns;
    e->noise_ns = pulse_noise_ns;
    e->residual_variance = e->peak_variance = square(pulse_noise_ns);
}

void estimator_init(struct estimator *e, double pulse_noise_ns, enum oscillator_class oscillator)
{
    memset(e, 0, sizeof *e);
    estimator_expect(e, pulse_noise_ns);
    bank_init(&e->bank, oscillator);
    thermometer_init(&e->thermometer);
}

void estimator_unmark(struct estimator *e)
{
    for (int age = 0; age < ESTIMATOR_AGES; age++)
        e->marks[age][0].valid = e->marks[age][1].valid = false;
    e->upright.valid = e->drawn = false;
    e->leaning[0] = e->leaning[1] = 0;
}

void estimator_forget(struct estimator *e)
{
    e->steered_ns = 0;
    e->started = false;
    estimator_unmark(e);
}

double estimator_phase(const struct estimator *e)
{
    return e->started ? e->bank.phase_ns : e->steered_ns;
}

double estimator_freq(const struct estimator *e)
{
    return e->started ? e->bank.freq_ppb : 0;
}

double estimator_expected(const struct estimator *e)
{
    return e->started ? e->bank.pulse_ns : e->steered_ns;
}

double estimator_rate(const struct estimator *e)
{
    return estimator_freq(e) + e->control_ppb;
}

double estimator_sigma(const struct estimator *e)
{
    return sqrt(e->bank.phase_variance);
}

static void pass_mark(struct estimator_mark *m, double steered_ns, double kelvin, double dt_s)
{
    m->steered_ns += steered_ns;
    m->warmed_k += kelvin;
    m->warmed_ks += m->warmed_k * dt_s;
}

/* What happened since a mark that it cannot foretell. */
static void pass_marks(struct estimator *e, double steered_ns, double kelvin, double dt_s)
{
    for (int age = 0; age < ESTIMATOR_AGES; age++)
        for (int i = 0; i < 2; i++)
            pass_mark(&e->marks[age][i], steered_ns, kelvin, dt_s);
    pass_mark(&e->upright, steered_ns, kelvin, dt_s);
}

void estimator_predict(struct estimator *e, int64_t now_ns)
{
    if (e->timed && now_ns <= e->at_ns)
        return;
    const double dt = e->timed ? (double)(now_ns - e->at_ns) * 1e-9 : 0;
    e->timed = true;
    e->at_ns = now_ns;
    pass_marks(e, dt * e->control_ppb, 0, dt);
    if (thermometer_lost(&e->thermometer, now_ns))
        e->bank.room = ROOM_UNSEEN;
    if (e->started)
        bank_predict(&e->bank, dt, e->control_ppb);
    else
        e->steered_ns += dt * e->control_ppb;
}

void estimator_temperature(struct estimator *e, double celsius)
{
    const double kelvin = thermometer_read(&e->thermometer, e->at_ns, celsius);
    bank_sense(&e->bank);
    if (!thermometer_lost(&e->thermometer, e->at_ns))
        e->bank.room = ROOM_WATCHED;
    pass_marks(e, 0, kelvin, 0);
    if (kelvin != 0 && (e->started || e->remembered))
        bank_warm(&e->bank, kelvin, 0);
}

void estimator_control(struct estimator *e, double freq_ppb)
{
    e->control_ppb = freq_ppb;
}

void estimator_step(struct estimator *e, double delta_ns, double sigma_ns)
{
    pass_marks(e, delta_ns, 0, 0);
    if (e->started)
        bank_step(&e->bank, delta_ns, square(sigma_ns));
    else
        e->steered_ns += delta_ns;
}

/* Of one pulse, as careful as the last minutes ask for. */
static double pulse_variance(const struct estimator *e)
{
    return e->peak_variance;
}

double estimator_gate(const struct estimator *e)
{
    const double least = square(GATE_LEAST * e->expected_noise_ns);
    return GATE_SIGMAS * sqrt(e->bank.pulse_variance + fmax(pulse_variance(e), least));
}

/* The pulse noise from the difference of successive residuals: a filter that lags behind its oscillator has
 * residuals that are too large but alike, and the difference does not see that. Only while the prediction is
 * better than a pulse: then a residual is mostly the pulse's. */
static void adapt_noise(struct estimator *e, double residual_ns)
{
    const bool settled = e->bank.pulse_variance <= square(e->expected_noise_ns);
    if (settled && e->was_settled && e->at_ns - e->last_update_ns <= ADAPT_GAP_NS) {
        const unsigned n = e->updates < ADAPT_MEMORY ? e->updates : ADAPT_MEMORY;
        const double sample = square(residual_ns - e->last_residual_ns) / 2;
        e->residual_variance += (sample - e->residual_variance) / (ADAPT_PRIOR + n);
        const double variance = fmax(e->residual_variance - e->bank.pulse_variance, 0);
        e->noise_ns =
            fmin(fmax(sqrt(variance), e->expected_noise_ns / NOISE_LOW), e->expected_noise_ns * NOISE_HIGH);
    }
    e->peak_variance = fmax(fmax(e->peak_variance * (1 - 1.0 / PEAK_MEMORY), square(e->noise_ns)),
                            square(e->expected_noise_ns * NOISE_LEAST));
    e->was_settled = settled;
    e->last_residual_ns = residual_ns;
    e->last_update_ns = e->at_ns;
}

static bool within_sigmas(double sigmas, double difference, double variance)
{
    return square(difference) <= square(sigmas) * variance;
}

/* What the mark foretells for now. */
static void carry_mark(const struct estimator *e, const struct estimator_mark *m, struct bank *foretold)
{
    *foretold = m->bank;
    bank_predict(foretold, (double)(e->at_ns - m->at_ns) * 1e-9, 0);
    bank_step(foretold, m->steered_ns, 0);
    if (foretold->sensed)
        bank_warm(foretold, m->warmed_k, m->warmed_ks);
}

static const struct estimator_mark *oldest(const struct estimator *e, int age)
{
    const struct estimator_mark *m = e->marks[age];
    return m[1].valid ? &m[1] : m[0].valid ? &m[0] : NULL;
}

/* An oscillator that foretells worse than a pulse cannot judge pulses. */
static bool can_judge(const struct estimator *e, const struct bank *foretold)
{
    return foretold->phase_variance < square(DRAWN_BY * e->expected_noise_ns);
}

/* Have the pulses since the mark led away from what it foretells? */
static bool drawn_from(const struct estimator *e, const struct estimator_mark *m)
{
    struct bank foretold;
    carry_mark(e, m, &foretold);
    const double difference = e->bank.phase_ns - foretold.phase_ns;
    return can_judge(e, &foretold) && fabs(difference) > DRAWN_LEAST * e->expected_noise_ns &&
           !within_sigmas(DRAWN_SIGMAS, difference, foretold.phase_variance);
}

static void set_mark(const struct estimator *e, struct estimator_mark *m)
{
    m->valid = true;
    m->at_ns = e->at_ns;
    m->steered_ns = m->warmed_k = m->warmed_ks = 0;
    m->bank = e->bank;
}

/* Each time that the shortest mark is due the estimate is compared with the longer ones. */
static void keep_marks(struct estimator *e)
{
    for (int age = 0; age < ESTIMATOR_AGES; age++) {
        struct estimator_mark *m = e->marks[age];
        if (m[0].valid && e->at_ns - m[0].at_ns < mark_every_ns[age])
            continue;
        for (int other = 1; age == 0 && other < ESTIMATOR_AGES; other++)
            if (oldest(e, other) && drawn_from(e, oldest(e, other)))
                e->drawn = true;
        m[1] = m[0];
        set_mark(e, &m[0]);
    }
}

static double leaning(const struct estimator *e)
{
    return fmax(e->leaning[0], e->leaning[1]);
}

/* Page's cumulated sums (Biometrika 41, 1954) of normalised residuals, one for each sign. Residuals of a
 * model that is right are white, and the sums fall back to 0 again and again; where pulses are led away they
 * grow, though none of the pulses need be an outlier. Then it began when the sum was last 0. A receiver that
 * is better than configured has no narrower claim: its sawtooth may stand still. */
static void lean(struct estimator *e, double residual_ns)
{
    const double noise = fmax(pulse_variance(e), square(e->expected_noise_ns));
    const double sigmas = residual_ns / sqrt(e->bank.pulse_variance + noise);
    e->leaning[0] = fmax(e->leaning[0] + sigmas - LEAN_SLACK, 0);
    e->leaning[1] = fmax(e->leaning[1] - sigmas - LEAN_SLACK, 0);
    if (leaning(e) > ESTIMATOR_LEANING && e->upright.valid)
        e->drawn |= e->updates >= ADAPT_MEMORY;
    else if (leaning(e) <= 0)
        set_mark(e, &e->upright);
}

/* Did the pulses lead away from what the mark foretold by more than so many sigmas? */
static bool led_away(const struct estimator *e, const struct bank *foretold, double sigmas)
{
    return can_judge(e, foretold) &&
           (!within_sigmas(sigmas, e->bank.phase_ns - foretold->phase_ns, foretold->phase_variance) ||
            !within_sigmas(sigmas, e->bank.freq_ppb - foretold->freq_ppb, foretold->freq_variance));
}

bool estimator_rewind(struct estimator *e, double sigmas, double most_leaning)
{
    const struct estimator_mark *candidates[] = {&e->upright, oldest(e, 1), oldest(e, 0)};
    struct bank foretold;
    bool rewound = false;
    for (int i = 0; i < 3 && e->started && !rewound; i++) {
        if (!candidates[i] || !candidates[i]->valid)
            continue;
        carry_mark(e, candidates[i], &foretold);
        rewound = (i == 0 && leaning(e) > most_leaning) || led_away(e, &foretold, sigmas);
    }
    if (rewound) {
        e->bank = foretold;
        bank_doubt(&e->bank);
    }
    estimator_unmark(e);
    return rewound;
}

void estimator_update(struct estimator *e, double phase_ns)
{
    const double residual_ns = phase_ns - e->bank.pulse_ns;
    keep_marks(e);
    lean(e, residual_ns);
    adapt_noise(e, residual_ns);
    bank_update(&e->bank, phase_ns, pulse_variance(e));
    if (e->bank.room == ROOM_UNSEEN) /* what pulses teach now is for a temperature that nobody knows */
        e->thermometer.known = false;
    e->updates++;
}

static double slope_variance(const struct estimator *e, double span_s)
{
    return 2 * pulse_variance(e) / square(span_s);
}

double estimator_slope_sigmas(const struct estimator *e, double slope_ppb, double span_s)
{
    if (!e->started && !e->remembered)
        return INFINITY;
    const double learned_ppb =
        e->started ? 0 : e->bank.freq_ppb; /* slopes are seen against what is predicted */
    return fabs(slope_ppb - learned_ppb) / sqrt(slope_variance(e, span_s) + e->bank.freq_variance);
}

void estimator_restart(struct estimator *e, double phase_ns, double slope_ppb, double span_s)
{
    const double R = pulse_variance(e);

    estimator_unmark(e);
    if (estimator_slope_sigmas(e, slope_ppb, span_s) <= SLOPE_SIGMAS) {
        bank_set_phase(&e->bank, phase_ns, R);
        e->started = true;
        return;
    }
    /* the last pulse is the end of the slope, too */
    bank_start(&e->bank, phase_ns, R, estimator_freq(e) + slope_ppb, slope_variance(e, span_s), R / span_s);
    e->started = true;
}
