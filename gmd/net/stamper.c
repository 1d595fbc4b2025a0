/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_TIMESTAMPING (Documentation/networking/timestamping.rst of the kernel). */
#include "gmd/net/stamper.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "bmca/ptp.h"
#include "gmd/loop.h"

/* A stamp that has not come so long after its frame will not come. */
#define STAMP_LATE_NS NS_PER_S

/* Taking a software stamp delays the frame that is stamped. Without OPT_TSONLY it takes as long as it takes
 * most slaves, so that the delay cancels: with it, a slave on a veth pair measured 100 ns of asymmetry. */
static const struct {
    uint32_t receives, sends, frame;
} flags[] = {
    [STAMPING_SOFTWARE] = {SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE, 0,
                           SOF_TIMESTAMPING_TX_SOFTWARE},
    [STAMPING_HARDWARE] = {SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE,
                           SOF_TIMESTAMPING_OPT_TSONLY, SOF_TIMESTAMPING_TX_HARDWARE},
};

int stamper_listen(int fd, enum stamping stamping)
{
    const uint32_t wanted = flags[stamping].receives;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &wanted, sizeof(wanted)) < 0 ? -errno : 0;
}

/* The kernel counts from 0 whenever OPT_ID goes from off to on. */
static int restart_count(struct stamper *s)
{
    uint32_t off = flags[s->stamping].receives | flags[s->stamping].sends, on = off | SOF_TIMESTAMPING_OPT_ID;
    if (setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPING, &off, sizeof(off)) < 0 ||
        setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)) < 0)
        return -errno;
    memset(s->ring, 0, sizeof(s->ring));
    s->queue.count = s->queue.next = 0;
    s->next_id = 0;
    s->lost_count = false;
    return 0;
}

int stamper_init(struct stamper *s, int fd, enum stamping stamping)
{
    s->fd = fd;
    s->stamping = stamping;
    /* Without it, poll tells a waiting stamp from a socket error by nothing. */
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, &on, sizeof(on));
    return restart_count(s);
}

/* Nothing may be on its way when the count restarts: a late stamp's id would pass for a new frame's. */
static bool count_is_right(struct stamper *s, int64_t now_ns)
{
    if (!s->lost_count)
        return true;
    bool quiet = now_ns - s->last_sent_ns > STAMP_LATE_NS;
    for (unsigned i = 0; i < STAMPER_RING && !quiet; i++)
        if (s->ring[i].waiting)
            return false;
    return restart_count(s) == 0;
}

/* Drivers insert the time into frames that ask for a stamp, whether one comes back or not; the kernel counts
 * these too. */
static bool asks(const struct frame_out *f)
{
    return f->want_timestamp || f->insert_timestamp;
}

static void remember(struct stamper *s, const struct frame_out *f, bool awaited, int64_t now_ns)
{
    s->ring[s->next_id % STAMPER_RING] =
        (struct stamper_frame){.known = awaited, .waiting = awaited, .id = s->next_id, .token = f->token};
    s->next_id++;
    if (awaited)
        s->last_sent_ns = now_ns;
}

/* counted: whether the frame asked for its stamp, if it wants one */
static void settle(struct stamper *s, const struct frame_out *f, bool counted, int64_t now_ns, int *result)
{
    const bool awaited = f->want_timestamp && counted;
    if (*result < 0)
        s->lost_count = s->lost_count || asks(f);
    else if (awaited || f->insert_timestamp)
        remember(s, f, awaited, now_ns);
    if (*result == 0)
        *result = f->want_timestamp && !awaited;
}

unsigned stamper_send(struct stamper *s, struct batch_out *b, const struct frame_out *frames, unsigned count,
                      int *results)
{
    const int64_t now_ns = loop_now();
    const bool counted = count_is_right(s, now_ns);
    for (unsigned i = 0; i < count; i++)
        if (frames[i].insert_timestamp || (frames[i].want_timestamp && counted))
            batch_add_control(&b->msgs[i].msg_hdr, SOL_SOCKET, SO_TIMESTAMPING, &flags[s->stamping].frame,
                              sizeof(uint32_t));
    const unsigned settled = batch_send(b, s->fd, count, results);
    for (unsigned i = 0; i < settled; i++)
        settle(s, &frames[i], counted, now_ns, &results[i]);
    return settled;
}

static struct raw_stamp stamp_of(enum stamping stamping, const struct cmsghdr *c)
{
    struct scm_timestamping all;
    memcpy(&all, CMSG_DATA(c), sizeof(all));
    bool hardware = stamping == STAMPING_HARDWARE;
    const struct timespec *t = &all.ts[hardware ? 2 : 0];
    return (struct raw_stamp){
        .present = t->tv_sec || t->tv_nsec, .hardware = hardware, .ns = t->tv_sec * NS_PER_S + t->tv_nsec};
}

static bool is_stamp(const struct cmsghdr *c)
{
    return c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING &&
           c->cmsg_len >= CMSG_LEN(sizeof(struct scm_timestamping));
}

struct raw_stamp stamper_received(enum stamping stamping, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (is_stamp(c))
            return stamp_of(stamping, c);
    return (struct raw_stamp){0};
}

/* The level says which protocol's error queue it was; the content is the same. */
static bool is_extended_error(const struct cmsghdr *c)
{
    return ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
            (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR) ||
            (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_TX_TIMESTAMP)) &&
           c->cmsg_len >= CMSG_LEN(sizeof(struct sock_extended_err));
}

/* One message of the error queue. False: it is not a stamp of the wanted kind (an ICMP error, say). */
static bool parse(struct stamper *s, struct msghdr *msg, uint32_t *id, struct raw_stamp *stamp)
{
    struct sock_extended_err e = {0};
    *stamp = (struct raw_stamp){0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (is_stamp(c))
            *stamp = stamp_of(s->stamping, c);
        else if (is_extended_error(c))
            memcpy(&e, CMSG_DATA(c), sizeof(e));
    }
    *id = e.ee_data;
    return stamp->present && e.ee_errno == ENOMSG && e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING &&
           e.ee_info == SCM_TSTAMP_SND;
}

static bool match(struct stamper *s, uint32_t id, uint32_t *token)
{
    struct stamper_frame *f = &s->ring[id % STAMPER_RING];
    if (!f->known || f->id != id)
        return false;
    f->waiting = false;
    *token = f->token;
    return true;
}

/* The next batch of the error queue; with none left, a pending error is taken off the socket. */
static bool refill(struct stamper *s, struct transport_counters *counters)
{
    struct stamper_queue *q = &s->queue;
    for (unsigned i = 0; i < STAMPER_TAKE; i++) {
        q->iov[i] = (struct iovec){.iov_base = q->data[i], .iov_len = sizeof(q->data[i])};
        q->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &q->iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = q->control[i],
                                             .msg_controllen = sizeof(q->control[i])};
    }
    const int got = recvmmsg(s->fd, q->msgs, STAMPER_TAKE, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
    q->next = 0;
    q->count = got > 0 ? (unsigned)got : 0;
    if (got > 0)
        return true;
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error)
        counters->rx_errors++;
    return false;
}

int stamper_take(struct stamper *s, struct transport_counters *counters, uint32_t *token,
                 struct raw_stamp *stamp)
{
    struct stamper_queue *q = &s->queue;
    uint32_t id;
    while (q->next < q->count || refill(s, counters)) {
        if (!parse(s, &q->msgs[q->next++].msg_hdr, &id, stamp))
            continue;
        if (match(s, id, token))
            return 1;
        counters->stamps_unmatched++;
    }
    return 0;
}
