/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that hold for the fleet as a whole at every moment: no two masters in one group for longer than
 * it takes to hear of each other, no group without a master for longer than a standby waits, and slaves of a
 * LOCKED master know the time. */
#ifndef GMD_SIM_RULES_H
#define GMD_SIM_RULES_H

#include "tests/sim/fleet.h"

/* Begins to watch. */
void rules_start(struct fleet *f);

/* This machine hears others from now on. */
void rules_forget(struct fleet *f, unsigned machine);

/* The medium has changed, and with it how long things may last. */
void rules_reset(struct fleet *f);

#endif
