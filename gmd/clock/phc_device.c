/* SPDX-License-Identifier: BSD-2-Clause */
/* The device file of a PHC. */
#include "gmd/clock/phc_device.h"

#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bmca/ptp.h"
#include "gmd/clock/common.h"

#define BACKOFF_FIRST_NS (NS_PER_S / 4)
#define BACKOFF_MAX_NS   (4 * NS_PER_S)

/* linux/posix-timers.h: a clock id made of a device's descriptor */
static clockid_t id_of_fd(int fd)
{
    return (clockid_t)((~(unsigned)fd << 3) | 3);
}

/* Opens d->path. 0 or -errno: -ENOTTY for what is no PHC. */
static int open_path(struct phc_device *d)
{
    struct ptp_clock_caps caps = {0};
    struct stat s;
    d->fd = open(d->path, d->flags | O_CLOEXEC | O_NONBLOCK);
    if (d->fd < 0)
        return -errno;
    if (ioctl(d->fd, PTP_CLOCK_GETCAPS, &caps) < 0 || fstat(d->fd, &s) < 0) {
        const int error = -errno;
        phc_device_close(d);
        return error;
    }
    d->id = id_of_fd(d->fd);
    d->number = s.st_rdev;
    return 0;
}

int phc_device_open(struct phc_device *d, const char *path, int flags, char *error, int error_size)
{
    int64_t now_ns;
    *d = (struct phc_device){.flags = flags, .fd = -1, .backoff_ns = BACKOFF_FIRST_NS};
    snprintf(d->path, sizeof(d->path), "%s", path);
    const int failed = open_path(d);
    if (failed) {
        snprintf(error, (size_t)error_size, "%s: %s", path,
                 failed == -ENOTTY || failed == -EINVAL ? "not a PTP hardware clock" : strerror(-failed));
        return -1;
    }
    int unreadable = clock_id_read(d->id, &now_ns);
    for (int i = 1; i < CLOCK_ATTEMPTS && clock_passing(unreadable); i++)
        unreadable = clock_id_read(d->id, &now_ns);
    if (unreadable) {
        snprintf(error, (size_t)error_size, "%s: cannot be read: %s", path, strerror(-unreadable));
        phc_device_close(d);
        return -1;
    }
    return 0;
}

/* Virtual clocks (n_vclocks in sysfs) need the physical one to run free: the kernel then refuses to adjust it
 * with EBUSY (ptp_clock_freerun). */
static int virtual_clocks(const struct phc_device *d)
{
    char path[80], text[16] = "";
    snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/n_vclocks", major(d->number), minor(d->number));
    int count = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%d", &count) != 1)
        count = 0;
    close(fd);
    return count;
}

/* Whether the driver takes a frequency at all shows only when it is told one: the one that is in force. */
static int try_frequency(const struct phc_device *d, double *freq_ppb)
{
    int error = 0;
    for (int i = 0; i < CLOCK_ATTEMPTS; i++) {
        error = clock_id_frequency(clock_adjtime, d->id, freq_ppb);
        if (!error)
            error = clock_id_adjust(clock_adjtime, d->id, *freq_ppb, freq_ppb);
        if (!clock_passing(error))
            break;
    }
    return error;
}

bool phc_device_steerable(const struct phc_device *d, double *max_freq_ppb, double *freq_ppb, char *why,
                          int why_size)
{
    struct ptp_clock_caps caps = {0};
    const size_t size = (size_t)why_size;
    if (ioctl(d->fd, PTP_CLOCK_GETCAPS, &caps) < 0)
        return snprintf(why, size, "%s: %s", d->path, strerror(errno)), false;
    if (caps.max_adj <= 0)
        return snprintf(why, size,
                        "%s must not be steered: its max_adj is 0, as of an SR-IOV virtual function",
                        d->path),
               false;
    const int count = virtual_clocks(d);
    if (count > 0)
        return snprintf(
                   why, size,
                   "%s must not be steered: %d virtual clock%s on it (n_vclocks), for which it runs free",
                   d->path, count, count == 1 ? " is based" : "s are based"),
               false;
    const int error = try_frequency(d, freq_ppb);
    if (error)
        return snprintf(why, size, "%s cannot be steered: its driver refuses the frequency that it has: %s",
                        d->path, strerror(-error)),
               false;
    *max_freq_ppb = caps.max_adj;
    return true;
}

void phc_device_close(struct phc_device *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

void phc_device_lost(struct phc_device *d)
{
    phc_device_close(d);
    d->retry_ns = 0;
    d->backoff_ns = BACKOFF_FIRST_NS;
}

void phc_device_rename(struct phc_device *d, const char *path)
{
    snprintf(d->path, sizeof(d->path), "%s", path);
    phc_device_lost(d);
}

int phc_device_reopen(struct phc_device *d)
{
    int64_t now_ns;
    int error = clock_id_read(CLOCK_MONOTONIC, &now_ns);
    if (error)
        return error;
    if (now_ns < d->retry_ns)
        return -ENODEV;
    error = open_path(d);
    d->retry_ns = now_ns + d->backoff_ns;
    if (error && d->backoff_ns < BACKOFF_MAX_NS)
        d->backoff_ns *= 2;
    return error ? -ENODEV : 0;
}
