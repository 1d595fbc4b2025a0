/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/neighbour.h"

#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAC_LEN 6

struct request {
    struct nlmsghdr header;
    struct ndmsg neighbour;
    uint8_t attributes[RTA_SPACE(16) + RTA_SPACE(MAC_LEN)];
};

static void add_attribute(struct request *r, unsigned short type, const void *data, size_t len)
{
    struct rtattr *a = (struct rtattr *)((uint8_t *)r + NLMSG_ALIGN(r->header.nlmsg_len));
    a->rta_type = type;
    a->rta_len = (unsigned short)RTA_LENGTH(len);
    memcpy(RTA_DATA(a), data, len);
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + (uint32_t)RTA_SPACE(len);
}

/* RFC 1112 section 6.4, RFC 2464 section 7 */
static void group_mac(int family, const uint8_t *group, uint8_t *mac)
{
    if (family == AF_INET)
        memcpy(mac, (uint8_t[]){0x01, 0x00, 0x5E, group[1] & 0x7F, group[2], group[3]}, MAC_LEN);
    else
        memcpy(mac, (uint8_t[]){0x33, 0x33, group[12], group[13], group[14], group[15]}, MAC_LEN);
}

void neighbour_pin_group(int family, const void *group, int ifindex)
{
    uint8_t mac[MAC_LEN];
    struct request r = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
                   .nlmsg_type = RTM_NEWNEIGH,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE},
        .neighbour = {.ndm_family = (uint8_t)family, .ndm_ifindex = ifindex, .ndm_state = NUD_PERMANENT},
    };
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return;
    group_mac(family, group, mac);
    add_attribute(&r, NDA_DST, group, family == AF_INET ? 4 : 16);
    add_attribute(&r, NDA_LLADDR, mac, MAC_LEN);
    send(fd, &r, r.header.nlmsg_len, MSG_DONTWAIT);
    close(fd);
}
