/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP over Ethernet (IEEE 1588-2019 annex E): one packet socket; the kernel writes and strips the header. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/net/socket.h"
#include "gmd/net/stamper.h"

static const uint8_t primary_mac[ETH_ALEN] = {0x01, 0x1B, 0x19, 0x00, 0x00, 0x00};
static const uint8_t peer_mac[ETH_ALEN] = {0x01, 0x80, 0xC2,
                                           0x00, 0x00, 0x0E}; /* bridges do not forward it */

struct ethernet {
    struct transport transport;
    struct stamper stamper;
    int index;
};

static int ethernet_send(struct transport *t, const struct frame_out *f)
{
    struct ethernet *e = (struct ethernet *)t;
    struct sockaddr_ll peer = {.sll_family = AF_PACKET,
                               .sll_protocol = htons(ETH_P_1588),
                               .sll_ifindex = e->index,
                               .sll_halen = ETH_ALEN};
    _Alignas(struct cmsghdr) uint8_t control[STAMPER_CONTROL] = {0};
    struct iovec iov = {.iov_base = (void *)f->bytes, .iov_len = f->len};
    struct msghdr msg = {.msg_name = &peer,
                         .msg_namelen = sizeof(peer),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control};
    const uint8_t *mac = f->destination == DEST_UNICAST          ? f->to.bytes
                         : f->destination == DEST_PEER_MULTICAST ? peer_mac
                                                                 : primary_mac;
    memcpy(peer.sll_addr, mac, ETH_ALEN);
    int result = -EAFNOSUPPORT;
    if (f->destination != DEST_UNICAST || f->to.family == ADDRESS_MAC)
        result = stamper_send(&e->stamper, &msg, f);
    if (result < 0)
        t->counters.tx_errors++;
    return result;
}

/* versionPTP and messageType are checked by the codec; messageType's upper bit tells the channels apart. */
static enum channel channel_of(const uint8_t *bytes, size_t len)
{
    return len > 0 && (bytes[0] & 0x08) ? CHANNEL_GENERAL : CHANNEL_EVENT;
}

static int ethernet_receive(struct transport *t, struct frame_in *f, struct raw_stamp *stamp, uint8_t *buf,
                            size_t size)
{
    struct ethernet *e = (struct ethernet *)t;
    struct sockaddr_ll peer = {0};
    struct datagram d;
    int result = socket_receive(t->fds[0], &d, &peer, sizeof(peer), buf, size, &t->counters);
    if (result <= 0)
        return result;
    /* Own frames, and others' that a promiscuous interface lets through, are no error, but a flood of them
     * must use up the caller's budget too. */
    if (peer.sll_pkttype == PACKET_OUTGOING || peer.sll_pkttype == PACKET_OTHERHOST)
        return -EAGAIN;
    *f = (struct frame_in){.bytes = buf,
                           .len = d.len,
                           .channel = channel_of(buf, d.len),
                           .from.family = ADDRESS_MAC,
                           .multicast = peer.sll_pkttype != PACKET_HOST};
    memcpy(f->from.bytes, peer.sll_addr, ETH_ALEN);
    *stamp = stamper_received(&e->stamper, &d.msg);
    return 1;
}

static int ethernet_tx_stamp(struct transport *t, uint32_t *token, struct raw_stamp *stamp)
{
    return stamper_take(&((struct ethernet *)t)->stamper, &t->counters, token, stamp);
}

static void ethernet_close(struct transport *t)
{
    if (t->fds[0] >= 0)
        close(t->fds[0]);
    free(t);
}

static const struct transport_ops ethernet_ops = {
    .name = "ethernet",
    .send = ethernet_send,
    .receive = ethernet_receive,
    .tx_stamp = ethernet_tx_stamp,
    .close = ethernet_close,
};

static int join(int fd, int index, const uint8_t *mac)
{
    struct packet_mreq m = {.mr_ifindex = index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN};
    memcpy(m.mr_address, mac, ETH_ALEN);
    return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m));
}

static int set_up(struct ethernet *e, const struct transport_config *c)
{
    /* Protocol 0 receives nothing, so no other interface's frames slip in before bind. */
    int fd = e->transport.fds[0] = socket_open(AF_PACKET, SOCK_DGRAM, 0);
    if (fd < 0 || socket_interface(fd, c->interface, &e->index, e->transport.mac) < 0 ||
        join(fd, e->index, primary_mac) < 0 || (c->peer_delay && join(fd, e->index, peer_mac) < 0) ||
        (c->priority >= 0 && socket_set(fd, SOL_SOCKET, SO_PRIORITY, c->priority) < 0))
        return -1;
    int failed = stamper_init(&e->stamper, fd, c->stamping);
    errno = -failed;
    struct sockaddr_ll local = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_1588), .sll_ifindex = e->index};
    return failed ? -1 : bind(fd, (struct sockaddr *)&local, sizeof(local));
}

struct transport *transport_ethernet_open(const struct transport_config *c, char *error, int error_size)
{
    struct ethernet *e = calloc(1, sizeof(*e));
    if (!e) {
        socket_complain(c->interface, error, error_size);
        return NULL;
    }
    e->transport.ops = &ethernet_ops;
    e->transport.fds[0] = e->transport.fds[1] = -1;
    if (set_up(e, c) < 0) {
        socket_complain(c->interface, error, error_size);
        ethernet_close(&e->transport);
        return NULL;
    }
    return &e->transport;
}
