/* SPDX-License-Identifier: BSD-2-Clause */
/* A bank of Kalman filters, one for each kind of oscillator and receiver that there may be, fed with the same
 * pulses. Each is believed as far as its predictions came true (Magill 1965); what the bank says is the
 * mixture of them. So nobody needs to know what the oscillator is, and who cannot tell yet says so by a wide
 * bound. Pure. */
#ifndef GMD_HOLDOVER_BANK_H
#define GMD_HOLDOVER_BANK_H

#include <stdbool.h>
#include <stdint.h>

#include "holdover/kalman.h"

#define BANK_RECEIVERS 4
#define BANK_MEMBERS   96

enum oscillator_class {
    OSCILLATOR_AUTO, /* learn it */
    OSCILLATOR_NIC,
    OSCILLATOR_TCXO,
    OSCILLATOR_OCXO,
    OSCILLATOR_OCXO_HQ,
    OSCILLATOR_RUBIDIUM,
};

struct bank_member {
    struct kalman_noise noise;
    int receiver;
    double log_prior;
};

struct bank {
    struct bank_member members[BANK_MEMBERS];
    int count;
    struct kalman filters[BANK_MEMBERS];
    double log_weight[BANK_MEMBERS], weight[BANK_MEMBERS];
    double pending_s; /* the covariances still have to be carried over this */
    bool sensed;      /* there is a temperature sensor, or was */
    enum kalman_room room;
    /* the mixture */
    double phase_ns, freq_ppb, drift; /* clock - TAI; of the free oscillator, ppb and ppb/s */
    double pulse_ns;                  /* what a pulse would show: phase and wander */
    double phase_variance, pulse_variance, freq_variance;
};

void bank_init(struct bank *b, enum oscillator_class oscillator);

/* See kalman.h; of all. */
void bank_start(struct bank *b, double phase_ns, double phase_variance, double freq_ppb, double freq_variance,
                double covariance);
void bank_set_phase(struct bank *b, double phase_ns, double variance);
void bank_step(struct bank *b, double delta_ns, double variance);
void bank_predict(struct bank *b, double dt_s, double control_ppb);

/* There is a temperature sensor: from now on coefficients are learned, and less else is expected of the day.
 */
void bank_sense(struct bank *b);
void bank_warm(struct bank *b, double kelvin, double kelvin_s);

/* A pulse that showed phase_ns. */
void bank_update(struct bank *b, double phase_ns, double pulse_variance);

/* A surprise: what was learned of the noises counts only half. */
void bank_doubt(struct bank *b);

/* Filters whose frequencies were filled in from what was known age_s ago. */
void bank_remember(struct bank *b, double age_s, double retrace_ppb);

/* The phase error is below this with the given probability. near: a guess, such as the last result; 0: none.
 */
double bank_quantile(const struct bank *b, double probability, double near);

/* Temperature coefficient, ppb/K, and 1 sigma. */
double bank_coefficient(const struct bank *b, double *sigma);

/* 1 sigma random walk of frequency that the weights point to, ppb per sqrt(s). */
double bank_walk_ppb(const struct bank *b);

#endif
