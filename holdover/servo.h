/* SPDX-License-Identifier: BSD-2-Clause */
/* From estimate to command: the frequency correction that cancels the oscillator's error and takes the phase
 * error away with time constant tau. The estimator does the averaging; tau only says how hurried the clock
 * is. Pure. */
#ifndef GMD_HOLDOVER_SERVO_H
#define GMD_HOLDOVER_SERVO_H

struct servo {
    double tau_s;
};

struct servo_limits {
    double freq_ppb; /* of the whole command */
    double slew_ppb; /* of the part that corrects the phase */
};

/* Moves tau towards target_s as dt_s passes: at once when it is shorter, else by 5 % a second, so that
 * widening never bumps the clock. */
void servo_pace(struct servo *s, double target_s, double dt_s);

/* Correction, ppb. phase_ns: clock - TAI; freq_ppb: of the free oscillator. */
double servo_command(const struct servo *s, double phase_ns, double freq_ppb,
                     const struct servo_limits *limits);

#endif
