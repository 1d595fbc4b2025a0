/* SPDX-License-Identifier: BSD-2-Clause */
/* Interface queries by ioctl, and hardware time stamping turned on. */
#include "gmd/net/interface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gmd/net/stacked.h"

#define HARDWARE_TX (SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)
#define HARDWARE_RX (SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE)
#define SOFTWARE    (SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE)

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

/* base: where the frames of the interface are stamped. */
static void explain(const char *name, const struct stacked *base, const char *lacks, char *why, size_t size)
{
    char stack[88];
    const bool itself = strcmp(name, base->name) == 0;
    stacked_describe(base, stack, sizeof(stack));
    switch (base->kind) {
    case STACKED_BOND:
        snprintf(why, size, "%s: its PHC changes with the active one, use these", stack);
        break;
    case STACKED_BRIDGE:
        snprintf(why, size, "%s and has no hardware clock (PHC)", stack);
        break;
    case STACKED_VLAN:
    case STACKED_MACVLAN:
        snprintf(why, size, "%s: what is under it %s", stack, lacks);
        break;
    case STACKED_NOT:
        snprintf(why, size, "%s%sthe driver %s %s", itself ? "" : base->name, itself ? "" : ": ",
                 base->driver[0] ? base->driver : "of the interface", lacks);
        break;
    }
}

/* A bond lets its active interface answer, directly or through a VLAN: not for long. */
static void query_stamping(int fd, struct ifreq *request, struct interface_info *info)
{
    const struct stacked base = stacked_foundation(fd, request->ifr_name);
    struct ethtool_ts_info ts = {.cmd = ETHTOOL_GET_TS_INFO, .phc_index = -1};
    if (ethtool(fd, request, &ts) < 0)
        ts = (struct ethtool_ts_info){.phc_index = -1, .so_timestamping = SOFTWARE};
    if (base.kind == STACKED_BOND)
        ts.phc_index = -1;
    const char *lacks = missing(&ts);
    info->phc_index = ts.phc_index;
    info->software_stamping = (ts.so_timestamping & SOFTWARE) == SOFTWARE;
    info->hardware_stamping = !lacks;
    info->one_step_sync = !lacks && (ts.tx_types & 1u << HWTSTAMP_TX_ONESTEP_SYNC);
    if (lacks)
        explain(request->ifr_name, &base, lacks, info->why_not_hardware, sizeof(info->why_not_hardware));
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

struct settings {
    int fd;
    const char *name;
};

static int settings_ioctl(void *ctx, unsigned long command, struct hwtstamp_config *config)
{
    const struct settings *s = ctx;
    struct ifreq request = {.ifr_data = (void *)config};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%.15s", s->name);
    return ioctl(s->fd, command, &request) < 0 ? -errno : 0;
}

/* A VLAN or macvlan hands the request down, but not in every kernel and network namespace. */
static int stamp_in_hardware(int fd, const char *name, const struct hwtstamp_need *need, char *why, int size)
{
    int result = hwtstamp_negotiate(need, settings_ioctl, &(struct settings){fd, name}, why, size);
    if (result != -EOPNOTSUPP)
        return result;
    const struct stacked base = stacked_foundation(fd, name);
    if (strcmp(base.name, name) == 0)
        return result;
    return hwtstamp_negotiate(need, settings_ioctl, &(struct settings){fd, base.name}, why, size);
}

int interface_stamp_in_hardware(const char *name, const struct hwtstamp_need *need, char *error,
                                int error_size)
{
    char why[128] = "";
    struct ifreq request;
    int fd = open_query(name, &request);
    int result = fd < 0 ? -errno : stamp_in_hardware(fd, request.ifr_name, need, why, sizeof(why));
    if (result == -EPERM)
        snprintf(why, sizeof(why), "not permitted (needs CAP_NET_ADMIN)");
    errno = -result;
    if (result < 0)
        snprintf(error, error_size, "%s: hardware time stamping cannot be turned on: %s", name,
                 why[0] && result != -ENODEV ? why : reason());
    if (fd >= 0)
        close(fd);
    return result < 0 ? -1 : result;
}

int interface_enable_hardware_stamping(const char *name, bool ethernet, char *error, int error_size)
{
    const struct hwtstamp_need need = {.ethernet = ethernet};
    return interface_stamp_in_hardware(name, &need, error, error_size) < 0 ? -1 : 0;
}
