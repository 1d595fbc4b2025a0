/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transports' sockets share. */
#include "gmd/net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int socket_open(int domain, int type, int protocol)
{
    int fd = socket(domain, type, protocol);
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int socket_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

int socket_bind_interface(int fd, const char *interface)
{
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface) + 1);
}

int socket_interface(int fd, const char *interface, int *index, uint8_t *mac)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
        return -1;
    *index = request.ifr_ifindex;
    if (mac && ioctl(fd, SIOCGIFHWADDR, &request) < 0)
        return -1;
    if (mac)
        memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    return 0;
}

/* Some 1,400 PTP messages, which the kernel charges 768 bytes each: 10 ms of a flood. A longer queue would
 * only make its clients wait. */
#define QUEUE_BYTES (1 << 19)

void socket_set_queue(int fd)
{
    if (socket_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, QUEUE_BYTES) < 0)
        socket_set(fd, SOL_SOCKET, SO_RCVBUF, QUEUE_BYTES);
}

/* 40,000 frames: more than the guard lets strangers ask for in that time. One neighbour holds 200 kB at most
 * (unres_qlen_bytes), which is just what a socket has without this. */
#define PATIENCE_BYTES (1 << 24)

void socket_set_patience(int fd)
{
    if (socket_set(fd, SOL_SOCKET, SO_SNDBUFFORCE, PATIENCE_BYTES) < 0)
        socket_set(fd, SOL_SOCKET, SO_SNDBUF, PATIENCE_BYTES);
}

void socket_count_drops(struct transport *t, int fd, uint32_t *seen)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
        return;
    t->counters.rx_dropped += info[SK_MEMINFO_DROPS] - *seen;
    *seen = info[SK_MEMINFO_DROPS];
}

static const char *reason(int error)
{
    switch (error) {
    case ENODEV:
    case ENXIO:
        return "no such interface";
    case EADDRINUSE:
        return "another program serves PTP there";
    case EADDRNOTAVAIL:
        return "the interface has no address of this kind";
    case EPERM:
    case EACCES:
        return "not permitted (needs CAP_NET_BIND_SERVICE for UDP, CAP_NET_RAW for Ethernet)";
    default:
        return strerror(error);
    }
}

void socket_complain(const char *what, char *error, int error_size)
{
    snprintf(error, error_size, "%s: %s", what, reason(errno));
}
