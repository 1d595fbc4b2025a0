/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/forecast.h"

#include <math.h>

#define PRECISION 1.01

double forecast_bound_ns(const struct discipline *d, double after_s)
{
    if (!d->estimator.started)
        return BOUND_UNKNOWN_NS;
    struct bank then = d->estimator.bank;
    if (then.room == ROOM_WATCHED)
        then.room = ROOM_TO_COME;
    if (after_s > 0)
        bank_predict(&then, after_s, d->estimator.control_ppb);
    bank_step(&then, -then.phase_ns, 0); /* what steering takes away */
    return bank_quantile(&then, 0.95, 0) + d->config.systematic_ns;
}

double forecast_time_left_s(const struct discipline *d, double limit_ns)
{
    double low = 1, high = FORECAST_MAX_S;
    if (fmax(d->status.bound_ns, forecast_bound_ns(d, low)) > limit_ns)
        return 0;
    if (forecast_bound_ns(d, high) <= limit_ns)
        return high;
    while (high > low * PRECISION) {
        const double middle = sqrt(low * high);
        if (forecast_bound_ns(d, middle) > limit_ns)
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* Until the time limit ends specification. */
static double limit_left_s(const struct discipline *d)
{
    if (d->config.holdover_limit_s <= 0)
        return INFINITY;
    if (d->status.locked_first_ns == INT64_MIN || d->status.state == DISCIPLINE_LOCKED)
        return d->config.holdover_limit_s;
    return fmax(d->config.holdover_limit_s - (double)(d->estimator.at_ns - d->unlocked_ns) * 1e-9, 0);
}

unsigned forecast_steps(const struct discipline *d, struct forecast_step *steps, unsigned max)
{
    const double last_ns = d->config.holdover_limit_ns, timed_s = limit_left_s(d);
    unsigned count = 0;
    for (uint8_t accuracy = d->accuracy.announced; count < max; accuracy++) {
        const double covered_ns = accuracy_covers_ns(accuracy);
        const double limit_ns = fmin(covered_ns, last_ns);
        const double after_s = forecast_time_left_s(d, limit_ns);
        if (after_s >= timed_s) {
            steps[count++] = (struct forecast_step){
                .limit_ns = forecast_bound_ns(d, timed_s),
                .after_s = timed_s,
                .clock_accuracy = accuracy,
                .clock_class = d->config.out_of_spec_class,
            };
            break;
        }
        steps[count++] = (struct forecast_step){
            .limit_ns = limit_ns,
            .after_s = after_s,
            .clock_accuracy = covered_ns <= last_ns ? (uint8_t)(accuracy + 1) : accuracy,
            .clock_class = covered_ns < last_ns ? d->config.holdover_class : d->config.out_of_spec_class,
        };
        if (covered_ns >= last_ns)
            break;
    }
    return count;
}
