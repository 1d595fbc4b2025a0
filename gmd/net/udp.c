/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP over UDP: an event and a general socket on one interface. The ports are not shared (no SO_REUSEADDR): a
 * second PTP program on the interface would take unicast messages away unnoticed. */
#include "gmd/net/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/net/socket.h"

struct udp {
    struct transport transport;
    const struct udp_family *family;
    struct stamper stamper; /* of the event socket */
    int index;              /* of the interface */
    unsigned turn;          /* the channel to read first: both get their share in a flood */
};

static const uint16_t ports[TRANSPORT_FDS] = {
    [CHANNEL_EVENT] = PTP_EVENT_PORT,
    [CHANNEL_GENERAL] = PTP_GENERAL_PORT,
};

/* annex C.3: peer delay messages do not leave the link */
#define PEER_DELAY_TTL 1

#define CONTROL_MAX (CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(union ip_packet_info)) + STAMPER_CONTROL)

static void add_control(struct msghdr *msg, const struct udp *u, const struct frame_out *f)
{
    const struct udp_family *family = u->family;
    const int ttl = PEER_DELAY_TTL;
    union ip_packet_info info = {0};
    if (f->destination == DEST_PEER_MULTICAST)
        socket_add_control(msg, family->level, family->hop_limit, &ttl, sizeof(ttl));
    if (f->from.family == family->address_family)
        socket_add_control(msg, family->level, family->packet_info, &info,
                           family->source(&f->from, u->index, &info));
}

static int transmit(struct udp *u, struct msghdr *msg, const struct frame_out *f)
{
    if (f->channel == CHANNEL_EVENT)
        return stamper_send(&u->stamper, msg, f);
    return sendmsg(u->transport.fds[CHANNEL_GENERAL], msg, MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* A NIC that inserts a time may need the trailer with either IP version. */
static size_t trailer_of(const struct udp_family *family, const struct frame_out *f)
{
    if (f->insert_timestamp)
        return UDP_TRAILER_MAX;
    return f->channel == CHANNEL_EVENT ? (size_t)family->event_trailer : 0;
}

int udp_send(struct transport *t, const struct frame_out *f)
{
    static const uint8_t zeros[UDP_TRAILER_MAX];
    struct udp *u = (struct udp *)t;
    union ip_address peer = {0};
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_MAX] = {0};
    struct iovec iov[] = {{.iov_base = (void *)f->bytes, .iov_len = f->len},
                          {.iov_base = (void *)zeros, .iov_len = trailer_of(u->family, f)}};
    struct msghdr msg = {.msg_name = &peer,
                         .msg_namelen = u->family->address_len,
                         .msg_iov = iov,
                         .msg_iovlen = 2,
                         .msg_control = control};
    int result = -EAFNOSUPPORT;
    if (f->destination != DEST_UNICAST || f->to.family == u->family->address_family) {
        u->family->peer(&f->to, f->destination, u->index, &peer);
        peer.v4.sin_port = htons(ports[f->channel]); /* sin6_port has the same place */
        add_control(&msg, u, f);
        result = transmit(u, &msg, f);
    }
    if (result < 0)
        t->counters.tx_errors++;
    return result;
}

static void destination_of(const struct udp_family *family, struct msghdr *msg, struct frame_in *f)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == family->level && c->cmsg_type == family->packet_info)
            family->to(CMSG_DATA(c), f);
}

static int receive_from(struct udp *u, enum channel channel, struct frame_in *f, struct raw_stamp *stamp,
                        uint8_t *buf, size_t size)
{
    union ip_address peer = {0};
    struct datagram d;
    int result =
        socket_receive(u->transport.fds[channel], &d, &peer, sizeof(peer), buf, size, &u->transport.counters);
    if (result <= 0)
        return result;
    *f = (struct frame_in){.bytes = buf, .len = d.len, .channel = channel};
    u->family->from(&peer, &f->from);
    destination_of(u->family, &d.msg, f);
    *stamp = stamper_received(&u->stamper, &d.msg);
    return 1;
}

int udp_receive(struct transport *t, struct frame_in *f, struct raw_stamp *stamp, uint8_t *buf, size_t size)
{
    struct udp *u = (struct udp *)t;
    int result = 0;
    for (int i = 0; i < TRANSPORT_FDS && result == 0; i++) {
        result = receive_from(u, u->turn, f, stamp, buf, size);
        u->turn = (u->turn + 1) % TRANSPORT_FDS;
    }
    return result;
}

int udp_tx_stamp(struct transport *t, uint32_t *token, struct raw_stamp *stamp)
{
    return stamper_take(&((struct udp *)t)->stamper, &t->counters, token, stamp);
}

void udp_close(struct transport *t)
{
    for (int i = 0; i < TRANSPORT_FDS; i++)
        if (t->fds[i] >= 0)
            close(t->fds[i]);
    free(t);
}

static int open_channel(struct udp *u, const struct transport_config *c, enum channel channel)
{
    const int dscp = channel == CHANNEL_EVENT ? c->dscp_event : c->dscp_general;
    union ip_address local = {0};
    int fd = u->transport.fds[channel] = socket_open(u->family->domain, SOCK_DGRAM, 0);
    if (fd < 0 || socket_interface(fd, c->interface, &u->index, u->transport.mac) < 0 ||
        socket_bind_interface(fd, c->interface) < 0 || u->family->set_up(fd, c, u->index, dscp, &local) < 0)
        return -1;
    /* after the DSCP, which sets a priority of its own */
    if (c->priority >= 0 && socket_set(fd, SOL_SOCKET, SO_PRIORITY, c->priority) < 0)
        return -1;
    local.v4.sin_port = htons(ports[channel]);
    return bind(fd, &local.any, u->family->address_len);
}

struct transport *udp_open(const struct transport_ops *ops, const struct udp_family *family,
                           const struct transport_config *c, char *error, int error_size)
{
    char what[64];
    struct udp *u = calloc(1, sizeof(*u));
    if (!u) {
        socket_complain(c->interface, error, error_size);
        return NULL;
    }
    u->transport.ops = ops;
    u->transport.fds[CHANNEL_EVENT] = u->transport.fds[CHANNEL_GENERAL] = -1;
    u->family = family;
    for (enum channel channel = CHANNEL_EVENT; channel <= CHANNEL_GENERAL; channel++) {
        if (open_channel(u, c, channel) == 0)
            continue;
        snprintf(what, sizeof(what), "%s, %s port %u", c->interface, ops->name, ports[channel]);
        socket_complain(errno == ENODEV ? c->interface : what, error, error_size);
        udp_close(&u->transport);
        return NULL;
    }
    int failed = stamper_init(&u->stamper, u->transport.fds[CHANNEL_EVENT], c->stamping);
    if (failed) {
        snprintf(error, error_size, "%s: time stamping: %s", c->interface, strerror(-failed));
        udp_close(&u->transport);
        return NULL;
    }
    return &u->transport;
}
