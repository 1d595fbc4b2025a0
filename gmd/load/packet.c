/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets are those of untagged frames; IPv4 headers have no options. */
#include "gmd/load/packet.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "gmd/load/octets.h"
#include "gmd/net/udp.h"

#define ETHERTYPE_PTP 0x88F7

#define TOS_EVENT   (46 << 2) /* DSCP EF, as AES67 and ST 2059-2 sites mark it */
#define TTL_UNICAST 64

enum offset {
    AT_ETHERNET_TYPE = 12,
    AT_IP = 14,
    AT_IP_LENGTH = 16,
    AT_IP_FRAGMENT = 20,
    AT_IP_PROTOCOL = 23,
    AT_IP_CHECKSUM = 24,
    AT_IP_SOURCE = 26,
    AT_IP_DESTINATION = 30,
    AT_UDP = 34,
    AT_UDP_DESTINATION = 36,
    AT_UDP_LENGTH = 38,
    AT_UDP_END = 42,
    AT_ARP = 14,
    AT_ARP_OPERATION = 20,
    AT_ARP_SENDER_MAC = 22,
    AT_ARP_SENDER = 28,
    AT_ARP_TARGET_MAC = 32,
    AT_ARP_TARGET = 38,
};

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2 };

static const uint8_t multicast_ipv4_mac[6] = {0x01, 0x00, 0x5E, 0x00, 0x01, 0x81};
static const uint8_t multicast_ethernet_mac[6] = {0x01, 0x1B, 0x19, 0x00, 0x00, 0x00};
/* Ethernet, IPv4, 6 and 4 octets */
static const uint8_t arp_kinds[6] = {0, 1, 8, 0, 6, 4};

/* RFC 1071; sum is that of what the header holds already. */
static unsigned checksum(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return ~sum & 0xFFFF;
}

uint16_t packet_ethertype(enum packet_transport transport)
{
    return transport == PACKET_UDPV4 ? ETHERTYPE_IP : ETHERTYPE_PTP;
}

size_t packet_headers_len(enum packet_transport transport)
{
    return transport == PACKET_UDPV4 ? AT_UDP_END : AT_IP;
}

void packet_route_multicast(struct packet_route *route)
{
    const bool udp = route->transport == PACKET_UDPV4;
    memcpy(route->destination_mac, udp ? multicast_ipv4_mac : multicast_ethernet_mac, 6);
    route->destination = PACKET_MULTICAST_IPV4;
}

static void write_ipv4(const struct packet_route *route, enum channel channel, size_t ptp_len, uint8_t *frame)
{
    const bool multicast = IN_MULTICAST(route->destination);
    const uint8_t head[] = {0x45, TOS_EVENT, 0, 0, 0, 0, 0x40, 0, multicast ? 1 : TTL_UNICAST, IPPROTO_UDP};
    memset(frame + AT_IP, 0, AT_UDP_END - AT_IP);
    memcpy(frame + AT_IP, head, sizeof head);
    put_u16(frame + AT_IP_LENGTH, (unsigned)(AT_UDP_END - AT_IP + ptp_len));
    put_u32(frame + AT_IP_DESTINATION, route->destination);
    uint32_t sum = 0;
    for (unsigned i = AT_IP; i < AT_UDP; i += 2)
        sum += get_u16(frame + i);
    put_u16(frame + AT_IP_CHECKSUM, checksum(sum));

    const unsigned port = channel == CHANNEL_EVENT ? PTP_EVENT_PORT : PTP_GENERAL_PORT;
    put_u16(frame + AT_UDP, port);
    put_u16(frame + AT_UDP_DESTINATION, port);
    put_u16(frame + AT_UDP_LENGTH, (unsigned)(AT_UDP_END - AT_UDP + ptp_len)); /* checksum 0: none */
}

size_t packet_write_headers(const struct packet_route *route, enum channel channel, size_t ptp_len,
                            uint8_t *frame)
{
    memcpy(frame, route->destination_mac, 6);
    memcpy(frame + 6, route->source_mac, 6);
    put_u16(frame + AT_ETHERNET_TYPE, packet_ethertype(route->transport));
    if (route->transport == PACKET_UDPV4)
        write_ipv4(route, channel, ptp_len, frame);
    return packet_headers_len(route->transport);
}

void packet_set_source(enum packet_transport transport, uint8_t *frame, uint32_t source)
{
    if (transport != PACKET_UDPV4)
        return;
    put_u32(frame + AT_IP_SOURCE, source);
    const uint32_t before = ~get_u16(frame + AT_IP_CHECKSUM) & 0xFFFFu;
    put_u16(frame + AT_IP_CHECKSUM, checksum(before + (source >> 16) + (source & 0xFFFF)));
}

void packet_set_source_port(uint8_t *frame, uint16_t port)
{
    put_u16(frame + AT_UDP, port);
}

static bool parse_ipv4(const uint8_t *frame, size_t len, struct packet *packet)
{
    if (len < AT_UDP_END || get_u16(frame + AT_ETHERNET_TYPE) != ETHERTYPE_IP || frame[AT_IP] != 0x45 ||
        frame[AT_IP_PROTOCOL] != IPPROTO_UDP || get_u16(frame + AT_IP_FRAGMENT) & 0x3FFF)
        return false;
    const unsigned port = get_u16(frame + AT_UDP_DESTINATION);
    const unsigned udp_len = get_u16(frame + AT_UDP_LENGTH);
    if (port != PTP_EVENT_PORT && port != PTP_GENERAL_PORT && port < PACKET_OWN_PORT)
        return false;
    if (udp_len < AT_UDP_END - AT_UDP || udp_len > len - AT_UDP)
        return false;
    packet->source = get_u32(frame + AT_IP_SOURCE);
    packet->destination = get_u32(frame + AT_IP_DESTINATION);
    packet->destination_port = (uint16_t)port;
    packet->ptp = frame + AT_UDP_END;
    packet->ptp_len = udp_len - (AT_UDP_END - AT_UDP);
    return true;
}

bool packet_parse(enum packet_transport transport, const uint8_t *frame, size_t len, struct packet *packet)
{
    *packet = (struct packet){.source_mac = frame + 6, .multicast = len > 0 && frame[0] & 1};
    if (transport == PACKET_UDPV4)
        return parse_ipv4(frame, len, packet);
    if (len < AT_IP || get_u16(frame + AT_ETHERNET_TYPE) != ETHERTYPE_PTP)
        return false;
    packet->ptp = frame + AT_IP;
    packet->ptp_len = len - AT_IP;
    return true;
}

static void write_arp(const uint8_t mac[6], uint32_t sender, const uint8_t target_mac[6], uint32_t target,
                      enum arp_operation operation, uint8_t frame[PACKET_ARP_LEN])
{
    memcpy(frame + 6, mac, 6);
    put_u16(frame + AT_ETHERNET_TYPE, ETHERTYPE_ARP);
    memcpy(frame + AT_ARP, arp_kinds, sizeof arp_kinds);
    put_u16(frame + AT_ARP_OPERATION, operation);
    memcpy(frame + AT_ARP_SENDER_MAC, mac, 6);
    put_u32(frame + AT_ARP_SENDER, sender);
    memcpy(frame + AT_ARP_TARGET_MAC, target_mac, 6);
    put_u32(frame + AT_ARP_TARGET, target);
}

void packet_arp_request(const uint8_t mac[6], uint32_t sender, uint32_t target, uint8_t frame[PACKET_ARP_LEN])
{
    static const uint8_t unknown[6];
    memset(frame, 0xFF, 6);
    write_arp(mac, sender, unknown, target, ARP_REQUEST, frame);
}

static bool is_arp(const uint8_t *frame, size_t len, enum arp_operation operation)
{
    return len >= PACKET_ARP_LEN && get_u16(frame + AT_ETHERNET_TYPE) == ETHERTYPE_ARP &&
           memcmp(frame + AT_ARP, arp_kinds, sizeof arp_kinds) == 0 &&
           get_u16(frame + AT_ARP_OPERATION) == operation;
}

bool packet_arp_answer(const uint8_t *frame, size_t len, const uint8_t mac[6], uint32_t first, uint32_t count,
                       uint8_t reply[PACKET_ARP_LEN])
{
    if (!is_arp(frame, len, ARP_REQUEST))
        return false;
    const uint32_t wanted = get_u32(frame + AT_ARP_TARGET);
    if (wanted - first >= count)
        return false;
    memcpy(reply, frame + AT_ARP_SENDER_MAC, 6);
    write_arp(mac, wanted, frame + AT_ARP_SENDER_MAC, get_u32(frame + AT_ARP_SENDER), ARP_REPLY, reply);
    return true;
}

bool packet_arp_learn(const uint8_t *frame, size_t len, uint32_t target, uint8_t mac[6])
{
    if (!is_arp(frame, len, ARP_REPLY) || get_u32(frame + AT_ARP_SENDER) != target)
        return false;
    memcpy(mac, frame + AT_ARP_SENDER_MAC, 6);
    return true;
}
