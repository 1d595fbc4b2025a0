/* SPDX-License-Identifier: BSD-2-Clause */
/* What a profile lets unicast negotiation grant (IEEE 1588 clause 16.1). Data. */
#ifndef GMD_PTP_UNICAST_LIMITS_H
#define GMD_PTP_UNICAST_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum unicast_service {
    UNICAST_ANNOUNCE,
    UNICAST_SYNC,
    UNICAST_DELAY_RESP,
    UNICAST_PDELAY_RESP,
};
#define UNICAST_SERVICES 4

struct unicast_range {
    bool allowed;
    int8_t log_min, log_max; /* interval, log2 s */
};

struct unicast_limits {
    const char *profile;
    struct unicast_range services[UNICAST_SERVICES];
    uint32_t duration_min_s, duration_max_s;
    bool exact;        /* an interval is granted as requested or not at all; else a longer one may be */
    bool grant_needed; /* Delay_Req by unicast is answered only under a grant */
};

/* Of a profile's name as in gmd.conf, or those of "custom". */
const struct unicast_limits *unicast_limits_of(const char *profile);

#endif
