/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of when the state decision runs and what becomes of it, on one clock. */
#include "tests/unit/ptp_rig.h"

#define INTERVAL (NS_PER_S / 4) /* announce interval of most tests: log2 -2 */

static void hears(struct rig *r, unsigned port, struct ptp_message m, uint16_t sequence_id)
{
    m.header.sequence_id = sequence_id;
    rig_receive(r, port, &m);
}

/* A foreign master announces from now on for so many messages, one an interval. */
static void hears_for(struct rig *r, unsigned port, struct ptp_message m, unsigned messages)
{
    for (unsigned k = 0; k < messages; k++) {
        hears(r, port, m, (uint16_t)k);
        rig_run(r, r->now + INTERVAL);
    }
}

static const struct port_transition *transition(const struct rig *r, uint64_t n)
{
    assert_true(n < r->in.transition_count);
    return &r->in.transitions[n % INSTANCE_TRANSITIONS];
}

static void assert_own_data_sets(const struct rig *r)
{
    assert_int_equal(r->in.steps_removed, 0);
    assert_memory_equal(&r->in.parent_ds.grandmaster_identity, &r->in.default_ds.clock_identity, 8);
    assert_memory_equal(&r->in.parent_ds.parent_port_identity.clock, &r->in.default_ds.clock_identity, 8);
    assert_int_equal(r->in.parent_ds.parent_port_identity.port, 0);
    assert_int_equal(r->in.parent_ds.grandmaster_clock_quality.clock_class,
                     r->in.default_ds.clock_quality.clock_class);
    assert_int_equal(r->in.time_properties.current_utc_offset, 37);
    assert_int_equal(r->in.time_properties.time_source, TIME_SOURCE_GNSS);
}

/* ---- silence ---- */

static void timeout_is_random_within_one_interval(void **state)
{
    (void)state;
    const struct {
        int8_t log_announce;
        uint8_t timeout;
    } rows[] = {{-2, 3}, {0, 2}, {1, 10}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const double interval = (double)interval_ns(rows[i].log_announce);
        double sum = 0, low = 1, high = 0;
        enum { SEEDS = 2000 };
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct rig *r = rig_new((struct rig_options){.id = 1,
                                                         .clock_class = 6,
                                                         .log_announce = rows[i].log_announce,
                                                         .timeout = rows[i].timeout,
                                                         .seed = seed});
            rig_to_master(r);
            double u = (double)(r->in.ports[0].state_since_ns - RIG_START_NS) / interval - rows[i].timeout;
            assert_true(u >= 0.25 && u < 1);
            sum += u;
            low = u < low ? u : low;
            high = u > high ? u : high;
            assert_int_equal(r->in.ports[0].counters.announce_timeouts, 1);
            rig_free(r);
        }
        assert_float_equal(sum / SEEDS, 0.625, 0.03);
        assert_true(low < 0.26 && high > 0.99);
    }
}

static void becomes_master_by_silence(void **state)
{
    (void)state;
    struct rig *r =
        rig_new((struct rig_options){.id = 1, .clock_class = 6, .log_announce = -2, .log_sync = -3});
    assert_int_equal(r->sent_count, 0);
    rig_to_master(r);
    assert_true(instance_is_master(&r->in));
    assert_int_equal(r->in.transition_count, 2);
    assert_int_equal(transition(r, 0)->from, PORT_INITIALIZING);
    assert_int_equal(transition(r, 0)->to, PORT_LISTENING);
    assert_int_equal(transition(r, 1)->event, PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES);
    assert_int_equal(transition(r, 1)->decision, DECISION_M1);
    assert_int_equal(transition(r, 1)->port, 1);
    assert_own_data_sets(r);
    rig_free(r);
}

/* ---- other masters ---- */

static void two_announces_of_a_better_clock(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 5, .log_announce = -2, .log_sync = -3});
    hears(r, 0, rig_announce_of(4, 6, 0), 0);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    rig_run(r, r->now + INTERVAL);
    hears(r, 0, rig_announce_of(4, 6, 0), 1);
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE); /* at once, no interval later */
    assert_int_equal(transition(r, r->in.transition_count - 1)->decision, DECISION_P1);
    assert_own_data_sets(r); /* class 6 is never synchronised by it */
    rig_forget(r);
    hears_for(r, 0, rig_announce_of(4, 6, 0), 20);
    assert_int_equal(r->sent_count, 0);
    rig_free(r);
}

static void what_is_no_candidate_changes_nothing(void **state)
{
    (void)state;
    struct ptp_message alternate = rig_announce_of(0, 6, 0), far = alternate, ours = alternate,
                       worse = rig_announce_of(9, 6, 0), domain = alternate;
    alternate.header.flags |= FLAG_ALTERNATE_MASTER;
    far.body.announce.steps_removed = 255;
    ours.body.announce.grandmaster_identity = rig_identity(5); /* our own, come back through others */
    domain.header.domain_number = 0;
    const struct ptp_message rows[] = {alternate, far, ours, worse, domain};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig *r = rig_master((struct rig_options){.id = 5, .log_announce = -2, .log_sync = -3});
        uint64_t before = r->in.transition_count;
        hears_for(r, 0, rows[i], 20);
        assert_int_equal(rig_state(r, 0), PORT_MASTER);
        assert_int_equal(r->in.transition_count, before);
        assert_own_data_sets(r);
        assert_int_equal(r->in.ports[0].counters.rx_ignored, i == 0 ? 20 : 0);
        assert_int_equal(r->in.ports[0].foreign.discarded_steps, i == 1 ? 20 : 0);
        assert_int_equal(r->in.ports[0].foreign.discarded_own, i == 2 ? 20 : 0);
        rig_free(r);
    }
}

static void own_quality_decides_at_once(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 5, .log_announce = -2, .log_sync = -3});
    rig_set(r, 7, true);
    hears_for(r, 0, rig_announce_of(9, 6, 0), 3);
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
    rig_forget(r);
    rig_set(r, 6, true); /* now the identity decides */
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    assert_true(rig_nth(r, MSG_SYNC, 0)->at_ns == r->now);
    assert_int_equal(rig_nth(r, MSG_ANNOUNCE, 0)->m.body.announce.grandmaster_clock_quality.clock_class, 6);
    rig_set(r, 7, true);
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
    rig_free(r);
}

static void a_second_master_takes_the_place_of_the_first(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct rig *r = rig_new((struct rig_options){
            .id = 5, .clock_class = 6, .log_announce = -2, .log_sync = -3, .seed = seed});
        for (unsigned k = 0; k < 30; k++) { /* the best of the two falls silent half way */
            if (k < 15)
                hears(r, 0, rig_announce_of(1, 6, 0), (uint16_t)k);
            rig_run(r, r->now + INTERVAL * 3 / 5);
            hears(r, 0, rig_announce_of(2, 6, 0), (uint16_t)k);
            rig_run(r, r->now + INTERVAL * 2 / 5);
        }
        assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
        assert_int_equal(r->sent_count, 0);
        assert_int_equal(r->in.ports[0].counters.announce_timeouts, 0);
        rig_free(r);
    }
}

/* PASSIVE through a loss of its own: the other's silence still counts from its last Announce. */
static void silence_counts_from_the_last_announce(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rig *r =
            rig_master((struct rig_options){.id = 5, .log_announce = -2, .log_sync = -3, .seed = seed});
        hears_for(r, 0, rig_announce_of(9, 6, 0), 3);
        const int64_t last = r->now - INTERVAL;
        rig_run(r, last + 2 * INTERVAL + INTERVAL / 2);
        rig_set(r, 7, true);
        assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
        rig_forget(r);
        rig_run(r, last + 5 * INTERVAL);
        assert_in_range(rig_nth(r, MSG_SYNC, 0)->at_ns - last, 3 * INTERVAL, 4 * INTERVAL);
        rig_free(r);
    }
}

static void only_the_best_master_keeps_it_quiet(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rig *r = rig_new((struct rig_options){
            .id = 5, .clock_class = 6, .log_announce = -2, .log_sync = -3, .seed = seed});
        hears_for(r, 0, rig_announce_of(1, 6, 0), 10);
        const int64_t last = r->now - INTERVAL;
        rig_run(r, last + 3 * INTERVAL - 1 * MS);
        hears(r, 0, rig_announce_of(2, 6, 0), 0); /* one message qualifies nobody */
        rig_run(r, last + 5 * INTERVAL);
        assert_in_range(rig_nth(r, MSG_SYNC, 0)->at_ns - last, 3 * INTERVAL, 4 * INTERVAL);
        rig_free(r);
    }
}

static void forgets_the_silent_without_being_told(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 5, .log_announce = -2, .log_sync = -3});
    hears_for(r, 0, rig_announce_of(9, 6, 0), 3);
    assert_true(r->in.ports[0].foreign.masters[0].used);
    rig_run(r, r->now + 4 * INTERVAL);
    for (int i = 0; i < FOREIGN_MASTERS_MAX; i++)
        assert_false(r->in.ports[0].foreign.masters[i].used);
    rig_free(r);
}

static void decides_at_the_pace_of_the_fastest_port(void **state)
{
    (void)state;
    struct rig *r =
        rig_new((struct rig_options){.id = 5, .clock_class = 6, .log_announce = 1, .log_sync = 0});
    struct port_config config = r->in.ports[0].config;
    assert_true(instance_deadline(&r->in) == r->now + 2 * NS_PER_S);
    config.log_announce_interval = -2;
    instance_add_port(&r->in, &config, &r->box[1], 0, r->now);
    assert_true(instance_deadline(&r->in) == r->now + INTERVAL);
    rig_free(r);
}

/* ---- holding back ---- */

static void silent_until_there_is_a_time_to_serve(void **state)
{
    (void)state;
    struct rig *r = rig_new((struct rig_options){
        .id = 1, .clock_class = 248, .log_announce = 1, .log_sync = -3, .not_serving = true});
    rig_run(r, RIG_START_NS + 60 * NS_PER_S);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    assert_int_equal(r->sent_count, 0);
    assert_int_equal(r->in.ports[0].counters.announce_timeouts, 1);

    r->now += 123456789;
    rig_set(r, 6, true); /* it has listened long enough */
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    assert_true(rig_nth(r, MSG_SYNC, 0)->at_ns == r->now);
    assert_true(rig_nth(r, MSG_ANNOUNCE, 0)->at_ns == r->now);

    rig_set(r, 248, false);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    rig_forget(r);
    rig_run(r, r->now + 60 * NS_PER_S);
    assert_int_equal(r->sent_count, 0);
    rig_set(r, 6, true);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    rig_free(r);
}

static void standby_without_time_outlives_the_master_in_silence(void **state)
{
    (void)state;
    struct rig *r = rig_new((struct rig_options){
        .id = 5, .clock_class = 6, .log_announce = -2, .log_sync = -3, .not_serving = true});
    hears_for(r, 0, rig_announce_of(1, 6, 0), 10);
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
    rig_run(r, r->now + 3 * INTERVAL);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    assert_int_equal(r->sent_count, 0);
    rig_set(r, 6, true); /* no second round of listening */
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    rig_free(r);
}

static void serving_does_not_cut_listening_short(void **state)
{
    (void)state;
    struct rig *r = rig_new((struct rig_options){
        .id = 1, .clock_class = 248, .log_announce = 0, .log_sync = -3, .not_serving = true});
    rig_run(r, RIG_START_NS + NS_PER_S);
    rig_set(r, 6, true);
    rig_run(r, RIG_START_NS + 3 * NS_PER_S);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    rig_to_master(r);
    rig_free(r);
}

static void would_be_slave_listens_in_silence(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = -2, .log_sync = -3});
    rig_set(r, CLOCK_CLASS_DEGRADED_B, true);
    struct ptp_message better = rig_announce_of(9, 7, 0);
    better.body.announce.steps_removed = 2;
    hears(r, 0, better, 0);
    rig_run(r, r->now + INTERVAL);
    hears(r, 0, better, 1);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    const struct port_transition *t = transition(r, r->in.transition_count - 1);
    assert_int_equal(t->from, PORT_MASTER);
    assert_int_equal(t->event, PORT_EVENT_RS_SLAVE);
    assert_int_equal(t->decision, DECISION_S1);
    assert_int_equal(r->in.steps_removed, 3);
    assert_int_equal(r->in.time_properties.current_utc_offset, 36);
    assert_int_equal(r->in.time_properties.time_source, TIME_SOURCE_ATOMIC_CLOCK);
    struct clock_identity id = rig_identity(9);
    assert_memory_equal(&r->in.parent_ds.grandmaster_identity, &id, 8);
    assert_memory_equal(&r->in.parent_ds.parent_port_identity.clock, &id, 8);
    assert_int_equal(r->in.parent_ds.grandmaster_clock_quality.clock_class, 7);

    uint64_t transitions = r->in.transition_count;
    rig_forget(r);
    for (uint16_t k = 2; k < 40; k++) {
        rig_run(r, r->now + INTERVAL);
        hears(r, 0, better, k);
    }
    assert_int_equal(r->sent_count, 0);
    assert_int_equal(r->in.transition_count, transitions);

    const int64_t last = r->now; /* the better one vanishes */
    rig_run(r, last + 4 * INTERVAL);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    assert_in_range(rig_nth(r, MSG_SYNC, 0)->at_ns - last, 3 * INTERVAL, 4 * INTERVAL);
    assert_own_data_sets(r);
    assert_int_equal(rig_nth(r, MSG_ANNOUNCE, 0)->m.body.announce.steps_removed, 0);
    rig_free(r);
}

/* ---- two ports ---- */

static void better_path_gets_the_slave_the_other_is_passive(void **state)
{
    (void)state;
    for (int swap = 0; swap <= 1; swap++) {
        struct rig *r = rig_new((struct rig_options){
            .id = 1, .clock_class = 248, .log_announce = -2, .log_sync = -3, .ports = 2});
        struct ptp_message near = rig_announce_of(9, 6, 0), far = near; /* two ports of one boundary clock */
        far.header.source.port = 2;
        for (uint16_t k = 0; k < 10; k++) {
            hears(r, (unsigned)swap, near, k);
            hears(r, (unsigned)!swap, far, k);
            rig_run(r, r->now + INTERVAL);
        }
        assert_int_equal(r->in.ports[swap].decision, DECISION_S1);
        assert_int_equal(r->in.ports[!swap].decision, DECISION_P2);
        assert_int_equal(rig_state(r, (unsigned)swap), PORT_LISTENING); /* this build does not follow */
        assert_int_equal(rig_state(r, (unsigned)!swap), PORT_PASSIVE);
        assert_int_equal(r->in.parent_ds.parent_port_identity.port, 1);
        assert_int_equal(r->sent_count, 0);

        rig_run(r, r->now + 4 * INTERVAL); /* all is lost: both serve, after their own timeouts */
        assert_int_equal(rig_state(r, 0), PORT_MASTER);
        assert_int_equal(rig_state(r, 1), PORT_MASTER);
        rig_free(r);
    }
}

/* M3: master of what the slave port would learn. As nothing is learnt, nothing may be announced. */
static void no_master_of_a_clock_that_is_not_followed(void **state)
{
    (void)state;
    struct rig *r = rig_new(
        (struct rig_options){.id = 1, .clock_class = 248, .log_announce = -2, .log_sync = -3, .ports = 2});
    rig_to_master(r);
    rig_forget(r);
    for (uint16_t k = 0; k < 2; k++)
        hears(r, 0, rig_announce_of(9, 6, 0), k);
    assert_int_equal(r->in.ports[0].decision, DECISION_S1);
    assert_int_equal(r->in.ports[1].decision, DECISION_M3);
    assert_int_equal(rig_state(r, 1), PORT_LISTENING);

    struct ptp_message m; /* what it would announce */
    instance_announce(&r->in, &r->in.ports[1], &m);
    struct clock_identity id = rig_identity(9);
    assert_memory_equal(&m.body.announce.grandmaster_identity, &id, 8);
    assert_int_equal(m.body.announce.grandmaster_clock_quality.clock_class, 6);
    assert_int_equal(m.body.announce.steps_removed, 1);
    assert_int_equal(m.body.announce.current_utc_offset, 36);
    assert_int_equal(m.header.flags, FLAG_PTP_TIMESCALE | FLAG_UTC_OFFSET_VALID);

    for (uint16_t k = 2; k < 30; k++) {
        rig_run(r, r->now + INTERVAL);
        hears(r, 0, rig_announce_of(9, 6, 0), k);
    }
    assert_int_equal(r->sent_count, 0);
    assert_int_equal(r->in.ports[1].counters.announce_timeouts, 2); /* before MASTER, and now */

    const int64_t last = r->now;
    rig_run(r, last + 4 * INTERVAL);
    for (unsigned i = 0; i < 2; i++) { /* port 2 listened long enough before and adds no timeout of its own */
        assert_int_equal(rig_state(r, i), PORT_MASTER);
        assert_in_range(r->in.ports[i].state_since_ns - last, 3 * INTERVAL, 4 * INTERVAL);
    }
    rig_free(r);
}

static void class_6_serves_where_it_is_the_best(void **state)
{
    (void)state;
    struct rig *r = rig_new(
        (struct rig_options){.id = 5, .clock_class = 6, .log_announce = -2, .log_sync = -3, .ports = 2});
    for (uint16_t k = 0; k < 20; k++) {
        hears(r, 0, rig_announce_of(1, 6, 0), k);
        rig_run(r, r->now + INTERVAL);
    }
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
    assert_int_equal(rig_state(r, 1), PORT_MASTER);
    for (unsigned i = 0; i < r->sent_count; i++)
        assert_int_equal(r->sent[i].port, 1);
    const struct ptp_message *m = &rig_last(r, MSG_ANNOUNCE)->m;
    assert_memory_equal(&m->body.announce.grandmaster_identity, &r->in.default_ds.clock_identity, 8);
    assert_int_equal(m->body.announce.steps_removed, 0);
    assert_int_equal(r->in.default_ds.number_ports, 2);
    rig_free(r);
}

/* ---- links ---- */

static void link_down_and_up(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 5, .log_announce = -2, .log_sync = -3});
    hears_for(r, 0, rig_announce_of(1, 6, 0), 3);
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
    uint64_t transitions = r->in.transition_count;
    rig_link(r, 0, false);
    rig_link(r, 0, false);
    assert_int_equal(rig_state(r, 0), PORT_FAULTY);
    assert_int_equal(r->in.transition_count, transitions + 1);
    assert_null(foreign_best(&r->in.ports[0].foreign, r->now));
    rig_forget(r);
    hears_for(r, 0, rig_announce_of(1, 6, 0), 3); /* not heard */
    rig_run(r, r->now + 10 * NS_PER_S);
    assert_int_equal(rig_state(r, 0), PORT_FAULTY);
    assert_int_equal(r->sent_count, 0);
    assert_null(foreign_best(&r->in.ports[0].foreign, r->now));

    const int64_t up = r->now;
    rig_link(r, 0, true);
    rig_link(r, 0, true);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    assert_int_equal(transition(r, transitions + 1)->event, PORT_EVENT_FAULT_CLEARED);
    assert_int_equal(transition(r, transitions + 2)->event, PORT_EVENT_INIT_COMPLETE);
    assert_int_equal(r->in.transition_count, transitions + 3);
    rig_run(r, up + 4 * INTERVAL);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    assert_in_range(rig_nth(r, MSG_ANNOUNCE, 0)->at_ns - up, 3 * INTERVAL, 4 * INTERVAL);
    rig_free(r);
}

static void loss_of_the_link_to_the_master_decides_at_once(void **state)
{
    (void)state;
    struct rig *r = rig_new(
        (struct rig_options){.id = 1, .clock_class = 248, .log_announce = -2, .log_sync = -3, .ports = 2});
    hears_for(r, 0, rig_announce_of(9, 6, 0), 10);
    assert_int_equal(rig_state(r, 1), PORT_LISTENING);
    rig_link(r, 0, false);
    assert_int_equal(rig_state(r, 1), PORT_MASTER);
    assert_own_data_sets(r);
    rig_free(r);
}

static void nothing_before_the_first_link(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 5, .log_announce = -2, .log_sync = -3});
    struct default_ds ds = r->in.default_ds;
    struct port_config config = r->in.ports[0].config;
    instance_init(&r->in, &ds, r->service);
    assert_true(instance_deadline(&r->in) == INT64_MAX);
    instance_add_port(&r->in, &config, &r->box[0], 1, r->now);
    rig_set(r, 6, true);
    hears_for(r, 0, rig_announce_of(1, 6, 0), 10);
    assert_int_equal(rig_state(r, 0), PORT_INITIALIZING);
    assert_int_equal(r->sent_count, 0);
    assert_int_equal(r->in.ports[0].counters.rx_ignored, 10);
    rig_link(r, 0, true);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    rig_free(r);
}

/* ---- sleep ---- */

static void own_sleep_is_not_the_others_silence(void **state)
{
    (void)state;
    for (int alive = 0; alive <= 1; alive++) {
        for (int tick_first = 0; tick_first <= 1; tick_first++) {
            struct rig *r =
                rig_new((struct rig_options){.id = 5, .clock_class = 6, .log_announce = -2, .log_sync = -3});
            hears_for(r, 0, rig_announce_of(1, 6, 0), 10);
            assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
            r->now += 3600 * NS_PER_S;
            const int64_t woken = r->now;
            if (tick_first)
                rig_tick(r);
            for (uint16_t k = 100; alive && k < 120; k++) {
                hears(r, 0, rig_announce_of(1, 6, 0), k);
                rig_run(r, r->now + INTERVAL);
            }
            rig_run(r, woken + 20 * INTERVAL);
            assert_int_equal(rig_state(r, 0), alive ? PORT_PASSIVE : PORT_MASTER);
            if (alive)
                assert_int_equal(r->sent_count, 0);
            else
                assert_in_range(rig_nth(r, MSG_SYNC, 0)->at_ns - woken, 3 * INTERVAL, 4 * INTERVAL);
            rig_free(r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeout_is_random_within_one_interval),
        cmocka_unit_test(becomes_master_by_silence),
        cmocka_unit_test(two_announces_of_a_better_clock),
        cmocka_unit_test(what_is_no_candidate_changes_nothing),
        cmocka_unit_test(own_quality_decides_at_once),
        cmocka_unit_test(a_second_master_takes_the_place_of_the_first),
        cmocka_unit_test(silence_counts_from_the_last_announce),
        cmocka_unit_test(only_the_best_master_keeps_it_quiet),
        cmocka_unit_test(forgets_the_silent_without_being_told),
        cmocka_unit_test(decides_at_the_pace_of_the_fastest_port),
        cmocka_unit_test(silent_until_there_is_a_time_to_serve),
        cmocka_unit_test(standby_without_time_outlives_the_master_in_silence),
        cmocka_unit_test(serving_does_not_cut_listening_short),
        cmocka_unit_test(would_be_slave_listens_in_silence),
        cmocka_unit_test(better_path_gets_the_slave_the_other_is_passive),
        cmocka_unit_test(no_master_of_a_clock_that_is_not_followed),
        cmocka_unit_test(class_6_serves_where_it_is_the_best),
        cmocka_unit_test(link_down_and_up),
        cmocka_unit_test(loss_of_the_link_to_the_master_decides_at_once),
        cmocka_unit_test(nothing_before_the_first_link),
        cmocka_unit_test(own_sleep_is_not_the_others_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
