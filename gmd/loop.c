/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop. It waits in poll() alone; deadlines are one timerfd among the descriptors, because poll's
 * own timeout counts in milliseconds. */
#include "gmd/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "bmca/ptp.h"
#include "gmd/lead.h"

struct watch {
    loop_io_fn fn; /* NULL: free */
    void *ctx;
    bool polled; /* was there when the present round's poll began: its revents are its own */
};

struct timer {
    loop_timer_fn fn; /* NULL: free */
    void *ctx;
    int64_t due_ns;
    bool is_punctual;
};

struct loop {
    /* pollfds[i] belongs to watches[i], the one behind them to the timerfd; poll skips negative fds */
    struct pollfd pollfds[LOOP_WATCHES_MAX + 1];
    struct watch watches[LOOP_WATCHES_MAX];
    struct timer timers[LOOP_TIMERS_MAX];
    int timer_fd;
    int64_t armed_ns; /* what timer_fd is set to; INT64_MAX: off */
    int64_t lead_ns;  /* of punctual timers */
    volatile bool running;
};

#define TIMER_SLOT LOOP_WATCHES_MAX

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
    if (l->timer_fd < 0) {
        free(l);
        return NULL;
    }
    fcntl(l->timer_fd, F_SETFD, FD_CLOEXEC);
    l->armed_ns = INT64_MAX;
    for (int i = 0; i < LOOP_WATCHES_MAX; i++)
        l->pollfds[i].fd = -1;
    l->pollfds[TIMER_SLOT] = (struct pollfd){.fd = l->timer_fd, .events = POLLIN};
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    close(l->timer_fd);
    free(l);
}

int64_t loop_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int loop_watch(struct loop *l, int fd, short events, loop_io_fn fn, void *ctx)
{
    for (int i = 0; i < LOOP_WATCHES_MAX; i++) {
        if (l->watches[i].fn)
            continue;
        l->watches[i] = (struct watch){.fn = fn, .ctx = ctx};
        l->pollfds[i] = (struct pollfd){.fd = fd, .events = events};
        return i;
    }
    return -1;
}

void loop_watch_events(struct loop *l, int handle, short events)
{
    l->pollfds[handle].events = events;
}

void loop_unwatch(struct loop *l, int handle)
{
    l->watches[handle].fn = NULL;
    l->pollfds[handle].fd = -1;
}

int loop_timer(struct loop *l, loop_timer_fn fn, void *ctx)
{
    for (int i = 0; i < LOOP_TIMERS_MAX; i++) {
        if (l->timers[i].fn)
            continue;
        l->timers[i] = (struct timer){.fn = fn, .ctx = ctx, .due_ns = INT64_MAX};
        return i;
    }
    return -1;
}

void loop_timer_set(struct loop *l, int handle, int64_t due_ns)
{
    l->timers[handle].due_ns = due_ns;
}

void loop_timer_punctual(struct loop *l, int handle)
{
    l->timers[handle].is_punctual = true;
}

/* Those that were due when poll was asked. Each at most once a round: one that is always due again leaves
 * room for the descriptors. */
static void run_timers(struct loop *l, int64_t asked_ns)
{
    const int64_t now_ns = loop_now();
    for (int i = 0; i < LOOP_TIMERS_MAX && l->running; i++) {
        struct timer *t = &l->timers[i];
        if (!t->fn || t->due_ns > asked_ns)
            continue;
        t->due_ns = INT64_MAX;
        t->fn(t->ctx, now_ns);
    }
}

/* When to be awake for it. */
static int64_t wake_ns(const struct loop *l, const struct timer *t)
{
    if (!t->fn)
        return INT64_MAX;
    const bool is_ahead = t->is_punctual && t->due_ns > 0 && t->due_ns < INT64_MAX;
    return is_ahead ? t->due_ns - l->lead_ns : t->due_ns;
}

/* Setting a timerfd also takes back an expiry, so it is never read: one that has expired and is not set anew
 * keeps poll from waiting. */
static void arm(struct loop *l)
{
    int64_t first_ns = INT64_MAX;
    for (int i = 0; i < LOOP_TIMERS_MAX; i++) {
        const int64_t at_ns = wake_ns(l, &l->timers[i]);
        if (at_ns < first_ns)
            first_ns = at_ns;
    }
    if (first_ns == l->armed_ns)
        return;

    struct itimerspec it = {0}; /* zero is off, so the distant past is 1 ns */
    if (first_ns != INT64_MAX) {
        int64_t at_ns = first_ns > 0 ? first_ns : 1;
        it.it_value = (struct timespec){.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};
    }
    timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &it, NULL);
    l->armed_ns = first_ns;
}

static void dispatch(struct loop *l)
{
    for (int i = 0; i < LOOP_WATCHES_MAX && l->running; i++) {
        struct watch *w = &l->watches[i];
        short revents = l->pollfds[i].revents;
        if (!w->fn || !w->polled || !revents)
            continue;
        w->fn(w->ctx, l->pollfds[i].fd, revents);
        /* A descriptor closed under its watch would be reported for ever. */
        if ((revents & POLLNVAL) && w->fn && w->polled)
            loop_unwatch(l, i);
    }
}

int loop_run(struct loop *l)
{
    l->running = true;
    while (l->running) {
        arm(l);
        const int64_t asked_ns = loop_now();
        for (int i = 0; i < LOOP_WATCHES_MAX; i++)
            l->watches[i].polled = l->watches[i].fn != NULL;
        if (poll(l->pollfds, LOOP_WATCHES_MAX + 1, -1) < 0) {
            if (errno != EINTR)
                return -errno;
            /* revents are those of the last round */
            for (int i = 0; i <= TIMER_SLOT; i++)
                l->pollfds[i].revents = 0;
        }
        if (l->pollfds[TIMER_SLOT].revents && l->armed_ns > asked_ns)
            l->lead_ns = lead_after(l->lead_ns, loop_now() - l->armed_ns);
        dispatch(l);
        run_timers(l, asked_ns);
    }
    return 0;
}

void loop_stop(struct loop *l)
{
    l->running = false;
}
