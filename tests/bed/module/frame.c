// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* Which PTP message a frame holds, under VLAN tags too, and its originTimestamp. IEEE 1588-2019 13.3, annexes
 * C (UDP over IPv4), D (IPv6), E (Ethernet). */
#include "bed.h"
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/checksum.h>

#define PTP_HEADER      34
#define PTP_STAMP       10 /* octets of a time stamp: uint48 s, uint32 ns */
#define PTP_EVENT_PORT  319
#define PTP_OTHER_PORT  320
#define PTP_EVENT_TYPES 4 /* messageType below it: event messages */

static bool fits(const struct sk_buff *skb, int at, int size)
{
    return at + size <= (int)skb_headlen(skb);
}

/* The protocol behind the Ethernet header and VLAN tags; *at is moved there. */
static u16 network_protocol(const struct sk_buff *skb, int *at)
{
    u16 protocol;

    *at = 2 * ETH_ALEN;
    do {
        if (!fits(skb, *at, 2))
            return 0;
        protocol = ntohs(*(__be16 *)(skb->data + *at));
        *at += protocol == ETH_P_8021Q || protocol == ETH_P_8021AD ? VLAN_HLEN : 2;
    } while (protocol == ETH_P_8021Q || protocol == ETH_P_8021AD);
    return protocol;
}

/* Where the UDP header is; 0: not UDP. */
static int udp_at(const struct sk_buff *skb, u16 protocol, int at)
{
    if (protocol == ETH_P_IP && fits(skb, at, sizeof(struct iphdr))) {
        const struct iphdr *ip = (void *)(skb->data + at);

        return ip->protocol == IPPROTO_UDP ? at + ip->ihl * 4 : 0;
    }
    if (protocol == ETH_P_IPV6 && fits(skb, at, sizeof(struct ipv6hdr))) {
        const struct ipv6hdr *ip = (void *)(skb->data + at);

        return ip->nexthdr == IPPROTO_UDP ? at + (int)sizeof(*ip) : 0;
    }
    return 0;
}

struct ptp_message frame_parse(const struct sk_buff *skb)
{
    struct ptp_message m = {0};
    int at, udp;
    u16 protocol = network_protocol(skb, &at);

    if (protocol != ETH_P_1588) {
        const struct udphdr *header;

        udp = udp_at(skb, protocol, at);
        if (!udp || !fits(skb, udp, sizeof(*header)))
            return m;
        header = (void *)(skb->data + udp);
        if (header->dest != htons(PTP_EVENT_PORT) && header->dest != htons(PTP_OTHER_PORT))
            return m;
        m.checksum = udp + (int)offsetof(struct udphdr, check);
        m.ipv6 = protocol == ETH_P_IPV6;
        at = udp + (int)sizeof(*header);
    }
    if (!fits(skb, at, PTP_HEADER + PTP_STAMP))
        return (struct ptp_message){0};
    m.ethernet = protocol == ETH_P_1588;
    m.header = skb->data + at;
    m.type = m.header[0] & 0x0f;
    m.event = m.type < PTP_EVENT_TYPES;
    return m;
}

void frame_insert_stamp(struct ptp_message *m, struct sk_buff *skb, s64 tai_ns)
{
    u8 *stamp = m->header + PTP_HEADER;
    __sum16 *check = (void *)(skb->data + m->checksum);
    __wsum before = csum_partial(stamp, PTP_STAMP, 0);
    u32 ns;
    u64 s = div_u64_rem(tai_ns, NSEC_PER_SEC, &ns);
    int i;

    for (i = 0; i < 6; i++)
        stamp[i] = (u8)(s >> (40 - 8 * i));
    for (i = 0; i < 4; i++)
        stamp[6 + i] = (u8)(ns >> (24 - 8 * i));
    if (m->checksum && *check) {
        __wsum sum = csum_sub(csum_unfold(~*check), before);

        *check = csum_fold(csum_add(sum, csum_partial(stamp, PTP_STAMP, 0)));
        if (!*check)
            *check = CSUM_MANGLED_0;
    }
}
