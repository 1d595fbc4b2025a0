/* SPDX-License-Identifier: BSD-2-Clause */
/* Delay_Req of made-up clients, as whole frames:
 * requests TRANSPORT INTERFACE MAC ADDRESS unicast|multicast CLIENTS RATE SECONDS [DOMAIN [FIRST]]
 * CLIENTS have a portIdentity and a source address each, numbered from FIRST; RATE is of all together. Prints
 * "sent N answered N seconds S faults N median_ns N", of the answers that came back: faults are wrong
 * checksums, identities or lengths; the median is of the time that they carry, minus the time of sending. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH      32
#define REQUEST    44
#define RESPONSE   54
#define EVENT      319
#define GENERAL    320
#define HISTORY    65536
#define UTC_TO_TAI 37000000000LL

struct load {
    int fd;
    struct sockaddr_ll to;
    uint16_t ethertype;
    bool multicast;
    uint8_t mac[6], address[16];
    unsigned clients, first;
    uint8_t domain;
    uint32_t next; /* sequence number over all clients */
    int64_t sent_ns[HISTORY];
    unsigned long sent, answered, faults;
    int64_t late_ns[HISTORY];
};

static int64_t now(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* ones' complement sum over octets (RFC 1071) */
static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
    for (size_t i = 0; i < len; i++)
        s += (uint32_t)p[i] << (i % 2 ? 0 : 8);
    return s;
}

static uint16_t fold(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xFFFF) + (s >> 16);
    return (uint16_t)s;
}

static size_t header_len(const struct load *l)
{
    return ETH_HLEN + (l->ethertype == ETH_P_IP     ? sizeof(struct iphdr) + sizeof(struct udphdr)
                       : l->ethertype == ETH_P_IPV6 ? sizeof(struct ip6_hdr) + sizeof(struct udphdr)
                                                    : 0);
}

/* The source address of client n: 10.0.x.y or fd00::a:x:y in the test's networks. */
static void put_source(const struct load *l, uint8_t *frame, uint32_t n)
{
    if (l->ethertype == ETH_P_IP)
        memcpy(frame + ETH_HLEN + 12, (uint8_t[]){10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, 4);
    if (l->ethertype == ETH_P_IPV6)
        memcpy(frame + ETH_HLEN + 8,
               (uint8_t[]){0xFD, 0, [10] = 10, [13] = (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, 16);
    memcpy(frame + ETH_ALEN, (uint8_t[]){2, 0, 1, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, 6);
}

static void put_udp(const struct load *l, uint8_t *frame)
{
    const bool v4 = l->ethertype == ETH_P_IP;
    const size_t len = sizeof(struct udphdr) + REQUEST;
    uint8_t *ip = frame + ETH_HLEN, *udp = frame + header_len(l) - sizeof(struct udphdr);
    uint16_t check;
    memcpy(udp, (uint16_t[]){htons(EVENT), htons(EVENT), htons((uint16_t)len), 0}, 8);
    if (v4) {
        memcpy(ip, (uint8_t[]){0x45, 0, 0, (uint8_t)(len + 20), 0, 0, 0x40, 0, 64, IPPROTO_UDP}, 10);
        memcpy(ip + 16, l->address, 4);
        check = htons((uint16_t)~fold(sum(ip, 10, 0) + sum(ip + 12, 8, 0)));
        memcpy(ip + 10, &check, 2);
    } else {
        memcpy(ip, (uint8_t[]){0x60, 0, 0, 0, 0, (uint8_t)len, IPPROTO_UDP, 64}, 8);
        memcpy(ip + 24, l->address, 16);
    }
    const uint32_t s = sum(v4 ? ip + 12 : ip + 8, v4 ? 8 : 32, IPPROTO_UDP + (uint32_t)len);
    check = htons((uint16_t)~fold(sum(udp, len, s)));
    memcpy(udp + 6, &check, 2);
}

static size_t make(struct load *l, uint8_t *frame)
{
    const uint32_t n = l->first + l->next % l->clients, sequence = l->next++;
    const size_t header = header_len(l);
    uint8_t *m = frame + header;
    memset(frame, 0, header + REQUEST);
    memcpy(frame, l->mac, ETH_ALEN);
    put_source(l, frame, n);
    frame[12] = (uint8_t)(l->ethertype >> 8);
    frame[13] = (uint8_t)l->ethertype;
    m[0] = 0x1;
    m[1] = 0x12;
    m[3] = REQUEST;
    m[4] = l->domain;
    m[6] = l->multicast ? 0 : 0x04;
    m[13] = 0x42; /* a correction, to be returned */
    memcpy(m + 20,
           (uint8_t[]){0xAA, 0xBB, 0xCC, 0xFF, 0xFE, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0, 1},
           10);
    m[30] = (uint8_t)(sequence >> 8);
    m[31] = (uint8_t)sequence;
    m[32] = 1;
    m[33] = 0x7F;
    if (l->ethertype != ETH_P_1588)
        put_udp(l, frame);
    l->sent_ns[sequence % HISTORY] = now(CLOCK_REALTIME) + UTC_TO_TAI;
    return header + REQUEST;
}

static bool checksums_right(const struct load *l, const uint8_t *frame)
{
    const bool v4 = l->ethertype == ETH_P_IP;
    const size_t len = sizeof(struct udphdr) + RESPONSE;
    const uint8_t *ip = frame + ETH_HLEN, *udp = frame + header_len(l) - sizeof(struct udphdr);
    if (l->ethertype == ETH_P_1588)
        return true;
    const uint32_t s = sum(v4 ? ip + 12 : ip + 8, v4 ? 8 : 32, IPPROTO_UDP + (uint32_t)len);
    return (!v4 || fold(sum(ip, 20, 0)) == 0xFFFF) && fold(sum(udp, len, s)) == 0xFFFF;
}

static void judge(struct load *l, const uint8_t *frame, size_t len)
{
    const size_t header = header_len(l);
    const uint8_t *m = frame + header;
    if (len < header + RESPONSE || (frame[12] << 8 | frame[13]) != l->ethertype || (m[0] & 0x0F) != 0x9 ||
        memcmp(m + 44, (uint8_t[]){0xAA, 0xBB, 0xCC, 0xFF, 0xFE}, 5) != 0)
        return;
    const uint32_t n = (uint32_t)m[49] << 16 | (uint32_t)m[50] << 8 | m[51];
    if (n < l->first || n >= l->first + l->clients)
        return;
    int64_t ns = 0;
    for (int i = 34; i < 40; i++)
        ns = ns << 8 | m[i];
    ns = ns * 1000000000LL + (int64_t)((uint32_t)m[40] << 24 | m[41] << 16 | m[42] << 8 | m[43]);
    l->late_ns[l->answered++ % HISTORY] = ns - l->sent_ns[m[30] << 8 | m[31]];
    if (m[3] != RESPONSE || m[13] != 0x42 || m[4] != l->domain || !checksums_right(l, frame))
        l->faults++;
}

static void listen_for(struct load *l)
{
    uint8_t frame[256] = {0};
    struct sockaddr_ll from = {0};
    for (ssize_t n;;) {
        socklen_t from_len = sizeof(from);
        n = recvfrom(l->fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
        if (n < 0)
            return;
        if (from.sll_pkttype != PACKET_OUTGOING)
            judge(l, frame, (size_t)n);
    }
}

static void speak(struct load *l, unsigned count)
{
    static uint8_t frames[BATCH][128];
    struct iovec iov[BATCH];
    struct mmsghdr msgs[BATCH];
    for (unsigned i = 0; i < count; i++) {
        iov[i] = (struct iovec){.iov_base = frames[i], .iov_len = make(l, frames[i])};
        msgs[i] = (struct mmsghdr){
            .msg_hdr = {
                .msg_name = &l->to, .msg_namelen = sizeof(l->to), .msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    const int sent = sendmmsg(l->fd, msgs, count, 0);
    l->sent += sent > 0 ? (unsigned)sent : 0;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int open_socket(struct load *l, const char *interface)
{
    const int on = 1, room = 1 << 22;
    l->to = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                 .sll_protocol = htons(l->ethertype),
                                 .sll_ifindex = (int)if_nametoindex(interface),
                                 .sll_halen = ETH_ALEN};
    l->fd = socket(AF_PACKET, SOCK_RAW, 0);
    setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    setsockopt(l->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    return bind(l->fd, (struct sockaddr *)&l->to, sizeof(l->to));
}

int main(int argc, char **argv)
{
    static struct load l;
    if (argc < 9)
        return 2;
    l.ethertype = strcmp(argv[1], "udpv4") == 0   ? ETH_P_IP
                  : strcmp(argv[1], "udpv6") == 0 ? ETH_P_IPV6
                                                  : ETH_P_1588;
    sscanf(argv[3], "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &l.mac[0], &l.mac[1], &l.mac[2], &l.mac[3],
           &l.mac[4], &l.mac[5]);
    if (l.ethertype != ETH_P_1588)
        inet_pton(l.ethertype == ETH_P_IP ? AF_INET : AF_INET6, argv[4], l.address);
    l.multicast = strcmp(argv[5], "multicast") == 0;
    l.clients = (unsigned)atoi(argv[6]);
    const double rate = atof(argv[7]), seconds = atof(argv[8]);
    l.domain = (uint8_t)(argc > 9 ? atoi(argv[9]) : 127);
    l.first = (unsigned)(argc > 10 ? atoi(argv[10]) : 1);
    if (open_socket(&l, argv[2]) < 0) {
        perror(argv[2]);
        return 1;
    }
    const int64_t start = now(CLOCK_MONOTONIC), end = start + (int64_t)(seconds * 1e9);
    for (int64_t t; (t = now(CLOCK_MONOTONIC)) < end; listen_for(&l)) {
        const unsigned long due = (unsigned long)((double)(t - start) * 1e-9 * rate);
        const unsigned long count = due > l.sent ? due - l.sent : 0;
        if (count > 0)
            speak(&l, count < BATCH ? (unsigned)count : BATCH);
        else
            usleep(200);
    }
    const double took = (double)(now(CLOCK_MONOTONIC) - start) * 1e-9;
    usleep(100000);
    listen_for(&l);
    const size_t kept = l.answered < HISTORY ? l.answered : HISTORY;
    qsort(l.late_ns, kept, sizeof(l.late_ns[0]), compare);
    printf("sent %lu answered %lu seconds %.3f faults %lu median_ns %lld\n", l.sent, l.answered, took,
           l.faults, kept ? (long long)l.late_ns[kept / 2] : 0);
    close(l.fd);
    return 0;
}
