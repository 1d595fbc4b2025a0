/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/conduct.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

void conduct_start(struct conduct *c, struct world *world, const char *name)
{
    *c = (struct conduct){.world = world,
                          .name = name,
                          .excused_until_ns = INT64_MIN,
                          .first_sync_ns = INT64_MIN,
                          .last_sync_ns = INT64_MIN,
                          .locked_ns = INT64_MIN};
}

void conduct_locked(struct conduct *c)
{
    if (c->locked_ns == INT64_MIN)
        c->locked_ns = world_now_ns(c->world);
    if (c->excused_until_ns == INT64_MAX)
        c->excused_until_ns = INT64_MIN;
}

/* Outer limit of a clockAccuracy (table 5), ns; unknown and beyond the last: no limit. */
static double accuracy_limit_ns(uint8_t accuracy)
{
    static const double limits[] = {25,  100,   250,  1e3,  2.5e3, 10e3,  25e3, 100e3, 250e3,
                                    1e6, 2.5e6, 10e6, 25e6, 100e6, 250e6, 1e9,  10e9};
    const unsigned i = accuracy - 0x20u;
    return i < sizeof limits / sizeof limits[0] ? limits[i] : INFINITY;
}

static bool excused(const struct conduct *c)
{
    return world_now_ns(c->world) < c->excused_until_ns;
}

/* Which states of the discipline may announce a class. */
static bool class_fits(uint8_t clock_class, const struct discipline *d)
{
    switch (clock_class) {
    case CLOCK_CLASS_LOCKED:
        return d->status.state == DISCIPLINE_LOCKED || d->status.state == DISCIPLINE_FROZEN;
    case CLOCK_CLASS_HOLDOVER:
        return d->status.state == DISCIPLINE_HOLDOVER_IN || d->status.state == DISCIPLINE_REACQUIRING;
    default:
        return clock_class == d->config.out_of_spec_class &&
               (d->status.state == DISCIPLINE_HOLDOVER_OUT || d->status.state == DISCIPLINE_REACQUIRING);
    }
}

/* Clause 9.5.7: numbered in a row, per message type. */
static void in_row(struct conduct *c, bool *known, uint16_t *next, uint16_t sequence_id, const char *what)
{
    if (*known && sequence_id != *next)
        world_violate(c->world, "%s: %s %u follows %u", c->name, what, sequence_id, *next - 1u);
    *known = true;
    *next = (uint16_t)(sequence_id + 1);
}

/* The bound behind clockAccuracy is one of 95 %, so twice the announced limit is nearly never exceeded. */
static void check_announce(struct conduct *c, const struct grandmaster *gm, const struct ptp_message *m,
                           double error_ns)
{
    const struct announce_body *a = &m->body.announce;
    const struct clock_quality *q = &a->grandmaster_clock_quality;
    const bool traceable = q->clock_class == CLOCK_CLASS_LOCKED || q->clock_class == CLOCK_CLASS_HOLDOVER;

    in_row(c, &c->announced, &c->announce_sequence, m->header.sequence_id, "Announce");
    if (!class_fits(q->clock_class, &gm->discipline))
        world_violate(c->world, "%s: Announce says class %u in %s", c->name, q->clock_class,
                      discipline_state_name(gm->discipline.status.state));
    if (((m->header.flags & FLAG_TIME_TRACEABLE) != 0) != traceable)
        world_violate(c->world, "%s: Announce with class %u and flags %04x", c->name, q->clock_class,
                      m->header.flags);
    if (a->steps_removed != 0 ||
        clock_identity_compare(&a->grandmaster_identity, &gm->instance.default_ds.clock_identity) != 0)
        world_violate(c->world, "%s: announces another clock", c->name);
    if (!(m->header.flags & FLAG_PTP_TIMESCALE) || !(m->header.flags & FLAG_UTC_OFFSET_VALID) ||
        a->current_utc_offset != WORLD_UTC_OFFSET_S)
        world_violate(c->world, "%s: Announce with UTC offset %d and flags %04x", c->name,
                      a->current_utc_offset, m->header.flags);
    if (!excused(c) && fabs(error_ns) > 2 * accuracy_limit_ns(q->clock_accuracy))
        world_violate(c->world, "%s: Announce says accuracy 0x%02X, the clock is %.0f ns off", c->name,
                      q->clock_accuracy, error_ns);
}

static struct conduct_sync *sync_of(struct conduct *c, uint16_t sequence_id)
{
    return &c->syncs[sequence_id % CONDUCT_SYNCS];
}

static void note_sync(struct conduct *c, const struct ptp_message *m)
{
    const int64_t now_ns = world_now_ns(c->world);
    in_row(c, &c->synced, &c->sync_sequence, m->header.sequence_id, "Sync");
    *sync_of(c, m->header.sequence_id) =
        (struct conduct_sync){.sent = true, .sequence_id = m->header.sequence_id};
    c->last_sync_ns = now_ns;
    if (c->first_sync_ns == INT64_MIN)
        c->first_sync_ns = now_ns;
}

static void check_follow_up(struct conduct *c, const struct grandmaster *gm, const struct ptp_message *m)
{
    struct conduct_sync *s = sync_of(c, m->header.sequence_id);
    int64_t served_ns = 0;
    if (!s->sent || !s->left || s->followed || s->sequence_id != m->header.sequence_id) {
        world_violate(c->world, "%s: Follow_Up %u without its Sync, or again", c->name,
                      m->header.sequence_id);
        return;
    }
    s->followed = true;
    c->follow_ups++;
    wire_timestamp_to_ns(&m->body.timestamp, &served_ns);
    const int64_t error_ns = served_ns - s->true_ns;
    if (gm->discipline.status.state == DISCIPLINE_LOCKED && !excused(c) &&
        llabs(error_ns) > CONDUCT_TIME_LIMIT_NS)
        world_violate(c->world, "%s: LOCKED and serves time that is %+" PRId64 " ns off", c->name, error_ns);
}

void conduct_sent(struct conduct *c, const struct grandmaster *gm, const struct frame_out *f, double error_ns)
{
    struct ptp_message m;
    const struct port *p = &gm->instance.ports[0];
    if (wire_decode(f->bytes, f->len, &m) != WIRE_OK) {
        world_violate(c->world, "%s: sends what cannot be decoded", c->name);
        return;
    }
    if (p->state != PORT_MASTER)
        world_violate(c->world, "%s: sends %s while %s", c->name, message_type_name(m.header.message_type),
                      port_state_name(p->state));
    if (port_identity_compare(&m.header.source, &p->identity) != 0)
        world_violate(c->world, "%s: sends in another's name", c->name);
    if (m.header.message_type == MSG_ANNOUNCE)
        check_announce(c, gm, &m, error_ns);
    else if (m.header.message_type == MSG_SYNC)
        note_sync(c, &m);
    else if (m.header.message_type == MSG_FOLLOW_UP)
        check_follow_up(c, gm, &m);
}

void conduct_left(struct conduct *c, const struct packet *p)
{
    struct ptp_message m;
    if (wire_decode(p->bytes, p->len, &m) != WIRE_OK || m.header.message_type != MSG_SYNC)
        return;
    struct conduct_sync *s = sync_of(c, m.header.sequence_id);
    s->left = true;
    s->true_ns = world_tai_ns(c->world);
}
