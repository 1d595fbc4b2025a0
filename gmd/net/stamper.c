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
#include "gmd/net/socket.h"

/* A stamp that has not come so long after its frame will not come. */
#define STAMP_LATE_NS NS_PER_S

/* Taking a software stamp delays the frame that is stamped. Without OPT_TSONLY it takes as long as it takes
 * most slaves, so that the delay cancels: with it, a slave on a veth pair measured 100 ns of asymmetry. */
static const struct {
    uint32_t socket, frame;
} flags[] = {
    [STAMPING_SOFTWARE] = {SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE,
                           SOF_TIMESTAMPING_TX_SOFTWARE},
    [STAMPING_HARDWARE] = {SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE |
                               SOF_TIMESTAMPING_OPT_TSONLY,
                           SOF_TIMESTAMPING_TX_HARDWARE},
};

/* The kernel counts from 0 whenever OPT_ID goes from off to on. */
static int restart_count(struct stamper *s)
{
    uint32_t off = flags[s->stamping].socket, on = off | SOF_TIMESTAMPING_OPT_ID;
    if (setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPING, &off, sizeof(off)) < 0 ||
        setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPING, &on, sizeof(on)) < 0)
        return -errno;
    memset(s->ring, 0, sizeof(s->ring));
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
int stamper_send(struct stamper *s, struct msghdr *msg, const struct frame_out *f)
{
    int64_t now_ns = f->want_timestamp ? loop_now() : 0;
    bool awaited = f->want_timestamp && count_is_right(s, now_ns);
    bool asked = awaited || f->insert_timestamp;
    if (asked)
        socket_add_control(msg, SOL_SOCKET, SO_TIMESTAMPING, &flags[s->stamping].frame, sizeof(uint32_t));
    if (sendmsg(s->fd, msg, MSG_DONTWAIT) < 0) {
        int error = errno;
        s->lost_count = s->lost_count || asked;
        return -error;
    }
    if (asked) {
        s->ring[s->next_id % STAMPER_RING] =
            (struct stamper_frame){.known = awaited, .waiting = awaited, .id = s->next_id, .token = f->token};
        s->next_id++;
    }
    if (awaited)
        s->last_sent_ns = now_ns;
    return f->want_timestamp && !awaited;
}

static struct raw_stamp wanted(const struct stamper *s, const struct cmsghdr *c)
{
    struct scm_timestamping all;
    memcpy(&all, CMSG_DATA(c), sizeof(all));
    bool hardware = s->stamping == STAMPING_HARDWARE;
    const struct timespec *t = &all.ts[hardware ? 2 : 0];
    return (struct raw_stamp){
        .present = t->tv_sec || t->tv_nsec, .hardware = hardware, .ns = t->tv_sec * NS_PER_S + t->tv_nsec};
}

static bool is_stamp(const struct cmsghdr *c)
{
    return c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING &&
           c->cmsg_len >= CMSG_LEN(sizeof(struct scm_timestamping));
}

struct raw_stamp stamper_received(const struct stamper *s, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (is_stamp(c))
            return wanted(s, c);
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
            *stamp = wanted(s, c);
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

int stamper_take(struct stamper *s, struct transport_counters *counters, uint32_t *token,
                 struct raw_stamp *stamp)
{
    for (;;) {
        uint8_t data[64]; /* the frame may come with its stamp; nobody reads it */
        _Alignas(struct cmsghdr) uint8_t control[256];
        struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
        struct msghdr msg = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        uint32_t id;
        if (recvmsg(s->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            int error = 0;
            socklen_t len = sizeof(error);
            if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error)
                counters->rx_errors++;
            return 0;
        }
        if (!parse(s, &msg, &id, stamp))
            continue;
        if (match(s, id, token))
            return 1;
        counters->stamps_unmatched++;
    }
}
