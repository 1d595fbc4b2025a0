/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong in a machine: death and return, the sky lost, the clock set by a stranger, the link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/sim/fleet.h"

#define ANNOUNCE_NS (NS_PER_S / 4)
#define STANDBYS    2 /* silent, so none knows of the other: each may try, the worse one before the better */
#ifdef SANITIZED
#define DEATHS 40 /* for memory, not for luck */
#else
#define DEATHS 200
#endif
#define DARK_CHANGES 40    /* each class of accuracy that three machines pass, one by one */
#define UNDONE_NS    10000 /* what is left of a foreign step: its measurement rests on a free oscillator */
#define SLEWED_S     240   /* that at 50 ppb */

static unsigned masters_made(const struct fleet *f)
{
    unsigned n = 0;
    for (unsigned i = 0; i < f->config.machines; i++)
        n += f->machines[i].became_master;
    return n;
}

/* All slaves have followed one change, at most most, and were never off by more than worst_ns. */
static void assert_followed(const struct fleet *f, unsigned most, int64_t worst_ns)
{
    for (unsigned i = 0; i < f->config.slaves; i++) {
        fleet_assert_within(f, f->slaves[i].changes, 1, most);
        fleet_assert_within(f, f->slaves[i].worst_ns, 0, worst_ns);
    }
}

/* SIGKILL at any moment. From its last Sync to a standby's first: the receipt timeout and at most one
 * interval more; the slaves select two Announces later. */
static void test_silent_death(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= DEATHS; seed++) {
        struct fleet *f = fleet_settled(seed);
        fleet_run(f, random_unit(&f->world.random));
        machine_kill(&f->machines[0]);
        const int64_t last_ns = f->machines[0].conduct.last_sync_ns;
        fleet_run(f, 3);
        fleet_expect(f, 0, 1, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        int64_t first_ns = INT64_MAX;
        for (unsigned i = 1; i < 3; i++) {
            const int64_t ns = f->machines[i].conduct.first_sync_ns;
            if (ns != INT64_MIN && ns < first_ns)
                first_ns = ns;
        }
        fleet_assert_within(f, first_ns - last_ns, 600000000, 1100000000);
        for (unsigned i = 0; i < f->config.slaves; i++) {
            fleet_assert_within(f, f->slaves[i].selected_ns - last_ns, 600000000, 1700000000);
            fleet_assert_within(f, f->slaves[i].changes, 1, STANDBYS);
        }
        fleet_free(f);
    }
}

/* The dead one comes back: one change, and then peace. */
static void test_return(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fleet *f = fleet_settled(seed);
        machine_kill(&f->machines[0]);
        fleet_run(f, 10);
        fleet_watch(f);
        machine_start(&f->machines[0], seed % 2 == 0);
        fleet_run(f, FLEET_SETTLE_S);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_assert_is(f, masters_made(f), 1);
        assert_followed(f, 1, FLEET_GOOD_NS);
        fleet_free(f);
    }
}

static int64_t virtual_ns(const struct machine *m, int64_t monotonic_ns)
{
    return monotonic_ns - m->boot_ns;
}

/* The antenna of the active one is cut: holdover at once lets the best standby take over, nobody sees a gap
 * or a step; with the antenna back it is one change again. */
static void test_antenna(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fleet *f = fleet_settled(seed);
        struct machine *active = &f->machines[0], *standby = &f->machines[1];
        machine_switch(active, SIMULATED_ANTENNA, false);
        fleet_run(f, 12);
        fleet_expect(f, 0, 1, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_assert_is(f, active->gm.discipline.status.state, DISCIPLINE_HOLDOVER_IN);
        fleet_assert_is(f, active->gm.quality.clock_quality.clock_class, CLOCK_CLASS_HOLDOVER);
        const int64_t holdover_ns = virtual_ns(active, active->gm.discipline.status.since_ns);
        const int64_t taken_ns = virtual_ns(standby, standby->gm.instance.ports[0].state_since_ns);
        fleet_assert_within(f, taken_ns - holdover_ns, 0, 2 * ANNOUNCE_NS);
        for (unsigned i = 0; i < f->config.slaves; i++)
            fleet_assert_within(f, f->slaves[i].selected_ns - holdover_ns, 0, 3 * ANNOUNCE_NS);
        fleet_assert_within(f, masters_made(f), 1, STANDBYS);
        assert_followed(f, STANDBYS, FLEET_GOOD_NS);

        fleet_watch(f);
        machine_switch(active, SIMULATED_ANTENNA, true);
        fleet_run(f, FLEET_SETTLE_S);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_assert_is(f, masters_made(f), 1);
        assert_followed(f, 1, FLEET_GOOD_NS);
        fleet_free(f);
    }
}

/* The whole site goes dark (jamming), for each machine a moment earlier or later. Whoever leads in the end,
 * it is one, and the slaves are with it. With the sky back, all is as before. */
static void test_all_dark(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct fleet *f = fleet_settled(seed);
        for (unsigned i = 0; i < 3; i++)
            machine_switch(&f->machines[i], SIMULATED_ANTENNA, false);
        fleet_run(f, 8);
        fleet_expect(f, 0, 0, CONDUCT_TIME_LIMIT_NS);
        fleet_run(f, 300);
        const int master = fleet_master(f, 0);
        fleet_assert_within(f, master, 0, 2);
        fleet_expect(f, 0, master, 20000);
        fleet_assert_is(f, f->machines[master].gm.quality.clock_quality.clock_class, CLOCK_CLASS_DEGRADED_B);
        fleet_assert_within(f, masters_made(f), 0, DARK_CHANGES);
        for (unsigned i = 0; i < 3; i++)
            machine_switch(&f->machines[i], SIMULATED_ANTENNA, true);
        fleet_run(f, 300);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_free(f);
    }
}

/* Somebody sets the clock of the active one: undone within 2 s, and class 6 is gone until it agrees with the
 * sky again. */
static void test_clock_set(void **state)
{
    (void)state;
    static const int64_t deltas_ns[] = {3600 * NS_PER_S, -3600 * NS_PER_S, NS_PER_S, -3 * NS_PER_S,
                                        500000000,       -200000000,       1000000,  -150000};
    for (size_t i = 0; i < sizeof deltas_ns / sizeof deltas_ns[0]; i++) {
        struct fleet *f = fleet_settled(i + 1);
        struct machine *m = &f->machines[0];
        fleet_run(f, random_unit(&f->world.random));
        machine_disturb(m, deltas_ns[i], 2 * NS_PER_S);
        fleet_run(f, 3);
        fleet_assert_within(f, m->gm.discipline.status.jumps, 1, 1);
        fleet_assert_within(f, llabs((int64_t)machine_error_ns(m)), 0, UNDONE_NS);
        fleet_expect(f, 0, 1, FLEET_GOOD_NS);
        fleet_run(f, SLEWED_S);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_free(f);
    }
}

/* The cable of the active one is pulled and put back: no second master stays, one change each way. */
static void test_link(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fleet *f = fleet_settled(seed);
        machine_link(&f->machines[0], false);
        fleet_run(f, 5);
        fleet_assert_is(f, machine_state(&f->machines[0]), PORT_FAULTY);
        fleet_assert_is(f, machine_state(&f->machines[1]), PORT_MASTER);
        fleet_watch(f);
        machine_link(&f->machines[0], true);
        fleet_run(f, 5);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_assert_is(f, masters_made(f), 1);
        assert_followed(f, 1, FLEET_GOOD_NS);
        fleet_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_death), cmocka_unit_test(test_return),    cmocka_unit_test(test_antenna),
        cmocka_unit_test(test_all_dark),     cmocka_unit_test(test_clock_set), cmocka_unit_test(test_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
