/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/slave.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/ptp/frame.h"
#include "gmd/ptp/interval.h"

#define TICK_NS         (NS_PER_S / 32)
#define REQUEST_WAIT_NS 1000000 /* soon after the Sync: the free running clock has no time to run away */

/* What its clock is off by. */
static int64_t own_error_ns(const struct slave *s)
{
    return s->config.offset_ns + (int64_t)((double)world_now_ns(s->world) * s->config.freq_ppb * 1e-9);
}

static int64_t own_time_ns(const struct slave *s)
{
    return world_tai_ns(s->world) + own_error_ns(s);
}

static int64_t whole_ns(int64_t correction)
{
    return correction >> 16;
}

/* --- the master ------------------------------------------------------------------------------------ */

static void forget_measurements(struct slave *s)
{
    memset(s->exchanges, 0, sizeof s->exchanges);
    s->request.waits = false;
    s->request_due_ns = 0;
    s->has_delay = false;
    s->measured_ns = INT64_MIN;
}

static void elect(struct slave *s)
{
    const int64_t now_ns = world_now_ns(s->world);
    char id[PORT_IDENTITY_STRLEN];
    foreign_expire(&s->foreign, now_ns);
    const struct foreign_master *best = foreign_best(&s->foreign, now_ns);
    if (!best) {
        if (s->has_master)
            world_say(s->world, "%s lost its master", s->name);
        s->has_master = false;
        return;
    }
    const struct port_identity *sender = &best->last.candidate.sender;
    const bool same = port_identity_compare(sender, &s->master) == 0;
    if (s->has_master && same)
        return;
    s->has_master = true;
    s->selected_ns = now_ns;
    s->changes += same ? 0 : 1;
    s->master = *sender;
    forget_measurements(s);
    world_say(s->world, "%s selects %s", s->name, port_identity_format(sender, id));
}

static void on_announce(struct slave *s, const struct ptp_message *m)
{
    const struct announce_body *a = &m->body.announce;
    const struct foreign_announce announce = {
        .candidate = {.priority1 = a->grandmaster_priority1,
                      .priority2 = a->grandmaster_priority2,
                      .steps_removed = a->steps_removed,
                      .quality = a->grandmaster_clock_quality,
                      .grandmaster = a->grandmaster_identity,
                      .sender = m->header.source,
                      .receiver = {s->config.identity, 1}},
        .sequence_id = m->header.sequence_id,
    };
    foreign_announce(&s->foreign, &announce, &s->config.identity, world_now_ns(s->world));
    elect(s);
}

static void on_tick(void *owner, const struct event *e)
{
    struct slave *s = owner;
    elect(s);
    queue_post(&s->world->queue, world_now_ns(s->world) + TICK_NS, e);
}

/* --- measuring ------------------------------------------------------------------------------------- */

static void on_request(void *owner, const struct event *e)
{
    struct slave *s = owner;
    struct packet p = {.from = (uint8_t)s->node,
                       .to = s->master_node,
                       .multicast = !s->config.hybrid,
                       .channel = CHANNEL_EVENT};
    if (!s->request.waits || e->token != s->request.sequence_id)
        return; /* another master meanwhile */
    const struct ptp_message m = {
        .header = {.message_type = MSG_DELAY_REQ,
                   .minor_version = PTP_MINOR_VERSION,
                   .domain_number = s->config.domain_number,
                   .flags = s->config.hybrid ? FLAG_UNICAST : 0,
                   .source = {s->config.identity, 1},
                   .sequence_id = s->request.sequence_id,
                   .control = WIRE_CONTROL_AUTO,
                   .log_message_interval = LOG_INTERVAL_NONE},
    };
    p.len = (uint16_t)wire_encode(&m, p.bytes, sizeof p.bytes);
    s->request.sent_ns = own_time_ns(s);
    medium_send(&s->world->medium, &p);
}

/* Randomly between 0 and 2 intervals apart, clause 9.5.11.2. */
static void ask(struct slave *s, int64_t forward_ns)
{
    const int64_t now_ns = world_now_ns(s->world);
    if (now_ns < s->request_due_ns)
        return;
    s->request_due_ns =
        now_ns + random_between(&s->world->random, 0, 2 * interval_ns(s->config.log_min_delay_req_interval));
    s->request.waits = true;
    s->request.sequence_id++;
    s->request.forward_ns = forward_ns;
    queue_post(&s->world->queue, now_ns + random_between(&s->world->random, 0, REQUEST_WAIT_NS),
               &(struct event){.fire = on_request, .owner = s, .token = s->request.sequence_id});
}

static void measure(struct slave *s, const struct slave_exchange *x)
{
    const int64_t forward_ns = x->received_ns - x->origin_ns - x->correction_ns;
    if (s->has_delay) {
        const int64_t offset_ns = forward_ns - s->delay_ns;
        s->error_ns = x->own_error_ns - offset_ns;
        s->measured_ns = world_now_ns(s->world);
        if (llabs(s->error_ns) > s->worst_ns)
            s->worst_ns = llabs(s->error_ns);
        if (s->judge)
            s->judge(s->judge_ctx, s);
    }
    ask(s, forward_ns);
}

static struct slave_exchange *exchange_of(struct slave *s, uint16_t sequence_id)
{
    struct slave_exchange *x = &s->exchanges[sequence_id % SLAVE_EXCHANGES];
    if (x->sequence_id != sequence_id)
        *x = (struct slave_exchange){.sequence_id = sequence_id};
    return x;
}

static void on_sync(struct slave *s, const struct ptp_message *m)
{
    struct slave_exchange *x = exchange_of(s, m->header.sequence_id);
    if (x->has_sync)
        return;
    x->has_sync = true;
    x->received_ns = own_time_ns(s);
    x->own_error_ns = own_error_ns(s);
    x->correction_ns += whole_ns(m->header.correction);
    if (x->has_sync && x->has_follow_up)
        measure(s, x);
}

static void on_follow_up(struct slave *s, const struct ptp_message *m)
{
    struct slave_exchange *x = exchange_of(s, m->header.sequence_id);
    if (x->has_follow_up)
        return;
    x->has_follow_up = wire_timestamp_to_ns(&m->body.timestamp, &x->origin_ns);
    x->correction_ns += whole_ns(m->header.correction);
    if (x->has_sync && x->has_follow_up)
        measure(s, x);
}

static void on_delay_resp(struct slave *s, const struct ptp_message *m)
{
    const struct port_identity self = {s->config.identity, 1};
    int64_t received_ns;
    if (!s->request.waits || m->header.sequence_id != s->request.sequence_id ||
        port_identity_compare(&m->body.response.requesting, &self) != 0 ||
        !wire_timestamp_to_ns(&m->body.response.timestamp, &received_ns))
        return;
    const int64_t back_ns = received_ns - s->request.sent_ns - whole_ns(m->header.correction);
    s->request.waits = false;
    s->delay_ns = (s->request.forward_ns + back_ns) / 2;
    s->has_delay = true;
}

static void on_receive(void *owner, const struct event *e)
{
    struct slave *s = owner;
    struct ptp_message m;
    if (wire_decode(e->packet.bytes, e->packet.len, &m) != WIRE_OK) {
        world_violate(s->world, "%s receives what cannot be decoded", s->name);
        return;
    }
    if (m.header.message_type == MSG_ANNOUNCE) {
        on_announce(s, &m);
        return;
    }
    if (!s->has_master || port_identity_compare(&m.header.source, &s->master) != 0)
        return;
    s->master_node = e->packet.from;
    if (m.header.message_type == MSG_SYNC)
        on_sync(s, &m);
    else if (m.header.message_type == MSG_FOLLOW_UP)
        on_follow_up(s, &m);
    else if (m.header.message_type == MSG_DELAY_RESP)
        on_delay_resp(s, &m);
}

void slave_init(struct slave *s, struct world *world, const char *name, const struct slave_config *config,
                int64_t link_delay_ns)
{
    memset(s, 0, sizeof *s);
    s->world = world;
    s->config = *config;
    snprintf(s->name, sizeof s->name, "%s", name);
    s->measured_ns = INT64_MIN;
    s->node = medium_attach(&world->medium, on_receive, s, link_delay_ns);
    foreign_init(&s->foreign, interval_ns(config->log_announce_interval), config->announce_receipt_timeout);
    queue_post(&world->queue, random_between(&world->random, 0, TICK_NS),
               &(struct event){.fire = on_tick, .owner = s});
}
