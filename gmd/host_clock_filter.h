/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the host's clock stands against the served one and how fast its free oscillator runs: a Kalman filter
 * of phase and frequency over noisy comparisons. Unlike holdover's estimator of pulses, each comparison here
 * comes with its own uncertainty and there are several a second. Pure. */
#ifndef GMD_HOST_CLOCK_FILTER_H
#define GMD_HOST_CLOCK_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct host_clock_filter {
    bool started;
    int64_t at_ns;                   /* monotonic time that the state refers to */
    double phase_ns;                 /* host's clock - served clock */
    double freq_ppb;                 /* of the free oscillator */
    double control_ppb;              /* correction in force, on top */
    double p_phase, p_cross, p_freq; /* covariance: ns^2, ns ppb, ppb^2 */
    double noise_ns;                 /* of a comparison at its best, 1 sigma, learned */
    double narrowest_ns;             /* the least uncertainty of late; INFINITY: none yet */
    double variance, last_residual_ns;
    bool was_settled;
    unsigned learned;
};

void host_clock_filter_init(struct host_clock_filter *f, int64_t now_ns, double control_ppb);

/* Carries the state to now_ns (monotonic); an earlier time changes nothing. */
void host_clock_filter_predict(struct host_clock_filter *f, int64_t now_ns);

/* Takes a measured phase, +-uncertainty_ns, for the time predicted to. False: it is no part of the noise and
 * was not used. */
bool host_clock_filter_update(struct host_clock_filter *f, double phase_ns, double uncertainty_ns);

/* The phase is this now, whatever was believed; the frequency is still roughly right. */
void host_clock_filter_restart(struct host_clock_filter *f, double phase_ns);

/* Forgets phase and frequency, for the next update to begin with; of the noise it is thought noisier times
 * more than was learned. */
void host_clock_filter_forget(struct host_clock_filter *f, double noisier);

/* The phase became less certain by sigma_ns. */
void host_clock_filter_doubt(struct host_clock_filter *f, double sigma_ns);

/* 1 sigma of the phase, ns. */
double host_clock_filter_sigma(const struct host_clock_filter *f);

#endif
