/* SPDX-License-Identifier: BSD-2-Clause */
/* Two minutes of everything that can go wrong, at random, then a minute of quiet. */
#ifndef GMD_SIM_SCENARIO_H
#define GMD_SIM_SCENARIO_H

#include "tests/sim/fleet.h"

/* Runs the scenario of a seed to its end or to the first broken rule; the fleet tells (world.violation). */
struct fleet *scenario_run(uint64_t seed);

#endif
