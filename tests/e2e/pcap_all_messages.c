/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a pcap with one message of every type, as wire_encode makes it, over UDPv4, UDPv6 and Ethernet
 * (IEEE 1588-2019 annexes C, D and E). tests/e2e/test_wire_tshark.py has tshark judge it. */
#include <stdio.h>

#include "tests/fuzz/samples.h"

#define ETHERNET_MIN 60 /* without the FCS */
#define FRAME_MAX    (SAMPLE_BYTES_MAX + 64)

struct frame {
    size_t len;
    uint8_t bytes[FRAME_MAX];
};

static void put(struct frame *f, unsigned octets, uint64_t v)
{
    while (octets-- > 0)
        f->bytes[f->len++] = (uint8_t)(v >> (8 * octets));
}

static void put_bytes(struct frame *f, const void *bytes, size_t len)
{
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

/* One's complement sum of RFC 1071; sum carries what was summed before. */
static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    return sum;
}

static void store_checksum(uint8_t *at, uint32_t sum)
{
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    uint16_t checksum = (uint16_t)~sum;
    at[0] = (uint8_t)(checksum >> 8);
    at[1] = (uint8_t)checksum;
}

static bool is_peer_delay(uint8_t type)
{
    return type == MSG_PDELAY_REQ || type == MSG_PDELAY_RESP || type == MSG_PDELAY_RESP_FOLLOW_UP;
}

static void put_ethernet(struct frame *f, uint64_t destination, uint16_t ethertype)
{
    put(f, 6, destination);
    put(f, 6, 0x020000000001);
    put(f, 2, ethertype);
}

/* addresses: source and destination as they stand in the IP header, for the pseudo header. */
static void put_udp(struct frame *f, const uint8_t *addresses, size_t addresses_len, const uint8_t *message,
                    size_t len)
{
    uint16_t port = message_is_event(message[0] & 0xF) ? 319 : 320;
    uint8_t *udp = f->bytes + f->len;
    put(f, 2, port);
    put(f, 2, port);
    put(f, 2, 8 + len);
    put(f, 2, 0);
    put_bytes(f, message, len);
    uint32_t sum = sum16(17 + 8 + (uint32_t)len, addresses, addresses_len);
    store_checksum(udp + 6, sum16(sum, udp, 8 + len));
}

static void frame_udpv4(struct frame *f, const uint8_t *message, size_t len)
{
    bool peer = is_peer_delay(message[0] & 0xF);
    put_ethernet(f, peer ? 0x01005E00006B : 0x01005E000181, 0x0800);
    uint8_t *ip = f->bytes + f->len;
    put(f, 2, 0x45B8); /* DSCP EF */
    put(f, 2, 20 + 8 + len);
    put(f, 4, 0x4000); /* don't fragment */
    put(f, 4, 0x01110000);
    put(f, 4, 0xC0000201);                     /* 192.0.2.1 */
    put(f, 4, peer ? 0xE000006B : 0xE0000181); /* 224.0.0.107, 224.0.1.129 */
    store_checksum(ip + 10, sum16(0, ip, 20));
    put_udp(f, ip + 12, 8, message, len);
}

static void frame_udpv6(struct frame *f, const uint8_t *message, size_t len)
{
    bool peer = is_peer_delay(message[0] & 0xF);
    put_ethernet(f, peer ? 0x33330000006B : 0x333300000181, 0x86DD);
    uint8_t *ip = f->bytes + f->len;
    put(f, 4, 0x6B800000); /* DSCP EF */
    put(f, 2, 8 + len);
    put(f, 2, 0x1101);
    put(f, 8, 0xFE80000000000000); /* fe80::ff:fe00:1 */
    put(f, 8, 0x000000FFFE000001);
    put(f, 8, peer ? 0xFF02000000000000 : 0xFF0E000000000000); /* ff02::6b, ff0e::181 */
    put(f, 8, peer ? 0x6B : 0x181);
    put_udp(f, ip + 8, 32, message, len);
}

static void frame_ethernet(struct frame *f, const uint8_t *message, size_t len)
{
    put_ethernet(f, is_peer_delay(message[0] & 0xF) ? 0x0180C200000E : 0x011B19000000, 0x88F7);
    put_bytes(f, message, len);
}

/* pcap is written in little-endian order: the magic number says so. */
static bool write_u32s(FILE *out, const uint32_t *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t octets[] = {(uint8_t)v[i], (uint8_t)(v[i] >> 8), (uint8_t)(v[i] >> 16),
                                  (uint8_t)(v[i] >> 24)};
        if (fwrite(octets, 1, sizeof octets, out) != sizeof octets)
            return false;
    }
    return true;
}

static bool write_frame(FILE *out, struct frame *f, uint32_t number)
{
    if (f->len < ETHERNET_MIN)
        f->len = ETHERNET_MIN;
    uint32_t len = (uint32_t)f->len;
    const uint32_t record[] = {SAMPLE_SECONDS - 37, number * 1000, len, len};
    return write_u32s(out, record, 4) && fwrite(f->bytes, 1, f->len, out) == f->len;
}

static bool write_all(FILE *out)
{
    static void (*const framings[])(struct frame *, const uint8_t *, size_t) = {frame_udpv4, frame_udpv6,
                                                                                frame_ethernet};
    const uint32_t file_header[] = {0xA1B2C3D4, 4 << 16 | 2 /* version 2.4 */, 0, 0, 65535, 1 /* Ethernet */};
    if (!write_u32s(out, file_header, 6))
        return false;

    uint32_t number = 0;
    for (size_t k = 0; k < sizeof framings / sizeof *framings; k++) {
        for (unsigned i = 0; i < SAMPLES; i++) {
            uint8_t message[SAMPLE_BYTES_MAX];
            int len = sample_encode(i, message);
            if (len < 0) {
                fprintf(stderr, "sample %u: %s\n", i, wire_error_text(len));
                return false;
            }
            struct frame f = {0};
            framings[k](&f, message, (size_t)len);
            if (!write_frame(out, &f, number++))
                return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: pcap_all_messages FILE\n");
        return 2;
    }
    FILE *out = fopen(argv[1], "wb");
    if (out == NULL) {
        perror(argv[1]);
        return 1;
    }
    bool ok = write_all(out);
    if (fclose(out) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "%s: not written\n", argv[1]);
    return ok ? 0 : 1;
}
