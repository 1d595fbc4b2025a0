/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP over UDP over IPv6 (IEEE 1588-2019 annex D). */
#include <arpa/inet.h>
#include <string.h>

#include "gmd/net/neighbour.h"
#include "gmd/net/socket.h"
#include "gmd/net/udp.h"

/* FF0X::181 in global scope, which is what clients join unless told otherwise, and FF02::6B. */
static const struct in6_addr primary_group = {{{0xFF, 0x0E, [14] = 0x01, [15] = 0x81}}};
static const struct in6_addr peer_group = {{{0xFF, 0x02, [15] = 0x6B}}};

static int join_group(int fd, int index, const struct in6_addr *group)
{
    struct ipv6_mreq m = {.ipv6mr_multiaddr = *group, .ipv6mr_interface = (unsigned)index};
    neighbour_pin_group(AF_INET6, group, index);
    return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof(m));
}

static int join(int fd, const struct transport_config *c, int index)
{
    const int failed = join_group(fd, index, &primary_group);
    return failed || !c->peer_delay ? failed : join_group(fd, index, &peer_group);
}

static int set_up(int fd, const struct transport_config *c, int index, int dscp, union peer_address *local)
{
    local->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    if (socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0 ||
        socket_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index) < 0 ||
        socket_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0) < 0 ||
        socket_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) < 0 ||
        socket_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, c->ttl) < 0 ||
        socket_set(fd, IPPROTO_IPV6, IPV6_TCLASS, dscp << 2) < 0 ||
        socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) < 0)
        return -1;
    return 0;
}

static void peer(const struct address *a, enum destination destination, int index, union peer_address *p)
{
    p->v6.sin6_family = AF_INET6;
    if (destination == DEST_UNICAST)
        memcpy(&p->v6.sin6_addr, a->bytes, 16);
    else
        p->v6.sin6_addr = destination == DEST_PEER_MULTICAST ? peer_group : primary_group;
    if (IN6_IS_ADDR_LINKLOCAL(&p->v6.sin6_addr))
        p->v6.sin6_scope_id = (unsigned)index;
}

static void from(const union peer_address *p, struct address *a)
{
    a->family = ADDRESS_IPV6;
    memcpy(a->bytes, &p->v6.sin6_addr, 16);
    a->scope = p->v6.sin6_scope_id;
}

static void loopback(union peer_address *p)
{
    p->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
}

static void to(const void *packet_info, struct frame_in *f)
{
    struct in6_pktinfo info;
    memcpy(&info, packet_info, sizeof(info));
    f->multicast = IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
    if (f->multicast)
        return;
    f->to.family = ADDRESS_IPV6;
    memcpy(f->to.bytes, &info.ipi6_addr, 16);
}

static size_t source(const struct address *a, int index, union ip_packet_info *info)
{
    info->v6.ipi6_ifindex = (unsigned)index;
    memcpy(&info->v6.ipi6_addr, a->bytes, 16);
    return sizeof(info->v6);
}

static const struct udp_family family = {
    .domain = AF_INET6,
    .address_family = ADDRESS_IPV6,
    .address_len = sizeof(struct sockaddr_in6),
    .level = IPPROTO_IPV6,
    .packet_info = IPV6_PKTINFO,
    .hop_limit = IPV6_HOPLIMIT,
    .event_trailer = UDP_TRAILER_MAX,
    .set_up = set_up,
    .join = join,
    .peer = peer,
    .from = from,
    .loopback = loopback,
    .to = to,
    .source = source,
};

static const struct transport_ops ops = {
    .name = "udpv6",
    .send = udp_send,
    .receive = udp_receive,
    .tx_stamp = udp_tx_stamp,
    .count_drops = udp_count_drops,
    .close = udp_close,
    .open_worker = udp_open_worker,
};

struct transport *transport_udpv6_open(const struct transport_config *c, char *error, int error_size)
{
    return udp_open(&ops, &family, c, error, error_size);
}
