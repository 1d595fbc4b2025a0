/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATISTICS_MAX 4096

static bool ask(const char *interface, void *command)
{
    struct ifreq request = {.ifr_data = command};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const bool answered = fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0;
    if (fd >= 0)
        close(fd);
    return answered;
}

bool ethtool_is_veth(const char *interface)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    return ask(interface, &info) && strcmp(info.driver, "veth") == 0;
}

static uint32_t count_statistics(const char *interface)
{
    struct ethtool_sset_info *set = calloc(1, sizeof(*set) + sizeof(uint32_t));
    uint32_t count = 0;
    if (set) {
        *set = (struct ethtool_sset_info){.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_STATS};
        if (ask(interface, set) && set->sset_mask && set->data[0] <= STATISTICS_MAX)
            count = set->data[0];
    }
    free(set);
    return count;
}

/* As drivers name it: rx_queue_0_xdp_tx, rx_queue_0_xdp_tx_errors; rx_xdp_tx, rx_xdp_tx_err; ... */
static void add(struct ethtool_answers *a, const char *name, uint64_t value)
{
    static const char ours[] = "xdp_tx";
    char text[ETH_GSTRING_LEN + 1] = "";
    memcpy(text, name, ETH_GSTRING_LEN);
    const char *found = strstr(text, ours);
    const char *rest = found ? found + strlen(ours) : "?";
    if (*rest == '\0')
        a->sent += value;
    else if (strncmp(rest, "_err", 4) == 0)
        a->lost += value;
}

struct ethtool_answers ethtool_answers(const char *interface)
{
    const uint32_t count = count_statistics(interface);
    struct ethtool_gstrings *names = calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
    struct ethtool_stats *values = calloc(1, sizeof(*values) + (size_t)count * sizeof(uint64_t));
    struct ethtool_answers answers = {0};
    if (names && values && count > 0) {
        *names = (struct ethtool_gstrings){.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = count};
        *values = (struct ethtool_stats){.cmd = ETHTOOL_GSTATS, .n_stats = count};
        if (ask(interface, names) && ask(interface, values))
            for (uint32_t i = 0; i < count; i++)
                add(&answers, (const char *)names->data + (size_t)i * ETH_GSTRING_LEN, values->data[i]);
    }
    free(names);
    free(values);
    return answers;
}
