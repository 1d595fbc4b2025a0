// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* Hardware time stamps: which frames get one, and transmit stamps on their way to the sender. */
#include "bed.h"
#include <linux/uaccess.h>
#include <net/busy_poll.h>

static bool filter_exists(const struct port *p, int filter)
{
    return filter == HWTSTAMP_FILTER_NONE || (p->knobs.filters & (1ll << filter));
}

/* Drivers answer with the narrowest filter they have that covers what was asked for. */
static int granted(const struct port *p, int filter)
{
    if (filter < 0 || filter > HWTSTAMP_FILTER_PTP_V2_DELAY_REQ)
        return -ERANGE;
    if (filter_exists(p, filter))
        return filter;
    if (filter > HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ && filter_exists(p, HWTSTAMP_FILTER_PTP_V2_EVENT))
        return HWTSTAMP_FILTER_PTP_V2_EVENT;
    return filter_exists(p, HWTSTAMP_FILTER_ALL) ? HWTSTAMP_FILTER_ALL : -ERANGE;
}

int port_stamping(struct port *p, struct ifreq *request, bool set)
{
    struct hwtstamp_config c = p->stamping;

    if (set) {
        if (copy_from_user(&c, request->ifr_data, sizeof(c)))
            return -EFAULT;
        if (c.tx_type > (p->knobs.onestep ? HWTSTAMP_TX_ONESTEP_SYNC : HWTSTAMP_TX_ON))
            return -ERANGE;
        c.rx_filter = granted(p, c.rx_filter);
        if (c.rx_filter < 0)
            return -ERANGE;
        p->stamping = c;
    }
    return copy_to_user(request->ifr_data, &c, sizeof(c)) ? -EFAULT : 0;
}

bool port_filter_takes(const struct port *p, const struct sk_buff *skb)
{
    struct ptp_message m;

    if (p->stamping.rx_filter == HWTSTAMP_FILTER_NONE || p->stamping.rx_filter == HWTSTAMP_FILTER_ALL)
        return p->stamping.rx_filter == HWTSTAMP_FILTER_ALL;
    m = frame_parse(skb);
    if (!m.header || !m.event)
        return false;
    switch (p->stamping.rx_filter) {
    case HWTSTAMP_FILTER_PTP_V2_L4_EVENT:
        return !m.ethernet;
    case HWTSTAMP_FILTER_PTP_V2_L2_EVENT:
        return m.ethernet;
    default:
        return true;
    }
}

/* With rx_reference as igc does it. */
void stamp_received(struct port *p, struct sk_buff *skb, s64 raw)
{
    s64 *stamp_ns = &p->received[p->received_next++ % BED_STAMPS];

    *stamp_ns = clock_at(&p->clock, raw) + random_normal(&p->random, p->knobs.rx_jitter_ns);
    skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(*stamp_ns);
    if (p->knobs.rx_reference) {
        skb_hwtstamps(skb)->netdev_data = stamp_ns;
        skb_shinfo(skb)->tx_flags |= SKBTX_HW_TSTAMP_NETDEV;
        skb_mark_napi_id(skb, &p->napi);
    }
}

ktime_t stamp_referred_to(struct net_device *dev, const struct skb_shared_hwtstamps *stamp, bool cycles)
{
    return ns_to_ktime(*(const s64 *)stamp->netdev_data);
}

static enum hrtimer_restart arrived(struct hrtimer *timer)
{
    struct pending_stamp *s = container_of(timer, struct pending_stamp, timer);
    struct skb_shared_hwtstamps stamp = {.hwtstamp = ns_to_ktime(s->stamp_ns)};
    struct sk_buff *skb = s->skb;
    int i;

    for (i = 0; i < 1 + s->twice; i++)
        skb_tstamp_tx(skb, &stamp);
    WRITE_ONCE(s->skb, NULL);
    dev_kfree_skb_any(skb);
    return HRTIMER_NORESTART;
}

void stamps_init(struct port *p)
{
    int i;

    for (i = 0; i < BED_STAMPS; i++) {
        hrtimer_init(&p->pending[i].timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
        p->pending[i].timer.function = arrived;
    }
}

static struct pending_stamp *free_slot(struct port *p)
{
    int i;

    for (i = 0; i < BED_STAMPS; i++)
        if (!READ_ONCE(p->pending[i].skb) && !hrtimer_active(&p->pending[i].timer))
            return &p->pending[i];
    return NULL;
}

void stamp_sent(struct port *p, struct sk_buff *skb, s64 raw)
{
    struct pending_stamp *s;
    s64 delay_ns = p->knobs.tx_ns;

    p->counters.stamps++;
    if (random_permille(&p->random, p->knobs.tx_lost_permille)) {
        p->counters.stamps_lost++;
        return;
    }
    s = free_slot(p);
    if (!s) {
        p->counters.stamps_overrun++;
        return;
    }
    if (random_permille(&p->random, p->knobs.tx_late_permille)) {
        p->counters.stamps_late++;
        delay_ns = p->knobs.tx_late_ns;
    }
    s->twice = random_permille(&p->random, p->knobs.tx_twice_permille);
    p->counters.stamps_twice += s->twice;
    s->stamp_ns = clock_at(&p->clock, raw) + random_normal(&p->random, p->knobs.tx_jitter_ns);
    s->skb = skb_get(skb);
    hrtimer_start(&s->timer, ns_to_ktime(delay_ns), HRTIMER_MODE_REL_SOFT);
}
