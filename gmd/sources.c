/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/sources.h"
#include "gmd/served_clock.h"

#include <stdio.h>
#include <string.h>

#include "gmd/setup.h"

#define EVENTS_PER_WAKE 32

/* --- opening --------------------------------------------------------------------------------------- */

static const struct conf_pulse_source *source_conf(const struct daemon *d, unsigned number)
{
    return number == 0 ? &d->conf.pulse : &d->conf.second_pulse;
}

static const char *source_name(unsigned number)
{
    return number == 0 ? "pulse" : "second_pulse";
}

/* The PHC that stamps pulses: the configured one or the clock's own; it must be what the served time counts
 * by. */
static int extts_device(const struct daemon *d, unsigned number, char *device, int size, char *error,
                        int error_size)
{
    const char *configured = source_conf(d, number)->device;
    if (configured[0])
        snprintf(device, size, "%s", configured);
    else if (!setup_phc_device(d, device, size)) {
        snprintf(error, error_size,
                 "%s.type is \"extts\", but %s has no hardware clock to stamp pulses: use \"pps\"",
                 source_name(number), d->conf.ports[0].interface);
        return -1;
    }
    const dev_t phc = clock_phc_number(device);
    if (phc != 0 && phc == d->clock->phc)
        return 0;
    snprintf(error, error_size, "pulses stamped by %s tell nothing about the %s: %s", device,
             d->clock->description, phc ? "it does not count by that device" : "no such device");
    return -1;
}

static struct pulse *open_extts(struct daemon *d, unsigned number, enum pulse_edge edge, char *error,
                                int error_size)
{
    const struct conf_pulse_source *c = source_conf(d, number);
    char device[CONF_STR_MAX + 16];
    if (extts_device(d, number, device, sizeof device, error, error_size) < 0)
        return NULL;
    struct pulse *p = pulse_extts_open(device, c->pin, c->channel, edge, error, error_size);
    if (p)
        pulse_extts_set_width(p, c->width_ms * 1000000LL);
    return p;
}

/* The PPS device of the very PHC that is to be disciplined. */
static bool follows_itself(const struct daemon *d, const struct pulse *p, char *error, int error_size)
{
    char device[32];
    snprintf(device, sizeof device, "/dev/ptp%d", p->of_phc);
    if (p->of_phc < 0 || d->clock->phc == 0 || clock_phc_number(device) != d->clock->phc)
        return false;
    snprintf(error, error_size, "%s: %s's own second: the clock would follow itself", p->description, device);
    return true;
}

static int open_pulse(struct daemon *d, unsigned number, char *error, int error_size)
{
    const struct conf_pulse_source *c = source_conf(d, number);
    const enum pulse_edge edge = c->edge == CONF_EDGE_FALLING ? PULSE_FALLING : PULSE_RISING;
    char device[CONF_STR_MAX + 16];
    struct pulse **p = &d->pulses[number].driver;
    switch ((enum conf_pulse)c->type) {
    case CONF_PULSE_NONE:
        return 0;
    case CONF_PULSE_SIMULATED:
        *p = pulse_simulated_open(d->simulated);
        break;
    case CONF_PULSE_PPS:
        *p = pulse_pps_open(c->device[0] ? c->device : "/dev/pps0", edge, error, error_size);
        break;
    case CONF_PULSE_EXTTS:
        if (d->probe) /* setting the pin and draining events would rob a gmd that runs */
            return extts_device(d, number, device, sizeof device, error, error_size);
        *p = open_extts(d, number, edge, error, error_size);
        break;
    }
    return *p && !follows_itself(d, *p, error, error_size) ? 0 : -1;
}

static struct simulated_gnss *simulated_sky(const struct conf *c)
{
    const struct simulated_config config = {
        .jitter_ns = c->simulation.pulse_jitter_ns,
        .sawtooth_ns = c->simulation.pulse_sawtooth_ns,
        .latency_ns = c->simulation.message_latency_ms * 1000000LL,
        .gps_minus_utc_s = 18,
        .seed = (uint64_t)c->simulation.seed,
    };
    return simulated_gnss_new(&config);
}

int sources_open(struct daemon *d, char *error, int error_size)
{
    const struct conf *c = &d->conf;
    snprintf(error, error_size, "out of memory");
    if (c->receiver.type == CONF_RECEIVER_SIMULATED || c->pulse.type == CONF_PULSE_SIMULATED ||
        c->second_pulse.type == CONF_PULSE_SIMULATED) {
        d->simulated = simulated_sky(c);
        if (!d->simulated)
            return -1;
    }
    if (c->receiver.type == CONF_RECEIVER_SIMULATED)
        d->receiver = receiver_simulated_open(d->simulated);
    else
        d->receiver = receiver_gpsd_open(c->receiver.host, c->receiver.port, c->receiver.device);
    if (!d->receiver)
        return -1;
    for (unsigned i = 0; i < PULSE_SOURCES; i++)
        if (open_pulse(d, i, error, error_size) < 0)
            return -1;
    return 0;
}

void sources_close(struct daemon *d)
{
    for (unsigned i = 0; i < PULSE_SOURCES; i++)
        if (d->pulses[i].driver)
            d->pulses[i].driver->ops->close(d->pulses[i].driver);
    if (d->receiver)
        d->receiver->ops->close(d->receiver);
    if (d->simulated)
        simulated_gnss_free(d->simulated);
}

/* --- what pulse sources are told ------------------------------------------------------------------- */

static void hint_all(struct daemon *d, enum pulse_hint hint, int64_t at_ns)
{
    for (unsigned i = 0; i < PULSE_SOURCES; i++) {
        struct pulse_input *in = &d->pulses[i];
        if (!in->driver)
            continue;
        pulse_hint(in->driver, hint, at_ns);
        loop_timer_set(d->loop, in->watch.timer, in->driver->ops->deadline(in->driver));
    }
}

void sources_hint_second(struct daemon *d, int64_t now_ns, int64_t clock_ns)
{
    if (discipline_numbers(&d->gm.discipline))
        hint_all(d, PULSE_HINT_SECOND, now_ns - clock_ns % NS_PER_S);
}

/* --- reading --------------------------------------------------------------------------------------- */

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

static void read_receiver(struct daemon *d, int64_t now_ns)
{
    struct receiver_report report;
    int64_t read_ns, clock_ns;
    for (int i = 0; i < EVENTS_PER_WAKE && d->receiver->ops->read(d->receiver, now_ns, &report) > 0; i++) {
        if (report.has_time)
            hint_all(d, PULSE_HINT_MESSAGE, report.arrival_ns);
        if (served_clock_read(d, &read_ns, &clock_ns) != 0)
            continue;
        const struct discipline_action action = grandmaster_message(&d->gm, &report, clock_ns);
        served_clock_carry_out(d, &action);
    }
    log_receiver(d);
}

static void read_pulses(struct pulse_input *in, int64_t now_ns)
{
    struct daemon *d = in->daemon;
    struct pulse_event event;
    for (int i = 0; i < EVENTS_PER_WAKE; i++) {
        int64_t clock_ns;
        const int got = in->driver->ops->read(in->driver, now_ns, &event);
        if (got == 0)
            break;
        if (got < 0) {
            log_limited(&in->complaint, now_ns, "%s: %s", in->driver->description, strerror(-got));
            break;
        }
        const enum stamp kind = event.hardware ? STAMP_HARDWARE : STAMP_SYSTEM;
        const int error = d->clock->ops->convert(d->clock, kind, event.edge_ns, &clock_ns);
        if (error) {
            d->clock_counters.convert_errors++;
            log_limited(&in->complaint, now_ns, "%s cannot be related to the %s: %s", in->driver->description,
                        d->clock->description, strerror(-error));
            continue;
        }
        const struct discipline_action action =
            grandmaster_pulse(&d->gm, in->number, clock_ns, event.arrival_ns, loop_now());
        served_clock_carry_out(d, &action);
    }
}

/* --- watching: descriptors and deadlines may change at each call ------------------------------------ */

static void watch(struct daemon *d, struct source_watch *w, unsigned which, int fd, loop_io_fn fn, void *ctx)
{
    if (fd == w->fd[which])
        return;
    if (w->handle[which] >= 0)
        loop_unwatch(d->loop, w->handle[which]);
    w->handle[which] = fd >= 0 ? loop_watch(d->loop, fd, POLLIN, fn, ctx) : -1;
    w->fd[which] = fd;
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
    int fds[RECEIVER_FDS];
    read_receiver(d, now_ns);
    daemon_settle(d);
    d->receiver->ops->fds(d->receiver, fds);
    for (unsigned i = 0; i < RECEIVER_FDS; i++)
        watch(d, &d->receiver_watch, i, fds[i], on_receiver_fd, d);
    loop_timer_set(d->loop, d->receiver_watch.timer, d->receiver->ops->deadline(d->receiver));
}

static void watch_pulse(struct pulse_input *in)
{
    watch(in->daemon, &in->watch, 0, in->driver->ops->fd(in->driver), on_pulse_fd, in);
    loop_timer_set(in->daemon->loop, in->watch.timer, in->driver->ops->deadline(in->driver));
}

/* Two channels of one PHC share its queue: reading one may bring something for the other. */
static void on_pulse(void *ctx, int64_t now_ns)
{
    struct pulse_input *in = ctx;
    struct daemon *d = in->daemon;
    read_pulses(in, now_ns);
    daemon_settle(d);
    for (unsigned i = 0; i < PULSE_SOURCES; i++)
        if (d->pulses[i].daemon)
            watch_pulse(&d->pulses[i]);
}

static const struct source_watch unwatched = {.fd = {-1, -1}, .handle = {-1, -1}};

void sources_start(struct daemon *d)
{
    const int64_t now_ns = loop_now();
    d->receiver_watch = unwatched;
    d->receiver_watch.timer = loop_timer(d->loop, on_receiver, d);
    on_receiver(d, now_ns);
    for (unsigned i = 0; i < PULSE_SOURCES; i++) {
        struct pulse_input *in = &d->pulses[i];
        if (!in->driver)
            continue;
        in->daemon = d;
        in->number = i;
        in->watch = unwatched;
        in->watch.timer = loop_timer(d->loop, on_pulse, in);
        on_pulse(in, now_ns);
    }
}

void sources_reset(struct daemon *d, int64_t now_ns)
{
    hint_all(d, PULSE_HINT_RESET, now_ns);
    for (unsigned i = 0; i < PULSE_SOURCES; i++)
        if (d->pulses[i].driver)
            on_pulse(&d->pulses[i], now_ns);
}
