/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transports' sockets share. */
#include "gmd/net/socket.h"

#include <errno.h>
#include <fcntl.h>
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

int socket_receive(int fd, struct datagram *d, void *peer, socklen_t peer_len, uint8_t *buf, size_t size,
                   struct transport_counters *counters)
{
    d->iov = (struct iovec){.iov_base = buf, .iov_len = size};
    d->msg = (struct msghdr){.msg_name = peer,
                             .msg_namelen = peer_len,
                             .msg_iov = &d->iov,
                             .msg_iovlen = 1,
                             .msg_control = d->control,
                             .msg_controllen = sizeof(d->control)};
    ssize_t got = recvmsg(fd, &d->msg, MSG_DONTWAIT);
    if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            return 0;
        counters->rx_errors++;
        return -errno;
    }
    if (d->msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        counters->rx_truncated++;
        return -EMSGSIZE;
    }
    d->len = (size_t)got;
    return 1;
}

void socket_add_control(struct msghdr *msg, int level, int type, const void *data, size_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)msg->msg_control + msg->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    msg->msg_controllen += CMSG_SPACE(len);
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
