/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/host_clock_kernel.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define BASE_ATTEMPTS 5
#define BASE_CLOSE_NS 1000 /* two readings of CLOCK_MONOTONIC this close are good enough */

const struct host_clock_calls host_clock_calls = {.adjtime = clock_adjtime, .read = clock_id_read};

/* timex.tick: us of CLOCK_REALTIME in a tick of 1 / USER_HZ s; chronyd changes it for errors above 500 ppm */
static long nominal_tick(void)
{
    const long hz = sysconf(_SC_CLK_TCK);
    return (1000000 + hz / 2) / hz;
}

static int read_base(const struct host_clock_calls *calls, struct host_clock_reading *r)
{
    r->base_uncertainty_ns = INT64_MAX;
    for (int i = 0; i < BASE_ATTEMPTS && r->base_uncertainty_ns > BASE_CLOSE_NS / 2; i++) {
        int64_t before_ns, realtime_ns, after_ns;
        int error = calls->read(CLOCK_MONOTONIC, &before_ns);
        if (!error)
            error = calls->read(CLOCK_REALTIME, &realtime_ns);
        if (!error)
            error = calls->read(CLOCK_MONOTONIC, &after_ns);
        if (error)
            return error;
        const int64_t half_ns = (after_ns - before_ns) / 2;
        if (half_ns >= r->base_uncertainty_ns)
            continue;
        r->base_uncertainty_ns = half_ns;
        r->base_ns = realtime_ns - (before_ns + half_ns);
    }
    return 0;
}

static int read_kernel(const struct host_clock_calls *calls, struct host_clock_reading *r, struct timex *tx)
{
    int error = read_base(calls, r);
    if (!error)
        error = clock_id_frequency(calls->adjtime, CLOCK_REALTIME, &r->freq_ppb);
    if (error)
        return error;
    *tx = (struct timex){.modes = 0};
    if (calls->adjtime(CLOCK_REALTIME, tx) < 0)
        return -errno;
    const double tick = (double)nominal_tick();
    r->freq_ppb += ((double)tx->tick - tick) / tick * 1e9;
    r->slewing = (tx->status & STA_PLL) && tx->offset != 0;
    r->tai_s = tx->tai;
    return 0;
}

static long microseconds(double ns)
{
    return lround(ceil(ns / 1000));
}

/* All that is not frequency, in one call. Of the status only what is ours to say changes: clearing STA_PLL
 * would have the kernel forget the leap second. */
static int declare(const struct host_clock_calls *calls, const struct host_clock_action *a,
                   const struct timex *before)
{
    struct timex tx = {.modes = ADJ_STATUS | ADJ_TICK, .tick = nominal_tick()};
    tx.status = before->status & ~(STA_INS | STA_DEL);
    if (a->leap)
        tx.status |= a->leap > 0 ? STA_INS : STA_DEL;
    if (a->vouch) {
        tx.modes |= ADJ_MAXERROR | ADJ_ESTERROR;
        tx.status &= ~STA_UNSYNC;
        tx.maxerror = microseconds(a->maxerror_ns);
        tx.esterror = microseconds(a->esterror_ns);
    }
    if (a->set_tai) {
        tx.modes |= ADJ_TAI;
        tx.constant = a->tai_s;
    }
    if ((before->status & STA_PLL) && before->offset != 0)
        tx.modes |= ADJ_OFFSET; /* of 0: what was left to slew is dropped */
    return calls->adjtime(CLOCK_REALTIME, &tx) < 0 ? -errno : 0;
}

static int adjust(struct host_clock *h, const struct host_clock_calls *calls, double freq_ppb)
{
    double applied_ppb;
    const int error = clock_id_adjust(calls->adjtime, CLOCK_REALTIME, freq_ppb, &applied_ppb);
    if (!error)
        host_clock_adjusted(h, applied_ppb);
    return error;
}

static int carry_out(struct host_clock *h, const struct host_clock_calls *calls,
                     const struct host_clock_action *a, const struct timex *before, int64_t *stepped_ns)
{
    if (a->step) {
        const int error = clock_id_step(calls->adjtime, CLOCK_REALTIME, a->step_ns);
        if (error)
            return error;
        host_clock_stepped(h, a->step_ns);
        *stepped_ns = a->step_ns;
    }
    if (!a->adjust)
        return 0;
    const int error = adjust(h, calls, a->freq_ppb);
    return error ? error : declare(calls, a, before);
}

int host_clock_run(struct host_clock *h, const struct host_clock_calls *calls,
                   const struct host_clock_source *source, int64_t now_ns, int64_t *stepped_ns)
{
    struct clock *c = source->clock;
    struct timex before;
    struct host_clock_sample s = {
        .now_ns = now_ns,
        .bound_ns = source->bound_ns,
        .utc_offset_s = source->utc_offset_s,
        .utc_offset_valid = source->utc_offset_valid,
        .leap59 = source->leap59,
        .leap61 = source->leap61,
    };
    *stepped_ns = 0;
    const int error = read_kernel(calls, &s.kernel, &before);
    if (error)
        return error;
    s.usable = source->usable && c->ops->compare(c, &s.clock_ns, &s.realtime_ns, &s.uncertainty_ns) == 0;
    const struct host_clock_action action = host_clock_sample(h, &s);
    return carry_out(h, calls, &action, &before, stepped_ns);
}

int host_clock_leave(struct host_clock *h, const struct host_clock_calls *calls)
{
    const enum host_clock_state state = h->status.state;
    if (state != HOST_CLOCK_FOLLOWING && state != HOST_CLOCK_COASTING)
        return 0;
    return adjust(h, calls, -h->filter.freq_ppb);
}

const char *host_clock_unfit(const struct clock *c)
{
    if (strcmp(c->ops->name, "system") == 0)
        return "the served clock is CLOCK_REALTIME itself";
    if (!c->ops->compare || c->phc == 0)
        return "the served clock is not a NIC's hardware clock: CLOCK_REALTIME cannot be compared with it";
    return NULL;
}
