/* SPDX-License-Identifier: BSD-2-Clause */
/* Pulses stamped by a NIC's PHC: external time stamps of /dev/ptpN. */
#include <errno.h>
#include <linux/ptp_clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gnss/clock_ns.h"
#include "gnss/edges.h"
#include "gnss/extts_device.h"
#include "gnss/pulse.h"

#define STALE_NS         (3 * NS_PER_S / 2)
#define PREMATURE_NS     (NS_PER_S / 100)
#define SILENCE_NS       (3 * NS_PER_S) /* no edge: a reset may have switched the time stamps off */
#define BACKOFF_FIRST_NS (NS_PER_S / 2)
#define BACKOFF_MAX_NS   (8 * NS_PER_S)
#define EVENTS_PER_READ  64

struct extts_pulse {
    struct pulse base;
    struct extts_device device;
    struct edges edges;
    int64_t due_ns; /* time stamps are asked for again, or the device is opened again */
    int64_t backoff_ns;
    int64_t width_ns;
    uint32_t sequence;
};

static int extts_fd(struct pulse *base)
{
    return ((struct extts_pulse *)base)->device.fd;
}

static int64_t extts_deadline(struct pulse *base)
{
    const struct extts_pulse *p = (struct extts_pulse *)base;

    return p->device.left_count ? 1 : p->due_ns; /* long past */
}

static void tell_problem(struct extts_pulse *p)
{
    p->base.problem[0] = '\0';
    if (p->edges.state == EDGES_HALF)
        snprintf(
            p->base.problem, sizeof(p->base.problem),
            "both edges of a pulse of half a second are stamped: waiting for the receiver's messages to tell "
            "which one leads");
}

static void restart_edges(struct extts_pulse *p)
{
    edges_init(&p->edges, p->width_ns, p->device.strict);
}

static void lost(struct extts_pulse *p, int64_t now_ns)
{
    extts_device_close(&p->device);
    p->backoff_ns = BACKOFF_FIRST_NS;
    p->due_ns = now_ns;
}

static int try_again(struct extts_pulse *p, int64_t now_ns)
{
    char complaint[128];

    p->due_ns = now_ns + p->backoff_ns;
    if (p->backoff_ns < BACKOFF_MAX_NS)
        p->backoff_ns *= 2;
    if (extts_device_open(&p->device, complaint, sizeof(complaint)) < 0) {
        snprintf(p->base.problem, sizeof(p->base.problem), "cannot be opened again: %s", complaint);
        return -ENODEV;
    }
    p->base.problem[0] = '\0';
    p->base.rearmed++;
    p->due_ns = now_ns + SILENCE_NS;
    restart_edges(p);
    return 0;
}

/* The device answers, but no edge came: as after a reset, or when there are none. */
static int rearm(struct extts_pulse *p, int64_t now_ns)
{
    const int error = extts_device_request(&p->device);

    p->due_ns = now_ns + SILENCE_NS;
    p->base.rearmed++;
    return error;
}

/* Events held back over a flap of the link, or of a PHC that was reset since, have an impossible age. */
static bool fresh(struct extts_pulse *p, int64_t edge_ns, int64_t now_ns, int64_t *at_ns)
{
    int64_t age_ns;

    if (extts_device_when(&p->device, edge_ns, at_ns, &age_ns) < 0) {
        *at_ns = now_ns;
        return true;
    }
    if (age_ns <= STALE_NS && age_ns >= -PREMATURE_NS)
        return true;
    p->base.stale++;
    return false;
}

/* One event of the queue: 1 with *event, 0 if there is none, -EAGAIN if it is not passed on, -errno. */
static int next_event(struct extts_pulse *p, int64_t now_ns, struct pulse_event *event)
{
    int64_t edge_ns = 0, at_ns;
    const int result = extts_device_take(&p->device, &edge_ns);

    if (result != 1)
        return result;
    if (!fresh(p, edge_ns, now_ns, &at_ns))
        return -EAGAIN;
    p->due_ns = now_ns + SILENCE_NS;
    const bool leads = edges_event(&p->edges, at_ns);
    p->base.other_edge = p->edges.dropped;
    tell_problem(p);
    if (!leads)
        return -EAGAIN;
    *event = (struct pulse_event){
        .edge_ns = edge_ns, .hardware = true, .arrival_ns = at_ns, .sequence = p->sequence++};
    return 1;
}

static int failed(struct extts_pulse *p, int64_t now_ns, int error)
{
    p->base.errors++;
    snprintf(p->base.problem, sizeof(p->base.problem), "reading the time stamps failed: %s",
             strerror(-error));
    if (error == -ENODEV)
        lost(p, now_ns);
    return error;
}

static int extts_read(struct pulse *base, int64_t now_ns, struct pulse_event *event)
{
    struct extts_pulse *p = (struct extts_pulse *)base;
    int result = 0;

    if (p->device.fd < 0)
        return now_ns >= p->due_ns ? try_again(p, now_ns) : 0;
    for (int i = 0; i < EVENTS_PER_READ; i++) {
        result = next_event(p, now_ns, event);
        if (result != -EAGAIN)
            break;
    }
    if (result == 1)
        return 1;
    if (result == 0 && now_ns >= p->due_ns)
        result = rearm(p, now_ns);
    return result < 0 && result != -EAGAIN ? failed(p, now_ns, result) : 0;
}

static void extts_hint(struct pulse *base, enum pulse_hint hint, int64_t at_ns)
{
    struct extts_pulse *p = (struct extts_pulse *)base;

    switch (hint) {
    case PULSE_HINT_MESSAGE:
        edges_message(&p->edges, at_ns);
        break;
    case PULSE_HINT_SECOND:
        edges_second(&p->edges, at_ns);
        break;
    case PULSE_HINT_RESET:
        p->due_ns = at_ns;
        p->backoff_ns = BACKOFF_FIRST_NS;
        break;
    }
}

static void extts_close(struct pulse *base)
{
    extts_device_close(&((struct extts_pulse *)base)->device);
    free(base);
}

void pulse_extts_set_width(struct pulse *base, int64_t width_ns)
{
    struct extts_pulse *p = (struct extts_pulse *)base;

    p->width_ns = width_ns;
    restart_edges(p);
}

struct pulse *pulse_extts_open(const char *device, int pin, int channel, enum pulse_edge edge, char *error,
                               int error_size)
{
    static const struct pulse_ops ops = {"extts", extts_fd, extts_deadline, extts_read, extts_close};
    struct extts_pulse *p = calloc(1, sizeof(*p));
    char complaint[400] = "out of memory";

    if (p) {
        p->device = (struct extts_device){
            .pin = pin,
            .channel = (unsigned)channel,
            .edge = edge == PULSE_FALLING ? PTP_FALLING_EDGE : PTP_RISING_EDGE,
        };
        snprintf(p->device.path, sizeof(p->device.path), "%s", device);
    }
    if (!p || extts_device_open(&p->device, complaint, sizeof(complaint)) < 0) {
        snprintf(error, (size_t)error_size, "%s: %s", device, complaint);
        free(p);
        return NULL;
    }
    p->base.ops = &ops;
    p->base.hint = extts_hint;
    p->base.of_phc = -1;
    p->due_ns = clock_ns(CLOCK_MONOTONIC) + SILENCE_NS;
    restart_edges(p);
    snprintf(p->base.description, sizeof(p->base.description), "%.28s, channel %d, %s edge%s", device,
             channel, edge == PULSE_FALLING ? "falling" : "rising",
             p->device.strict ? "" : " (not enforced by the driver)");
    return &p->base;
}
