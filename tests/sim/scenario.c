/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/scenario.h"

#define TROUBLE_S       120
#define QUIET_S         60
#define CHANGING_S      30
#define TROUBLE_EVERY_S 2.5            /* on average */
#define EXCUSE_STEP_NS  (2 * NS_PER_S) /* a foreign step that the watch sees is undone by then */

static unsigned any(struct fleet *f, unsigned count)
{
    return (unsigned)random_between(&f->world.random, 0, (int64_t)count - 1);
}

static struct machine *any_machine(struct fleet *f)
{
    return &f->machines[any(f, f->config.machines)];
}

static bool coin(struct fleet *f)
{
    return random_chance(&f->world.random, 0.5);
}

/* --- troubles -------------------------------------------------------------------------------------- */

static void kill_or_return(struct fleet *f)
{
    struct machine *m = any_machine(f);
    if (m->alive)
        machine_kill(m);
    else
        machine_start(m, coin(f));
}

static void turn_switch(struct fleet *f)
{
    machine_switch(any_machine(f), (enum simulated_switch)any(f, SIMULATED_SWITCHES), coin(f));
}

static void antenna(struct fleet *f)
{
    machine_switch(any_machine(f), SIMULATED_ANTENNA, coin(f));
}

static void part(struct fleet *f)
{
    for (unsigned i = 0; i < f->config.machines; i++)
        fleet_move_machine(f, i, any(f, 2));
    for (unsigned i = 0; i < f->config.slaves; i++)
        fleet_move_slave(f, i, any(f, 2));
}

static void worsen_links(struct fleet *f)
{
    struct random *r = &f->world.random;
    const struct disorder d = {
        .loss = coin(f) ? 0 : 0.15 * random_unit(r),
        .duplicate = coin(f) ? 0 : 0.2 * random_unit(r),
        .overtaken = random_unit(r),
        .wait_ns = random_between(r, 0, coin(f) ? 5000000 : 100000),
    };
    fleet_disorder(f, &d);
}

static void lose_stamps(struct fleet *f)
{
    struct machine *m = any_machine(f);
    m->config.stamp_lost = coin(f) ? 0 : random_unit(&f->world.random);
    m->config.stamp_late = coin(f) ? 0 : random_unit(&f->world.random);
    world_say(&f->world, "%s: %.0f %% of transmit timestamps lost, %.0f %% late", m->name,
              m->config.stamp_lost * 100, m->config.stamp_late * 100);
}

static void pull_cable(struct fleet *f)
{
    machine_link(any_machine(f), coin(f));
}

/* Of one machine only: what is left is slewed away at 50 ppb, longer than the quiet lasts. A step is measured
 * and undone; what is too small for that is for the pulses to contradict; a nudge is within what LOCKED
 * means. */
static void set_clock(struct fleet *f)
{
    struct random *r = &f->world.random;
    struct machine *m = &f->machines[0];
    const int64_t sign = coin(f) ? 1 : -1;
    if (!m->clock)
        return;
    if (coin(f))
        machine_disturb(m, sign * random_between(r, 150000, 10 * NS_PER_S), EXCUSE_STEP_NS);
    else
        machine_disturb(m, sign * random_between(r, 1000, 90000), MACHINE_EXCUSE_UNTIL_LOCK);
}

static void (*const troubles[])(struct fleet *) = {
    kill_or_return, kill_or_return, turn_switch, antenna,    antenna,   part,
    fleet_heal,     worsen_links,   lose_stamps, pull_cable, set_clock,
};

/* --- the whole ------------------------------------------------------------------------------------- */

static void repair(struct fleet *f)
{
    const struct disorder none = {0};
    fleet_heal(f);
    fleet_disorder(f, &none);
    for (unsigned i = 0; i < f->config.machines; i++) {
        struct machine *m = &f->machines[i];
        for (int s = 0; s < SIMULATED_SWITCHES; s++)
            if (!simulated_gnss_is_on(m->sky, (enum simulated_switch)s))
                machine_switch(m, (enum simulated_switch)s, true);
        m->config.stamp_lost = m->config.stamp_late = 0;
        machine_link(m, true);
        if (!m->alive)
            machine_start(m, true);
    }
}

static struct fleet *random_fleet(uint64_t seed)
{
    struct random r = {seed};
    struct fleet_config config = fleet_config_default(seed);
    config.machines = (unsigned)random_between(&r, 3, 5);
    config.slaves = (unsigned)random_between(&r, 5, 8);
    config.log_announce_interval = (int8_t)random_between(&r, -3, 0);
    config.log_min_delay_req_interval = (int8_t)random_between(&r, -3, 0);
    struct fleet *f = fleet_new(&config);
    for (unsigned i = 0; i < config.machines; i++)
        f->machines[i].config.priority2 = (uint8_t)random_between(&r, 127, 128);
    return f;
}

struct fleet *scenario_run(uint64_t seed)
{
    struct fleet *f = random_fleet(seed);
    fleet_start_all(f);
    while (!f->world.violation[0]) {
        const double pause_s = 2 * TROUBLE_EVERY_S * random_unit(&f->world.random);
        if (world_now_ns(&f->world) + (int64_t)(pause_s * NS_PER_S) >= TROUBLE_S * NS_PER_S)
            break;
        fleet_run(f, pause_s);
        troubles[any(f, sizeof troubles / sizeof troubles[0])](f);
    }
    repair(f);
    fleet_run(f, QUIET_S);
    /* a machine that relocked late may just take over; that passes, unless they change places for ever */
    for (int i = 0; i < CHANGING_S && !fleet_is_quiet(f); i++)
        fleet_run(f, 1);
    fleet_expect(f, 0, fleet_master(f, 0), CONDUCT_TIME_LIMIT_NS);
    return f;
}
