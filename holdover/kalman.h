/* SPDX-License-Identifier: BSD-2-Clause */
/* One Kalman filter: a clock on a free oscillator with one set of noises, and the receiver's slow wander.
 * Pure. Equations: README.md, "Clock model". */
#ifndef GMD_HOLDOVER_KALMAN_H
#define GMD_HOLDOVER_KALMAN_H

enum kalman_state {
    KALMAN_PHASE,     /* clock - TAI, ns */
    KALMAN_FREQUENCY, /* of the free oscillator, ppb */
    KALMAN_DRIFT,     /* ppb/s */
    KALMAN_DAILY,     /* temperature's daily cycle: frequency, ppb, now ... */
    KALMAN_DAILY_90,  /* ... and a quarter of a day later */
    KALMAN_WANDER,    /* of the receiver, ns: pulses show phase + wander */
    KALMAN_STATES
};

/* What an oscillator and a receiver are capable of, 1 sigma. */
struct kalman_noise {
    double white_ns;  /* random walk of phase, ns per sqrt(s) */
    double walk_ppb;  /* random walk of frequency, ppb per sqrt(s) */
    double drift;     /* ageing, ppb per s */
    double daily_ppb; /* daily cycle, sine and cosine each */
    double wander_ns; /* stationary */
    double wander_tau_s;
    double kelvin_ppb; /* temperature coefficient, ppb/K; 0: there is no sensor */
};

/* The temperature coefficient, a state that stands beside the others: it acts only when the temperature
 * changes, and without a sensor it costs nothing. */
struct kalman_coefficient {
    double ppb; /* per kelvin */
    double variance, covariance[KALMAN_STATES];
};

struct kalman {
    double x[KALMAN_STATES];
    double P[KALMAN_STATES][KALMAN_STATES];
    struct kalman_coefficient coefficient; /* variance 0: there is no sensor */
};

/* Who knows how the temperature changes while time passes? */
enum kalman_room {
    ROOM_WATCHED, /* kalman_warm() says it */
    ROOM_TO_COME, /* it will be said: a forecast need not know it, only how wrong the coefficient is */
    ROOM_UNSEEN,  /* nobody: the sensor is lost */
};

/* The passing of dt_s, the same for all filters with one wander_tau_s. */
struct kalman_passage {
    double dt, half;                            /* s, s^2 / 2 */
    double cosine, sine, integral, integral_90; /* of the daily cycle */
    double daily_gained;                        /* variance */
    double wander_kept;
    enum kalman_room room;
};

/* With the room watched. */
struct kalman_passage kalman_passage(double dt_s, double wander_tau_s);

/* Nothing is known but this phase and frequency. */
void kalman_start(struct kalman *k, const struct kalman_noise *n, double phase_ns, double phase_variance,
                  double freq_ppb, double freq_variance, double covariance);

/* The phase is phase_ns, whatever it was thought to be; all else stays. */
void kalman_set_phase(struct kalman *k, double phase_ns, double variance);

/* control_ppb: correction in force, on top of the oscillator. */
void kalman_predict(struct kalman *k, const struct kalman_passage *p, double control_ppb);
void kalman_predict_covariance(struct kalman *k, const struct kalman_noise *n,
                               const struct kalman_passage *p);

/* The oscillator has become warmer by kelvin. kelvin_s: integral of the change over time, where time has
 * already passed with it; else 0. */
void kalman_warm(struct kalman *k, double kelvin, double kelvin_s);

/* Variance of the difference between a pulse of this variance and its prediction. */
double kalman_innovation_variance(const struct kalman *k, double pulse_variance);

void kalman_update(struct kalman *k, double residual_ns, double pulse_variance);

/* Of the free oscillator, ppb. */
double kalman_frequency(const struct kalman *k);

#endif
