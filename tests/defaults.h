/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd.conf's defaults as the pure objects take them, for tests without a configuration. */
#ifndef GMD_TESTS_DEFAULTS_H
#define GMD_TESTS_DEFAULTS_H

#include "gnss/gnss.h"
#include "holdover/discipline.h"

static inline struct discipline_config discipline_defaults(void)
{
    return (struct discipline_config){
        .pulse_noise_ns = 20,
        .max_freq_ppb = 500000,
        .lock_threshold_ns = 200,
        .lock_pulses = 5,
        .unlock_threshold_ns = 10000,
        .reacquire_pulses = 10,
        .overrule_pulses = 60,
        .max_slew_ppb = 50,
        .freeze_ns = 20 * NS_PER_S,
        .holdover_limit_ns = 1000,
        .systematic_ns = 30,
        .locked_class = CLOCK_CLASS_LOCKED,
        .holdover_class = CLOCK_CLASS_HOLDOVER,
        .out_of_spec_class = CLOCK_CLASS_DEGRADED_B,
        .free_run_class = CLOCK_CLASS_DEFAULT,
        .jump_threshold_ns = 100000,
    };
}

static inline struct gnss_config gnss_defaults(void)
{
    return (struct gnss_config){
        .silent_ns = 5 * NS_PER_S,
        .unvouched_ns = 60 * NS_PER_S,
        .pulse_missing_ns = 2 * NS_PER_S,
        .agreeing_messages = 3,
    };
}

#endif
