/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole frames, from the Ethernet header on: PTP over UDPv4 (annex C) and Ethernet (annex E), and ARP, so
 * that one host can speak for thousands of addresses. Pure. IPv4 addresses are numbers in host order. */
#ifndef GMD_LOAD_PACKET_H
#define GMD_LOAD_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gmd/ptp/frame.h"

enum packet_transport {
    PACKET_UDPV4,
    PACKET_ETHERNET,
};

#define PACKET_HEADERS_MAX 42
#define PACKET_ARP_LEN     42

#define PACKET_MULTICAST_IPV4 0xE0000181 /* 224.0.1.129 */

/* UDP ports that clients of one address may have to themselves, beyond those that Linux gives to others. */
#define PACKET_OWN_PORT  61000
#define PACKET_OWN_PORTS (65536 - PACKET_OWN_PORT)

/* Where frames go to. */
struct packet_route {
    enum packet_transport transport;
    uint8_t source_mac[6];
    uint8_t destination_mac[6];
    uint32_t destination; /* IPv4 */
};

uint16_t packet_ethertype(enum packet_transport transport);
size_t packet_headers_len(enum packet_transport transport);

/* The primary multicast group's. */
void packet_route_multicast(struct packet_route *route);

/* Writes the headers of a PTP message of ptp_len octets, from IPv4 address 0; returns their length. */
size_t packet_write_headers(const struct packet_route *route, enum channel channel, size_t ptp_len,
                            uint8_t *frame);
/* Its source address: once, for a frame fresh from packet_write_headers. No effect on Ethernet. */
void packet_set_source(enum packet_transport transport, uint8_t *frame, uint32_t source);
/* Its UDP source port; UDPv4 only. */
void packet_set_source_port(uint8_t *frame, uint16_t port);

struct packet {
    const uint8_t *source_mac;
    uint32_t source, destination; /* IPv4 */
    uint16_t destination_port;    /* UDP */
    bool multicast;
    const uint8_t *ptp;
    size_t ptp_len;
};

/* Takes a received frame apart; false if it is none of PTP, whole and without IP options or fragments. Over
 * UDP it comes to a port of PTP or PACKET_OWN_PORT and up. */
bool packet_parse(enum packet_transport transport, const uint8_t *frame, size_t len, struct packet *packet);

/* Who has target? tell, who is sender. */
void packet_arp_request(const uint8_t mac[6], uint32_t sender, uint32_t target,
                        uint8_t frame[PACKET_ARP_LEN]);
/* A request for one of count addresses from first on: true with the answer in reply. */
bool packet_arp_answer(const uint8_t *frame, size_t len, const uint8_t mac[6], uint32_t first, uint32_t count,
                       uint8_t reply[PACKET_ARP_LEN]);
/* The answer for target: true with its mac. */
bool packet_arp_learn(const uint8_t *frame, size_t len, uint32_t target, uint8_t mac[6]);

#endif
