/* SPDX-License-Identifier: BSD-2-Clause */
/* Who wants to be told of events (linuxptp's SUBSCRIBE_EVENTS_NP): a bounded table, pure. */
#ifndef GMD_PTP_MANAGEMENT_SUBSCRIBERS_H
#define GMD_PTP_MANAGEMENT_SUBSCRIBERS_H

#include <stddef.h>

#include "bmca/ptp.h"

#define MANAGEMENT_SUBSCRIBERS_MAX 16
#define MANAGEMENT_EVENTS_OCTETS   64 /* of the bit mask on the wire; events above 7 do not exist */
#define MANAGEMENT_FOR_EVER        0xFFFF

/* linuxptp's numbers: bits of the mask */
enum management_event {
    MANAGEMENT_EVENT_PORT_STATE = 0,
    MANAGEMENT_EVENT_TIME_SYNC = 1, /* a slave's; never happens here */
    MANAGEMENT_EVENT_PARENT_DATA_SET = 2,
};

/* Address of a UNIX datagram socket: sun_path as the kernel gave it. */
struct management_peer {
    uint8_t len; /* 0: it has no name and cannot be answered */
    char name[108];
};

struct management_subscriber {
    struct port_identity identity; /* who: one subscription each */
    struct management_peer peer;   /* where */
    uint8_t events;                /* bit mask; 0: free */
    uint16_t sequence_id;          /* of the next notification */
    int64_t expires_ns;            /* monotonic; INT64_MAX: never */
};

/* All zero: empty. */
struct management_subscribers {
    struct management_subscriber entries[MANAGEMENT_SUBSCRIBERS_MAX];
};

/* Makes, renews or, without events or duration, ends the subscription of identity. duration_s as on the wire:
 * MANAGEMENT_FOR_EVER until it is ended. False if the table is full. */
bool management_subscribe(struct management_subscribers *t, const struct port_identity *identity,
                          const struct management_peer *peer, uint8_t events, uint16_t duration_s,
                          int64_t now_ns);

/* The subscription of identity, or NULL. */
const struct management_subscriber *management_subscription(const struct management_subscribers *t,
                                                            const struct port_identity *identity,
                                                            int64_t now_ns);

/* Seconds that it still lasts, begun ones in full; MANAGEMENT_FOR_EVER. */
uint16_t management_subscription_left(const struct management_subscriber *s, int64_t now_ns);

/* Walks those who want the event: *cursor starts at 0; NULL at the end. */
struct management_subscriber *management_subscribers_next(struct management_subscribers *t,
                                                          enum management_event event, int64_t now_ns,
                                                          size_t *cursor);

#endif
