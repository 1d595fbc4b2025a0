/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that hold for the fleet as a whole, and looking at it. */
#include "tests/sim/rules.h"

#include <inttypes.h>
#include <stdlib.h>

#include "gmd/ptp/interval.h"

#define JUDGE_NS  10000000LL /* how often the fleet's rules are looked at */
#define MARGIN_NS 50000000LL /* travel, time stamps and the grain of the above */
#define QUIET_NS  (4 * NS_PER_S)
/* of so many Announces two are heard, but for 1e-7, with 15 % lost on each of two links */
#define LOST_INTERVALS 16

static unsigned group_of(const struct fleet *f, unsigned node)
{
    return f->world.medium.links[node].group;
}

static bool reachable(const struct fleet *f, const struct machine *m)
{
    return m->alive && !f->world.medium.links[m->node].down;
}

/* True if the condition has held for longer than limit_ns. */
static bool lasts(struct fleet_since *s, bool holds, int64_t now_ns, int64_t limit_ns)
{
    if (!holds)
        s->since_ns = INT64_MAX;
    else if (s->since_ns == INT64_MAX)
        s->since_ns = now_ns;
    return holds && now_ns - s->since_ns > limit_ns;
}

static void judge_rivals(struct fleet *f, unsigned i, unsigned k)
{
    const struct machine *a = &f->machines[i], *b = &f->machines[k];
    const bool both = reachable(f, a) && reachable(f, b) && machine_state(a) == PORT_MASTER &&
                      machine_state(b) == PORT_MASTER && group_of(f, a->node) == group_of(f, b->node);
    if (lasts(&f->rivals[i][k], both, world_now_ns(&f->world), f->rivals_limit_ns))
        world_violate(&f->world, "%s and %s have both been MASTER for %.3f s", a->name, b->name,
                      (double)f->rivals_limit_ns / NS_PER_S);
}

/* A machine that could serve its group, where nobody does. */
static void judge_headless(struct fleet *f, unsigned i)
{
    const struct machine *m = &f->machines[i];
    const bool could = reachable(f, m) && m->gm.instance.may_serve &&
                       fleet_master(f, group_of(f, m->node)) == FLEET_NO_MASTER;
    if (lasts(&f->headless[i], could, world_now_ns(&f->world), f->headless_limit_ns))
        world_violate(&f->world, "%s has been without a master for %.3f s and is %s", m->name,
                      (double)f->headless_limit_ns / NS_PER_S, port_state_name(machine_state(m)));
}

static void forget_rivals(struct fleet *f, unsigned machine)
{
    for (unsigned k = 0; k < FLEET_MACHINES_MAX; k++)
        f->rivals[machine][k].since_ns = f->rivals[k][machine].since_ns = INT64_MAX;
}

/* Who yields to whom is open anew when a clock gets better or worse. */
static void note_quality(struct fleet *f, unsigned i)
{
    const struct clock_quality *now = &f->machines[i].gm.quality.clock_quality;
    struct clock_quality *seen = &f->quality_seen[i];
    if (now->clock_class != seen->clock_class || now->clock_accuracy != seen->clock_accuracy)
        forget_rivals(f, i);
    *seen = *now;
}

static void on_judge(void *owner, const struct event *e)
{
    struct fleet *f = owner;
    for (unsigned i = 0; i < f->config.machines; i++)
        note_quality(f, i);
    for (unsigned i = 0; i < f->config.machines && !f->config.clones; i++)
        for (unsigned k = 0; k < i; k++)
            judge_rivals(f, i, k);
    for (unsigned i = 0; i < f->config.machines; i++)
        judge_headless(f, i);
    queue_post(&f->world.queue, world_now_ns(&f->world) + JUDGE_NS, e);
}

static const struct machine *machine_of(const struct fleet *f, const struct clock_identity *id)
{
    for (unsigned i = 0; i < f->config.machines; i++)
        if (clock_identity_compare(&f->machines[i].config.identity, id) == 0)
            return &f->machines[i];
    return NULL;
}

/* What a slave learns from a LOCKED master is as good as what that serves. */
static void judge_measurement(void *ctx, const struct slave *s)
{
    struct fleet *f = ctx;
    const struct machine *m = machine_of(f, &s->master.clock);
    if (f->config.clones || !m || !m->alive || m->gm.discipline.status.state != DISCIPLINE_LOCKED ||
        world_now_ns(&f->world) < m->conduct.excused_until_ns)
        return;
    if (llabs(s->error_ns) > CONDUCT_TIME_LIMIT_NS)
        world_violate(&f->world, "%s is %+" PRId64 " ns off true time under LOCKED %s", s->name, s->error_ns,
                      m->name);
}

void rules_forget(struct fleet *f, unsigned machine)
{
    forget_rivals(f, machine);
    f->headless[machine].since_ns = INT64_MAX;
}

/* Two Announces make a better master known, at once when it began; each lost one costs an interval more.
 * A standby takes over after the receipt timeout and a random part of one more interval. What lasts already
 * is timed anew: it began under other rules. */
void rules_reset(struct fleet *f)
{
    const int64_t interval = interval_ns(f->config.log_announce_interval);
    const int64_t lost = f->world.medium.disorder.loss > 0 ? LOST_INTERVALS : 0;
    f->rivals_limit_ns = (2 + lost) * interval + MARGIN_NS + f->world.medium.disorder.wait_ns;
    f->headless_limit_ns =
        (f->config.announce_receipt_timeout + 1) * interval + MARGIN_NS + f->world.medium.disorder.wait_ns;
    for (unsigned i = 0; i < FLEET_MACHINES_MAX; i++)
        rules_forget(f, i);
}

void rules_start(struct fleet *f)
{
    for (unsigned i = 0; i < f->config.slaves; i++) {
        f->slaves[i].judge = judge_measurement;
        f->slaves[i].judge_ctx = f;
    }
    rules_reset(f);
    queue_post(&f->world.queue, JUDGE_NS, &(struct event){.fire = on_judge, .owner = f});
}

/* --- looking at it --------------------------------------------------------------------------------- */

int fleet_master(const struct fleet *f, unsigned group)
{
    int found = FLEET_NO_MASTER;
    for (unsigned i = 0; i < f->config.machines; i++) {
        const struct machine *m = &f->machines[i];
        if (machine_state(m) != PORT_MASTER || group_of(f, m->node) != group)
            continue;
        if (found != FLEET_NO_MASTER)
            return FLEET_MANY_MASTERS;
        found = (int)i;
    }
    return found;
}

bool fleet_is_quiet(const struct fleet *f)
{
    const int64_t since_ns = world_now_ns(&f->world) - QUIET_NS;
    for (unsigned i = 0; i < f->config.machines; i++) {
        const struct machine *m = &f->machines[i];
        if (m->alive && m->gm.instance.ports[0].state_since_ns - m->boot_ns > since_ns)
            return false;
    }
    for (unsigned i = 0; i < f->config.slaves; i++)
        if (f->slaves[i].selected_ns > since_ns)
            return false;
    return true;
}

static void expect_standby(struct fleet *f, const struct machine *m)
{
    const bool never_slaves = m->gm.quality.clock_quality.clock_class <= 127;
    const enum port_state wanted = never_slaves ? PORT_PASSIVE : PORT_LISTENING;
    if (machine_state(m) != wanted)
        world_violate(&f->world, "%s is %s, not %s", m->name, port_state_name(machine_state(m)),
                      port_state_name(wanted));
}

static void expect_slave(struct fleet *f, const struct slave *s, const struct machine *m, double limit_ns)
{
    char id[PORT_IDENTITY_STRLEN];
    if (!s->has_master || clock_identity_compare(&s->master.clock, &m->config.identity) != 0)
        world_violate(&f->world, "%s follows %s, not %s", s->name,
                      s->has_master ? port_identity_format(&s->master, id) : "nobody", m->name);
    else if (s->measured_ns == INT64_MIN || world_now_ns(&f->world) - s->measured_ns > 2 * NS_PER_S)
        world_violate(&f->world, "%s has measured nothing for 2 s", s->name);
    else if (!((double)llabs(s->error_ns) <= limit_ns))
        world_violate(&f->world, "%s is %+" PRId64 " ns off true time", s->name, s->error_ns);
}

void fleet_expect(struct fleet *f, unsigned group, int machine, double limit_ns)
{
    if (fleet_master(f, group) != machine || machine < 0) {
        world_violate(&f->world, "master of group %u is %d, not %d", group, fleet_master(f, group), machine);
        return;
    }
    for (unsigned i = 0; i < f->config.machines; i++)
        if (reachable(f, &f->machines[i]) && group_of(f, f->machines[i].node) == group && (int)i != machine)
            expect_standby(f, &f->machines[i]);
    for (unsigned i = 0; i < f->config.slaves; i++)
        if (group_of(f, f->slaves[i].node) == group)
            expect_slave(f, &f->slaves[i], &f->machines[machine], limit_ns);
}
