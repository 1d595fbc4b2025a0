/* SPDX-License-Identifier: BSD-2-Clause */
/* What a u-blox receiver says in its own protocol, out of a stream that also carries NMEA and anything else.
 * Pure: bytes in, reports out. Layouts: u-blox interface descriptions UBX-13003221 (M8), UBX-18010854 (F9)
 * and, for SEC-SIG from version 2 on, UBXDOC-304424225-21617 (X20). */
#ifndef GMD_GNSS_UBX_H
#define GMD_GNSS_UBX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gnss/receiver.h"

#define UBX_OVERHEAD    8   /* B5 62, class, id, length, checksum */
#define UBX_PAYLOAD_MAX 512 /* longest of interest: some 100 */

struct ubx {
    uint8_t frame[UBX_PAYLOAD_MAX + UBX_OVERHEAD]; /* begins with what may be a frame */
    size_t len;
    int gps_minus_utc_s;      /* what the receiver makes its UTC with; 0: it has not said so yet */
    uint64_t frames;          /* whole, of whatever kind */
    uint64_t overlong;        /* passed over: nothing in them is of interest */
    uint64_t checksum_errors; /* or what looked like a frame was none */
    uint64_t refused;         /* whole, but with values that make no sense */
    uint64_t undated;         /* TIM-TP of a time base that cannot be turned into TAI */
};

void ubx_init(struct ubx *u);

/* Takes from *data, *len bytes, until a message says something: true, and what it says is set in *report,
 * whose other fields stay as they are. False: all is taken. */
bool ubx_next(struct ubx *u, const uint8_t **data, size_t *len, struct receiver_report *report);

/* One message. False if it says nothing that a report can carry. */
bool ubx_decode(struct ubx *u, unsigned class_id, unsigned message_id, const uint8_t *payload, size_t len,
                struct receiver_report *report);

#endif
