/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/kalman.h"

#include <math.h>
#include <string.h>

#define N           KALMAN_STATES
#define DAY_S       86400.0
#define OMEGA       (2 * M_PI / DAY_S)
#define DAILY_LASTS (5 * DAY_S) /* weather and people change the cycle */
#define DRIFT_LASTS (10 * DAY_S)

/* An unseen room: 2 K a day, as a random walk. In an hour that is 0.4 K, and so are daily swings of 2 K
 * either way. */
#define ROOM_K2_PER_S     (4 / DAY_S)
#define COEFFICIENT_LASTS (60 * DAY_S) /* seasons: another point of a bent curve */

static double square(double v)
{
    return v * v;
}

struct kalman_passage kalman_passage(double dt_s, double wander_tau_s)
{
    const double kept = exp(-dt_s / DAILY_LASTS), angle = OMEGA * dt_s;
    return (struct kalman_passage){
        .dt = dt_s,
        .half = dt_s * dt_s / 2,
        .cosine = kept * cos(angle),
        .sine = kept * sin(angle),
        .integral = sin(angle) / OMEGA,
        .integral_90 = 2 * square(sin(angle / 2)) / OMEGA,
        .daily_gained = 1 - kept * kept,
        .wander_kept = exp(-dt_s / wander_tau_s),
    };
}

void kalman_start(struct kalman *k, const struct kalman_noise *n, double phase_ns, double phase_variance,
                  double freq_ppb, double freq_variance, double covariance)
{
    memset(k, 0, sizeof *k);
    k->x[KALMAN_PHASE] = phase_ns;
    k->x[KALMAN_FREQUENCY] = freq_ppb;
    k->P[KALMAN_PHASE][KALMAN_PHASE] = phase_variance;
    k->P[KALMAN_PHASE][KALMAN_FREQUENCY] = k->P[KALMAN_FREQUENCY][KALMAN_PHASE] = covariance;
    k->P[KALMAN_DRIFT][KALMAN_DRIFT] = square(n->drift);
    k->P[KALMAN_DAILY][KALMAN_DAILY] = square(n->daily_ppb);
    k->P[KALMAN_DAILY_90][KALMAN_DAILY_90] = k->P[KALMAN_DAILY][KALMAN_DAILY];
    k->P[KALMAN_WANDER][KALMAN_WANDER] = square(n->wander_ns);
    k->coefficient.variance = square(n->kelvin_ppb);
    /* what was measured is the sum of all that makes the frequency */
    k->P[KALMAN_FREQUENCY][KALMAN_FREQUENCY] = freq_variance + k->P[KALMAN_DAILY][KALMAN_DAILY];
    k->P[KALMAN_FREQUENCY][KALMAN_DAILY] = -k->P[KALMAN_DAILY][KALMAN_DAILY];
    k->P[KALMAN_DAILY][KALMAN_FREQUENCY] = -k->P[KALMAN_DAILY][KALMAN_DAILY];
    /* and of the phase, the sum with the wander */
    k->P[KALMAN_PHASE][KALMAN_PHASE] += k->P[KALMAN_WANDER][KALMAN_WANDER];
    k->P[KALMAN_PHASE][KALMAN_WANDER] = -k->P[KALMAN_WANDER][KALMAN_WANDER];
    k->P[KALMAN_WANDER][KALMAN_PHASE] = -k->P[KALMAN_WANDER][KALMAN_WANDER];
}

void kalman_set_phase(struct kalman *k, double phase_ns, double variance)
{
    k->x[KALMAN_PHASE] = phase_ns - k->x[KALMAN_WANDER];
    for (int i = 0; i < N; i++)
        k->P[KALMAN_PHASE][i] = k->P[i][KALMAN_PHASE] = -k->P[KALMAN_WANDER][i];
    k->P[KALMAN_PHASE][KALMAN_PHASE] = variance + k->P[KALMAN_WANDER][KALMAN_WANDER];
    k->coefficient.covariance[KALMAN_PHASE] = -k->coefficient.covariance[KALMAN_WANDER];
}

/* v := F v, for a column of states. */
static void carry(double *v, const struct kalman_passage *p)
{
    const double daily = v[KALMAN_DAILY], daily_90 = v[KALMAN_DAILY_90];
    v[KALMAN_PHASE] += p->dt * v[KALMAN_FREQUENCY] + p->half * v[KALMAN_DRIFT] + p->integral * daily +
                       p->integral_90 * daily_90;
    v[KALMAN_FREQUENCY] += p->dt * v[KALMAN_DRIFT];
    v[KALMAN_DAILY] = p->cosine * daily + p->sine * daily_90;
    v[KALMAN_DAILY_90] = p->cosine * daily_90 - p->sine * daily;
    v[KALMAN_WANDER] *= p->wander_kept;
}

void kalman_predict(struct kalman *k, const struct kalman_passage *p, double control_ppb)
{
    carry(k->x, p);
    k->x[KALMAN_PHASE] += control_ppb * p->dt;
}

void kalman_warm(struct kalman *k, double kelvin, double kelvin_s)
{
    struct kalman_coefficient *c = &k->coefficient;
    const double gain[N] = {[KALMAN_PHASE] = kelvin_s, [KALMAN_FREQUENCY] = kelvin};
    for (int i = KALMAN_PHASE; i <= KALMAN_FREQUENCY; i++)
        k->x[i] += gain[i] * c->ppb;
    for (int i = 0; i < N; i++)
        for (int j = i; j < N; j++)
            k->P[i][j] = k->P[j][i] = k->P[i][j] + gain[i] * c->covariance[j] + gain[j] * c->covariance[i] +
                                      gain[i] * gain[j] * c->variance;
    for (int i = KALMAN_PHASE; i <= KALMAN_FREQUENCY; i++)
        c->covariance[i] += gain[i] * c->variance;
}

/* Random walk of frequency that a room makes of which is not told, variance a second. */
static double unseen_walk(const struct kalman_coefficient *c, enum kalman_room room)
{
    if (room == ROOM_WATCHED)
        return 0;
    return ROOM_K2_PER_S * (c->variance + (room == ROOM_UNSEEN ? square(c->ppb) : 0));
}

void kalman_predict_covariance(struct kalman *k, const struct kalman_noise *n, const struct kalman_passage *p)
{
    const double q0 = square(n->white_ns), dt = p->dt;
    const double q1 = square(n->walk_ppb) + unseen_walk(&k->coefficient, p->room);
    const double q2 = 2 * square(n->drift) / DRIFT_LASTS;
    const double daily = p->daily_gained * square(n->daily_ppb);
    double T[N][N];

    /* F P F': P is symmetric, so F applied to its rows gives the transpose of F P */
    for (int i = 0; i < N; i++)
        carry(k->P[i], p);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            T[i][j] = k->P[j][i];
    for (int i = 0; i < N; i++)
        carry(T[i], p);
    for (int i = 0; i < N; i++)
        for (int j = i; j < N; j++)
            k->P[i][j] = k->P[j][i] = T[i][j];

    double(*P)[N] = k->P;
    const double dt2 = dt * dt, dt3 = dt2 * dt;
    const double q01 = q1 * dt2 / 2 + q2 * dt2 * dt2 / 8, q02 = q2 * dt3 / 6, q12 = q2 * dt2 / 2;
    P[KALMAN_PHASE][KALMAN_PHASE] += q0 * dt + q1 * dt3 / 3 + q2 * dt3 * dt2 / 20;
    P[KALMAN_FREQUENCY][KALMAN_FREQUENCY] += q1 * dt + q2 * dt3 / 3;
    P[KALMAN_DRIFT][KALMAN_DRIFT] += q2 * dt;
    P[KALMAN_PHASE][KALMAN_FREQUENCY] += q01;
    P[KALMAN_FREQUENCY][KALMAN_PHASE] += q01;
    P[KALMAN_PHASE][KALMAN_DRIFT] += q02;
    P[KALMAN_DRIFT][KALMAN_PHASE] += q02;
    P[KALMAN_FREQUENCY][KALMAN_DRIFT] += q12;
    P[KALMAN_DRIFT][KALMAN_FREQUENCY] += q12;
    P[KALMAN_DAILY][KALMAN_DAILY] += daily;
    P[KALMAN_DAILY_90][KALMAN_DAILY_90] += daily;
    P[KALMAN_WANDER][KALMAN_WANDER] += square(n->wander_ns) * (1 - square(p->wander_kept));
    if (k->coefficient.variance > 0) {
        carry(k->coefficient.covariance, p);
        k->coefficient.variance += 2 * square(n->kelvin_ppb) / COEFFICIENT_LASTS * dt;
    }
}

double kalman_innovation_variance(const struct kalman *k, double pulse_variance)
{
    return k->P[KALMAN_PHASE][KALMAN_PHASE] + 2 * k->P[KALMAN_PHASE][KALMAN_WANDER] +
           k->P[KALMAN_WANDER][KALMAN_WANDER] + pulse_variance;
}

/* As the other states, in the same form. */
static void update_coefficient(struct kalman_coefficient *c, const double *PH, const double *K, double S,
                               double residual_ns)
{
    const double PHc = c->covariance[KALMAN_PHASE] + c->covariance[KALMAN_WANDER], Kc = PHc / S;
    c->ppb += Kc * residual_ns;
    for (int i = 0; i < N; i++)
        c->covariance[i] += -K[i] * PHc - PH[i] * Kc + K[i] * S * Kc;
    c->variance += -2 * Kc * PHc + Kc * S * Kc;
}

void kalman_update(struct kalman *k, double residual_ns, double pulse_variance)
{
    const double S = kalman_innovation_variance(k, pulse_variance);
    double PH[N], K[N];

    for (int i = 0; i < N; i++) {
        PH[i] = k->P[KALMAN_PHASE][i] + k->P[KALMAN_WANDER][i];
        K[i] = PH[i] / S;
        k->x[i] += K[i] * residual_ns;
    }
    /* Joseph's form multiplied out: positive whatever K was rounded to */
    for (int i = 0; i < N; i++)
        for (int j = i; j < N; j++)
            k->P[i][j] = k->P[j][i] = k->P[i][j] - K[i] * PH[j] - PH[i] * K[j] + K[i] * S * K[j];
    if (k->coefficient.variance > 0)
        update_coefficient(&k->coefficient, PH, K, S, residual_ns);
}

double kalman_frequency(const struct kalman *k)
{
    return k->x[KALMAN_FREQUENCY] + k->x[KALMAN_DAILY];
}
