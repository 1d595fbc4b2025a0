/* SPDX-License-Identifier: BSD-2-Clause */
/* Interface queries by ioctl, and hardware time stamping switched on. */
#include "gmd/net/interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HARDWARE_TX (SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)
#define HARDWARE_RX (SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)
#define SOFTWARE    (SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE)

/* Receive filters that cover PTPv2 event messages over UDP and over Ethernet, narrowest first. */
static const enum hwtstamp_rx_filters udp_filters[] = {HWTSTAMP_FILTER_PTP_V2_L4_EVENT,
                                                       HWTSTAMP_FILTER_PTP_V2_EVENT, HWTSTAMP_FILTER_ALL};
static const enum hwtstamp_rx_filters ethernet_filters[] = {
    HWTSTAMP_FILTER_PTP_V2_L2_EVENT, HWTSTAMP_FILTER_PTP_V2_EVENT, HWTSTAMP_FILTER_ALL};
#define FILTERS 3

static bool filter_serves(const enum hwtstamp_rx_filters *filters, int filter)
{
    for (int i = 0; i < FILTERS; i++)
        if ((int)filters[i] == filter)
            return true;
    return false;
}

static int open_query(const char *name, struct ifreq *request)
{
    memset(request, 0, sizeof(*request));
    if (strlen(name) >= sizeof(request->ifr_name)) {
        errno = ENODEV;
        return -1;
    }
    memcpy(request->ifr_name, name, strlen(name));
    return socket(AF_INET, SOCK_DGRAM, 0);
}

static int ethtool(int fd, struct ifreq *request, void *command)
{
    request->ifr_data = command;
    return ioctl(fd, SIOCETHTOOL, request);
}

/* Devices on top of others show the lower one's abilities under a driver name of their own. */
static const struct {
    const char *driver, *subject;
} stacked[] = {
    {"802.1Q VLAN Support", "the interface under this VLAN"},
    {"macvlan", "the interface under this macvlan"},
    {"bonding", "the active interface of this bond"},
    {"team", "the active interface of this team"},
    {"bridge", "a bridge"},
};

static void name_subject(int fd, struct ifreq *request, char *subject, size_t size)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    if (ethtool(fd, request, &info) < 0 || !info.driver[0]) {
        snprintf(subject, size, "the interface's driver");
        return;
    }
    for (size_t i = 0; i < sizeof(stacked) / sizeof(stacked[0]); i++) {
        if (strcmp(info.driver, stacked[i].driver) == 0) {
            snprintf(subject, size, "%s", stacked[i].subject);
            return;
        }
    }
    snprintf(subject, size, "the driver %.31s", info.driver);
}

/* What is missing for hardware stamping, or NULL. */
static const char *missing(const struct ethtool_ts_info *ts)
{
    const uint32_t need = 1u << HWTSTAMP_FILTER_PTP_V2_L4_EVENT | 1u << HWTSTAMP_FILTER_PTP_V2_L2_EVENT |
                          1u << HWTSTAMP_FILTER_PTP_V2_EVENT | 1u << HWTSTAMP_FILTER_ALL;
    if (ts->phc_index < 0)
        return "has no hardware clock (PHC)";
    if ((ts->so_timestamping & HARDWARE_TX) != HARDWARE_TX || !(ts->tx_types & 1u << HWTSTAMP_TX_ON))
        return "cannot stamp sent frames in hardware";
    if ((ts->so_timestamping & HARDWARE_RX) != HARDWARE_RX || !(ts->rx_filters & need))
        return "cannot stamp received PTP event messages in hardware";
    return NULL;
}

static void query_stamping(int fd, struct ifreq *request, struct interface_info *info)
{
    struct ethtool_ts_info ts = {.cmd = ETHTOOL_GET_TS_INFO, .phc_index = -1};
    if (ethtool(fd, request, &ts) < 0)
        ts = (struct ethtool_ts_info){.phc_index = -1, .so_timestamping = SOFTWARE};
    const char *lacks = missing(&ts);
    info->phc_index = ts.phc_index;
    info->software_stamping = (ts.so_timestamping & SOFTWARE) == SOFTWARE;
    info->hardware_stamping = !lacks;
    if (lacks) {
        char subject[64];
        name_subject(fd, request, subject, sizeof(subject));
        snprintf(info->why_not_hardware, sizeof(info->why_not_hardware), "%s %s", subject, lacks);
    }
}

static int query(int fd, struct ifreq *request, struct interface_info *info)
{
    if (ioctl(fd, SIOCGIFINDEX, request) < 0)
        return -1;
    info->index = request->ifr_ifindex;
    if (ioctl(fd, SIOCGIFFLAGS, request) < 0)
        return -1;
    info->up = (request->ifr_flags & IFF_UP) && (request->ifr_flags & IFF_RUNNING);
    if (ioctl(fd, SIOCGIFHWADDR, request) < 0)
        return -1;
    memcpy(info->mac, request->ifr_hwaddr.sa_data, sizeof(info->mac));
    query_stamping(fd, request, info);
    return 0;
}

static const char *reason(void)
{
    return errno == ENODEV ? "no such interface" : strerror(errno);
}

int interface_query(const char *name, struct interface_info *info, char *error, int error_size)
{
    struct ifreq request;
    *info = (struct interface_info){.phc_index = -1};
    int fd = open_query(name, &request);
    int result = fd < 0 ? -1 : query(fd, &request, info);
    if (result < 0)
        snprintf(error, error_size, "%s: %s", name, reason());
    if (fd >= 0)
        close(fd);
    return result;
}

static int enable(int fd, const char *name, const enum hwtstamp_rx_filters *filters)
{
    struct hwtstamp_config config = {0};
    struct ifreq request = {.ifr_data = (void *)&config};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    /* What another program has set up and serves us too is left alone. */
    if (ioctl(fd, SIOCGHWTSTAMP, &request) == 0 && config.tx_type == HWTSTAMP_TX_ON &&
        filter_serves(filters, config.rx_filter))
        return 0;
    for (int i = 0; i < FILTERS; i++) {
        config = (struct hwtstamp_config){.tx_type = HWTSTAMP_TX_ON, .rx_filter = filters[i]};
        if (ioctl(fd, SIOCSHWTSTAMP, &request) == 0) {
            /* Drivers answer with what they really do, which may be wider. */
            if (config.tx_type == HWTSTAMP_TX_ON && filter_serves(filters, config.rx_filter))
                return 0;
            errno = ERANGE;
        } else if (errno != ERANGE) {
            return -1;
        }
    }
    return -1;
}

int interface_enable_hardware_stamping(const char *name, bool ethernet, char *error, int error_size)
{
    struct ifreq request;
    int fd = open_query(name, &request);
    int result = fd < 0 ? -1 : enable(fd, request.ifr_name, ethernet ? ethernet_filters : udp_filters);
    if (result < 0)
        snprintf(error, error_size, "%s: hardware time stamping cannot be turned on: %s", name,
                 errno == ERANGE ? "the driver has no filter for PTP event messages" : reason());
    if (fd >= 0)
        close(fd);
    return result;
}
