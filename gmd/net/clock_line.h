/* SPDX-License-Identifier: BSD-2-Clause */
/* The served clock as the kernel can compute it: a line over what takes the fast path's receive stamps. */
#ifndef GMD_NET_CLOCK_LINE_H
#define GMD_NET_CLOCK_LINE_H

#include "gmd/clock/clock.h"
#include "gmd/net/bpf/layout.h"

/* The line through the present. STAMP_SYSTEM: over CLOCK_TAI, which a program in the kernel can read;
 * STAMP_HARDWARE: over the PHC. 0, or the clock's -errno. */
int clock_line(struct clock *c, enum stamp kind, struct kernel_line *line);

/* What sockets' stamps are behind what the line is over: CLOCK_REALTIME behind CLOCK_TAI, or nothing. */
int64_t clock_line_socket_lag(enum stamp kind);

#endif
