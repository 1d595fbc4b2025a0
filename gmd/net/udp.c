/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP over UDP: event and general sockets on one interface. The ports are not shared with others (no
 * SO_REUSEADDR once they are bound): a second PTP program on the interface would take unicast messages away
 * unnoticed. */
#include "gmd/net/udp.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/net/socket.h"

#ifndef SO_RCVMARK /* Linux 5.19 */
#define SO_RCVMARK 75
#endif

struct udp {
    struct transport transport;
    const struct udp_family *family;
    struct transport_config config;
    struct stamper stamper; /* of FD_STAMPED */
    int index;              /* of the interface */
    unsigned turn;          /* counts receptions */
    uint32_t drops_seen[TRANSPORT_FDS];
    struct batch_in in;
    struct batch_out out;
};

static const uint16_t ports[] = {
    [CHANNEL_EVENT] = PTP_EVENT_PORT,
    [CHANNEL_GENERAL] = PTP_GENERAL_PORT,
};

static const enum channel channels[TRANSPORT_FDS] = {
    [FD_EVENT] = CHANNEL_EVENT,
    [FD_GENERAL] = CHANNEL_GENERAL,
    [FD_STAMPED] = CHANNEL_EVENT,
    [FD_ANSWERS] = CHANNEL_GENERAL,
};

#define ALL_TURN 8 /* general messages first, and all sockets, in one reception of so many */

/* annex C.3: peer delay messages do not leave the link */
#define PEER_DELAY_TTL 1

static void add_control(struct msghdr *msg, const struct udp *u, const struct frame_out *f)
{
    const struct udp_family *family = u->family;
    const int ttl = PEER_DELAY_TTL;
    union ip_packet_info info = {0};
    if (f->destination == DEST_PEER_MULTICAST)
        batch_add_control(msg, family->level, family->hop_limit, &ttl, sizeof(ttl));
    if (f->from.family == family->address_family)
        batch_add_control(msg, family->level, family->packet_info, &info,
                          family->source(&f->from, u->index, &info));
}

/* A NIC that inserts a time may need the trailer with either IP version. */
static size_t trailer_of(const struct udp_family *family, const struct frame_out *f)
{
    if (f->insert_timestamp)
        return UDP_TRAILER_MAX;
    return f->channel == CHANNEL_EVENT ? (size_t)family->event_trailer : 0;
}

static bool can_reach(const struct udp *u, const struct frame_out *f)
{
    return f->destination != DEST_UNICAST || f->to.family == u->family->address_family;
}

static void compose(struct udp *u, unsigned i, const struct frame_out *f)
{
    const struct udp_family *family = u->family;
    union peer_address *peer = &u->out.peers[i];
    struct msghdr *msg = batch_compose(&u->out, i, f, trailer_of(family, f), family->address_len);
    family->peer(&f->to, f->destination, u->index, peer);
    peer->v4.sin_port = htons(f->to_port ? f->to_port : ports[f->channel]); /* sin6_port has the same place */
    add_control(msg, u, f);
}

static enum transport_fd way_of(const struct frame_out *f)
{
    if (f->channel == CHANNEL_EVENT)
        return FD_STAMPED;
    return f->destination == DEST_UNICAST ? FD_ANSWERS : FD_GENERAL;
}

/* Composes the frames that go through the same socket as the first one; how many. */
static unsigned compose_run(struct udp *u, const struct frame_out *frames, unsigned count)
{
    unsigned n = 0;
    for (; n < count && n < TRANSPORT_BATCH; n++) {
        if (way_of(&frames[n]) != way_of(&frames[0]) || !can_reach(u, &frames[n]))
            break;
        compose(u, n, &frames[n]);
    }
    return n;
}

/* Sends the first few; how many are settled, at least one. */
static unsigned send_run(struct udp *u, const struct frame_out *frames, unsigned count, int *results)
{
    const unsigned n = compose_run(u, frames, count);
    const enum transport_fd way = way_of(&frames[0]);
    if (n > 0 && way == FD_STAMPED)
        return stamper_send(&u->stamper, &u->out, frames, n, results);
    if (n > 0)
        return batch_send(&u->out, u->transport.fds[way], n, results);
    results[0] = -EAFNOSUPPORT;
    return 1;
}

void udp_send(struct transport *t, const struct frame_out *frames, unsigned count, int *results)
{
    struct udp *u = (struct udp *)t;
    for (unsigned i = 0; i < count;)
        i += send_run(u, frames + i, count - i, results + i);
    for (unsigned i = 0; i < count; i++)
        t->counters.tx_errors += results[i] < 0;
}

static void read_control(const struct udp_family *family, struct msghdr *msg, struct received *r)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == family->level && c->cmsg_type == family->packet_info)
            family->to(CMSG_DATA(c), &r->frame);
        else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK)
            memcpy(&r->mark, CMSG_DATA(c), sizeof(r->mark));
}

static unsigned receive_from(struct udp *u, enum transport_fd from, unsigned max)
{
    struct batch_in *b = &u->in;
    const unsigned got = batch_receive(b, u->transport.fds[from], max, 0, &u->transport.counters);
    unsigned count = 0;
    for (unsigned i = 0; i < got; i++) {
        if (!batch_whole(b, i, &u->transport.counters))
            continue;
        struct received *r = &b->frames[count++];
        *r = (struct received){
            .frame = {.bytes = b->bytes[i],
                      .len = b->msgs[i].msg_len,
                      .channel = channels[from],
                      .from_port = ntohs(b->peers[i].v4.sin_port)}, /* sin6_port has the same place */
            .stamp = stamper_received(u->config.stamping, &b->msgs[i].msg_hdr)};
        u->family->from(&b->peers[i], &r->frame.from);
        read_control(u->family, &b->msgs[i].msg_hdr, r);
    }
    return count;
}

/* Event messages first, but a flood of them does not keep Announce waiting for ever. The sockets that send
 * get nothing while the kernel does as open_pair says. */
unsigned udp_receive(struct transport *t, unsigned max, struct received **frames)
{
    static const enum transport_fd usual[] = {FD_EVENT, FD_GENERAL};
    static const enum transport_fd at_times[] = {FD_GENERAL, FD_EVENT, FD_STAMPED, FD_ANSWERS};
    struct udp *u = (struct udp *)t;
    const bool is_usual = u->turn++ % ALL_TURN != 0;
    const enum transport_fd *order = is_usual ? usual : at_times;
    unsigned count = 0;
    *frames = u->in.frames;
    for (int i = 0; i < (is_usual ? 2 : 4) && count == 0; i++)
        count = receive_from(u, order[i], max);
    return count;
}

void udp_count_drops(struct transport *t)
{
    struct udp *u = (struct udp *)t;
    for (int i = 0; i < TRANSPORT_FDS; i++)
        socket_count_drops(t, t->fds[i], &u->drops_seen[i]);
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

/* After the DSCP, which sets a priority of its own. Event messages do not queue behind answers. */
static int set_priority(int fd, const struct transport_config *c, enum channel channel)
{
    const int priority = c->priority >= 0 || channel == CHANNEL_GENERAL ? c->priority : TC_PRIO_INTERACTIVE;
    return priority < 0 ? 0 : socket_set(fd, SOL_SOCKET, SO_PRIORITY, priority);
}

static int open_socket(struct udp *u, const struct transport_config *c, enum transport_fd which,
                       union peer_address *local)
{
    const enum channel channel = channels[which];
    const int dscp = channel == CHANNEL_EVENT ? c->dscp_event : c->dscp_general;
    const int fd = u->transport.fds[which] = socket_open(u->family->domain, SOCK_DGRAM, 0);
    *local = (union peer_address){0};
    if (fd < 0 || socket_interface(fd, c->interface, &u->index, u->transport.mac) < 0 ||
        socket_bind_interface(fd, c->interface) < 0 || u->family->set_up(fd, c, u->index, dscp, local) < 0)
        return -1;
    local->v4.sin_port = htons(ports[channel]); /* sin6_port has the same place */
    return set_priority(fd, c, channel);
}

static int bind_again(const struct udp *u, int first, int fd, const union peer_address *local)
{
    if (socket_set(first, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
        socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
        bind(fd, &local->any, u->family->address_len) < 0 ||
        socket_set(first, SOL_SOCKET, SO_REUSEADDR, 0) < 0)
        return -1;
    return socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 0);
}

/* Two sockets on one port. The one that is bound last gets what comes in; should a kernel see that the other
 * way round, frames are read there too. The first bind tells whether somebody else is there. */
static int open_pair(struct udp *u, const struct transport_config *c, enum transport_fd sends,
                     enum transport_fd receives)
{
    const int *fds = u->transport.fds;
    union peer_address local;
    if (open_socket(u, c, sends, &local) < 0 || bind(fds[sends], &local.any, u->family->address_len) < 0 ||
        open_socket(u, c, receives, &local) < 0 || bind_again(u, fds[sends], fds[receives], &local) < 0)
        return -1;
    socket_set_patience(fds[sends]);
    socket_set_queue(fds[receives]);
    return u->family->join(fds[receives], c, u->index);
}

static struct transport *give_up(struct udp *u, const char *what, char *error, int error_size)
{
    socket_complain(what, error, error_size);
    udp_close(&u->transport);
    return NULL;
}

static int start_stamping(struct udp *u)
{
    const int failed = stamper_listen(u->transport.fds[FD_EVENT], u->config.stamping);
    errno = -(failed ? failed : stamper_init(&u->stamper, u->transport.fds[FD_STAMPED], u->config.stamping));
    return errno ? -1 : 0;
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
    u->transport = (struct transport){.ops = ops, .fds = {-1, -1, -1, -1}, .family = family->address_family};
    u->family = family;
    u->config = *c;
    const int failed = open_pair(u, c, FD_STAMPED, FD_EVENT);
    if (failed || open_pair(u, c, FD_ANSWERS, FD_GENERAL) < 0) {
        snprintf(what, sizeof(what), "%s, %s port %d", c->interface, ops->name,
                 failed ? PTP_EVENT_PORT : PTP_GENERAL_PORT);
        return give_up(u, errno == ENODEV ? c->interface : what, error, error_size);
    }
    snprintf(what, sizeof(what), "%s: time stamping", c->interface);
    return start_stamping(u) < 0 ? give_up(u, what, error, error_size) : &u->transport;
}

/* --- workers ------------------------------------------------------------------------------------------- */

static unsigned worker_receive(struct transport *t, unsigned max, struct received **frames)
{
    struct udp *u = (struct udp *)t;
    *frames = u->in.frames;
    return receive_from(u, FD_EVENT, max);
}

static void worker_count_drops(struct transport *t)
{
    socket_count_drops(t, t->fds[FD_EVENT], &((struct udp *)t)->drops_seen[FD_EVENT]);
}

/* The others are the port's. */
static void worker_close(struct transport *t)
{
    if (t->fds[FD_EVENT] >= 0)
        close(t->fds[FD_EVENT]);
    free(t);
}

/* Bound to an address where no frame arrives by itself, and after that to the interface, which does not have
 * it. Those who are given frames must be bound. */
static int bind_worker(struct udp *u)
{
    const int fd = u->transport.fds[FD_EVENT] = socket_open(u->family->domain, SOCK_DGRAM, 0);
    union peer_address local;
    if (fd < 0 || u->family->set_up(fd, &u->config, u->index, u->config.dscp_event, &local) < 0)
        return -1;
    u->family->loopback(&local);
    if (bind(fd, &local.any, u->family->address_len) < 0 ||
        socket_bind_interface(fd, u->config.interface) < 0 || socket_set(fd, SOL_SOCKET, SO_RCVMARK, 1) < 0)
        return -1;
    socket_set_queue(fd);
    errno = -stamper_listen(fd, u->config.stamping);
    return errno ? -1 : 0;
}

struct transport *udp_open_worker(const struct transport *t, char *error, int error_size)
{
    static const struct transport_ops ops = {
        .name = "worker",
        .send = udp_send,
        .receive = worker_receive,
        .count_drops = worker_count_drops,
        .close = worker_close,
    };
    const struct udp *port = (const struct udp *)t;
    struct udp *u = calloc(1, sizeof(*u));
    if (u) {
        u->transport = (struct transport){.ops = &ops, .family = t->family};
        memcpy(u->transport.fds, t->fds, sizeof(u->transport.fds));
        u->family = port->family;
        u->config = port->config;
        u->index = port->index;
    }
    if (u && bind_worker(u) == 0)
        return &u->transport;
    socket_complain(port->config.interface, error, error_size);
    if (u)
        worker_close(&u->transport);
    return NULL;
}
