/* SPDX-License-Identifier: BSD-2-Clause */
/* What the simulated receiver's two halves share. */
#ifndef GMD_GNSS_SIMULATED_DRIVERS_H
#define GMD_GNSS_SIMULATED_DRIVERS_H

#include "bmca/ptp.h"
#include "gnss/simulated.h"

struct simulated_gnss {
    struct simulated_config config;
    bool on[SIMULATED_SWITCHES];
    uint64_t random;
    /* the sky follows the antenna */
    bool sky, changing;
    int64_t changing_since_s;
};

#endif
