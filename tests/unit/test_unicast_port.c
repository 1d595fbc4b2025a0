/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of a port that serves by unicast: messages in, frames out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ptp_rig.h"

static const struct address client_address = {.family = ADDRESS_IPV4, .bytes = {10, 0, 0, 7}};
static const struct address own_address = {.family = ADDRESS_IPV4, .bytes = {10, 0, 0, 1}};

static struct rig *new_master(void)
{
    return rig_master((struct rig_options){.id = 1, .log_announce = 4, .log_sync = 4});
}

static void receive_from(struct rig *r, const struct ptp_message *m, bool multicast, uint16_t from_port)
{
    uint8_t bytes[256];
    int len = wire_encode(m, bytes, sizeof(bytes));
    assert_true(len > 0);
    const struct frame_in f = {.bytes = bytes,
                               .len = (size_t)len,
                               .from = client_address,
                               .from_port = from_port,
                               .to = own_address,
                               .multicast = multicast,
                               .has_timestamp = true,
                               .timestamp_ns = rig_tai(r)};
    instance_receive(&r->in, 0, &f, r->now);
}

static void receive(struct rig *r, const struct ptp_message *m, bool multicast)
{
    receive_from(r, m, multicast, 319);
}

/* Sync at 8/s, Announce at 1/s and Delay_Resp at 16/s for a minute. */
static struct ptp_message signaling(const struct rig *r, uint8_t *tlvs, size_t size, uint16_t type)
{
    static const uint8_t requests[][6] = {{MSG_SYNC << 4, 0xFD, 0, 0, 0, 60},
                                          {MSG_ANNOUNCE << 4, 0, 0, 0, 0, 60},
                                          {MSG_DELAY_RESP << 4, 0xFC, 0, 0, 0, 60}};
    struct ptp_message m = rig_message(MSG_SIGNALING, 9, 1);
    m.body.target = r->in.ports[0].identity;
    m.suffix = tlvs;
    for (unsigned i = 0; i < 3; i++)
        tlv_append(tlvs, size, &m.suffix_len, type, requests[i],
                   type == TLV_REQUEST_UNICAST_TRANSMISSION ? 6 : 2);
    return m;
}

static void ask(struct rig *r)
{
    uint8_t tlvs[64];
    struct ptp_message m = signaling(r, tlvs, sizeof(tlvs), TLV_REQUEST_UNICAST_TRANSMISSION);
    receive(r, &m, false);
}

/* The outbox's only frame, checked for its way; its TLVs are then in *m. */
static void take_signaling(struct rig *r, struct ptp_message *m, unsigned tlvs, uint16_t type)
{
    assert_int_equal(r->box[0].count, 1);
    const struct frame_out *f = &r->box[0].frames[0];
    assert_int_equal(f->channel, CHANNEL_GENERAL);
    assert_int_equal(f->destination, DEST_UNICAST);
    assert_memory_equal(&f->to, &client_address, sizeof(client_address));
    assert_memory_equal(&f->from, &own_address, sizeof(own_address));
    assert_int_equal(wire_decode(f->bytes, f->len, m), WIRE_OK);
    assert_int_equal(m->header.message_type, MSG_SIGNALING);
    assert_true(m->header.flags & FLAG_UNICAST);
    assert_int_equal(m->body.target.clock.id[7], rig_identity(9).id[7]);
    size_t at = 0;
    struct tlv tlv;
    while (tlv_next(m->suffix, m->suffix_len, &at, &tlv) > 0) {
        assert_int_equal(tlv.type, type);
        tlvs--;
    }
    assert_int_equal(tlvs, 0);
    r->box[0].count = 0;
}

static void begin(struct rig *r)
{
    struct ptp_message reply;
    ask(r);
    take_signaling(r, &reply, 3, TLV_GRANT_UNICAST_TRANSMISSION);
}

static void serves_what_it_granted(void **state)
{
    (void)state;
    struct rig *r = new_master();
    begin(r);
    r->stamps = true;
    rig_run(r, r->now + 8 * NS_PER_S);
    unsigned syncs = 0, announces = 0;
    for (unsigned i = 0; i < r->sent_count; i++) {
        const struct sent *s = &r->sent[i];
        if (s->destination != DEST_UNICAST)
            continue;
        assert_memory_equal(&s->to, &client_address, sizeof(client_address));
        assert_memory_equal(&s->from, &own_address, sizeof(own_address));
        switch (s->m.header.message_type) {
        case MSG_SYNC:
            assert_int_equal(s->m.header.sequence_id, syncs++);
            assert_int_equal(s->m.header.log_message_interval, LOG_INTERVAL_NONE);
            assert_int_equal(r->sent[i + 1].m.header.message_type, MSG_FOLLOW_UP);
            assert_int_equal(r->sent[i + 1].m.header.sequence_id, s->m.header.sequence_id);
            assert_true(r->sent[i + 1].m.body.timestamp.nanoseconds > 0);
            break;
        case MSG_ANNOUNCE:
            assert_int_equal(s->m.header.sequence_id, announces++);
            assert_int_equal(s->m.header.log_message_interval, 0);
            break;
        case MSG_FOLLOW_UP:
            break;
        default:
            fail();
        }
    }
    assert_int_equal(syncs, 64);
    assert_int_equal(announces, 8);
    rig_run(r, r->now + 60 * NS_PER_S); /* not renewed: over */
    rig_forget(r);
    rig_run(r, r->now + 10 * NS_PER_S);
    for (unsigned i = 0; i < r->sent_count; i++)
        assert_int_not_equal(r->sent[i].destination, DEST_UNICAST);
    rig_free(r);
}

static void a_missing_stamp_costs_one_follow_up(void **state)
{
    (void)state;
    struct rig *r = new_master();
    begin(r);
    rig_run(r, r->now + 2 * NS_PER_S);
    unsigned lost = rig_count(r, MSG_SYNC);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 0);
    const struct sent first = *rig_nth(r, MSG_SYNC, 0);
    rig_run(r, r->now + RIG_STAMP_OUT);
    assert_int_equal(r->in.ports[0].counters.tx_timestamp_missing, lost);
    instance_tx_timestamp(&r->in, 0, first.token, rig_tai(r));
    instance_tx_timestamp(&r->in, 0, first.token, rig_tai(r));
    rig_drain(r);
    assert_int_equal(r->in.ports[0].counters.tx_timestamp_late, 1);
    assert_int_equal(r->in.ports[0].counters.tx_timestamp_duplicated, 1);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 0);
    rig_free(r);
}

static void cancels_when_it_serves_no_longer(void **state)
{
    (void)state;
    struct rig *r = new_master();
    r->in.service->config.withdraw_at_handover = true;
    begin(r);
    struct clock_quality q = rig_quality(CLOCK_CLASS_LOCKED);
    struct time_properties tp = rig_time_properties();
    instance_set_quality(&r->in, &q, &tp, false, r->now);
    assert_int_not_equal(rig_state(r, 0), PORT_MASTER);
    r->box[0].count = 0;
    struct ptp_message m;
    for (unsigned i = 0; i < UNICAST_CANCEL_TRIES; i++) {
        for (int64_t end = r->now + 2 * NS_PER_S; r->box[0].count == 0 && r->now < end;) {
            r->now = instance_deadline(&r->in);
            instance_tick(&r->in, r->now);
        }
        take_signaling(r, &m, 3, TLV_CANCEL_UNICAST_TRANSMISSION);
    }
    ask(r); /* not MASTER: no answer */
    assert_int_equal(r->box[0].count, 0);
    rig_set(r, CLOCK_CLASS_LOCKED, true);
    rig_run(r, r->now + 100 * NS_PER_S);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    begin(r);
    rig_free(r);
}

static void withdraws_out_of_specification(void **state)
{
    (void)state;
    struct rig *r = new_master();
    r->in.service->config.withdraw_out_of_spec = true;
    rig_set(r, CLOCK_CLASS_DEGRADED_B, true);
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    ask(r);
    struct ptp_message m;
    take_signaling(r, &m, 3, TLV_GRANT_UNICAST_TRANSMISSION);
    assert_int_equal(r->in.service->unicast.counters.requests[UNICAST_WITHDRAWN], 3);
    rig_set(r, CLOCK_CLASS_LOCKED, true);
    begin(r);
    instance_withdraw(&r->in, r->now); /* for good */
    rig_set(r, CLOCK_CLASS_HOLDOVER, true);
    assert_true(r->in.service->unicast.withdrawn);
    rig_free(r);
}

static void ignores_what_is_not_for_it(void **state)
{
    (void)state;
    struct rig *r = new_master();
    uint8_t tlvs[64];
    struct ptp_message m = signaling(r, tlvs, sizeof(tlvs), TLV_REQUEST_UNICAST_TRANSMISSION);
    receive(r, &m, true);
    m.body.target.port++;
    receive(r, &m, false);
    m.body.target = (struct port_identity){.clock = rig_identity(77), .port = 1};
    receive(r, &m, false);
    r->in.service->config.negotiate = false;
    m.body.target = r->in.ports[0].identity;
    receive(r, &m, false);
    assert_int_equal(r->box[0].count, 0);
    assert_int_equal(r->in.ports[0].counters.rx_ignored, 4);
    r->in.service->config.negotiate = true;
    memset(&m.body.target, 0xFF, sizeof(m.body.target));
    receive(r, &m, false);
    assert_int_equal(r->box[0].count, 1);
    rig_free(r);
}

/* As G.8275.2 and G.8265.1 have it. A better clock's Announce changes nothing: its clients choose. */
static void is_silent_by_multicast_where_all_is_granted(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .unicast_only = true});
    r->stamps = true;
    struct ptp_message req = rig_message(MSG_DELAY_REQ, 9, 1);
    for (uint16_t i = 0; i < 8; i++) {
        const struct ptp_message better = rig_announce_of(0, CLOCK_CLASS_LOCKED, i);
        receive(r, &better, i % 2);
        receive(r, &req, true);
        rig_run(r, r->now + NS_PER_S);
    }
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
    assert_int_equal(r->sent_count, 0);
    assert_int_equal(r->in.ports[0].counters.rx_ignored, 16);
    begin(r);
    rig_run(r, r->now + 8 * NS_PER_S);
    assert_int_equal(rig_count(r, MSG_SYNC), 64);
    assert_int_equal(rig_count(r, MSG_ANNOUNCE), 8);
    for (unsigned i = 0; i < r->sent_count; i++)
        assert_int_equal(r->sent[i].destination, DEST_UNICAST);
    rig_free(r);
}

static struct frame_out only_frame(struct rig *r)
{
    assert_int_equal(r->box[0].count, 1);
    r->box[0].count = 0;
    return r->box[0].frames[0];
}

static void sptp_exchange_of(struct rig *r, uint16_t number, uint16_t from_port, uint16_t announce_port)
{
    struct ptp_message req = rig_message(MSG_DELAY_REQ, 9, 4711), m;
    req.header.flags = FLAG_UNICAST | FLAG_PROFILE_SPECIFIC_1;
    req.header.correction = 0x12345;
    req.header.source.port = number;
    receive_from(r, &req, false, from_port);
    const struct frame_out sync = only_frame(r);
    assert_int_equal(sync.channel, CHANNEL_EVENT);
    assert_int_equal(sync.to_port, from_port);
    assert_memory_equal(&sync.to, &client_address, sizeof(client_address));
    assert_true(sync.want_timestamp);
    assert_int_equal(wire_decode(sync.bytes, sync.len, &m), WIRE_OK);
    assert_int_equal(m.header.sequence_id, 4711);
    int64_t t4;
    assert_true(wire_timestamp_to_ns(&m.body.timestamp, &t4));
    assert_true(t4 == rig_tai(r) - RIG_INGRESS);

    instance_tx_timestamp(&r->in, 0, sync.token, rig_tai(r) + 5000);
    const struct frame_out announce = only_frame(r);
    assert_int_equal(announce.channel, number > 10 ? CHANNEL_EVENT : CHANNEL_GENERAL);
    assert_int_equal(announce.to_port, announce_port);
    assert_memory_equal(&announce.to, &client_address, sizeof(client_address));
    assert_int_equal(wire_decode(announce.bytes, announce.len, &m), WIRE_OK);
    assert_int_equal(m.header.message_type, MSG_ANNOUNCE);
    assert_int_equal(m.header.sequence_id, 4711);
    assert_int_equal(m.header.correction, 0x12345);
    int64_t t1;
    assert_true(wire_timestamp_to_ns(&m.body.announce.origin, &t1));
    assert_true(t1 == rig_tai(r) + 5000 + RIG_EGRESS);
}

static void sptp_exchange(void **state)
{
    (void)state;
    const struct {
        uint16_t number, from_port, announce_port; /* 0: the channel's own */
    } rows[] = {{1, 319, 0},    {10, 319, 0},       {11, 319, 319},        {1, 40123, 0},
                {10, 40123, 0}, {11, 40123, 40123}, {65534, 65535, 65535}, {11, 0, 0}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig *r = new_master();
        r->in.service->config.sptp = true;
        sptp_exchange_of(r, rows[i].number, rows[i].from_port, rows[i].announce_port);
        size_t cursor = 0;
        assert_int_equal(clients_next(r->in.service->clients, &cursor)->mode, CLIENT_SPTP);
        rig_free(r);
    }
}

/* One host, even one identity: each has its own answers, whatever is under way for the other. */
static void sptp_clients_differ_by_port(void **state)
{
    (void)state;
    struct rig *r = new_master();
    struct ptp_message req = rig_message(MSG_DELAY_REQ, 9, 1);
    struct frame_out syncs[2];
    r->in.service->config.sptp = true;
    req.header.flags = FLAG_UNICAST | FLAG_PROFILE_SPECIFIC_1;
    req.header.source.port = 11;
    for (unsigned i = 0; i < 2; i++) {
        receive_from(r, &req, false, (uint16_t)(40000 + i));
        syncs[i] = only_frame(r);
        assert_int_equal(syncs[i].to_port, 40000 + i);
    }
    for (unsigned i = 2; i-- > 0;) {
        instance_tx_timestamp(&r->in, 0, syncs[i].token, rig_tai(r));
        assert_int_equal(only_frame(r).to_port, 40000 + i);
    }
    rig_free(r);
}

/* Whatever port it came from: general messages go to port 320. */
static void other_requests_are_answered_at_the_general_port(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct rig *r = new_master();
        struct ptp_message req = rig_message(MSG_DELAY_REQ, 9, 1), m;
        r->in.service->config.sptp = i == 0;
        req.header.flags = i == 0 ? FLAG_UNICAST : FLAG_UNICAST | FLAG_PROFILE_SPECIFIC_1;
        req.header.source.port = 11;
        receive_from(r, &req, i == 2, 40123);
        const struct frame_out answer = only_frame(r);
        assert_int_equal(wire_decode(answer.bytes, answer.len, &m), WIRE_OK);
        assert_int_equal(m.header.message_type, MSG_DELAY_RESP);
        assert_int_equal(answer.channel, CHANNEL_GENERAL);
        assert_int_equal(answer.to_port, 0);
        rig_free(r);
    }
}

static void refuses_and_says_why(void **state)
{
    (void)state;
    struct rig *r = new_master();
    struct ptp_message req = rig_message(MSG_DELAY_REQ, 9, 1);
    size_t cursor = 0;
    for (unsigned i = 0; i < 100; i++)
        receive(r, &req, false); /* at one instant */
    const struct client *c = clients_next(r->in.service->clients, &cursor);
    assert_int_equal(r->box[0].count, CLIENT_BURST);
    assert_int_equal(c->answered, CLIENT_BURST);
    assert_int_equal(client_refused(c, REFUSED_RATE), 100 - CLIENT_BURST);
    r->box[0].count = 0;

    r->now += 10 * NS_PER_S;
    r->in.service->config.unicast.limits.grant_needed = true;
    receive(r, &req, false);
    assert_int_equal(client_refused(c, REFUSED_NO_GRANT), 1);
    assert_int_equal(r->in.ports[0].counters.rx_no_grant, 1);
    receive(r, &req, true); /* multicast needs none */
    assert_int_equal(r->box[0].count, 1);
    r->box[0].count = 0;

    req.header.domain_number++;
    receive(r, &req, false);
    receive(r, &req, true); /* others' business */
    assert_int_equal(client_refused(c, REFUSED_MISFIT), 1);
    assert_int_equal(client_faults(c, r->now), FAULT_WRONG_DOMAIN);
    rig_free(r);
}

static void announces_longer_intervals_under_load(void **state)
{
    (void)state;
    struct rig *r = new_master();
    r->in.service->budget.config.log_interval_max = 3;
    r->in.service->budget.steps = 2;
    struct ptp_message req = rig_message(MSG_DELAY_REQ, 9, 1), m;
    receive(r, &req, true);
    assert_int_equal(wire_decode(r->box[0].frames[0].bytes, r->box[0].frames[0].len, &m), WIRE_OK);
    assert_int_equal(m.header.log_message_interval, r->in.ports[0].config.log_min_delay_req_interval + 2);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_what_it_granted),
        cmocka_unit_test(a_missing_stamp_costs_one_follow_up),
        cmocka_unit_test(cancels_when_it_serves_no_longer),
        cmocka_unit_test(withdraws_out_of_specification),
        cmocka_unit_test(ignores_what_is_not_for_it),
        cmocka_unit_test(is_silent_by_multicast_where_all_is_granted),
        cmocka_unit_test(sptp_exchange),
        cmocka_unit_test(sptp_clients_differ_by_port),
        cmocka_unit_test(other_requests_are_answered_at_the_general_port),
        cmocka_unit_test(refuses_and_says_why),
        cmocka_unit_test(announces_longer_intervals_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
