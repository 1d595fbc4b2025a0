/* SPDX-License-Identifier: BSD-2-Clause */
/* Pulses by the kernel's PPSAPI (RFC 2783) on /dev/ppsN, stamped with CLOCK_REALTIME in the interrupt.
 *
 * poll() on the device reports readiness whether or not there was an edge, so it is asked at deadlines: with
 * a timeout of zero PPS_FETCH returns the latest edge without waiting. */
#include "gnss/pulse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pps.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gnss/clock_ns.h"

#define AFTER_EDGE_NS (2 * NS_PER_S / 1000)  /* behind the next edge: the interrupt has been served */
#define LOST_POLL_NS  (50 * NS_PER_S / 1000) /* while no edge is where it is expected */

struct pps_pulse {
    struct pulse base;
    int fd;
    bool falling;
    uint32_t sequence; /* of the last edge seen */
    int64_t due_ns;
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

/* Monotonic time of an edge within the last two seconds; a clock set in between makes it unknowable: now. */
static int64_t arrival_of(int64_t edge_ns, int64_t now_ns)
{
    int64_t age_ns = clock_ns(CLOCK_REALTIME) - edge_ns;

    return age_ns >= 0 && age_ns < 2 * NS_PER_S ? now_ns - age_ns : now_ns;
}

static int pps_read(struct pulse *base, int64_t now_ns, struct pulse_event *event)
{
    struct pps_pulse *p = (struct pps_pulse *)base;
    uint32_t sequence = 0, missed;
    int64_t edge_ns = 0;
    int error;

    if (now_ns < p->due_ns)
        return 0;
    p->due_ns = now_ns + LOST_POLL_NS;
    error = fetch(p, &sequence, &edge_ns);
    if (error) {
        base->errors++;
        snprintf(base->problem, sizeof(base->problem), "reading the pulse failed: %s", strerror(-error));
        return error;
    }
    base->problem[0] = '\0';
    if (sequence == p->sequence)
        return 0;
    missed = sequence - p->sequence - 1;
    base->errors += missed;
    p->sequence = sequence;
    *event = (struct pulse_event){.edge_ns = edge_ns,
                                  .arrival_ns = arrival_of(edge_ns, clock_ns(CLOCK_MONOTONIC)),
                                  .sequence = sequence};
    p->due_ns = event->arrival_ns + NS_PER_S + AFTER_EDGE_NS;
    return 1;
}

static void pps_close(struct pulse *base)
{
    close(((struct pps_pulse *)base)->fd);
    free(base);
}

/* Captures the edge if the device does not already; needs CAP_SYS_TIME only then. NULL or a complaint. */
static const char *capture(int fd, int edge)
{
    struct pps_kparams params = {0};
    int can = 0;

    if (ioctl(fd, PPS_GETCAP, &can) < 0)
        return errno == ENOTTY ? "not a PPS device" : strerror(errno);
    if (!(can & edge))
        return "the device cannot capture this edge; try the other one";
    if (ioctl(fd, PPS_GETPARAMS, &params) < 0)
        return strerror(errno);
    if (params.mode & edge)
        return NULL;
    params.api_version = PPS_API_VERS;
    params.mode |= edge | PPS_TSFMT_TSPEC;
    if (ioctl(fd, PPS_SETPARAMS, &params) < 0)
        return errno == EPERM ? "capturing this edge needs CAP_SYS_TIME" : strerror(errno);
    return NULL;
}

struct pulse *pulse_pps_open(const char *device, enum pulse_edge edge, char *error, int error_size)
{
    static const struct pulse_ops ops = {"pps", pps_fd, pps_deadline, pps_read, pps_close};
    bool falling = edge == PULSE_FALLING;
    int fd = open(device, O_RDWR | O_CLOEXEC);
    struct pps_pulse *p = NULL;
    const char *complaint;
    int64_t edge_ns;

    if (fd < 0)
        complaint = strerror(errno);
    else if (!(complaint = capture(fd, falling ? PPS_CAPTURECLEAR : PPS_CAPTUREASSERT)) &&
             !(p = calloc(1, sizeof(*p))))
        complaint = strerror(ENOMEM);
    if (!p) {
        snprintf(error, (size_t)error_size, "%s: %s", device, complaint);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    p->base.ops = &ops;
    snprintf(p->base.description, sizeof(p->base.description), "%s, %s edge", device,
             falling ? "clear" : "assert");
    p->fd = fd;
    p->falling = falling;
    fetch(p, &p->sequence, &edge_ns); /* what came before is not ours */
    return &p->base;
}
