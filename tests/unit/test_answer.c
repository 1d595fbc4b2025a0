/* SPDX-License-Identifier: BSD-2-Clause */
/* What is answered with in the daemon's stead: whole, in time, and as the wire codec reads it. */
#include "gmd/net/answer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/net/bpf/response.h"
#include "gmd/ptp/wire.h"

#define NOW_NS  (1000 * NS_PER_S)
#define RENEWED 300000

static void renew(struct kernel_port *p, bool serves, int64_t now_ns, int64_t n)
{
    const struct answer_state s = {.serves = serves,
                                   .now_ns = now_ns,
                                   .answer = {.line = {.raw_ns = n, .clock_ns = 2 * n, .excess = 3 * n},
                                              .socket_lag_ns = 4 * n,
                                              .ingress_latency_ns = 5 * n,
                                              .log_min_delay_req_interval = 6 * n}};
    answer_renew(p, &s);
}

static bool is_whole(const struct kernel_answer *a)
{
    const int64_t n = a->line.raw_ns;
    return a->line.clock_ns == 2 * n && a->line.excess == 3 * n && a->socket_lag_ns == 4 * n &&
           a->ingress_latency_ns == 5 * n && a->log_min_delay_req_interval == 6 * n;
}

static void test_good_for_a_second(void **state)
{
    (void)state;
    struct kernel_port p = {.domain = 0};
    struct kernel_answer a;
    assert_false(answer_get(&p, NOW_NS, &a));
    renew(&p, true, NOW_NS, 7);
    assert_true(answer_get(&p, NOW_NS, &a));
    assert_int_equal(a.line.raw_ns, 7);
    renew(&p, true, NOW_NS, 8);
    assert_true(answer_get(&p, NOW_NS + NS_PER_S, &a));
    assert_int_equal(a.line.raw_ns, 8);
    assert_false(answer_get(&p, NOW_NS + NS_PER_S + 1, &a));
    renew(&p, false, NOW_NS, 9);
    assert_false(answer_get(&p, NOW_NS, &a));
}

static void *renew_often(void *ctx)
{
    for (int64_t n = 2; n <= RENEWED; n++)
        renew(ctx, true, NOW_NS, n);
    return NULL;
}

static void test_never_torn(void **state)
{
    (void)state;
    struct kernel_port p = {.domain = 0};
    struct kernel_answer a = {.line = {.raw_ns = 0}};
    int64_t before = 0;
    pthread_t writer;
    renew(&p, true, NOW_NS, 1);
    assert_int_equal(pthread_create(&writer, NULL, renew_often, &p), 0);
    while (before < RENEWED) {
        assert_true(answer_get(&p, NOW_NS, &a));
        assert_true(is_whole(&a));
        assert_true(a.line.raw_ns >= before);
        before = a.line.raw_ns;
    }
    pthread_join(writer, NULL);
}

static void test_response_on_the_wire(void **state)
{
    (void)state;
    const int64_t clock_ns = 1700000000 * NS_PER_S + 123456789;
    const struct kernel_port p = {
        .domain = 127, .major_sdo_id = 1, .minor_sdo_id = 2, .identity = {1, 2, 3, 4, 5, 6, 7, 8, 0, 9}};
    const struct ptp_message request = {.header = {.message_type = MSG_DELAY_REQ,
                                                   .major_sdo_id = 1,
                                                   .minor_sdo_id = 2,
                                                   .domain_number = 127,
                                                   .correction = 0x123456789A,
                                                   .source = {{{8, 7, 6, 5, 4, 3, 2, 1}}, 0xABCD},
                                                   .sequence_id = 0xFEDC}};
    for (int multicast = 0; multicast < 2; multicast++) {
        uint8_t octets[REQUEST_BYTES];
        struct message_head head;
        struct ptp_message got;
        int64_t ns;
        assert_int_equal(wire_encode(&request, octets, sizeof octets), REQUEST_BYTES);
        memcpy(&head, octets, sizeof head);
        const struct response r = respond(&p, &head, multicast, -3, (uint64_t)clock_ns);
        assert_int_equal(sizeof r, RESPONSE_BYTES);
        assert_int_equal(wire_decode((const uint8_t *)&r, RESPONSE_BYTES, &got), WIRE_OK);
        assert_int_equal(got.header.message_type, MSG_DELAY_RESP);
        assert_int_equal(got.header.major_sdo_id, 1);
        assert_int_equal(got.header.minor_sdo_id, 2);
        assert_int_equal(got.header.domain_number, 127);
        assert_int_equal(got.header.flags, multicast ? 0 : 0x0400);
        assert_int_equal(got.header.correction, request.header.correction);
        assert_int_equal(got.header.sequence_id, 0xFEDC);
        assert_int_equal(got.header.log_message_interval, -3);
        assert_memory_equal(got.header.source.clock.id, p.identity, 8);
        assert_int_equal(got.header.source.port, 9);
        assert_memory_equal(got.body.response.requesting.clock.id, request.header.source.clock.id, 8);
        assert_int_equal(got.body.response.requesting.port, 0xABCD);
        assert_true(wire_timestamp_to_ns(&got.body.response.timestamp, &ns));
        assert_int_equal(ns, clock_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_for_a_second),
        cmocka_unit_test(test_never_torn),
        cmocka_unit_test(test_response_on_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
