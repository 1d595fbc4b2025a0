// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* The module: made once, never unloaded; a guest lives for one boot. */
#include "bed.h"
#include <linux/debugfs.h>
#include <linux/module.h>

DEFINE_SPINLOCK(bed_lock);

static uint ports = 2;
module_param(ports, uint, 0444);
static long utc = 1790000000;
module_param(utc, long, 0444);
MODULE_PARM_DESC(utc, "true time when the module is loaded, s since 1970");
static int utc_offset = 37;
module_param(utc_offset, int, 0444);
static long leap;
module_param(leap, long, 0444);
MODULE_PARM_DESC(leap, "UTC second before which one is inserted; 0: none");

#define TICK_NS (NSEC_PER_SEC / 8)

static struct hrtimer tick;
static s64 clear; /* knob */

/* A random walk of variance wander^2 a second, in steps. */
static void walk(struct port *p)
{
    p->knobs.osc_ppt += random_normal(&p->wander, p->knobs.wander_ppt * 1000 / 2828); /* / sqrt(8) */
    phc_oscillator(p);
}

static enum hrtimer_restart on_tick(struct hrtimer *timer)
{
    static s64 next;
    unsigned long flags;
    unsigned int i;
    s64 now;

    spin_lock_irqsave(&bed_lock, flags);
    now = true_of_raw(raw_now());
    if (now >= next) {
        record_sample();
        for (i = 0; i < bed_port_count; i++)
            if (bed_ports[i]->knobs.wander_ppt)
                walk(bed_ports[i]);
        next = now - now % TICK_NS + TICK_NS;
    }
    spin_unlock_irqrestore(&bed_lock, flags);
    return rearm(timer, next - now);
}

static int now_show(struct seq_file *file, void *unused)
{
    s64 tai = true_of_raw(raw_now());

    seq_printf(file, "%lld %d %lld\n", tai, utc_offset_at(tai), leap_second());
    return 0;
}
DEFINE_SHOW_ATTRIBUTE(now);

static const struct knob knobs[] = {{"clear", 0, record_clear}};

static int create_ports(struct dentry *root)
{
    unsigned int i;

    for (i = 0; i < min_t(unsigned int, ports, BED_PORTS_MAX); i++) {
        struct port *p = port_create(i);

        if (IS_ERR(p))
            return PTR_ERR(p);
        port_knobs_create(p, root);
        bed_ports[i] = p;
        bed_port_count = i + 1;
    }
    return 0;
}

static int __init bed_init(void)
{
    struct dentry *root = debugfs_create_dir("bed", NULL);
    int error;

    truth_init(utc, utc_offset, leap);
    error = record_init(root);
    if (!error)
        error = create_ports(root);
    if (!error)
        error = truth_create();
    if (!error)
        error = receivers_init(root);
    if (error)
        return error;
    knobs_create(root, knobs, ARRAY_SIZE(knobs), &clear, NULL);
    debugfs_create_file("now", 0444, root, NULL, &now_fops);
    hrtimer_init(&tick, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
    tick.function = on_tick;
    hrtimer_start(&tick, 0, HRTIMER_MODE_REL);
    return 0;
}

module_init(bed_init);
MODULE_DESCRIPTION("Ethernet ports with PTP hardware clocks, GNSS pulses and true time, for tests");
MODULE_LICENSE("Dual BSD/GPL");
