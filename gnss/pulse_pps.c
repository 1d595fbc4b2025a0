/* SPDX-License-Identifier: BSD-2-Clause */
/* Pulses by the kernel's PPSAPI (RFC 2783) on /dev/ppsN, stamped with CLOCK_REALTIME in the interrupt.
 *
 * poll() on the device reports readiness whether or not there was an edge, so it is asked at deadlines: with
 * a timeout of zero PPS_FETCH returns the latest edge without waiting. A device that was unplugged goes on
 * answering with its last edge: that it is gone shows only in its path. */
#include "gnss/pulse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pps.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "gnss/clock_ns.h"

#define AFTER_EDGE_NS (2 * NS_PER_S / 1000)  /* behind the next edge: the interrupt has been served */
#define LOST_POLL_NS  (50 * NS_PER_S / 1000) /* while no edge is where it is expected */

#define LOOK_NS      NS_PER_S /* how often the path is looked at meanwhile */
#define MISSED_MAX   3600     /* a sequence that is further away is another device's */
#define EDGE_AGE_MAX (2 * NS_PER_S)

struct pps_pulse {
    struct pulse base;
    char path[128];
    int fd; /* -1: not there */
    bool falling;
    uint32_t sequence; /* of the last edge seen */
    int64_t due_ns;
    int64_t look_ns;
    dev_t dev; /* of the file that was opened */
    ino_t ino;
};

/* The latest edge of the chosen kind. 0 or -errno. */
static int fetch(const struct pps_pulse *p, uint32_t *sequence, int64_t *edge_ns)
{
    struct pps_fdata data = {0};
    const struct pps_ktime *t = p->falling ? &data.info.clear_tu : &data.info.assert_tu;

    if (ioctl(p->fd, PPS_FETCH, &data) < 0)
        return -errno;
    *sequence = p->falling ? data.info.clear_sequence : data.info.assert_sequence;
    *edge_ns = t->sec * NS_PER_S + t->nsec;
    return 0;
}

static int pps_fd(struct pulse *base)
{
    (void)base;
    return -1;
}

static int64_t pps_deadline(struct pulse *base)
{
    return ((struct pps_pulse *)base)->due_ns;
}

/* Captures the edge if the device does not already; needs CAP_SYS_TIME only then. NULL or a complaint. */
static const char *capture(int fd, int edge)
{
    const int offset = edge == PPS_CAPTURECLEAR ? PPS_OFFSETCLEAR : PPS_OFFSETASSERT;
    struct pps_kparams params = {0};
    int can = 0;

    if (ioctl(fd, PPS_GETCAP, &can) < 0)
        return errno == ENOTTY ? "not a PPS device" : strerror(errno);
    if (!(can & edge))
        return "the device cannot capture this edge; try the other one";
    if (ioctl(fd, PPS_GETPARAMS, &params) < 0)
        return strerror(errno);
    if ((params.mode & edge) && !(params.mode & offset))
        return NULL;
    params.api_version = PPS_API_VERS;
    params.mode = (params.mode | edge) & ~offset;
    if (ioctl(fd, PPS_SETPARAMS, &params) < 0)
        return errno == EPERM ? "capturing this edge, without another program's offset, needs CAP_SYS_TIME"
                              : strerror(errno);
    return NULL;
}

/* N where this is the PPS of /dev/ptpN (ptp_clock_register names it so), which must be switched on; else -1.
 */
static int enable_phc(dev_t number)
{
    char path[80], name[32] = "";
    int index = -1;
    int fd;

    snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/name", major(number), minor(number));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (read(fd, name, sizeof(name) - 1) <= 0 || sscanf(name, "ptp%d", &index) != 1)
        index = -1;
    close(fd);
    if (index < 0)
        return -1;
    snprintf(path, sizeof(path), "/dev/ptp%d", index);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        ioctl(fd, PTP_ENABLE_PPS, 1); /* refused: no pulses will come until somebody else has done it */
        close(fd);
    }
    return index;
}

/* NULL or a complaint. What came before is not ours. */
static const char *open_path(struct pps_pulse *p)
{
    const char *complaint;
    struct stat s;
    int64_t edge_ns;

    p->fd = open(p->path, O_RDWR | O_CLOEXEC);
    if (p->fd < 0)
        return strerror(errno);
    complaint = capture(p->fd, p->falling ? PPS_CAPTURECLEAR : PPS_CAPTUREASSERT);
    if (!complaint && fstat(p->fd, &s) < 0)
        complaint = strerror(errno);
    if (complaint) {
        close(p->fd);
        p->fd = -1;
        return complaint;
    }
    p->dev = s.st_dev;
    p->ino = s.st_ino;
    p->base.of_phc = enable_phc(s.st_rdev);
    fetch(p, &p->sequence, &edge_ns);
    return NULL;
}

/* No edge comes: is the device still the one that was opened? */
static void look(struct pps_pulse *p, int64_t now_ns)
{
    const char *complaint;
    struct stat s;

    if (now_ns < p->look_ns)
        return;
    p->look_ns = now_ns + LOOK_NS;
    if (p->fd >= 0 && stat(p->path, &s) == 0 && s.st_dev == p->dev && s.st_ino == p->ino)
        return;
    if (p->fd >= 0)
        close(p->fd);
    complaint = open_path(p);
    if (complaint) {
        snprintf(p->base.problem, sizeof(p->base.problem), "the device has vanished: %s", complaint);
        return;
    }
    p->base.problem[0] = '\0';
    p->base.rearmed++;
}

/* 1: *event; 0: no new edge; -errno. */
static int take(struct pps_pulse *p, struct pulse_event *event)
{
    uint32_t sequence = 0, missed;
    int64_t edge_ns = 0, age_ns, now_ns;
    int error = fetch(p, &sequence, &edge_ns);

    if (error || sequence == p->sequence)
        return error;
    missed = sequence - p->sequence - 1;
    p->base.errors += missed < MISSED_MAX ? missed : 0;
    p->sequence = sequence;
    now_ns = clock_ns(CLOCK_MONOTONIC);
    age_ns = clock_ns(CLOCK_REALTIME) - edge_ns;
    if (age_ns < 0 || age_ns > EDGE_AGE_MAX) { /* long past, or CLOCK_REALTIME was set since */
        p->base.stale++;
        return 0;
    }
    *event = (struct pulse_event){.edge_ns = edge_ns, .arrival_ns = now_ns - age_ns, .sequence = sequence};
    return 1;
}

static int pps_read(struct pulse *base, int64_t now_ns, struct pulse_event *event)
{
    struct pps_pulse *p = (struct pps_pulse *)base;
    int result;

    if (now_ns < p->due_ns)
        return 0;
    p->due_ns = now_ns + LOST_POLL_NS;
    if (p->fd < 0) {
        look(p, now_ns);
        return 0;
    }
    result = take(p, event);
    if (result < 0) {
        base->errors++;
        snprintf(base->problem, sizeof(base->problem), "reading the pulse failed: %s", strerror(-result));
    } else {
        base->problem[0] = '\0';
    }
    if (result == 1) {
        p->due_ns = event->arrival_ns + NS_PER_S + AFTER_EDGE_NS;
        p->look_ns = p->due_ns + LOOK_NS;
    } else {
        look(p, now_ns);
    }
    return result;
}

static void pps_close(struct pulse *base)
{
    struct pps_pulse *p = (struct pps_pulse *)base;

    if (p->fd >= 0)
        close(p->fd);
    free(base);
}

struct pulse *pulse_pps_open(const char *device, enum pulse_edge edge, char *error, int error_size)
{
    static const struct pulse_ops ops = {"pps", pps_fd, pps_deadline, pps_read, pps_close};
    struct pps_pulse *p = calloc(1, sizeof(*p));
    const char *complaint = strerror(ENOMEM);

    if (p) {
        snprintf(p->path, sizeof(p->path), "%s", device);
        p->falling = edge == PULSE_FALLING;
        complaint = open_path(p);
    }
    if (!p || complaint) {
        snprintf(error, (size_t)error_size, "%s: %s", device, complaint);
        free(p);
        return NULL;
    }
    p->base.ops = &ops;
    snprintf(p->base.description, sizeof(p->base.description), "%.60s, %s edge", device,
             p->falling ? "clear" : "assert");
    if (p->base.of_phc >= 0)
        snprintf(p->base.description, sizeof(p->base.description), "%.60s, the second of /dev/ptp%d", device,
                 p->base.of_phc);
    return &p->base;
}
