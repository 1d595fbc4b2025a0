/* SPDX-License-Identifier: BSD-2-Clause */
/* gmload's frames, ARP, identities, and the kernel's filter for them, asked of the kernel itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gmd/load/filter.h"
#include "gmd/ptp/wire.h"

#define SERVER 0xC0000201u /* 192.0.2.1 */
#define FIRST  0x0A4D0001u /* 10.77.0.1 */
#define TAG    0xBEEF
#define PORT   PACKET_OWN_PORT

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 2}, server_mac[6] = {2, 0, 0, 0, 0, 1};

static struct packet_route route_to(enum packet_transport transport, bool multicast)
{
    struct packet_route r = {.transport = transport, .destination = SERVER};
    memcpy(r.source_mac, our_mac, 6);
    memcpy(r.destination_mac, server_mac, 6);
    if (multicast)
        packet_route_multicast(&r);
    return r;
}

/* RFC 1071: the sum over a header with its checksum is all ones */
static unsigned sum_of(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return sum;
}

static void test_frames(void **state)
{
    (void)state;
    static const uint32_t sources[] = {0x00000001, 0x0A4D0001, 0xC0A8FFFE, 0xFFFFFFFE, 0x7FFF8000};
    for (unsigned multicast = 0; multicast < 2; multicast++)
        for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
            const struct packet_route route = route_to(PACKET_UDPV4, multicast);
            uint8_t frame[256] = {0};
            struct packet packet;
            const size_t headers = packet_write_headers(&route, CHANNEL_EVENT, 44, frame);
            packet_set_source(PACKET_UDPV4, frame, sources[i]);
            assert_int_equal(headers, packet_headers_len(PACKET_UDPV4));
            assert_int_equal(sum_of(frame + 14, 20), 0xFFFF);
            assert_true(packet_parse(PACKET_UDPV4, frame, headers + 44, &packet));
            assert_int_equal(packet.source, sources[i]);
            assert_int_equal(packet.destination, multicast ? PACKET_MULTICAST_IPV4 : SERVER);
            assert_int_equal(packet.multicast, multicast);
            assert_int_equal(packet.destination_port, 319);
            assert_int_equal(packet.ptp_len, 44);
            assert_ptr_equal(packet.ptp, frame + headers);
            assert_memory_equal(packet.source_mac, our_mac, 6);
            for (size_t len = 0; len < headers + 44; len++)
                assert_false(packet_parse(PACKET_UDPV4, frame, len, &packet));
            assert_true(packet_parse(PACKET_UDPV4, frame, headers + 60, &packet)); /* padding */
            assert_int_equal(packet.ptp_len, 44);
        }
}

static void test_ethernet_frames(void **state)
{
    (void)state;
    const struct packet_route route = route_to(PACKET_ETHERNET, true);
    uint8_t frame[64] = {0};
    struct packet packet;
    assert_int_equal(packet_write_headers(&route, CHANNEL_EVENT, 44, frame), 14);
    assert_memory_equal(frame, "\x01\x1B\x19\0\0\0\2\0\0\0\0\2\x88\xF7", 14);
    assert_true(packet_parse(PACKET_ETHERNET, frame, 58, &packet));
    assert_true(packet.multicast);
    assert_int_equal(packet.ptp_len, 44);
    assert_false(packet_parse(PACKET_ETHERNET, frame, 13, &packet));
    assert_false(packet_parse(PACKET_UDPV4, frame, 58, &packet));
}

/* Clients of one address have ports of their own. */
static void test_own_ports(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        bool ours;
    } cases[] = {{PORT - 1, false}, {PORT, true}, {65535, true}};
    const struct packet_route route = route_to(PACKET_UDPV4, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t frame[128] = {0};
        struct packet packet;
        const size_t len = packet_write_headers(&route, CHANNEL_EVENT, 44, frame) + 44;
        packet_set_source_port(frame, cases[i].port);
        assert_memory_equal(frame + 36, "\x01\x3F", 2); /* to the event port */
        assert_true(packet_parse(PACKET_UDPV4, frame, len, &packet));
        memcpy(frame + 36, frame + 34, 2); /* the answer */
        assert_int_equal(packet_parse(PACKET_UDPV4, frame, len, &packet), cases[i].ours);
        if (cases[i].ours)
            assert_int_equal(packet.destination_port, cases[i].port);
    }
}

/* one octet of a good frame changed: no longer PTP */
static void test_foreign_frames(void **state)
{
    (void)state;
    static const struct {
        unsigned at;
        uint8_t value;
    } changes[] = {{12, 0x86}, {14, 0x46}, {20, 0x20}, {21, 0x01}, {23, 6},
                   {36, 0x02}, {37, 0x3D}, {38, 1},    {39, 7}};
    const struct packet_route route = route_to(PACKET_UDPV4, false);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint8_t frame[128] = {0};
        struct packet packet;
        const size_t len = packet_write_headers(&route, CHANNEL_EVENT, 44, frame) + 44;
        frame[changes[i].at] = changes[i].value;
        assert_false(packet_parse(PACKET_UDPV4, frame, len, &packet));
    }
}

static void test_arp(void **state)
{
    (void)state;
    static const struct {
        uint32_t wanted;
        bool ours;
    } cases[] = {
        {FIRST - 1, false}, {FIRST, true}, {FIRST + 99, true}, {FIRST + 100, false}, {SERVER, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t request[PACKET_ARP_LEN], reply[PACKET_ARP_LEN], mac[6] = {0};
        packet_arp_request(server_mac, SERVER, cases[i].wanted, request);
        assert_int_equal(packet_arp_answer(request, sizeof request, our_mac, FIRST, 100, reply),
                         cases[i].ours);
        assert_false(packet_arp_answer(request, sizeof request - 1, our_mac, FIRST, 100, reply));
        assert_false(packet_arp_learn(request, sizeof request, SERVER, mac)); /* a request tells nothing */
        if (!cases[i].ours)
            continue;
        assert_memory_equal(reply, server_mac, 6);
        assert_true(packet_arp_learn(reply, sizeof reply, cases[i].wanted, mac));
        assert_memory_equal(mac, our_mac, 6);
        assert_false(packet_arp_learn(reply, sizeof reply, cases[i].wanted + 1, mac));
        assert_false(packet_arp_answer(reply, sizeof reply, our_mac, 0, UINT32_MAX, request));
    }
    uint8_t request[PACKET_ARP_LEN], reply[PACKET_ARP_LEN];
    packet_arp_request(server_mac, SERVER, SERVER, request);
    assert_false(packet_arp_answer(request, sizeof request, our_mac, 0, 0, reply)); /* no address of ours */
}

static void test_identities(void **state)
{
    (void)state;
    static const enum identity_kind kinds[] = {IDENTITY_GOOD, IDENTITY_ABUSER, IDENTITY_FORGED};
    for (unsigned i = 0; i < 3; i++)
        for (uint32_t n = 0; n < 70000; n += 3333) {
            const struct port_identity id = identity_make(kinds[i], TAG, n);
            for (unsigned k = 0; k < 3; k++) {
                uint32_t index;
                assert_int_equal(identity_index(&id, kinds[k], TAG, &index), i == k);
                if (i == k && kinds[i] != IDENTITY_FORGED)
                    assert_int_equal(index, n);
            }
        }
    uint32_t index;
    const struct port_identity id = identity_make(IDENTITY_GOOD, TAG + 1, 5); /* another generator's */
    assert_false(identity_index(&id, IDENTITY_GOOD, TAG, &index));
    const struct port_identity a = identity_make(IDENTITY_FORGED, TAG, 1),
                               b = identity_make(IDENTITY_FORGED, TAG, 2);
    assert_memory_not_equal(a.clock.id + 2, b.clock.id + 2, 6);
}

/* --- the filter ------------------------------------------------------------------------------------ */

struct sample {
    const char *what;
    enum packet_transport transport;
    uint8_t type;
    enum identity_kind kind; /* of a Delay_Resp: whose answer */
    uint32_t index;
    uint32_t destination; /* unicast, or 0: multicast */
};

static size_t write_sample(const struct sample *s, uint8_t *frame)
{
    struct packet_route route = route_to(s->transport, !s->destination);
    if (s->destination)
        route.destination = s->destination;
    const struct port_identity id = identity_make(s->kind, TAG, s->index);
    const size_t headers = packet_write_headers(&route, CHANNEL_GENERAL, 54, frame);
    memset(frame + headers, 0, 54);
    frame[headers] = s->type;
    memcpy(frame + headers + 44, id.clock.id, 8);
    frame[headers + 53] = (uint8_t)id.port;
    return headers + 54;
}

/* The kernel decides: the filter is attached to one end of a socket pair. */
static bool passes(const struct filter_spec *spec, const uint8_t *frame, size_t len)
{
    struct sock_filter code[FILTER_LEN_MAX];
    const struct sock_fprog program = {(unsigned short)filter_build(spec, code), code};
    int fds[2];
    uint8_t byte;
    assert_true(program.len <= FILTER_LEN_MAX);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    send(fds[0], frame, len, 0);
    const bool result = recv(fds[1], &byte, 1, MSG_DONTWAIT) == 1;
    close(fds[0]);
    close(fds[1]);
    return result;
}

static const struct sample samples[] = {
    {"answer to our client", PACKET_UDPV4, MSG_DELAY_RESP, IDENTITY_GOOD, 6, 0},
    {"answer to our client, unicast", PACKET_UDPV4, MSG_DELAY_RESP, IDENTITY_GOOD, 6, FIRST + 6},
    {"answer to another thread's", PACKET_UDPV4, MSG_DELAY_RESP, IDENTITY_GOOD, 7, 0},
    {"answer to the abuser", PACKET_UDPV4, MSG_DELAY_RESP, IDENTITY_ABUSER, 6, 0},
    {"answer to a forged one", PACKET_UDPV4, MSG_DELAY_RESP, IDENTITY_FORGED, 6, 0},
    {"multicast Sync", PACKET_UDPV4, MSG_SYNC, IDENTITY_GOOD, 0, 0},
    {"unicast Sync to our client", PACKET_UDPV4, MSG_SYNC, IDENTITY_GOOD, 0, FIRST + 6},
    {"unicast Sync to another thread's", PACKET_UDPV4, MSG_SYNC, IDENTITY_GOOD, 0, FIRST + 7},
    {"answer over Ethernet", PACKET_ETHERNET, MSG_DELAY_RESP, IDENTITY_GOOD, 6, 0},
    {"Announce over Ethernet", PACKET_ETHERNET, MSG_ANNOUNCE, IDENTITY_GOOD, 6, 0},
};

static const struct {
    const char *what;
    struct {
        enum packet_transport transport;
        enum identity_kind kind;
        uint32_t shares, share;
        bool multicast, unicast;
        uint32_t first_address;
    } spec;
    const char *passes; /* one character for each sample */
} filters[] = {
    {"thread 0 of 2", {PACKET_UDPV4, IDENTITY_GOOD, 2, 0, true, false, FIRST}, "xx...x...."},
    {"thread 1 of 2", {PACKET_UDPV4, IDENTITY_GOOD, 2, 1, false, false, FIRST}, "..x......."},
    {"negotiating, thread 0 of 2", {PACKET_UDPV4, IDENTITY_GOOD, 2, 0, true, true, FIRST}, "xx...xx..."},
    {"negotiating, thread 1 of 2", {PACKET_UDPV4, IDENTITY_GOOD, 2, 1, false, true, FIRST}, "..x....x.."},
    {"negotiating, one address", {PACKET_UDPV4, IDENTITY_GOOD, 1, 0, true, true, 0}, "xxx..xxx.."},
    {"abuser", {PACKET_UDPV4, IDENTITY_ABUSER, 1, 0, false, false, FIRST}, "...x......"},
    {"forged", {PACKET_UDPV4, IDENTITY_FORGED, 1, 0, false, false, FIRST}, "....x....."},
    {"Ethernet", {PACKET_ETHERNET, IDENTITY_GOOD, 1, 0, true, false, 0}, "........xx"},
};

static void test_filter(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof filters / sizeof *filters; f++)
        for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
            const struct filter_spec spec = {
                .transport = filters[f].spec.transport,
                .prefix = identity_prefix(filters[f].spec.kind, TAG),
                .shares = filters[f].spec.shares,
                .share = filters[f].spec.share,
                .multicast = filters[f].spec.multicast,
                .unicast = filters[f].spec.unicast,
                .first_address = filters[f].spec.first_address,
            };
            uint8_t frame[256];
            const size_t len = write_sample(&samples[i], frame);
            if (passes(&spec, frame, len) != (filters[f].passes[i] == 'x'))
                fail_msg("%s: %s", filters[f].what, samples[i].what);
            if (samples[i].transport != PACKET_UDPV4)
                continue;
            frame[37] ^= 2; /* no port of PTP */
            assert_false(passes(&spec, frame, len));
        }
}

static void test_filter_by_port(void **state)
{
    (void)state;
    const struct sample answer = {"SPTP Sync", PACKET_UDPV4, MSG_SYNC, IDENTITY_GOOD, 0, FIRST};
    uint8_t frame[256];
    const size_t len = write_sample(&answer, frame);
    for (uint32_t share = 0; share < 4; share++) {
        const struct filter_spec spec = {.transport = PACKET_UDPV4,
                                         .prefix = identity_prefix(IDENTITY_GOOD, TAG),
                                         .shares = 4,
                                         .share = share,
                                         .multicast = true,
                                         .unicast = true,
                                         .first_port = PORT};
        for (unsigned port = PORT - 8; port <= 65535; port++) {
            frame[36] = (uint8_t)(port >> 8);
            frame[37] = (uint8_t)port;
            assert_int_equal(passes(&spec, frame, len), port >= PORT && (port - PORT) % 4 == share);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),         cmocka_unit_test(test_ethernet_frames),
        cmocka_unit_test(test_foreign_frames), cmocka_unit_test(test_arp),
        cmocka_unit_test(test_identities),     cmocka_unit_test(test_filter),
        cmocka_unit_test(test_own_ports),      cmocka_unit_test(test_filter_by_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
