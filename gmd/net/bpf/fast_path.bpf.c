/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path: a plain Delay_Req of a client that keeps to its agreed rate becomes its Delay_Resp in the
 * driver. Everything else goes up to the sockets, but for what the guard there would refuse anyway.
 *
 * UDP checksums of requests are not looked at: between virtual interfaces they are left undone, and the
 * frame's own check sequence has covered the wire. */
#include "gmd/net/bpf/answer.bpf.h"

static __always_inline struct frame frame_of(const struct xdp_md *ctx)
{
    return (struct frame){.data = (__u8 *)(long)ctx->data, .end = (__u8 *)(long)ctx->data_end};
}

static __always_inline __u16 checksum(const struct request *r, const struct datagram *d)
{
    struct pseudo_header pseudo = pseudo_header(r, sizeof(d->udp) + RESPONSE_BYTES);
    const __s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0);
    const __u16 check = fold(bpf_csum_diff(NULL, 0, (__be32 *)d, sizeof(*d), (__wsum)sum));
    return check ? check : 0xFFFF;
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
    struct datagram d = answer_to(p, c, r, clock_ns);
    const int len = (int)(ctx->data_end - ctx->data);
    if (resize(ctx, (int)r->message_at + RESPONSE_BYTES - len) != 0)
        return XDP_PASS;
    turn_round(p, r);
    d.udp.check = checksum(r, &d);
    const struct frame frame = frame_of(ctx);
    if (!write_frame(&frame, p, r, &d))
        return XDP_ABORTED;
    count_answered(p, c, r);
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
