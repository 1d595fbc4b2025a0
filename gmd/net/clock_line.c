/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/clock_line.h"

#include <errno.h>
#include <time.h>

#include "bmca/ptp.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* CLOCK_TAI is whole seconds ahead of CLOCK_REALTIME: as many as somebody told the kernel, or none. */
static int64_t tai_offset(void)
{
    const int64_t apart_ns = read_clock(CLOCK_TAI) - read_clock(CLOCK_REALTIME);
    return (apart_ns + NS_PER_S / 2) / NS_PER_S * NS_PER_S;
}

int64_t clock_line_socket_lag(enum stamp kind)
{
    return kind == STAMP_SYSTEM ? tai_offset() : 0;
}

#define YEAR_NS (31536000 * NS_PER_S)

/* What the PHC reads now: what the clock makes of it is what it shows. A clock that was set back has shown
 * this twice, so the search starts in the future, where the clock is what it is now, and takes it for a line;
 * what that lacks in precision over years, the last steps make up. */
static int phc_now(struct clock *c, int64_t *raw_ns)
{
    int64_t shown_ns, far_ns, farther_ns;
    int error = c->ops->read(c, &shown_ns);
    if (error)
        return error;
    const int64_t ahead_ns = shown_ns + 40 * YEAR_NS;
    error = c->ops->convert(c, STAMP_HARDWARE, ahead_ns, &far_ns);
    error = error ? error : c->ops->convert(c, STAMP_HARDWARE, ahead_ns + 10 * YEAR_NS, &farther_ns);
    if (error || farther_ns <= far_ns)
        return error ? error : -ERANGE;
    const double rate = (double)(farther_ns - far_ns) / (double)(10 * YEAR_NS);
    *raw_ns = ahead_ns + (int64_t)((double)(shown_ns - far_ns) / rate);
    for (int i = 0; i < 2 && !error; i++) {
        int64_t made_ns;
        error = c->ops->convert(c, STAMP_HARDWARE, *raw_ns, &made_ns);
        *raw_ns += error ? 0 : shown_ns - made_ns;
    }
    return error;
}

int clock_line(struct clock *c, enum stamp kind, struct kernel_line *line)
{
    int64_t raw_ns = read_clock(CLOCK_REALTIME), here_ns, later_ns;
    int error = kind == STAMP_HARDWARE ? phc_now(c, &raw_ns) : 0;
    error = error ? error : c->ops->convert(c, kind, raw_ns, &here_ns);
    error = error ? error : c->ops->convert(c, kind, raw_ns + NS_PER_S, &later_ns);
    if (error)
        return error;
    const int64_t gained_ns = later_ns - here_ns - NS_PER_S;
    *line = (struct kernel_line){.raw_ns = raw_ns + clock_line_socket_lag(kind),
                                 .clock_ns = here_ns,
                                 .excess = gained_ns * (1LL << 32) / NS_PER_S};
    return 0;
}
