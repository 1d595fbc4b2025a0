/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes wrong between machines: parts, loss, disorder, and transmit timestamps that do not come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/fleet.h"

#define LOSS_OF_A_FIFTH 0.1056 /* on each of the two links that a packet passes */

/* Each part has one master, and the whole has one when it is healed. */
static void test_partition(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fleet *f = fleet_settled(seed);
        for (unsigned i = 1; i < 3; i++)
            fleet_move_machine(f, i, 1);
        for (unsigned i = 2; i < 5; i++)
            fleet_move_slave(f, i, 1);
        fleet_run(f, 5);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_expect(f, 1, 1, FLEET_GOOD_NS);

        fleet_move_machine(f, 2, 2);
        fleet_move_slave(f, 4, 2);
        fleet_run(f, 5);
        for (unsigned i = 0; i < 3; i++)
            fleet_expect(f, i, (int)i, FLEET_GOOD_NS);

        fleet_watch(f);
        fleet_heal(f);
        fleet_run(f, 5);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        for (unsigned i = 0; i < 3; i++)
            fleet_assert_is(f, f->machines[i].became_master, 0);
        fleet_assert_is(f, f->slaves[0].changes, 0);
        fleet_free(f);
    }
}

/* Heavier by the second: packets overtake each other and come twice. Nobody changes anything. */
static void test_disorder(void **state)
{
    (void)state;
    static const struct disorder disorders[] = {
        {.overtaken = 0.5, .wait_ns = 100000},
        {.overtaken = 0.2, .wait_ns = 20000000, .duplicate = 0.1},
        {.overtaken = 0.5, .wait_ns = 400000000, .duplicate = 0.2},
    };
    for (size_t i = 0; i < sizeof disorders / sizeof disorders[0]; i++) {
        struct fleet *f = fleet_settled(i + 1);
        fleet_disorder(f, &disorders[i]);
        fleet_run(f, 120);
        fleet_expect(f, 0, 0, i < 2 ? FLEET_GOOD_NS : 1e5); /* its delay measurement spans the disorder */
        fleet_assert_sound(f);
        for (unsigned k = 0; k < 3; k++)
            fleet_assert_is(f, f->machines[k].became_master, 0);
        for (unsigned k = 0; k < 5; k++)
            fleet_assert_is(f, f->slaves[k].changes, 0);
        fleet_free(f);
    }
}

/* A fifth of all packets lost. A standby takes the active one for dead when it misses three Announces in a
 * row, 0.2^3 * 0.8 of all: at 4/s, for two standbys over 300 s, 15.4 times. Two missing are no reason. It is
 * corrected by the next two that it hears. */
static void test_loss(void **state)
{
    (void)state;
    const struct disorder lossy = {.loss = LOSS_OF_A_FIFTH, .overtaken = 0.1, .wait_ns = 2000000};
    const struct disorder good = {0};
    unsigned changes = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct fleet *f = fleet_settled(seed);
        fleet_disorder(f, &lossy);
        fleet_run(f, 300);
        fleet_assert_is(f, machine_state(&f->machines[0]), PORT_MASTER);
        fleet_assert_is(f, f->machines[0].became_master, 0);
        const unsigned n = f->machines[1].became_master + f->machines[2].became_master;
        fleet_assert_within(f, n, 0, 35);
        changes += n;
        fleet_run(f, 5);
        fleet_disorder(f, &good);
        fleet_run(f, 5);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_free(f);
    }
    assert_in_range(changes, 10 * 10, 10 * 21);
}

/* Everything starts on lossy links. */
static void test_cold_start_with_loss(void **state)
{
    (void)state;
    const struct disorder lossy = {.loss = LOSS_OF_A_FIFTH, .overtaken = 0.3, .wait_ns = 5000000};
    const struct disorder good = {0};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const struct fleet_config config = fleet_config_default(seed);
        struct fleet *f = fleet_new(&config);
        fleet_disorder(f, &lossy);
        fleet_start_all(f);
        fleet_run(f, FLEET_SETTLE_S);
        fleet_assert_is(f, machine_state(&f->machines[0]), PORT_MASTER);
        fleet_disorder(f, &good);
        fleet_run(f, 3);
        fleet_expect(f, 0, 0, FLEET_GOOD_NS);
        fleet_assert_sound(f);
        fleet_free(f);
    }
}

/* One that never comes costs one Follow_Up and one counter, and nothing else: not a Sync, not the port. */
static void lose_stamps(double lost, double late)
{
    struct fleet *f = fleet_settled(3);
    struct machine *m = &f->machines[0];
    const struct port_counters *c = &m->gm.instance.ports[0].counters;
    const uint64_t syncs = c->tx[MSG_SYNC], follow_ups = c->tx[MSG_FOLLOW_UP];
    m->config.stamp_lost = lost;
    m->config.stamp_late = late;
    fleet_run(f, 60);
    m->config.stamp_lost = m->config.stamp_late = 0;
    fleet_run(f, 1);
    fleet_expect(f, 0, 0, FLEET_GOOD_NS);
    fleet_assert_sound(f);
    fleet_assert_within(f, c->tx[MSG_SYNC] - syncs, 61 * 8 - 1, 61 * 8 + 1);
    fleet_assert_is(f, c->tx_timestamp_missing, m->stamps_lost + c->tx_timestamp_late);
    fleet_assert_within(f, c->tx[MSG_SYNC] - syncs - (c->tx[MSG_FOLLOW_UP] - follow_ups),
                        c->tx_timestamp_missing - 1, c->tx_timestamp_missing + 1);
    fleet_assert_is(f, c->tx_timestamp_unknown, 0);
    assert_true(lost == 0 || m->stamps_lost > 0);
    assert_true(late == 0 || c->tx_timestamp_late > 0);
    fleet_assert_is(f, m->became_master, 0);
    for (unsigned i = 0; i < 5; i++)
        fleet_assert_is(f, f->slaves[i].changes, 0);
    fleet_free(f);
}

static void test_stamps(void **state)
{
    (void)state;
    lose_stamps(0.2, 0);
    lose_stamps(0, 0.2);
    lose_stamps(0.3, 0.3);
    lose_stamps(1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partition), cmocka_unit_test(test_disorder),
        cmocka_unit_test(test_loss),      cmocka_unit_test(test_cold_start_with_loss),
        cmocka_unit_test(test_stamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
