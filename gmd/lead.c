/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/lead.h"

int64_t lead_after(int64_t lead_ns, int64_t late_ns)
{
    if (late_ns > lead_ns)
        return lead_ns + LEAD_RISE_NS < LEAD_MAX_NS ? lead_ns + LEAD_RISE_NS : LEAD_MAX_NS;
    return lead_ns > LEAD_FALL_NS ? lead_ns - LEAD_FALL_NS : 0;
}
