/* SPDX-License-Identifier: BSD-2-Clause */
/* Quality out of state: what Announce says about this clock. */
#include "holdover/quality.h"

#include <math.h>

#include "holdover/discipline.h"

#define BETTER_MARGIN  0.7
#define BETTER_HOLD_NS 10000000000LL

/* What G.8275.1 announces for a PRTC, 0x4E5D, is a PTP deviation of 33.8 ns. A receiver of that kind is not
 * told apart from a better one: the value is compared by the BMCA. */
#define PRTC_DEVIATION_NS 33.8

/* table 5, from 0x20 on; 0x31 is beyond the last */
static const double accuracy_limits_ns[] = {25,  100,   250,  1e3,  2.5e3, 10e3,  25e3, 100e3, 250e3,
                                            1e6, 2.5e6, 10e6, 25e6, 100e6, 250e6, 1e9,  10e9};
#define ACCURACY_FIRST 0x20
#define ACCURACY_COUNT (sizeof accuracy_limits_ns / sizeof accuracy_limits_ns[0])

uint8_t accuracy_covering(double bound_ns)
{
    unsigned i = 0;
    while (i < ACCURACY_COUNT && !(bound_ns <= accuracy_limits_ns[i]))
        i++;
    return (uint8_t)(ACCURACY_FIRST + i);
}

double accuracy_covers_ns(uint8_t accuracy)
{
    const unsigned i = accuracy - ACCURACY_FIRST;
    return accuracy >= ACCURACY_FIRST && i < ACCURACY_COUNT ? accuracy_limits_ns[i] : INFINITY;
}

void accuracy_init(struct accuracy *a)
{
    a->announced = CLOCK_ACCURACY_UNKNOWN;
    a->better_since_ns = INT64_MIN;
}

uint8_t accuracy_follow(struct accuracy *a, double bound_ns, int64_t now_ns)
{
    const uint8_t covering = accuracy_covering(bound_ns);
    const uint8_t comfortable = accuracy_covering(bound_ns / BETTER_MARGIN);

    if (a->announced == CLOCK_ACCURACY_UNKNOWN || covering > a->announced) {
        a->announced = covering;
        a->better_since_ns = INT64_MIN;
    } else if (comfortable >= a->announced) {
        a->better_since_ns = INT64_MIN;
    } else if (a->better_since_ns == INT64_MIN) {
        a->better_since_ns = now_ns;
    } else if (now_ns - a->better_since_ns >= BETTER_HOLD_NS) {
        a->announced = comfortable;
        a->better_since_ns = INT64_MIN;
    }
    return a->announced;
}

uint16_t offset_scaled_log_variance(double variance_s2)
{
    if (!(variance_s2 > 0))
        return OFFSET_SCALED_LOG_VARIANCE_UNKNOWN;
    const double scaled = round(256 * log2(variance_s2)) + 0x8000;
    return (uint16_t)fmin(fmax(scaled, 0), 0xFFFE);
}

static uint16_t locked_variance(const struct discipline *d)
{
    const double deviation_s = fmax(d->config.pulse_noise_ns, PRTC_DEVIATION_NS) * 1e-9;
    return offset_scaled_log_variance(deviation_s * deviation_s);
}

enum standing {
    STANDING_NONE,
    STANDING_LOCKED,
    STANDING_HOLDOVER,
    STANDING_OUT_OF_SPEC,
};

static enum standing standing_of(const struct discipline *d)
{
    switch (d->status.state) {
    case DISCIPLINE_LOCKED:
    case DISCIPLINE_FROZEN:
        return STANDING_LOCKED;
    case DISCIPLINE_HOLDOVER_IN:
        return STANDING_HOLDOVER;
    case DISCIPLINE_HOLDOVER_OUT:
        return STANDING_OUT_OF_SPEC;
    case DISCIPLINE_REACQUIRING:
        return d->beyond ? STANDING_OUT_OF_SPEC : STANDING_HOLDOVER;
    case DISCIPLINE_FREE_RUN:
    case DISCIPLINE_ACQUIRING:
        break;
    }
    return STANDING_NONE;
}

struct discipline_quality discipline_quality(struct discipline *d)
{
    const enum standing standing = standing_of(d);
    const uint8_t classes[] = {
        [STANDING_NONE] = d->config.free_run_class,
        [STANDING_LOCKED] = d->config.locked_class,
        [STANDING_HOLDOVER] = d->config.holdover_class,
        [STANDING_OUT_OF_SPEC] = d->config.out_of_spec_class,
    };
    const bool in_spec = standing == STANDING_LOCKED || standing == STANDING_HOLDOVER;

    return (struct discipline_quality){
        .clock_quality =
            {
                .clock_class = classes[standing],
                .clock_accuracy = standing == STANDING_NONE ? CLOCK_ACCURACY_UNKNOWN : d->accuracy.announced,
                .offset_scaled_log_variance =
                    in_spec ? locked_variance(d) : OFFSET_SCALED_LOG_VARIANCE_UNKNOWN,
            },
        .time_traceable = in_spec,
        .frequency_traceable = in_spec,
        .time_source = in_spec ? TIME_SOURCE_GNSS : TIME_SOURCE_INTERNAL_OSCILLATOR,
        .may_serve = d->status.locked_first_ns != INT64_MIN,
    };
}
