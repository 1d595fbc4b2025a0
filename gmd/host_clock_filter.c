/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/host_clock_filter.h"

#include <math.h>

/* A server's crystal: white FM of some 3e-9 at 1 s; its temperature follows the load of the processor. */
#define WHITE_NS 3.0 /* random walk of phase, ns per sqrt(s) */
#define WALK_PPB 4.0 /* random walk of frequency, ppb per sqrt(s) */

#define FREQ_UNKNOWN_PPB 500000.0 /* before anything was measured: what the kernel itself allows */
#define FREQ_ROUGHLY_PPB 1000.0   /* after a restart; ten times as much after another one soon */

#define NOISE_FIRST_NS 50.0
#define NOISE_MIN_NS   3.0
#define NOISE_MAX_NS   20000.0
#define LEARN_PRIOR    8
#define LEARN_MEMORY   128
#define GATE_SIGMAS    5.0
/* a comparison: a narrowest one is forgotten within minutes */
#define NARROWEST_RISE    1.002
#define NARROWEST_RISE_NS 0.1

static double square(double v)
{
    return v * v;
}

void host_clock_filter_init(struct host_clock_filter *f, int64_t now_ns, double control_ppb)
{
    *f = (struct host_clock_filter){
        .at_ns = now_ns,
        .control_ppb = control_ppb,
        .noise_ns = NOISE_FIRST_NS,
        .variance = square(NOISE_FIRST_NS),
        .narrowest_ns = INFINITY,
    };
}

void host_clock_filter_predict(struct host_clock_filter *f, int64_t now_ns)
{
    if (now_ns <= f->at_ns)
        return;
    const double dt = (double)(now_ns - f->at_ns) * 1e-9;
    const double walk = square(WALK_PPB);
    f->at_ns = now_ns;
    f->phase_ns += (f->freq_ppb + f->control_ppb) * dt;
    f->p_phase += 2 * dt * f->p_cross + dt * dt * f->p_freq + square(WHITE_NS) * dt + walk * pow(dt, 3) / 3;
    f->p_cross += dt * f->p_freq + walk * dt * dt / 2;
    f->p_freq += walk * dt;
}

/* A comparison brackets the truth: one clock was read between two readings of the other. Whatever delays one
 * of them widens the bracket, and the middle is off by no more than the half-width grew; what the narrowest
 * ones have in common is a constant, not noise. */
static double excess(struct host_clock_filter *f, double uncertainty_ns)
{
    f->narrowest_ns = fmin(uncertainty_ns, f->narrowest_ns * NARROWEST_RISE + NARROWEST_RISE_NS);
    return uncertainty_ns - f->narrowest_ns;
}

/* From the difference of successive residuals, which a filter that lags behind does not enlarge. One that is
 * out of all bounds counts as one at the gate: lasting noise is learned, a lone outlier is not. */
static void learn_noise(struct host_clock_filter *f, double residual_ns)
{
    const bool settled = f->p_phase <= square(f->noise_ns);
    if (settled && f->was_settled) {
        const unsigned n = f->learned < LEARN_MEMORY ? f->learned++ : LEARN_MEMORY;
        const double sample =
            fmin(square(residual_ns - f->last_residual_ns) / 2, square(GATE_SIGMAS * f->noise_ns));
        f->variance += (sample - f->variance) / (LEARN_PRIOR + n);
        f->noise_ns = fmin(fmax(sqrt(f->variance), NOISE_MIN_NS), NOISE_MAX_NS);
    }
    f->was_settled = settled;
    f->last_residual_ns = residual_ns;
}

static void start(struct host_clock_filter *f, double phase_ns, double freq_variance)
{
    f->started = true;
    f->was_settled = false;
    f->phase_ns = phase_ns;
    f->p_phase = square(f->noise_ns);
    f->p_cross = 0;
    f->p_freq = fmin(freq_variance, square(FREQ_UNKNOWN_PPB));
}

bool host_clock_filter_update(struct host_clock_filter *f, double phase_ns, double uncertainty_ns)
{
    const double wider = excess(f, uncertainty_ns);
    if (!f->started) {
        start(f, phase_ns, square(FREQ_UNKNOWN_PPB));
        return true;
    }
    const double residual = phase_ns - f->phase_ns;
    if (wider <= f->noise_ns)
        learn_noise(f, residual);
    const double r = square(f->noise_ns) + square(wider);
    const double s = f->p_phase + r;
    if (fabs(residual) > GATE_SIGMAS * sqrt(s))
        return false;
    const double k_phase = f->p_phase / s, k_freq = f->p_cross / s;
    f->phase_ns += k_phase * residual;
    f->freq_ppb += k_freq * residual;
    f->p_freq -= k_freq * f->p_cross;
    f->p_cross *= r / s;
    f->p_phase *= r / s;
    return true;
}

void host_clock_filter_restart(struct host_clock_filter *f, double phase_ns)
{
    start(f, phase_ns, fmax(100 * f->p_freq, square(FREQ_ROUGHLY_PPB)));
}

void host_clock_filter_forget(struct host_clock_filter *f, double noisier)
{
    f->started = false;
    f->noise_ns = fmin(f->noise_ns * noisier, NOISE_MAX_NS);
    f->variance = square(f->noise_ns);
}

void host_clock_filter_doubt(struct host_clock_filter *f, double sigma_ns)
{
    f->p_phase += square(sigma_ns);
}

double host_clock_filter_sigma(const struct host_clock_filter *f)
{
    return sqrt(f->p_phase);
}
