/* SPDX-License-Identifier: BSD-2-Clause */
/* CLOCK_REALTIME, which counts UTC, shown as TAI. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bmca/ptp.h"
#include "gmd/clock/common.h"

#define MAX_FREQ_PPB 500000.0 /* the kernel's MAXFREQ */

struct system_clock {
    struct clock clock;
    int64_t utc_offset_ns;
};

static int system_read(struct clock *c, int64_t *now_ns)
{
    int error = clock_id_read(CLOCK_REALTIME, now_ns);
    if (!error)
        *now_ns += ((struct system_clock *)c)->utc_offset_ns;
    return error;
}

static int system_convert(struct clock *c, enum stamp kind, int64_t raw_ns, int64_t *clock_ns)
{
    if (kind != STAMP_SYSTEM)
        return -EOPNOTSUPP;
    *clock_ns = raw_ns + ((struct system_clock *)c)->utc_offset_ns;
    return 0;
}

static int system_adjust(struct clock *c, double freq_ppb)
{
    return clock_id_adjust(clock_adjtime, CLOCK_REALTIME, clock_clip(freq_ppb, c->max_freq_ppb),
                           &c->freq_ppb);
}

static int system_step(struct clock *c, int64_t delta_ns)
{
    (void)c;
    return clock_id_step(clock_adjtime, CLOCK_REALTIME, delta_ns);
}

static int system_check(struct clock *c, struct clock_finding *finding)
{
    int found = clock_id_check(clock_adjtime, CLOCK_REALTIME, c->freq_ppb, finding);
    if (found > 0)
        system_adjust(c, c->freq_ppb);
    return found;
}

static void system_close(struct clock *c)
{
    free(c);
}

static const struct clock_ops system_ops = {
    .name = "system",
    .read = system_read,
    .convert = system_convert,
    .adjust = system_adjust,
    .step = system_step,
    .check = system_check,
    .close = system_close,
};

static const struct clock_ops readonly_ops = {
    .name = "system",
    .read = system_read,
    .convert = system_convert,
    .adjust = clock_never_adjust,
    .step = clock_never_step,
    .close = system_close,
};

static struct clock *system_open(const struct clock_ops *ops, int utc_offset_s, char *error, int error_size)
{
    struct system_clock *s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(error, error_size, "system clock: %s", strerror(ENOMEM));
        return NULL;
    }
    s->clock.ops = ops;
    clock_system_set_utc_offset(&s->clock, utc_offset_s);
    snprintf(s->clock.description, sizeof(s->clock.description), "system clock");
    return &s->clock;
}

struct clock *clock_system_open(int utc_offset_s, char *error, int error_size)
{
    struct clock *c = system_open(&system_ops, utc_offset_s, error, error_size);
    if (!c)
        return NULL;
    c->max_freq_ppb = MAX_FREQ_PPB;
    int failed = clock_id_frequency(clock_adjtime, CLOCK_REALTIME, &c->freq_ppb);
    if (failed) {
        snprintf(error, error_size, "system clock: its frequency cannot be read: %s", strerror(-failed));
        c->ops->close(c);
        return NULL;
    }
    return c;
}

struct clock *clock_readonly_system_open(int utc_offset_s, char *error, int error_size)
{
    return system_open(&readonly_ops, utc_offset_s, error, error_size);
}

void clock_system_set_utc_offset(struct clock *c, int utc_offset_s)
{
    ((struct system_clock *)c)->utc_offset_ns = utc_offset_s * NS_PER_S;
}
