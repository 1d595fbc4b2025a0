/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/daemon.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "gmd/control.h"
#include "gmd/manage.h"
#include "gmd/ports.h"
#include "gmd/protection.h"
#include "gmd/served_clock.h"
#include "gmd/setup.h"
#include "gmd/sources.h"

#define WITHDRAW_NS    (4 * NS_PER_S) /* for every CANCEL and its repetitions */
#define TICK_NS        (NS_PER_S / 4)
#define CLOCK_GRACE_NS (2 * NS_PER_S)
#define LEAP_FILE_NS   (3600 * NS_PER_S)
#define READ_ATTEMPTS  3
#define READ_CLOSE_NS  20000 /* two readings of monotonic time this close are good enough */

static volatile sig_atomic_t stop_requested;

void daemon_stop(void)
{
    stop_requested = 1;
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

/* --- events ---------------------------------------------------------------------------------------- */

void daemon_settle(struct daemon *d)
{
    ports_flush(d);
    log_discipline(d);
    log_transitions(d);
    manage_notify(d->manage, loop_now());
    ports_set_timers(d);
}

static void on_instance(void *ctx, int64_t now_ns)
{
    struct daemon *d = ctx;
    instance_tick(&d->gm.instance, now_ns);
    daemon_settle(d);
}

static void on_ports(void *ctx, int64_t now_ns)
{
    ports_retry(ctx, now_ns);
}

/* Some clients at a time, and Sync in between. */
static void on_collect(void *ctx, int64_t now_ns)
{
    struct daemon *d = ctx;
    if (!protection_collect(d->protection, d, now_ns))
        loop_timer_set(d->loop, d->collect_timer, now_ns);
    daemon_settle(d);
}

/* An error or two of the device change nothing: the clock is taken to have gone on. After CLOCK_GRACE_NS it
 * is lost. */
static void tick_grandmaster(struct daemon *d, int64_t now_ns)
{
    const struct clock_counters *c = &d->clock_counters;
    int64_t clock_ns;
    bool answers = true;
    if (served_clock_read(d, &now_ns, &clock_ns) != 0) {
        if (c->read_ns == 0)
            return; /* never was there */
        clock_ns = c->clock_ns + (now_ns - c->read_ns);
        answers = now_ns - c->failing_since_ns < CLOCK_GRACE_NS;
    }
    if (answers)
        sources_hint_second(d, now_ns, clock_ns);
    const struct discipline_action action =
        grandmaster_tick(&d->gm, now_ns, clock_ns, answers && !d->clock_counters.unsound);
    served_clock_carry_out(d, &action);
}

#define HOST_CLOCK_OFF_NS 10000 /* a host's clock beyond is not where people take it to be */

/* monotonic time since when wrong holds; INT64_MAX while it does not */
static int64_t since(int64_t since_ns, bool wrong, int64_t now_ns)
{
    if (!wrong)
        return INT64_MAX;
    return since_ns == INT64_MAX ? now_ns : since_ns;
}

static void keep_host_clock(struct daemon *d)
{
    struct host *host = &d->host;
    const struct host_clock_status *s = &host->clock.status;
    const struct leap_status *leap = &d->gm.gnss.status.leap;
    const bool was_usable = d->gm.quality.may_serve && d->clock_counters.failing_since_ns == INT64_MAX;
    const struct host_clock_source source = {
        .clock = d->clock,
        .usable = was_usable && !d->gm.discipline.status.jumped,
        .bound_ns = d->gm.discipline.status.bound_ns,
        .utc_offset_s = leap->utc_offset_s,
        .utc_offset_valid = leap->valid,
        .leap59 = leap->leap59,
        .leap61 = leap->leap61,
    };
    int64_t stepped_ns = 0;
    const int64_t now_ns = loop_now();
    const int error = host_clock_run(&host->clock, &host_clock_calls, &source, now_ns, &stepped_ns);
    if (error)
        log_limited(&host->complaint, now_ns, "CLOCK_REALTIME: %s", strerror(-error));
    if (stepped_ns)
        log_line(LOG_LEVEL_NOTICE, "CLOCK_REALTIME stepped by %+.9f s", (double)stepped_ns / 1e9);
    const bool kept = s->state == HOST_CLOCK_FOLLOWING;
    host->refusing_since_ns = since(host->refusing_since_ns, error != 0, now_ns);
    host->off_since_ns = since(host->off_since_ns, kept && fabs(s->offset_ns) > HOST_CLOCK_OFF_NS, now_ns);
    host->idle_since_ns = since(host->idle_since_ns, !kept && was_usable, now_ns);
}

static void look_after_clock(struct daemon *d, int64_t now_ns)
{
    const unsigned generation = d->clock_counters.generation;
    if (served_clock_check(d, now_ns))
        sources_reset(d, now_ns);
    if (d->clock_counters.generation != generation)
        ports_reopen(d, now_ns);
}

/* Clients with grants are told that these end before gmd does. */
static void withdraw_and_stop(struct daemon *d, int64_t now_ns)
{
    if (!d->gm.instance.withdrawn_for_good) {
        instance_withdraw(&d->gm.instance, now_ns);
        d->stop_by_ns = now_ns + WITHDRAW_NS;
    }
    if (unicast_settled(&d->service->unicast) || now_ns >= d->stop_by_ns)
        loop_stop(d->loop);
}

static void on_tick(void *ctx, int64_t now_ns)
{
    struct daemon *d = ctx;
    if (stop_requested)
        withdraw_and_stop(d, now_ns);
    if (now_ns >= d->clock_check_due_ns)
        look_after_clock(d, now_ns);
    if (now_ns >= d->leap_file_due_ns) {
        setup_leap_table(d);
        d->leap_file_due_ns = now_ns + LEAP_FILE_NS;
    }
    temperature_tick(&d->temperature, &d->gm.discipline, loop_now());
    tick_grandmaster(d, now_ns);
    ports_tick(d, loop_now());
    loop_timer_set(d->loop, d->collect_timer, now_ns);
    if (d->conf.host_clock.follow)
        keep_host_clock(d);
    memory_file_tick(&d->memory, &d->gm.discipline, now_ns, d->clock_counters.clock_ns / NS_PER_S);
    alarms_update(&d->alarms, d, loop_now());
    daemon_settle(d);
    sd_notify(0, "WATCHDOG=1");
    loop_timer_set(d->loop, d->tick_timer, now_ns + TICK_NS);
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
    if (setup_host_clock(d, error, error_size) < 0)
        return -1;
    setup_memory(d);
    temperature_init(&d->temperature, d->conf.holdover.temperature_file);
    return sources_open(d, error, error_size);
}

struct daemon *daemon_new(const struct conf *conf, bool probe, char *error, int error_size)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    d->conf = *conf;
    d->loop = loop_new();
    d->service = calloc(1, service_size((unsigned)conf->clients.max));
    d->link_fd = -1;
    d->clock_counters.failing_since_ns = d->clock_counters.refusing_since_ns = INT64_MAX;
    d->host.refusing_since_ns = d->host.off_since_ns = d->host.idle_since_ns = INT64_MAX;
    d->probe = probe;
    d->started_ns = loop_now();
    d->started_utc_s = time(NULL);
    d->leap_file_due_ns = d->started_ns + LEAP_FILE_NS;
    if (!d->loop || !d->service)
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
    d->sync_timer = loop_timer(d->loop, on_instance, d);
    loop_timer_punctual(d->loop, d->sync_timer);
    d->port_timer = loop_timer(d->loop, on_ports, d);
    d->collect_timer = loop_timer(d->loop, on_collect, d);
    d->manage = manage_open(d, &(struct manage_config){
                                   .socket = d->conf.management.socket,
                                   .network = d->conf.management.network,
                                   .user_description = d->conf.management.user_description,
                               });
    d->protection = protection_open(&(struct protection_config){
        .guard = d->conf.clients.guard,
        .ingress = d->conf.clients.fast_path != CONF_FAST_NONE && d->conf.clients.workers == 0,
        .fast_path = d->conf.clients.fast_path == CONF_FAST_XDP,
        .workers = (unsigned)d->conf.clients.workers,
        .clients = (unsigned)d->conf.clients.max,
        .strangers_hz = d->conf.clients.capacity / 4.0,
    });
    if (ports_start(d, error, sizeof error) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", error);
        return 1;
    }
    d->state_logged = d->gm.discipline.status.state;
    d->class_logged = d->gm.quality.clock_quality.clock_class;
    log_line(LOG_LEVEL_INFO, "serving %s; pulses from %s, time of day from %s", d->clock->description,
             d->pulses[0].driver->description, d->receiver->description);
    const int64_t now_ns = loop_now();
    loop_timer_set(d->loop, d->tick_timer, now_ns);
    sources_start(d);
    sd_notify(0, "READY=1");
    const int failed = loop_run(d->loop);
    sd_notify(0, "STOPPING=1");
    log_line(LOG_LEVEL_INFO, "stopped");
    return failed ? 1 : 0;
}

void daemon_free(struct daemon *d)
{
    memory_file_close(&d->memory, &d->gm.discipline, d->clock_counters.clock_ns / NS_PER_S);
    if (d->manage)
        manage_close(d->manage);
    if (d->control)
        control_close(d->control);
    ports_close(d);
    protection_close(d->protection);
    sources_close(d);
    if (d->conf.host_clock.follow && d->clock && !d->probe)
        host_clock_leave(&d->host.clock, &host_clock_calls);
    if (d->clock)
        d->clock->ops->close(d->clock);
    free(d->service);
    loop_free(d->loop);
    free(d);
}
