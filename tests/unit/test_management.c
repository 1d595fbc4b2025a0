/* SPDX-License-Identifier: BSD-2-Clause */
/* Management requests: octets of each data set, who is answered by whom, errors, limits. */
#include "tests/unit/management_rig.h"

/* ---- data sets ---- */

DATA(clock_description, 0x40, 0, 10, 'I', 'E', 'E', 'E', ' ', '8', '0', '2', '.', '3', 0, 6, 2, 0, 0, 0, 0, 1,
     0, 1, 0, 4, 192, 0, 2, 1, 0, 0, 0, 0, 5, ';', 'g', 'm', 'd', ';', 3, ';', ';', '1', 10, 'g', 'm', '1',
     ';', 'r', 'a', 'c', 'k', ' ', '2', 0x68, 0x97, 0xE8, 0, 1, 0);
DATA(user_description, 10, 'g', 'm', '1', ';', 'r', 'a', 'c', 'k', ' ', '2', 0);
DATA(default_data_set, 1, 0, 0, 2, 128, QUALITY, 100, OWN, DOMAIN, 0);
DATA(current_data_set, 0, 0, ZEROS_8, ZEROS_8);
DATA(time_properties, 0, 37, TIME_FLAGS, 0x20);
DATA(port_data_set, PORT_DATA(PORT_LISTENING));
DATA(priority1, 128, 0);
DATA(priority2, 100, 0);
DATA(domain, DOMAIN, 0);
DATA(zero, 0, 0);
DATA(log_announce, (uint8_t)-2, 0);
DATA(timeout, 3, 0);
DATA(log_sync, (uint8_t)-3, 0);
DATA(version, 2, 0);
DATA(accuracy, 0x21, 0);
DATA(utc, 0, 37, 0x05, 0);
DATA(traceability, 0x30, 0);
DATA(timescale, 0x08, 0x20);
DATA(mechanism, 1, 0);
DATA(log_pdelay, (uint8_t)-1, 0);
DATA(time_status, ZEROS_8, ZEROS_8, ZEROS_8, 0, 0, ZEROS_8, 0, 0, 0, 0, 0, 0, 0, 0, OWN);
DATA(settings, QUALITY, 0, 37, TIME_FLAGS, 0x20);
DATA(port_np, 0x01, 0x31, 0x2D, 0x00, 0, 0, 0, 1);
static const uint8_t subscribed[66];
DATA(properties, OF_PORT(1), PORT_LISTENING, 1, 4, 'e', 't', 'h', '0', 0);
static const uint8_t port_stats[10 + 256] = {OF_PORT(1), [10 + 8] = 8, 7, 6, 5, 4, 3, 2, 1, [138] = 9};
static const uint8_t service_stats[10 + 80] = {OF_PORT(1), 5, [10 + 6 * 8] = 9};
DATA(hwclock, OF_PORT(1), 0, 0, 0, 3, 0, 0);

#define ROW(id, per_port, local_only, data)                                                                  \
    {                                                                                                        \
        MANAGEMENT_##id, per_port, local_only, data, sizeof(data)                                            \
    }
static const struct row {
    uint16_t id;
    bool per_port, local_only;
    const uint8_t *data;
    size_t len;
} rows[] = {
    {MANAGEMENT_NULL_MANAGEMENT, true, false, NULL, 0},
    ROW(CLOCK_DESCRIPTION, true, false, clock_description),
    ROW(USER_DESCRIPTION, false, false, user_description),
    ROW(DEFAULT_DATA_SET, false, false, default_data_set),
    ROW(CURRENT_DATA_SET, false, false, current_data_set),
    ROW(PARENT_DATA_SET, false, false, parent_data_set),
    ROW(TIME_PROPERTIES_DATA_SET, false, false, time_properties),
    ROW(PORT_DATA_SET, true, false, port_data_set),
    ROW(PRIORITY1, false, false, priority1),
    ROW(PRIORITY2, false, false, priority2),
    ROW(DOMAIN, false, false, domain),
    ROW(SLAVE_ONLY, false, false, zero),
    ROW(LOG_ANNOUNCE_INTERVAL, true, false, log_announce),
    ROW(ANNOUNCE_RECEIPT_TIMEOUT, true, false, timeout),
    ROW(LOG_SYNC_INTERVAL, true, false, log_sync),
    ROW(VERSION_NUMBER, true, false, version),
    ROW(CLOCK_ACCURACY, false, false, accuracy),
    ROW(UTC_PROPERTIES, false, false, utc),
    ROW(TRACEABILITY_PROPERTIES, false, false, traceability),
    ROW(TIMESCALE_PROPERTIES, false, false, timescale),
    ROW(DELAY_MECHANISM, true, false, mechanism),
    ROW(LOG_MIN_PDELAY_REQ_INTERVAL, true, false, log_pdelay),
    ROW(TIME_STATUS_NP, false, false, time_status),
    ROW(GRANDMASTER_SETTINGS_NP, false, false, settings),
    ROW(PORT_DATA_SET_NP, true, false, port_np),
    ROW(SUBSCRIBE_EVENTS_NP, false, true, subscribed),
    ROW(PORT_PROPERTIES_NP, true, true, properties),
    ROW(PORT_STATS_NP, true, false, port_stats),
    ROW(PORT_SERVICE_STATS_NP, true, false, service_stats),
    ROW(PORT_HWCLOCK_NP, true, true, hwclock),
};

static void test_every_data_set(void **state)
{
    struct bench *b = *state;
    /* so that the octets above are those of a known state */
    b->instance.ports[0].state = PORT_LISTENING;
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct row *row = &rows[i];
        const struct answers *a = get(b, row->id, &local);
        assert_int_equal(a->count, row->per_port ? PORTS : 1);
        assert_int_equal(word(&a->m[0], 0), TLV_MANAGEMENT);
        assert_int_equal(word(&a->m[0], 2), 2 + row->len);
        assert_int_equal(word(&a->m[0], 4), row->id);
        if (row->len > 0)
            assert_memory_equal(a->m[0].suffix + 6, row->data, row->len);
        for (size_t k = 0; k < a->count; k++) {
            const struct ptp_header *h = &a->m[k].header;
            assert_int_equal(clock_identity_compare(&h->source.clock, &own), 0);
            assert_int_equal(h->source.port, row->per_port ? k + 1 : 0);
        }
    }
    assert_int_equal(b->counters.received, LEN(rows));
    assert_int_equal(b->counters.refused, 0);
}

static void test_network_sees_no_host(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct answers *a = get(b, rows[i].id, &network);
        if (rows[i].local_only) {
            expect_error(a, rows[i].id, MANAGEMENT_NOT_SUPPORTED);
            continue;
        }
        assert_int_equal(a->count, rows[i].per_port ? PORTS : 1);
        assert_int_equal(word(&a->m[0], 0), TLV_MANAGEMENT);
        assert_int_equal(a->m[0].header.source.port, rows[i].per_port ? 1 : network.port);
    }
}

static void test_slave_of_another(void **state)
{
    struct bench *b = *state;
    b->instance.parent_ds.grandmaster_identity.id[7] = 9;
    b->instance.steps_removed = 4;
    const struct answers *a = get(b, MANAGEMENT_TIME_STATUS_NP, &local);
    assert_int_equal(a->m[0].suffix[6 + 41], 1); /* gmPresent */
    assert_int_equal(a->m[0].suffix[6 + 49], 9); /* gmIdentity */
    a = get(b, MANAGEMENT_CURRENT_DATA_SET, &local);
    assert_int_equal(word(&a->m[0], 6), 4);
}

static void test_longest_texts_fit(void **state)
{
    struct bench *b = *state;
    char text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    b->view.product = b->view.revision = b->view.user_description = text;
    const struct answers *a = get(b, MANAGEMENT_CLOCK_DESCRIPTION, &network);
    assert_int_equal(a->count, PORTS);
    assert_int_equal(word(&a->m[0], 0), TLV_MANAGEMENT);
    assert_int_equal(word(&a->m[0], 2) % 2, 0);
    a = get(b, MANAGEMENT_USER_DESCRIPTION, &network);
    assert_int_equal(a->m[0].suffix[6], 128);
}

/* ---- headers ---- */

static void test_reply_header(void **state)
{
    struct bench *b = *state;
    struct ptp_message m = usual(MANAGEMENT_GET);
    const struct answers *a = ask(b, &m, MANAGEMENT_PRIORITY1, NULL, 0, &network);
    const struct ptp_header *h = &a->m[0].header;
    const struct management_body *body = &a->m[0].body.management;
    assert_int_equal(h->sequence_id, 77);
    assert_int_equal(h->flags, FLAG_UNICAST);
    assert_int_equal(h->domain_number, DOMAIN);
    assert_int_equal(h->major_sdo_id << 8 | h->minor_sdo_id, SDO_ID);
    assert_int_equal(h->log_message_interval, LOG_INTERVAL_NONE);
    assert_int_equal(h->control, 4);
    assert_int_equal(port_identity_compare(&body->target, &asker), 0);
    assert_int_equal(body->starting_boundary_hops, 1);
    assert_int_equal(body->boundary_hops, 1);
    assert_int_equal(body->action, MANAGEMENT_RESPONSE);
    m.body.management.boundary_hops = 200; /* more left than there were */
    a = ask(b, &m, MANAGEMENT_PRIORITY1, NULL, 0, &local);
    assert_int_equal(a->m[0].body.management.boundary_hops, 0);
    assert_int_equal(a->m[0].header.flags, 0);
}

/* ---- targets ---- */

static void test_targets(void **state)
{
    struct bench *b = *state;
    const struct clock_identity other = {{1, 2, 3, 4, 5, 6, 7, 8}};
    const struct {
        const struct clock_identity *clock;
        uint16_t port, id;
        size_t answers;
        uint16_t first_source;
        bool wrong_value;
    } cases[] = {
        {&everyone, ALL, MANAGEMENT_PORT_DATA_SET, 2, 1, false},
        {&own, ALL, MANAGEMENT_PORT_DATA_SET, 2, 1, false},
        {&own, 2, MANAGEMENT_PORT_DATA_SET, 1, 2, false},
        {&everyone, 1, MANAGEMENT_PORT_DATA_SET, 1, 1, false},
        {&own, 0, MANAGEMENT_PORT_DATA_SET, 1, 0, true},
        {&own, 3, MANAGEMENT_PORT_DATA_SET, 1, 0, true},
        {&own, 0xFFFE, MANAGEMENT_PORT_DATA_SET, 1, 0, true},
        {&own, 0, MANAGEMENT_DEFAULT_DATA_SET, 1, 0, false},
        {&own, 2, MANAGEMENT_DEFAULT_DATA_SET, 1, 0, false},
        {&own, 3, MANAGEMENT_DEFAULT_DATA_SET, 1, 0, true},
        {&other, ALL, MANAGEMENT_DEFAULT_DATA_SET, 0, 0, false},
        {&other, 1, MANAGEMENT_PORT_DATA_SET, 0, 0, false},
    };
    for (size_t i = 0; i < LEN(cases); i++) {
        struct ptp_message m = usual(MANAGEMENT_GET);
        m.body.management.target = (struct port_identity){*cases[i].clock, cases[i].port};
        const struct answers *a = ask(b, &m, cases[i].id, NULL, 0, &local);
        assert_int_equal(a->count, cases[i].answers);
        if (cases[i].wrong_value)
            expect_error(a, cases[i].id, MANAGEMENT_WRONG_VALUE);
        else if (a->count > 0)
            assert_int_equal(word(&a->m[0], 0), TLV_MANAGEMENT);
        if (a->count > 0)
            assert_int_equal(a->m[0].header.source.port, cases[i].first_source);
    }
    assert_int_equal(b->counters.not_for_us, 2);
    assert_int_equal(b->counters.refused, 4);
}

static void test_domain_and_sdo(void **state)
{
    struct bench *b = *state;
    struct ptp_message m = usual(MANAGEMENT_GET);
    m.header.domain_number++;
    assert_int_equal(ask(b, &m, MANAGEMENT_PRIORITY1, NULL, 0, &local)->count, 0);
    m = usual(MANAGEMENT_GET);
    m.header.minor_sdo_id++;
    assert_int_equal(ask(b, &m, MANAGEMENT_PRIORITY1, NULL, 0, &local)->count, 0);
    m = usual(MANAGEMENT_GET);
    m.header.major_sdo_id++;
    assert_int_equal(ask(b, &m, MANAGEMENT_PRIORITY1, NULL, 0, &local)->count, 0);
    assert_int_equal(b->counters.not_for_us, 3);
}

/* ---- actions and errors ---- */

static void test_actions(void **state)
{
    struct bench *b = *state;
    static const uint8_t data[20];
    const struct {
        uint8_t action;
        uint16_t id;
        size_t data_len;
        enum management_error error;
        uint8_t answer; /* action */
    } cases[] = {
        {MANAGEMENT_GET, 0x0006, 0, MANAGEMENT_NOT_SUPPORTED, MANAGEMENT_RESPONSE},
        {MANAGEMENT_GET, 0x200F, 0, MANAGEMENT_NOT_SUPPORTED, MANAGEMENT_RESPONSE},
        {MANAGEMENT_GET, 0x3004, 0, MANAGEMENT_NOT_SUPPORTED, MANAGEMENT_RESPONSE},
        {MANAGEMENT_GET, 0x4002, 0, MANAGEMENT_NOT_SUPPORTED, MANAGEMENT_RESPONSE},
        {MANAGEMENT_GET, 0x7777, 0, MANAGEMENT_NO_SUCH_ID, MANAGEMENT_RESPONSE},
        {MANAGEMENT_GET, 0xC008, 0, MANAGEMENT_NO_SUCH_ID, MANAGEMENT_RESPONSE},
        {MANAGEMENT_GET, 0xFFFF, 0, MANAGEMENT_NO_SUCH_ID, MANAGEMENT_RESPONSE},
        {MANAGEMENT_GET, MANAGEMENT_PRIORITY1, 20, MANAGEMENT_NO_ERROR, MANAGEMENT_RESPONSE},
        {MANAGEMENT_SET, MANAGEMENT_PRIORITY1, 2, MANAGEMENT_NOT_SETABLE, MANAGEMENT_RESPONSE},
        {MANAGEMENT_SET, MANAGEMENT_GRANDMASTER_SETTINGS_NP, 8, MANAGEMENT_NOT_SETABLE, MANAGEMENT_RESPONSE},
        {MANAGEMENT_SET, MANAGEMENT_PORT_DATA_SET_NP, 8, MANAGEMENT_NOT_SETABLE, MANAGEMENT_RESPONSE},
        {MANAGEMENT_SET, 0x200D, 0, MANAGEMENT_NOT_SUPPORTED, MANAGEMENT_RESPONSE},
        {MANAGEMENT_SET, 0x7777, 2, MANAGEMENT_NO_SUCH_ID, MANAGEMENT_RESPONSE},
        {MANAGEMENT_SET, MANAGEMENT_NULL_MANAGEMENT, 0, MANAGEMENT_NO_ERROR, MANAGEMENT_RESPONSE},
        {MANAGEMENT_COMMAND, MANAGEMENT_NULL_MANAGEMENT, 0, MANAGEMENT_NO_ERROR, MANAGEMENT_ACKNOWLEDGE},
        {MANAGEMENT_COMMAND, 0x0005, 2, MANAGEMENT_NOT_SUPPORTED, MANAGEMENT_ACKNOWLEDGE},
        {MANAGEMENT_COMMAND, 0x200E, 0, MANAGEMENT_NOT_SUPPORTED, MANAGEMENT_ACKNOWLEDGE},
        {MANAGEMENT_COMMAND, MANAGEMENT_DEFAULT_DATA_SET, 0, MANAGEMENT_NOT_SUPPORTED,
         MANAGEMENT_ACKNOWLEDGE},
        {MANAGEMENT_COMMAND, 0x7777, 0, MANAGEMENT_NO_SUCH_ID, MANAGEMENT_ACKNOWLEDGE},
    };
    const struct instance before = b->instance;
    for (size_t i = 0; i < LEN(cases); i++) {
        const struct ptp_message m = usual(cases[i].action);
        const struct answers *a = ask(b, &m, cases[i].id, data, cases[i].data_len, &local);
        if (cases[i].error)
            expect_error(a, cases[i].id, cases[i].error);
        else
            assert_int_equal(word(&a->m[0], 0), TLV_MANAGEMENT);
        assert_int_equal(a->m[0].body.management.action, cases[i].answer);
    }
    assert_memory_equal(&b->instance, &before, sizeof before);
}

static void test_answers_are_not_answered(void **state)
{
    struct bench *b = *state;
    for (uint8_t action = 0; action < 16; action++) {
        const struct ptp_message m = usual(action);
        const bool asks =
            action == MANAGEMENT_GET || action == MANAGEMENT_SET || action == MANAGEMENT_COMMAND;
        assert_int_equal(ask(b, &m, MANAGEMENT_NULL_MANAGEMENT, NULL, 0, &local)->count > 0, asks);
    }
    assert_int_equal(b->counters.not_request, 13);
}

static void test_malformed(void **state)
{
    struct bench *b = *state;
    struct management_request r;
    uint8_t bytes[400];
    const size_t len = request(usual(MANAGEMENT_GET), MANAGEMENT_PRIORITY1, NULL, 0, bytes);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut > 0 ? cut : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        assert_false(management_open(&r, exact, cut, &local, &b->view, &b->subscribers, &b->counters));
        free(exact);
    }
    assert_int_equal(b->counters.malformed, len);

    struct ptp_message m = usual(MANAGEMENT_GET); /* without a TLV, and with one too short for an id */
    int encoded = wire_encode(&m, bytes, sizeof bytes);
    assert_false(
        management_open(&r, bytes, (size_t)encoded, &local, &b->view, &b->subscribers, &b->counters));
    static const uint8_t empty[] = {0, TLV_MANAGEMENT, 0, 0};
    m.suffix = empty;
    m.suffix_len = sizeof empty;
    encoded = wire_encode(&m, bytes, sizeof bytes);
    assert_false(
        management_open(&r, bytes, (size_t)encoded, &local, &b->view, &b->subscribers, &b->counters));
    assert_int_equal(b->counters.malformed, len + 2);

    /* ST 2059-2's SM TLV is a COMMAND to all, once a second */
    static const uint8_t organization[] = {0, TLV_ORGANIZATION_EXTENSION, 0, 6, 0x68, 0x97, 0xE8, 0, 0, 1};
    m = usual(MANAGEMENT_COMMAND);
    m.suffix = organization;
    m.suffix_len = sizeof organization;
    encoded = wire_encode(&m, bytes, sizeof bytes);
    assert_false(
        management_open(&r, bytes, (size_t)encoded, &network, &b->view, &b->subscribers, &b->counters));
    m = (struct ptp_message){.header = {.message_type = MSG_SYNC, .control = WIRE_CONTROL_AUTO}};
    encoded = wire_encode(&m, bytes, sizeof bytes);
    assert_false(
        management_open(&r, bytes, (size_t)encoded, &network, &b->view, &b->subscribers, &b->counters));
    assert_int_equal(b->counters.not_request, 2);
    assert_int_equal(b->counters.refused, 0);
}

/* ---- limits ---- */

static void test_flood_is_limited(void **state)
{
    (void)state;
    int64_t busy_until_ns = 0;
    unsigned admitted = 0;
    for (int i = 0; i < 1000; i++)
        admitted += management_admit(&busy_until_ns, T0);
    assert_int_equal(admitted, MANAGEMENT_BURST);
    for (int64_t t = T0 + 1; t <= T0 + 10 * NS_PER_S; t += 100000) /* 10,000 a second for 10 s */
        admitted += management_admit(&busy_until_ns, t);
    assert_in_range(admitted, MANAGEMENT_BURST + 10 * MANAGEMENT_RATE - 1,
                    MANAGEMENT_BURST + 10 * MANAGEMENT_RATE + 1);
    int64_t calm = 0;
    for (int64_t t = T0; t < T0 + 100 * NS_PER_S; t += NS_PER_S / MANAGEMENT_RATE)
        assert_true(management_admit(&calm, t));
}

static void test_small_buffer(void **state)
{
    struct bench *b = *state;
    struct management_request r;
    uint8_t bytes[400], small[60];
    const size_t len = request(usual(MANAGEMENT_GET), MANAGEMENT_PARENT_DATA_SET, NULL, 0, bytes);
    assert_true(management_open(&r, bytes, len, &local, &b->view, &b->subscribers, &b->counters));
    assert_int_equal(management_next(&r, &b->view, small, sizeof small), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_data_set),
        TEST(test_network_sees_no_host),
        TEST(test_slave_of_another),
        TEST(test_longest_texts_fit),
        TEST(test_reply_header),
        TEST(test_targets),
        TEST(test_domain_and_sdo),
        TEST(test_actions),
        TEST(test_answers_are_not_answered),
        TEST(test_malformed),
        TEST(test_flood_is_limited),
        TEST(test_small_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
