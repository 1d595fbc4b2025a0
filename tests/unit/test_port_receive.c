/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of what one port answers, counts and survives, judged by its decoded bytes. */
#include "tests/unit/ptp_rig.h"

#define COUNTERS(r) ((r)->in.ports[0].counters)

static int64_t wire_ns(const struct wire_timestamp *t)
{
    int64_t ns;
    assert_true(wire_timestamp_to_ns(t, &ns));
    return ns;
}

/* ---- Delay_Req ---- */

static void request(struct rig *r, enum message_type type, const struct frame_in *like, int64_t correction)
{
    struct ptp_message m = rig_message(type, 0x99, 4711);
    m.header.source.port = 3;
    m.header.correction = correction;
    uint8_t bytes[64];
    struct frame_in f = *like;
    f.len = (size_t)wire_encode(&m, bytes, sizeof(bytes));
    f.bytes = bytes;
    instance_receive(&r->in, 0, &f, r->now);
    rig_drain(r);
}

static const struct frame_in by_multicast = {
    .from = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 33}},
    .multicast = true,
    .has_timestamp = true,
    .timestamp_ns = 1700000000 * NS_PER_S + 5,
};

static struct frame_in by_unicast(void)
{
    struct frame_in f = by_multicast;
    f.multicast = false;
    f.to = (struct address){.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 34}};
    return f;
}

static void check_requesting(const struct ptp_message *m)
{
    struct clock_identity id = rig_identity(0x99);
    assert_memory_equal(&m->body.response.requesting.clock, &id, sizeof(id));
    assert_int_equal(m->body.response.requesting.port, 3);
    assert_int_equal(m->header.sequence_id, 4711);
}

static void answers_delay_req_the_way_it_came(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = 0});
    const int64_t corrections[] = {0, 12345678, -65536, INT64_MAX};
    for (size_t i = 0; i < sizeof(corrections) / sizeof(corrections[0]); i++) {
        for (int unicast = 0; unicast <= 1; unicast++) {
            struct frame_in f = unicast ? by_unicast() : by_multicast;
            request(r, MSG_DELAY_REQ, &f, corrections[i]);
            const struct sent *s = rig_last(r, MSG_DELAY_RESP);
            check_requesting(&s->m);
            assert_true(s->m.header.correction == corrections[i]);
            assert_true(wire_ns(&s->m.body.response.timestamp) == f.timestamp_ns - RIG_INGRESS);
            assert_int_equal(s->m.header.log_message_interval, unicast ? 0x7F : -4);
            assert_int_equal(s->m.header.flags, unicast ? FLAG_UNICAST : 0);
            assert_int_equal(s->destination, unicast ? DEST_UNICAST : DEST_PRIMARY_MULTICAST);
            if (unicast)
                assert_memory_equal(&s->to, &f.from, sizeof(f.from));
            assert_memory_equal(&s->from, &f.to, sizeof(f.to));
        }
    }
    assert_int_equal(rig_count(r, MSG_DELAY_RESP), 8);
    assert_int_equal(COUNTERS(r).rx[MSG_DELAY_REQ], 8);
    assert_int_equal(COUNTERS(r).tx[MSG_DELAY_RESP], 8);

    size_t cursor = 0;
    const struct client *c = clients_next(r->service->clients, &cursor);
    assert_non_null(c);
    assert_int_equal(c->requests, 8);
    assert_int_equal(c->answered, 8);
    assert_int_equal(c->mode, CLIENT_HYBRID);
    assert_int_equal(c->port, 1);
    assert_null(clients_next(r->service->clients, &cursor));
    rig_free(r);
}

static void needs_a_receive_timestamp(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = 0});
    struct frame_in f = by_multicast;
    f.has_timestamp = false;
    request(r, MSG_DELAY_REQ, &f, 0);
    assert_int_equal(rig_count(r, MSG_DELAY_RESP), 0);
    assert_int_equal(COUNTERS(r).rx_no_timestamp, 1);
    size_t cursor = 0;
    const struct client *c = clients_next(r->service->clients, &cursor);
    assert_int_equal(c->requests, 1);
    assert_int_equal(c->answered, 0);
    rig_free(r);
}

static void only_a_master_answers_delay_req(void **state)
{
    (void)state;
    struct rig *r =
        rig_new((struct rig_options){.id = 1, .clock_class = 6, .log_announce = 0, .log_sync = 0});
    request(r, MSG_DELAY_REQ, &by_multicast, 0); /* LISTENING */
    rig_receive(r, 0,
                &(struct ptp_message){0}); /* a Sync of domain 0, to be sure that something is counted */
    for (uint16_t k = 0; k < 2; k++) {
        struct ptp_message better = rig_announce_of(0, 6, k);
        rig_receive(r, 0, &better);
    }
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
    request(r, MSG_DELAY_REQ, &by_multicast, 0);
    rig_link(r, 0, false);
    request(r, MSG_DELAY_REQ, &by_multicast, 0);
    assert_int_equal(r->sent_count, 0);
    assert_int_equal(COUNTERS(r).rx_ignored, 3);
    assert_int_equal(COUNTERS(r).rx_wrong_domain, 1);
    assert_int_equal(clients_count(r->service->clients), 0);
    rig_free(r);
}

/* ---- peer delay ---- */

static void answers_pdelay_req_in_two_steps(void **state)
{
    (void)state;
    struct rig *r = rig_master(
        (struct rig_options){.id = 1, .log_announce = 1, .log_sync = 0, .mechanism = DELAY_MECHANISM_P2P});
    r->stamps = true;
    for (int unicast = 0; unicast <= 1; unicast++) {
        struct frame_in f = unicast ? by_unicast() : by_multicast;
        request(r, MSG_PDELAY_REQ, &f, 7777 << 16);
        const struct sent *resp = rig_last(r, MSG_PDELAY_RESP), *fup = rig_last(r, MSG_PDELAY_RESP_FOLLOW_UP);
        check_requesting(&resp->m);
        check_requesting(&fup->m);
        assert_int_equal(resp->m.header.correction, 0);
        assert_int_equal(fup->m.header.correction, 7777 << 16);
        assert_true(wire_ns(&resp->m.body.response.timestamp) == f.timestamp_ns - RIG_INGRESS);
        assert_true(wire_ns(&fup->m.body.response.timestamp) == rig_tai(r) + RIG_EGRESS);
        const struct sent *both[] = {resp, fup};
        for (int i = 0; i < 2; i++) {
            assert_int_equal(both[i]->m.header.log_message_interval, 0x7F);
            assert_int_equal(both[i]->destination, unicast ? DEST_UNICAST : DEST_PEER_MULTICAST);
            if (unicast)
                assert_memory_equal(&both[i]->to, &f.from, sizeof(f.from));
            assert_memory_equal(&both[i]->from, &f.to, sizeof(f.to));
        }
    }
    size_t cursor = 0;
    const struct client *c = clients_next(r->service->clients, &cursor);
    assert_int_equal(c->mode, CLIENT_PEER);
    assert_int_equal(c->answered, 2);

    struct frame_in f = by_multicast;
    f.has_timestamp = false;
    request(r, MSG_PDELAY_REQ, &f, 0);
    assert_int_equal(rig_count(r, MSG_PDELAY_RESP), 2);
    assert_int_equal(COUNTERS(r).rx_no_timestamp, 1);
    rig_free(r);
}

static void peer_delay_in_every_active_state(void **state)
{
    (void)state;
    struct rig *r = rig_new((struct rig_options){
        .id = 1, .clock_class = 6, .log_announce = 0, .log_sync = 0, .mechanism = DELAY_MECHANISM_P2P});
    r->stamps = true;
    request(r, MSG_PDELAY_REQ, &by_multicast, 0); /* LISTENING */
    assert_int_equal(rig_count(r, MSG_PDELAY_RESP_FOLLOW_UP), 1);
    for (uint16_t k = 0; k < 2; k++) {
        struct ptp_message better = rig_announce_of(0, 6, k);
        rig_receive(r, 0, &better);
    }
    assert_int_equal(rig_state(r, 0), PORT_PASSIVE);
    request(r, MSG_PDELAY_REQ, &by_multicast, 0);
    assert_int_equal(rig_count(r, MSG_PDELAY_RESP_FOLLOW_UP), 2);

    r->stamps = false; /* the link goes before the timestamp comes */
    request(r, MSG_PDELAY_REQ, &by_multicast, 0);
    rig_link(r, 0, false);
    instance_tx_timestamp(&r->in, 0, rig_last(r, MSG_PDELAY_RESP)->token, rig_tai(r));
    request(r, MSG_PDELAY_REQ, &by_multicast, 0);
    rig_drain(r);
    assert_int_equal(rig_count(r, MSG_PDELAY_RESP), 3);
    assert_int_equal(rig_count(r, MSG_PDELAY_RESP_FOLLOW_UP), 2);
    rig_free(r);
}

static void each_mechanism_ignores_the_other(void **state)
{
    (void)state;
    struct rig *e2e = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = 0});
    request(e2e, MSG_PDELAY_REQ, &by_multicast, 0);
    assert_int_equal(rig_count(e2e, MSG_PDELAY_RESP), 0);
    assert_int_equal(COUNTERS(e2e).rx_ignored, 1);
    rig_free(e2e);

    struct rig *p2p = rig_master(
        (struct rig_options){.id = 1, .log_announce = 1, .log_sync = 0, .mechanism = DELAY_MECHANISM_P2P});
    request(p2p, MSG_DELAY_REQ, &by_multicast, 0);
    assert_int_equal(rig_count(p2p, MSG_DELAY_RESP), 0);
    assert_int_equal(COUNTERS(p2p).rx_ignored, 1);
    rig_free(p2p);
}

static void pdelay_flood_spares_sync(void **state)
{
    (void)state;
    struct rig *r = rig_master(
        (struct rig_options){.id = 1, .log_announce = 1, .log_sync = -3, .mechanism = DELAY_MECHANISM_P2P});
    while (rig_count(r, MSG_SYNC) < 1)
        rig_run(r, instance_deadline(&r->in));
    for (int i = 0; i < 100; i++)
        request(r, MSG_PDELAY_REQ, &by_multicast, 0);
    instance_tx_timestamp(&r->in, 0, rig_nth(r, MSG_SYNC, 0)->token, rig_tai(r));
    rig_drain(r);
    assert_int_equal(rig_count(r, MSG_FOLLOW_UP), 1);
    rig_free(r);
}

/* ---- what is not for us ---- */

static void counts_what_it_drops(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = 0, .ports = 2});
    struct ptp_message ok = rig_message(MSG_DELAY_REQ, 0x99, 1), m;
    struct port_counters before = COUNTERS(r);

    m = ok;
    m.header.domain_number++;
    rig_receive(r, 0, &m);
    assert_int_equal(COUNTERS(r).rx_wrong_domain - before.rx_wrong_domain, 1);

    m = ok;
    m.header.major_sdo_id ^= 2;
    rig_receive(r, 0, &m);
    m = ok;
    m.header.minor_sdo_id ^= 2;
    rig_receive(r, 0, &m);
    assert_int_equal(COUNTERS(r).rx_wrong_sdo - before.rx_wrong_sdo, 2);

    for (uint16_t port = 0; port <= 3; port++) { /* 1 and 2 are ours */
        m = rig_message(MSG_DELAY_REQ, 1, 1);
        m.header.source.port = port;
        rig_receive(r, 0, &m);
    }
    assert_int_equal(COUNTERS(r).rx_own - before.rx_own, 2);
    assert_int_equal(rig_count(r, MSG_DELAY_RESP), 2);

    const enum message_type useless[] = {MSG_SYNC,       MSG_PDELAY_RESP, MSG_FOLLOW_UP,
                                         MSG_DELAY_RESP, MSG_SIGNALING,   MSG_PDELAY_RESP_FOLLOW_UP,
                                         MSG_MANAGEMENT};
    for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
        m = rig_message(useless[i], 0x99, 1);
        rig_receive(r, 0, &m);
        assert_int_equal(COUNTERS(r).rx[useless[i]] - before.rx[useless[i]], 1);
        assert_int_equal(COUNTERS(r).rx_ignored - before.rx_ignored, i + 1);
    }
    rig_free(r);
}

static void counts_errors_by_kind(void **state)
{
    (void)state;
    struct rig *r = rig_master((struct rig_options){.id = 1, .log_announce = 1, .log_sync = 0});
    uint8_t good[64];
    struct ptp_message m = rig_message(MSG_SYNC, 0x99, 1);
    int len = wire_encode(&m, good, sizeof(good));

    const struct {
        int at, value, len, error;
    } rows[] = {
        {0, good[0], 10, WIRE_TRUNCATED}, {1, 0x11, len, WIRE_VERSION},    {0, 0x14, len, WIRE_TYPE},
        {3, 34, len, WIRE_LENGTH},        {40, 0xFF, len, WIRE_TIMESTAMP},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t bad[64];
        memcpy(bad, good, sizeof(bad));
        bad[rows[i].at] = (uint8_t)rows[i].value;
        rig_receive_bytes(r, 0, bad, (size_t)rows[i].len);
        assert_int_equal(COUNTERS(r).rx_errors[-rows[i].error], 1);
    }
    assert_int_equal(COUNTERS(r).rx[MSG_SYNC], 0);
    rig_free(r);
}

/* Half of the frames are noise, half are valid messages with a few octets changed; time passes, transmit
 * timestamps come at random. Sanitizers and the rig's own checks are the judge, and the port must still work.
 */
static void survives_hostile_bytes(void **state)
{
    (void)state;
    const unsigned seed = 424242;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int p2p = 0; p2p <= 1; p2p++) {
        struct rig *r =
            rig_master((struct rig_options){.id = 1,
                                            .log_announce = -2,
                                            .log_sync = -3,
                                            .mechanism = p2p ? DELAY_MECHANISM_P2P : DELAY_MECHANISM_E2E});
        const enum message_type types[] = {MSG_ANNOUNCE, MSG_DELAY_REQ, MSG_PDELAY_REQ, MSG_SYNC,
                                           MSG_MANAGEMENT};
        uint64_t received = 0;
        for (int i = 0; i < 50000; i++) {
            uint8_t bytes[80];
            size_t len = (size_t)rand() % sizeof(bytes);
            if (rand() & 1) {
                struct ptp_message m = rig_message(types[rand() % 5], (uint8_t)rand(), (uint16_t)i);
                if (m.header.message_type == MSG_ANNOUNCE)
                    m = rig_announce_of((uint8_t)(rand() % 20), (uint8_t)rand(), (uint16_t)i);
                len = (size_t)wire_encode(&m, bytes, sizeof(bytes));
                for (int k = rand() % 3; k > 0; k--)
                    bytes[(size_t)rand() % len] = (uint8_t)rand();
            } else {
                for (size_t k = 0; k < len; k++)
                    bytes[k] = (uint8_t)rand();
            }
            rig_receive_bytes(r, 0, bytes, len);
            rig_drain(r);
            if (rand() % 4 == 0)
                instance_tx_timestamp(&r->in, 0, (uint32_t)(rand() % 2000), (int64_t)rand() << 31);
            rig_run(r, r->now + rand() % (5 * MS));
            rig_forget(r);
        }
        for (int t = 0; t < 16; t++)
            received += COUNTERS(r).rx[t];
        for (int e = 1; e < WIRE_ERRORS; e++)
            received += COUNTERS(r).rx_errors[e];
        received += COUNTERS(r).rx_wrong_domain + COUNTERS(r).rx_wrong_sdo + COUNTERS(r).rx_own;
        assert_int_equal(received, 50000); /* each frame counted once */

        rig_run(r, r->now + 3 * NS_PER_S);
        assert_int_equal(rig_state(r, 0), PORT_MASTER);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_delay_req_the_way_it_came),
        cmocka_unit_test(needs_a_receive_timestamp),
        cmocka_unit_test(only_a_master_answers_delay_req),
        cmocka_unit_test(answers_pdelay_req_in_two_steps),
        cmocka_unit_test(peer_delay_in_every_active_state),
        cmocka_unit_test(each_mechanism_ignores_the_other),
        cmocka_unit_test(pdelay_flood_spares_sync),
        cmocka_unit_test(counts_what_it_drops),
        cmocka_unit_test(counts_errors_by_kind),
        cmocka_unit_test(survives_hostile_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
