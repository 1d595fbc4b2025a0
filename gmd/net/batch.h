/* SPDX-License-Identifier: BSD-2-Clause */
/* Many datagrams with one system call: recvmmsg and sendmmsg on buffers that are there from the start. */
#ifndef GMD_NET_BATCH_H
#define GMD_NET_BATCH_H

#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "gmd/net/transport.h"

/* A peer's address, of any family that a transport has. */
union peer_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_ll link;
};

#define BATCH_BYTES       2048 /* of a datagram; longer ones are counted and dropped */
#define BATCH_IN_CONTROL  192  /* packet info, time stamps, drops */
#define BATCH_OUT_CONTROL 96   /* hop limit, packet info, time stamps */

struct batch_in {
    struct mmsghdr msgs[TRANSPORT_BATCH];
    struct iovec iov[TRANSPORT_BATCH];
    union peer_address peers[TRANSPORT_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[TRANSPORT_BATCH][BATCH_IN_CONTROL];
    uint8_t bytes[TRANSPORT_BATCH][BATCH_BYTES];
    struct received frames[TRANSPORT_BATCH]; /* for the transport to fill and hand on */
};

/* Takes what is there, at most max (up to TRANSPORT_BATCH) datagrams, without waiting. Returns how many:
 * msgs[i].msg_len octets in bytes[i], from peers[i]. Errors are counted. flags: of recvmmsg. */
unsigned batch_receive(struct batch_in *b, int fd, unsigned max, int flags,
                       struct transport_counters *counters);

/* False for one that did not fit (counted). */
bool batch_whole(const struct batch_in *b, unsigned i, struct transport_counters *counters);

struct batch_out {
    struct mmsghdr msgs[TRANSPORT_BATCH];
    struct iovec iov[TRANSPORT_BATCH][2];
    union peer_address peers[TRANSPORT_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[TRANSPORT_BATCH][BATCH_OUT_CONTROL];
};

/* Makes message i: f's bytes and trailer_len zero octets, an empty address of address_len, no control data.
 * Returns it, for the transport to complete. f must live until it is sent. */
struct msghdr *batch_compose(struct batch_out *b, unsigned i, const struct frame_out *f, size_t trailer_len,
                             socklen_t address_len);

/* Appends control data; it must fit in BATCH_OUT_CONTROL. */
void batch_add_control(struct msghdr *msg, int level, int type, const void *data, size_t len);

/* Sends messages 0..count-1 (count > 0) in order, without waiting. Returns how many are settled, at least
 * one: results[i] is 0, or -errno of the last of them. */
unsigned batch_send(struct batch_out *b, int fd, unsigned count, int *results);

#endif
