/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP over UDP over IPv4 (IEEE 1588-2019 annex C). */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "gmd/net/neighbour.h"
#include "gmd/net/socket.h"
#include "gmd/net/udp.h"

#define PRIMARY_GROUP 0xE0000181 /* 224.0.1.129 */
#define PEER_GROUP    0xE000006B /* 224.0.0.107 */

/* An interface without an address would send from 0.0.0.0. */
static bool has_address(int fd, const char *interface)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    return ioctl(fd, SIOCGIFADDR, &request) == 0 || errno != EADDRNOTAVAIL;
}

static int join_group(int fd, int index, uint32_t group)
{
    struct ip_mreqn m = {.imr_multiaddr.s_addr = htonl(group), .imr_ifindex = index};
    neighbour_pin_group(AF_INET, &m.imr_multiaddr, index);
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m));
}

static int join(int fd, const struct transport_config *c, int index)
{
    const int failed = join_group(fd, index, PRIMARY_GROUP);
    return failed || !c->peer_delay ? failed : join_group(fd, index, PEER_GROUP);
}

static int set_up(int fd, const struct transport_config *c, int index, int dscp, union peer_address *local)
{
    struct ip_mreqn out = {.imr_ifindex = index};
    local->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    /* what cannot be fragmented needs no identification, which would cost more than the route */
    if (!has_address(fd, c->interface) || socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)) < 0 ||
        socket_set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) < 0 ||
        socket_set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0) < 0 ||
        socket_set(fd, IPPROTO_IP, IP_MULTICAST_TTL, c->ttl) < 0 ||
        socket_set(fd, IPPROTO_IP, IP_TOS, dscp << 2) < 0 || socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1) < 0)
        return -1;
    return 0;
}

static void peer(const struct address *a, enum destination destination, int index, union peer_address *p)
{
    (void)index;
    p->v4.sin_family = AF_INET;
    if (destination == DEST_UNICAST)
        memcpy(&p->v4.sin_addr, a->bytes, 4);
    else
        p->v4.sin_addr.s_addr = htonl(destination == DEST_PEER_MULTICAST ? PEER_GROUP : PRIMARY_GROUP);
}

static void from(const union peer_address *p, struct address *a)
{
    a->family = ADDRESS_IPV4;
    memcpy(a->bytes, &p->v4.sin_addr, 4);
}

static void loopback(union peer_address *p)
{
    p->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* ipi_spec_dst is an address of ours even where the frame came to a broadcast address. */
static void to(const void *packet_info, struct frame_in *f)
{
    struct in_pktinfo info;
    memcpy(&info, packet_info, sizeof(info));
    f->multicast = IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
    if (f->multicast)
        return;
    f->to.family = ADDRESS_IPV4;
    memcpy(f->to.bytes, &info.ipi_spec_dst, 4);
}

static size_t source(const struct address *a, int index, union ip_packet_info *info)
{
    info->v4.ipi_ifindex = index;
    memcpy(&info->v4.ipi_spec_dst, a->bytes, 4);
    return sizeof(info->v4);
}

static const struct udp_family family = {
    .domain = AF_INET,
    .address_family = ADDRESS_IPV4,
    .address_len = sizeof(struct sockaddr_in),
    .level = IPPROTO_IP,
    .packet_info = IP_PKTINFO,
    .hop_limit = IP_TTL,
    .set_up = set_up,
    .join = join,
    .peer = peer,
    .from = from,
    .loopback = loopback,
    .to = to,
    .source = source,
};

static const struct transport_ops ops = {
    .name = "udpv4",
    .send = udp_send,
    .receive = udp_receive,
    .tx_stamp = udp_tx_stamp,
    .count_drops = udp_count_drops,
    .close = udp_close,
    .open_worker = udp_open_worker,
};

struct transport *transport_udpv4_open(const struct transport_config *c, char *error, int error_size)
{
    return udp_open(&ops, &family, c, error, error_size);
}
