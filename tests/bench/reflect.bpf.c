/* SPDX-License-Identifier: BSD-2-Clause */
/* Two that turn frames round in the driver (XDP), for measurements, and two helpers; loaded by reflect.c. The
 * first is the least that a server of Delay_Req can do: each unicast one goes back as a Delay_Resp of the
 * right size to the right client, without clients, clock, time stamps or rules. The second is a crowd of
 * clients that costs its cores next to nothing: each Delay_Resp goes back as the Delay_Req of another client,
 * so that as many stay on their way as somebody has sent. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define EVENT          319
#define GENERAL        320
#define DELAY_REQ      1
#define DELAY_RESP     9
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

/* To one receiver, without IP options. */
static __always_inline int is_message(const struct delay_req *p, int port, int type, int len)
{
    return p->ethernet.h_proto == bpf_htons(ETH_P_IP) && !(p->ethernet.h_dest[0] & 1) && p->ip.ihl == 5 &&
           p->ip.protocol == IPPROTO_UDP && p->udp.dest == bpf_htons(port) && (p->ptp[0] & 0x0F) == type &&
           p->udp.len == bpf_htons(sizeof p->udp + len);
}

/* 16 or 32 bits of what the checksum covers (RFC 1624). */
static __always_inline void mend_checksum(struct delay_req *p, __u32 before, __u32 now)
{
    __u32 sum = (__u16)~p->ip.check + (__u16)~before + (__u16) ~(before >> 16) + (__u16)now + (now >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    p->ip.check = (__u16)~sum;
}

static __always_inline void set_lengths(struct delay_req *p, int growth)
{
    const __be16 before = p->ip.tot_len;
    p->ip.tot_len = bpf_htons(bpf_ntohs(before) + growth);
    mend_checksum(p, before, p->ip.tot_len);
    p->udp.len = bpf_htons(bpf_ntohs(p->udp.len) + growth);
    p->udp.check = 0;
}

static __always_inline void set_kind(struct delay_req *p, int type, int len, int control)
{
    p->ptp[0] = (p->ptp[0] & 0xF0) | type;
    p->ptp[3] = len;
    p->ptp[32] = control;
}

static __always_inline void turn_round(struct delay_req *p, int port)
{
    struct ethhdr ethernet = p->ethernet;
    __builtin_memcpy(p->ethernet.h_dest, ethernet.h_source, ETH_ALEN);
    __builtin_memcpy(p->ethernet.h_source, ethernet.h_dest, ETH_ALEN);
    const __be32 source = p->ip.saddr;
    p->ip.saddr = p->ip.daddr;
    p->ip.daddr = source;
    p->udp.source = p->udp.dest = bpf_htons(port);
}

SEC("xdp")
int reflect(struct xdp_md *context)
{
    struct delay_req *request = (void *)(long)context->data;
    if ((void *)(request + 1) > (void *)(long)context->data_end ||
        !is_message(request, EVENT, DELAY_REQ, DELAY_REQ_LEN))
        return XDP_PASS;
    if (bpf_xdp_adjust_tail(context, GROWTH) < 0)
        return XDP_ABORTED;
    struct delay_resp *response = (void *)(long)context->data;
    if ((void *)(response + 1) > (void *)(long)context->data_end)
        return XDP_ABORTED;
    struct delay_req *head = &response->head;
    turn_round(head, GENERAL);
    set_lengths(head, GROWTH);
    set_kind(head, DELAY_RESP, DELAY_RESP_LEN, 3);
    __builtin_memcpy(response->requesting, head->ptp + 20, sizeof response->requesting);
    return XDP_TX;
}

#define CLIENTS 12288 /* of gmload, all in turn: addresses and identities count up */
#define QUEUES  2     /* a client's requests all come by the same one */

/* Of each queue, in a cache line of its own. */
static struct {
    __u32 turns __attribute__((aligned(64)));
} queues[QUEUES];

/* What gmload puts into an identity's octets 4 to 7. */
static __always_inline __be32 number_of(const __u8 *identity)
{
    __be32 number;
    __builtin_memcpy(&number, identity + 4, sizeof number);
    return number;
}

/* From whom, and its sequenceId. */
static __always_inline void next_client(struct delay_resp *r, __u32 queue)
{
    struct delay_req *p = &r->head;
    const __u32 turn = queues[queue].turns++;
    const __u32 next = (turn * QUEUES + queue) % CLIENTS;
    const __be32 number = bpf_htonl(next), source = p->ip.saddr;
    const __be16 sequence_id = bpf_htons(turn / (CLIENTS / QUEUES));
    p->ip.saddr = bpf_htonl(bpf_ntohl(source) - bpf_ntohl(number_of(r->requesting)) + next);
    mend_checksum(p, source, p->ip.saddr);
    __builtin_memcpy(p->ptp + 20, r->requesting, sizeof r->requesting);
    __builtin_memcpy(p->ptp + 24, &number, sizeof number);
    __builtin_memcpy(p->ptp + 30, &sequence_id, sizeof sequence_id);
}

SEC("xdp")
int again(struct xdp_md *context)
{
    struct delay_resp *response = (void *)(long)context->data;
    struct delay_req *head = &response->head;
    if ((void *)(response + 1) > (void *)(long)context->data_end ||
        !is_message(head, GENERAL, DELAY_RESP, DELAY_RESP_LEN))
        return XDP_PASS;
    turn_round(head, EVENT);
    next_client(response, context->rx_queue_index % QUEUES);
    set_lengths(head, -GROWTH);
    set_kind(head, DELAY_REQ, DELAY_REQ_LEN, 1);
    __builtin_memset(head->ptp + 33, 0, DELAY_REQ_LEN - 33);
    return bpf_xdp_adjust_tail(context, -GROWTH) < 0 ? XDP_ABORTED : XDP_TX;
}

/* The other end of a veth pair takes frames from a driver's program only if it has one itself. */
SEC("xdp")
int pass(struct xdp_md *context)
{
    (void)context;
    return XDP_PASS;
}

/* gmload has them all the same; the host, which would look for a route for each, takes them for another's. */
SEC("tc")
int aside(struct __sk_buff *skb)
{
    if (skb->protocol == bpf_htons(ETH_P_IP))
        bpf_skb_change_type(skb, PACKET_OTHERHOST);
    return TC_ACT_UNSPEC;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
