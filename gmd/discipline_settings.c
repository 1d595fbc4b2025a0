/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/discipline_settings.h"

struct discipline_config discipline_settings(const struct conf *c)
{
    const struct conf_classes classes = conf_profile_classes(c->ptp.profile);
    return (struct discipline_config){
        .pulse_noise_ns = c->pulse.noise_ns,
        .lock_threshold_ns = c->holdover.lock_threshold_ns,
        .lock_pulses = (unsigned)c->holdover.lock_pulses,
        .unlock_threshold_ns = c->holdover.unlock_threshold_ns,
        .reacquire_pulses = (unsigned)c->holdover.reacquire_pulses,
        .overrule_pulses = (unsigned)c->holdover.overrule_pulses,
        .oscillator = (enum oscillator_class)c->holdover.oscillator,
        .step_above_ns = c->holdover.step_above_ns,
        .max_slew_ppb = c->holdover.max_slew_ppb,
        .freeze_ns = (int64_t)(c->holdover.freeze_s * 1e9),
        .holdover_limit_ns = c->holdover.holdover_limit_ns,
        .holdover_limit_s = c->holdover.holdover_limit_s,
        .systematic_ns = c->holdover.systematic_ns,
        .locked_class = classes.locked,
        .holdover_class = classes.holdover,
        .out_of_spec_class = (uint8_t)c->holdover.out_of_spec_class,
        .free_run_class = classes.free_run,
        .jump_threshold_ns = (int64_t)c->holdover.jump_threshold_ns,
    };
}
