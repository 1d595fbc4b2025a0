/* SPDX-License-Identifier: BSD-2-Clause */
/* The guard: a filter on the ports' sockets. What nobody has agreed to is dropped before it takes a place in
 * the receive queue, so a flood cannot crowd out those who keep to their rate. */
#include "gmd/net/bpf/ingress.bpf.h"

#define UDP_HEADER   8
#define IPV4_SOURCE  12
#define IPV6_SOURCE  8
#define MAC_SOURCE   ETH_ALEN
#define HEADER_BYTES 34

/* The sender's address as the daemon writes it. */
static __always_inline int load_address(const struct __sk_buff *skb, __u16 ethertype, __u8 *address)
{
    switch (ethertype) {
    case ETH_P_IP:
        return bpf_skb_load_bytes_relative(skb, IPV4_SOURCE, address, 4, BPF_HDR_START_NET);
    case ETH_P_IPV6:
        return bpf_skb_load_bytes_relative(skb, IPV6_SOURCE, address, 16, BPF_HDR_START_NET);
    default:
        return bpf_skb_load_bytes_relative(skb, MAC_SOURCE, address, ETH_ALEN, BPF_HDR_START_MAC);
    }
}

static __always_inline void count_refused(struct kernel_port *p, enum kernel_class class, __u8 type)
{
    __sync_fetch_and_add(&p->counts.refused[class], 1);
    if (class < KERNEL_MALFORMED)
        __sync_fetch_and_add(&p->counts.refused_types[type & 0x0F], 1);
}

/* A UDP socket's filter sees the UDP header first, a packet socket's (SOCK_DGRAM) the message. */
SEC("socket")
int guard(struct __sk_buff *skb)
{
    const __u16 ethertype = bpf_ntohs((__u16)skb->protocol);
    const __u32 offset = ethertype == ETH_P_1588 ? 0 : UDP_HEADER;
    const struct port_found at = find_port(skb->ifindex, ethertype);
    const __u64 now_ns = bpf_ktime_get_ns();
    struct message_head head = {0};
    struct kernel_client *client = NULL;
    enum kernel_class class = KERNEL_MALFORMED;
    __u8 address[16] = {0};
    if (!at.port || skb->tc_index == KERNEL_PASSED)
        return (int)skb->len;
    if (load_address(skb, ethertype, address) == 0 &&
        bpf_skb_load_bytes(skb, offset, &head, HEADER_BYTES) == 0)
        class = classify(at.port, &head, skb->len - offset);
    if (class == KERNEL_REQUEST)
        client = find_client(at.number, address, head.source);
    if (!pays(at, client, class, address, now_ns)) {
        count_refused(at.port, class, head.type);
        return 0;
    }
    count_passed(at.port, client, class);
    return (int)skb->len;
}

/* At the interface's ingress, before the network stack: requests to us. What may not pass costs a fraction of
 * what it would at the socket; what may is answered at once, where that is asked for, or not looked at again
 * there. Fragments, IPv6 extension headers, datagrams that GRO made one, and the like are the guard's above;
 * what has a VLAN's tag is another interface's. */
SEC("tc")
int guard_early(struct __sk_buff *skb)
{
    struct request r = {0};
    const struct frame frame = frame_of(skb);
    if (skb->vlan_present || skb->gso_size || !parse(&frame, &r))
        return TC_ACT_UNSPEC;
    const struct port_found at = find_port(skb->ifindex, r.ethertype);
    if (!at.port || classify(at.port, &r.head, skb->len - r.message_at) != KERNEL_REQUEST ||
        !is_to_us(&frame, at.port, &r))
        return TC_ACT_UNSPEC;
    const __u64 now_ns = bpf_ktime_get_ns();
    if (now_ns > at.port->judge_until_ns)
        return TC_ACT_UNSPEC;
    struct kernel_client *client = find_client(at.number, r.from, r.head.source);
    if (!pays(at, client, KERNEL_REQUEST, r.from, now_ns)) {
        count_early(at.port, r.head.type);
        return TC_ACT_SHOT;
    }
    const int verdict = client ? answer_at_ingress(skb, at.port, client, &r, now_ns) : TC_ACT_UNSPEC;
    if (verdict == TC_ACT_UNSPEC) {
        count_passed(at.port, client, KERNEL_REQUEST);
        skb->tc_index = KERNEL_PASSED;
    }
    return verdict;
}

char _license[] SEC("license") = "Dual BSD/GPL";
