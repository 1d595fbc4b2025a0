/* SPDX-License-Identifier: BSD-2-Clause */
/* The device behind external time stamps.
 *
 * Its read() waits even with O_NONBLOCK, so each read follows a poll() that found something. Since Linux 6.7
 * each opener has a queue of its own, and a mask of channels. Before, all share one: no other program may
 * read it, and what one channel of ours takes out for another is left there. */
#include "gnss/extts_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gnss/clock_ns.h"

#define QUEUE_MAX 1024 /* events; the kernel's queue holds 128 */

#ifndef PTP_MASK_CLEAR_ALL /* Linux 6.7 */
#define PTP_MASK_CLEAR_ALL _IO(PTP_CLK_MAGIC, 19)
#define PTP_MASK_EN_SINGLE _IOW(PTP_CLK_MAGIC, 20, unsigned int)
#endif

static struct extts_device *opened; /* the list of those that are open */

/* 1: *event read; 0: none there; -errno. */
static int take_any(int fd, struct ptp_extts_event *event)
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

/* An event of another channel. One that nobody of ours waits for, or has not looked for long, is dropped. */
static void leave(const struct extts_device *taker, unsigned channel, int64_t edge_ns)
{
    for (struct extts_device *d = opened; d; d = d->next)
        if (d->channel == channel && d->dev == taker->dev && d->ino == taker->ino &&
            d->left_count < EXTTS_LEFT)
            d->left_ns[d->left_count++] = edge_ns;
}

int extts_device_take(struct extts_device *d, int64_t *edge_ns)
{
    struct ptp_extts_event event;

    if (d->left_count) {
        *edge_ns = d->left_ns[0];
        memmove(d->left_ns, d->left_ns + 1, --d->left_count * sizeof(d->left_ns[0]));
        return 1;
    }
    const int result = take_any(d->fd, &event);
    if (result != 1)
        return result;
    *edge_ns = event.t.sec * NS_PER_S + event.t.nsec;
    if (event.index == d->channel)
        return 1;
    leave(d, event.index, *edge_ns);
    return -EAGAIN;
}

/* A posix clock's id is made of its descriptor (clock_getres(2), FD_TO_CLOCKID). */
int extts_device_when(const struct extts_device *d, int64_t edge_ns, int64_t *at_ns, int64_t *age_ns)
{
    const int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    const int64_t phc_ns = clock_ns((clockid_t)((~(unsigned)d->fd << 3) | 3));

    if (!phc_ns)
        return -EIO;
    *age_ns = phc_ns - edge_ns;
    *at_ns = now_ns - *age_ns;
    return 0;
}

/* The newer request refuses what the hardware cannot do (igb and igc stamp both edges, whichever is asked
 * for); the older one leaves it to the driver. */
static int request(struct extts_device *d, unsigned flags)
{
    struct ptp_extts_request r = {.index = d->channel, .flags = flags | PTP_STRICT_FLAGS};

    d->strict = ioctl(d->fd, PTP_EXTTS_REQUEST2, &r) == 0;
    if (d->strict)
        return 0;
    if (errno == EBUSY)
        return -EBUSY;
    r.flags = flags;
    return ioctl(d->fd, PTP_EXTTS_REQUEST, &r) < 0 ? -errno : 0;
}

/* Off first: a driver that believes them on already would do nothing. */
int extts_device_request(struct extts_device *d)
{
    request(d, 0);
    return request(d, PTP_ENABLE_FEATURE | d->edge);
}

static const char *function_name(unsigned function)
{
    static const char *const names[] = {[PTP_PF_NONE] = "unused",
                                        [PTP_PF_EXTTS] = "input",
                                        [PTP_PF_PEROUT] = "output",
                                        [PTP_PF_PHYSYNC] = "sync"};

    return function < sizeof(names) / sizeof(names[0]) ? names[function] : "other";
}

/* "; pins: 0 SDP0 (unused), 1 SDP1 (output 0)": what each can do shows only when it is set. */
static void list_pins(int fd, int count, char *text, int size)
{
    int at = snprintf(text, (size_t)size, "; pins:");

    for (int i = 0; i < count && at < size; i++) {
        struct ptp_pin_desc desc = {.index = (unsigned)i};
        if (ioctl(fd, PTP_PIN_GETFUNC, &desc) < 0)
            continue;
        at += snprintf(text + at, (size_t)(size - at), "%s %d %.20s (%s", i ? "," : "", i, desc.name,
                       function_name(desc.func));
        if (at < size)
            at += desc.func == PTP_PF_NONE ? snprintf(text + at, (size_t)(size - at), ")")
                                           : snprintf(text + at, (size_t)(size - at), " %u)", desc.chan);
    }
}

static int set_pin(const struct extts_device *d, int pins, char *error, int error_size)
{
    struct ptp_pin_desc desc = {.index = (unsigned)d->pin, .func = PTP_PF_EXTTS, .chan = d->channel};
    char list[300];

    if (ioctl(d->fd, PTP_PIN_SETFUNC, &desc) == 0)
        return 0;
    const int failed = errno;
    list_pins(d->fd, pins, list, sizeof(list));
    snprintf(error, (size_t)error_size, "pin %d refuses to be the input of channel %u: %s%s", d->pin,
             d->channel, strerror(failed), list);
    return -1;
}

static int set_up(struct extts_device *d, char *error, int error_size)
{
    struct ptp_clock_caps caps = {0};
    struct ptp_extts_event stale;
    const size_t size = (size_t)error_size;
    int result;

    if (ioctl(d->fd, PTP_CLOCK_GETCAPS, &caps) < 0)
        return snprintf(error, size, "not a PTP hardware clock (%s)", strerror(errno)), -1;
    if (d->channel >= (unsigned)caps.n_ext_ts)
        return snprintf(error, size, "no external time stamp channel %u; it has %d", d->channel,
                        caps.n_ext_ts),
               -1;
    if (d->pin >= caps.n_pins)
        return snprintf(error, size, "no pin %d; it has %d%s", d->pin, caps.n_pins,
                        caps.n_pins ? "" : ": use pin = -1"),
               -1;
    if (d->pin >= 0 && set_pin(d, caps.n_pins, error, error_size) < 0)
        return -1;
    if (ioctl(d->fd, PTP_MASK_CLEAR_ALL) == 0)
        ioctl(d->fd, PTP_MASK_EN_SINGLE, &d->channel);
    for (int i = 0; i < QUEUE_MAX && take_any(d->fd, &stale) == 1; i++)
        ;
    result = request(d, PTP_ENABLE_FEATURE | d->edge);
    if (result < 0)
        return snprintf(error, size, "external time stamps refused on channel %u: %s", d->channel,
                        result == -EBUSY ? "in use by another program, or no pin assigned"
                                         : strerror(-result)),
               -1;
    return 0;
}

static void enlist(struct extts_device *d)
{
    struct stat s = {0};

    fstat(d->fd, &s);
    d->dev = s.st_dev;
    d->ino = s.st_ino;
    d->left_count = 0;
    d->next = opened;
    opened = d;
}

static void delist(struct extts_device *d)
{
    struct extts_device **at = &opened;

    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
}

int extts_device_open(struct extts_device *d, char *error, int error_size)
{
    d->fd = open(d->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (d->fd < 0)
        return snprintf(error, (size_t)error_size, "%s", strerror(errno)), -1;
    if (set_up(d, error, error_size) == 0) {
        enlist(d);
        return 0;
    }
    close(d->fd);
    d->fd = -1;
    return -1;
}

void extts_device_close(struct extts_device *d)
{
    if (d->fd < 0)
        return;
    delist(d);
    request(d, 0);
    close(d->fd);
    d->fd = -1;
}
