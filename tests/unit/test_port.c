/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what a MASTER port sends by itself, judged by its decoded bytes. */
#include "tests/unit/ptp_rig.h"

#define COUNTERS(r) ((r)->in.ports[0].counters)

static int64_t wire_ns(const struct wire_timestamp *t)
{
    int64_t ns;
    assert_true(wire_timestamp_to_ns(t, &ns));
    return ns;
}

/* ---- MASTER ---- */

static void announces_at_once_and_on_a_grid(void **state)
{
    (void)state;
    struct rig *r =
        rig_new((struct rig_options){.id = 1, .clock_class = 6, .log_announce = 0, .log_sync = -3});
    rig_to_master(r);
    const int64_t start = r->in.ports[0].state_since_ns;
    assert_true(rig_nth(r, MSG_ANNOUNCE, 0)->at_ns == start);
    assert_true(rig_nth(r, MSG_SYNC, 0)->at_ns == start);

    rig_run(r, start + 100 * NS_PER_S);
    assert_int_equal(rig_count(r, MSG_ANNOUNCE), 101);
    assert_int_equal(rig_count(r, MSG_SYNC), 801);
    for (unsigned k = 0; k < 801; k++) {
        const struct sent *s = rig_nth(r, MSG_SYNC, k);
        assert_true(s->at_ns == start + k * NS_PER_S / 8);
        assert_int_equal(s->m.header.sequence_id, k);
    }
    for (unsigned k = 0; k < 101; k++) {
        const struct sent *s = rig_nth(r, MSG_ANNOUNCE, k);
        assert_true(s->at_ns == start + k * NS_PER_S);
        assert_int_equal(s->m.header.sequence_id, k);
    }
    assert_int_equal(COUNTERS(r).tx[MSG_ANNOUNCE], 101);
    assert_int_equal(COUNTERS(r).tx[MSG_SYNC], 801);
    rig_free(r);
}

static void grid_does_not_drift_when_ticked_late(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = -3});
    const int64_t start = r->in.ports[0].state_since_ns, from = r->now;
    srand(77);
    while (r->now < from + 100 * NS_PER_S) {
        r->now = instance_deadline(&r->in) + rand() % (20 * MS);
        rig_tick(r);
    }
    assert_in_range(rig_count(r, MSG_SYNC), 799, 801);
    for (unsigned i = 0; i < r->sent_count; i++)
        assert_true((r->sent[i].at_ns - start) % (NS_PER_S / 8) < 20 * MS);
    rig_free(r);
}

static void suspend_brings_no_burst(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = -2, .log_sync = -3});
    const int64_t start = r->in.ports[0].state_since_ns;
    rig_run(r, start + NS_PER_S);
    rig_forget(r);
    r->now += 3600 * NS_PER_S + 17 * MS;
    rig_tick(r);
    assert_int_equal(rig_count(r, MSG_SYNC), 1);
    assert_int_equal(rig_count(r, MSG_ANNOUNCE), 1);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);

    rig_run(r, start + 3602 * NS_PER_S);
    assert_int_equal(rig_count(r, MSG_SYNC), 1 + 8);
    assert_int_equal(rig_count(r, MSG_ANNOUNCE), 1 + 4);
    for (unsigned k = 1; k <= 8; k++) /* back on the old grid */
        assert_int_equal((rig_nth(r, MSG_SYNC, k)->at_ns - start) % (NS_PER_S / 8), 0);
    rig_free(r);
}

static void announce_says_what_the_data_sets_say(void **state)
{
    (void)state;
    const struct {
        struct time_properties tp;
        uint16_t flags;
    } rows[] = {
        {{.current_utc_offset = 37}, 0},
        {{.current_utc_offset = -5, .current_utc_offset_valid = true}, FLAG_UTC_OFFSET_VALID},
        {{.leap59 = true}, FLAG_LEAP59},
        {{.leap61 = true}, FLAG_LEAP61},
        {{.time_traceable = true}, FLAG_TIME_TRACEABLE},
        {{.frequency_traceable = true}, FLAG_FREQUENCY_TRACEABLE},
        {{.ptp_timescale = true, .time_source = TIME_SOURCE_GNSS}, FLAG_PTP_TIMESCALE},
        {{37, true, true, true, true, true, true, TIME_SOURCE_INTERNAL_OSCILLATOR}, 0x003F},
    };
    struct rig *r = rig_master((struct rig_options){.id = 0x42, .log_announce = -3, .log_sync = -4});
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct clock_quality q = {.clock_class = (uint8_t)(6 + i), 0x22, (uint16_t)(0x4000 + i)};
        instance_set_quality(&r->in, &q, &rows[i].tp, true, r->now);
        rig_run(r, r->now + NS_PER_S);

        const struct ptp_message *m = &rig_last(r, MSG_ANNOUNCE)->m;
        assert_int_equal(m->header.flags, rows[i].flags);
        assert_int_equal(m->header.log_message_interval, -3);
        assert_int_equal(m->header.correction, 0);
        assert_int_equal(m->header.source.port, 1);
        const struct announce_body *a = &m->body.announce;
        assert_int_equal(a->origin.seconds, 0);
        assert_int_equal(a->origin.nanoseconds, 0);
        assert_int_equal(a->current_utc_offset, rows[i].tp.current_utc_offset);
        assert_int_equal(a->time_source, rows[i].tp.time_source);
        assert_int_equal(a->grandmaster_priority1, 128);
        assert_int_equal(a->grandmaster_priority2, 127);
        assert_memory_equal(&a->grandmaster_clock_quality, &q, sizeof(q));
        struct clock_identity id = rig_identity(0x42);
        assert_memory_equal(&a->grandmaster_identity, &id, sizeof(id));
        assert_int_equal(a->steps_removed, 0);
        assert_int_equal(rig_last(r, MSG_ANNOUNCE)->destination, DEST_PRIMARY_MULTICAST);
    }

    struct ptp_message preview; /* what gmd --check prints is what is sent */
    instance_announce(&r->in, &r->in.ports[0], &preview);
    rig_run(r, r->now + NS_PER_S / 8);
    preview.header.control = rig_last(r, MSG_ANNOUNCE)->m.header.control;
    uint8_t a[64], b[64];
    assert_int_equal(wire_encode(&preview, a, sizeof(a)), 64);
    assert_int_equal(wire_encode(&rig_last(r, MSG_ANNOUNCE)->m, b, sizeof(b)), 64);
    assert_memory_equal(a, b, 64);
    rig_free(r);
}

static void follow_up_carries_the_transmit_time(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 0, .log_sync = -3});
    r->stamps = true;
    rig_run(r, r->now + NS_PER_S);
    assert_int_equal(rig_count(r, MSG_SYNC), 8);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 8);
    for (unsigned k = 0; k < 8; k++) {
        const struct sent *sync = rig_nth(r, MSG_SYNC, k), *fup = rig_nth(r, MSG_FOLLOW_UP, k);
        assert_int_equal(wire_ns(&sync->m.body.timestamp), 0);
        assert_int_equal(sync->m.header.flags, FLAG_TWO_STEP);
        assert_int_equal(sync->m.header.log_message_interval, -3);
        assert_int_equal(sync->destination, DEST_PRIMARY_MULTICAST);
        assert_int_equal(fup->m.header.sequence_id, sync->m.header.sequence_id);
        assert_int_equal(fup->m.header.log_message_interval, -3);
        assert_int_equal(fup->m.header.flags, 0);
        assert_int_equal(fup->m.header.correction, 0);
        assert_int_equal(fup->destination, DEST_PRIMARY_MULTICAST);
        assert_true(wire_ns(&fup->m.body.timestamp) == TAI_EPOCH_NS + sync->at_ns + RIG_EGRESS);
    }
    assert_int_equal(COUNTERS(r).tx_timestamp_missing, 0);
    rig_free(r);
}

/* ---- transmit timestamps that misbehave ---- */

static void missing_stamp_costs_one_follow_up(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 0, .log_sync = -3});
    while (rig_count(r, MSG_SYNC) < 1)
        rig_run(r, instance_deadline(&r->in));
    const struct sent lost = *rig_last(r, MSG_SYNC);
    assert_true(instance_deadline(&r->in) == lost.at_ns + RIG_STAMP_OUT);

    r->stamps = true;
    rig_run(r, lost.at_ns + NS_PER_S / 8 * 3);
    assert_int_equal(COUNTERS(r).tx_timestamp_missing, 1);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    assert_int_equal(rig_count(r, MSG_SYNC), 4);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 3);

    instance_tx_timestamp(&r->in, 0, lost.token, rig_tai(r));
    rig_drain(r);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 3);
    assert_int_equal(COUNTERS(r).tx_timestamp_late, 1);
    assert_int_equal(COUNTERS(r).tx_timestamp_unknown, 0);

    instance_tx_timestamp(&r->in, 0, lost.token, rig_tai(r));                   /* again */
    instance_tx_timestamp(&r->in, 0, rig_last(r, MSG_SYNC)->token, rig_tai(r)); /* duplicate */
    instance_tx_timestamp(&r->in, 0, 0x3EADBEEF, rig_tai(r));
    rig_drain(r);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 3);
    assert_int_equal(COUNTERS(r).tx_timestamp_unknown, 1);
    assert_int_equal(COUNTERS(r).tx_timestamp_duplicated, 2);
    assert_int_equal(COUNTERS(r).tx_timestamp_late, 1);
    assert_int_equal(COUNTERS(r).tx_timestamp_missing, 1);
    rig_free(r);
}

/* Who was away for longer than a stamp may take finds it there when he comes back, and has yet to tick. */
static void what_came_before_the_tick_is_in_time(void **state)
{
    (void)state;
    for (int ticks = 0; ticks <= 1; ticks++) {
        struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 0, .log_sync = -3});
        while (rig_count(r, MSG_SYNC) < 1)
            rig_run(r, instance_deadline(&r->in));
        r->now += RIG_STAMP_OUT;
        if (ticks > 0)
            instance_tick(&r->in, r->now);
        instance_tx_timestamp(&r->in, 0, rig_nth(r, MSG_SYNC, 0)->token, rig_tai(r));
        rig_drain(r);
        assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 1 - ticks);
        assert_int_equal(COUNTERS(r).tx_timestamp_late, ticks);
        assert_int_equal(COUNTERS(r).tx_timestamp_missing, ticks);
        rig_free(r);
    }
}

static void stamps_out_of_order_find_their_sync(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 0, .log_sync = -9});
    while (rig_count(r, MSG_SYNC) < 4)
        rig_run(r, instance_deadline(&r->in));
    for (unsigned k = 4; k-- > 0;)
        instance_tx_timestamp(&r->in, 0, rig_nth(r, MSG_SYNC, k)->token, 5000 + (int64_t)k);
    rig_drain(r);
    for (unsigned k = 0; k < 4; k++) {
        const struct sent *fup = rig_nth(r, MSG_FOLLOW_UP, 3 - k);
        assert_int_equal(fup->m.header.sequence_id, rig_nth(r, MSG_SYNC, k)->m.header.sequence_id);
        assert_int_equal(wire_ns(&fup->m.body.timestamp), 5000 + k + RIG_EGRESS);
    }
    rig_free(r);
}

static void full_pending_gives_up_the_oldest(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 0, .log_sync = -9});
    r->in.ports[0].config.tx_timestamp_timeout_ns = NS_PER_S;
    while (rig_count(r, MSG_SYNC) < PENDING_MAX + 2)
        rig_run(r, instance_deadline(&r->in));
    uint64_t before = COUNTERS(r).tx_timestamp_missing;
    assert_true(before >= 2);
    for (unsigned k = 0; k < PENDING_MAX + 2; k++)
        instance_tx_timestamp(&r->in, 0, rig_nth(r, MSG_SYNC, k)->token, rig_tai(r));
    rig_drain(r);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), PENDING_MAX);
    assert_int_equal(COUNTERS(r).tx_timestamp_late, 2);
    assert_int_equal(COUNTERS(r).tx_timestamp_missing, before);
    rig_free(r);
}

/* Lost, late and repeated stamps in any mixture: one Follow_Up for each stamp that came in time, with that
 * stamp, and every other one counted for what it was. */
static void every_stamp_is_accounted_for(void **state)
{
    (void)state;
    const unsigned seed = 4711;
    print_message("seed %u\n", seed);
    srand(seed);
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = -4});
    unsigned lost = 0, late = 0, twice = 0, in_time = 0;
    for (unsigned k = 0; k < 500; k++) {
        while (rig_count(r, MSG_SYNC) <= k)
            rig_run(r, instance_deadline(&r->in));
        const struct sent sync = *rig_last(r, MSG_SYNC);
        const int64_t tai = rig_tai(r);
        const int fate = rand() % 4;
        if (fate == 0) {
            lost++;
            continue;
        }
        rig_run(r, r->now + (fate == 1 ? RIG_STAMP_OUT + rand() % (40 * MS) : rand() % RIG_STAMP_OUT));
        for (int i = 0; i < (fate == 3 ? 2 : 1); i++)
            instance_tx_timestamp(&r->in, 0, sync.token, tai);
        rig_drain(r);
        late += fate == 1;
        in_time += fate >= 2;
        twice += fate == 3;
        assert_int_equal(rig_count(r, MSG_FOLLOW_UP), in_time);
        if (fate >= 2) {
            const struct ptp_message *m = &rig_last(r, MSG_FOLLOW_UP)->m;
            assert_int_equal(m->header.sequence_id, sync.m.header.sequence_id);
            assert_true(wire_ns(&m->body.timestamp) == tai + RIG_EGRESS);
        }
    }
    rig_run(r, r->now + RIG_STAMP_OUT);
    assert_int_equal(COUNTERS(r).tx_timestamp_missing, lost + late);
    assert_int_equal(COUNTERS(r).tx_timestamp_late, late);
    assert_int_equal(COUNTERS(r).tx_timestamp_duplicated, twice);
    assert_int_equal(COUNTERS(r).tx_timestamp_unknown, 0);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    rig_free(r);
}

static void unsent_is_not_missing(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = -3});
    for (unsigned k = 1; k <= 5; k++) {
        while (rig_count(r, MSG_SYNC) < k)
            rig_run(r, instance_deadline(&r->in));
        if (k <= 2)
            instance_tx_unstamped(&r->in, 0, rig_last(r, MSG_SYNC)->token);
        else
            assert_int_equal(r->in.ports[0].tx_missing_run, k - 3);
    }
    rig_run(r, r->now + RIG_STAMP_OUT);
    assert_int_equal(COUNTERS(r).tx_unstamped, 2);
    assert_int_equal(COUNTERS(r).tx_timestamp_missing, 3);
    assert_int_equal(r->in.ports[0].tx_missing_run, 3);
    r->stamps = true;
    rig_run(r, r->now + NS_PER_S / 8);
    assert_int_equal(r->in.ports[0].tx_missing_run, 0);
    rig_free(r);
}

static void one_step_waits_for_nothing(void **state)
{
    (void)state;
    struct rig *r =
        rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = -3, .one_step = true});
    rig_run(r, r->now + NS_PER_S);
    assert_int_equal(rig_count(r, MSG_SYNC), 8);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 0);
    for (unsigned k = 0; k < 8; k++) {
        const struct ptp_message *m = &rig_nth(r, MSG_SYNC, k)->m;
        assert_int_equal(m->header.flags, 0);
        assert_true(m->header.correction == RIG_EGRESS * 65536LL);
        assert_int_equal(m->header.sequence_id, rig_nth(r, MSG_SYNC, 0)->m.header.sequence_id + k);
        assert_int_equal(m->header.log_message_interval, -3);
        assert_int_equal(wire_ns(&m->body.timestamp), 0);
    }
    assert_int_equal(COUNTERS(r).tx_timestamp_missing, 0);
    assert_true(pending_deadline(&r->in.ports[0].pending, RIG_STAMP_OUT) == INT64_MAX);

    r->in.ports[0].config.egress_latency_ns = -3;
    rig_run(r, r->now + NS_PER_S / 8);
    assert_true(rig_last(r, MSG_SYNC)->m.header.correction == -3 * 65536LL);
    rig_free(r);
}

static void no_follow_up_after_mastership(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 0, .log_sync = -3});
    while (rig_count(r, MSG_SYNC) < 1)
        rig_run(r, instance_deadline(&r->in));
    uint32_t token = rig_last(r, MSG_SYNC)->token;
    rig_set(r, 6, false);
    assert_int_equal(rig_state(r, 0), PORT_LISTENING);
    instance_tx_timestamp(&r->in, 0, token, rig_tai(r));
    rig_run(r, r->now + 3 * NS_PER_S);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 0);
    assert_int_equal(rig_count(r, MSG_SYNC), 1);
    rig_free(r);
}

static void sequence_ids_wrap(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = -3, .log_sync = -3});
    r->stamps = true;
    r->in.ports[0].sync_sequence = 0xFFFE;
    r->in.ports[0].announce_sequence = 0xFFFF;
    rig_run(r, r->now + NS_PER_S / 2);
    const uint16_t expect[] = {0xFFFE, 0xFFFF, 0, 1};
    for (unsigned k = 0; k < 4; k++) {
        assert_int_equal(rig_nth(r, MSG_SYNC, k)->m.header.sequence_id, expect[k]);
        assert_int_equal(rig_nth(r, MSG_FOLLOW_UP, k)->m.header.sequence_id, expect[k]);
        assert_int_equal(rig_nth(r, MSG_ANNOUNCE, k)->m.header.sequence_id, (uint16_t)(expect[k] + 1));
    }
    rig_free(r);
}

static void full_outbox_loses_messages_not_order(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = -3, .log_sync = -3});
    r->box[0].count = OUTBOX_FRAMES; /* the owner did not send */
    uint16_t next = r->in.ports[0].sync_sequence;
    r->now += NS_PER_S / 8;
    instance_tick(&r->in, r->now);
    assert_int_equal(r->box[0].overflows, 2);
    r->box[0].count = 0;
    rig_run(r, r->now + NS_PER_S / 4);
    assert_int_equal(rig_nth(r, MSG_SYNC, 0)->m.header.sequence_id, next); /* no gap: nothing was sent */
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(announces_at_once_and_on_a_grid),
        cmocka_unit_test(grid_does_not_drift_when_ticked_late),
        cmocka_unit_test(suspend_brings_no_burst),
        cmocka_unit_test(announce_says_what_the_data_sets_say),
        cmocka_unit_test(follow_up_carries_the_transmit_time),
        cmocka_unit_test(missing_stamp_costs_one_follow_up),
        cmocka_unit_test(what_came_before_the_tick_is_in_time),
        cmocka_unit_test(stamps_out_of_order_find_their_sync),
        cmocka_unit_test(full_pending_gives_up_the_oldest),
        cmocka_unit_test(every_stamp_is_accounted_for),
        cmocka_unit_test(unsent_is_not_missing),
        cmocka_unit_test(one_step_waits_for_nothing),
        cmocka_unit_test(no_follow_up_after_mastership),
        cmocka_unit_test(sequence_ids_wrap),
        cmocka_unit_test(full_outbox_loses_messages_not_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
