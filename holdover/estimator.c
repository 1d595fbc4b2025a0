/* SPDX-License-Identifier: BSD-2-Clause */
/* The Kalman filter of estimator.h. Equations and their sources: README.md, "Estimator". */
#include "holdover/estimator.h"

#include <math.h>
#include <string.h>

#define GATE_SIGMAS    5.0
#define NOISE_RANGE    4.0 /* the adapted pulse noise stays within expected / 4 .. expected * 4 */
#define ADAPT_PRIOR    16  /* the expected noise counts as much as so many residuals ... */
#define ADAPT_MEMORY   256 /* ... and the memory of the adaptation is so many residuals */
#define ADAPT_GAP_NS   2500000000LL
#define WHITE_PER_WALK 8.0 /* s: FACTS of oscillators put white FM over random walk at 2 .. 20 s */
#define DRIFT_PER_WALK 0.1 /* 1/sqrt(s): first guess of |drift| */
#define DRIFT_MEMORY_S 1e4 /* how long a drift lasts: warm-up and temperature cycles, hours */
#define SLOPE_SIGMAS   5.0

static double square(double v)
{
    return v * v;
}

void estimator_init(struct estimator *e, double pulse_noise_ns, double walk_ppb)
{
    memset(e, 0, sizeof *e);
    e->expected_noise_ns = pulse_noise_ns;
    e->noise_ns = pulse_noise_ns;
    e->residual_variance = square(pulse_noise_ns);
    e->white_ns = walk_ppb * WHITE_PER_WALK;
    e->walk_ppb = walk_ppb;
    e->drift_walk = walk_ppb / DRIFT_MEMORY_S;
}

void estimator_forget(struct estimator *e)
{
    memset(e->x, 0, sizeof e->x);
    memset(e->P, 0, sizeof e->P);
    e->started = false;
}

double estimator_rate(const struct estimator *e)
{
    return e->x[1] + e->control_ppb;
}

double estimator_sigma(const struct estimator *e)
{
    return sqrt(e->P[0][0]);
}

/* P := F P F' + Q over dt, F = [1 dt dt^2/2; 0 1 dt; 0 0 1]. */
static void predict_covariance(struct estimator *e, double dt)
{
    const double q0 = square(e->white_ns), q1 = square(e->walk_ppb), q2 = square(e->drift_walk);
    const double h = dt * dt / 2;
    double(*P)[3] = e->P;
    /* F P F' of a symmetric P, written out: products with the zeros and ones of F left away */
    const double p02 = P[0][2] + dt * P[1][2] + h * P[2][2];
    const double p12 = P[1][2] + dt * P[2][2];
    const double p01 = P[0][1] + dt * P[1][1] + h * P[1][2] + dt * p02;
    const double p00 =
        P[0][0] + dt * P[0][1] + h * P[0][2] + h * p02 + dt * (P[0][1] + dt * P[1][1] + h * P[1][2]);
    const double p11 = P[1][1] + dt * P[1][2] + dt * p12;

    P[0][0] = p00 + q0 * dt + q1 * dt * dt * dt / 3 + q2 * pow(dt, 5) / 20;
    P[0][1] = P[1][0] = p01 + q1 * dt * dt / 2 + q2 * pow(dt, 4) / 8;
    P[0][2] = P[2][0] = p02 + q2 * dt * dt * dt / 6;
    P[1][1] = p11 + q1 * dt + q2 * dt * dt * dt / 3;
    P[1][2] = P[2][1] = p12 + q2 * dt * dt / 2;
    P[2][2] += q2 * dt;
}

void estimator_predict(struct estimator *e, int64_t now_ns)
{
    if (e->timed && now_ns <= e->at_ns)
        return;
    const double dt = e->timed ? (double)(now_ns - e->at_ns) * 1e-9 : 0;
    e->timed = true;
    e->at_ns = now_ns;
    e->x[0] += dt * estimator_rate(e) + dt * dt / 2 * e->x[2];
    e->x[1] += dt * e->x[2];
    if (e->started)
        predict_covariance(e, dt);
}

void estimator_control(struct estimator *e, double freq_ppb)
{
    e->control_ppb = freq_ppb;
}

void estimator_step(struct estimator *e, double delta_ns, double sigma_ns)
{
    e->x[0] += delta_ns;
    e->P[0][0] += square(sigma_ns);
}

double estimator_gate(const struct estimator *e)
{
    const double noise = fmax(e->noise_ns, e->expected_noise_ns);
    return GATE_SIGMAS * sqrt(e->P[0][0] + square(noise));
}

/* The pulse noise from the difference of successive residuals: a filter that lags behind its oscillator has
 * residuals that are too large but alike, and the difference does not see that. Only while the prediction is
 * better than a pulse: then a residual is mostly the pulse's. */
static void adapt_noise(struct estimator *e, double residual_ns)
{
    const bool settled = e->P[0][0] <= square(e->expected_noise_ns);
    if (settled && e->was_settled && e->at_ns - e->last_update_ns <= ADAPT_GAP_NS) {
        const unsigned n = e->updates < ADAPT_MEMORY ? e->updates : ADAPT_MEMORY;
        const double sample = square(residual_ns - e->last_residual_ns) / 2;
        e->residual_variance += (sample - e->residual_variance) / (ADAPT_PRIOR + n);
        const double variance = fmax(e->residual_variance - e->P[0][0], 0);
        e->noise_ns = fmin(fmax(sqrt(variance), e->expected_noise_ns / NOISE_RANGE),
                           e->expected_noise_ns * NOISE_RANGE);
    }
    e->was_settled = settled;
    e->last_residual_ns = residual_ns;
    e->last_update_ns = e->at_ns;
}

void estimator_update(struct estimator *e, double phase_ns)
{
    const double residual = phase_ns - e->x[0];
    adapt_noise(e, residual);
    const double R = square(e->noise_ns);
    const double S = e->P[0][0] + R;
    double K[3], A[3][3];

    for (int i = 0; i < 3; i++) {
        K[i] = e->P[i][0] / S;
        e->x[i] += K[i] * residual;
    }
    /* Joseph's form, (I - K H) P (I - K H)' + K R K': positive whatever K was rounded to */
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            A[i][j] = e->P[i][j] - K[i] * e->P[0][j];
    for (int i = 0; i < 3; i++)
        for (int j = i; j < 3; j++)
            e->P[i][j] = e->P[j][i] = A[i][j] - A[i][0] * K[j] + K[i] * R * K[j];
    e->updates++;
}

void estimator_restart(struct estimator *e, double phase_ns, double slope_ppb, double span_s)
{
    const double R = square(e->noise_ns);
    const double slope_variance = 2 * R / square(span_s);

    e->x[0] = phase_ns;
    e->P[0][0] = R;
    e->P[0][1] = e->P[1][0] = 0;
    e->P[0][2] = e->P[2][0] = 0;
    if (e->started && fabs(slope_ppb) <= SLOPE_SIGMAS * sqrt(slope_variance + e->P[1][1]))
        return;
    e->x[1] += slope_ppb;
    e->x[2] = 0;
    e->P[1][1] = slope_variance;
    e->P[0][1] = e->P[1][0] = R / span_s; /* the last pulse is the end of the slope, too */
    e->P[1][2] = e->P[2][1] = 0;
    e->P[2][2] = square(DRIFT_PER_WALK * e->walk_ppb);
    e->started = true;
}
