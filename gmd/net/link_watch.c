/* SPDX-License-Identifier: BSD-2-Clause */
/* Link changes by rtnetlink (rtnetlink(7)). */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gmd/net/interface.h"

int link_watch_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* A notification is one message, and its head is all that matters: the rest may be cut off. */
struct notification {
    struct nlmsghdr header;
    struct ifinfomsg link;
};

int link_watch_read(int fd)
{
    struct notification n = {0};
    struct sockaddr_nl from = {0};
    for (;;) {
        socklen_t from_len = sizeof(from);
        ssize_t len = recvfrom(fd, &n, sizeof(n), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : 1; /* ENOBUFS: some were lost */
        /* nl_pid 0: the kernel. AF_BRIDGE: a port left or joined a bridge, the link itself did not change. */
        if ((size_t)len < sizeof(n) || from.nl_pid != 0 || n.link.ifi_family != AF_UNSPEC)
            continue;
        if (n.header.nlmsg_type == RTM_NEWLINK || n.header.nlmsg_type == RTM_DELLINK)
            return 1;
    }
}
