/* SPDX-License-Identifier: BSD-2-Clause */
/* Every alarm: a name, a severity, a since and what clears it. Alarms are never set by hand: each is a rule
 * over the daemon's state, evaluated at every tick. */
#ifndef GMD_ALARMS_H
#define GMD_ALARMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALARMS_MAX       64
#define ALARM_DETAIL_MAX 160

struct daemon;

struct alarm_state {
    bool active;
    int64_t since_ns;    /* monotonic, of the last change */
    int64_t since_utc_s; /* the same for people, seconds since 1970 */
    uint64_t raised;     /* how often */
    char detail[ALARM_DETAIL_MAX];
};

struct alarms {
    struct alarm_state state[ALARMS_MAX];
};

/* What people need to know of one alarm. */
struct alarm_info {
    const char *name;       /* "pulse-missing" */
    const char *severity;   /* "critical", "major", "minor", "warning" */
    const char *cleared_by; /* "pulses come back" */
};

/* Re-evaluates every rule; changes are logged. */
void alarms_update(struct alarms *a, const struct daemon *d, int64_t now_ns);

/* Walks the rules by index from 0: false at the end. */
bool alarms_get(const struct alarms *a, size_t index, struct alarm_info *info,
                const struct alarm_state **state);

#endif
