/* SPDX-License-Identifier: BSD-2-Clause */
/* Transports: a port's frames to and from the network, with time stamps. A driver is a table of functions;
 * none of them waits. Raw stamps are handed on as they are: the owner converts them with its clock. */
#ifndef GMD_NET_TRANSPORT_H
#define GMD_NET_TRANSPORT_H

#include "gmd/ptp/frame.h"

enum stamping {
    STAMPING_SOFTWARE,
    STAMPING_HARDWARE,
};

struct transport_config {
    char interface[16];
    enum stamping stamping;
    int dscp_event, dscp_general; /* 0..63 */
    int priority;                 /* SO_PRIORITY, -1: leave */
    int ttl;                      /* 1..255, UDP multicast */
    bool peer_delay;              /* join the peer delay group too */
};

struct raw_stamp {
    bool present;
    bool hardware;
    int64_t ns; /* PHC ns, or CLOCK_REALTIME ns */
};

/* A received frame. Its bytes lie in the transport's buffers; timestamp_ns is not filled: see stamp. */
struct received {
    struct frame_in frame;
    struct raw_stamp stamp;
    uint32_t mark; /* what a program of ours in the kernel wrote on it, for a worker; else 0 */
};

struct transport_counters {
    uint64_t tx_errors, rx_errors, rx_truncated;
    uint64_t rx_dropped;       /* by the kernel, before they could be read; see transport_ops.count_drops */
    uint64_t stamps_unmatched; /* from the error queue, for no frame that wants one or is remembered */
};

#define TRANSPORT_BATCH 32 /* frames that one call takes or sends at most */

struct transport;

struct transport_ops {
    const char *name; /* "udpv4", "udpv6", "ethernet" */
    /* Sends frames in order; results[i]: 0 or -errno (counted). The stamp that a frame wants comes by
     * tx_stamp, or never: after a failed send, frames go out without one until those on their way have come
     * in (a second at most), of which the result 1 tells. */
    void (*send)(struct transport *t, const struct frame_out *frames, unsigned count, int *results);
    /* Frames received, at most max (1..TRANSPORT_BATCH): *frames points at them until the next call. 0 when
     * nothing is there; also when what was there was not for us, or could not be read (counted). */
    unsigned (*receive)(struct transport *t, unsigned max, struct received **frames);
    /* One transmit stamp: 1 with the frame's token, 0 when there is none. What a driver delivers twice comes
     * twice. On POLLERR it is to be called until it says 0, which also takes off a pending socket error. */
    int (*tx_stamp)(struct transport *t, uint32_t *token, struct raw_stamp *stamp);
    /* Brings counters.rx_dropped up to date: full queues, and what a socket filter refused. */
    void (*count_drops)(struct transport *t);
    void (*close)(struct transport *t);
    /* A worker's transport, for a thread of its own: it receives event messages that a program in the kernel
     * gives to its socket (bpf_sk_assign), and nothing else; it sends general messages as t does, which must
     * outlive it. It has send, receive, count_drops, close. NULL and error; NULL function: there is none. */
    struct transport *(*open_worker)(const struct transport *t, char *error, int error_size);
};

/* Frames leave through sockets of their own. Stamps and received frames share a socket's memory: a flood of
 * requests must not cost a Follow_Up. And answers to an address that nobody has wait in the kernel for a
 * neighbour, on their socket's account: they must not stop what goes to everybody. */
enum transport_fd {
    FD_EVENT,   /* receives */
    FD_GENERAL, /* receives, and sends multicast general messages; Ethernet has none */
    FD_STAMPED, /* sends event messages; says POLLERR when their stamps have come */
    FD_ANSWERS, /* sends unicast general messages; Ethernet has none */
    TRANSPORT_FDS
};

struct transport {
    const struct transport_ops *ops;
    int fds[TRANSPORT_FDS]; /* by enum transport_fd; to poll for POLLIN; -1 unused */
    struct transport_counters counters;
    enum address_family family; /* of its addresses */
    uint8_t mac[6];
};

/* NULL and error filled ("eth7: no such interface") on failure. */
struct transport *transport_udpv4_open(const struct transport_config *c, char *error, int error_size);
struct transport *transport_udpv6_open(const struct transport_config *c, char *error, int error_size);
struct transport *transport_ethernet_open(const struct transport_config *c, char *error, int error_size);

#endif
