/* SPDX-License-Identifier: BSD-2-Clause */
/* State decision: what the data sets recommend for one port. */
#include "bmca/decision.h"

#include <stddef.h>

/* Clocks up to this class never follow another (figure 33: 1 to 127; 0 is reserved). */
#define CLOCK_CLASS_NEVER_SLAVE_MAX 127

static bool better(const struct candidate *a, const struct candidate *b)
{
    return dataset_compare(a, b) < DATASET_EQUAL;
}

enum decision_code decide_state(const struct candidate *d0, const struct candidate *ebest, bool ebest_port,
                                const struct candidate *erbest, enum port_state state)
{
    if (erbest == NULL && state == PORT_LISTENING)
        return DECISION_LISTENING;

    if (d0->quality.clock_class <= CLOCK_CLASS_NEVER_SLAVE_MAX)
        return better(d0, erbest) ? DECISION_M1 : DECISION_P1;

    if (better(d0, ebest))
        return DECISION_M2;
    if (ebest_port)
        return DECISION_S1;
    if (dataset_compare(ebest, erbest) == DATASET_A_BETTER_BY_TOPOLOGY)
        return DECISION_P2;
    return DECISION_M3;
}

const char *decision_name(enum decision_code code)
{
    static const char *const names[] = {
        [DECISION_LISTENING] = "LISTENING",
        [DECISION_M1] = "M1",
        [DECISION_M2] = "M2",
        [DECISION_M3] = "M3",
        [DECISION_S1] = "S1",
        [DECISION_P1] = "P1",
        [DECISION_P2] = "P2",
    };
    return (unsigned)code < sizeof(names) / sizeof(names[0]) ? names[code] : "?";
}
