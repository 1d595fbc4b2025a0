/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs that answer in the kernel, in the driver and at the ingress, run by it on made-up frames
 * (BPF_PROG_TEST_RUN). Skipped without the rights to load them. */
#include "gmd/net/fast_path.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "gmd/loop.h"
#include "gmd/net/answer.h"
#include "gmd/net/ingress.h"

#define INTERFACE    "gmd0"
#define DOMAIN       127
#define IPV4_FRAME   (14 + 20 + 8 + 44)
#define MESSAGE      (14 + 20 + 8)
#define TEST_RUN_MIN (14 + 20) /* the kernel wants an IP header */
#define CLOCK_NS     (1700000000 * NS_PER_S)

struct rig {
    struct guard *guard;
    struct fast_path *fast; /* NULL: at the ingress */
    unsigned ifindex;
    int program; /* 0: none, all is skipped */
};

static const uint8_t own_mac[6]; /* zeros, as the transport's */
static const struct port_identity own = {{{1, 2, 3, 4, 5, 6, 7, 8}}, 1};
static const struct port_identity client = {{{9, 8, 7, 6, 5, 4, 3, 2}}, 1};

static int64_t tai_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_TAI, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void serve(const struct rig *r, bool serves)
{
    const struct answer_state s = {
        .serves = serves,
        .now_ns = loop_now(),
        .answer = {.line = {.raw_ns = tai_now(), .clock_ns = CLOCK_NS}, .log_min_delay_req_interval = -3}};
    guard_renew(r->guard, 0, loop_now());
    answer_renew(guard_kernel_port(r->guard, 0), &s);
}

static void allow_ways(const struct rig *r, double rate_hz, unsigned burst, uint8_t ways)
{
    const struct guard_client c = {.identity = client,
                                   .address = {.family = ADDRESS_IPV4, .bytes = {127, 0, 0, 9}},
                                   .terms = {.rate_hz = rate_hz, .burst = burst, .ways = ways},
                                   .log_message_interval = 0x7F};
    assert_int_equal(guard_allow(r->guard, 3, &c), 0);
}

static void allow(const struct rig *r, double rate_hz, unsigned burst)
{
    allow_ways(r, rate_hz, burst, KERNEL_UNICAST | KERNEL_MULTICAST);
}

/* With the guard attached to an interface of a namespace of its own. */
static bool open_guard(struct rig *r, enum kernel_ingress ingress)
{
    const struct transport t = {.fds = {-1, -1, -1, -1}, .family = ADDRESS_IPV4};
    const struct answer_config answers = {
        .interface = INTERFACE, .identity = own, .dscp_general = 34, .ttl = 3, .ingress = ingress};
    char why[160] = "no network namespace";
    if (unshare(CLONE_NEWNET) == 0 && system("ip link add " INTERFACE " type veth peer name other &&"
                                             "ip address add 127.0.0.1/8 dev " INTERFACE) == 0)
        r->guard = guard_open(16, why, sizeof why);
    r->ifindex = if_nametoindex(INTERFACE);
    const struct guard_port port = {.ifindex = (int)r->ifindex, .domain = DOMAIN};
    if (!r->guard || guard_attach(r->guard, 0, &port, &t) < 0) {
        print_message("skipped: %s\n", why);
        return false;
    }
    answer_settle(guard_kernel_port(r->guard, 0), &answers, &t);
    return true;
}

static int set_up_driver(void **state)
{
    static struct rig r;
    char why[160];
    uint32_t id;
    *state = &r;
    if (!open_guard(&r, KERNEL_INGRESS_NONE))
        return 0;
    const struct fast_path_config c = {.interface = INTERFACE, .ifindex = (int)r.ifindex};
    r.fast = fast_path_open(r.guard, &c, why, sizeof why);
    assert_true(fast_path_is_on(r.fast));
    assert_int_equal(bpf_xdp_query_id((int)r.ifindex, 0, &id), 0);
    r.program = bpf_prog_get_fd_by_id(id);
    return r.program < 0;
}

static int set_up_ingress(void **state)
{
    static struct rig r;
    uint32_t id;
    struct bpf_prog_query_opts q = {.sz = sizeof q, .prog_ids = &id, .prog_cnt = 1};
    *state = &r;
    if (!open_guard(&r, KERNEL_INGRESS_SOFTWARE) || !guard_is_early(r.guard, 0))
        return 0;
    assert_int_equal(bpf_prog_query_opts((int)r.ifindex, TCX_INGRESS, &q), 0);
    r.program = bpf_prog_get_fd_by_id(id);
    return r.program < 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    fast_path_close(r->fast);
    guard_close(r->guard);
    return 0;
}

enum verdict { ANSWERED, PASSED, DROPPED };

struct result {
    enum verdict verdict;
    uint32_t len;
    uint8_t frame[256];
};

/* At the ingress a test's frame belongs to a socket: a copy is sent, and the frame dropped. */
static enum verdict verdict_of(const struct rig *r, uint32_t value, uint64_t answered)
{
    const uint32_t values[] = {
        [ANSWERED] = r->fast ? XDP_TX : TC_ACT_SHOT,
        [PASSED] = r->fast ? XDP_PASS : (uint32_t)TC_ACT_UNSPEC,
        [DROPPED] = r->fast ? XDP_DROP : TC_ACT_SHOT,
    };
    const enum verdict verdict = answered > 0 ? ANSWERED : value == values[PASSED] ? PASSED : DROPPED;
    if (value != values[verdict])
        fail_msg("verdict %u, %lu answered", value, answered);
    return verdict;
}

static struct result run_at(const struct rig *r, const uint8_t *frame, size_t len,
                            const struct __sk_buff *skb)
{
    struct result result = {0};
    struct xdp_md xdp = {.data_end = (uint32_t)len, .ingress_ifindex = r->ifindex};
    struct bpf_test_run_opts options = {.sz = sizeof options,
                                        .data_in = frame,
                                        .data_size_in = (uint32_t)len,
                                        .data_out = result.frame,
                                        .data_size_out = sizeof result.frame,
                                        .ctx_in = r->fast ? (const void *)&xdp : skb,
                                        .ctx_size_in = r->fast ? sizeof xdp : sizeof *skb};
    const uint64_t before = guard_totals(r->guard, 0).answered;
    if (bpf_prog_test_run_opts(r->program, &options) != 0)
        fail_msg("test run: %s", strerror(errno));
    result.verdict = verdict_of(r, options.retval, guard_totals(r->guard, 0).answered - before);
    result.len = options.data_size_out;
    return result;
}

static struct result run(const struct rig *r, const uint8_t *frame, size_t len)
{
    const struct __sk_buff skb = {.ifindex = r->ifindex, .tstamp = (uint64_t)tai_now()};
    return run_at(r, frame, len, &skb);
}

/* A plain unicast Delay_Req of the client over IPv4, with room behind it. */
static void make(uint8_t *frame)
{
    static const uint8_t headers[MESSAGE] = {
        [6] = 2,  [11] = 9,   [12] = 0x08, [14] = 0x45, [17] = 72, [22] = 64,   [23] = 17, [26] = 127,
        [29] = 9, [30] = 127, [33] = 1,    [34] = 1,    [35] = 63, [36] = 0x01, [37] = 63, [39] = 52};
    uint8_t *m = frame + MESSAGE;
    memset(frame, 0, 256);
    memcpy(frame, headers, sizeof headers);
    m[0] = 0x1;
    m[1] = 0x12;
    m[3] = 44;
    m[4] = DOMAIN;
    m[6] = 0x04;
    m[15] = 0x77; /* correctionField */
    memcpy(m + 20, client.clock.id, 8);
    m[29] = 1;
    m[30] = 0xAB;
    m[31] = 0xCD;
    m[33] = 0x7F;
}

/* A plain request of a known client, to a daemon that serves; or the test is skipped. */
static const struct rig *ready(void **state, uint8_t *frame)
{
    const struct rig *r = *state;
    if (r->program == 0)
        skip();
    make(frame);
    allow(r, 1000, 1000);
    serve(r, true);
    return r;
}

static void test_answer(void **state)
{
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    const struct result got = run(r, frame, IPV4_FRAME);
    const uint8_t *m = got.frame + MESSAGE;
    assert_int_equal(got.verdict, ANSWERED);
    assert_int_equal(got.len, MESSAGE + 54);
    assert_memory_equal(got.frame, frame + 6, 6);
    assert_memory_equal(got.frame + 6, own_mac, 6);
    assert_memory_equal(got.frame + 26, frame + 30, 4);
    assert_memory_equal(got.frame + 30, frame + 26, 4);
    assert_int_equal(got.frame[15], 34 << 2);
    assert_memory_equal(got.frame + 34, ((uint8_t[]){1, 64, 1, 64, 0, 62}), 6);
    assert_memory_equal(m, ((uint8_t[]){0x09, 0x12, 0, 54, DOMAIN, 0, 0x04, 0}), 8);
    assert_memory_equal(m + 8, frame + MESSAGE + 8, 8);
    assert_memory_equal(m + 20, ((uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0xAB, 0xCD, 3, 0x7F}), 14);
    assert_memory_equal(m + 44, frame + MESSAGE + 20, 10);
    const uint64_t s = (uint64_t)m[36] << 24 | (uint64_t)m[37] << 16 | (uint64_t)m[38] << 8 | m[39];
    assert_in_range(s, CLOCK_NS / NS_PER_S, CLOCK_NS / NS_PER_S + 1);
}

static void test_longer_frames(void **state)
{
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    for (size_t len = IPV4_FRAME; len < 200; len++) {
        make(frame);
        const struct result got = run(r, frame, len);
        assert_int_equal(got.verdict, ANSWERED);
        assert_int_equal(got.len, MESSAGE + 54);
    }
}

/* One octet of the plain request changed: the daemon's. */
static const struct {
    const char *what;
    uint8_t at, value;
} others[] = {
    {"another's MAC", 0, 2},
    {"VLAN tag", 12, 0x81},
    {"IP options", 14, 0x46},
    {"fragment", 20, 0x20},
    {"later fragment", 21, 0x01},
    {"not UDP", 23, 6},
    {"another's address", 33, 2},
    {"general port", 37, 64},
    {"UDP length too short", 39, 51},
    {"Pdelay_Req", MESSAGE, 0x2},
    {"majorSdoId", MESSAGE, 0x11},
    {"version 1", MESSAGE + 1, 0x11},
    {"with a TLV", MESSAGE + 3, 50},
    {"another domain", MESSAGE + 4, DOMAIN + 1},
    {"minorSdoId", MESSAGE + 5, 1},
    {"SPTP", MESSAGE + 6, 0x24},
    {"a stranger's identity", MESSAGE + 20, 0},
    {"a stranger's port", MESSAGE + 29, 2},
    {"a stranger's address", 29, 8},
};

static void test_what_is_not_plain_passes(void **state)
{
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        make(frame);
        frame[others[i].at] = others[i].value;
        const struct result got = run(r, frame, IPV4_FRAME);
        if (got.verdict != PASSED || memcmp(got.frame, frame, IPV4_FRAME) != 0)
            fail_msg("%s: verdict %u", others[i].what, got.verdict);
    }
    for (size_t len = TEST_RUN_MIN; len < IPV4_FRAME; len++) {
        make(frame);
        assert_int_equal(run(r, frame, len).verdict, PASSED);
    }
}

/* Delay_Resp goes to the general port; SPTP, from wherever, up to the daemon. */
static void test_source_port(void **state)
{
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    memcpy(frame + 34, ((uint8_t[]){40123 >> 8, 40123 & 0xFF}), 2);
    const struct result got = run(r, frame, IPV4_FRAME);
    assert_int_equal(got.verdict, ANSWERED);
    assert_memory_equal(got.frame + 34, ((uint8_t[]){1, 64, 1, 64}), 4);
    frame[MESSAGE + 6] = 0x24;
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, PASSED);
}

static void test_own_identity_passes(void **state)
{
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    memcpy(frame + MESSAGE + 20, own.clock.id, 8);
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, PASSED);
}

static void test_only_the_ways_that_are_allowed(void **state)
{
    uint8_t unicast[256], multicast[256];
    const struct rig *r = ready(state, unicast);
    make(multicast);
    memcpy(multicast, (uint8_t[]){0x01, 0x00, 0x5E, 0x00, 0x01, 0x81}, 6);
    memcpy(multicast + 30, (uint8_t[]){224, 0, 1, 129}, 4);
    for (uint8_t ways = 0; ways < 4; ways++) {
        allow_ways(r, 1000, 1000, ways);
        assert_int_equal(run(r, unicast, IPV4_FRAME).verdict, ways & KERNEL_UNICAST ? ANSWERED : PASSED);
        const struct result got = run(r, multicast, IPV4_FRAME);
        assert_int_equal(got.verdict, ways & KERNEL_MULTICAST ? ANSWERED : PASSED);
        if (got.verdict == ANSWERED)
            assert_int_equal((int8_t)got.frame[MESSAGE + 33], -3);
    }
}

static void test_rate_and_silence(void **state)
{
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    allow(r, 0.001, 3);
    for (int i = 0; i < 6; i++)
        assert_int_equal(run(r, frame, IPV4_FRAME).verdict, i < 3 ? ANSWERED : DROPPED);
    const struct guard_counts c = guard_read(r->guard, 3);
    assert_int_equal(c.answered, 3);
    assert_int_equal(c.refused, 3);
    allow(r, 1000, 1000);
    serve(r, false);
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, PASSED);
    serve(r, true);
    guard_forget(r->guard, 3);
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, PASSED);
}

/* A filter of tc stays when the daemon is gone: then it refuses nothing. */
static void test_nobody_there(void **state)
{
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    allow(r, 0.001, 1);
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, ANSWERED);
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, DROPPED);
    serve(r, false);
    guard_renew(r->guard, 0, loop_now() - 2 * NS_PER_S);
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, PASSED);
}

/* Random octets over a plain request never break it, and what they make of it is never answered as another's.
 */
static void test_random(void **state)
{
    const unsigned seed = (unsigned)time(NULL);
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    print_message("seed %u\n", seed);
    srandom(seed);
    allow(r, 1e6, 100000);
    for (int i = 0; i < 3000; i++) {
        make(frame);
        for (int k = 0; k <= i % 5; k++)
            frame[random() % IPV4_FRAME] = (uint8_t)random();
        const struct result got = run(r, frame, TEST_RUN_MIN + (size_t)random() % 180);
        if (got.verdict == ANSWERED)
            assert_memory_equal(got.frame + MESSAGE + 44, client.clock.id, 8);
    }
}

static int64_t told(const struct result *got)
{
    const uint8_t *m = got->frame + MESSAGE;
    int64_t seconds = 0, ns = 0;
    for (int i = 34; i < 40; i++)
        seconds = seconds << 8 | m[i];
    for (int i = 40; i < 44; i++)
        ns = ns << 8 | m[i];
    return seconds * NS_PER_S + ns;
}

/* The stamp that a socket would have; none, or a reference to it as igc's, is for the daemon. */
static void test_stamps(void **state)
{
    const uint64_t useless[] = {0, 0xFFFF888012345678};
    struct kernel_port *p;
    uint8_t frame[256];
    const struct rig *r = ready(state, frame);
    p = guard_kernel_port(r->guard, 0);
    const int64_t at_ns = p->answers[p->answer & 1].line.raw_ns;
    const struct __sk_buff skb = {
        .ifindex = r->ifindex, .tstamp = (uint64_t)at_ns + 1000, .hwtstamp = (uint64_t)at_ns + 2000};
    for (int hardware = 0; hardware < 2; hardware++) {
        struct __sk_buff other = skb;
        p->ingress = hardware ? KERNEL_INGRESS_HARDWARE : KERNEL_INGRESS_SOFTWARE;
        const struct result got = run_at(r, frame, IPV4_FRAME, &skb);
        assert_int_equal(got.verdict, ANSWERED);
        assert_true(told(&got) == CLOCK_NS + (hardware ? 2000 : 1000));
        for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
            *(hardware ? &other.hwtstamp : &other.tstamp) = useless[i];
            assert_int_equal(run_at(r, frame, IPV4_FRAME, &other).verdict, PASSED);
        }
    }
    assert_int_equal(p->counts.unstamped, 3); /* the fourth is out of the line's reach */
    p->ingress = KERNEL_INGRESS_NONE;
    assert_int_equal(run(r, frame, IPV4_FRAME).verdict, PASSED);
}

#define FOR_BOTH                                                                                             \
    cmocka_unit_test(test_answer), cmocka_unit_test(test_longer_frames),                                     \
        cmocka_unit_test(test_what_is_not_plain_passes), cmocka_unit_test(test_source_port),                 \
        cmocka_unit_test(test_own_identity_passes), cmocka_unit_test(test_only_the_ways_that_are_allowed),   \
        cmocka_unit_test(test_rate_and_silence), cmocka_unit_test(test_nobody_there),                        \
        cmocka_unit_test(test_random)

int main(void)
{
    const struct CMUnitTest driver[] = {FOR_BOTH}, ingress[] = {FOR_BOTH, cmocka_unit_test(test_stamps)};
    return cmocka_run_group_tests(driver, set_up_driver, tear_down) +
           cmocka_run_group_tests(ingress, set_up_ingress, tear_down);
}
