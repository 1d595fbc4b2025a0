/* SPDX-License-Identifier: BSD-2-Clause */
/* A request, taken out of a frame as it comes from the driver. */
#ifndef GMD_NET_BPF_REQUEST_BPF_H
#define GMD_NET_BPF_REQUEST_BPF_H

#include "gmd/net/bpf/charge.bpf.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#define EVENT_PORT      319
#define FRAGMENT        0x3FFF
#define IPV4_NO_OPTIONS 0x45

/* A request, taken out of its frame. */
struct request {
    __u8 from[16] __attribute__((aligned(8))), to[16] __attribute__((aligned(8)));
    __u16 ethertype;
    __u32 message_at; /* offset in the frame */
    __u8 mac[6];      /* of the sender */
    bool multicast;
    struct message_head head;
};

struct frame {
    __u8 *data, *end;
};

static __always_inline void *frame_at(const struct frame *f, __u32 offset, __u32 len)
{
    return f->data + offset + len <= f->end ? f->data + offset : NULL;
}

static __always_inline bool parse_udp(const struct frame *f, struct request *r, __u32 offset)
{
    const struct udphdr *udp = frame_at(f, offset, sizeof(*udp));
    r->message_at = offset + sizeof(*udp);
    return udp && udp->dest == bpf_htons(EVENT_PORT) && bpf_ntohs(udp->len) >= sizeof(*udp) + REQUEST_BYTES;
}

static __always_inline bool parse_ipv4(const struct frame *f, struct request *r)
{
    const struct iphdr *ip = frame_at(f, ETH_HLEN, sizeof(*ip));
    if (!ip || *(const __u8 *)ip != IPV4_NO_OPTIONS || ip->protocol != IPPROTO_UDP ||
        (ip->frag_off & bpf_htons(FRAGMENT)))
        return false;
    __builtin_memcpy(r->from, &ip->saddr, sizeof(ip->saddr));
    __builtin_memcpy(r->to, &ip->daddr, sizeof(ip->daddr));
    return parse_udp(f, r, ETH_HLEN + sizeof(*ip));
}

static __always_inline bool parse_ipv6(const struct frame *f, struct request *r)
{
    const struct ipv6hdr *ip = frame_at(f, ETH_HLEN, sizeof(*ip));
    if (!ip || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
        return false;
    __builtin_memcpy(r->from, &ip->saddr, sizeof(ip->saddr));
    __builtin_memcpy(r->to, &ip->daddr, sizeof(ip->daddr));
    return parse_udp(f, r, ETH_HLEN + sizeof(*ip));
}

static __always_inline bool parse_ethernet(const struct frame *f, struct request *r)
{
    (void)f;
    __builtin_memcpy(r->from, r->mac, sizeof(r->mac));
    r->message_at = ETH_HLEN;
    return true;
}

static __always_inline bool parse(const struct frame *f, struct request *r)
{
    const struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
    const struct message_head *head;
    if (!eth)
        return false;
    r->ethertype = bpf_ntohs(eth->h_proto);
    __builtin_memcpy(r->mac, eth->h_source, sizeof(r->mac));
    r->multicast = eth->h_dest[0] & 1;
    if (!(r->ethertype == ETH_P_IP     ? parse_ipv4(f, r)
          : r->ethertype == ETH_P_IPV6 ? parse_ipv6(f, r)
          : r->ethertype == ETH_P_1588 ? parse_ethernet(f, r)
                                       : false))
        return false;
    head = frame_at(f, r->message_at, REQUEST_BYTES);
    if (!head)
        return false;
    r->head = *head;
    return true;
}

static __always_inline bool same(const __u8 *a, const __u8 *b, int octets)
{
    for (int i = 0; i < octets; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static __always_inline bool same_address(const __u8 *a, const __u8 *b)
{
    const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;
    return x[0] == y[0] && x[1] == y[1];
}

/* Frames to others come where the interface is promiscuous, or has tags taken off. */
static __always_inline bool is_to_us(const struct frame *f, const struct kernel_port *p,
                                     const struct request *r)
{
    const struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
    if (!eth || !same(eth->h_dest, r->multicast ? p->group_mac : p->mac, ETH_ALEN))
        return false;
    if (r->ethertype == ETH_P_1588)
        return true;
    if (r->multicast)
        return same_address(r->to, p->group);
    for (__u32 i = 0; i < KERNEL_OWN_MAX && i < p->own_count; i++)
        if (same_address(r->to, p->own[i]))
            return true;
    return false;
}

/* What the daemon would answer without another thought. */
static __always_inline bool is_plain(const struct kernel_port *p, const struct message_head *h)
{
    return (h->type & 0x0F) == DELAY_REQ && (h->version & 0x0F) == 2 && is_for(p, h) &&
           h->length == bpf_htons(REQUEST_BYTES) && !(h->flags[0] & SPTP) && !same(h->source, p->identity, 8);
}

/* For those who answer in the daemon's stead: as far as all clients are concerned ... */
static __always_inline bool may_be_answered(const struct frame *f, const struct kernel_port *p,
                                            const struct request *r, __u64 now_ns)
{
    return now_ns <= p->answer_until_ns && is_plain(p, &r->head) && is_to_us(f, p, r);
}

/* ... and this one. c: NULL if nobody knows it. */
static __always_inline bool client_may_be_answered(const struct kernel_client *c, const struct request *r)
{
    return c && (c->ways & (r->multicast ? KERNEL_MULTICAST : KERNEL_UNICAST));
}

/* The daemon does not see what it does not answer. */
static __always_inline void note_request(struct kernel_client *c, const struct request *r)
{
    c->way = r->multicast ? KERNEL_MULTICAST : KERNEL_UNICAST;
    c->sequence_id = bpf_ntohs(r->head.sequence_id);
}

#endif
