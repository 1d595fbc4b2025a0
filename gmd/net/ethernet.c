/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP over Ethernet (IEEE 1588-2019 annex E): a packet socket that receives, and sends general messages, and
 * one that sends event messages; the kernel writes and strips the header. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
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
    struct stamper stamper; /* of FD_STAMPED */
    enum stamping stamping;
    int index;
    uint32_t drops_seen;
    struct batch_in in;
    struct batch_out out;
};

static const uint8_t *destination_mac(const struct frame_out *f)
{
    switch (f->destination) {
    case DEST_UNICAST:
        return f->to.family == ADDRESS_MAC ? f->to.bytes : NULL;
    case DEST_PEER_MULTICAST:
        return peer_mac;
    case DEST_PRIMARY_MULTICAST:
        break;
    }
    return primary_mac;
}

static bool compose(struct ethernet *e, unsigned i, const struct frame_out *f)
{
    const uint8_t *mac = destination_mac(f);
    if (!mac)
        return false;
    batch_compose(&e->out, i, f, 0, sizeof(struct sockaddr_ll));
    struct sockaddr_ll *peer = &e->out.peers[i].link;
    peer->sll_family = AF_PACKET;
    peer->sll_protocol = htons(ETH_P_1588);
    peer->sll_ifindex = e->index;
    peer->sll_halen = ETH_ALEN;
    memcpy(peer->sll_addr, mac, ETH_ALEN);
    return true;
}

/* Sends the first few, which go through one socket; how many are settled, at least one. */
static unsigned send_run(struct ethernet *e, const struct frame_out *frames, unsigned count, int *results)
{
    unsigned n = 0;
    while (n < count && n < TRANSPORT_BATCH && frames[n].channel == frames[0].channel &&
           compose(e, n, &frames[n]))
        n++;
    if (n > 0 && frames[0].channel == CHANNEL_EVENT)
        return stamper_send(&e->stamper, &e->out, frames, n, results);
    if (n > 0)
        return batch_send(&e->out, e->transport.fds[FD_EVENT], n, results);
    results[0] = -EAFNOSUPPORT;
    return 1;
}

static void ethernet_send(struct transport *t, const struct frame_out *frames, unsigned count, int *results)
{
    for (unsigned i = 0; i < count;)
        i += send_run((struct ethernet *)t, frames + i, count - i, results + i);
    for (unsigned i = 0; i < count; i++)
        t->counters.tx_errors += results[i] < 0;
}

/* versionPTP and messageType are checked by the codec; messageType's upper bit tells the channels apart. */
static enum channel channel_of(const uint8_t *bytes, size_t len)
{
    return len > 0 && (bytes[0] & 0x08) ? CHANNEL_GENERAL : CHANNEL_EVENT;
}

/* Own frames come only from kernels without PACKET_IGNORE_OUTGOING, others' where the interface is
 * promiscuous. */
static bool is_for_us(const struct sockaddr_ll *peer)
{
    return peer->sll_pkttype != PACKET_OUTGOING && peer->sll_pkttype != PACKET_OTHERHOST;
}

static unsigned ethernet_receive(struct transport *t, unsigned max, struct received **frames)
{
    struct ethernet *e = (struct ethernet *)t;
    struct batch_in *b = &e->in;
    const unsigned got = batch_receive(b, t->fds[FD_EVENT], max, 0, &t->counters);
    unsigned count = 0;
    *frames = b->frames;
    for (unsigned i = 0; i < got; i++) {
        const struct sockaddr_ll *peer = &b->peers[i].link;
        if (!batch_whole(b, i, &t->counters) || !is_for_us(peer))
            continue;
        struct received *r = &b->frames[count++];
        const size_t len = b->msgs[i].msg_len;
        *r = (struct received){.frame = {.bytes = b->bytes[i],
                                         .len = len,
                                         .channel = channel_of(b->bytes[i], len),
                                         .from.family = ADDRESS_MAC,
                                         .multicast = peer->sll_pkttype != PACKET_HOST},
                               .stamp = stamper_received(e->stamping, &b->msgs[i].msg_hdr)};
        memcpy(r->frame.from.bytes, peer->sll_addr, ETH_ALEN);
    }
    return count;
}

static void ethernet_count_drops(struct transport *t)
{
    socket_count_drops(t, t->fds[FD_EVENT], &((struct ethernet *)t)->drops_seen);
}

static int ethernet_tx_stamp(struct transport *t, uint32_t *token, struct raw_stamp *stamp)
{
    return stamper_take(&((struct ethernet *)t)->stamper, &t->counters, token, stamp);
}

static void ethernet_close(struct transport *t)
{
    for (int i = 0; i < TRANSPORT_FDS; i++)
        if (t->fds[i] >= 0)
            close(t->fds[i]);
    free(t);
}

static const struct transport_ops ethernet_ops = {
    .name = "ethernet",
    .send = ethernet_send,
    .receive = ethernet_receive,
    .tx_stamp = ethernet_tx_stamp,
    .count_drops = ethernet_count_drops,
    .close = ethernet_close,
};

static int join(int fd, int index, const uint8_t *mac)
{
    struct packet_mreq m = {.mr_ifindex = index, .mr_type = PACKET_MR_MULTICAST, .mr_alen = ETH_ALEN};
    memcpy(m.mr_address, mac, ETH_ALEN);
    return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m));
}

/* Protocol 0 receives nothing: no other interface's frames slip in before bind, and none at all come to
 * FD_STAMPED. */
static int open_socket(struct ethernet *e, const struct transport_config *c, enum transport_fd which)
{
    const int fd = e->transport.fds[which] = socket_open(AF_PACKET, SOCK_DGRAM, 0);
    const int priority = c->priority < 0 && which == FD_STAMPED ? TC_PRIO_INTERACTIVE : c->priority;
    if (fd < 0 || socket_interface(fd, c->interface, &e->index, e->transport.mac) < 0)
        return -1;
    return priority < 0 ? 0 : socket_set(fd, SOL_SOCKET, SO_PRIORITY, priority);
}

static int set_up(struct ethernet *e, const struct transport_config *c)
{
    if (open_socket(e, c, FD_STAMPED) < 0 || open_socket(e, c, FD_EVENT) < 0)
        return -1;
    const int fd = e->transport.fds[FD_EVENT];
    int failed = stamper_listen(fd, c->stamping);
    failed = failed ? failed : stamper_init(&e->stamper, e->transport.fds[FD_STAMPED], c->stamping);
    errno = -failed;
    if (failed || join(fd, e->index, primary_mac) < 0 || (c->peer_delay && join(fd, e->index, peer_mac) < 0))
        return -1;
    socket_set_queue(fd);
    socket_set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    const struct sockaddr_ll local = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_1588), .sll_ifindex = e->index};
    return bind(fd, (const struct sockaddr *)&local, sizeof(local));
}

struct transport *transport_ethernet_open(const struct transport_config *c, char *error, int error_size)
{
    struct ethernet *e = calloc(1, sizeof(*e));
    if (!e) {
        socket_complain(c->interface, error, error_size);
        return NULL;
    }
    e->transport = (struct transport){.ops = &ethernet_ops, .fds = {-1, -1, -1, -1}, .family = ADDRESS_MAC};
    e->stamping = c->stamping;
    if (set_up(e, c) < 0) {
        socket_complain(c->interface, error, error_size);
        ethernet_close(&e->transport);
        return NULL;
    }
    return &e->transport;
}
