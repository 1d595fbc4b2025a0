/* SPDX-License-Identifier: BSD-2-Clause */
/* A PTP hardware clock (PHC), which counts TAI: read and steered through its device.
 *
 * Its frequency is set by ADJ_FREQUENCY in the kernel's unit of 2^-16 ppm (0.015 ppb); there is no finer way,
 * and none is needed: what was applied is told, and the servo makes up for the rest. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bmca/ptp.h"
#include "gmd/clock/common.h"
#include "gmd/clock/phc.h"

/* --- calls to the device: made again when they fail for a passing reason ------------------------------ */

/* The device was opened again: everything that was measured is void, and so is the correction. */
static int come_back(struct phc *p)
{
    struct clock *c = &p->clock;
    const int error = phc_device_reopen(&p->device);
    if (error)
        return error;
    c->phc = p->device.number;
    c->generation++;
    snprintf(c->description, sizeof(c->description), "PTP hardware clock %.70s", p->device.path);
    p->cross = (struct cross){0};
    p->pace = (struct pace){0};
    p->commanded =
        c->max_freq_ppb > 0 && clock_id_adjust(clock_adjtime, p->device.id, c->freq_ppb, &c->freq_ppb) == 0;
    return 0;
}

int phc_call(struct phc *p, phc_call_fn fn, void *argument)
{
    int error = p->device.fd < 0 ? come_back(p) : 0;
    if (error)
        return error;
    error = fn(p, argument);
    for (int i = 1; i < CLOCK_ATTEMPTS && clock_passing(error); i++) {
        p->clock.retries++;
        error = fn(p, argument);
    }
    if (error == -ENODEV)
        phc_device_lost(&p->device);
    return error;
}

static int get_time(struct phc *p, void *now_ns)
{
    return clock_id_read(p->device.id, now_ns);
}

static int measure_cross(struct phc *p, void *point)
{
    return cross_measure(&p->cross, p->device.fd, point);
}

static int set_frequency(struct phc *p, void *freq_ppb)
{
    return clock_id_adjust(clock_adjtime, p->device.id, *(double *)freq_ppb, &p->clock.freq_ppb);
}

/* --- the operations ------------------------------------------------------------------------------------ */

static int phc_read(struct clock *c, int64_t *now_ns)
{
    return phc_call((struct phc *)c, get_time, now_ns);
}

static int phc_convert(struct clock *c, enum stamp kind, int64_t raw_ns, int64_t *clock_ns)
{
    struct phc *p = (struct phc *)c;
    struct cross_point point;
    int64_t now_ns;
    if (kind == STAMP_HARDWARE) {
        *clock_ns = raw_ns;
        return 0;
    }
    int error = clock_id_read(CLOCK_REALTIME, &now_ns);
    if (!error && !cross_serves(&p->cross, raw_ns, now_ns))
        error = phc_call(p, measure_cross, &point);
    if (!error)
        *clock_ns = cross_convert(&p->cross, raw_ns);
    return error;
}

static int phc_compare(struct clock *c, int64_t *clock_ns, int64_t *realtime_ns, int64_t *uncertainty_ns)
{
    struct cross_point point;
    const int error = phc_call((struct phc *)c, measure_cross, &point);
    if (error)
        return error;
    *clock_ns = point.phc_ns;
    *realtime_ns = point.realtime_ns;
    *uncertainty_ns = point.uncertainty_ns;
    return 0;
}

/* A refused correction may have been noted by the kernel all the same. */
int phc_adjust(struct clock *c, double freq_ppb)
{
    struct phc *p = (struct phc *)c;
    const double before_ppb = c->freq_ppb;
    int64_t raw_ns;
    freq_ppb = clock_clip(freq_ppb, c->max_freq_ppb);
    const int error = phc_call(p, set_frequency, &freq_ppb);
    p->commanded = error == 0;
    if (!error && clock_id_read(CLOCK_MONOTONIC_RAW, &raw_ns) == 0)
        pace_advance(&p->pace, raw_ns, before_ppb);
    return error;
}

/* --- life ------------------------------------------------------------------------------------------------
 */

static void phc_follow(struct clock *c, const char *device)
{
    struct phc *p = (struct phc *)c;
    if (strcmp(p->device.path, device) != 0)
        phc_device_rename(&p->device, device);
}

static void phc_close(struct clock *c)
{
    phc_device_close(&((struct phc *)c)->device);
    free(c);
}

static const struct clock_ops phc_ops = {
    .name = "phc",
    .read = phc_read,
    .convert = phc_convert,
    .adjust = phc_adjust,
    .compare = phc_compare,
    .step = phc_step,
    .check = phc_check,
    .follow = phc_follow,
    .close = phc_close,
};

static const struct clock_ops readonly_ops = {
    .name = "phc",
    .read = phc_read,
    .convert = phc_convert,
    .adjust = clock_never_adjust,
    .compare = phc_compare,
    .step = clock_never_step,
    .check = phc_check,
    .follow = phc_follow,
    .close = phc_close,
};

dev_t clock_phc_number(const char *device)
{
    struct stat s;
    return stat(device, &s) == 0 && S_ISCHR(s.st_mode) ? s.st_rdev : 0;
}

static struct clock *make(const struct clock_ops *ops, struct phc_device *device, char *error, int error_size)
{
    struct phc *p = calloc(1, sizeof(*p));
    if (!p) {
        snprintf(error, (size_t)error_size, "%s: %s", device->path, strerror(ENOMEM));
        phc_device_close(device);
        return NULL;
    }
    p->clock.ops = ops;
    p->clock.phc = device->number;
    p->device = *device;
    snprintf(p->clock.description, sizeof(p->clock.description), "PTP hardware clock %.70s", device->path);
    return &p->clock;
}

struct clock *clock_phc_open(const char *device, char *error, int error_size)
{
    struct phc_device d;
    double max_freq_ppb, freq_ppb;
    if (phc_device_open(&d, device, O_RDWR, error, error_size) < 0)
        return NULL;
    if (!phc_device_steerable(&d, &max_freq_ppb, &freq_ppb, error, error_size)) {
        phc_device_close(&d);
        return NULL;
    }
    struct clock *c = make(&phc_ops, &d, error, error_size);
    if (c) {
        c->max_freq_ppb = max_freq_ppb;
        c->freq_ppb = freq_ppb;
        ((struct phc *)c)->commanded = true;
    }
    return c;
}

struct clock *clock_readonly_phc_open(const char *device, char *error, int error_size)
{
    struct phc_device d;
    if (phc_device_open(&d, device, O_RDONLY, error, error_size) < 0)
        return NULL;
    return make(&readonly_ops, &d, error, error_size);
}

bool clock_phc_steerable(const char *device, char *why, int why_size)
{
    struct phc_device d;
    double max_freq_ppb, freq_ppb;
    if (phc_device_open(&d, device, O_RDWR, why, why_size) < 0)
        return false;
    const bool steerable = phc_device_steerable(&d, &max_freq_ppb, &freq_ppb, why, why_size);
    phc_device_close(&d);
    return steerable;
}
