/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gmd/manage.h"
#include "gmd/protection.h"
#include "gmd/setup.h"

#define LINKS_PER_WAKE 64
#define WAKE_NS        (NS_PER_S / 1000)
#define FRAME_COST_NS  60000LL /* to answer a request, beside a kernel that receives on the same core */
#define RETRY_NS       NS_PER_S
#define STAMPS_MISSING 3

typedef struct transport *(*transport_open)(const struct transport_config *c, char *error, int error_size);
static const transport_open opens[] = {
    [CONF_UDPV4] = transport_udpv4_open,
    [CONF_UDPV6] = transport_udpv6_open,
    [CONF_ETHERNET] = transport_ethernet_open,
};

static const struct conf_port *conf_of(const struct daemon_port *p)
{
    return &p->daemon->conf.ports[p->number];
}

static void set_retry_timer(struct daemon *d)
{
    int64_t retry_ns = INT64_MAX;
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        if (d->ports[i].retry_ns < retry_ns)
            retry_ns = d->ports[i].retry_ns;
    loop_timer_set(d->loop, d->port_timer, retry_ns);
}

void ports_set_timers(struct daemon *d)
{
    loop_timer_set(d->loop, d->instance_timer, instance_deadline(&d->gm.instance));
    loop_timer_set(d->loop, d->sync_timer, instance_sync_due(&d->gm.instance));
}

/* A frame that did not leave, or without a stamp. */
static void unstamped(struct daemon_port *p, const struct frame_out *f)
{
    if (f->want_timestamp)
        instance_tx_unstamped(&p->daemon->gm.instance, p->number, f->token);
}

static void transmit(struct daemon_port *p)
{
    struct outbox *box = &p->outbox;
    int results[OUTBOX_FRAMES];
    if (box->count > 0 && p->transport)
        p->transport->ops->send(p->transport, box->frames, box->count, results);
    for (unsigned i = 0; i < box->count; i++)
        if (!p->transport || results[i] != 0)
            unstamped(p, &box->frames[i]);
    box->count = 0;
}

/* So many in a row are no accident: the driver's settings may not be what they were. */
static bool stamps_stay_out(const struct daemon_port *p)
{
    const struct port *port = &p->daemon->gm.instance.ports[p->number];
    return p->transport && p->stamping == STAMPING_HARDWARE &&
           (port->tx_missing_run >= STAMPS_MISSING || port->rx_missing_run >= STAMPS_MISSING);
}

void ports_flush(struct daemon *d)
{
    for (unsigned i = 0; i < d->gm.instance.port_count; i++) {
        struct daemon_port *p = &d->ports[i];
        transmit(p);
        if (p->retry_ns == INT64_MAX && stamps_stay_out(p)) {
            p->retry_ns = loop_now() + RETRY_NS;
            set_retry_timer(d);
        }
    }
    protection_settle(d->protection, d);
}

/* What a clock stamps that was moved and is not yet set right again is worse than nothing: a client believes
 * it. Without it there is no Follow_Up and no Delay_Resp. */
static bool is_doubted(const struct daemon *d)
{
    return d->clock_counters.unsound || d->gm.discipline.watch.state == WATCH_SUSPICIOUS;
}

static bool to_clock(struct daemon *d, const struct raw_stamp *stamp, int64_t *clock_ns)
{
    if (!stamp->present || is_doubted(d))
        return false;
    const enum stamp kind = stamp->hardware ? STAMP_HARDWARE : STAMP_SYSTEM;
    if (d->clock->ops->convert(d->clock, kind, stamp->ns, clock_ns) == 0)
        return true;
    d->clock_counters.convert_errors++;
    return false;
}

/* What the engine says of one batch fits in an outbox, though a management message may be answered by
 * several. */
static void take(struct daemon_port *p, struct received *r, int64_t now_ns)
{
    struct daemon *d = p->daemon;
    r->frame.has_timestamp = to_clock(d, &r->stamp, &r->frame.timestamp_ns);
    instance_receive(&d->gm.instance, p->number, &r->frame, now_ns);
    manage_frame(d->manage, p->number, &r->frame, now_ns);
    if (p->outbox.count > OUTBOX_FRAMES / 2)
        ports_flush(d);
}

/* As many frames as are done with before Sync or Announce is due: the load of requests must not delay these.
 */
static unsigned batch_size(const struct daemon *d, int64_t now_ns)
{
    const int64_t room_ns = instance_deadline(&d->gm.instance) - now_ns;
    if (room_ns > FRAME_COST_NS * TRANSPORT_BATCH)
        return TRANSPORT_BATCH;
    return room_ns > FRAME_COST_NS ? (unsigned)(room_ns / FRAME_COST_NS) : 1;
}

/* Returns to the loop when a timer is due, and after some time in any case: other ports wait too. */
static void receive(struct daemon_port *p)
{
    struct daemon *d = p->daemon;
    struct received *frames;
    int64_t now_ns = loop_now();
    const int64_t until_ns = now_ns + WAKE_NS;
    do {
        const unsigned count = p->transport->ops->receive(p->transport, batch_size(d, now_ns), &frames);
        for (unsigned i = 0; i < count; i++)
            take(p, &frames[i], now_ns);
        ports_flush(d);
        if (count == 0)
            return;
        now_ns = loop_now();
    } while (now_ns < until_ns && now_ns < instance_deadline(&d->gm.instance));
}

static void collect_stamps(struct daemon_port *p)
{
    uint32_t token;
    struct raw_stamp stamp;
    int64_t clock_ns;
    struct daemon *d = p->daemon;
    while (p->transport->ops->tx_stamp(p->transport, &token, &stamp) > 0) {
        if (!to_clock(d, &stamp, &clock_ns))
            continue;
        p->last_stamp_ns = loop_now();
        instance_tx_timestamp(&d->gm.instance, p->number, token, clock_ns);
        if (p->outbox.count > OUTBOX_FRAMES / 2)
            ports_flush(d);
    }
    ports_flush(d);
}

static void on_socket(void *ctx, int fd, short revents)
{
    (void)fd;
    struct daemon_port *p = ctx;
    if (revents & POLLERR)
        collect_stamps(p);
    if (revents & POLLIN)
        receive(p);
    ports_set_timers(p->daemon);
}

static void close_port(struct daemon_port *p)
{
    struct daemon *d = p->daemon;
    for (int i = 0; i < TRANSPORT_FDS; i++) {
        if (p->watches[i] >= 0)
            loop_unwatch(d->loop, p->watches[i]);
        p->watches[i] = -1;
    }
    if (p->transport) {
        protection_port_closing(d->protection, p);
        p->transport->ops->close(p->transport);
    }
    p->transport = NULL;
}

static int open_port(struct daemon_port *p, char *error, int error_size)
{
    struct daemon *d = p->daemon;
    const struct conf_port *c = conf_of(p);
    if (setup_stamping(d, p, error, error_size) < 0)
        return -1;
    struct transport_config config = {
        .stamping = p->stamping,
        .dscp_event = c->dscp_event,
        .dscp_general = c->dscp_general,
        .priority = c->vlan_priority,
        .ttl = c->udp_ttl,
        .peer_delay = c->delay_mechanism == CONF_P2P,
    };
    snprintf(config.interface, sizeof config.interface, "%.15s", c->interface);
    p->transport = opens[c->transport](&config, error, error_size);
    if (!p->transport)
        return -1;
    for (int i = 0; i < TRANSPORT_FDS; i++)
        if (p->transport->fds[i] >= 0)
            p->watches[i] = loop_watch(d->loop, p->transport->fds[i], POLLIN, on_socket, p);
    log_line(LOG_LEVEL_INFO, "port %u: %s over %s with %s time stamps%s%s", p->number + 1, c->interface,
             p->transport->ops->name, p->stamping == STAMPING_HARDWARE ? "hardware" : "software",
             p->problem[0] ? ": " : "", p->problem);
    protection_port_opened(d->protection, p);
    return 0;
}

/* A driver's reset, or another program, may have changed what the driver was asked for. */
static void renew_stamping(struct daemon_port *p, int64_t now_ns)
{
    const struct conf_port *c = conf_of(p);
    struct port *port = &p->daemon->gm.instance.ports[p->number];
    const struct hwtstamp_need need = {.ethernet = c->transport == CONF_ETHERNET,
                                       .one_step = port->config.one_step_sync};
    char error[160];
    const int result = interface_stamp_in_hardware(c->interface, &need, error, sizeof error);
    if (result < 0)
        log_limited(&p->complaint, now_ns, "port %u: %s", p->number + 1, error);
    else if (result > 0)
        log_line(LOG_LEVEL_WARNING,
                 "port %u: something had changed the hardware time stamping of %s: restored", p->number + 1,
                 c->interface);
    port->tx_missing_run = port->rx_missing_run = 0;
}

/* An interface that came back may have another PHC, and it is the first port's that is served unless the
 * configuration names one. */
static void follow_phc(const struct daemon_port *p)
{
    const struct daemon *d = p->daemon;
    char device[32];
    snprintf(device, sizeof device, "/dev/ptp%d", p->info.phc_index);
    if (p->number == 0 && p->info.phc_index >= 0 && !d->conf.clock.device[0] && d->clock->ops->follow &&
        clock_phc_number(device) != d->clock->phc)
        d->clock->ops->follow(d->clock, device);
}

/* Brings one port in line with what the kernel says about its interface now. */
static void reconcile(struct daemon_port *p, int64_t now_ns)
{
    struct daemon *d = p->daemon;
    const struct interface_info before = p->info;
    char error[160] = "";
    const bool exists = interface_query(conf_of(p)->interface, &p->info, error, sizeof error) == 0;
    /* Not the stamps that were asked for: some drivers set them up only while the interface is up. */
    const bool better_stamps = p->problem[0] && p->info.up && !before.up;
    if (!exists || p->info.index != before.index || better_stamps)
        close_port(p);
    if (exists && !p->transport) {
        follow_phc(p);
        open_port(p, error, sizeof error);
    } else if (exists && p->stamping == STAMPING_HARDWARE)
        renew_stamping(p, now_ns);
    if (p->transport) {
        p->retry_ns = INT64_MAX;
    } else {
        snprintf(p->problem, sizeof p->problem, "%s", error);
        log_limited(&p->complaint, now_ns, "port %u: %s; trying again every second", p->number + 1, error);
        p->retry_ns = now_ns + RETRY_NS;
    }
    const bool up = p->transport && p->info.up;
    if (up != port_is_active(&d->gm.instance.ports[p->number]))
        instance_link(&d->gm.instance, p->number, up, now_ns);
}

static void reconcile_all(struct daemon *d, int64_t now_ns)
{
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        reconcile(&d->ports[i], now_ns);
    set_retry_timer(d);
    ports_flush(d);
    ports_set_timers(d);
}

/* Which link changed does not matter: all are asked again, so that lost messages do no harm either. */
static void on_link(void *ctx, int fd, short revents)
{
    (void)revents;
    bool changed = false;
    for (int i = 0; i < LINKS_PER_WAKE && link_watch_read(fd) > 0; i++)
        changed = true;
    if (changed)
        reconcile_all(ctx, loop_now());
}

void ports_reopen(struct daemon *d, int64_t now_ns)
{
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        if (d->ports[i].stamping == STAMPING_HARDWARE || d->ports[i].problem[0])
            close_port(&d->ports[i]);
    reconcile_all(d, now_ns);
}

void ports_tick(struct daemon *d, int64_t now_ns)
{
    protection_renew(d->protection, d, now_ns);
    protection_check(d->protection, d);
}

void ports_retry(struct daemon *d, int64_t now_ns)
{
    reconcile_all(d, now_ns);
}

int ports_start(struct daemon *d, char *error, int error_size)
{
    d->link_fd = link_watch_open();
    if (d->link_fd < 0) {
        snprintf(error, error_size, "cannot watch links: %s", strerror(-d->link_fd));
        return -1;
    }
    loop_watch(d->loop, d->link_fd, POLLIN, on_link, d);
    for (unsigned i = 0; i < d->gm.instance.port_count; i++) {
        struct daemon_port *p = &d->ports[i];
        /* an interface, its link or its address may come later; a driver that cannot do what is asked never
         * will */
        const bool is_final = p->info.up || !p->info.hardware_stamping;
        if (p->info.index > 0 && is_final && setup_stamping(d, p, error, error_size) < 0)
            return -1;
    }
    reconcile_all(d, loop_now());
    return 0;
}

void ports_close(struct daemon *d)
{
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        close_port(&d->ports[i]);
    if (d->link_fd >= 0)
        close(d->link_fd);
    d->link_fd = -1;
}
