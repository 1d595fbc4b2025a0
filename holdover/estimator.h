/* SPDX-License-Identifier: BSD-2-Clause */
/* Estimator of the undisciplined oscillator: phase error of the clock, frequency and drift of the oscillator,
 * their uncertainty, and the noise of pulses, all learned from pulses. Frequencies are those of the free
 * oscillator: the correction in force and every step are inputs, so steering never disturbs what was learned.
 * Pure. */
#ifndef GMD_HOLDOVER_ESTIMATOR_H
#define GMD_HOLDOVER_ESTIMATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "holdover/bank.h"
#include "holdover/thermometer.h"

#define ESTIMATOR_AGES    2
#define ESTIMATOR_LEANING 5.0 /* sigmas cumulated: pulses are led away */

/* What was known at an earlier time. */
struct estimator_mark {
    bool valid;
    int64_t at_ns;
    double steered_ns;          /* by corrections and steps since then */
    double warmed_k, warmed_ks; /* by which the oscillator has become warmer, and its integral over time */
    struct bank bank;
};

struct estimator {
    bool started;    /* bank means something; before, steered_ns only sums what steering did */
    bool remembered; /* frequencies of bank mean something, though phases do not yet */
    struct bank bank;
    double control_ppb; /* correction in force */
    int64_t at_ns;      /* monotonic time that all refers to */
    bool timed;         /* at_ns is set */
    double steered_ns;  /* before the start: what steering did since the last forgetting */
    struct thermometer thermometer;
    /* noise of a pulse, 1 sigma */
    double expected_noise_ns; /* as configured, or estimator_expect */
    double noise_ns;          /* adapted from the residuals */
    /* adaptation */
    bool was_settled; /* the last prediction was better than a pulse */
    double last_residual_ns;
    int64_t last_update_ns;
    double residual_variance; /* half the mean square of the difference of successive residuals */
    double peak_variance;     /* its largest value of the last 20 min, fading */
    unsigned updates;
    bool drawn;                                     /* the pulses lead away from what was known before them */
    struct estimator_mark marks[ESTIMATOR_AGES][2]; /* the newer one first */
    double leaning[2];                              /* evidence that the pulses run late, early: see lean() */
    struct estimator_mark upright;                  /* from before they began to */
};

/* pulse_noise_ns: expected noise of a pulse, > 0. */
void estimator_init(struct estimator *e, double pulse_noise_ns, enum oscillator_class oscillator);

/* Pulses are noisier than was expected: so much from now on. */
void estimator_expect(struct estimator *e, double pulse_noise_ns);

/* Carries all to now_ns (monotonic). An earlier time changes nothing. */
void estimator_predict(struct estimator *e, int64_t now_ns);

/* From now on this correction is in force. Predict to the moment first. */
void estimator_control(struct estimator *e, double freq_ppb);

/* A sensor near the oscillator reads so much, degrees Celsius, at the time predicted to. */
void estimator_temperature(struct estimator *e, double celsius);

/* The clock was stepped by delta_ns, known to sigma_ns (1 sigma). */
void estimator_step(struct estimator *e, double delta_ns, double sigma_ns);

/* If the pulses of the last seconds or minutes led away from what was known before them by more than so many
 * sigmas, or lean to one side by more than so many cumulated ones, what was known before is put back. True if
 * so. */
bool estimator_rewind(struct estimator *e, double sigmas, double leaning);

/* What was known before is not worth going back to. */
void estimator_unmark(struct estimator *e);

/* A residual (measured - predicted phase) above this is no part of the noise: 5 sigma, ns. */
double estimator_gate(const struct estimator *e);

/* What a pulse would show now, ns. */
double estimator_expected(const struct estimator *e);

/* Takes a measured phase (clock - TAI, ns) for the time predicted to. */
void estimator_update(struct estimator *e, double phase_ns);

/* A run of pulses that agree with each other, not with the estimate (or there is none yet): phase_ns is where
 * they say that the clock is, slope_ppb how fast they run away from the prediction, span_s how long the run
 * lasted. What was learned of the frequency stays unless the slope contradicts it. */
void estimator_restart(struct estimator *e, double phase_ns, double slope_ppb, double span_s);

/* How far the slope of a run of pulses is from the frequency that was learned. */
double estimator_slope_sigmas(const struct estimator *e, double slope_ppb, double span_s);

/* Forgets phase and frequency; keeps the noise learned. */
void estimator_forget(struct estimator *e);

double estimator_phase(const struct estimator *e); /* clock - TAI, ns */
double estimator_freq(const struct estimator *e);  /* of the free oscillator, ppb */
double estimator_rate(const struct estimator *e);  /* of the clock as it runs now against TAI, ppb */
double estimator_sigma(const struct estimator *e); /* 1 sigma of the phase, ns */

#endif
