/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP over UDP (IEEE 1588-2019 annexes C and D): what both IP versions share. */
#ifndef GMD_NET_UDP_H
#define GMD_NET_UDP_H

#include "gmd/net/stamper.h"

#define PTP_EVENT_PORT   319
#define PTP_GENERAL_PORT 320

union ip_packet_info {
    struct in_pktinfo v4;
    struct in6_pktinfo v6;
};

/* The octets behind a message in which a NIC can make up for what it inserts, so that the UDP checksum stays
 * right (IEEE 1588-2008 annex E.2). */
#define UDP_TRAILER_MAX 2

/* One IP version. */
struct udp_family {
    int domain;
    enum address_family address_family;
    socklen_t address_len;
    int level;         /* of its socket options and control messages */
    int packet_info;   /* the control message with the destination of a received frame */
    int hop_limit;     /* the control message with the TTL of a sent frame */
    int event_trailer; /* zero octets behind a sent event message, at most UDP_TRAILER_MAX */
    /* Options and the address to bind to. 0, or -1 and errno. */
    int (*set_up)(int fd, const struct transport_config *c, int index, int dscp, union peer_address *local);
    /* Joins the multicast groups. 0, or -1 and errno. */
    int (*join)(int fd, const struct transport_config *c, int index);
    void (*peer)(const struct address *to, enum destination destination, int index, union peer_address *peer);
    void (*from)(const union peer_address *peer, struct address *from);
    /* No frame from a network goes there. */
    void (*loopback)(union peer_address *local);
    /* Destination of a received frame: f->multicast and f->to. */
    void (*to)(const void *packet_info, struct frame_in *f);
    /* Fills the packet_info of a frame that is to be sent from an address of ours; returns its length. */
    size_t (*source)(const struct address *from, int index, union ip_packet_info *packet_info);
};

/* Opens both sockets. ops and family live as long as the transport. */
struct transport *udp_open(const struct transport_ops *ops, const struct udp_family *family,
                           const struct transport_config *c, char *error, int error_size);

/* struct transport_ops but for the name */
void udp_send(struct transport *t, const struct frame_out *frames, unsigned count, int *results);
unsigned udp_receive(struct transport *t, unsigned max, struct received **frames);
int udp_tx_stamp(struct transport *t, uint32_t *token, struct raw_stamp *stamp);
void udp_count_drops(struct transport *t);
void udp_close(struct transport *t);
struct transport *udp_open_worker(const struct transport *t, char *error, int error_size);

#endif
