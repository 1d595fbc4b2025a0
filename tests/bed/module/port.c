// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* A port: a network device on the hub that all ports share. */
#include "bed.h"
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/timekeeping.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define kernel_ethtool_ts_info ethtool_ts_info
#endif

struct port *bed_ports[BED_PORTS_MAX];
unsigned int bed_port_count;

/* --- from port to port --- */

static bool receives(const struct port *p)
{
    return netif_running(p->dev) && p->knobs.link;
}

static void hear(struct port *to, const struct port *from, struct sk_buff *skb, s64 raw)
{
    s64 arrival = raw + from->knobs.cable_ns + to->knobs.cable_ns + to->knobs.ingress_ns;
    unsigned long flags;

    spin_lock_irqsave(&bed_lock, flags);
    to->counters.rx++;
    if (port_filter_takes(to, skb))
        stamp_received(to, skb, arrival);
    spin_unlock_irqrestore(&bed_lock, flags);
    skb_scrub_packet(skb, true);
    skb->ip_summed = CHECKSUM_NONE;
    skb->protocol = eth_type_trans(skb, to->dev);
    dev_sw_netstats_rx_add(to->dev, skb->len);
    netif_rx(skb);
}

static void broadcast(struct port *from, const struct sk_buff *skb, s64 raw)
{
    unsigned int i;

    for (i = 0; i < bed_port_count; i++) {
        struct port *to = bed_ports[i];
        struct sk_buff *copy;

        if (to == from || !receives(to))
            continue;
        if (random_permille(&to->random, to->knobs.loss_permille)) {
            to->counters.rx_lost++;
            continue;
        }
        copy = skb_copy(skb, GFP_ATOMIC); /* a clone would share the place of the stamp */
        if (copy)
            hear(to, from, copy, raw);
    }
}

/* True: the hardware wrote the stamp into the frame, and reports none. */
static bool one_step(struct port *p, struct sk_buff *skb, s64 raw)
{
    const u8 two_step_flag = 0x02;
    struct ptp_message m;

    if (p->stamping.tx_type != HWTSTAMP_TX_ONESTEP_SYNC)
        return false;
    m = frame_parse(skb);
    if (!m.header || m.type != PTP_SYNC || (m.header[6] & two_step_flag) ||
        skb_ensure_writable(skb, skb_headlen(skb)))
        return false;
    m = frame_parse(skb);
    frame_insert_stamp(&m, skb, clock_at(&p->clock, raw));
    p->counters.onestep++;
    return true;
}

static netdev_tx_t port_xmit(struct sk_buff *skb, struct net_device *dev)
{
    struct port *p = netdev_priv(dev);
    unsigned long flags;
    bool reported;
    s64 raw;

    spin_lock_irqsave(&bed_lock, flags);
    raw = raw_now();
    p->counters.tx++;
    reported = !one_step(p, skb, raw) && (skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP) &&
               p->stamping.tx_type != HWTSTAMP_TX_OFF;
    record_frame(skb, raw);
    if (reported) {
        skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
        stamp_sent(p, skb, raw);
    }
    spin_unlock_irqrestore(&bed_lock, flags);
    skb_tx_timestamp(skb);
    if (receives(p))
        broadcast(p, skb, raw);
    dev_sw_netstats_tx_add(dev, 1, skb->len);
    dev_consume_skb_any(skb);
    return NETDEV_TX_OK;
}

/* --- link --- */

/* What drivers lose when they set up the chip anew; igb sets its clock from the system's. */
void port_reset(struct port *p)
{
    s64 raw, real;

    p->counters.resets += p->knobs.reset != 0;
    truth_now(&raw, &real);
    if (p->knobs.reset & RESET_CLOCK) {
        clock_adjust(&p->clock, raw, 0);
        clock_set(&p->clock, raw, real);
    }
    if (p->knobs.reset & RESET_EXTTS)
        memset(p->extts, 0, sizeof(p->extts));
    if (p->knobs.reset & RESET_STAMPING)
        p->stamping = (struct hwtstamp_config){0};
}

void port_link(void *port)
{
    struct port *p = port;

    if (p->knobs.link) {
        netif_carrier_on(p->dev);
    } else {
        netif_carrier_off(p->dev);
        port_reset(p);
    }
}

static int port_open(struct net_device *dev)
{
    netif_start_queue(dev);
    return 0;
}

static int port_stop(struct net_device *dev)
{
    unsigned long flags;

    netif_stop_queue(dev);
    spin_lock_irqsave(&bed_lock, flags);
    port_reset(netdev_priv(dev));
    spin_unlock_irqrestore(&bed_lock, flags);
    return 0;
}

static int port_ioctl(struct net_device *dev, struct ifreq *request, int command)
{
    struct port *p = netdev_priv(dev);

    if (command != SIOCSHWTSTAMP && command != SIOCGHWTSTAMP)
        return -EOPNOTSUPP;
    return port_stamping(p, request, command == SIOCSHWTSTAMP);
}

static void port_any_multicast(struct net_device *dev)
{
}

static int port_poll(struct napi_struct *napi, int budget)
{
    return 0;
}

static const struct net_device_ops port_ops = {
    .ndo_open = port_open,
    .ndo_stop = port_stop,
    .ndo_start_xmit = port_xmit,
    .ndo_eth_ioctl = port_ioctl,
    .ndo_set_rx_mode = port_any_multicast,
    .ndo_set_mac_address = eth_mac_addr,
    .ndo_validate_addr = eth_validate_addr,
    .ndo_get_stats64 = dev_get_tstats64,
    .ndo_get_tstamp = stamp_referred_to,
};

/* --- ethtool --- */

static int port_ts_info(struct net_device *dev, struct kernel_ethtool_ts_info *info)
{
    struct port *p = netdev_priv(dev);

    info->so_timestamping = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |
                            SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_TX_HARDWARE |
                            SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE;
    info->phc_index = p->ptp ? ptp_clock_index(p->ptp) : -1;
    info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
    if (p->knobs.onestep)
        info->tx_types |= BIT(HWTSTAMP_TX_ONESTEP_SYNC);
    info->rx_filters = BIT(HWTSTAMP_FILTER_NONE) | (u32)p->knobs.filters;
    return 0;
}

static void port_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
    strscpy(info->driver, "bed", sizeof(info->driver));
}

static const struct ethtool_ops port_ethtool = {
    .get_ts_info = port_ts_info,
    .get_drvinfo = port_drvinfo,
    .get_link = ethtool_op_get_link,
};

/* --- set-up --- */

static const struct port_knobs knobs_at_start = {
    .link = 1,
    .max_adj = 500000,
    .fail_errno = EIO,
    .cable_ns = 100,
    .tx_ns = 5000,
    .tx_late_ns = 60000000,
    .filters = 1ll << HWTSTAMP_FILTER_ALL | 1ll << HWTSTAMP_FILTER_PTP_V2_EVENT |
               1ll << HWTSTAMP_FILTER_PTP_V2_L4_EVENT | 1ll << HWTSTAMP_FILTER_PTP_V2_L2_EVENT,
};

static void name_address(struct net_device *dev, unsigned int index)
{
    u8 address[ETH_ALEN] = {0x02, 0xbe, 0xd0, 0x00, 0x00, (u8)(index + 1)};

    eth_hw_addr_set(dev, address);
}

/* A chip's clock at start: the system's time, free running. */
struct port *port_create(unsigned int index)
{
    struct net_device *dev = alloc_etherdev(sizeof(struct port));
    struct port *p;
    int error = -ENOMEM;
    s64 raw, real;

    if (!dev)
        return ERR_PTR(error);
    p = netdev_priv(dev);
    p->dev = dev;
    p->index = index;
    p->knobs = knobs_at_start;
    truth_now(&raw, &real);
    clock_set(&p->clock, raw, real);
    random_seed(&p->random, index);
    p->knobs.wander_seed = index;
    phc_wander_seed(p);
    stamps_init(p);
    name_address(dev, index);
    netif_napi_add(dev, &p->napi, port_poll);
    dev->netdev_ops = &port_ops;
    dev->ethtool_ops = &port_ethtool;
    dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
    if (dev->tstats)
        error = register_netdev(dev);
    if (!error)
        error = phc_create(p);
    return error ? ERR_PTR(error) : p;
}
