/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/unicast_limits.h"

#include <string.h>

/* clang-format off */
#define RANGE(min, max) {true, min, max}
#define NOT             {false, 0, 0}

/* Announce, Sync, Delay_Resp, Pdelay_Resp; duration */
static const struct unicast_limits limits[] = {
    /* annex A, tables A.1 and A.2; durationField 60..1000 s */
    {"g8265.1", {RANGE(-3, 4), RANGE(-7, 4), RANGE(-7, 4), NOT}, 60, 1000, true, true},
    {"g8275.2", {RANGE(-3, 0), RANGE(-7, 0), RANGE(-7, 0), NOT}, 60, 1000, true, true},
    /* The media profiles permit unicast and leave durations open. */
    {"st2059-2", {RANGE(-3, 1), RANGE(-7, -1), RANGE(-7, 4), RANGE(-7, 4)}, 10, 3600, false, false},
    {"st2059-2-2015", {RANGE(-3, 1), RANGE(-7, -1), RANGE(-7, 4), RANGE(-7, 4)}, 10, 3600, false, false},
    {"aes67", {RANGE(0, 4), RANGE(-4, 1), RANGE(-3, 5), RANGE(0, 5)}, 10, 3600, false, false},
    {"aes-r16", {RANGE(0, 1), RANGE(-4, -1), RANGE(-3, 4), RANGE(0, 4)}, 10, 3600, false, false},
    /* RFC 9760, forbidden options: unicast negotiation; its unicast Delay_Req needs none. */
    {"enterprise", {NOT, NOT, NOT, NOT}, 10, 3600, false, false},
    {"custom", {RANGE(-7, 7), RANGE(-7, 7), RANGE(-7, 7), RANGE(-7, 7)}, 1, 86400, false, false},
};
/* clang-format on */

#define COUNT (sizeof(limits) / sizeof(limits[0]))

const struct unicast_limits *unicast_limits_of(const char *profile)
{
    for (unsigned i = 0; i < COUNT - 1; i++)
        if (strcmp(limits[i].profile, profile) == 0)
            return &limits[i];
    return &limits[COUNT - 1];
}
