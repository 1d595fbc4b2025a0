/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of several instances on one wire: election, failover, return. */
#include "tests/unit/ptp_rig.h"

#define INTERVAL (NS_PER_S / 4) /* announce interval: log2 -2 */

static struct rig *gm(uint8_t id, uint8_t clock_class, uint64_t seed)
{
    return rig_new((struct rig_options){
        .id = id, .clock_class = clock_class, .log_announce = -2, .log_sync = -3, .seed = seed * 8 + id});
}

static unsigned masters(struct rig **rigs)
{
    unsigned n = 0;
    for (; *rigs != NULL; rigs++)
        n += !(*rigs)->dead && instance_is_master(&(*rigs)->in);
    return n;
}

static void lower_identity_wins_the_tie(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rig *rigs[] = {gm(3, 6, seed), gm(1, 6, seed), gm(2, 6, seed), NULL};
        for (int i = 0; i < 3; i++)
            rigs[i]->wire = rigs;
        wire_run(rigs, RIG_START_NS + 4 * NS_PER_S);
        assert_int_equal(rig_state(rigs[0], 0), PORT_PASSIVE);
        assert_int_equal(rig_state(rigs[1], 0), PORT_MASTER);
        assert_int_equal(rig_state(rigs[2], 0), PORT_PASSIVE);
        for (int i = 0; i < 3; i++)
            rig_free(rigs[i]);
    }
}

/* From the last Sync of a master that dies at any instant to the first of the standby: the announce receipt
 * timeout with its random part, and nothing on top. */
static void standby_takes_over_in_time(void **state)
{
    (void)state;
    enum { SEEDS = 1000 };
    double longest = 0, sum = 0, sum_waited = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        bool passive = seed & 1; /* or held at LISTENING */
        srand((unsigned)seed);
        struct rig *rigs[] = {gm(1, passive ? 6 : 248, seed), gm(2, passive ? 6 : 248, seed), NULL};
        struct rig *active = rigs[0], *standby = rigs[1];
        active->wire = standby->wire = rigs;
        wire_run(rigs, RIG_START_NS + 3 * NS_PER_S + rand() % NS_PER_S);
        assert_int_equal(rig_state(active, 0), PORT_MASTER);
        assert_int_equal(rig_state(standby, 0), passive ? PORT_PASSIVE : PORT_LISTENING);

        active->dead = true;
        rig_forget(standby);
        uint64_t before = standby->in.transition_count;
        const int64_t last_sync = rig_last(active, MSG_SYNC)->at_ns;
        const int64_t last_announce = rig_last(active, MSG_ANNOUNCE)->at_ns;
        wire_run(rigs, active->now + 4 * NS_PER_S);
        const int64_t gap = rig_nth(standby, MSG_SYNC, 0)->at_ns - last_sync;
        assert_true(gap <= 4 * INTERVAL);
        const int64_t waited = rig_nth(standby, MSG_SYNC, 0)->at_ns - last_announce;
        assert_true(waited > 3 * INTERVAL && waited < 4 * INTERVAL);
        sum_waited += (double)waited;
        assert_true(rig_nth(standby, MSG_ANNOUNCE, 0)->at_ns == rig_nth(standby, MSG_SYNC, 0)->at_ns);
        assert_int_equal(standby->in.transition_count, before + 1); /* straight to MASTER */
        sum += (double)gap;
        longest = (double)gap > longest ? (double)gap : longest;
        rig_free(active);
        rig_free(standby);
    }
    const int64_t interval_ns = INTERVAL;
    assert_float_equal(sum_waited / SEEDS / (double)interval_ns, 3.625, 0.03);
    print_message("last Sync to first Sync: mean %.3f s, longest %.3f s\n", sum / (double)NS_PER_S / SEEDS,
                  longest / (double)NS_PER_S);
}

static void return_of_the_better_clock_is_one_change(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        srand((unsigned)seed);
        struct rig *rigs[] = {gm(1, 6, seed), gm(2, 6, seed), NULL};
        rigs[0]->wire = rigs[1]->wire = rigs;
        wire_run(rigs, RIG_START_NS + 3 * NS_PER_S);
        rigs[0]->dead = true;
        wire_run(rigs, rigs[0]->now + 2 * NS_PER_S + rand() % NS_PER_S);
        assert_int_equal(rig_state(rigs[1], 0), PORT_MASTER);

        /* it starts anew, sequence numbers too, without time at first */
        const int64_t now = rigs[1]->now;
        rig_free(rigs[0]);
        struct rig *back = rigs[0] = rig_new((struct rig_options){.id = 1,
                                                                  .start_ns = now,
                                                                  .clock_class = 248,
                                                                  .log_announce = -2,
                                                                  .log_sync = -3,
                                                                  .seed = seed,
                                                                  .not_serving = true});
        back->wire = rigs;
        uint64_t before = rigs[1]->in.transition_count;
        wire_run(rigs, now + 2 * NS_PER_S);
        assert_int_equal(rig_state(rigs[1], 0), PORT_MASTER);
        assert_int_equal(back->sent_count, 0);

        rig_set(back, 6, true);
        assert_int_equal(rig_state(back, 0), PORT_MASTER); /* it knows that it is better */
        const int64_t from = back->now;
        wire_run(rigs, from + 20 * NS_PER_S);
        assert_int_equal(rig_state(back, 0), PORT_MASTER);
        assert_int_equal(rig_state(rigs[1], 0), PORT_PASSIVE);
        assert_int_equal(rigs[1]->in.transition_count, before + 1);
        assert_true(rigs[1]->in.ports[0].state_since_ns - from <= INTERVAL); /* at its second Announce */
        rig_free(rigs[0]);
        rig_free(rigs[1]);
    }
}

static void loss_of_class_hands_over_without_a_gap(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rig *rigs[] = {gm(1, 6, seed), gm(2, 6, seed), NULL};
        rigs[0]->wire = rigs[1]->wire = rigs;
        srand((unsigned)seed);
        wire_run(rigs, RIG_START_NS + 3 * NS_PER_S + rand() % NS_PER_S);
        const int64_t changed = rigs[0]->now;
        uint64_t before[] = {rigs[0]->in.transition_count, rigs[1]->in.transition_count};
        rig_forget(rigs[1]);
        rig_set(rigs[0], CLOCK_CLASS_DEGRADED_B, true);
        wire_run(rigs, changed + 20 * NS_PER_S);
        assert_int_equal(rig_state(rigs[0], 0), PORT_LISTENING);
        assert_int_equal(rig_state(rigs[1], 0), PORT_MASTER);
        assert_true(rig_nth(rigs[1], MSG_SYNC, 0)->at_ns - changed <= INTERVAL);
        assert_true(rigs[0]->in.ports[0].state_since_ns >= rig_nth(rigs[1], MSG_SYNC, 0)->at_ns);
        assert_int_equal(rigs[0]->in.transition_count, before[0] + 1);
        assert_int_equal(rigs[1]->in.transition_count, before[1] + 2); /* by way of PRE_MASTER */
        rig_free(rigs[0]);
        rig_free(rigs[1]);
    }
}

/* Whatever happens to clocks and links: when it is over, there is one master again, and it is the best. */
static void always_one_master_in_the_end(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        srand((unsigned)seed);
        struct rig *rigs[] = {gm(1, 6, seed), gm(2, 6, seed), gm(3, 6, seed), NULL};
        for (int i = 0; i < 3; i++)
            rigs[i]->wire = rigs;
        const uint8_t classes[] = {6, 7, 52, 187, 248};
        for (int step = 0; step < 20; step++) {
            struct rig *r = rigs[rand() % 3];
            switch (rand() % 3) {
            case 0:
                rig_set(r, classes[rand() % 5], rand() % 4 != 0);
                break;
            case 1:
                rig_link(r, 0, false);
                break;
            default:
                rig_link(r, 0, true);
                break;
            }
            wire_run(rigs, rigs[0]->now + rand() % NS_PER_S);
            for (int i = 0; i < 3; i++)
                rig_forget(rigs[i]);
        }
        for (int i = 0; i < 3; i++) {
            rig_link(rigs[i], 0, true);
            rig_set(rigs[i], classes[i == 1 ? 1 : 3], true);
        }
        wire_run(rigs, rigs[0]->now + 5 * NS_PER_S);
        uint64_t before = 0, after = 0;
        for (int i = 0; i < 3; i++)
            before += rigs[i]->in.transition_count;
        assert_int_equal(masters(rigs), 1);
        assert_int_equal(rig_state(rigs[1], 0), PORT_MASTER);
        wire_run(rigs, rigs[0]->now + 5 * NS_PER_S);
        for (int i = 0; i < 3; i++)
            after += rigs[i]->in.transition_count;
        assert_int_equal(before, after);
        for (int i = 0; i < 3; i++)
            rig_free(rigs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lower_identity_wins_the_tie),
        cmocka_unit_test(standby_takes_over_in_time),
        cmocka_unit_test(return_of_the_better_clock_is_one_change),
        cmocka_unit_test(loss_of_class_hands_over_without_a_gap),
        cmocka_unit_test(always_one_master_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
