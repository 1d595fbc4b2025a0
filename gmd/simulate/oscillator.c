/* SPDX-License-Identifier: BSD-2-Clause */
/* Noise levels from Allan deviations. Formulas: README.md of this folder. */
#include "gmd/simulate/oscillator.h"

#include <math.h>
#include <string.h>

#define DAY_S    86400.0
#define SWING_K  2.0
#define ROOM_C   25.0
#define FIRST_S  1.0
#define APART    4.0
#define AVERAGES 3

static const struct oscillator_figures figures[] = {
    {"tcxo", 0.18, 0.43, 1.4, 3, 10, 1000},
    {"ocxo", 0.012, 0.011, 0.029, 0.5, 0.2, 100},
    {"ocxo-hq", 0.0033, 0.0017, 0.0031, 0.05, 0.02, 20},
    {"rubidium", 0.03, 0.003, 0.001, 0.0017, 0.002, 1},
    /* white 2.5 ppb; walk 0.5 ppb per sqrt(s); the rest is temperature */
    {"nic", 2.52, 2.98, 11.7, 10, 100, 25000},
};

const struct oscillator_figures *oscillator_named(const char *name)
{
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (strcmp(figures[i].name, name) == 0)
            return &figures[i];
    return NULL;
}

/* Allan variance at m seconds of a first-order Markov process in steps of 1 s: variance 1, memory keep. */
static double avar_markov(double keep, double m)
{
    const double end = pow(keep, m), gap = 1 - keep;
    const double variance = (m + 2 * (keep * m / gap - keep * (1 - end) / (gap * gap))) / (m * m);
    const double covariance = keep * (1 - end) * (1 - end) / (gap * gap * m * m);
    return variance - covariance;
}

/* Of a sine of amplitude 1 with a period of a day, any phase. */
static double avar_daily(double m)
{
    const double a = M_PI * m / DAY_S;
    return pow(sin(a), 4) / (a * a);
}

/* Least squares would weigh; three figures and three unknowns need none. A level that came out negative is
 * left out, and the others meet the figures at the ends. */
static void solve_levels(const double a[AVERAGES][3], const double b[AVERAGES], double level[3])
{
    double m[3][4];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            m[i][j] = j < 3 ? a[i][j] : b[i];
    for (int k = 0; k < 3; k++) /* well conditioned by nature: no pivoting */
        for (int i = 0; i < 3; i++)
            for (int j = 3; i != k && j >= k; j--)
                m[i][j] -= m[i][k] / m[k][k] * m[k][j];
    for (int k = 0; k < 3; k++)
        level[k] = m[k][3] / m[k][k];
    for (int k = 0; k < 2; k++)
        if (level[k] < 0) {
            const int other = 1 - k;
            const double det = a[0][other] * a[2][2] - a[0][2] * a[2][other];
            level[k] = 0;
            level[other] = (b[0] * a[2][2] - a[0][2] * b[2]) / det;
            level[2] = (a[0][other] * b[2] - a[2][other] * b[0]) / det;
        }
    for (int k = 0; k < 3; k++)
        level[k] = sqrt(fmax(level[k], 0));
}

void oscillator_start(struct oscillator_synth *o, const struct oscillator_figures *f, uint64_t seed)
{
    static const double averages[AVERAGES] = {1, 100, 1000};
    const double adev[AVERAGES] = {f->adev_1, f->adev_100, f->adev_1000};
    const double daily = f->per_kelvin * SWING_K;
    double a[AVERAGES][3], b[AVERAGES], level[3], tau = FIRST_S;

    *o = (struct oscillator_synth){.chance = chance_seed(seed, 1)};
    o->aging_per_s = f->aging_per_day / DAY_S;
    o->per_kelvin = f->per_kelvin;
    o->swing = f->per_kelvin != 0 ? SWING_K : 0;
    for (int k = 0; k < OSCILLATOR_FLICKER; k++, tau *= APART) {
        o->keep[k] = exp(-1 / tau);
        o->kick[k] = sqrt(1 - o->keep[k] * o->keep[k]);
    }
    for (int i = 0; i < AVERAGES; i++) {
        const double m = averages[i];
        a[i][0] = 1 / m;
        a[i][1] = 0;
        for (int k = 0; k < OSCILLATOR_FLICKER; k++)
            a[i][1] += avar_markov(o->keep[k], m);
        a[i][2] = (2 * m * m + 1) / (6 * m);
        b[i] =
            adev[i] * adev[i] - daily * daily * avar_daily(m) - o->aging_per_s * o->aging_per_s * m * m / 2;
    }
    solve_levels(a, b, level);
    o->white = level[0];
    o->flicker = level[1];
    o->walk = level[2];
    o->phase = 2 * M_PI * chance_uniform(&o->chance);
    o->offset = f->offset * (2 * chance_uniform(&o->chance) - 1);
    if (chance_uniform(&o->chance) < 0.5)
        o->aging_per_s = -o->aging_per_s;
    for (int k = 0; k < OSCILLATOR_FLICKER; k++)
        o->state[k] = chance_gauss(&o->chance);
}

double oscillator_room(const struct oscillator_synth *o)
{
    return ROOM_C + o->swing * sin(2 * M_PI * o->t_s / DAY_S + o->phase);
}

double oscillator_next(struct oscillator_synth *o)
{
    double y = o->offset + o->white * chance_gauss(&o->chance) + o->walked + o->aging_per_s * o->t_s +
               o->per_kelvin * o->swing * sin(2 * M_PI * o->t_s / DAY_S + o->phase);
    for (int k = 0; k < OSCILLATOR_FLICKER; k++) {
        y += o->flicker * o->state[k];
        o->state[k] = o->keep[k] * o->state[k] + o->kick[k] * chance_gauss(&o->chance);
    }
    o->walked += o->walk * chance_gauss(&o->chance);
    o->t_s += 1;
    return y;
}
