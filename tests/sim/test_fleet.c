/* SPDX-License-Identifier: BSD-2-Clause */
/* Who becomes the master, and that slaves of the best one know the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/fleet.h"

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return b_ns != INT64_MIN && b_ns < a_ns ? b_ns : a_ns;
}

/* 25 ppm and 1.2 s off, all at once: silent until locked, then a master at once. */
static void test_cold_start(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct fleet_config config = fleet_config_default(seed);
        struct fleet *f = fleet_new(&config);
        for (unsigned i = 0; i < 3; i++) {
            f->machines[i].config.oscillator.freq_ppb = i == 1 ? -25000 : 25000;
            f->machines[i].config.oscillator.offset_ns = i == 2 ? -1200000000 : 1200000000;
        }
        fleet_start_all(f);
        fleet_run(f, FLEET_SETTLE_S);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        int64_t lock_ns = INT64_MAX, sync_ns = INT64_MAX;
        for (unsigned i = 0; i < 3; i++) {
            lock_ns = earlier(lock_ns, f->machines[i].conduct.locked_ns);
            sync_ns = earlier(sync_ns, f->machines[i].conduct.first_sync_ns);
        }
        fleet_assert_within(f, lock_ns, NS_PER_S, 20 * NS_PER_S);
        fleet_assert_within(f, sync_ns - lock_ns, 0, 2 * NS_PER_S);
        fleet_assert_sound(f);
        fleet_free(f);
    }
}

/* Table-driven: what differs, and who wins. Identities ascend with the index unless reversed. */
struct election {
    const char *name;
    uint8_t priority1[3], priority2[3];
    bool dark[3]; /* without antenna once locked: class 7 */
    bool reversed;
    int master;
};

static const struct election elections[] = {
    {"tie: lowest identity", {128, 128, 128}, {128, 128, 128}, {0}, false, 0},
    {"tie: lowest identity, last of all", {128, 128, 128}, {128, 128, 128}, {0}, true, 2},
    {"priority1", {128, 127, 126}, {1, 2, 3}, {0}, false, 2},
    {"priority2", {128, 128, 128}, {130, 128, 129}, {0}, false, 1},
    {"priority1 before priority2", {129, 128, 129}, {1, 200, 1}, {0}, false, 1},
    {"class before priority2", {128, 128, 128}, {1, 3, 2}, {true, false, false}, false, 2},
    {"class before identity", {128, 128, 128}, {128, 128, 128}, {true, true, false}, false, 2},
    {"priority1 before class", {127, 128, 128}, {128, 128, 128}, {true, false, false}, false, 0},
};

static void run_election(const struct election *e, uint64_t seed)
{
    const struct fleet_config config = fleet_config_default(seed);
    struct fleet *f = fleet_new(&config);
    for (unsigned i = 0; i < 3; i++) {
        f->machines[i].config.priority1 = e->priority1[i];
        f->machines[i].config.priority2 = e->priority2[i];
        if (e->reversed)
            f->machines[i].config.identity.id[7] = (uint8_t)(9 - i);
    }
    fleet_start_all(f);
    fleet_run(f, FLEET_SETTLE_S);
    for (unsigned i = 0; i < 3; i++)
        if (e->dark[i])
            machine_switch(&f->machines[i], SIMULATED_ANTENNA, false);
    fleet_run(f, 10);
    fleet_expect(f, 0, e->master, FLEET_GOOD_NS);
    if (f->world.violation[0])
        print_error("%s:\n", e->name);
    fleet_assert_sound(f);
    fleet_free(f);
}

static void test_elections(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof elections / sizeof elections[0]; i++)
        for (uint64_t seed = 1; seed <= 5; seed++)
            run_election(&elections[i], 100 * (i + 1) + seed);
}

/* A single machine whose antenna never had a sky stays silent for ever. */
static void test_never_locked(void **state)
{
    (void)state;
    struct fleet_config config = fleet_config_default(7);
    config.machines = 1;
    struct fleet *f = fleet_new(&config);
    machine_switch(&f->machines[0], SIMULATED_FIX, false);
    fleet_start_all(f);
    fleet_run(f, 120);
    fleet_assert_is(f, f->machines[0].conduct.first_sync_ns, INT64_MIN);
    fleet_assert_is(f, machine_state(&f->machines[0]), PORT_LISTENING);
    fleet_assert_sound(f);
    fleet_free(f);
}

/* Two machines with one identity are a mistake of the site, and each takes the other for itself: both serve.
 * The rest of the fleet goes on, and once one of the two is gone all is well. */
static void test_clones(void **state)
{
    (void)state;
    struct fleet_config config = fleet_config_default(8);
    config.clones = true;
    struct fleet *f = fleet_new(&config);
    f->machines[1].config.identity = f->machines[0].config.identity;
    fleet_start_all(f);
    fleet_run(f, FLEET_SETTLE_S);
    fleet_assert_is(f, machine_state(&f->machines[0]), PORT_MASTER);
    fleet_assert_is(f, machine_state(&f->machines[1]), PORT_MASTER);
    fleet_assert_is(f, machine_state(&f->machines[2]), PORT_PASSIVE);
    assert_true(f->machines[0].gm.instance.ports[0].foreign.discarded_own +
                    f->machines[0].gm.instance.ports[0].counters.rx_own >
                0);
    machine_kill(&f->machines[1]);
    fleet_run(f, 10);
    fleet_expect(f, 0, 0, FLEET_GOOD_NS);
    fleet_assert_sound(f);
    fleet_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cold_start),
        cmocka_unit_test(test_elections),
        cmocka_unit_test(test_never_locked),
        cmocka_unit_test(test_clones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
