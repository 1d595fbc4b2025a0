// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* True time, and the PHC that shows it. */
#include "bed.h"
#include <linux/timekeeping.h>

static s64 true_base;   /* TAI - CLOCK_MONOTONIC_RAW, ns */
static int base_offset; /* TAI-UTC before the leap second */
static s64 leap_tai = S64_MAX;

s64 raw_now(void)
{
    return ktime_get_raw_ns();
}

void truth_now(s64 *raw_ns, s64 *real_ns)
{
    struct system_time_snapshot now;

    ktime_get_snapshot(&now);
    *raw_ns = ktime_to_ns(now.raw);
    *real_ns = ktime_to_ns(now.real);
}

s64 true_of_raw(s64 raw_ns)
{
    return raw_ns + true_base;
}

s64 raw_of_true(s64 tai_ns)
{
    return tai_ns - true_base;
}

int utc_offset_at(s64 tai_ns)
{
    return base_offset + (tai_ns >= leap_tai);
}

s64 leap_second(void)
{
    return leap_tai == S64_MAX ? 0 : leap_tai;
}

/* Timers run by CLOCK_MONOTONIC, which may be steered: one may come a little early and ask again. */
enum hrtimer_restart rearm(struct hrtimer *timer, s64 delay_ns)
{
    hrtimer_set_expires(timer, ktime_add_ns(hrtimer_cb_get_time(timer), max_t(s64, delay_ns, 1)));
    return HRTIMER_RESTART;
}

void truth_init(s64 utc_s, int utc_offset, s64 leap_utc_s)
{
    base_offset = utc_offset;
    true_base = (utc_s + utc_offset) * NSEC_PER_SEC - raw_now();
    if (leap_utc_s)
        leap_tai = (leap_utc_s + utc_offset) * NSEC_PER_SEC;
}

static int truth_read(struct ptp_clock_info *info, struct timespec64 *ts, struct ptp_system_timestamp *system)
{
    s64 raw, real;

    truth_now(&raw, &real);
    *ts = ns_to_timespec64(true_of_raw(raw));
    if (system)
        system->pre_ts = system->post_ts = ns_to_timespec64(real);
    return 0;
}

static int truth_never_set(struct ptp_clock_info *info, const struct timespec64 *ts)
{
    return -EPERM;
}

static int truth_never_step(struct ptp_clock_info *info, s64 delta_ns)
{
    return -EPERM;
}

static int truth_never_adjust(struct ptp_clock_info *info, long scaled_ppm)
{
    return -EPERM;
}

static struct ptp_clock_info truth_info = {
    .owner = THIS_MODULE,
    .name = "bed truth",
    .gettimex64 = truth_read,
    .settime64 = truth_never_set,
    .adjtime = truth_never_step,
    .adjfine = truth_never_adjust,
};

int truth_create(void)
{
    return PTR_ERR_OR_ZERO(ptp_clock_register(&truth_info, NULL));
}
