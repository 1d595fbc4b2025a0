/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated receiver as receiver and pulse drivers over CLOCK_REALTIME. The edge's time stamp is
 * computed, not taken: when the process wakes up does not matter. */
#include "gnss/simulated_drivers.h"

#include <stdio.h>
#include <stdlib.h>

#include "gnss/clock_ns.h"

#define RESYNC_S 2 /* CLOCK_REALTIME was set, or the process slept: begin anew */

/* Ticks at each second of CLOCK_REALTIME, delay_ns behind it. */
struct seconds {
    int64_t next_s, delay_ns;
};

static int64_t seconds_behind(const struct seconds *t)
{
    return clock_ns(CLOCK_REALTIME) - (t->next_s * NS_PER_S + t->delay_ns);
}

static void seconds_resync(struct seconds *t)
{
    int64_t behind_ns = seconds_behind(t);

    if (behind_ns > RESYNC_S * NS_PER_S || behind_ns < -RESYNC_S * NS_PER_S)
        t->next_s = (clock_ns(CLOCK_REALTIME) - t->delay_ns) / NS_PER_S + 1;
}

static int64_t seconds_deadline(struct seconds *t)
{
    seconds_resync(t);
    return clock_ns(CLOCK_MONOTONIC) - seconds_behind(t);
}

/* True if the second *utc_s is due now. */
static bool seconds_take(struct seconds *t, int64_t *utc_s)
{
    seconds_resync(t);
    if (seconds_behind(t) < 0)
        return false;
    *utc_s = t->next_s++;
    return true;
}

struct simulated_receiver {
    struct receiver base;
    struct simulated_gnss *gnss;
    struct seconds seconds;
};

static void receiver_fds(struct receiver *r, int fds[RECEIVER_FDS])
{
    (void)r;
    fds[0] = fds[1] = -1;
}

static int64_t receiver_deadline(struct receiver *r)
{
    return seconds_deadline(&((struct simulated_receiver *)r)->seconds);
}

static int receiver_read(struct receiver *r, int64_t now_ns, struct receiver_report *report)
{
    struct simulated_receiver *sr = (struct simulated_receiver *)r;
    int64_t utc_s;

    while (seconds_take(&sr->seconds, &utc_s)) {
        if (!simulated_gnss_report(sr->gnss, utc_s, report))
            continue;
        report->arrival_ns = now_ns;
        snprintf(r->problem, sizeof(r->problem), "%s",
                 report->link == RECEIVER_LINK_UP ? "" : "the simulated receiver is switched off");
        return 1;
    }
    return 0;
}

static void receiver_close(struct receiver *r)
{
    free(r);
}

struct receiver *receiver_simulated_open(struct simulated_gnss *s)
{
    static const struct receiver_ops ops = {"simulated", receiver_fds, receiver_deadline, receiver_read,
                                            receiver_close};
    struct simulated_receiver *sr = calloc(1, sizeof(*sr));

    if (!sr)
        return NULL;
    sr->base.ops = &ops;
    snprintf(sr->base.description, sizeof(sr->base.description), "simulated receiver");
    sr->gnss = s;
    sr->seconds.delay_ns = s->config.latency_ns;
    return &sr->base;
}

struct simulated_pulse {
    struct pulse base;
    struct simulated_gnss *gnss;
    struct seconds seconds;
    uint32_t sequence;
};

static int pulse_fd(struct pulse *p)
{
    (void)p;
    return -1;
}

static int64_t pulse_deadline(struct pulse *p)
{
    return seconds_deadline(&((struct simulated_pulse *)p)->seconds);
}

static int pulse_read(struct pulse *p, int64_t now_ns, struct pulse_event *event)
{
    struct simulated_pulse *sp = (struct simulated_pulse *)p;
    int64_t utc_s;

    (void)now_ns;
    while (seconds_take(&sp->seconds, &utc_s)) {
        if (!simulated_gnss_edge(sp->gnss, utc_s, &event->edge_ns))
            continue;
        event->hardware = false;
        event->arrival_ns = clock_ns(CLOCK_MONOTONIC) - (clock_ns(CLOCK_REALTIME) - event->edge_ns);
        event->sequence = sp->sequence++;
        return 1;
    }
    return 0;
}

static void pulse_close(struct pulse *p)
{
    free(p);
}

struct pulse *pulse_simulated_open(struct simulated_gnss *s)
{
    static const struct pulse_ops ops = {"simulated", pulse_fd, pulse_deadline, pulse_read, pulse_close};
    struct simulated_pulse *sp = calloc(1, sizeof(*sp));

    if (!sp)
        return NULL;
    sp->base.ops = &ops;
    snprintf(sp->base.description, sizeof(sp->base.description), "simulated pulse");
    sp->base.of_phc = -1;
    sp->gnss = s;
    return &sp->base;
}
