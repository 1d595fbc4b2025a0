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

/* The client's slot goes with the frame as its mark. */
static __always_inline void hand_over(struct __sk_buff *skb, const struct kernel_port *p, __u32 slot)
{
    const __u32 worker = p->workers ? slot % p->workers : 0;
    struct bpf_sock *socket = bpf_map_lookup_elem(&sockets, &worker);
    if (!socket)
        return;
    if (bpf_sk_assign(skb, socket, 0) == 0)
        skb->mark = slot + 1;
    bpf_sk_release(socket);
}

/* What the guard could not judge here it does at the daemon's socket. What has a mark is a firewall's, and
 * keeps it. */
SEC("tc")
int hand_out(struct __sk_buff *skb)
{
    struct request r = {0};
    const struct frame frame = {.data = (__u8 *)(long)skb->data, .end = (__u8 *)(long)skb->data_end};
    if (skb->tc_index != KERNEL_PASSED || skb->mark || !parse(&frame, &r))
        return TC_ACT_UNSPEC;
    const struct port_found at = find_port(skb->ifindex, r.ethertype);
    if (!at.port || !may_be_answered(&frame, at.port, &r, bpf_ktime_get_ns()))
        return TC_ACT_UNSPEC;
    const __u32 *slot = find_slot(at.number, r.from, r.head.source);
    struct kernel_client *c = slot ? bpf_map_lookup_elem(&client_slots, slot) : NULL;
    if (!client_may_be_answered(c, &r))
        return TC_ACT_UNSPEC;
    note_request(c, &r);
    hand_over(skb, at.port, *slot);
    return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
