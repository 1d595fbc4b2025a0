/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame with a Delay_Req turned into the one with its Delay_Resp, for who answers in the kernel. */
#ifndef GMD_NET_BPF_ANSWER_BPF_H
#define GMD_NET_BPF_ANSWER_BPF_H

#include "gmd/net/bpf/request.bpf.h"

#define GENERAL_PORT  320
#define UNICAST_HOPS  64
#define DONT_FRAGMENT 0x4000

/* What a UDP checksum covers, in whole words. */
struct datagram {
    struct udphdr udp;
    struct response message;
    __u16 none;
} __attribute__((packed, aligned(4)));

struct pseudo_header {
    __u8 source[16], destination[16];
    __u32 length;
    __u8 zeros[3];
    __u8 protocol;
};

static __always_inline bool to_clock(const struct kernel_port *p, __s64 raw_ns, __u64 *clock_ns)
{
    const struct kernel_answer *a = &p->answers[p->answer & 1];
    __s64 shown_ns;
    if (!kernel_line_at(&a->line, raw_ns, &shown_ns))
        return false;
    *clock_ns = (__u64)(shown_ns - a->ingress_latency_ns);
    return true;
}

/* Without a checksum. */
static __always_inline struct datagram answer_to(const struct kernel_port *p, const struct kernel_client *c,
                                                 const struct request *r, __u64 clock_ns)
{
    const __s8 log_interval =
        r->multicast ? (__s8)p->answers[p->answer & 1].log_min_delay_req_interval : c->log_message_interval;
    return (struct datagram){
        .udp = {.source = bpf_htons(GENERAL_PORT),
                .dest = bpf_htons(GENERAL_PORT),
                .len = bpf_htons(sizeof(struct udphdr) + RESPONSE_BYTES)},
        .message = respond(p, &r->head, r->multicast, log_interval, clock_ns),
    };
}

/* As received, but from us to where it came from. */
static __always_inline void turn_round(const struct kernel_port *p, struct request *r)
{
    __u8 from[16];
    __builtin_memcpy(from, r->from, sizeof(from));
    __builtin_memcpy(r->from, r->multicast ? p->own[0] : r->to, sizeof(from));
    if (!r->multicast)
        __builtin_memcpy(r->to, from, sizeof(from));
}

static __always_inline struct pseudo_header pseudo_header(const struct request *r, __u32 udp_len)
{
    struct pseudo_header pseudo = {.length = bpf_htonl(udp_len), .protocol = IPPROTO_UDP};
    __builtin_memcpy(pseudo.source, r->from, sizeof(pseudo.source));
    __builtin_memcpy(pseudo.destination, r->to, sizeof(pseudo.destination));
    return pseudo;
}

static __always_inline __u16 fold(__s64 sum)
{
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    return (__u16)~sum;
}

static __always_inline bool write_ipv4(const struct frame *f, const struct kernel_port *p,
                                       const struct request *r)
{
    struct iphdr ip = {.version = 4,
                       .ihl = 5,
                       .tos = p->traffic_class,
                       .tot_len = bpf_htons(sizeof(ip) + sizeof(struct udphdr) + RESPONSE_BYTES),
                       .frag_off = bpf_htons(DONT_FRAGMENT),
                       .ttl = r->multicast ? p->hop_limit : UNICAST_HOPS,
                       .protocol = IPPROTO_UDP};
    __builtin_memcpy(&ip.saddr, r->from, sizeof(ip.saddr));
    __builtin_memcpy(&ip.daddr, r->to, sizeof(ip.daddr));
    ip.check = fold(bpf_csum_diff(NULL, 0, (__be32 *)&ip, sizeof(ip), 0));
    struct iphdr *to = frame_at(f, ETH_HLEN, sizeof(*to));
    if (to)
        *to = ip;
    return to;
}

static __always_inline bool write_ipv6(const struct frame *f, const struct kernel_port *p,
                                       const struct request *r)
{
    struct ipv6hdr *to = frame_at(f, ETH_HLEN, sizeof(*to));
    if (!to)
        return false;
    *to = (struct ipv6hdr){.version = 6,
                           .priority = p->traffic_class >> 4,
                           .flow_lbl = {(__u8)(p->traffic_class << 4)},
                           .payload_len = bpf_htons(sizeof(struct udphdr) + RESPONSE_BYTES),
                           .nexthdr = IPPROTO_UDP,
                           .hop_limit = r->multicast ? p->hop_limit : UNICAST_HOPS};
    __builtin_memcpy(&to->saddr, r->from, sizeof(to->saddr));
    __builtin_memcpy(&to->daddr, r->to, sizeof(to->daddr));
    return true;
}

/* Writes the answer over the request, which was turned round, in a frame that has the right length by now. */
static __always_inline bool write_frame(const struct frame *f, const struct kernel_port *p,
                                        const struct request *r, const struct datagram *d)
{
    struct ethhdr *eth = frame_at(f, 0, sizeof(*eth));
    if (!eth)
        return false;
    __builtin_memcpy(eth->h_dest, r->multicast ? p->group_mac : r->mac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, p->mac, ETH_ALEN);
    eth->h_proto = bpf_htons(r->ethertype);
    if (r->ethertype == ETH_P_1588) {
        struct response *message = frame_at(f, ETH_HLEN, sizeof(*message));
        if (message)
            *message = d->message;
        return message;
    }
    const bool is_ipv4 = r->ethertype == ETH_P_IP;
    if (!(is_ipv4 ? write_ipv4(f, p, r) : write_ipv6(f, p, r)))
        return false;
    const __u32 len = sizeof(d->udp) + RESPONSE_BYTES;
    __u8 *udp = is_ipv4 ? frame_at(f, ETH_HLEN + sizeof(struct iphdr), len)
                        : frame_at(f, ETH_HLEN + sizeof(struct ipv6hdr), len);
    if (udp)
        __builtin_memcpy(udp, d, sizeof(d->udp) + RESPONSE_BYTES);
    return udp;
}

static __always_inline void count_answered(struct kernel_port *p, struct kernel_client *c,
                                           const struct request *r)
{
    note_request(c, r);
    __sync_fetch_and_add(&c->answered, 1);
    __sync_fetch_and_add(&p->counts.answered, 1);
}

#endif
