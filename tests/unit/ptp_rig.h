/* SPDX-License-Identifier: BSD-2-Clause */
/* A PTP instance on a bench, in virtual time: what it sends is decoded and kept, transmit timestamps come
 * back when wanted, and several rigs may share a wire. For test_port.c and test_instance.c. */
#ifndef GMD_TESTS_UNIT_PTP_RIG_H
#define GMD_TESTS_UNIT_PTP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/instance.h"
#include "gmd/ptp/interval.h"

#define MS            1000000LL
#define TAI_EPOCH_NS  (1700000037 * NS_PER_S) /* TAI when the rig's monotonic time is 0 */
#define RIG_PORTS     2
#define RIG_SENT_MAX  2000
#define RIG_START_NS  (1000 * NS_PER_S)
#define RIG_INGRESS   300
#define RIG_EGRESS    700
#define RIG_DOMAIN    127
#define RIG_SDO       0x123
#define RIG_STAMP_OUT (10 * MS) /* tx_timestamp_timeout */

struct sent {
    int64_t at_ns;
    unsigned port;
    enum destination destination;
    struct address to, from;
    uint32_t token;
    struct ptp_message m;
};

struct rig {
    struct instance in;
    struct outbox box[RIG_PORTS];
    struct service *service;
    int64_t now;
    bool stamps; /* transmit timestamps come at once */
    bool dead;
    struct rig **wire; /* rigs on the same segment, all with their port 0; ends with NULL */
    struct sent *sent;
    unsigned sent_count;
};

struct rig_options {
    uint8_t id; /* last octet of the clock identity */
    uint8_t clock_class;
    unsigned ports; /* 0: one */
    int8_t log_announce, log_sync;
    enum delay_mechanism mechanism; /* 0: E2E */
    uint8_t timeout;                /* 0: 3 */
    uint64_t seed;
    bool not_serving;
    bool one_step;
    bool unicast_only;
    int64_t start_ns; /* 0: RIG_START_NS */
};

static inline struct clock_identity rig_identity(uint8_t id)
{
    return (struct clock_identity){{0x02, 0, 0, 0xFF, 0xFE, 0, 0, id}};
}

static inline struct clock_quality rig_quality(uint8_t clock_class)
{
    return (struct clock_quality){clock_class, 0x21, 0x4E5D};
}

static inline struct time_properties rig_time_properties(void)
{
    return (struct time_properties){.current_utc_offset = 37,
                                    .current_utc_offset_valid = true,
                                    .time_traceable = true,
                                    .frequency_traceable = true,
                                    .ptp_timescale = true,
                                    .time_source = TIME_SOURCE_GNSS};
}

static inline int64_t rig_tai(const struct rig *r)
{
    return TAI_EPOCH_NS + r->now;
}

static inline void rig_drain(struct rig *r);

static inline void rig_set(struct rig *r, uint8_t clock_class, bool may_serve)
{
    struct clock_quality q = rig_quality(clock_class);
    struct time_properties tp = rig_time_properties();
    tp.time_traceable = clock_class <= CLOCK_CLASS_HOLDOVER;
    instance_set_quality(&r->in, &q, &tp, may_serve, r->now);
    rig_drain(r);
}

static inline void rig_link(struct rig *r, unsigned port, bool up)
{
    instance_link(&r->in, port, up, r->now);
    rig_drain(r);
}

/* Not serving until all links are up, so that nothing is sent before the caller looks. */
static inline struct rig *rig_new(struct rig_options o)
{
    struct rig *r = calloc(1, sizeof(*r));
    r->sent = calloc(RIG_SENT_MAX, sizeof(*r->sent));
    r->service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));
    service_init_plain(r->service, o.seed);
    r->now = o.start_ns ? o.start_ns : RIG_START_NS;

    struct default_ds ds = {.clock_identity = rig_identity(o.id),
                            .priority1 = 128,
                            .priority2 = 127,
                            .domain_number = RIG_DOMAIN,
                            .sdo_id = RIG_SDO};
    instance_init(&r->in, &ds, r->service);
    struct port_config config = {
        .delay_mechanism = o.mechanism ? o.mechanism : DELAY_MECHANISM_E2E,
        .log_announce_interval = o.log_announce,
        .log_sync_interval = o.log_sync,
        .log_min_delay_req_interval = -4,
        .announce_receipt_timeout = o.timeout ? o.timeout : 3,
        .ingress_latency_ns = RIG_INGRESS,
        .egress_latency_ns = RIG_EGRESS,
        .tx_timestamp_timeout_ns = RIG_STAMP_OUT,
        .one_step_sync = o.one_step,
        .unicast_only = o.unicast_only,
    };
    for (unsigned i = 0; i < (o.ports ? o.ports : 1); i++)
        assert_int_equal(instance_add_port(&r->in, &config, &r->box[i], o.seed + i, r->now), i);
    for (unsigned i = 0; i < r->in.port_count; i++)
        rig_link(r, i, true);
    rig_set(r, o.clock_class, !o.not_serving);
    return r;
}

static inline void rig_free(struct rig *r)
{
    free(r->service);
    free(r->sent);
    free(r);
}

static inline void rig_receive_bytes(struct rig *r, unsigned port, const uint8_t *bytes, size_t len)
{
    struct frame_in f = {.bytes = bytes,
                         .len = len,
                         .from = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 9}},
                         .multicast = true,
                         .has_timestamp = true,
                         .timestamp_ns = rig_tai(r)};
    instance_receive(&r->in, port, &f, r->now);
}

static inline void rig_keep(struct rig *r, unsigned port, const struct frame_out *f)
{
    assert_true(r->sent_count < RIG_SENT_MAX);
    struct sent *s = &r->sent[r->sent_count++];
    s->at_ns = r->now;
    s->port = port;
    s->destination = f->destination;
    s->to = f->to;
    s->from = f->from;
    s->token = f->token;
    assert_int_equal(wire_decode(f->bytes, f->len, &s->m), WIRE_OK);
    assert_int_equal(s->m.suffix_len, 0);
    assert_int_equal(s->m.header.minor_version, PTP_MINOR_VERSION);
    assert_int_equal(s->m.header.domain_number, r->in.default_ds.domain_number);
    assert_int_equal(s->m.header.major_sdo_id << 8 | s->m.header.minor_sdo_id, r->in.default_ds.sdo_id);
    assert_memory_equal(&s->m.header.source.clock, &r->in.default_ds.clock_identity, 8);
    assert_int_equal(s->m.header.source.port, port + 1);
    bool event = message_is_event(s->m.header.message_type);
    assert_int_equal(f->channel, event ? CHANNEL_EVENT : CHANNEL_GENERAL);
    bool one_step = s->m.header.message_type == MSG_SYNC && r->in.ports[port].config.one_step_sync;
    assert_int_equal(f->want_timestamp, event && !one_step);
    assert_int_equal(f->insert_timestamp, one_step);
    assert_int_equal(!!(s->m.header.flags & FLAG_TWO_STEP), event && !one_step);
    assert_int_equal(!!(s->m.header.flags & FLAG_UNICAST), f->destination == DEST_UNICAST);

    for (struct rig **peer = r->wire; peer != NULL && *peer != NULL; peer++) {
        if (*peer == r || (*peer)->dead)
            continue;
        (*peer)->now = r->now;
        rig_receive_bytes(*peer, 0, f->bytes, f->len);
    }
}

/* Takes what was sent, and what follows from it. */
static inline void rig_drain(struct rig *r)
{
    for (unsigned port = 0; port < r->in.port_count; port++) {
        struct outbox *box = &r->box[port];
        for (unsigned i = 0; i < box->count; i++) { /* Follow_Ups lengthen it */
            const struct frame_out *f = &box->frames[i];
            rig_keep(r, port, f);
            if (r->stamps && f->want_timestamp)
                instance_tx_timestamp(&r->in, port, f->token, rig_tai(r));
        }
        box->count = 0;
    }
}

static inline void rig_tick(struct rig *r)
{
    instance_tick(&r->in, r->now);
    rig_drain(r);
}

/* Ticks at every deadline up to until_ns; a deadline that does not move on is a busy loop. */
static inline void rig_run(struct rig *r, int64_t until_ns)
{
    int64_t deadline;
    while ((deadline = instance_deadline(&r->in)) <= until_ns) {
        if (deadline > r->now)
            r->now = deadline;
        rig_tick(r);
        assert_true(instance_deadline(&r->in) > r->now);
    }
    r->now = until_ns;
}

/* The same for all rigs of a wire. */
static inline void wire_run(struct rig **rigs, int64_t until_ns)
{
    for (;;) {
        struct rig *first = NULL;
        for (struct rig **r = rigs; *r != NULL; r++) {
            if (!(*r)->dead &&
                (first == NULL || instance_deadline(&(*r)->in) < instance_deadline(&first->in)))
                first = *r;
        }
        if (first == NULL || instance_deadline(&first->in) > until_ns)
            break;
        first->now = instance_deadline(&first->in);
        rig_tick(first);
        for (struct rig **r = rigs; *r != NULL; r++)
            rig_drain(*r);
    }
    for (struct rig **r = rigs; *r != NULL; r++)
        (*r)->now = until_ns;
}

static inline void rig_forget(struct rig *r)
{
    r->sent_count = 0;
}

static inline unsigned rig_count(const struct rig *r, enum message_type type)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->sent_count; i++)
        n += r->sent[i].m.header.message_type == type;
    return n;
}

/* The k-th message of a type, or the failure of the test. */
static inline const struct sent *rig_nth(const struct rig *r, enum message_type type, unsigned k)
{
    for (unsigned i = 0; i < r->sent_count; i++) {
        if (r->sent[i].m.header.message_type == type && k-- == 0)
            return &r->sent[i];
    }
    fail_msg("no such %s", message_type_name(type));
    return NULL;
}

static inline const struct sent *rig_last(const struct rig *r, enum message_type type)
{
    unsigned n = rig_count(r, type);
    return rig_nth(r, type, n > 0 ? n - 1 : 0);
}

static inline struct ptp_message rig_message(enum message_type type, uint8_t from, uint16_t sequence_id)
{
    return (struct ptp_message){.header = {.message_type = (uint8_t)type,
                                           .major_sdo_id = RIG_SDO >> 8,
                                           .minor_sdo_id = RIG_SDO & 0xFF,
                                           .domain_number = RIG_DOMAIN,
                                           .source = {rig_identity(from), 1},
                                           .sequence_id = sequence_id,
                                           .control = WIRE_CONTROL_AUTO,
                                           .log_message_interval = LOG_INTERVAL_NONE}};
}

static inline void rig_receive(struct rig *r, unsigned port, const struct ptp_message *m)
{
    uint8_t bytes[256];
    int len = wire_encode(m, bytes, sizeof(bytes));
    assert_true(len > 0);
    rig_receive_bytes(r, port, bytes, (size_t)len);
    rig_drain(r);
}

/* An Announce of clock `from` of class `clock_class`, its own grandmaster. */
static inline struct ptp_message rig_announce_of(uint8_t from, uint8_t clock_class, uint16_t sequence_id)
{
    struct ptp_message m = rig_message(MSG_ANNOUNCE, from, sequence_id);
    m.header.flags = FLAG_PTP_TIMESCALE | FLAG_UTC_OFFSET_VALID;
    m.body.announce = (struct announce_body){.current_utc_offset = 36,
                                             .grandmaster_priority1 = 128,
                                             .grandmaster_clock_quality = rig_quality(clock_class),
                                             .grandmaster_priority2 = 127,
                                             .grandmaster_identity = rig_identity(from),
                                             .time_source = TIME_SOURCE_ATOMIC_CLOCK};
    return m;
}

static inline enum port_state rig_state(const struct rig *r, unsigned port)
{
    return r->in.ports[port].state;
}

/* Until MASTER by silence; nothing else was heard. */
static inline void rig_to_master(struct rig *r)
{
    rig_run(r, RIG_START_NS + (r->in.ports[0].config.announce_receipt_timeout + 1) *
                                  interval_ns(r->in.ports[0].config.log_announce_interval));
    assert_int_equal(rig_state(r, 0), PORT_MASTER);
}

/* A MASTER of class 6 that has sent nothing yet that counts. */
static inline struct rig *rig_master(struct rig_options o)
{
    o.clock_class = CLOCK_CLASS_LOCKED;
    struct rig *r = rig_new(o);
    r->stamps = true;
    rig_to_master(r);
    r->stamps = false;
    rig_forget(r);
    return r;
}

#endif
