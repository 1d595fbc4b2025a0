/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path: a plain Delay_Req of a client that keeps to its agreed rate becomes its Delay_Resp in the
 * driver. Everything else goes up to the sockets, but for what the guard there would refuse anyway.
 *
 * UDP checksums of requests are not looked at: between virtual interfaces they are left undone, and the
 * frame's own check sequence has covered the wire. */
#include "gmd/net/bpf/charge.bpf.h"
#include "gmd/net/bpf/request.bpf.h"

#define GENERAL_PORT   320
#define RESPONSE_BYTES 54
#define DELAY_REQ      0x1
#define DELAY_RESP     0x9
#define UNICAST        0x04 /* flags[0] */
#define SPTP           0x20
#define NS_PER_S       1000000000ULL
#define UNICAST_HOPS   64
#define DONT_FRAGMENT  0x4000

struct response {
    struct message_head head;
    __u8 seconds[6];
    __u32 nanoseconds;
    __u8 requesting[10];
} __attribute__((packed));

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
static __always_inline bool is_to_us(const struct xdp_md *ctx, const struct kernel_port *p,
                                     const struct request *r)
{
    const struct ethhdr *eth = at(ctx, 0, sizeof(*eth));
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

static __always_inline bool to_clock(const struct kernel_port *p, __s64 raw_ns, __u64 *clock_ns)
{
    __s64 shown_ns;
    if (!kernel_line_at(&p->lines[p->line & 1], raw_ns, &shown_ns))
        return false;
    *clock_ns = (__u64)(shown_ns - p->ingress_latency_ns);
    return true;
}

static __always_inline struct response respond(const struct kernel_port *p, const struct kernel_client *c,
                                               const struct request *r, __u64 clock_ns)
{
    const __u64 seconds = clock_ns / NS_PER_S;
    struct response m = {
        .head = {.type = (r->head.type & 0xF0) | DELAY_RESP,
                 .version = 0x12,
                 .length = bpf_htons(RESPONSE_BYTES),
                 .domain = p->domain,
                 .minor_sdo_id = p->minor_sdo_id,
                 .flags = {r->multicast ? 0 : UNICAST},
                 .sequence_id = r->head.sequence_id,
                 .control = 3,
                 .log_interval = r->multicast ? p->log_min_delay_req_interval : c->log_message_interval},
        .nanoseconds = bpf_htonl((__u32)(clock_ns - seconds * NS_PER_S)),
    };
    __builtin_memcpy(m.head.correction, r->head.correction, sizeof(m.head.correction));
    __builtin_memcpy(m.head.source, p->identity, sizeof(m.head.source));
    __builtin_memcpy(m.requesting, r->head.source, sizeof(m.requesting));
    for (int i = 0; i < 6; i++)
        m.seconds[i] = (__u8)(seconds >> (40 - 8 * i));
    return m;
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
    struct datagram d = {.message = respond(p, c, r, clock_ns)};
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
    if (!f.port || now_ns > f.port->answer_until_ns || !is_plain(f.port, &r.head) ||
        !is_to_us(ctx, f.port, &r))
        return XDP_PASS;
    struct kernel_client *c = find_client(f.number, r.from, r.head.source);
    if (!c || c->rank == KERNEL_NEWCOMER)
        return refuse_early(f, c, DELAY_REQ, r.from, now_ns) ? XDP_DROP : XDP_PASS;
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
