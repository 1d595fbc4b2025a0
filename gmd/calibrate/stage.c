/* SPDX-License-Identifier: BSD-2-Clause */
/* A frame through a veth is received by whoever sent it, unless the receiving end polls in a thread of its
 * own (threaded NAPI, Linux 5.12; of a veth only with GRO, and for what comes from an end without TSO): so
 * each side's work stays on its side. */
#include "gmd/calibrate/stage.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREAD_TRIES   100
#define THREAD_WAIT_NS 10000000L
/* Ends with equal indices learn of their carrier up to a second late: the kernel takes them for devices
 * without a lower one and delays the event. */
#define NEAR_INDEX 100
#define FAR_INDEX  101

static int complain(const char *what, char *error, int error_size)
{
    const int number = errno;
    snprintf(error, (size_t)error_size, "%s: %s%s", what, strerror(number),
             number == EPERM || number == EACCES ? " (needs root)" : "");
    return -1;
}

int stage_cores(struct stage_cores *cores, char *error, int error_size)
{
    if (sched_getaffinity(0, sizeof cores->clients, &cores->clients) < 0)
        return complain("which cores there are", error, error_size);
    cores->count = CPU_COUNT(&cores->clients);
    cores->server_core = CPU_SETSIZE - 1;
    while (!CPU_ISSET(cores->server_core, &cores->clients))
        cores->server_core--;
    CPU_ZERO(&cores->server);
    CPU_SET(cores->server_core, &cores->server);
    if (cores->count > 1)
        CPU_CLR(cores->server_core, &cores->clients);
    return 0;
}

static int write_text(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const ssize_t written = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    return written < 0 ? -1 : 0;
}

int stage_enter(char *error, int error_size)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
        return complain("a network namespace", error, error_size);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
        mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0)
        return complain("/sys and /run in a mount namespace", error, error_size);
    /* the host's own setting would be inherited; in vain on a read-only /proc, which is no harm */
    write_text("/proc/sys/net/ipv4/ip_forward", "0");
    return 0;
}

/* --- the veth pair --------------------------------------------------------------------------------- */

struct request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    uint8_t attributes[256];
};

static struct rtattr *add_attribute(struct request *r, unsigned short type, const void *data, size_t len)
{
    struct rtattr *a = (struct rtattr *)((uint8_t *)r + NLMSG_ALIGN(r->header.nlmsg_len));
    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(len);
    if (len > 0)
        memcpy(RTA_DATA(a), data, len);
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + (uint32_t)RTA_SPACE(len);
    return a;
}

/* What was added since belongs to it. */
static void close_attribute(const struct request *r, struct rtattr *a)
{
    a->rta_len = (unsigned short)((const uint8_t *)r + r->header.nlmsg_len - (const uint8_t *)a);
}

static void ask_for_pair(struct request *r, const char *near, const struct stage_far *far)
{
    const struct ifinfomsg far_link = {.ifi_index = FAR_INDEX};
    const uint32_t pid = (uint32_t)far->process;
    *r = (struct request){
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK},
        .link = {.ifi_index = NEAR_INDEX},
    };
    add_attribute(r, IFLA_IFNAME, near, strlen(near) + 1);
    struct rtattr *info = add_attribute(r, IFLA_LINKINFO, NULL, 0);
    add_attribute(r, IFLA_INFO_KIND, "veth", strlen("veth"));
    struct rtattr *data = add_attribute(r, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *peer = add_attribute(r, VETH_INFO_PEER, &far_link, sizeof far_link);
    add_attribute(r, IFLA_IFNAME, far->name, strlen(far->name) + 1);
    add_attribute(r, IFLA_ADDRESS, far->mac, sizeof far->mac);
    add_attribute(r, IFLA_NET_NS_PID, &pid, sizeof pid);
    close_attribute(r, peer);
    close_attribute(r, data);
    close_attribute(r, info);
}

int stage_cable(const char *near, const struct stage_far *far, char *error, int error_size)
{
    struct request r;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr result;
        uint8_t more[512];
    } answer = {.result.error = -EIO};
    ask_for_pair(&r, near, far);
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return complain("netlink", error, error_size);
    if (send(fd, &r, r.header.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0)
        answer.result.error = -errno;
    close(fd);
    errno = -answer.result.error;
    return errno ? complain("a veth pair", error, error_size) : 0;
}

/* --- interfaces and routes ------------------------------------------------------------------------- */

static struct sockaddr socket_address(uint32_t address)
{
    struct sockaddr any;
    const struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    memcpy(&any, &in, sizeof any);
    return any;
}

static int bring_up(int fd, const char *name, struct stage_network own)
{
    struct ethtool_value gro = {.cmd = ETHTOOL_SGRO, .data = 1}, tso = {.cmd = ETHTOOL_STSO, .data = 0};
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_addr = socket_address(own.address);
    if (ioctl(fd, SIOCSIFADDR, &request) < 0)
        return -1;
    request.ifr_netmask = socket_address(own.mask);
    if (ioctl(fd, SIOCSIFNETMASK, &request) < 0)
        return -1;
    request.ifr_flags = IFF_UP | IFF_MULTICAST | IFF_BROADCAST;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return -1;
    request.ifr_data = (char *)&tso;
    if (ioctl(fd, SIOCETHTOOL, &request) < 0)
        return -1;
    request.ifr_data = (char *)&gro;
    return ioctl(fd, SIOCETHTOOL, &request);
}

static bool is_receive_thread(const char *pid, const char *interface)
{
    char path[64], comm[64] = "", wanted[IFNAMSIZ + 8];
    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    snprintf(wanted, sizeof wanted, "napi/%s-", interface);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const ssize_t len = read(fd, comm, sizeof comm - 1);
    close(fd);
    return len > 0 && strncmp(comm, wanted, strlen(wanted)) == 0;
}

static pid_t find_receive_thread(const char *interface)
{
    DIR *proc = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *e; proc && !found && (e = readdir(proc));)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && is_receive_thread(e->d_name, interface))
            found = (pid_t)strtol(e->d_name, NULL, 10);
    if (proc)
        closedir(proc);
    return found;
}

/* Its name comes a moment after it. */
static pid_t await_receive_thread(const char *interface)
{
    pid_t thread = 0;
    for (int i = 0; i < THREAD_TRIES && (thread = find_receive_thread(interface)) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = THREAD_WAIT_NS}, NULL);
    return thread;
}

int stage_interface(const char *name, struct stage_network own, const cpu_set_t *cores, pid_t *thread,
                    char *error, int error_size)
{
    char path[80];
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int result = fd < 0 ? -1 : bring_up(fd, name, own);
    if (result < 0)
        complain("setting up a veth", error, error_size);
    if (fd >= 0)
        close(fd);
    if (result < 0)
        return -1;
    snprintf(path, sizeof path, "/sys/class/net/%s/threaded", name);
    if (write_text(path, "1") < 0)
        return complain("receiving in a thread (needs Linux 5.12)", error, error_size);
    *thread = await_receive_thread(name);
    if (*thread == 0) {
        snprintf(error, (size_t)error_size,
                 "the kernel's threads cannot be seen: not within a container's process namespace");
        return -1;
    }
    if (sched_setaffinity(*thread, sizeof *cores, cores) < 0)
        return complain("placing the receiving thread", error, error_size);
    return 0;
}

int stage_route(struct stage_network to, uint32_t gateway, const uint8_t mac[6], char *error, int error_size)
{
    struct rtentry route = {
        .rt_dst = socket_address(to.address),
        .rt_genmask = socket_address(to.mask),
        .rt_gateway = socket_address(gateway),
        .rt_flags = RTF_UP | RTF_GATEWAY,
    };
    struct arpreq neighbour = {
        .arp_pa = route.rt_gateway, .arp_ha.sa_family = ARPHRD_ETHER, .arp_flags = ATF_PERM | ATF_COM};
    memcpy(neighbour.arp_ha.sa_data, mac, 6);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool done = fd >= 0 && ioctl(fd, SIOCADDRT, &route) == 0 && ioctl(fd, SIOCSARP, &neighbour) == 0;
    if (!done)
        complain("a route", error, error_size);
    if (fd >= 0)
        close(fd);
    return done ? 0 : -1;
}
