/* SPDX-License-Identifier: BSD-2-Clause */
/* A PTP hardware clock (PHC), which counts TAI: read and steered through its device. */
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bmca/ptp.h"
#include "gmd/clock/common.h"

/* How long a measured offset between system clock and PHC serves. In that time two free oscillators part by
 * a few us at most. */
#define OFFSET_AGE_MAX_NS 50000000

#define OFFSET_SAMPLES 5 /* of which the one with the shortest window is taken */

struct phc {
    struct clock clock;
    int fd;
    clockid_t id;
    unsigned method; /* index into methods[]: the best that the driver has */
    bool measured;
    int64_t measured_at_ns; /* monotonic */
    int64_t offset_ns;      /* PHC - CLOCK_REALTIME */
};

static int64_t to_ns(const struct ptp_clock_time *t)
{
    return t->sec * NS_PER_S + t->nsec;
}

/* Hardware latches both clocks at one instant (PCIe PTM, ART). */
static int measure_precise(int fd, int64_t *offset_ns)
{
    struct ptp_sys_offset_precise p = {0};
    if (ioctl(fd, PTP_SYS_OFFSET_PRECISE, &p) < 0)
        return -errno;
    *offset_ns = to_ns(&p.device) - to_ns(&p.sys_realtime);
    return 0;
}

/* Keeps in *offset_ns the sample whose window, from before to after, is the shortest so far. */
static void take_shorter(int64_t before_ns, int64_t phc_ns, int64_t after_ns, int64_t *window_ns,
                         int64_t *offset_ns)
{
    if (after_ns - before_ns >= *window_ns)
        return;
    *window_ns = after_ns - before_ns;
    *offset_ns = phc_ns - (before_ns + *window_ns / 2);
}

/* The driver reads the system clock right around the read of the register. */
static int measure_extended(int fd, int64_t *offset_ns)
{
    struct ptp_sys_offset_extended e = {.n_samples = OFFSET_SAMPLES};
    if (ioctl(fd, PTP_SYS_OFFSET_EXTENDED, &e) < 0)
        return -errno;
    int64_t window_ns = INT64_MAX;
    for (unsigned i = 0; i < e.n_samples; i++)
        take_shorter(to_ns(&e.ts[i][0]), to_ns(&e.ts[i][1]), to_ns(&e.ts[i][2]), &window_ns, offset_ns);
    return 0;
}

/* The kernel alternates: system, PHC, system, ... */
static int measure_plain(int fd, int64_t *offset_ns)
{
    struct ptp_sys_offset o = {.n_samples = OFFSET_SAMPLES};
    if (ioctl(fd, PTP_SYS_OFFSET, &o) < 0)
        return -errno;
    int64_t window_ns = INT64_MAX;
    for (unsigned i = 0; i < 2 * o.n_samples; i += 2)
        take_shorter(to_ns(&o.ts[i]), to_ns(&o.ts[i + 1]), to_ns(&o.ts[i + 2]), &window_ns, offset_ns);
    return 0;
}

static int (*const methods[])(int fd, int64_t *offset_ns) = {measure_precise, measure_extended,
                                                             measure_plain};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* A driver without the method; anything else may be transient and must not degrade for good. */
static bool unsupported(int error)
{
    return error == -EOPNOTSUPP || error == -ENOTTY || error == -EINVAL;
}

static int system_offset(struct phc *p, int64_t *offset_ns)
{
    int64_t now_ns;
    int error = clock_id_read(CLOCK_MONOTONIC, &now_ns);
    if (error)
        return error;
    if (!p->measured || now_ns - p->measured_at_ns > OFFSET_AGE_MAX_NS) {
        error = methods[p->method](p->fd, &p->offset_ns);
        while (unsupported(error) && p->method + 1 < METHODS)
            error = methods[++p->method](p->fd, &p->offset_ns);
        p->measured = error == 0;
        p->measured_at_ns = now_ns;
    }
    *offset_ns = p->offset_ns;
    return error;
}

static int phc_read(struct clock *c, int64_t *now_ns)
{
    return clock_id_read(((struct phc *)c)->id, now_ns);
}

static int phc_convert(struct clock *c, enum stamp kind, int64_t raw_ns, int64_t *clock_ns)
{
    int64_t offset_ns = 0;
    int error = kind == STAMP_SYSTEM ? system_offset((struct phc *)c, &offset_ns) : 0;
    if (!error)
        *clock_ns = raw_ns + offset_ns;
    return error;
}

static int phc_adjust(struct clock *c, double freq_ppb)
{
    struct phc *p = (struct phc *)c;
    return clock_id_adjust(clock_adjtime, p->id, clock_clip(freq_ppb, c->max_freq_ppb), &c->freq_ppb);
}

static int phc_step(struct clock *c, int64_t delta_ns)
{
    struct phc *p = (struct phc *)c;
    p->measured = false;
    return clock_id_step(clock_adjtime, p->id, delta_ns);
}

static void phc_close(struct clock *c)
{
    close(((struct phc *)c)->fd);
    free(c);
}

static const struct clock_ops phc_ops = {
    .name = "phc",
    .read = phc_read,
    .convert = phc_convert,
    .adjust = phc_adjust,
    .step = phc_step,
    .close = phc_close,
};

static const struct clock_ops readonly_ops = {
    .name = "phc",
    .read = phc_read,
    .convert = phc_convert,
    .adjust = clock_never_adjust,
    .step = clock_never_step,
    .close = phc_close,
};

/* linux/posix-timers.h: a clock id made of a device's descriptor */
static clockid_t id_of_fd(int fd)
{
    return (clockid_t)((~(unsigned)fd << 3) | 3);
}

static int check(const struct phc *p, struct ptp_clock_caps *caps, const char *device, char *error,
                 int error_size)
{
    int64_t now_ns;
    if (ioctl(p->fd, PTP_CLOCK_GETCAPS, caps) < 0) {
        snprintf(error, error_size, "%s: not a PTP hardware clock", device);
        return -1;
    }
    int failed = clock_id_read(p->id, &now_ns);
    if (failed)
        snprintf(error, error_size, "%s: cannot be read: %s", device, strerror(-failed));
    return failed ? -1 : 0;
}

dev_t clock_phc_number(const char *device)
{
    struct stat s;
    return stat(device, &s) == 0 && S_ISCHR(s.st_mode) ? s.st_rdev : 0;
}

static struct phc *phc_open(const char *device, int flags, const struct clock_ops *ops,
                            struct ptp_clock_caps *caps, char *error, int error_size)
{
    int fd = open(device, flags | O_CLOEXEC);
    struct phc *p = fd < 0 ? NULL : calloc(1, sizeof(*p));
    if (!p) {
        snprintf(error, error_size, "%s: %s", device, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    p->clock.ops = ops;
    p->fd = fd;
    p->id = id_of_fd(fd);
    p->clock.phc = clock_phc_number(device);
    snprintf(p->clock.description, sizeof(p->clock.description), "PTP hardware clock %s", device);
    if (check(p, caps, device, error, error_size) < 0) {
        phc_close(&p->clock);
        return NULL;
    }
    return p;
}

struct clock *clock_phc_open(const char *device, char *error, int error_size)
{
    struct ptp_clock_caps caps = {0};
    struct phc *p = phc_open(device, O_RDWR, &phc_ops, &caps, error, error_size);
    if (!p)
        return NULL;
    if (caps.max_adj <= 0) {
        snprintf(error, error_size,
                 "%s: this clock cannot be steered (its max_adj is 0, as of an SR-IOV virtual function): "
                 "use the logical clock",
                 device);
        phc_close(&p->clock);
        return NULL;
    }
    p->clock.max_freq_ppb = caps.max_adj;
    /* Not every driver tells it: then what is in force counts as 0 until the first adjustment. */
    if (clock_id_frequency(clock_adjtime, p->id, &p->clock.freq_ppb) < 0)
        p->clock.freq_ppb = 0.0;
    return &p->clock;
}

struct clock *clock_readonly_phc_open(const char *device, char *error, int error_size)
{
    struct ptp_clock_caps caps = {0};
    struct phc *p = phc_open(device, O_RDONLY, &readonly_ops, &caps, error, error_size);
    return p ? &p->clock : NULL;
}
