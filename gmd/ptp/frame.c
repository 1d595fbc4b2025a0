/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames between the PTP engine and the network: the outbox, and addresses in writing. */
#include "gmd/ptp/frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const char *address_format(const struct address *a, char *buf)
{
    const uint8_t *b = a->bytes;
    switch ((enum address_family)a->family) {
    case ADDRESS_IPV4:
        return inet_ntop(AF_INET, b, buf, ADDRESS_STRLEN);
    case ADDRESS_IPV6:
        return inet_ntop(AF_INET6, b, buf, ADDRESS_STRLEN);
    case ADDRESS_MAC:
        snprintf(buf, ADDRESS_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
        return buf;
    case ADDRESS_NONE:
        break;
    }
    snprintf(buf, ADDRESS_STRLEN, "none");
    return buf;
}

struct frame_out *outbox_next(struct outbox *box)
{
    if (box->count >= OUTBOX_FRAMES) {
        box->overflows++;
        return NULL;
    }

    struct frame_out *f = &box->frames[box->count++];
    memset(f, 0, offsetof(struct frame_out, bytes));
    return f;
}
