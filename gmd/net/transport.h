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

struct transport_counters {
    uint64_t tx_errors, rx_errors, rx_truncated;
    uint64_t stamps_unmatched; /* from the error queue, for no frame that wants one or is remembered */
};

struct transport;

struct transport_ops {
    const char *name; /* "udpv4", "udpv6", "ethernet" */
    /* Sends a frame; 0 or -errno (counted). The stamp that it wants comes by tx_stamp, or never: after a
     * failed send, frames go out without one until those on their way have come in (a second at most), of
     * which the result 1 tells. */
    int (*send)(struct transport *t, const struct frame_out *f);
    /* One received frame: 1 with *f (bytes point into buf; its timestamp_ns is not filled: see *stamp), 0
     * when nothing is there, -errno on trouble (counted; go on), of which -EAGAIN only
     * says that the frame was not for us. */
    int (*receive)(struct transport *t, struct frame_in *f, struct raw_stamp *stamp, uint8_t *buf,
                   size_t size);
    /* One transmit stamp: 1 with the frame's token, 0 when there is none. What a driver delivers twice comes
     * twice. On POLLERR it is to be called until it says 0, which also takes off a pending socket error. */
    int (*tx_stamp)(struct transport *t, uint32_t *token, struct raw_stamp *stamp);
    void (*close)(struct transport *t);
};

#define TRANSPORT_FDS 2

struct transport {
    const struct transport_ops *ops;
    int fds[TRANSPORT_FDS]; /* to poll for POLLIN; they also say POLLERR; -1 unused */
    struct transport_counters counters;
    uint8_t mac[6];
};

/* NULL and error filled ("eth7: no such interface") on failure. */
struct transport *transport_udpv4_open(const struct transport_config *c, char *error, int error_size);
struct transport *transport_udpv6_open(const struct transport_config *c, char *error, int error_size);
struct transport *transport_ethernet_open(const struct transport_config *c, char *error, int error_size);

#endif
