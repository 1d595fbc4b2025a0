/* SPDX-License-Identifier: BSD-2-Clause */
/* Estimator of the undisciplined oscillator: phase error of the clock, frequency and drift of the oscillator,
 * with their covariance (a Kalman filter over pulses). Frequencies are those of the free oscillator: the
 * correction in force and every step are inputs, so steering never disturbs what was learned. Pure. */
#ifndef GMD_HOLDOVER_ESTIMATOR_H
#define GMD_HOLDOVER_ESTIMATOR_H

#include <stdbool.h>
#include <stdint.h>

struct estimator {
    bool started;       /* x and P mean something; before, x[0] only sums what steering did */
    double x[3];        /* phase ns (clock - TAI), frequency ppb, drift ppb/s */
    double P[3][3];     /* covariance, same units */
    double control_ppb; /* correction in force, on top of x[1] */
    int64_t at_ns;      /* monotonic time that x refers to */
    bool timed;         /* at_ns is set */
    /* noise, all 1 sigma */
    double expected_noise_ns; /* of a pulse, as configured */
    double noise_ns;          /* of a pulse, adapted from the residuals */
    double white_ns;          /* random walk of phase, ns per sqrt(s) */
    double walk_ppb;          /* random walk of frequency, ppb per sqrt(s) */
    double drift_walk;        /* random walk of drift, ppb/s per sqrt(s) */
    /* adaptation */
    bool was_settled; /* the last prediction was better than a pulse */
    double last_residual_ns;
    int64_t last_update_ns;
    double residual_variance; /* half the mean square of the difference of successive residuals */
    unsigned updates;
};

/* pulse_noise_ns: expected noise of a pulse; walk_ppb: random walk of frequency, ppb per sqrt(s). Both > 0.
 */
void estimator_init(struct estimator *e, double pulse_noise_ns, double walk_ppb);

/* Carries x and P to now_ns (monotonic). An earlier time changes nothing. */
void estimator_predict(struct estimator *e, int64_t now_ns);

/* From now on this correction is in force. Predict to the moment first. */
void estimator_control(struct estimator *e, double freq_ppb);

/* The clock was stepped by delta_ns, known to sigma_ns (1 sigma). */
void estimator_step(struct estimator *e, double delta_ns, double sigma_ns);

/* A residual (measured - predicted phase) above this is no part of the noise: 5 sigma, ns. */
double estimator_gate(const struct estimator *e);

/* Takes a measured phase (clock - TAI, ns) for the time predicted to. */
void estimator_update(struct estimator *e, double phase_ns);

/* A run of pulses that agree with each other, not with x (or there is no x yet): phase_ns is where they say
 * that the clock is, slope_ppb how fast they run away from the prediction, span_s how long the run lasted.
 * What was learned of the frequency stays unless the slope contradicts it. */
void estimator_restart(struct estimator *e, double phase_ns, double slope_ppb, double span_s);

/* Forgets x; keeps the noise learned. */
void estimator_forget(struct estimator *e);

/* Rate of the clock as it runs now against TAI, ppb. */
double estimator_rate(const struct estimator *e);

/* 1 sigma of the phase, ns. */
double estimator_sigma(const struct estimator *e);

#endif
