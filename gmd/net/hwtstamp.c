/* SPDX-License-Identifier: BSD-2-Clause */
/* Hardware time stamping asked for and checked (Documentation/networking/timestamping.rst of the kernel). */
#include "gmd/net/hwtstamp.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>

#define REQUESTS 3

/* Receive filters that cover PTPv2 event messages, narrowest first. */
static const int filters[2][REQUESTS] = {
    {HWTSTAMP_FILTER_PTP_V2_L4_EVENT, HWTSTAMP_FILTER_PTP_V2_EVENT, HWTSTAMP_FILTER_ALL},
    {HWTSTAMP_FILTER_PTP_V2_L2_EVENT, HWTSTAMP_FILTER_PTP_V2_EVENT, HWTSTAMP_FILTER_ALL},
};

/* The order to ask in: what may serve whoever set the present filter as well goes first. */
static const unsigned *order_beside(int present)
{
    static const unsigned alone[REQUESTS] = {0, 1, 2}, ptp[REQUESTS] = {1, 2, 0}, other[REQUESTS] = {2, 1, 0};
    if (present == HWTSTAMP_FILTER_NONE)
        return alone;
    return present >= HWTSTAMP_FILTER_PTP_V2_L4_EVENT && present <= HWTSTAMP_FILTER_PTP_V2_DELAY_REQ ? ptp
                                                                                                     : other;
}

/* As ethtool -T calls them. */
static const char *filter_name(int filter)
{
    static const char *const names[] = {
        [HWTSTAMP_FILTER_NONE] = "none",
        [HWTSTAMP_FILTER_ALL] = "all",
        [HWTSTAMP_FILTER_SOME] = "some",
        [HWTSTAMP_FILTER_PTP_V1_L4_EVENT] = "ptpv1-l4-event",
        [HWTSTAMP_FILTER_PTP_V1_L4_SYNC] = "ptpv1-l4-sync",
        [HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ] = "ptpv1-l4-delay-req",
        [HWTSTAMP_FILTER_PTP_V2_L4_EVENT] = "ptpv2-l4-event",
        [HWTSTAMP_FILTER_PTP_V2_L4_SYNC] = "ptpv2-l4-sync",
        [HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ] = "ptpv2-l4-delay-req",
        [HWTSTAMP_FILTER_PTP_V2_L2_EVENT] = "ptpv2-l2-event",
        [HWTSTAMP_FILTER_PTP_V2_L2_SYNC] = "ptpv2-l2-sync",
        [HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ] = "ptpv2-l2-delay-req",
        [HWTSTAMP_FILTER_PTP_V2_EVENT] = "ptpv2-event",
        [HWTSTAMP_FILTER_PTP_V2_SYNC] = "ptpv2-sync",
        [HWTSTAMP_FILTER_PTP_V2_DELAY_REQ] = "ptpv2-delay-req",
        [HWTSTAMP_FILTER_NTP_ALL] = "ntp-all",
    };
    const bool known = filter >= 0 && filter < (int)(sizeof(names) / sizeof(names[0])) && names[filter];
    return known ? names[filter] : "unknown";
}

static const char *tx_name(int tx_type)
{
    static const char *const names[] = {
        [HWTSTAMP_TX_OFF] = "off",
        [HWTSTAMP_TX_ON] = "on",
        [HWTSTAMP_TX_ONESTEP_SYNC] = "onestep-sync",
        [HWTSTAMP_TX_ONESTEP_P2P] = "onestep-p2p",
    };
    return tx_type >= 0 && tx_type <= HWTSTAMP_TX_ONESTEP_P2P ? names[tx_type] : "unknown";
}

static int tx_type_of(const struct hwtstamp_need *need)
{
    return need->one_step ? HWTSTAMP_TX_ONESTEP_SYNC : HWTSTAMP_TX_ON;
}

static bool serves(const struct hwtstamp_need *need, const struct hwtstamp_config *c)
{
    if (c->tx_type != tx_type_of(need))
        return false;
    for (unsigned i = 0; i < REQUESTS; i++)
        if (filters[need->ethernet][i] == c->rx_filter)
            return true;
    return false;
}

/* HWTSTAMP_FILTER_SOME, "all packets requested plus some others", serves who asked, and nobody else. */
static bool grants(const struct hwtstamp_need *need, const struct hwtstamp_config *c)
{
    struct hwtstamp_config asked = *c;
    if (asked.rx_filter == HWTSTAMP_FILTER_SOME)
        asked.rx_filter = HWTSTAMP_FILTER_ALL;
    return serves(need, &asked);
}

/* Another filter may do better: drivers differ in what they say of one they do not have. */
static bool is_about_the_filter(int error)
{
    return error == -ERANGE || error == -EINVAL || error == -EOPNOTSUPP;
}

struct refusals {
    char *text;
    int size, len;
};

static void refused(struct refusals *r, int filter, const char *how, const char *what)
{
    const int n = snprintf(r->text + r->len, (size_t)(r->size - r->len), "%s%s %s%s", r->len ? ", " : "",
                           filter_name(filter), how, what);
    r->len = n < r->size - r->len ? r->len + n : r->size - 1;
}

/* One setting: 0 if it is granted and in force, or -errno. */
static int ask(const struct hwtstamp_need *need, int filter, hwtstamp_ioctl fn, void *ctx, struct refusals *r)
{
    struct hwtstamp_config c = {.tx_type = tx_type_of(need), .rx_filter = filter};
    const int error = fn(ctx, SIOCSHWTSTAMP, &c);
    if (error) {
        refused(r, filter, "refused: ", strerror(-error));
        return error;
    }
    struct hwtstamp_config now = {0};
    if (grants(need, &c) && fn(ctx, SIOCGHWTSTAMP, &now) == 0) /* not every driver can be asked back */
        c = now;
    if (grants(need, &c))
        return 0;
    if (c.tx_type != tx_type_of(need))
        refused(r, filter, "answered with transmit stamps ", tx_name(c.tx_type));
    else
        refused(r, filter, "answered with ", filter_name(c.rx_filter));
    return -ERANGE;
}

int hwtstamp_negotiate(const struct hwtstamp_need *need, hwtstamp_ioctl fn, void *ctx, char *why,
                       int why_size)
{
    struct hwtstamp_config present = {0};
    struct refusals r = {.text = why, .size = why_size};
    const bool known = fn(ctx, SIOCGHWTSTAMP, &present) == 0;
    if (known && serves(need, &present))
        return 0;
    const unsigned *order = order_beside(known ? present.rx_filter : HWTSTAMP_FILTER_NONE);
    int error = -ERANGE;
    for (unsigned i = 0; i < REQUESTS && is_about_the_filter(error); i++)
        error = ask(need, filters[need->ethernet][order[i]], fn, ctx, &r);
    return error ? error : 1;
}
