// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* debugfs: a file a knob, which reads and writes one signed number. */
#include "bed.h"
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

struct knob_file {
    s64 *value;
    void (*changed)(void *owner);
    void *owner;
};

static ssize_t knob_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
    const struct knob_file *k = file->private_data;
    char text[32];
    int length = snprintf(text, sizeof(text), "%lld\n", *k->value);

    return simple_read_from_buffer(to, size, at, text, length);
}

static ssize_t knob_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
    struct knob_file *k = file->private_data;
    unsigned long flags;
    s64 value;
    int error = kstrtoll_from_user(from, size, 0, &value);

    if (error)
        return error;
    spin_lock_irqsave(&bed_lock, flags);
    *k->value = value;
    if (k->changed)
        k->changed(k->owner);
    spin_unlock_irqrestore(&bed_lock, flags);
    return (ssize_t)size;
}

static const struct file_operations knob_fops = {
    .owner = THIS_MODULE,
    .open = simple_open,
    .read = knob_read,
    .write = knob_write,
};

struct dentry *knobs_dir(struct dentry *root, const char *kind, unsigned int index)
{
    char name[16];

    snprintf(name, sizeof(name), "%s%u", kind, index);
    return debugfs_create_dir(name, root);
}

void knobs_create(struct dentry *dir, const struct knob *knobs, size_t count, void *values, void *owner)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct knob_file *k = kmalloc(sizeof(*k), GFP_KERNEL);

        if (!k)
            return;
        *k = (struct knob_file){values + knobs[i].at, knobs[i].changed, owner};
        debugfs_create_file(knobs[i].name, 0644, dir, k, &knob_fops);
    }
}

static const struct knob port_knobs[] = {
    KNOB(struct port_knobs, osc_ppt, phc_oscillator),
    KNOB(struct port_knobs, wander_ppt, NULL),
    KNOB(struct port_knobs, wander_seed, phc_wander_seed),
    KNOB(struct port_knobs, link, port_link),
    KNOB(struct port_knobs, reset, NULL),
    KNOB(struct port_knobs, max_adj, phc_max_adj),
    KNOB(struct port_knobs, refuse, NULL),
    KNOB(struct port_knobs, read_fail, NULL),
    KNOB(struct port_knobs, adjust_fail, NULL),
    KNOB(struct port_knobs, fail_errno, NULL),
    KNOB(struct port_knobs, step_ns, phc_step),
    KNOB(struct port_knobs, gone, phc_gone),
    KNOB(struct port_knobs, both_edges, NULL),
    KNOB(struct port_knobs, stale, phc_stale),
    KNOB(struct port_knobs, cable_ns, NULL),
    KNOB(struct port_knobs, ingress_ns, NULL),
    KNOB(struct port_knobs, rx_jitter_ns, NULL),
    KNOB(struct port_knobs, tx_jitter_ns, NULL),
    KNOB(struct port_knobs, rx_reference, NULL),
    KNOB(struct port_knobs, loss_permille, NULL),
    KNOB(struct port_knobs, tx_ns, NULL),
    KNOB(struct port_knobs, tx_lost_permille, NULL),
    KNOB(struct port_knobs, tx_late_permille, NULL),
    KNOB(struct port_knobs, tx_late_ns, NULL),
    KNOB(struct port_knobs, tx_twice_permille, NULL),
    KNOB(struct port_knobs, onestep, NULL),
    KNOB(struct port_knobs, filters, NULL),
};

static const char *const port_counter_names[] = {
    "adjfine", "adjtime", "settime",     "refused",     "failed",      "reads",        "tx",
    "rx",      "rx_lost", "stamps",      "stamps_lost", "stamps_late", "stamps_twice", "stamps_overrun",
    "onestep", "extts",   "extts_stale", "resets",
};
static_assert(ARRAY_SIZE(port_counter_names) == sizeof(struct port_counters) / sizeof(u64));

static int counters_show(struct seq_file *file, void *unused)
{
    const struct port *p = file->private;
    const u64 *values = (const u64 *)&p->counters;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(port_counter_names); i++)
        seq_printf(file, "%s %llu\n", port_counter_names[i], values[i]);
    return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

void port_knobs_create(struct port *p, struct dentry *root)
{
    struct dentry *dir = knobs_dir(root, "port", p->index);

    knobs_create(dir, port_knobs, ARRAY_SIZE(port_knobs), &p->knobs, p);
    debugfs_create_file("counters", 0444, dir, p, &counters_fops);
}
