/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/lead.h"

void lead_note(struct lead *l, int64_t late_ns)
{
    if (late_ns <= LEAD_WAIT_MAX_NS && late_ns > l->recent_ns)
        l->recent_ns = late_ns;
    if (++l->count < LEAD_WAKES)
        return;
    *l = (struct lead){.former_ns = l->recent_ns};
}

int64_t lead_ns(const struct lead *l)
{
    return (l->recent_ns > l->former_ns ? l->recent_ns : l->former_ns) / 2;
}
