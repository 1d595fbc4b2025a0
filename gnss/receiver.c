/* SPDX-License-Identifier: BSD-2-Clause */
/* What receivers say, in words. */
#include "gnss/receiver.h"

const char *receiver_antenna_name(enum receiver_antenna a)
{
    static const char *const names[] = {"unknown", "ok", "short", "open", "fault"};
    return names[a];
}

const char *receiver_threat_name(enum receiver_threat t)
{
    static const char *const names[] = {"unknown", "none", "warning", "critical"};
    return names[t];
}
