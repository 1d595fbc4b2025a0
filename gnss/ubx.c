/* SPDX-License-Identifier: BSD-2-Clause */
/* UBX frames out of a stream of bytes; see ubx.h. A false start costs no frame behind it: all but its first
 * byte is looked at again. */
#include "gnss/ubx.h"

#include <string.h>

#define SYNC_1      0xB5
#define SYNC_2      0x62
#define HEADER_LEN  6
#define CHECKED_AT  2 /* the checksum is over class, id, length and payload */
#define LENGTH_AT   4
#define PAYLOAD_MAX ((size_t)UBX_PAYLOAD_MAX)

enum verdict {
    INCOMPLETE,
    FALSE_START,
    WHOLE,
};

void ubx_init(struct ubx *u)
{
    *u = (struct ubx){0};
}

static size_t payload_len(const struct ubx *u)
{
    return u->frame[LENGTH_AT] | (size_t)u->frame[LENGTH_AT + 1] << 8;
}

/* Fletcher's, of 8 bits (RFC 1145). */
static bool checksum_is_right(const uint8_t *frame, size_t end)
{
    uint8_t a = 0, b = 0;

    for (size_t i = CHECKED_AT; i < end; i++) {
        a = (uint8_t)(a + frame[i]);
        b = (uint8_t)(b + a);
    }
    return frame[end] == a && frame[end + 1] == b;
}

static enum verdict judge(struct ubx *u)
{
    if (u->frame[0] != SYNC_1 || (u->len > 1 && u->frame[1] != SYNC_2))
        return FALSE_START;
    if (u->len < HEADER_LEN)
        return INCOMPLETE;
    if (payload_len(u) > PAYLOAD_MAX) {
        u->overlong++;
        return FALSE_START;
    }
    if (u->len < payload_len(u) + UBX_OVERHEAD)
        return INCOMPLETE;
    if (!checksum_is_right(u->frame, HEADER_LEN + payload_len(u))) {
        u->checksum_errors++;
        return FALSE_START;
    }
    u->frames++;
    return WHOLE;
}

/* Drops n bytes, and then what cannot begin a frame. */
static void drop(struct ubx *u, size_t n)
{
    const uint8_t *next = memchr(u->frame + n, SYNC_1, u->len - n);

    u->len = next ? (size_t)(u->frame + u->len - next) : 0;
    if (next)
        memmove(u->frame, next, u->len);
}

bool ubx_next(struct ubx *u, const uint8_t **data, size_t *len, struct receiver_report *report)
{
    for (;;) {
        enum verdict verdict = u->len > 0 ? judge(u) : INCOMPLETE;

        if (verdict == WHOLE) {
            size_t payload = payload_len(u);
            bool says = ubx_decode(u, u->frame[2], u->frame[3], u->frame + HEADER_LEN, payload, report);

            drop(u, payload + UBX_OVERHEAD);
            if (says)
                return true;
        } else if (verdict == FALSE_START) {
            drop(u, 1);
        } else if (*len > 0) {
            u->frame[u->len++] = *(*data)++;
            (*len)--;
        } else {
            return false;
        }
    }
}
