/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path: a plain Delay_Req of a client that keeps to its agreed rate becomes its Delay_Resp in the
 * driver. Everything else goes up to the sockets, but for what the guard there would refuse anyway.
 *
 * UDP checksums of requests are not looked at: between virtual interfaces they are left undone, and the
 * frame's own check sequence has covered the wire. */
#include "gmd/net/bpf/charge.bpf.h"
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

static __always_inline struct frame frame_of(const struct xdp_md *ctx)
{
    return (struct frame){.data = (__u8 *)(long)ctx->data, .end = (__u8 *)(long)ctx->data_end};
}

static __always_inline void *at(const struct xdp_md *ctx, __u32 offset, __u32 len)
{
    const struct frame f = frame_of(ctx);
    return frame_at(&f, offset, len);
}

static __always_inline bool to_clock(const struct kernel_port *p, __s64 raw_ns, __u64 *clock_ns)
{
    const struct kernel_answer *a = &p->answers[p->answer & 1];
    __s64 shown_ns;
    if (!kernel_line_at(&a->line, raw_ns, &shown_ns))
        return false;
    *clock_ns = (__u64)(shown_ns - a->ingress_latency_ns);
    return true;
}

static __always_inline __u16 fold(__s64 sum)
{
    sum = (sum & 0xFFFF) + (sum >> 16);
    sum = (sum & 0xFFFF) + (sum >> 16);
    return (__u16)~sum;
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

static __always_inline void finish_udp(struct datagram *d, const struct request *r)
{
    const __u16 len = bpf_htons(sizeof(d->udp) + RESPONSE_BYTES);
    struct pseudo_header pseudo = {.length = bpf_htonl(sizeof(d->udp) + RESPONSE_BYTES),
                                   .protocol = IPPROTO_UDP};
    __builtin_memcpy(pseudo.source, r->from, sizeof(pseudo.source));
    __builtin_memcpy(pseudo.destination, r->to, sizeof(pseudo.destination));
    d->udp = (struct udphdr){.source = bpf_htons(GENERAL_PORT), .dest = bpf_htons(GENERAL_PORT), .len = len};
    const __s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0);
    d->udp.check = fold(bpf_csum_diff(NULL, 0, (__be32 *)d, sizeof(*d), (__wsum)sum));
    if (d->udp.check == 0)
        d->udp.check = 0xFFFF;
}

static __always_inline bool write_ipv4(const struct xdp_md *ctx, const struct kernel_port *p,
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
    struct iphdr *to = at(ctx, ETH_HLEN, sizeof(*to));
    if (to)
        *to = ip;
    return to;
}

static __always_inline bool write_ipv6(const struct xdp_md *ctx, const struct kernel_port *p,
                                       const struct request *r)
{
    struct ipv6hdr *to = at(ctx, ETH_HLEN, sizeof(*to));
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

/* Writes the answer over the request, in a frame that has the right length by now. */
static __always_inline bool write_frame(const struct xdp_md *ctx, const struct kernel_port *p,
                                        const struct request *r, struct datagram *d)
{
    struct ethhdr *eth = at(ctx, 0, sizeof(*eth));
    if (!eth)
        return false;
    __builtin_memcpy(eth->h_dest, r->multicast ? p->group_mac : r->mac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, p->mac, ETH_ALEN);
    eth->h_proto = bpf_htons(r->ethertype);
    if (r->ethertype == ETH_P_1588) {
        struct response *message = at(ctx, ETH_HLEN, sizeof(*message));
        if (message)
            *message = d->message;
        return message;
    }
    finish_udp(d, r);
    const bool is_ipv4 = r->ethertype == ETH_P_IP;
    if (!(is_ipv4 ? write_ipv4(ctx, p, r) : write_ipv6(ctx, p, r)))
        return false;
    const __u32 len = sizeof(d->udp) + RESPONSE_BYTES;
    __u8 *udp = is_ipv4 ? at(ctx, ETH_HLEN + sizeof(struct iphdr), len)
                        : at(ctx, ETH_HLEN + sizeof(struct ipv6hdr), len);
    if (udp)
        __builtin_memcpy(udp, d, sizeof(d->udp) + RESPONSE_BYTES);
    return udp;
}

/* Room for the answer, which is written from its first octet on: in front, where there always is some, while
 * behind a short frame there may be none. */
static __always_inline long resize(struct xdp_md *ctx, int grow)
{
    return grow > 0 ? bpf_xdp_adjust_head(ctx, -grow) : bpf_xdp_adjust_tail(ctx, grow);
}

static __always_inline int answer(struct xdp_md *ctx, struct kernel_port *p, struct kernel_client *c,
                                  struct request *r, __u64 clock_ns)
{
    const __s8 log_interval =
        r->multicast ? (__s8)p->answers[p->answer & 1].log_min_delay_req_interval : c->log_message_interval;
    struct datagram d = {.message = respond(p, &r->head, r->multicast, log_interval, clock_ns)};
    const int len = (int)(ctx->data_end - ctx->data);
    if (resize(ctx, (int)r->message_at + RESPONSE_BYTES - len) != 0)
        return XDP_PASS;
    turn_round(p, r);
    if (!write_frame(ctx, p, r, &d))
        return XDP_ABORTED;
    __sync_fetch_and_add(&c->answered, 1);
    __sync_fetch_and_add(&p->counts.answered, 1);
    return XDP_TX;
}

/* Without a charge: what goes up is charged there. */
static __always_inline bool stranger_can_pay(struct port_found at, const __u8 *address, __u64 now_ns)
{
    const struct kernel_bucket *all = &at.port->all[KERNEL_REQUEST];
    const struct kernel_rate *share = &at.port->source_rate[KERNEL_REQUEST];
    struct kernel_source_key key = {.port = (__u16)at.number, .class = KERNEL_REQUEST};
    __builtin_memcpy(key.address, address, sizeof(key.address));
    const __u64 *due_ns = bpf_map_lookup_elem(&sources, &key);
    const bool keeps = !due_ns || has_token(share, *due_ns, now_ns, KNOWN);
    return has_token(&all->rate, all->due_ns, now_ns, keeps ? STRANGER : CROWD);
}

static __always_inline int pass_stranger(struct port_found at, const struct request *r, __u64 now_ns)
{
    if (stranger_can_pay(at, r->from, now_ns))
        return XDP_PASS;
    count_early(at.port, DELAY_REQ);
    return XDP_DROP;
}

typedef bool (*stamp_fn)(struct xdp_md *ctx, __u64 *raw_ns);

static __always_inline int serve(struct xdp_md *ctx, stamp_fn stamp)
{
    struct request r = {0};
    __u64 raw_ns, clock_ns;
    const struct frame frame = frame_of(ctx);
    if (!parse(&frame, &r))
        return XDP_PASS;
    const struct port_found f = find_port(ctx->ingress_ifindex, r.ethertype);
    const __u64 now_ns = bpf_ktime_get_ns();
    if (!f.port || !may_be_answered(&frame, f.port, &r, now_ns))
        return XDP_PASS;
    struct kernel_client *c = find_client(f.number, r.from, r.head.source);
    if (c && !client_may_be_answered(c, &r))
        return XDP_PASS;
    if (!c)
        return pass_stranger(f, &r, now_ns);
    if (!stamp(ctx, &raw_ns) || !to_clock(f.port, (__s64)raw_ns, &clock_ns))
        return XDP_PASS;
    if (!client_and_common_pay(f.port, c, now_ns)) {
        count_early(f.port, DELAY_REQ);
        return XDP_DROP;
    }
    return answer(ctx, f.port, c, &r, clock_ns);
}

static __always_inline bool software_stamp(struct xdp_md *ctx, __u64 *raw_ns)
{
    (void)ctx;
    *raw_ns = bpf_ktime_get_tai_ns();
    return true;
}

SEC("xdp")
int fast_software(struct xdp_md *ctx)
{
    return serve(ctx, software_stamp);
}

/* Linux 6.3, in drivers that have it; such a program is bound to its device. */
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym __weak;

static __always_inline bool hardware_stamp(struct xdp_md *ctx, __u64 *raw_ns)
{
    *raw_ns = 0;
    return bpf_xdp_metadata_rx_timestamp(ctx, raw_ns) == 0 && *raw_ns != 0;
}

SEC("xdp")
int fast_hardware(struct xdp_md *ctx)
{
    return serve(ctx, hardware_stamp);
}

char _license[] SEC("license") = "Dual BSD/GPL";
