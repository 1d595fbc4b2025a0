/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/alarms.h"

#include <string.h>
#include <time.h>

#include "gmd/alarm_rules.h"
#include "gmd/daemon.h"

void alarms_update(struct alarms *a, const struct daemon *d, int64_t now_ns)
{
    for (size_t i = 0; alarm_rules[i].active; i++) {
        struct alarm_state *s = &a->state[i];
        const struct alarm_info *info = &alarm_rules[i].info;
        char detail[ALARM_DETAIL_MAX];
        const bool active = alarm_rules[i].active(d, now_ns, detail, sizeof detail);
        if (active)
            memcpy(s->detail, detail, sizeof s->detail);
        if (active == s->active)
            continue;
        if (active)
            log_line(LOG_LEVEL_WARNING, "alarm %s (%s) raised: %s", info->name, info->severity, s->detail);
        else
            log_line(LOG_LEVEL_NOTICE, "alarm %s cleared after %.1f s", info->name,
                     (double)(now_ns - s->since_ns) / 1e9);
        s->active = active;
        s->raised += active;
        s->since_ns = now_ns;
        s->since_utc_s = time(NULL);
    }
}

bool alarms_get(const struct alarms *a, size_t index, struct alarm_info *info,
                const struct alarm_state **state)
{
    if (!alarm_rules[index].active)
        return false;
    *info = alarm_rules[index].info;
    *state = &a->state[index];
    return true;
}
