/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/protection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/client_feed.h"
#include "gmd/net/answer.h"
#include "gmd/net/clock_line.h"
#include "gmd/net/fast_path.h"
#include "gmd/net/workers.h"

/* What comes at once, of a common bucket's rate. */
#define BURST_S (1.0 / 16)

/* Of what the budget has for juniors: it must see that they want more. */
#define JUNIORS_SHARE 1.25

/* Requests that tell whether the ingress can read their stamps. */
#define STAMPS_TO_TELL 16

static const char blind_ingress[] =
    "no answers from the ingress: the driver keeps receive time stamps for sockets; gmd answers itself";

struct port_protection {
    bool guarded;
    bool ingress; /* the guard answers ... */
    bool blind;   /* ... or would, if it could read the receive stamps */
    uint64_t answered_seen, unstamped_seen;
    bool serves; /* what those were told last */
    struct fast_path *fast;
    struct workers *workers;
    char missing[160], problem[160];
    uint64_t queue_lost; /* known only with the guard: the plain filter does not count what it refuses */
    uint64_t refused_before, queue_lost_before; /* the transport was opened */
};

struct protection {
    struct protection_config config;
    struct guard *guard;
    struct client_feed *feed;
    char missing[120]; /* why there is no guard; empty: there is one, or none is to be */
    struct port_protection ports[KERNEL_PORTS_MAX];
};

struct protection *protection_open(const struct protection_config *c)
{
    struct protection *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->config = *c;
    if (c->guard || c->fast_path || c->workers > 0)
        g->guard = guard_open(c->clients, g->missing, sizeof(g->missing));
    if (g->guard)
        g->feed = client_feed_new(g->guard, c->clients);
    if (g->missing[0])
        log_line(LOG_LEVEL_WARNING,
                 "clients.guard: %s. Clients are kept to their rates, but only behind the receive queue: "
                 "a flood that overflows it takes requests from all of them",
                 g->missing);
    return g;
}

void protection_close(struct protection *g)
{
    if (!g)
        return;
    client_feed_free(g->feed);
    guard_close(g->guard);
    free(g);
}

/* --- a port's life ------------------------------------------------------------------------------------- */

static uint64_t refused_by_guard(const struct kernel_counts *n)
{
    uint64_t refused = 0;
    for (int i = 0; i < KERNEL_CLASSES; i++)
        refused += n->refused[i];
    return refused;
}

static void attach_guard(struct protection *g, struct daemon_port *port, struct port_protection *p)
{
    const struct default_ds *ds = &port->daemon->gm.instance.default_ds;
    const struct guard_port settings = {
        .ifindex = port->info.index, .domain = ds->domain_number, .sdo_id = ds->sdo_id};
    int error = g->guard ? guard_attach(g->guard, port->number, &settings, port->transport) : 0;
    if (g->guard)
        guard_set_strangers(g->guard, port->number, g->config.strangers_hz,
                            (unsigned)(g->config.strangers_hz * BURST_S));
    p->guarded = g->guard && !error && g->config.guard;
    if (p->guarded)
        return;
    snprintf(p->missing, sizeof(p->missing), "%s", error ? strerror(-error) : g->missing);
    guard_attach_plain(&settings, port->transport);
}

/* Where requests to us go and come from, and what else the kernel needs to know before it decides on them. */
static void settle_answers(struct protection *g, const struct daemon_port *port,
                           const struct port_protection *p)
{
    const struct daemon *d = port->daemon;
    const struct conf_port *c = &d->conf.ports[port->number];
    const struct answer_config config = {
        .interface = c->interface,
        .identity = d->gm.instance.ports[port->number].identity,
        .dscp_general = c->dscp_general,
        .ttl = c->udp_ttl,
        .ingress = !p->ingress                           ? KERNEL_INGRESS_NONE
                   : port->stamping == STAMPING_HARDWARE ? KERNEL_INGRESS_HARDWARE
                                                         : KERNEL_INGRESS_SOFTWARE,
    };
    answer_settle(guard_kernel_port(g->guard, port->number), &config, port->transport);
}

static void open_fast_path(struct protection *g, const struct daemon_port *port, struct port_protection *p)
{
    const struct fast_path_config config = {
        .interface = port->daemon->conf.ports[port->number].interface,
        .ifindex = port->info.index,
        .stamping = port->stamping,
    };
    char why[120];
    p->fast = fast_path_open(g->guard, &config, why, sizeof(why));
    if (p->fast)
        log_line(LOG_LEVEL_INFO, "port %u: fast path in the driver, with %s time stamps", port->number + 1,
                 port->stamping == STAMPING_HARDWARE ? "hardware" : "software");
    else
        snprintf(p->problem, sizeof(p->problem), "no fast path in the driver: %s", why);
}

static void open_workers(struct protection *g, const struct daemon_port *port, struct port_protection *p)
{
    const struct workers_config config = {
        .port = port->number, .count = g->config.workers, .ifindex = port->info.index};
    char why[120];
    p->workers = workers_open(g->guard, &config, port->transport, why, sizeof(why));
    if (p->workers)
        log_line(LOG_LEVEL_INFO, "port %u: %u workers", port->number + 1, g->config.workers);
    else
        snprintf(p->problem, sizeof(p->problem), "no workers: %s", why);
}

static bool has_helpers(const struct port_protection *p)
{
    return p->ingress || p->fast || p->workers;
}

/* In the daemon's stead. */
static void open_helpers(struct protection *g, const struct daemon_port *port, struct port_protection *p)
{
    if (g->config.fast_path)
        open_fast_path(g, port, p);
    if (g->config.workers > 0)
        open_workers(g, port, p);
    client_feed_helped(g->feed, port->number, has_helpers(p));
}

void protection_port_opened(struct protection *g, struct daemon_port *port)
{
    if (!g)
        return;
    struct port_protection *p = &g->ports[port->number];
    const struct kernel_counts before = protection_counts(g, port->number);
    *p = (struct port_protection){.answered_seen = before.answered,
                                  .unstamped_seen = before.unstamped,
                                  .refused_before = refused_by_guard(&before),
                                  .queue_lost = p->queue_lost,
                                  .queue_lost_before = p->queue_lost};
    attach_guard(g, port, p);
    if (g->guard) {
        p->ingress = g->config.ingress && guard_is_early(g->guard, port->number);
        settle_answers(g, port, p);
        open_helpers(g, port, p);
    } else if (g->config.fast_path || g->config.workers > 0)
        snprintf(p->problem, sizeof(p->problem), "no %s: %s", g->config.fast_path ? "fast path" : "workers",
                 g->missing);
    if (p->problem[0])
        log_line(LOG_LEVEL_WARNING, "port %u: %s", port->number + 1, p->problem);
}

void protection_port_closing(struct protection *g, const struct daemon_port *port)
{
    if (!g)
        return;
    struct port_protection *p = &g->ports[port->number];
    workers_close(p->workers);
    fast_path_close(p->fast);
    p->workers = NULL;
    p->fast = NULL;
    p->ingress = p->blind = false;
    client_feed_helped(g->feed, port->number, false);
    if (g->guard)
        guard_detach(g->guard, port->number);
}

/* --- its days ------------------------------------------------------------------------------------------ */

/* What holds for all of a port's clients; what holds for each: respond_elsewhere(). */
static bool may_answer(const struct daemon *d, const struct port *port)
{
    const struct clock_counters *c = &d->clock_counters;
    return port->state == PORT_MASTER && port->config.delay_mechanism == DELAY_MECHANISM_E2E &&
           d->gm.instance.may_serve && !c->unsound && !c->gone && c->failing_since_ns == INT64_MAX &&
           d->gm.discipline.watch.state != WATCH_SUSPICIOUS;
}

static void renew(struct protection *g, struct daemon *d, const struct daemon_port *foot, int64_t now_ns)
{
    const struct port *port = &d->gm.instance.ports[foot->number];
    const enum stamp kind = foot->stamping == STAMPING_HARDWARE ? STAMP_HARDWARE : STAMP_SYSTEM;
    struct answer_state s = {
        .serves = may_answer(d, port),
        .now_ns = now_ns,
        .answer = {.socket_lag_ns = clock_line_socket_lag(kind),
                   .ingress_latency_ns = port->config.ingress_latency_ns,
                   .log_min_delay_req_interval = budget_log_interval(
                       &d->service->budget, port->config.log_min_delay_req_interval, now_ns)},
    };
    s.serves = s.serves && clock_line(d->clock, kind, &s.answer.line) == 0;
    answer_renew(guard_kernel_port(g->guard, foot->number), &s);
    g->ports[foot->number].serves = s.serves;
}

static void share_budget(struct protection *g, struct daemon *d, int64_t now_ns)
{
    struct budget_status s;
    budget_status(&d->service->budget, now_ns, &s);
    const double juniors_hz = JUNIORS_SHARE * s.juniors_hz;
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        guard_set_juniors(g->guard, i, juniors_hz, (unsigned)(juniors_hz * BURST_S));
}

void protection_renew(struct protection *g, struct daemon *d, int64_t now_ns)
{
    for (unsigned i = 0; g && g->guard && i < d->gm.instance.port_count; i++) {
        guard_renew(g->guard, i, now_ns);
        if (has_helpers(&g->ports[i]))
            renew(g, d, &d->ports[i], now_ns);
    }
}

bool protection_collect(struct protection *g, struct daemon *d, int64_t now_ns)
{
    const bool all = !g || client_feed_counts(g->feed, &d->gm.instance, now_ns);
    if (g && g->guard && all)
        share_budget(g, d, now_ns);
    return all;
}

void protection_settle(struct protection *g, struct daemon *d)
{
    if (g)
        client_feed_changes(g->feed, &d->gm.instance, loop_now());
    for (unsigned i = 0; g && i < d->gm.instance.port_count; i++)
        if (has_helpers(&g->ports[i]) && g->ports[i].serves != may_answer(d, &d->gm.instance.ports[i]))
            renew(g, d, &d->ports[i], loop_now());
}

/* The kernel counts the guard's refusals and full queues together. Its counters are read one after the other
 * while they run. */
static void count_lost(struct protection *g, const struct daemon_port *foot, const struct kernel_counts *n)
{
    struct port_protection *p = &g->ports[foot->number];
    foot->transport->ops->count_drops(foot->transport);
    uint64_t lost = foot->transport->counters.rx_dropped;
    const uint64_t refused = refused_by_guard(n) - p->refused_before;
    lost = p->queue_lost_before + (lost > refused ? lost - refused : 0);
    if (p->workers)
        lost += workers_count(p->workers).queue_lost;
    if (p->guarded && lost > p->queue_lost)
        p->queue_lost = lost;
}

/* Some drivers keep the NIC's stamps where only sockets find them. */
static void look_for_stamps(struct protection *g, unsigned port, const struct kernel_counts *n)
{
    struct port_protection *p = &g->ports[port];
    const uint64_t answered = n->answered - p->answered_seen, unstamped = n->unstamped - p->unstamped_seen;
    if (!p->ingress || answered + unstamped < STAMPS_TO_TELL)
        return;
    const bool was_blind = p->blind;
    p->answered_seen = n->answered;
    p->unstamped_seen = n->unstamped;
    p->blind = unstamped > answered;
    if (p->blind && !was_blind)
        log_line(LOG_LEVEL_WARNING, "port %u: %s", port + 1, blind_ingress);
    else if (was_blind && !p->blind)
        log_line(LOG_LEVEL_NOTICE, "port %u: answers from the ingress again", port + 1);
}

void protection_check(struct protection *g, struct daemon *d)
{
    for (unsigned i = 0; g && i < d->gm.instance.port_count; i++) {
        struct port_protection *p = &g->ports[i];
        const struct kernel_counts counts = protection_counts(g, i);
        if (d->ports[i].transport)
            count_lost(g, &d->ports[i], &counts);
        look_for_stamps(g, i, &counts);
        if (!p->fast || !fast_path_check(p->fast))
            continue;
        snprintf(p->problem, sizeof(p->problem),
                 "no fast path in the driver: %.15s takes its answers and loses them",
                 d->conf.ports[i].interface);
        log_line(LOG_LEVEL_WARNING, "port %u: %s", i + 1, p->problem);
    }
}

void protection_account(struct protection *g, struct daemon *d, int64_t now_ns)
{
    if (g)
        client_feed_all_counts(g->feed, &d->gm.instance, now_ns);
}

struct kernel_counts protection_counts(const struct protection *g, unsigned port)
{
    return g && g->guard ? guard_totals(g->guard, port) : (struct kernel_counts){.answered = 0};
}

void protection_status(const struct protection *g, unsigned port, struct protection_status *s)
{
    const struct port_protection *p = &g->ports[port];
    *s = (struct protection_status){.guarded = p->guarded,
                                    .early = p->guarded && guard_is_early(g->guard, port),
                                    .fast_mode = fast_path_is_on(p->fast)  ? "driver"
                                                 : p->ingress && !p->blind ? "ingress"
                                                                           : "off",
                                    .counts = protection_counts(g, port),
                                    .queue_lost = p->queue_lost};
    if (p->workers) {
        s->workers = g->config.workers;
        s->workers_unanswered = workers_count(p->workers).unanswered;
    }
    snprintf(s->missing, sizeof(s->missing), "%s", p->missing);
    snprintf(s->problem, sizeof(s->problem), "%s", p->problem[0] || !p->blind ? p->problem : blind_ingress);
}
