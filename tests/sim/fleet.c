/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/fleet.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/rules.h"

struct fleet_config fleet_config_default(uint64_t seed)
{
    return (struct fleet_config){
        .seed = seed,
        .machines = 3,
        .slaves = 5,
        .log_announce_interval = -2,
        .log_sync_interval = -3,
        .log_min_delay_req_interval = -3,
        .announce_receipt_timeout = 3,
    };
}

/* --- making and running ---------------------------------------------------------------------------- */

static struct clock_identity identity(bool machine, unsigned index)
{
    return (struct clock_identity){{0x00, 0x1b, 0x19, 0xff, 0xfe, 0x00, machine ? 0 : 1, (uint8_t)index}};
}

static int64_t link_delay(struct fleet *f)
{
    return random_between(&f->world.random, 200, 20000);
}

static void add_machine(struct fleet *f, unsigned i)
{
    struct random *r = &f->world.random;
    char name[MACHINE_NAME_MAX];
    const struct machine_config config = {
        .identity = identity(true, i + 1),
        .priority1 = 128,
        .priority2 = 128,
        .port = {.delay_mechanism = DELAY_MECHANISM_E2E,
                 .log_announce_interval = f->config.log_announce_interval,
                 .log_sync_interval = f->config.log_sync_interval,
                 .log_min_delay_req_interval = f->config.log_min_delay_req_interval,
                 .announce_receipt_timeout = f->config.announce_receipt_timeout,
                 .tx_timestamp_timeout_ns = 50000000},
        .oscillator = {.offset_ns = random_between(r, -1200000000, 1200000000),
                       .freq_ppb = (double)random_between(r, -25000, 25000),
                       .wander_ppb = 0.05},
        .logical = random_chance(r, 0.5),
    };
    snprintf(name, sizeof name, "gm%u", i);
    machine_init(&f->machines[i], &f->world, name, &config, link_delay(f));
}

static void add_slave(struct fleet *f, unsigned i)
{
    struct random *r = &f->world.random;
    char name[SLAVE_NAME_MAX];
    const struct slave_config config = {
        .identity = identity(false, i + 1),
        .freq_ppb = (double)random_between(r, -10000, 10000),
        .offset_ns = random_between(r, -NS_PER_S, NS_PER_S),
        .hybrid = i % 2 == 1,
        .log_announce_interval = f->config.log_announce_interval,
        .log_min_delay_req_interval = f->config.log_min_delay_req_interval,
        .announce_receipt_timeout = f->config.announce_receipt_timeout,
        .domain_number = 127,
    };
    snprintf(name, sizeof name, "slave%u", i);
    slave_init(&f->slaves[i], &f->world, name, &config, link_delay(f));
}

struct fleet *fleet_new(const struct fleet_config *config)
{
    struct fleet *f = calloc(1, sizeof *f);
    if (!f || config->machines > FLEET_MACHINES_MAX || config->slaves > FLEET_SLAVES_MAX)
        abort();
    f->config = *config;
    world_init(&f->world, config->seed);
    f->world.verbose = getenv("GMD_SIM_VERBOSE") != NULL;
    for (unsigned i = 0; i < config->machines; i++)
        add_machine(f, i);
    for (unsigned i = 0; i < config->slaves; i++)
        add_slave(f, i);
    rules_start(f);
    return f;
}

void fleet_free(struct fleet *f)
{
    for (unsigned i = 0; i < f->config.machines; i++)
        machine_free(&f->machines[i]);
    free(f);
}

void fleet_run(struct fleet *f, double seconds)
{
    queue_run(&f->world.queue, world_now_ns(&f->world) + (int64_t)(seconds * NS_PER_S));
}

void fleet_start_all(struct fleet *f)
{
    for (unsigned i = 0; i < f->config.machines; i++) {
        fleet_run(f, random_unit(&f->world.random) / f->config.machines);
        machine_start(&f->machines[i], true);
    }
}

struct fleet *fleet_settled(uint64_t seed)
{
    const struct fleet_config config = fleet_config_default(seed);
    struct fleet *f = fleet_new(&config);
    fleet_start_all(f);
    fleet_run(f, FLEET_SETTLE_S);
    fleet_expect(f, 0, 0, FLEET_GOOD_NS);
    fleet_watch(f);
    return f;
}

void fleet_watch(struct fleet *f)
{
    for (unsigned i = 0; i < f->config.machines; i++) {
        f->machines[i].became_master = 0;
        f->machines[i].conduct.first_sync_ns = INT64_MIN;
    }
    for (unsigned i = 0; i < f->config.slaves; i++) {
        f->slaves[i].changes = 0;
        f->slaves[i].worst_ns = 0;
    }
}

void fleet_disorder(struct fleet *f, const struct disorder *d)
{
    f->world.medium.disorder = *d;
    rules_reset(f);
    world_say(&f->world, "links: %.0f %% lost, %.0f %% twice, %.0f %% overtaken within %.1f ms",
              d->loss * 100, d->duplicate * 100, d->overtaken * 100, (double)d->wait_ns * 1e-6);
}

/* True if that is another group. */
static bool move(struct fleet *f, unsigned node, const char *name, unsigned group)
{
    struct link *link = &f->world.medium.links[node];
    if (link->group == group)
        return false;
    world_say(&f->world, "%s moves to group %u", name, group);
    link->group = group;
    return true;
}

void fleet_move_machine(struct fleet *f, unsigned machine, unsigned group)
{
    if (move(f, f->machines[machine].node, f->machines[machine].name, group))
        rules_forget(f, machine);
}

void fleet_move_slave(struct fleet *f, unsigned slave, unsigned group)
{
    move(f, f->slaves[slave].node, f->slaves[slave].name, group);
}

void fleet_heal(struct fleet *f)
{
    for (unsigned i = 0; i < f->config.machines; i++)
        fleet_move_machine(f, i, 0);
    for (unsigned i = 0; i < f->config.slaves; i++)
        fleet_move_slave(f, i, 0);
}
