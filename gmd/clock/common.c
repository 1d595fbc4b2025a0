/* SPDX-License-Identifier: BSD-2-Clause */
/* What clock drivers share. */
#include "gmd/clock/common.h"

#include <math.h>
#include <stdio.h>

#include "bmca/ptp.h"

/* timex.freq counts ppm in 16-bit fixed point (adjtimex(2)). */
#define SCALED_PPM_PER_PPB 65.536
#define UNIT_PPB           (1.0 / SCALED_PPM_PER_PPB)

double clock_clip(double freq_ppb, double max_ppb)
{
    if (isnan(freq_ppb))
        return 0.0;
    return fmax(-max_ppb, fmin(max_ppb, freq_ppb));
}

int clock_id_read(clockid_t id, int64_t *now_ns)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) < 0)
        return -errno;
    *now_ns = ts.tv_sec * NS_PER_S + ts.tv_nsec;
    return 0;
}

int clock_id_adjust(clock_adjtime_fn adjtime_fn, clockid_t id, double freq_ppb, double *applied_ppb)
{
    struct timex tx = {.modes = ADJ_FREQUENCY, .freq = lround(freq_ppb * SCALED_PPM_PER_PPB)};
    double applied = (double)tx.freq / SCALED_PPM_PER_PPB;
    if (adjtime_fn(id, &tx) < 0)
        return -errno;
    *applied_ppb = applied;
    return 0;
}

int clock_id_step(clock_adjtime_fn adjtime_fn, clockid_t id, int64_t delta_ns)
{
    struct timex tx = {.modes = ADJ_SETOFFSET | ADJ_NANO};
    tx.time.tv_sec = delta_ns / NS_PER_S;
    tx.time.tv_usec = delta_ns % NS_PER_S; /* nanoseconds, by ADJ_NANO; never negative */
    if (tx.time.tv_usec < 0) {
        tx.time.tv_sec--;
        tx.time.tv_usec += NS_PER_S;
    }
    return adjtime_fn(id, &tx) < 0 ? -errno : 0;
}

int clock_id_frequency(clock_adjtime_fn adjtime_fn, clockid_t id, double *freq_ppb)
{
    struct timex tx = {.modes = 0};
    if (adjtime_fn(id, &tx) < 0)
        return -errno;
    *freq_ppb = (double)tx.freq / SCALED_PPM_PER_PPB;
    return 0;
}

bool clock_passing(int error)
{
    return error == -EINTR || error == -EAGAIN || error == -EBUSY || error == -EIO;
}

int clock_id_check(clock_adjtime_fn adjtime_fn, clockid_t id, double freq_ppb, struct clock_finding *finding)
{
    double found_ppb = freq_ppb;
    int error = clock_id_frequency(adjtime_fn, id, &found_ppb);
    if (error || fabs(found_ppb - freq_ppb) < 1.5 * UNIT_PPB)
        return error;
    *finding = (struct clock_finding){.trouble = CLOCK_STEERED, .rate_ppb = found_ppb - freq_ppb};
    snprintf(finding->what, sizeof(finding->what),
             "something else steers it: its frequency was %+.3f ppb instead of %+.3f ppb; set again",
             found_ppb, freq_ppb);
    return 1;
}

int clock_never_adjust(struct clock *c, double freq_ppb)
{
    (void)c;
    (void)freq_ppb;
    return -EPERM;
}

int clock_never_step(struct clock *c, int64_t delta_ns)
{
    (void)c;
    (void)delta_ns;
    return -EPERM;
}
