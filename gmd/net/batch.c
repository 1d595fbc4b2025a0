/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/batch.h"

#include <errno.h>
#include <string.h>

unsigned batch_receive(struct batch_in *b, int fd, unsigned max, int flags,
                       struct transport_counters *counters)
{
    if (max > TRANSPORT_BATCH)
        max = TRANSPORT_BATCH;
    for (unsigned i = 0; i < max; i++) {
        b->iov[i] = (struct iovec){.iov_base = b->bytes[i], .iov_len = BATCH_BYTES};
        b->msgs[i].msg_hdr = (struct msghdr){.msg_name = &b->peers[i],
                                             .msg_namelen = sizeof(b->peers[i]),
                                             .msg_iov = &b->iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = b->control[i],
                                             .msg_controllen = BATCH_IN_CONTROL};
    }
    const int got = recvmmsg(fd, b->msgs, max, MSG_DONTWAIT | flags, NULL);
    if (got >= 0)
        return (unsigned)got;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        counters->rx_errors++;
    return 0;
}

bool batch_whole(const struct batch_in *b, unsigned i, struct transport_counters *counters)
{
    if (!(b->msgs[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return true;
    counters->rx_truncated++;
    return false;
}

struct msghdr *batch_compose(struct batch_out *b, unsigned i, const struct frame_out *f, size_t trailer_len,
                             socklen_t address_len)
{
    static const uint8_t zeros[8];
    b->iov[i][0] = (struct iovec){.iov_base = (void *)f->bytes, .iov_len = f->len};
    b->iov[i][1] = (struct iovec){.iov_base = (void *)zeros, .iov_len = trailer_len};
    b->peers[i] = (union peer_address){0};
    memset(b->control[i], 0, BATCH_OUT_CONTROL);
    b->msgs[i].msg_hdr = (struct msghdr){.msg_name = &b->peers[i],
                                         .msg_namelen = address_len,
                                         .msg_iov = b->iov[i],
                                         .msg_iovlen = trailer_len ? 2 : 1,
                                         .msg_control = b->control[i]};
    return &b->msgs[i].msg_hdr;
}

void batch_add_control(struct msghdr *msg, int level, int type, const void *data, size_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)msg->msg_control + msg->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    msg->msg_controllen += CMSG_SPACE(len);
}

unsigned batch_send(struct batch_out *b, int fd, unsigned count, int *results)
{
    const int sent = sendmmsg(fd, b->msgs, count, MSG_DONTWAIT);
    const unsigned left = sent < 0 ? 0 : (unsigned)sent;
    memset(results, 0, left * sizeof(*results));
    if (left > 0)
        return left; /* why the next one did not is told to whoever begins with it */
    results[0] = -errno;
    return 1;
}
