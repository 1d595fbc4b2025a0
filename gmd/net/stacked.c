/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies under an interface: the links lower_* in its directory of /sys/class/net. */
#include "gmd/net/stacked.h"

#include <dirent.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define LOWER       "lower_"
#define NESTING_MAX 8 /* MAX_NEST_DEV of the kernel */

static const struct {
    const char *driver;
    enum stacked_kind kind;
    const char *what;
} kinds[] = {
    {"802.1Q VLAN Support", STACKED_VLAN, "VLAN"},
    {"macvlan", STACKED_MACVLAN, "macvlan"},
    {"bonding", STACKED_BOND, "bond"},
    {"team", STACKED_BOND, "team"},
    {"bridge", STACKED_BRIDGE, "bridge"},
};

static void read_driver(int fd, struct stacked *s)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request = {.ifr_data = (void *)&info};
    memcpy(request.ifr_name, s->name, sizeof(s->name));
    if (ioctl(fd, SIOCETHTOOL, &request) < 0)
        info.driver[0] = '\0';
    snprintf(s->driver, sizeof(s->driver), "%.31s", info.driver);
}

static void read_lower(struct stacked *s)
{
    char path[64];
    snprintf(path, sizeof(path), "/sys/class/net/%s", s->name);
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strncmp(e->d_name, LOWER, strlen(LOWER)) != 0)
            continue;
        if (s->lower_count < STACKED_LOWER_MAX)
            snprintf(s->lower[s->lower_count], IFNAMSIZ, "%.15s", e->d_name + strlen(LOWER));
        s->lower_count++;
    }
    closedir(dir);
}

static struct stacked look_at(int fd, const char *name)
{
    struct stacked s = {.kind = STACKED_NOT, .what = ""};
    snprintf(s.name, sizeof(s.name), "%.15s", name);
    read_driver(fd, &s);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].driver, s.driver) == 0) {
            s.kind = kinds[i].kind;
            s.what = kinds[i].what;
            read_lower(&s);
        }
    }
    return s;
}

static bool rests_on_one(const struct stacked *s)
{
    return (s->kind == STACKED_VLAN || s->kind == STACKED_MACVLAN) && s->lower_count == 1;
}

struct stacked stacked_foundation(int fd, const char *name)
{
    struct stacked s = look_at(fd, name);
    for (int i = 0; i < NESTING_MAX && rests_on_one(&s); i++)
        s = look_at(fd, s.lower[0]);
    return s;
}

const char *stacked_describe(const struct stacked *s, char *text, int size)
{
    int len = snprintf(text, (size_t)size, "%s is a %s", s->name, s->what);
    for (unsigned i = 0; i < s->lower_count && i < STACKED_LOWER_MAX && len < size; i++)
        len += snprintf(text + len, (size_t)(size - len), "%s%s", i ? ", " : " of ", s->lower[i]);
    if (s->lower_count > STACKED_LOWER_MAX && len < size)
        snprintf(text + len, (size_t)(size - len), ", ...");
    return text;
}
