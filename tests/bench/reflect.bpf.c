/* SPDX-License-Identifier: BSD-2-Clause */
/* The least that a server of Delay_Req can do in the driver (XDP): each unicast one goes back as a Delay_Resp
 * of the right size to the right client, without clients, clock, time stamps or rules. What gmd's fast path
 * is measured against. Loaded by reflect.c. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define EVENT          319
#define GENERAL        320
#define DELAY_REQ_LEN  44
#define DELAY_RESP_LEN 54
#define GROWTH         (DELAY_RESP_LEN - DELAY_REQ_LEN)

struct delay_req {
    struct ethhdr ethernet;
    struct iphdr ip;
    struct udphdr udp;
    __u8 ptp[DELAY_REQ_LEN];
} __attribute__((packed));

struct delay_resp {
    struct delay_req head;
    __u8 requesting[GROWTH];
} __attribute__((packed));

static __always_inline int is_delay_req(const struct delay_req *p)
{
    return p->ethernet.h_proto == bpf_htons(ETH_P_IP) && !(p->ethernet.h_dest[0] & 1) && p->ip.ihl == 5 &&
           p->ip.protocol == IPPROTO_UDP && p->udp.dest == bpf_htons(EVENT) && (p->ptp[0] & 0x0F) == 1 &&
           p->udp.len == bpf_htons(sizeof p->udp + DELAY_REQ_LEN);
}

static __always_inline void lengthen_ip(struct delay_req *p)
{
    const __u16 before = p->ip.tot_len;
    p->ip.tot_len = bpf_htons(bpf_ntohs(before) + GROWTH);
    __u32 sum = (__u16)~p->ip.check + (__u16)~before + p->ip.tot_len; /* RFC 1624 */
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    p->ip.check = (__u16)~sum;
}

static __always_inline void turn_round(struct delay_req *p)
{
    struct ethhdr ethernet = p->ethernet;
    __builtin_memcpy(p->ethernet.h_dest, ethernet.h_source, ETH_ALEN);
    __builtin_memcpy(p->ethernet.h_source, ethernet.h_dest, ETH_ALEN);
    const __be32 source = p->ip.saddr;
    p->ip.saddr = p->ip.daddr;
    p->ip.daddr = source;
    p->udp.source = p->udp.dest = bpf_htons(GENERAL);
}

SEC("xdp")
int reflect(struct xdp_md *context)
{
    struct delay_req *request = (void *)(long)context->data;
    if ((void *)(request + 1) > (void *)(long)context->data_end || !is_delay_req(request))
        return XDP_PASS;
    if (bpf_xdp_adjust_tail(context, GROWTH) < 0)
        return XDP_ABORTED;
    struct delay_resp *response = (void *)(long)context->data;
    if ((void *)(response + 1) > (void *)(long)context->data_end)
        return XDP_ABORTED;
    struct delay_req *head = &response->head;
    turn_round(head);
    lengthen_ip(head);
    head->udp.len = bpf_htons(sizeof head->udp + DELAY_RESP_LEN);
    head->udp.check = 0;
    head->ptp[0] = (head->ptp[0] & 0xF0) | 0x09;
    head->ptp[3] = DELAY_RESP_LEN;
    head->ptp[32] = 3;
    __builtin_memcpy(response->requesting, head->ptp + 20, sizeof response->requesting);
    return XDP_TX;
}

/* The other end of a veth pair takes frames from a driver's program only if it has one itself. */
SEC("xdp")
int pass(struct xdp_md *context)
{
    (void)context;
    return XDP_PASS;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
