/* SPDX-License-Identifier: BSD-2-Clause */
/* Estimator of the undisciplined oscillator: phase error of the clock, frequency and drift of the oscillator,
 * with their covariance (a Kalman filter over pulses). Frequencies are those of the free oscillator: the
 * correction in force is an input, so steering never disturbs what was learned. Pure. */
#ifndef GMD_HOLDOVER_ESTIMATOR_H
#define GMD_HOLDOVER_ESTIMATOR_H

#include <stdbool.h>
#include <stdint.h>

struct estimator {
    double x[3];       /* phase ns (clock - TAI), frequency ppb, drift ppb/s */
    double P[3][3];    /* covariance, same units */
    double noise_ns;   /* measurement, 1 sigma, adapted from the residuals */
    double walk_ppb;   /* random walk of frequency, ppb per sqrt(s) */
    double white_ns;   /* random walk of phase, ns per sqrt(s) */
    double drift_walk; /* ppb/s per sqrt(s) */
    int64_t at_ns;     /* monotonic time that x refers to */
    unsigned updates;
};

#endif
