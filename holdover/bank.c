/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/bank.h"

#include <math.h>
#include <string.h>

#define MEMORY_S    86400.0 /* what was learned of the noise fades, for rooms and oscillators change */
#define TEMPER      0.7     /* pulses a second apart are not independent: sawtooth, resolution */
#define CAUTION     0.25    /* log of belief before any pulse, for each factor e of random walk */
#define NAMED_FOLD  3.0     /* one oscillator of a class differs from the next by so much, 1 sigma */
#define NAMED_LEAST (-8.0)  /* log: names may be wrong */
#define NEGLIGIBLE  1e-6
#define PLAUSIBLE   3.0 /* sigma of what was expected */
/* log: no belief falls lower, or an oscillator that warmed up would be taken for a bad one for a day */
#define REFUTED   (-50.0)
#define PRECISION 2e-3 /* of a quantile */

/* Random walks a factor 2 apart. White noise of frequency comes with them in no fixed proportion: good
 * oscillators have some that pulses hardly show, poor ones have much. */
#define WALK_FIRST_PPB     1e-5
#define WALK_APART         2.0
#define WALKS              18
#define WHITE_LEAST_NS     0.02
#define WHITE_PER_WALK     4.0   /* sqrt(s) */
#define WANDER_MATTERS_PPB 0.005 /* an oscillator that walks more hides the receiver's wander */
/* What is expected of an oscillator before it is seen: in a day, temperature and ageing each move it as much
 * as its random walk does, 294 sqrt(s), whatever it costs. Sine and cosine of the day share that; known to a
 * factor of 2, 1 sigma. A crystal ages by some ppm in its first year, however much it walks. */
#define DAILY_PER_WALK  208.0
#define DAILY_FOLD      2.0
#define DRIFT_PER_WALK  3.4e-3
#define DRIFT_MOST      1.2e-4 /* ppb/s: 10 ppb a day */
#define COMMON_RECEIVER 1
/* What temperature does in a day it does with so many kelvins either way, and so much of it is left beside a
 * sensor: its lag, load, air pressure, doubt. */
#define SWING_K     2.0
#define UNEXPLAINED 0.5

static const struct {
    double wander_ns, tau_s;
} receivers[BANK_RECEIVERS] = {{3, 2000}, {6, 1000}, {12, 60}, {15, 3000}};

static const double class_walk_ppb[] = {
    [OSCILLATOR_NIC] = 0.5,      [OSCILLATOR_TCXO] = 0.07,     [OSCILLATOR_OCXO] = 1.5e-3,
    [OSCILLATOR_OCXO_HQ] = 2e-4, [OSCILLATOR_RUBIDIUM] = 2e-5,
};

static double square(double v)
{
    return v * v;
}

static void add_member(struct bank *b, double walk_ppb, int receiver, double daily_per_walk,
                       enum oscillator_class oscillator)
{
    struct bank_member *m = &b->members[b->count++];
    m->noise = (struct kalman_noise){
        .white_ns = fmax(WHITE_LEAST_NS, WHITE_PER_WALK * walk_ppb),
        .walk_ppb = walk_ppb,
        .drift = fmin(DRIFT_PER_WALK * walk_ppb, DRIFT_MOST),
        .daily_ppb = daily_per_walk * walk_ppb,
        .wander_ns = receivers[receiver].wander_ns,
        .wander_tau_s = receivers[receiver].tau_s,
    };
    m->receiver = receiver;
    if (oscillator == OSCILLATOR_AUTO)
        m->log_prior = CAUTION * log(walk_ppb);
    else
        m->log_prior =
            fmax(-square(log(walk_ppb / class_walk_ppb[oscillator]) / log(NAMED_FOLD)) / 2, NAMED_LEAST);
}

static double variance_of_pulse(const struct kalman *k)
{
    return kalman_innovation_variance(k, 0);
}

static double variance_of_frequency(const struct kalman *k)
{
    return k->P[KALMAN_FREQUENCY][KALMAN_FREQUENCY] + 2 * k->P[KALMAN_FREQUENCY][KALMAN_DAILY] +
           k->P[KALMAN_DAILY][KALMAN_DAILY];
}

static void normalise(struct bank *b)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < b->count; i++)
        top = fmax(top, b->log_weight[i]);
    for (int i = 0; i < b->count; i++) {
        b->log_weight[i] = fmax(b->log_weight[i] - top, REFUTED);
        sum += b->weight[i] = exp(b->log_weight[i]);
    }
    for (int i = 0; i < b->count; i++)
        b->weight[i] /= sum;
}

static void mix(struct bank *b)
{
    b->phase_ns = b->freq_ppb = b->drift = b->pulse_ns = 0;
    b->phase_variance = b->pulse_variance = b->freq_variance = 0;
    for (int i = 0; i < b->count; i++) {
        const struct kalman *k = &b->filters[i];
        b->phase_ns += b->weight[i] * k->x[KALMAN_PHASE];
        b->pulse_ns += b->weight[i] * (k->x[KALMAN_PHASE] + k->x[KALMAN_WANDER]);
        b->freq_ppb += b->weight[i] * kalman_frequency(k);
        b->drift += b->weight[i] * k->x[KALMAN_DRIFT];
    }
    for (int i = 0; i < b->count; i++) {
        const struct kalman *k = &b->filters[i];
        b->phase_variance +=
            b->weight[i] * (k->P[KALMAN_PHASE][KALMAN_PHASE] + square(k->x[KALMAN_PHASE] - b->phase_ns));
        b->pulse_variance += b->weight[i] * (variance_of_pulse(k) +
                                             square(k->x[KALMAN_PHASE] + k->x[KALMAN_WANDER] - b->pulse_ns));
        b->freq_variance +=
            b->weight[i] * (variance_of_frequency(k) + square(kalman_frequency(k) - b->freq_ppb));
    }
}

static void passages_over(const struct bank *b, double dt_s, struct kalman_passage passages[BANK_RECEIVERS])
{
    for (int r = 0; r < BANK_RECEIVERS; r++) {
        passages[r] = kalman_passage(dt_s, receivers[r].tau_s);
        passages[r].room = b->room;
    }
}

/* Carrying covariances is nearly all the work, and the noise of half a second is nothing: done once a second.
 */
static void catch_up(struct bank *b)
{
    struct kalman_passage passages[BANK_RECEIVERS];
    if (b->pending_s <= 0)
        return;
    passages_over(b, b->pending_s, passages);
    for (int i = 0; i < b->count; i++)
        kalman_predict_covariance(&b->filters[i], &b->members[i].noise, &passages[b->members[i].receiver]);
    b->pending_s = 0;
}

void bank_init(struct bank *b, enum oscillator_class oscillator)
{
    memset(b, 0, sizeof *b);
    double walk_ppb = WALK_FIRST_PPB;
    for (int i = 0; i < WALKS; i++, walk_ppb *= WALK_APART)
        for (int receiver = 0; receiver < BANK_RECEIVERS; receiver++) {
            if (walk_ppb > WANDER_MATTERS_PPB && receiver != COMMON_RECEIVER)
                continue;
            add_member(b, walk_ppb, receiver, DAILY_PER_WALK * DAILY_FOLD, oscillator);
            add_member(b, walk_ppb, receiver, DAILY_PER_WALK / DAILY_FOLD, oscillator);
        }
    for (int i = 0; i < b->count; i++)
        b->log_weight[i] = b->members[i].log_prior;
    normalise(b);
}

void bank_start(struct bank *b, double phase_ns, double phase_variance, double freq_ppb, double freq_variance,
                double covariance)
{
    b->pending_s = 0;
    for (int i = 0; i < b->count; i++) {
        kalman_start(&b->filters[i], &b->members[i].noise, phase_ns, phase_variance, freq_ppb, freq_variance,
                     covariance);
    }
    mix(b);
}

void bank_set_phase(struct bank *b, double phase_ns, double variance)
{
    catch_up(b);
    for (int i = 0; i < b->count; i++)
        kalman_set_phase(&b->filters[i], phase_ns, variance);
    mix(b);
}

void bank_step(struct bank *b, double delta_ns, double variance)
{
    catch_up(b);
    for (int i = 0; i < b->count; i++) {
        b->filters[i].x[KALMAN_PHASE] += delta_ns;
        b->filters[i].P[KALMAN_PHASE][KALMAN_PHASE] += variance;
    }
    mix(b);
}

void bank_sense(struct bank *b)
{
    if (b->sensed)
        return;
    b->sensed = true;
    for (int i = 0; i < b->count; i++) {
        struct kalman_noise *n = &b->members[i].noise;
        n->kelvin_ppb = M_SQRT2 * DAILY_PER_WALK * n->walk_ppb / SWING_K;
        n->daily_ppb *= UNEXPLAINED;
        b->filters[i].coefficient = (struct kalman_coefficient){.variance = square(n->kelvin_ppb)};
    }
}

void bank_warm(struct bank *b, double kelvin, double kelvin_s)
{
    catch_up(b);
    for (int i = 0; i < b->count; i++)
        kalman_warm(&b->filters[i], kelvin, kelvin_s);
    mix(b);
}

void bank_predict(struct bank *b, double dt_s, double control_ppb)
{
    struct kalman_passage passages[BANK_RECEIVERS];
    passages_over(b, dt_s, passages);
    for (int i = 0; i < b->count; i++)
        kalman_predict(&b->filters[i], &passages[b->members[i].receiver], control_ppb);
    b->pending_s += dt_s;
    if (b->pending_s > 0.9)
        catch_up(b);
    mix(b);
}

/* A drift or a day larger than the oscillator's kind can have was something else, such as its warming up;
 * only phase, frequency and what a sensor explains are worth keeping. */
static void keep_plausible(struct kalman *k, const struct kalman_noise *n)
{
    const struct kalman_coefficient learned = {.ppb = k->coefficient.ppb,
                                               .variance = k->coefficient.variance};
    const double daily_most = PLAUSIBLE * n->daily_ppb;
    if (fabs(k->x[KALMAN_DRIFT]) <= PLAUSIBLE * n->drift && fabs(k->x[KALMAN_DAILY]) <= daily_most &&
        fabs(k->x[KALMAN_DAILY_90]) <= daily_most)
        return;
    kalman_start(k, n, k->x[KALMAN_PHASE] + k->x[KALMAN_WANDER], variance_of_pulse(k), kalman_frequency(k),
                 variance_of_frequency(k), 0);
    k->coefficient = learned;
}

void bank_update(struct bank *b, double phase_ns, double pulse_variance)
{
    catch_up(b);
    for (int i = 0; i < b->count; i++) {
        struct kalman *k = &b->filters[i];
        const double residual = phase_ns - k->x[KALMAN_PHASE] - k->x[KALMAN_WANDER];
        const double S = kalman_innovation_variance(k, pulse_variance);
        b->log_weight[i] += (b->members[i].log_prior - b->log_weight[i]) / MEMORY_S -
                            TEMPER * (log(S) + square(residual) / S) / 2;
        kalman_update(k, residual, pulse_variance);
        keep_plausible(k, &b->members[i].noise);
    }
    normalise(b);
    mix(b);
}

void bank_remember(struct bank *b, double age_s, double retrace_ppb)
{
    for (int i = 0; i < b->count; i++)
        b->filters[i].P[KALMAN_FREQUENCY][KALMAN_FREQUENCY] += square(retrace_ppb);
    b->pending_s = 0;
    normalise(b);
    bank_predict(b, age_s, 0);
    catch_up(b);
}

void bank_doubt(struct bank *b)
{
    for (int i = 0; i < b->count; i++)
        b->log_weight[i] = (b->log_weight[i] + b->members[i].log_prior) / 2;
    normalise(b);
    mix(b);
}

/* Probability that |phase error| is beyond bound_ns, and how much of it a ns more would take away. */
static double beyond(const struct bank *b, double bound_ns, double *density)
{
    double p = 0;
    *density = 0;
    for (int i = 0; i < b->count; i++) {
        const struct kalman *k = &b->filters[i];
        if (b->weight[i] < NEGLIGIBLE)
            continue;
        const double scale = 1 / sqrt(2 * k->P[KALMAN_PHASE][KALMAN_PHASE]), mean = k->x[KALMAN_PHASE];
        const double above = (bound_ns - mean) * scale, below = (bound_ns + mean) * scale;
        p += b->weight[i] / 2 * (erfc(above) + erfc(below));
        *density += b->weight[i] * scale / sqrt(M_PI) * (exp(-above * above) + exp(-below * below));
    }
    return p;
}

double bank_quantile(const struct bank *b, double probability, double near)
{
    const double wanted = 1 - probability;
    double q = near > 0 ? near : 2 * sqrt(b->phase_variance), low = 0, high = INFINITY;
    if (!(q > 0))
        return 0;
    /* Newton's method on the logarithm, which is nearly straight; where it leaves what is known, bisection */
    for (int i = 0; i < 128; i++) {
        double density;
        const double p = beyond(b, q, &density);
        if (p > wanted)
            low = q;
        else
            high = q;
        const double next = q + log(p / wanted) * p / density;
        if (fabs(next - q) < PRECISION * q)
            return next;
        if (next > low && next < fmin(high, 2 * q))
            q = next;
        else
            q = high < INFINITY ? (low + high) / 2 : 2 * q;
    }
    return high;
}

double bank_coefficient(const struct bank *b, double *sigma)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < b->count; i++)
        mean += b->weight[i] * b->filters[i].coefficient.ppb;
    for (int i = 0; i < b->count; i++) {
        const struct kalman_coefficient *c = &b->filters[i].coefficient;
        variance += b->weight[i] * (c->variance + square(c->ppb - mean));
    }
    *sigma = sqrt(variance);
    return mean;
}

double bank_walk_ppb(const struct bank *b)
{
    double sum = 0;
    for (int i = 0; i < b->count; i++)
        sum += b->weight[i] * log(b->members[i].noise.walk_ppb);
    return exp(sum);
}
