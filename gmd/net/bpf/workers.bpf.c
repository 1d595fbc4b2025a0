/* SPDX-License-Identifier: BSD-2-Clause */
/* Hands Delay_Req of clients that keep to their agreed rate to the workers' sockets, each client's always to
 * the same one: at the interface's ingress, behind the guard there. Multicast goes to that one socket, too,
 * not to every member of the group. The rest is the daemon's. */
#include "gmd/net/bpf/request.bpf.h"

#include <linux/pkt_cls.h>

struct {
    __uint(type, BPF_MAP_TYPE_SOCKMAP);
    __uint(max_entries, KERNEL_WORKERS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} sockets SEC(".maps");

/* The client is paid for here: these sockets have no filter. Its slot goes with the frame as its mark. */
static __always_inline int hand_over(struct __sk_buff *skb, struct kernel_port *p, struct kernel_client *c,
                                     __u32 slot, __u64 now_ns)
{
    const __u32 worker = p->workers ? slot % p->workers : 0;
    struct bpf_sock *socket = bpf_map_lookup_elem(&sockets, &worker);
    if (!socket)
        return TC_ACT_UNSPEC;
    const bool paid = client_and_common_pay(p, c, now_ns);
    if (paid && bpf_sk_assign(skb, socket, 0) == 0)
        skb->mark = slot + 1;
    bpf_sk_release(socket);
    if (!paid)
        count_early(p, DELAY_REQ);
    return paid ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* What has a VLAN tag is another interface's. What has a mark is a firewall's, and keeps it. */
SEC("tc")
int hand_out(struct __sk_buff *skb)
{
    struct request r = {0};
    const struct frame frame = {.data = (__u8 *)(long)skb->data, .end = (__u8 *)(long)skb->data_end};
    if (skb->vlan_present || skb->mark || !parse(&frame, &r))
        return TC_ACT_UNSPEC;
    const struct port_found at = find_port(skb->ifindex, r.ethertype);
    const __u64 now_ns = bpf_ktime_get_ns();
    if (!at.port || !may_be_answered(&frame, at.port, &r, now_ns))
        return TC_ACT_UNSPEC;
    const __u32 *slot = find_slot(at.number, r.from, r.head.source);
    struct kernel_client *c = slot ? bpf_map_lookup_elem(&client_slots, slot) : NULL;
    if (!client_may_be_answered(c, &r))
        return TC_ACT_UNSPEC;
    return hand_over(skb, at.port, c, *slot, now_ns);
}

char _license[] SEC("license") = "Dual BSD/GPL";
