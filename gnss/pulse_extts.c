/* SPDX-License-Identifier: BSD-2-Clause */
/* Pulses stamped by a NIC's PHC: external time stamps of /dev/ptpN.
 *
 * The device's read() waits even with O_NONBLOCK, so each read follows a poll() that found something; before
 * Linux 6.7 the queue is shared by all openers, so nobody else may read it. */
#include "gnss/pulse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gnss/clock_ns.h"

#define QUEUE_MAX    1024 /* events; the kernel's queue holds 128 */
#define STALE_NS     (3 * NS_PER_S / 2)
#define PREMATURE_NS (NS_PER_S / 100)

struct extts_pulse {
    struct pulse base;
    int fd;
    unsigned channel;
    uint32_t sequence;
};

/* 1: *event read; 0: none there; -errno. */
static int take_event(int fd, struct ptp_extts_event *event)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    ssize_t n;

    if (poll(&poll_fd, 1, 0) <= 0 || !(poll_fd.revents & (POLLIN | POLLERR | POLLHUP)))
        return 0;
    n = read(fd, event, sizeof(*event));
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    return n == (ssize_t)sizeof(*event) ? 1 : -EIO;
}

static int extts_fd(struct pulse *base)
{
    return ((struct extts_pulse *)base)->fd;
}

static int64_t extts_deadline(struct pulse *base)
{
    (void)base;
    return INT64_MAX;
}

/* How long ago the PHC showed edge_ns; 0 if it cannot be asked. A posix clock's id is made of its descriptor
 * (clock_getres(2), FD_TO_CLOCKID). */
static int64_t age_of(int fd, int64_t edge_ns)
{
    int64_t phc_ns = clock_ns((clockid_t)((~(unsigned)fd << 3) | 3));

    return phc_ns ? phc_ns - edge_ns : 0;
}

/* Events held back over a flap of the link, or of a PHC that was reset since, have an impossible age. */
static int extts_read(struct pulse *base, int64_t now_ns, struct pulse_event *event)
{
    struct extts_pulse *p = (struct extts_pulse *)base;
    struct ptp_extts_event raw;
    int64_t edge_ns, age_ns;
    int result;

    while ((result = take_event(p->fd, &raw)) == 1) {
        if (raw.index != p->channel)
            continue;
        edge_ns = raw.t.sec * NS_PER_S + raw.t.nsec;
        age_ns = age_of(p->fd, edge_ns);
        if (age_ns > STALE_NS || age_ns < -PREMATURE_NS) {
            base->errors++;
            continue;
        }
        base->problem[0] = '\0';
        *event = (struct pulse_event){
            .edge_ns = edge_ns, .hardware = true, .arrival_ns = now_ns - age_ns, .sequence = p->sequence++};
        return 1;
    }
    if (result < 0) {
        base->errors++;
        snprintf(base->problem, sizeof(base->problem), "reading the time stamps failed: %s",
                 strerror(-result));
        if (result == -ENODEV) { /* unplugged: poll would report it for ever */
            close(p->fd);
            p->fd = -1;
        }
    }
    return result;
}

/* The newer request refuses what the hardware cannot do; the older one leaves it to the driver. */
static int request(int fd, unsigned channel, unsigned flags, bool *strict)
{
    struct ptp_extts_request r = {.index = channel, .flags = flags | PTP_STRICT_FLAGS};

    *strict = ioctl(fd, PTP_EXTTS_REQUEST2, &r) == 0;
    if (*strict)
        return 0;
    if (errno == EBUSY)
        return -EBUSY;
    r.flags = flags;
    return ioctl(fd, PTP_EXTTS_REQUEST, &r) < 0 ? -errno : 0;
}

static void extts_close(struct pulse *base)
{
    struct extts_pulse *p = (struct extts_pulse *)base;
    bool strict;

    if (p->fd >= 0) {
        request(p->fd, p->channel, 0, &strict);
        close(p->fd);
    }
    free(p);
}

static int set_pin(int fd, int pin, int channel)
{
    struct ptp_pin_desc desc = {.index = (unsigned)pin, .func = PTP_PF_EXTTS, .chan = (unsigned)channel};

    if (ioctl(fd, PTP_PIN_SETFUNC2, &desc) == 0 || ioctl(fd, PTP_PIN_SETFUNC, &desc) == 0)
        return 0;
    return -errno;
}

/* Prepares the device; 0 or -1 with a complaint. */
static int set_up(int fd, int pin, int channel, unsigned edge, bool *strict, char *error, int error_size)
{
    struct ptp_clock_caps caps = {0};
    struct ptp_extts_event stale;
    size_t size = (size_t)error_size;
    int result;

    if (ioctl(fd, PTP_CLOCK_GETCAPS, &caps) < 0)
        return snprintf(error, size, "not a PTP hardware clock (%s)", strerror(errno)), -1;
    if (channel < 0 || channel >= caps.n_ext_ts)
        return snprintf(error, size, "no external time stamp channel %d; it has %d", channel, caps.n_ext_ts),
               -1;
    if (pin >= caps.n_pins)
        return snprintf(error, size, "no pin %d; it has %d", pin, caps.n_pins), -1;
    if (pin >= 0 && (result = set_pin(fd, pin, channel)) < 0)
        return snprintf(error, size, "pin %d refuses to be an input of channel %d: %s", pin, channel,
                        strerror(-result)),
               -1;
    for (int i = 0; i < QUEUE_MAX && take_event(fd, &stale) == 1; i++)
        ; /* queued before: not ours */
    result = request(fd, (unsigned)channel, PTP_ENABLE_FEATURE | edge, strict);
    if (result < 0)
        return snprintf(error, size, "external time stamps refused on channel %d: %s", channel,
                        result == -EBUSY ? "in use by another program, or no pin assigned"
                                         : strerror(-result)),
               -1;
    return 0;
}

struct pulse *pulse_extts_open(const char *device, int pin, int channel, enum pulse_edge edge, char *error,
                               int error_size)
{
    static const struct pulse_ops ops = {"extts", extts_fd, extts_deadline, extts_read, extts_close};
    unsigned edge_flag = edge == PULSE_FALLING ? PTP_FALLING_EDGE : PTP_RISING_EDGE;
    int fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct extts_pulse *p = calloc(1, sizeof(*p));
    char complaint[128] = "";
    bool strict = false;

    if (fd < 0 || !p)
        snprintf(complaint, sizeof(complaint), "%s", strerror(errno));
    if (fd < 0 || !p || set_up(fd, pin, channel, edge_flag, &strict, complaint, sizeof(complaint)) < 0) {
        snprintf(error, (size_t)error_size, "%s: %s", device, complaint);
        if (fd >= 0)
            close(fd);
        free(p);
        return NULL;
    }
    p->base.ops = &ops;
    snprintf(p->base.description, sizeof(p->base.description), "%s, channel %d, %s edge%s", device, channel,
             edge == PULSE_FALLING ? "falling" : "rising", strict ? "" : " (not enforced by the driver)");
    p->fd = fd;
    p->channel = (unsigned)channel;
    return &p->base;
}
