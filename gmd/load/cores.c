/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/load/cores.h"

#include <sched.h>

void cores_take(bool abuse)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) < 0 || CPU_COUNT(&cores) < 2)
        return;
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &cores))
        last--;
    if (abuse) {
        CPU_ZERO(&cores);
        CPU_SET(last, &cores);
    } else {
        CPU_CLR(last, &cores);
    }
    sched_setaffinity(0, sizeof cores, &cores);
}
