/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "gmd/control.h"
#include "gmd/ports.h"
#include "gmd/setup.h"

#define TICK_NS         (NS_PER_S / 4)
#define CLOCK_GRACE_NS  (2 * NS_PER_S)
#define LEAP_FILE_NS    (3600 * NS_PER_S)
#define READ_ATTEMPTS   3
#define READ_CLOSE_NS   20000 /* two readings of monotonic time this close are good enough */
#define EVENTS_PER_WAKE 32

static volatile sig_atomic_t stop_requested;

void daemon_stop(void)
{
    stop_requested = 1;
}

/* --- the clock ------------------------------------------------------------------------------------- */

int daemon_read_clock(struct daemon *d, int64_t *now_ns, int64_t *clock_ns)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < READ_ATTEMPTS && best > READ_CLOSE_NS; i++) {
        int64_t reading = 0;
        const int64_t before = loop_now();
        const int error = d->clock->ops->read(d->clock, &reading);
        const int64_t after = loop_now();
        if (error) {
            d->clock_counters.read_errors++;
            if (d->clock_counters.failing_since_ns == INT64_MAX)
                d->clock_counters.failing_since_ns = before;
            log_limited(&d->clock_complaint, before, "%s: reading: %s", d->clock->description,
                        strerror(-error));
            return error;
        }
        if (after - before < best) {
            best = after - before;
            d->clock_counters.read_ns = before + best / 2;
            d->clock_counters.clock_ns = reading;
        }
    }
    *now_ns = d->clock_counters.read_ns;
    *clock_ns = d->clock_counters.clock_ns;
    d->clock_counters.failing_since_ns = INT64_MAX;
    return 0;
}

/* True if the clock did as it was told. */
static bool obeyed(struct daemon *d, const char *what, int error)
{
    struct clock_counters *c = &d->clock_counters;
    if (!error) {
        c->refusing_since_ns = INT64_MAX;
        return true;
    }
    const int64_t now_ns = loop_now();
    c->adjust_errors++;
    if (c->refusing_since_ns == INT64_MAX)
        c->refusing_since_ns = now_ns;
    log_limited(&d->clock_complaint, now_ns, "%s: %s: %s", d->clock->description, what, strerror(-error));
    return false;
}

static void carry_out(struct daemon *d, const struct discipline_action *action)
{
    if (action->step && obeyed(d, "step", d->clock->ops->step(d->clock, action->step_ns))) {
        log_line(LOG_LEVEL_NOTICE, "clock stepped by %+.9f s", (double)action->step_ns / 1e9);
        grandmaster_stepped(&d->gm);
    }
    if (action->adjust) {
        obeyed(d, "frequency", d->clock->ops->adjust(d->clock, action->freq_ppb));
        grandmaster_adjusted(&d->gm, d->clock->freq_ppb);
    }
}

/* --- what people read ------------------------------------------------------------------------------ */

static void log_discipline(struct daemon *d)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    const struct clock_quality *q = &d->gm.quality.clock_quality;
    if (s->state == d->state_logged && q->clock_class == d->class_logged)
        return;
    log_line(LOG_LEVEL_NOTICE,
             "%s -> %s: %s (clockClass %u, accuracy 0x%02X, offset %+.0f ns, frequency %+.3f ppb)",
             discipline_state_name(d->state_logged), discipline_state_name(s->state), s->why, q->clock_class,
             q->clock_accuracy, s->filtered_ns, s->freq_ppb);
    d->state_logged = s->state;
    d->class_logged = q->clock_class;
    sd_notifyf(0, "STATUS=%s, clockClass %u", discipline_state_name(s->state), q->clock_class);
}

static void log_transitions(struct daemon *d)
{
    const struct instance *in = &d->gm.instance;
    if (in->transition_count > d->transitions_logged + INSTANCE_TRANSITIONS)
        d->transitions_logged = in->transition_count - INSTANCE_TRANSITIONS;
    for (; d->transitions_logged < in->transition_count; d->transitions_logged++) {
        const struct port_transition *t = &in->transitions[d->transitions_logged % INSTANCE_TRANSITIONS];
        char gm[PORT_IDENTITY_STRLEN];
        log_line(LOG_LEVEL_NOTICE, "port %u: %s -> %s on %s (decision %s, grandmaster %s)", t->port,
                 port_state_name(t->from), port_state_name(t->to), port_event_name(t->event),
                 decision_name(t->decision), clock_identity_format(&in->parent_ds.grandmaster_identity, gm));
    }
}

static void log_receiver(struct daemon *d)
{
    if (strcmp(d->receiver->problem, d->receiver_problem_logged) == 0)
        return;
    memcpy(d->receiver_problem_logged, d->receiver->problem, sizeof d->receiver_problem_logged);
    if (d->receiver->problem[0])
        log_line(LOG_LEVEL_WARNING, "%s: %s", d->receiver->description, d->receiver->problem);
    else
        log_line(LOG_LEVEL_NOTICE, "%s: connected", d->receiver->description);
}

/* --- events ---------------------------------------------------------------------------------------- */

/* After any event: frames out, logs, next deadline. */
static void settle(struct daemon *d)
{
    ports_flush(d);
    log_discipline(d);
    log_transitions(d);
    loop_timer_set(d->loop, d->instance_timer, instance_deadline(&d->gm.instance));
}

static void on_instance(void *ctx, int64_t now_ns)
{
    struct daemon *d = ctx;
    instance_tick(&d->gm.instance, now_ns);
    settle(d);
}

static void on_ports(void *ctx, int64_t now_ns)
{
    ports_retry(ctx, now_ns);
}

/* An error or two of the device change nothing: the clock is taken to have gone on. After CLOCK_GRACE_NS it
 * is lost. */
static void tick_grandmaster(struct daemon *d, int64_t now_ns)
{
    const struct clock_counters *c = &d->clock_counters;
    int64_t clock_ns;
    bool answers = true;
    if (daemon_read_clock(d, &now_ns, &clock_ns) != 0) {
        if (c->read_ns == 0)
            return; /* never was there */
        clock_ns = c->clock_ns + (now_ns - c->read_ns);
        answers = now_ns - c->failing_since_ns < CLOCK_GRACE_NS;
    }
    const struct discipline_action action = grandmaster_tick(&d->gm, now_ns, clock_ns, answers);
    carry_out(d, &action);
}

static void on_tick(void *ctx, int64_t now_ns)
{
    struct daemon *d = ctx;
    if (stop_requested)
        loop_stop(d->loop);
    if (now_ns >= d->leap_file_due_ns) {
        setup_leap_table(d);
        d->leap_file_due_ns = now_ns + LEAP_FILE_NS;
    }
    tick_grandmaster(d, now_ns);
    alarms_update(&d->alarms, d, loop_now());
    settle(d);
    sd_notify(0, "WATCHDOG=1");
    loop_timer_set(d->loop, d->tick_timer, now_ns + TICK_NS);
}

static void read_receiver(struct daemon *d, int64_t now_ns)
{
    struct receiver_report report;
    int64_t read_ns, clock_ns;
    for (int i = 0; i < EVENTS_PER_WAKE && d->receiver->ops->read(d->receiver, now_ns, &report) > 0; i++)
        if (daemon_read_clock(d, &read_ns, &clock_ns) == 0)
            grandmaster_message(&d->gm, &report, clock_ns);
    log_receiver(d);
}

static void read_pulse(struct daemon *d, int64_t now_ns)
{
    struct pulse_event event;
    for (int i = 0; i < EVENTS_PER_WAKE; i++) {
        int64_t clock_ns;
        const int got = d->pulse->ops->read(d->pulse, now_ns, &event);
        if (got == 0)
            break;
        if (got < 0) {
            log_limited(&d->pulse_complaint, now_ns, "%s: %s", d->pulse->description, strerror(-got));
            break;
        }
        const enum stamp kind = event.hardware ? STAMP_HARDWARE : STAMP_SYSTEM;
        const int error = d->clock->ops->convert(d->clock, kind, event.edge_ns, &clock_ns);
        if (error) {
            d->clock_counters.convert_errors++;
            log_limited(&d->pulse_complaint, now_ns, "%s cannot be related to the %s: %s",
                        d->pulse->description, d->clock->description, strerror(-error));
            continue;
        }
        const struct discipline_action action =
            grandmaster_pulse(&d->gm, clock_ns, event.arrival_ns, loop_now());
        carry_out(d, &action);
    }
}

/* Descriptors and deadlines of the sources may change at each call. */
static void watch_source(struct daemon *d, struct source_watch *w, int fd, int64_t deadline_ns, loop_io_fn fn)
{
    if (fd != w->fd) {
        if (w->handle >= 0)
            loop_unwatch(d->loop, w->handle);
        w->handle = fd >= 0 ? loop_watch(d->loop, fd, POLLIN, fn, d) : -1;
        w->fd = fd;
    }
    loop_timer_set(d->loop, w->timer, deadline_ns);
}

static void on_receiver(void *ctx, int64_t now_ns);
static void on_pulse(void *ctx, int64_t now_ns);

static void on_receiver_fd(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    on_receiver(ctx, loop_now());
}

static void on_pulse_fd(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    on_pulse(ctx, loop_now());
}

static void on_receiver(void *ctx, int64_t now_ns)
{
    struct daemon *d = ctx;
    read_receiver(d, now_ns);
    watch_source(d, &d->receiver_watch, d->receiver->ops->fd(d->receiver),
                 d->receiver->ops->deadline(d->receiver), on_receiver_fd);
}

static void on_pulse(void *ctx, int64_t now_ns)
{
    struct daemon *d = ctx;
    read_pulse(d, now_ns);
    settle(d);
    watch_source(d, &d->pulse_watch, d->pulse->ops->fd(d->pulse), d->pulse->ops->deadline(d->pulse),
                 on_pulse_fd);
}

/* --- life ------------------------------------------------------------------------------------------ */

static int assemble(struct daemon *d, char *error, int error_size)
{
    for (int i = 0; i < d->conf.port_count; i++) {
        struct daemon_port *p = &d->ports[i];
        p->daemon = d;
        p->number = (unsigned)i;
        p->retry_ns = INT64_MAX;
        for (int k = 0; k < TRANSPORT_FDS; k++)
            p->watches[k] = -1;
        if (interface_query(d->conf.ports[i].interface, &p->info, error, error_size) < 0) {
            p->info = (struct interface_info){.phc_index = -1};
            snprintf(p->problem, sizeof p->problem, "%.150s", error);
        }
    }
    if (setup_grandmaster(d, error, error_size) < 0)
        return -1;
    setup_leap_table(d);
    if (setup_clock(d, error, error_size) < 0)
        return -1;
    return setup_sources(d, error, error_size);
}

struct daemon *daemon_new(const struct conf *conf, bool probe, char *error, int error_size)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->conf = *conf;
    d->loop = loop_new();
    d->clients = calloc(1, clients_size());
    d->link_fd = -1;
    d->receiver_watch = d->pulse_watch = (struct source_watch){-1, -1, -1};
    d->clock_counters.failing_since_ns = d->clock_counters.refusing_since_ns = INT64_MAX;
    d->probe = probe;
    d->started_ns = loop_now();
    d->leap_file_due_ns = d->started_ns + LEAP_FILE_NS;
    if (!d->loop || !d->clients)
        abort();
    /* the socket first: a second gmd is refused before it touches the first one's devices */
    if (!probe)
        d->control = control_open(d, d->conf.control.socket, error, error_size);
    if ((probe || d->control) && assemble(d, error, error_size) == 0)
        return d;
    daemon_free(d);
    return NULL;
}

int daemon_run(struct daemon *d)
{
    char error[CONF_ERROR_MAX];
    d->tick_timer = loop_timer(d->loop, on_tick, d);
    d->instance_timer = loop_timer(d->loop, on_instance, d);
    d->port_timer = loop_timer(d->loop, on_ports, d);
    d->receiver_watch.timer = loop_timer(d->loop, on_receiver, d);
    d->pulse_watch.timer = loop_timer(d->loop, on_pulse, d);
    if (ports_start(d, error, sizeof error) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", error);
        return 1;
    }
    d->state_logged = d->gm.discipline.status.state;
    d->class_logged = d->gm.quality.clock_quality.clock_class;
    log_line(LOG_LEVEL_INFO, "serving %s; pulses from %s, time of day from %s", d->clock->description,
             d->pulse->description, d->receiver->description);
    const int64_t now_ns = loop_now();
    loop_timer_set(d->loop, d->tick_timer, now_ns);
    on_receiver(d, now_ns);
    on_pulse(d, now_ns);
    sd_notify(0, "READY=1");
    const int failed = loop_run(d->loop);
    sd_notify(0, "STOPPING=1");
    log_line(LOG_LEVEL_INFO, "stopped");
    return failed ? 1 : 0;
}

void daemon_free(struct daemon *d)
{
    if (d->control)
        control_close(d->control);
    ports_close(d);
    if (d->pulse)
        d->pulse->ops->close(d->pulse);
    if (d->receiver)
        d->receiver->ops->close(d->receiver);
    if (d->simulated)
        simulated_gnss_free(d->simulated);
    if (d->clock)
        d->clock->ops->close(d->clock);
    free(d->clients);
    loop_free(d->loop);
    free(d);
}
