/* SPDX-License-Identifier: BSD-2-Clause */
/* A PTP instance: when the state decision runs, what it looks at, and what it does to data sets and ports. */
#include "gmd/ptp/instance.h"

#include <assert.h>
#include <string.h>

#include "gmd/ptp/interval.h"
#include "gmd/ptp/unicast_port.h"

/* ---- data sets ---- */

/* Clause 9.3.5, M1 and M2. */
static void become_grandmaster(struct instance *in)
{
    const struct default_ds *ds = &in->default_ds;
    in->steps_removed = 0;
    in->time_properties = in->own_time_properties;
    in->parent_ds = (struct parent_ds){
        .parent_port_identity = {.clock = ds->clock_identity, .port = 0},
        .grandmaster_identity = ds->clock_identity,
        .grandmaster_clock_quality = ds->clock_quality,
        .grandmaster_priority1 = ds->priority1,
        .grandmaster_priority2 = ds->priority2,
    };
}

/* Clause 9.3.5, S1. */
static void take_parent(struct instance *in, const struct foreign_announce *a)
{
    const struct candidate *c = &a->candidate;
    in->steps_removed = (uint16_t)(c->steps_removed + 1);
    in->time_properties = a->time_properties;
    in->parent_ds = (struct parent_ds){
        .parent_port_identity = c->sender,
        .grandmaster_identity = c->grandmaster,
        .grandmaster_clock_quality = c->quality,
        .grandmaster_priority1 = c->priority1,
        .grandmaster_priority2 = c->priority2,
    };
}

/* ---- state decision, clause 9.3.3 ---- */

/* The masters that one decision looks at; NULL: none. */
struct decision_input {
    const struct foreign_master *erbest[INSTANCE_PORTS_MAX];
    const struct foreign_master *ebest;
    unsigned ebest_port;
};

static const struct candidate *candidate_of(const struct foreign_master *m)
{
    return m != NULL ? &m->last.candidate : NULL;
}

static struct decision_input look_around(struct instance *in, int64_t now_ns)
{
    struct decision_input e = {.ebest = NULL};
    for (unsigned i = 0; i < in->port_count; i++) {
        struct port *p = &in->ports[i];
        if (!port_is_active(p))
            continue;
        foreign_expire(&p->foreign, now_ns);
        e.erbest[i] = foreign_best(&p->foreign, now_ns);
        if (dataset_compare(candidate_of(e.erbest[i]), candidate_of(e.ebest)) < DATASET_EQUAL) {
            e.ebest = e.erbest[i];
            e.ebest_port = i;
        }
    }
    return e;
}

/* Figure 33 keeps a port LISTENING that has heard nothing: until it has listened long enough. */
static enum port_state state_to_decide(const struct port *p)
{
    bool listened = p->state == PORT_LISTENING && p->announce_receipt_due_ns == INT64_MAX;
    return listened ? PORT_PASSIVE : p->state;
}

static enum port_event event_of(const struct port *p, const struct foreign_master *erbest)
{
    static const enum port_event recommended[] = {
        [DECISION_LISTENING] = PORT_EVENT_NONE,    [DECISION_M1] = PORT_EVENT_RS_GRANDMASTER,
        [DECISION_M2] = PORT_EVENT_RS_GRANDMASTER, [DECISION_M3] = PORT_EVENT_RS_MASTER,
        [DECISION_S1] = PORT_EVENT_RS_SLAVE,       [DECISION_P1] = PORT_EVENT_RS_PASSIVE,
        [DECISION_P2] = PORT_EVENT_RS_PASSIVE,
    };

    if (p->announce_timed_out)
        return PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES;
    /* A PASSIVE port whose master was forgotten waits for its randomised timeout, due within one interval:
     * otherwise all standbys would take over at the same instant. */
    if (p->state == PORT_PASSIVE && erbest == NULL)
        return PORT_EVENT_NONE;
    return recommended[p->decision];
}

/* Decides for all ports before any of them acts, as what they announce is the common data sets. */
static void decide(struct instance *in, int64_t now_ns)
{
    const struct candidate d0 = dataset_own(&in->default_ds);
    const struct decision_input e = look_around(in, now_ns);
    bool slave = false;

    for (unsigned i = 0; i < in->port_count; i++) {
        struct port *p = &in->ports[i];
        if (!port_is_active(p))
            continue;
        bool ebest_port = e.ebest != NULL && e.ebest_port == i;
        p->decision = decide_state(&d0, candidate_of(e.ebest), ebest_port, candidate_of(e.erbest[i]),
                                   state_to_decide(p));
        slave = slave || p->decision == DECISION_S1;
    }

    if (slave && e.ebest != NULL)
        take_parent(in, &e.ebest->last);
    else
        become_grandmaster(in);

    for (unsigned i = 0; i < in->port_count; i++) {
        struct port *p = &in->ports[i];
        if (!port_is_active(p))
            continue;
        enum port_event event = event_of(p, e.erbest[i]);
        p->announce_timed_out = false;
        port_event(p, in, event, now_ns);
    }
    unicast_follow_state(in, now_ns);
}

/* ---- what the owner calls ---- */

void instance_init(struct instance *in, const struct default_ds *ds, struct service *service)
{
    memset(in, 0, sizeof(*in));
    in->default_ds = *ds;
    in->default_ds.number_ports = 0;
    in->service = service;
    in->decision_due_ns = INT64_MAX;
    become_grandmaster(in);
}

unsigned instance_add_port(struct instance *in, const struct port_config *config, struct outbox *outbox,
                           uint64_t seed, int64_t now_ns)
{
    assert(in->port_count < INSTANCE_PORTS_MAX);
    unsigned index = in->port_count++;
    struct port_identity identity = {.clock = in->default_ds.clock_identity, .port = (uint16_t)(index + 1)};
    in->default_ds.number_ports = (uint16_t)in->port_count;
    port_init(&in->ports[index], config, &identity, outbox, seed, now_ns);

    int64_t interval = interval_ns(config->log_announce_interval);
    if (index == 0 || interval < in->decision_interval_ns)
        in->decision_interval_ns = interval;
    in->decision_due_ns = now_ns + in->decision_interval_ns;
    return index;
}

void instance_set_quality(struct instance *in, const struct clock_quality *quality,
                          const struct time_properties *tp, bool may_serve, int64_t now_ns)
{
    in->default_ds.clock_quality = *quality;
    in->own_time_properties = *tp;
    in->may_serve = may_serve;
    decide(in, now_ns);
}

static void link_up(struct port *p, struct instance *in, int64_t now_ns)
{
    port_event(p, in, PORT_EVENT_FAULT_CLEARED, now_ns);
    port_event(p, in, PORT_EVENT_DESIGNATED_ENABLED, now_ns);
    port_event(p, in, PORT_EVENT_INIT_COMPLETE, now_ns);
}

void instance_link(struct instance *in, unsigned port, bool up, int64_t now_ns)
{
    struct port *p = &in->ports[port];
    if (up)
        link_up(p, in, now_ns);
    else
        port_event(p, in, PORT_EVENT_FAULT_DETECTED, now_ns);
    decide(in, now_ns);
}

void instance_receive(struct instance *in, unsigned port, const struct frame_in *f, int64_t now_ns)
{
    if (port_receive(&in->ports[port], in, f, now_ns))
        decide(in, now_ns);
}

void instance_tx_timestamp(struct instance *in, unsigned port, uint32_t token, int64_t timestamp_ns)
{
    port_tx_timestamp(&in->ports[port], in, token, timestamp_ns);
}

void instance_tx_unstamped(struct instance *in, unsigned port, uint32_t token)
{
    port_tx_unstamped(&in->ports[port], in, token);
}

/* STATE_DECISION_EVENT at least once per announce interval, clause 9.2.6.8. */
static bool decision_due(struct instance *in, int64_t now_ns)
{
    if (now_ns < in->decision_due_ns)
        return false;
    in->decision_due_ns = grid_next(in->decision_due_ns, in->decision_interval_ns, now_ns);
    return true;
}

void instance_tick(struct instance *in, int64_t now_ns)
{
    bool due = decision_due(in, now_ns);
    if (in->port_count == 0)
        return;
    for (unsigned i = 0; i < in->port_count; i++)
        due = port_tick(&in->ports[i], in, now_ns) || due;
    if (due)
        decide(in, now_ns);
    unicast_tick(in, now_ns);
}

int64_t instance_deadline(const struct instance *in)
{
    int64_t first = in->decision_due_ns;
    if (in->port_count > 0 && unicast_next_tick(in) < first)
        first = unicast_next_tick(in);
    for (unsigned i = 0; i < in->port_count; i++) {
        int64_t deadline = port_deadline(&in->ports[i]);
        if (deadline < first)
            first = deadline;
    }
    return first;
}

int64_t instance_sync_due(const struct instance *in)
{
    int64_t first = INT64_MAX;
    for (unsigned i = 0; i < in->port_count; i++)
        if (in->ports[i].sync_due_ns < first)
            first = in->ports[i].sync_due_ns;
    return first;
}

void instance_withdraw(struct instance *in, int64_t now_ns)
{
    in->withdrawn_for_good = true;
    unicast_withdraw(&in->service->unicast, now_ns);
}

bool instance_is_master(const struct instance *in)
{
    for (unsigned i = 0; i < in->port_count; i++) {
        if (in->ports[i].state == PORT_MASTER)
            return true;
    }
    return false;
}
