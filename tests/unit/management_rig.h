/* SPDX-License-Identifier: BSD-2-Clause */
/* A locked grandmaster with two ports, and management nodes that ask it. For test_management*.c. */
#ifndef GMD_TESTS_UNIT_MANAGEMENT_RIG_H
#define GMD_TESTS_UNIT_MANAGEMENT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bmca/dataset.h"
#include "gmd/ptp/management.h"

#define LEN(a) (sizeof(a) / sizeof(a)[0])
#define PORTS  2
#define DOMAIN 127
#define SDO_ID 0x123
#define ALL    0xFFFF
#define T0     (1000 * NS_PER_S)
#define PROFILE                                                                                              \
    {                                                                                                        \
        0x68, 0x97, 0xE8, 0x00, 0x01, 0x00                                                                   \
    }
#define OWN 0x02, 0, 0, 0xFF, 0xFE, 0, 0, 0x01

static const struct clock_identity own = {{OWN}};
static const struct clock_identity everyone = {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};
static const struct port_identity asker = {{{0}}, 4711};
static const struct management_peer home = {.len = 8, .name = "/tmp/pmc"};

struct bench {
    struct instance instance;
    struct outbox boxes[PORTS];
    struct service *service;
    struct management_port ports[PORTS];
    struct management_view view;
    struct management_subscribers subscribers;
    struct management_counters counters;
};

static inline int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    const struct default_ds ds = {
        .clock_identity = own, .priority1 = 128, .priority2 = 100, .domain_number = DOMAIN, .sdo_id = SDO_ID};
    const struct port_config config = {.delay_mechanism = DELAY_MECHANISM_E2E,
                                       .log_announce_interval = -2,
                                       .log_sync_interval = -3,
                                       .log_min_delay_req_interval = -1,
                                       .announce_receipt_timeout = 3,
                                       .tx_timestamp_timeout_ns = 50000000};
    const struct clock_quality quality = {CLOCK_CLASS_LOCKED, 0x21, 0x4E5D};
    const struct time_properties time_properties = {.current_utc_offset = 37,
                                                    .current_utc_offset_valid = true,
                                                    .leap61 = true,
                                                    .time_traceable = true,
                                                    .frequency_traceable = true,
                                                    .ptp_timescale = true,
                                                    .time_source = TIME_SOURCE_GNSS};
    assert_non_null(b);
    b->service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));
    assert_non_null(b->service);
    service_init_plain(b->service, 1);
    instance_init(&b->instance, &ds, b->service);
    for (unsigned i = 0; i < PORTS; i++) {
        instance_add_port(&b->instance, &config, &b->boxes[i], i + 1, T0);
        b->ports[i] = (struct management_port){.interface = i ? "eth1" : "eth0",
                                               .mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)},
                                               .address = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}},
                                               .phc_index = 3,
                                               .hardware_stamping = i == 0};
    }
    instance_link(&b->instance, 0, true, T0);
    instance_set_quality(&b->instance, &quality, &time_properties, true, T0);
    b->instance.ports[0].counters.rx[MSG_DELAY_REQ] = 0x0102030405060708;
    b->instance.ports[0].counters.tx[MSG_SYNC] = 9;
    b->instance.ports[0].counters.announce_timeouts = 5;
    b->view = (struct management_view){.instance = &b->instance,
                                       .ports = b->ports,
                                       .product = ";gmd;",
                                       .revision = ";;1",
                                       .user_description = "gm1;rack 2",
                                       .profile_identity = PROFILE};
    *state = b;
    return 0;
}

static inline int tear_down(void **state)
{
    struct bench *b = *state;
    free(b->service);
    free(b);
    return 0;
}

/* ---- asking ---- */

/* What is usual; a test changes what it is about. */
static inline struct ptp_message usual(uint8_t action)
{
    return (struct ptp_message){
        .header = {.message_type = MSG_MANAGEMENT,
                   .major_sdo_id = SDO_ID >> 8,
                   .minor_sdo_id = SDO_ID & 0xFF,
                   .domain_number = DOMAIN,
                   .source = asker,
                   .sequence_id = 77,
                   .control = WIRE_CONTROL_AUTO,
                   .log_message_interval = LOG_INTERVAL_NONE},
        .body.management = {.target = {everyone, ALL},
                            .starting_boundary_hops = 3,
                            .boundary_hops = 2,
                            .action = action},
    };
}

static inline size_t request(struct ptp_message m, uint16_t id, const void *data, size_t data_len,
                             uint8_t *buf)
{
    uint8_t value[256] = {(uint8_t)(id >> 8), (uint8_t)id}, suffix[300];
    size_t suffix_len = 0;
    if (data_len > 0)
        memcpy(value + 2, data, data_len);
    assert_int_equal(
        tlv_append(suffix, sizeof suffix, &suffix_len, TLV_MANAGEMENT, value, (uint16_t)(data_len + 2)),
        WIRE_OK);
    m.suffix = suffix;
    m.suffix_len = suffix_len;
    const int len = wire_encode(&m, buf, 400);
    assert_true(len > 0);
    return (size_t)len;
}

struct answers {
    size_t count;
    struct ptp_message m[4];
    uint8_t bytes[4][MANAGEMENT_BYTES_MAX];
};

static inline struct answers *ask(struct bench *b, const struct ptp_message *m, uint16_t id, const void *data,
                                  size_t data_len, const struct management_source *source)
{
    static struct answers a;
    struct management_request r;
    uint8_t bytes[400];
    const size_t len = request(*m, id, data, data_len, bytes);
    a.count = 0;
    if (!management_open(&r, bytes, len, source, &b->view, &b->subscribers, &b->counters))
        return &a;
    size_t got;
    while ((got = management_next(&r, &b->view, a.bytes[a.count], MANAGEMENT_BYTES_MAX)) > 0) {
        assert_int_equal(wire_decode(a.bytes[a.count], got, &a.m[a.count]), WIRE_OK);
        a.count++;
        assert_true(a.count <= PORTS);
    }
    return &a;
}

static const struct management_source local = {.local = &home, .now_ns = T0};
static const struct management_source network = {.port = 2, .unicast = true, .now_ns = T0};

static inline struct answers *get(struct bench *b, uint16_t id, const struct management_source *source)
{
    const struct ptp_message m = usual(MANAGEMENT_GET);
    return ask(b, &m, id, NULL, 0, source);
}

/* The id that an answer is about, or its error. */
static inline unsigned word(const struct ptp_message *m, unsigned at)
{
    return (unsigned)(m->suffix[at] << 8 | m->suffix[at + 1]);
}

static inline void expect_error(const struct answers *a, uint16_t id, enum management_error error)
{
    assert_int_equal(a->count, 1);
    assert_int_equal(word(&a->m[0], 0), TLV_MANAGEMENT_ERROR_STATUS);
    assert_int_equal(word(&a->m[0], 2), 8);
    assert_int_equal(word(&a->m[0], 4), error);
    assert_int_equal(word(&a->m[0], 6), id);
}

/* ---- octets ---- */

#define ZEROS_8          0, 0, 0, 0, 0, 0, 0, 0
#define QUALITY          6, 0x21, 0x4E, 0x5D
#define TIME_FLAGS       0x3D /* leap61, valid, PTP, traceable, traceable */
#define OF_PORT(n)       OWN, 0, n
#define DATA(name, ...)  static const uint8_t name[] = {__VA_ARGS__}
#define PORT_DATA(state) PORT_STATE(1, state)
#define PORT_STATE(n, state)                                                                                 \
    OF_PORT(n), state, (uint8_t)-1, ZEROS_8, (uint8_t)-2, 3, (uint8_t)-3, 1, (uint8_t)-1, 2

DATA(parent_data_set, OF_PORT(0), 0, 0, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 128, QUALITY, 100, OWN);

#endif
