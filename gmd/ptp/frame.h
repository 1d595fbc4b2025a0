/* SPDX-License-Identifier: BSD-2-Clause */
/* What passes between the PTP engine and the network: bytes, an address, a time stamp. The engine never sees
 * a socket; a transport (or a test) moves frames between an outbox and the wire. */
#ifndef GMD_PTP_FRAME_H
#define GMD_PTP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BYTES_MAX 1500
#define OUTBOX_FRAMES   64

enum address_family {
    ADDRESS_NONE,
    ADDRESS_IPV4, /* 4 bytes */
    ADDRESS_IPV6, /* 16 bytes */
    ADDRESS_MAC,  /* 6 bytes */
};

/* A peer's address. Unused bytes are zero, so that addresses compare with memcmp. */
struct address {
    uint8_t family;
    uint8_t bytes[16];
    uint32_t scope; /* IPv6 link-local: interface index; else 0 */
};

#define ADDRESS_STRLEN 64
/* "192.0.2.1", "fe80::1", "02:00:00:00:00:01"; buf of ADDRESS_STRLEN. Returns buf. */
const char *address_format(const struct address *a, char *buf);

enum channel {
    CHANNEL_EVENT,   /* UDP port 319; on Ethernet both are one */
    CHANNEL_GENERAL, /* UDP port 320 */
};

enum destination {
    DEST_PRIMARY_MULTICAST, /* 224.0.1.129, ff0e::181, 01:1b:19:00:00:00 */
    DEST_PEER_MULTICAST,    /* 224.0.0.107, ff02::6b, 01:80:c2:00:00:0e */
    DEST_UNICAST,
};

struct frame_in {
    const uint8_t *bytes; /* the PTP message, from its header on */
    size_t len;
    enum channel channel;
    struct address from;
    uint16_t from_port; /* UDP port that it came from; 0 with Ethernet */
    bool multicast;     /* was sent to a multicast address */
    struct address to;  /* the address of ours that it was sent to; ADDRESS_NONE: multicast, or Ethernet */
    bool has_timestamp;
    int64_t timestamp_ns; /* receive time of an event message, TAI ns by the clock that gmd serves */
};

struct frame_out {
    enum channel channel;
    enum destination destination;
    struct address to;     /* with DEST_UNICAST */
    uint16_t to_port;      /* its UDP port; 0: the channel's own */
    struct address from;   /* one of ours to send from; ADDRESS_NONE: the interface's own choice */
    bool want_timestamp;   /* it comes back with the token */
    bool insert_timestamp; /* the NIC is to write it into the message (one-step); none comes back */
    uint32_t token;
    uint16_t len;
    uint8_t bytes[FRAME_BYTES_MAX];
};

/* Frames to be sent, in order. The owner empties it after each event. */
struct outbox {
    unsigned count;
    uint64_t overflows; /* frames that found no room and were not sent */
    struct frame_out frames[OUTBOX_FRAMES];
};

/* The next free frame, zeroed but for its bytes, or NULL (counted) when the box is full. */
struct frame_out *outbox_next(struct outbox *box);

#endif
