/* SPDX-License-Identifier: BSD-2-Clause */
/* TLV chains: type, length and value, one behind the other up to the end of the message (clause 14.1).
 *
 * Structure is held to strictly: a value ends within the message and its lengthField is even, as 14.1 wants.
 * One liberty: a message may end in one to three octets that are too few for a TLV. They carry nothing, and
 * some stacks pad what they send that way. The price of refusing would be a master whose Announce is not
 * heard, and so two masters in one domain. */
#include "gmd/ptp/wire.h"

#include <string.h>

#define TLV_HEADER_LEN 4

static uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

int tlv_next(const uint8_t *chain, size_t len, size_t *at, struct tlv *tlv)
{
    if (*at > len || len - *at < TLV_HEADER_LEN)
        return 0;

    const uint8_t *header = chain + *at;
    uint16_t length = get_u16(header + 2);
    if (length % 2 != 0 || length > len - *at - TLV_HEADER_LEN)
        return WIRE_TLV;

    tlv->type = get_u16(header);
    tlv->length = length;
    tlv->value = header + TLV_HEADER_LEN;
    *at += TLV_HEADER_LEN + (size_t)length;
    return 1;
}

int tlv_append(uint8_t *buf, size_t size, size_t *at, uint16_t type, const void *value, uint16_t length)
{
    size_t padded = (size_t)length + length % 2;
    if (padded > UINT16_MAX || *at > size || size - *at < TLV_HEADER_LEN + padded)
        return WIRE_SPACE;

    uint8_t *p = buf + *at;
    put_u16(p, type);
    put_u16(p + 2, (uint16_t)padded);
    if (length > 0)
        memcpy(p + TLV_HEADER_LEN, value, length);
    if (padded > length)
        p[TLV_HEADER_LEN + length] = 0;
    *at += TLV_HEADER_LEN + padded;
    return WIRE_OK;
}
