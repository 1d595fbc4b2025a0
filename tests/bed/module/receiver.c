// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* GNSS receivers, as far as their pulses go: planned a second ahead, because a receiver announces the
 * quantization error of the coming one. */
#include "bed.h"
#include <linux/debugfs.h>
#include <linux/pps_kernel.h>
#include <linux/seq_file.h>

#define EDGES_MAX 4

struct edge {
    s64 at_ns; /* true time */
    bool rising;
};

/* One second's pulse. */
struct plan {
    s64 second; /* TAI */
    s64 at_ns;
    s64 quantization_ps; /* added to an ideal pulse */
    bool missing, twice;
};

struct receiver {
    unsigned int index;
    struct receiver_knobs knobs;
    struct rnd_state random;
    struct hrtimer timer;
    struct pps_device *pps;
    s64 saw_ps; /* phase of the receiver's clock */
    struct plan coming;
    struct edge edges[EDGES_MAX]; /* of the pulse in progress */
    unsigned int next, count;
    u64 pulses, missing, twice;
};

static struct receiver receivers[BED_RECEIVERS];

/* The pulse is given at the receiver's nearest clock tick. */
static s64 quantization(struct receiver *r)
{
    s64 period = r->knobs.saw_ps;

    if (period <= 0)
        return 0;
    r->saw_ps = (r->saw_ps + r->knobs.saw_drift_ps) % period;
    if (r->saw_ps < 0)
        r->saw_ps += period;
    return r->saw_ps - period / 2;
}

static void plan(struct receiver *r, s64 second)
{
    struct plan *p = &r->coming;

    p->second = second;
    p->quantization_ps = quantization(r);
    p->at_ns = second * NSEC_PER_SEC + r->knobs.offset_ns + random_normal(&r->random, r->knobs.jitter_ns) +
               div_s64(p->quantization_ps, 1000) + r->knobs.off_once_ns;
    r->knobs.off_once_ns = 0;
    p->missing = random_permille(&r->random, r->knobs.missing_permille);
    p->twice = random_permille(&r->random, r->knobs.double_permille);
}

static void add_edge(struct receiver *r, s64 at_ns, bool rising)
{
    r->edges[r->count++] = (struct edge){at_ns, rising};
}

/* The edges of the planned pulse; a second pulse cuts the first one short. */
static void raise_edges(struct receiver *r)
{
    const struct plan *p = &r->coming;

    r->next = r->count = 0;
    r->missing += p->missing;
    r->twice += p->twice;
    if (p->missing || !r->knobs.on)
        return;
    r->pulses++;
    add_edge(r, p->at_ns, true);
    if (p->twice) {
        add_edge(r, p->at_ns + r->knobs.double_ns / 2, false);
        add_edge(r, p->at_ns + r->knobs.double_ns, true);
    }
    add_edge(r, p->at_ns + r->knobs.width_ns, false);
}

static void pps_edge(struct receiver *r, s64 raw, bool rising)
{
    struct pps_event_time event;
    s64 raw_real, real, latency = r->knobs.pps_latency_ns;

    latency += abs(random_normal(&r->random, r->knobs.pps_latency_ns / 4));
    truth_now(&raw_real, &real);
    event.ts_real = ns_to_timespec64(real - (raw_real - raw) + latency);
    pps_event(r->pps, &event, rising ? PPS_CAPTUREASSERT : PPS_CAPTURECLEAR, NULL);
}

static void emit(struct receiver *r, const struct edge *e)
{
    s64 raw = raw_of_true(e->at_ns);
    unsigned int i;

    for (i = 0; i < bed_port_count; i++)
        phc_edge(bed_ports[i], r->index, raw, e->rising);
    pps_edge(r, raw, e->rising);
}

/* What is due is done; the true time of the next. */
static s64 advance(struct receiver *r, s64 now_ns)
{
    for (;;) {
        for (; r->next < r->count; r->next++) {
            if (r->edges[r->next].at_ns > now_ns)
                return r->edges[r->next].at_ns;
            emit(r, &r->edges[r->next]);
        }
        if (r->coming.at_ns > now_ns)
            return r->coming.at_ns;
        raise_edges(r);
        plan(r, r->coming.second + 1);
    }
}

static enum hrtimer_restart due(struct hrtimer *timer)
{
    struct receiver *r = container_of(timer, struct receiver, timer);
    unsigned long flags;
    s64 now, next;

    spin_lock_irqsave(&bed_lock, flags);
    now = true_of_raw(raw_now());
    next = advance(r, now);
    spin_unlock_irqrestore(&bed_lock, flags);
    return rearm(timer, next - now);
}

static int plan_show(struct seq_file *file, void *unused)
{
    const struct receiver *r = file->private;

    seq_printf(file, "%lld %lld\n", r->coming.second, r->coming.quantization_ps);
    return 0;
}
DEFINE_SHOW_ATTRIBUTE(plan);

static int counters_show(struct seq_file *file, void *unused)
{
    const struct receiver *r = file->private;

    seq_printf(file, "pulses %llu\nmissing %llu\ntwice %llu\n", r->pulses, r->missing, r->twice);
    return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static const struct knob knobs[] = {
    KNOB(struct receiver_knobs, on, NULL),
    KNOB(struct receiver_knobs, offset_ns, NULL),
    KNOB(struct receiver_knobs, jitter_ns, NULL),
    KNOB(struct receiver_knobs, saw_ps, NULL),
    KNOB(struct receiver_knobs, saw_drift_ps, NULL),
    KNOB(struct receiver_knobs, width_ns, NULL),
    KNOB(struct receiver_knobs, missing_permille, NULL),
    KNOB(struct receiver_knobs, double_permille, NULL),
    KNOB(struct receiver_knobs, double_ns, NULL),
    KNOB(struct receiver_knobs, off_once_ns, NULL),
    KNOB(struct receiver_knobs, pps_latency_ns, NULL),
};

static const struct receiver_knobs knobs_at_start = {
    .on = 1,
    .width_ns = 100000000,
    .double_ns = 300000,
};

static void debugfs(struct receiver *r, struct dentry *root)
{
    struct dentry *dir = knobs_dir(root, "receiver", r->index);

    knobs_create(dir, knobs, ARRAY_SIZE(knobs), &r->knobs, r);
    debugfs_create_file("plan", 0444, dir, r, &plan_fops);
    debugfs_create_file("counters", 0444, dir, r, &counters_fops);
}

static int create(struct receiver *r, unsigned int index, struct dentry *dir)
{
    struct pps_source_info info = {
        .mode = PPS_CAPTUREBOTH | PPS_OFFSETASSERT | PPS_OFFSETCLEAR | PPS_CANWAIT | PPS_TSFMT_TSPEC,
        .owner = THIS_MODULE,
    };
    s64 now = true_of_raw(raw_now());

    snprintf(info.name, sizeof(info.name), "bed receiver %u", index);
    r->index = index;
    r->knobs = knobs_at_start;
    r->pps = pps_register_source(&info, PPS_CAPTUREBOTH | PPS_OFFSETASSERT | PPS_OFFSETCLEAR);
    if (IS_ERR(r->pps))
        return PTR_ERR(r->pps);
    random_seed(&r->random, 100 + index);
    plan(r, div_s64(now, NSEC_PER_SEC) + 1);
    debugfs(r, dir);
    hrtimer_init(&r->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
    r->timer.function = due;
    hrtimer_start(&r->timer, ns_to_ktime(r->coming.at_ns - now), HRTIMER_MODE_REL);
    return 0;
}

int receivers_init(struct dentry *dir)
{
    unsigned int i;
    int error = 0;

    for (i = 0; i < BED_RECEIVERS && !error; i++)
        error = create(&receivers[i], i, dir);
    return error;
}
