/* SPDX-License-Identifier: BSD-2-Clause */
/* UBX frames as a receiver sends them: seeds of the fuzzer's corpus, and what the unit tests start from. */
#ifndef GMD_TESTS_FUZZ_UBX_SAMPLES_H
#define GMD_TESTS_FUZZ_UBX_SAMPLES_H

#include <string.h>

#include "gnss/ubx.h"

#define UBX_SAMPLE_MAX (UBX_PAYLOAD_MAX + UBX_OVERHEAD)

struct ubx_sample {
    const char *name;
    uint8_t class_id, message_id;
    uint8_t len;
    uint8_t payload[64];
};

/* On 2026-11-22, GPS week 2446, at 02:14:20 GPS time: time of week 8,060,000 ms. */
static const struct ubx_sample ubx_samples[] = {
    {"nav-status", 0x01, 0x03, 16, {0x60, 0xFC, 0x7A, 0, 3, 0xDD, 0, 0x08}},
    {"nav-timegps", 0x01, 0x20, 16, {0x60, 0xFC, 0x7A, 0, 0, 0, 0, 0, 0x8E, 0x09, 18, 0x07, 20}},
    /* +1 s at the end of 2026: week 2451, day 5, in 3,447,958 s */
    {"nav-timels", 0x01, 0x26, 24, {0x60, 0xFC, 0x7A, 0, 0,    0,    0, 0, 2, 18, 2, 1,
                                    0x96, 0x9C, 0x34, 0, 0x93, 0x09, 5, 0, 0, 0,  0, 0x03}},
    {"mon-hw", 0x0A, 0x09, 60, {[20] = 2, [21] = 1, [22] = 0x04}},
    {"mon-rf", 0x0A, 0x38, 52, {0, 2, 0, 0, [4] = 0, 1, 2, 1, [28] = 1, 1, 2, 1}},
    {"tim-tp", 0x0D, 0x01, 16, {0x48, 0x00, 0x7B, 0, 0, 0, 0, 0, 0x1F, 0xEF, 0xFF, 0xFF, 0x8E, 0x09, 0, 0}},
    {"sec-sig-1", 0x27, 0x09, 12, {1, 0, 0, 0, 0x03, 0, 0, 0, 0x03}},
    {"sec-sig-2", 0x27, 0x09, 8, {2, 0x1B, 0, 1, 0x20, 0x0A, 0x18, 0x00}},
};
#define UBX_SAMPLES (sizeof ubx_samples / sizeof ubx_samples[0])

/* Into to, which has room for UBX_OVERHEAD more than len. Returns the frame's length. */
static inline size_t ubx_frame(uint8_t *to, uint8_t class_id, uint8_t message_id, const uint8_t *payload,
                               size_t len)
{
    const uint8_t header[] = {0xB5, 0x62, class_id, message_id, (uint8_t)len, (uint8_t)(len >> 8)};
    unsigned a = 0, b = 0;

    memcpy(to, header, sizeof header);
    memcpy(to + sizeof header, payload, len);
    for (size_t i = 2; i < len + sizeof header; i++) {
        a += to[i];
        b += a;
    }
    to[len + sizeof header] = (uint8_t)a;
    to[len + sizeof header + 1] = (uint8_t)b;
    return len + UBX_OVERHEAD;
}

static inline size_t ubx_sample_frame(uint8_t *to, const struct ubx_sample *s)
{
    return ubx_frame(to, s->class_id, s->message_id, s->payload, s->len);
}

#endif
