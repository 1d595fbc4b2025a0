/* SPDX-License-Identifier: BSD-2-Clause */
/* UBX frames (u-blox F9 TIM 2.20 Interface Description, UBX-21048598), as a receiver sends them. */
#ifndef BED_UBX_H
#define BED_UBX_H

#include <stdint.h>
#include <string.h>

#define UBX_MAX 128

struct ubx {
    uint8_t bytes[UBX_MAX];
    int length;
};

static inline void ubx_begin(struct ubx *u, uint8_t class, uint8_t id)
{
    const uint8_t head[] = {0xb5, 0x62, class, id, 0, 0};
    memset(u, 0, sizeof(*u));
    memcpy(u->bytes, head, sizeof(head));
    u->length = sizeof(head);
}

static inline void ubx_put(struct ubx *u, int octets, int64_t value)
{
    for (int i = 0; i < octets; i++)
        u->bytes[u->length++] = (uint8_t)((uint64_t)value >> (8 * i));
}

/* Length and checksum; the frame is complete. */
static inline void ubx_end(struct ubx *u)
{
    uint8_t a = 0, b = 0;
    int payload = u->length - 6;
    u->bytes[4] = (uint8_t)payload;
    u->bytes[5] = (uint8_t)(payload >> 8);
    for (int i = 2; i < u->length; i++) {
        a = (uint8_t)(a + u->bytes[i]);
        b = (uint8_t)(b + a);
    }
    u->bytes[u->length++] = a;
    u->bytes[u->length++] = b;
}

#endif
