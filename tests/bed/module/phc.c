// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* A port's PHC as the kernel's ptp_clock: read, steered, external time stamps. */
#include "bed.h"
#include <linux/module.h>

enum { PLAIN, EXTENDED, PRECISE };
static int cross = EXTENDED;
module_param(cross, int, 0444);
MODULE_PARM_DESC(cross, "PHC against system clock: 0 plain, 1 extended, 2 precise too");

#define STALE_S 30 /* age of the youngest stale event */

static struct port *port_of(struct ptp_clock_info *info)
{
    return container_of(info, struct port, info);
}

static int failure(struct port *p, s64 *remaining)
{
    if (*remaining <= 0)
        return 0;
    (*remaining)--;
    p->counters.failed++;
    return -(int)p->knobs.fail_errno;
}

/* What PHC, system clock and raw clock show at one instant. */
static int read_all(struct port *p, s64 *shown, s64 *raw, s64 *real)
{
    unsigned long flags;
    int error;

    spin_lock_irqsave(&bed_lock, flags);
    p->counters.reads++;
    error = failure(p, &p->knobs.read_fail);
    truth_now(raw, real);
    *shown = clock_at(&p->clock, *raw);
    spin_unlock_irqrestore(&bed_lock, flags);
    return error;
}

static int phc_gettimex(struct ptp_clock_info *info, struct timespec64 *ts,
                        struct ptp_system_timestamp *system)
{
    s64 shown, raw, real;
    int error = read_all(port_of(info), &shown, &raw, &real);

    *ts = ns_to_timespec64(shown);
    if (system)
        system->pre_ts = system->post_ts = ns_to_timespec64(real);
    return error;
}

static int phc_gettime(struct ptp_clock_info *info, struct timespec64 *ts)
{
    return phc_gettimex(info, ts, NULL);
}

static int phc_crosststamp(struct ptp_clock_info *info, struct system_device_crosststamp *c)
{
    s64 shown, raw, real;
    int error = read_all(port_of(info), &shown, &raw, &real);

    c->device = ns_to_ktime(shown);
    c->sys_realtime = ns_to_ktime(real);
    c->sys_monoraw = ns_to_ktime(raw);
    return error;
}

/* A call that changes the PHC: counted, perhaps refused. */
static int change(struct ptp_clock_info *info, size_t counter, void (*apply)(struct clock_model *, s64, s64),
                  s64 value)
{
    struct port *p = port_of(info);
    unsigned long flags;
    int error;

    spin_lock_irqsave(&bed_lock, flags);
    (*(u64 *)((char *)&p->counters + counter))++;
    if (p->knobs.refuse) {
        p->counters.refused++;
        error = -EOPNOTSUPP;
    } else {
        error = failure(p, &p->knobs.adjust_fail);
    }
    if (!error)
        apply(&p->clock, raw_now(), value);
    spin_unlock_irqrestore(&bed_lock, flags);
    return error;
}

static int phc_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
    return change(info, offsetof(struct port_counters, adjfine), clock_adjust, scaled_ppm);
}

static int phc_adjtime(struct ptp_clock_info *info, s64 delta_ns)
{
    return change(info, offsetof(struct port_counters, adjtime), clock_shift, delta_ns);
}

static int phc_settime(struct ptp_clock_info *info, const struct timespec64 *ts)
{
    return change(info, offsetof(struct port_counters, settime), clock_set, timespec64_to_ns(ts));
}

static int phc_enable(struct ptp_clock_info *info, struct ptp_clock_request *request, int on)
{
    struct port *p = port_of(info);
    unsigned int edges = request->extts.flags & PTP_EXTTS_EDGES;
    unsigned long flags;

    if (request->type == PTP_CLK_REQ_PEROUT)
        return 0; /* nothing is wired to it */
    if (request->type != PTP_CLK_REQ_EXTTS || request->extts.index >= BED_CHANNELS)
        return -EOPNOTSUPP;
    if (p->knobs.both_edges == EDGES_REFUSED && (request->extts.flags & PTP_STRICT_FLAGS) &&
        edges != PTP_EXTTS_EDGES)
        return -EOPNOTSUPP;
    spin_lock_irqsave(&bed_lock, flags);
    p->extts[request->extts.index] = on ? edges ?: PTP_RISING_EDGE : 0;
    spin_unlock_irqrestore(&bed_lock, flags);
    return 0;
}

static int phc_verify(struct ptp_clock_info *info, unsigned int pin, enum ptp_pin_function function,
                      unsigned int channel)
{
    return function == PTP_PF_PHYSYNC ? -EOPNOTSUPP : 0;
}

static void deliver(struct port *p, int channel, s64 stamp_ns)
{
    struct ptp_clock_event event = {.type = PTP_CLOCK_EXTTS, .index = channel, .timestamp = stamp_ns};

    if (!p->ptp)
        return;
    p->counters.extts++;
    ptp_clock_event(p->ptp, &event);
}

void phc_edge(struct port *p, int pin, s64 raw, bool rising)
{
    const struct ptp_pin_desc *wired = &p->pins[pin];
    unsigned int edge = rising ? PTP_RISING_EDGE : PTP_FALLING_EDGE;
    unsigned int asked;

    if (wired->func != PTP_PF_EXTTS || wired->chan >= BED_CHANNELS)
        return;
    asked = p->extts[wired->chan];
    if (asked && (p->knobs.both_edges || (asked & edge)))
        deliver(p, wired->chan, clock_at(&p->clock, raw));
}

void phc_stale(void *port)
{
    struct port *p = port;
    s64 now = clock_at(&p->clock, raw_now());

    for (; p->knobs.stale > 0; p->knobs.stale--) {
        p->counters.extts_stale++;
        deliver(p, 0, now - (STALE_S + p->knobs.stale) * NSEC_PER_SEC);
    }
}

void phc_step(void *port)
{
    struct port *p = port;

    clock_shift(&p->clock, raw_now(), p->knobs.step_ns);
}

void phc_oscillator(void *port)
{
    struct port *p = port;

    clock_oscillate(&p->clock, raw_now(), rate_of_ppt(p->knobs.osc_ppt));
}

void phc_wander_seed(void *port)
{
    struct port *p = port;

    random_seed(&p->wander, 200 + (u32)p->knobs.wander_seed);
}

void phc_max_adj(void *port)
{
    struct port *p = port;

    p->info.max_adj = (s32)p->knobs.max_adj;
}

/* As when a driver is unbound and bound again. */
static void come_or_go(struct work_struct *presence)
{
    struct port *p = container_of(presence, struct port, presence);
    struct ptp_clock *ptp;
    unsigned long flags;

    spin_lock_irqsave(&bed_lock, flags);
    ptp = p->ptp;
    p->ptp = NULL;
    port_reset(p);
    spin_unlock_irqrestore(&bed_lock, flags);
    if (ptp)
        ptp_clock_unregister(ptp);
    if (p->knobs.gone)
        return;
    ptp = ptp_clock_register(&p->info, &p->dev->dev);
    spin_lock_irqsave(&bed_lock, flags);
    p->ptp = IS_ERR(ptp) ? NULL : ptp;
    spin_unlock_irqrestore(&bed_lock, flags);
}

void phc_gone(void *port)
{
    schedule_work(&((struct port *)port)->presence);
}

int phc_create(struct port *p)
{
    int pin;

    p->info = (struct ptp_clock_info){
        .owner = THIS_MODULE,
        .max_adj = (s32)p->knobs.max_adj,
        .n_ext_ts = BED_CHANNELS,
        .n_per_out = 1,
        .n_pins = BED_RECEIVERS,
        .pin_config = p->pins,
        .adjfine = phc_adjfine,
        .adjtime = phc_adjtime,
        .settime64 = phc_settime,
        .enable = phc_enable,
        .verify = phc_verify,
    };
    if (cross == PLAIN)
        p->info.gettime64 = phc_gettime;
    else
        p->info.gettimex64 = phc_gettimex;
    if (cross == PRECISE)
        p->info.getcrosststamp = phc_crosststamp;
    snprintf(p->info.name, sizeof(p->info.name), "bed port %u", p->index);
    for (pin = 0; pin < BED_RECEIVERS; pin++) {
        p->pins[pin].index = pin;
        snprintf(p->pins[pin].name, sizeof(p->pins[pin].name), "SDP%d", pin);
    }
    INIT_WORK(&p->presence, come_or_go);
    p->ptp = ptp_clock_register(&p->info, &p->dev->dev);
    return PTR_ERR_OR_ZERO(p->ptp);
}
