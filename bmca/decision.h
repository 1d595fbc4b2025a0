/* SPDX-License-Identifier: BSD-2-Clause */
/* State decision (IEEE 1588-2019 clause 9.3.3, figure 33). */
#ifndef GMD_BMCA_DECISION_H
#define GMD_BMCA_DECISION_H

#include "bmca/dataset.h"

enum decision_code {
    DECISION_LISTENING, /* nothing qualified was heard yet and the port is LISTENING: stays so */
    DECISION_M1,        /* grandmaster, class 1..127 */
    DECISION_M2,        /* grandmaster, class 128.. */
    DECISION_M3,        /* master of a clock that follows another port's master */
    DECISION_S1,
    DECISION_P1, /* class 1..127 and another clock is better */
    DECISION_P2, /* another port leads to the same master by a better path */
};

/* One port's decision.
 * d0: the own clock. ebest: best of all ports, NULL if none. ebest_port: that best is this port's.
 * erbest: best of this port, NULL if none. state: the port's present state. */
enum decision_code decide_state(const struct candidate *d0, const struct candidate *ebest, bool ebest_port,
                                const struct candidate *erbest, enum port_state state);

const char *decision_name(enum decision_code code); /* "M1", ... */

#endif
