/* SPDX-License-Identifier: BSD-2-Clause */
/* Delay_Resp from an interface's ingress: behind the driver, before the network stack. The frame that came
 * goes back, with the stamp that a socket would have had. */
#ifndef GMD_NET_BPF_INGRESS_BPF_H
#define GMD_NET_BPF_INGRESS_BPF_H

#include "gmd/net/bpf/answer.bpf.h"

#include <linux/pkt_cls.h>
#include <stddef.h>

static __always_inline struct frame frame_of(const struct __sk_buff *skb)
{
    return (struct frame){.data = (__u8 *)(long)skb->data, .end = (__u8 *)(long)skb->data_end};
}

/* Where the NIC's stamp belongs a driver may put a reference to it, for sockets only (SKBTX_HW_TSTAMP_NETDEV;
 * Linux 6.12's igc): an address of the kernel, negative as a number. */
static __always_inline bool stamp_of(const struct __sk_buff *skb, const struct kernel_port *p, __s64 *raw_ns)
{
    if (p->ingress == KERNEL_INGRESS_HARDWARE) {
        *raw_ns = (__s64)skb->hwtstamp;
        return *raw_ns > 0;
    }
    *raw_ns = (__s64)skb->tstamp;
    const bool is_stamped = *raw_ns != 0;
    *raw_ns += p->answers[p->answer & 1].socket_lag_ns;
    return is_stamped;
}

/* What the checksum of a request covers, in whole words; behind the message may be two octets, as IPv6 has
 * them. */
struct asked {
    struct udphdr udp;
    __u8 message[REQUEST_BYTES];
    __u8 more[2], none[2];
} __attribute__((packed, aligned(4)));

static __always_inline bool read_asked(const struct __sk_buff *skb, const struct request *r, struct asked *a)
{
    const __u32 len = sizeof(a->udp) + REQUEST_BYTES, at = r->message_at - sizeof(a->udp);
    if (bpf_skb_load_bytes(skb, at, a, len) != 0)
        return false;
    if (a->udp.len == bpf_htons(len))
        return true;
    return a->udp.len == bpf_htons(len + sizeof(a->more)) &&
           bpf_skb_load_bytes(skb, at + len, a->more, sizeof(a->more)) == 0;
}

/* By what has changed: a checksum that is yet to be made, between virtual interfaces, stays so, and a wrong
 * one wrong. */
static __always_inline bool mend_checksum(struct __sk_buff *skb, const struct request *r, __s64 pseudo_change,
                                          __s64 change)
{
    const __u32 at = r->message_at - sizeof(struct udphdr) + offsetof(struct udphdr, check);
    return bpf_l4_csum_replace(skb, at, 0, (__u64)pseudo_change, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0) ==
               0 &&
           bpf_l4_csum_replace(skb, at, 0, (__u64)change, BPF_F_MARK_MANGLED_0) == 0;
}

static __always_inline bool write_answer(struct __sk_buff *skb, const struct kernel_port *p,
                                         struct request *r, struct datagram *d, struct asked *a)
{
    struct pseudo_header asked = pseudo_header(r, bpf_ntohs(a->udp.len));
    turn_round(p, r);
    struct pseudo_header answered = pseudo_header(r, sizeof(d->udp) + RESPONSE_BYTES);
    const __s64 pseudo_change =
        bpf_csum_diff((__be32 *)&asked, sizeof(asked), (__be32 *)&answered, sizeof(answered), 0);
    d->udp.check = a->udp.check; /* in both: no change */
    const __s64 change = bpf_csum_diff((__be32 *)a, sizeof(*a), (__be32 *)d, sizeof(*d), 0);
    const struct frame frame = frame_of(skb);
    return write_frame(&frame, p, r, d) &&
           (r->ethertype == ETH_P_1588 || mend_checksum(skb, r, pseudo_change, change));
}

/* Between virtual interfaces a frame still belongs to the socket of a sender on this host, who would get
 * another transmit stamp when it leaves again: then a copy goes, which is nobody's. */
static __always_inline int send_back(struct __sk_buff *skb)
{
    if (!skb->sk)
        return (int)bpf_redirect(skb->ifindex, 0);
    bpf_clone_redirect(skb, skb->ifindex, 0);
    return TC_ACT_SHOT;
}

/* A request that was paid for; TC_ACT_UNSPEC: it is for somebody else to answer. */
static __always_inline int answer_at_ingress(struct __sk_buff *skb, struct kernel_port *p,
                                             struct kernel_client *c, struct request *r, __u64 now_ns)
{
    struct asked asked = {0};
    __s64 raw_ns;
    __u64 clock_ns;
    if (p->ingress == KERNEL_INGRESS_NONE || now_ns > p->answer_until_ns || !is_plain(p, &r->head) ||
        !client_may_be_answered(c, r))
        return TC_ACT_UNSPEC;
    if (!stamp_of(skb, p, &raw_ns)) {
        __sync_fetch_and_add(&p->counts.unstamped, 1);
        return TC_ACT_UNSPEC;
    }
    if (!to_clock(p, raw_ns, &clock_ns) || (r->ethertype != ETH_P_1588 && !read_asked(skb, r, &asked)) ||
        bpf_skb_change_tail(skb, r->message_at + RESPONSE_BYTES, 0) != 0)
        return TC_ACT_UNSPEC;
    struct datagram d = answer_to(p, c, r, clock_ns);
    if (!write_answer(skb, p, r, &d, &asked))
        return TC_ACT_SHOT;
    skb->priority = p->priority;
    count_answered(p, c, r);
    return send_back(skb);
}

#endif
