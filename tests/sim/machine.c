/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/defaults.h"

#define TICK_NS            (NS_PER_S / 4) /* the daemon's */
#define MESSAGE_LATENCY_NS 120000000LL
#define STAMP_LATE_NS      200000000LL

/* --- time as the machine has it -------------------------------------------------------------------- */

static int64_t monotonic(const struct machine *m)
{
    return m->boot_ns + world_now_ns(m->world);
}

static int64_t read_clock(const struct machine *m)
{
    int64_t ns = 0;
    m->clock->ops->read(m->clock, &ns);
    return ns;
}

double machine_error_ns(struct machine *m)
{
    return (double)(read_clock(m) - world_tai_ns(m->world));
}

enum port_state machine_state(const struct machine *m)
{
    return m->alive ? m->gm.instance.ports[0].state : PORT_DISABLED;
}

/* --- events ---------------------------------------------------------------------------------------- */

static void settle(struct machine *m);

static void post(struct machine *m, int64_t at_ns, struct event *e)
{
    e->owner = m;
    e->life = m->life;
    queue_post(&m->world->queue, at_ns, e);
}

static bool outlived(const struct machine *m, const struct event *e)
{
    return !m->alive || e->life != m->life;
}

static void carry_out(struct machine *m, struct discipline_action action)
{
    if (action.step) {
        m->clock->ops->step(m->clock, action.step_ns);
        grandmaster_stepped(&m->gm);
    }
    if (action.adjust)
        m->clock->ops->adjust(m->clock, action.freq_ppb);
}

static void on_timer(void *owner, const struct event *e)
{
    struct machine *m = owner;
    if (outlived(m, e) || world_now_ns(m->world) != m->armed_ns)
        return; /* set anew meanwhile */
    m->armed_ns = INT64_MAX;
    instance_tick(&m->gm.instance, monotonic(m));
    settle(m);
}

static void on_tick(void *owner, const struct event *e)
{
    struct machine *m = owner;
    if (outlived(m, e))
        return;
    carry_out(m, grandmaster_tick(&m->gm, monotonic(m), read_clock(m), true));
    settle(m);
    post(m, world_now_ns(m->world) + TICK_NS, &(struct event){.fire = on_tick});
}

static void on_edge(void *owner, const struct event *e)
{
    struct machine *m = owner;
    int64_t clock_ns;
    if (outlived(m, e) || m->clock->ops->convert(m->clock, STAMP_SYSTEM, e->value, &clock_ns) != 0)
        return;
    const int64_t edge_tai_ns = e->value + WORLD_UTC_OFFSET_S * NS_PER_S;
    const int64_t arrival_ns = m->boot_ns + edge_tai_ns - WORLD_EPOCH_TAI_S * NS_PER_S;
    carry_out(m, grandmaster_pulse(&m->gm, 0, clock_ns, arrival_ns, monotonic(m)));
    settle(m);
}

static void on_message(void *owner, const struct event *e)
{
    struct machine *m = owner;
    struct receiver_report report;
    if (!simulated_gnss_report(m->sky, e->value, &report) || outlived(m, e))
        return;
    report.arrival_ns = monotonic(m);
    carry_out(m, grandmaster_message(&m->gm, &report, read_clock(m)));
    settle(m);
}

/* Half a second before each second the receiver plans what it does at it; it does so for a dead gmd too. */
static void on_second(void *owner, const struct event *e)
{
    struct machine *m = owner;
    struct world *w = m->world;
    const int64_t second_ns = (e->value + WORLD_UTC_OFFSET_S - WORLD_EPOCH_TAI_S) * NS_PER_S;
    int64_t edge_utc_ns;
    if (simulated_gnss_edge(m->sky, e->value, &edge_utc_ns)) {
        const int64_t edge_ns = second_ns + edge_utc_ns - e->value * NS_PER_S;
        post(m, edge_ns + random_between(&w->random, 5000, 50000),
             &(struct event){.fire = on_edge, .value = edge_utc_ns});
    }
    post(m, second_ns + MESSAGE_LATENCY_NS + random_between(&w->random, 0, 20000000),
         &(struct event){.fire = on_message, .value = e->value});
    post(m, second_ns + NS_PER_S / 2, &(struct event){.fire = on_second, .value = e->value + 1});
}

/* --- the network ----------------------------------------------------------------------------------- */

static struct address address_of(unsigned node)
{
    return (struct address){.family = ADDRESS_IPV4, .bytes = {192, 0, 2, (uint8_t)node}};
}

static void on_receive(void *owner, const struct event *e)
{
    struct machine *m = owner;
    if (!m->alive)
        return;
    const struct frame_in frame = {
        .bytes = e->packet.bytes,
        .len = e->packet.len,
        .channel = (enum channel)e->packet.channel,
        .from = address_of(e->packet.from),
        .multicast = e->packet.multicast,
        .has_timestamp = e->packet.channel == CHANNEL_EVENT,
        .timestamp_ns = e->packet.channel == CHANNEL_EVENT ? read_clock(m) : 0,
    };
    instance_receive(&m->gm.instance, 0, &frame, monotonic(m));
    settle(m);
}

static void on_stamp(void *owner, const struct event *e)
{
    struct machine *m = owner;
    if (outlived(m, e))
        return;
    instance_tx_timestamp(&m->gm.instance, 0, e->token, e->value);
    settle(m);
}

/* The frame passes the point where time stamps are taken. */
static void on_departure(void *owner, const struct event *e)
{
    struct machine *m = owner;
    struct world *w = m->world;
    if (outlived(m, e))
        return;
    medium_send(&w->medium, &e->packet);
    if (e->packet.channel != CHANNEL_EVENT)
        return;
    conduct_left(&m->conduct, &e->packet);
    if (random_chance(&w->random, m->config.stamp_lost)) {
        m->stamps_lost++;
        return;
    }
    int64_t delay_ns = random_between(&w->random, 10000, 200000);
    if (random_chance(&w->random, m->config.stamp_late))
        delay_ns += STAMP_LATE_NS;
    post(m, world_now_ns(w) + delay_ns,
         &(struct event){.fire = on_stamp, .value = read_clock(m), .token = e->token});
}

static void send(struct machine *m, const struct frame_out *f)
{
    struct world *w = m->world;
    struct event e = {.fire = on_departure, .token = f->token};
    if (f->len > PACKET_BYTES_MAX) {
        world_violate(w, "%s: sends %u octets", m->name, f->len);
        return;
    }
    e.packet = (struct packet){.from = (uint8_t)m->node,
                               .to = f->to.bytes[3],
                               .multicast = f->destination != DEST_UNICAST,
                               .channel = (uint8_t)f->channel,
                               .len = f->len};
    memcpy(e.packet.bytes, f->bytes, f->len);
    m->departs_ns++;
    const int64_t ready_ns = world_now_ns(w) + random_between(&w->random, 2000, 20000);
    if (m->departs_ns < ready_ns)
        m->departs_ns = ready_ns;
    post(m, m->departs_ns, &e);
}

/* --- after each event ------------------------------------------------------------------------------ */

static void note_changes(struct machine *m)
{
    const enum port_state state = machine_state(m);
    const enum discipline_state discipline = m->gm.discipline.status.state;
    if (discipline != m->discipline_seen)
        world_say(m->world, "%s %s -> %s: %s (class %u, error %+.0f ns)", m->name,
                  discipline_state_name(m->discipline_seen), discipline_state_name(discipline),
                  m->gm.discipline.status.why, m->gm.quality.clock_quality.clock_class, machine_error_ns(m));
    if (discipline == DISCIPLINE_LOCKED && discipline != m->discipline_seen)
        conduct_locked(&m->conduct);
    if (state != m->state_seen)
        world_say(m->world, "%s %s -> %s", m->name, port_state_name(m->state_seen), port_state_name(state));
    if (state == PORT_MASTER && m->state_seen != PORT_MASTER)
        m->became_master++;
    m->state_seen = state;
    m->discipline_seen = discipline;
}

static void settle(struct machine *m)
{
    const double error_ns = machine_error_ns(m);
    for (unsigned i = 0; i < m->outbox.count; i++) {
        conduct_sent(&m->conduct, &m->gm, &m->outbox.frames[i], error_ns);
        send(m, &m->outbox.frames[i]);
    }
    m->outbox.count = 0;
    if (m->outbox.overflows > 0)
        world_violate(m->world, "%s: outbox overflows", m->name);
    note_changes(m);

    const int64_t due_ns = instance_deadline(&m->gm.instance) - m->boot_ns;
    const int64_t now_ns = world_now_ns(m->world);
    const int64_t at_ns = due_ns > now_ns ? due_ns : now_ns;
    if (at_ns == m->armed_ns)
        return;
    m->armed_ns = at_ns;
    post(m, at_ns, &(struct event){.fire = on_timer});
}

/* --- life ------------------------------------------------------------------------------------------ */

static void close_clock(struct machine *m)
{
    if (m->clock)
        m->clock->ops->close(m->clock);
    m->clock = m->oscillator = NULL;
}

static void open_clock(struct machine *m)
{
    char error[120] = "";
    struct oscillator_model model = m->config.oscillator;
    close_clock(m);
    model.seed = random_bits(&m->world->random);
    m->oscillator =
        clock_simulated_open(&model, world_tai_ns, m->world, WORLD_UTC_OFFSET_S, error, sizeof error);
    m->clock = m->oscillator;
    if (m->clock && m->config.logical)
        m->clock = clock_logical_open(m->oscillator, error, sizeof error);
    if (!m->clock) {
        fprintf(stderr, "simulation: %s\n", error);
        abort();
    }
}

void machine_init(struct machine *m, struct world *world, const char *name,
                  const struct machine_config *config, int64_t link_delay_ns)
{
    const struct simulated_config sky = {.jitter_ns = 20,
                                         .latency_ns = MESSAGE_LATENCY_NS,
                                         .gps_minus_utc_s = WORLD_GPS_MINUS_UTC,
                                         .seed = random_bits(&world->random)};
    memset(m, 0, sizeof *m);
    m->world = world;
    m->config = *config;
    snprintf(m->name, sizeof m->name, "%s", name);
    m->node = medium_attach(&world->medium, on_receive, m, link_delay_ns);
    m->boot_ns = random_between(&world->random, NS_PER_S, 1000000 * NS_PER_S);
    m->sky = simulated_gnss_new(&sky);
    m->service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));
    if (!m->sky || !m->service)
        abort();
    post(m, NS_PER_S / 2,
         &(struct event){.fire = on_second, .value = WORLD_EPOCH_TAI_S - WORLD_UTC_OFFSET_S + 1});
}

void machine_free(struct machine *m)
{
    close_clock(m);
    simulated_gnss_free(m->sky);
    free(m->service);
}

void machine_start(struct machine *m, bool cold)
{
    struct world *w = m->world;
    const struct grandmaster_config config = {
        .gnss = gnss_defaults(),
        .discipline = discipline_defaults(),
        .default_ds = {.clock_identity = m->config.identity,
                       .priority1 = m->config.priority1,
                       .priority2 = m->config.priority2,
                       .domain_number = 127},
    };
    if (cold || !m->clock || m->config.logical)
        open_clock(m); /* a logical clock dies with its process */
    m->alive = true;
    m->life++;
    m->outbox.count = 0;
    m->outbox.overflows = 0;
    m->stamps_lost = 0;
    m->armed_ns = INT64_MAX;
    m->state_seen = PORT_INITIALIZING;
    m->discipline_seen = DISCIPLINE_FREE_RUN;
    conduct_start(&m->conduct, w, m->name);
    service_init_plain(m->service, random_bits(&w->random));
    grandmaster_init(&m->gm, &config, m->service);
    m->gm.discipline.config.max_freq_ppb = m->clock->max_freq_ppb;
    instance_add_port(&m->gm.instance, &m->config.port, &m->outbox, random_bits(&w->random), monotonic(m));
    world_say(w, "%s starts%s", m->name, cold ? ", cold" : "");
    if (!w->medium.links[m->node].down)
        instance_link(&m->gm.instance, 0, true, monotonic(m));
    settle(m);
    post(m, world_now_ns(w) + random_between(&w->random, 0, TICK_NS), &(struct event){.fire = on_tick});
}

void machine_kill(struct machine *m)
{
    world_say(m->world, "%s is killed", m->name);
    m->alive = false;
}

void machine_switch(struct machine *m, enum simulated_switch which, bool on)
{
    world_say(m->world, "%s %s %s", m->name, simulated_switch_name(which), on ? "on" : "off");
    simulated_gnss_switch(m->sky, which, on);
}

void machine_disturb(struct machine *m, int64_t delta_ns, int64_t excuse_ns)
{
    world_say(m->world, "%s clock set by %+.9f s", m->name, (double)delta_ns / NS_PER_S);
    clock_simulated_disturb(m->oscillator, delta_ns);
    if (excuse_ns == MACHINE_EXCUSE_UNTIL_LOCK)
        m->conduct.excused_until_ns = INT64_MAX;
    else if (m->conduct.excused_until_ns != INT64_MAX)
        m->conduct.excused_until_ns = world_now_ns(m->world) + excuse_ns;
}

void machine_link(struct machine *m, bool up)
{
    struct link *link = &m->world->medium.links[m->node];
    if (link->down == !up)
        return;
    world_say(m->world, "%s link %s", m->name, up ? "up" : "down");
    link->down = !up;
    if (!m->alive)
        return;
    instance_link(&m->gm.instance, 0, up, monotonic(m));
    settle(m);
}
