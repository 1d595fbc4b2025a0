/* SPDX-License-Identifier: BSD-2-Clause */
/* Every alarm that there is: one table of rules over the daemon's state. */
#ifndef GMD_ALARM_RULES_H
#define GMD_ALARM_RULES_H

#include <stddef.h>

#include "gmd/alarms.h"

struct alarm_rule {
    struct alarm_info info;
    /* Fills detail when active. */
    bool (*active)(const struct daemon *d, int64_t now_ns, char *detail, size_t size);
};

/* ALARMS_MAX at most; the last one has no active(). */
extern const struct alarm_rule alarm_rules[];

#endif
