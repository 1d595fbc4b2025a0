/* SPDX-License-Identifier: BSD-2-Clause */
/* The law of servo.h. */
#include "holdover/servo.h"

#include <math.h>

#define WIDEN_PER_S 0.05

static double clamp(double v, double limit)
{
    return fmin(fmax(v, -limit), limit);
}

void servo_pace(struct servo *s, double target_s, double dt_s)
{
    if (s->tau_s <= 0)
        s->tau_s = target_s;
    s->tau_s = fmin(target_s, s->tau_s * (1 + WIDEN_PER_S * dt_s));
}

double servo_command(const struct servo *s, double phase_ns, double freq_ppb,
                     const struct servo_limits *limits)
{
    const double slew = clamp(-phase_ns / s->tau_s, limits->slew_ppb);
    return clamp(slew - freq_ppb, limits->freq_ppb);
}
