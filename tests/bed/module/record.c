// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* What the host judges by. debugfs `samples`: every clock's error eight times a second; `pcap`: every frame
 * that was sent, with its true time (TAI), as a capture file. */
#include "bed.h"
#include <linux/debugfs.h>
#include <linux/vmalloc.h>

#define SAMPLES_MAX  16384 /* 34 min */
#define CAPTURE_SIZE (16 << 20)

/* One row, host byte order: true time, TAI ns; then errors in ns, positive if the clock is ahead of it. */
struct sample {
    s64 true_ns;
    s64 system; /* CLOCK_REALTIME as UTC */
    s64 ports[BED_PORTS_MAX];
};

/* https://www.tcpdump.org/manpages/pcap-savefile.5.html, nanosecond variant */
struct pcap_header {
    u32 magic;
    u16 major, minor;
    u32 zone, accuracy, length_max, link_type;
};
struct pcap_frame {
    u32 s, ns, captured, length;
};

static struct debugfs_blob_wrapper samples, capture;
static u64 not_captured;

void record_sample(void)
{
    struct sample *s = samples.data + samples.size;
    s64 raw, real;
    unsigned int i;

    if (samples.size >= SAMPLES_MAX * sizeof(*s))
        return;
    truth_now(&raw, &real);
    s->true_ns = true_of_raw(raw);
    s->system = real + utc_offset_at(s->true_ns) * NSEC_PER_SEC - s->true_ns;
    for (i = 0; i < BED_PORTS_MAX; i++)
        s->ports[i] = i < bed_port_count ? clock_at(&bed_ports[i]->clock, raw) - s->true_ns : 0;
    samples.size += sizeof(*s);
}

void record_frame(const struct sk_buff *skb, s64 raw)
{
    struct pcap_frame *frame = capture.data + capture.size;
    u32 ns;

    if (capture.size + sizeof(*frame) + skb->len > CAPTURE_SIZE) {
        not_captured++;
        return;
    }
    frame->s = (u32)div_u64_rem(true_of_raw(raw), NSEC_PER_SEC, &ns);
    frame->ns = ns;
    frame->captured = frame->length = skb->len;
    if (!skb_copy_bits(skb, 0, frame + 1, skb->len))
        capture.size += sizeof(*frame) + skb->len;
}

static void begin_capture(void)
{
    struct pcap_header *header = capture.data;

    *header = (struct pcap_header){
        .magic = 0xa1b23c4d, .major = 2, .minor = 4, .length_max = 65535, .link_type = 1 /* Ethernet */};
    capture.size = sizeof(*header);
}

void record_clear(void *unused)
{
    samples.size = 0;
    not_captured = 0;
    begin_capture();
}

int record_init(struct dentry *dir)
{
    samples.data = vzalloc(SAMPLES_MAX * sizeof(struct sample));
    capture.data = vzalloc(CAPTURE_SIZE);
    if (!samples.data || !capture.data)
        return -ENOMEM;
    begin_capture();
    debugfs_create_blob("samples", 0444, dir, &samples);
    debugfs_create_blob("pcap", 0444, dir, &capture);
    debugfs_create_u64("not_captured", 0444, dir, &not_captured);
    return 0;
}
