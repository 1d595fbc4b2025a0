/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps a PHC by ADJ_SETOFFSET. Many drivers carry that out as a read, an addition and a write, and lose the
 * time in between: what was gained is measured against CLOCK_MONOTONIC_RAW and the rest added. */
#include "bmca/ptp.h"
#include "gmd/clock/common.h"
#include "gmd/clock/phc.h"

#define STEP_ATTEMPTS    3
#define STEP_NOISE_NS    20
#define STEP_LOSS_MAX_NS 1000000 /* a driver's read, addition and write take no longer */

/* How far the clock has come from before to after, beyond what it would have come by itself. */
static int64_t gained(const struct phc *p, const struct pace_point *before, const struct pace_point *after)
{
    const double raw_ns = (double)(after->raw_ns - before->raw_ns);
    const double own_ns = raw_ns * (1.0 + (p->pace.rate_ppb + p->clock.freq_ppb) * 1e-9);
    return after->clock_ns - before->clock_ns - (int64_t)own_ns;
}

/* What remains to be done after an attempt of *delta_ns; a driver that reads, adds and writes loses the time
 * in between at each attempt, so that is made up for in advance. An attempt with an error may have been
 * carried out or not. 0: nothing. */
static int64_t remainder_of(int64_t wanted_ns, int64_t attempted_ns, int64_t gained_ns, bool failed,
                            int64_t tolerance_ns)
{
    const int64_t left_ns = wanted_ns - gained_ns, lost_ns = attempted_ns - gained_ns;
    if (left_ns >= -tolerance_ns && left_ns <= tolerance_ns)
        return 0;
    if (failed)
        return left_ns;
    return lost_ns > STEP_LOSS_MAX_NS || lost_ns < -STEP_LOSS_MAX_NS ? 0 : left_ns + lost_ns;
}

static int step_measured(struct phc *p, int64_t delta_ns, struct pace_point *before)
{
    struct pace_point after;
    int64_t attempt_ns = delta_ns;
    int error = 0;
    for (int i = 0; i < STEP_ATTEMPTS && attempt_ns; i++) {
        error = clock_id_step(clock_adjtime, p->device.id, attempt_ns);
        if (error && !clock_passing(error))
            return error;
        if (error)
            p->clock.retries++;
        if (phc_call(p, phc_read_pace, &after))
            return error;
        const int64_t gained_ns = gained(p, before, &after);
        const int64_t tolerance_ns = STEP_NOISE_NS + (before->window_ns + after.window_ns) / 4;
        attempt_ns = remainder_of(delta_ns, attempt_ns, gained_ns, error != 0, tolerance_ns);
        delta_ns -= gained_ns;
        *before = after;
    }
    return attempt_ns ? error : 0;
}

int phc_step(struct clock *c, int64_t delta_ns)
{
    struct phc *p = (struct phc *)c;
    struct pace_point before;
    int error = phc_call(p, phc_read_pace, &before);
    if (!error)
        error = step_measured(p, delta_ns, &before);
    if (error == -ENODEV)
        phc_device_lost(&p->device);
    cross_forget(&p->cross);
    pace_restart(&p->pace);
    return error;
}
