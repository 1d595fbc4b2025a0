/* SPDX-License-Identifier: BSD-2-Clause */
/* The octets of IEEE 1588-2008/2019 messages (clauses 13 and 14). Decoding trusts nothing: every length is
 * checked against the bytes that are there. Every message that is accepted encodes to the same octets again,
 * reserved fields apart: those are ignored on receipt and zero on transmission. */
#ifndef GMD_PTP_WIRE_H
#define GMD_PTP_WIRE_H

#include <stddef.h>

#include "bmca/ptp.h"

#define PTP_VERSION       2
#define PTP_MINOR_VERSION 1
#define PTP_HEADER_LEN    34

/* table 36 */
enum message_type {
    MSG_SYNC = 0x0,
    MSG_DELAY_REQ = 0x1,
    MSG_PDELAY_REQ = 0x2,
    MSG_PDELAY_RESP = 0x3,
    MSG_FOLLOW_UP = 0x8,
    MSG_DELAY_RESP = 0x9,
    MSG_PDELAY_RESP_FOLLOW_UP = 0xA,
    MSG_ANNOUNCE = 0xB,
    MSG_SIGNALING = 0xC,
    MSG_MANAGEMENT = 0xD,
};

/* flagField, table 37, as one 16-bit number: first octet high */
enum ptp_flags {
    FLAG_ALTERNATE_MASTER = 0x0100,
    FLAG_TWO_STEP = 0x0200,
    FLAG_UNICAST = 0x0400,
    FLAG_PROFILE_SPECIFIC_1 = 0x2000,
    FLAG_PROFILE_SPECIFIC_2 = 0x4000,
    FLAG_LEAP61 = 0x0001,
    FLAG_LEAP59 = 0x0002,
    FLAG_UTC_OFFSET_VALID = 0x0004,
    FLAG_PTP_TIMESCALE = 0x0008,
    FLAG_TIME_TRACEABLE = 0x0010,
    FLAG_FREQUENCY_TRACEABLE = 0x0020,
    FLAG_SYNCHRONIZATION_UNCERTAIN = 0x0040,
};

/* logMessageInterval where the message has none */
#define LOG_INTERVAL_NONE 0x7F

/* clause 5.3.3: 48 bits of seconds; nanoseconds below 1e9, except in the originTimestamp of Announce,
 * Delay_Req and Pdelay_Req: nobody reads these, so what a careless sender put there is kept, not judged */
struct wire_timestamp {
    uint64_t seconds;
    uint32_t nanoseconds;
};

struct ptp_header {
    uint8_t message_type;  /* enum message_type */
    uint8_t major_sdo_id;  /* 4 bits */
    uint8_t minor_version; /* 4 bits, written as it is: PTP_MINOR_VERSION in what gmd sends; 0 is 2008's */
    uint8_t domain_number;
    uint8_t minor_sdo_id;
    uint16_t flags;
    int64_t correction; /* ns * 2^16, clause 13.3.2.9 */
    uint32_t message_type_specific;
    struct port_identity source;
    uint16_t sequence_id;
    uint16_t control; /* 8 bits as received, or WIRE_CONTROL_AUTO: encoding writes the type's (table 42) */
    int8_t log_message_interval;
};
#define WIRE_CONTROL_AUTO 0x100 /* no octet: one that was received is never taken for it */

struct announce_body {
    struct wire_timestamp origin;
    int16_t current_utc_offset;
    uint8_t grandmaster_priority1;
    struct clock_quality grandmaster_clock_quality;
    uint8_t grandmaster_priority2;
    struct clock_identity grandmaster_identity;
    uint16_t steps_removed;
    uint8_t time_source;
};

struct management_body {
    struct port_identity target;
    uint8_t starting_boundary_hops;
    uint8_t boundary_hops;
    uint8_t action; /* 4 bits */
};

struct ptp_message {
    struct ptp_header header;
    union {
        struct announce_body announce;
        struct wire_timestamp timestamp; /* Sync, Delay_Req, Follow_Up, Pdelay_Req */
        struct {
            struct wire_timestamp timestamp;
            struct port_identity requesting;
        } response;                  /* Delay_Resp, Pdelay_Resp, Pdelay_Resp_Follow_Up */
        struct port_identity target; /* Signaling */
        struct management_body management;
    } body;
    const uint8_t *suffix; /* the TLV chain: points into the decoded bytes, or at what to append */
    size_t suffix_len;
};

enum wire_error {
    WIRE_OK = 0,
    WIRE_TRUNCATED = -1, /* fewer bytes than header, body or messageLength say */
    WIRE_VERSION = -2,   /* versionPTP is not 2 */
    WIRE_TYPE = -3,      /* a reserved messageType */
    WIRE_LENGTH = -4,    /* messageLength below the body's */
    WIRE_TIMESTAMP = -5, /* nanoseconds of 1e9 or more, in a timestamp that its receiver uses */
    WIRE_TLV = -6,       /* a TLV runs past the end, or an odd lengthField */
    WIRE_SPACE = -7,     /* encoding: no room for it, or a value that does not fit its field */
};
#define WIRE_ERRORS 8 /* 0 and 7 errors, for counters indexed by -error */

/* Decodes one message of bytes[0..len). Octets behind messageLength (Ethernet padding) are ignored. The TLV
 * chain is checked for structure, not for content. Returns enum wire_error; *m is undefined on error. */
int wire_decode(const uint8_t *bytes, size_t len, struct ptp_message *m);

/* Encodes into buf, which must not overlap the suffix; messageLength is computed. What wire_decode would
 * refuse is refused with the same error. Returns the length or a negative enum wire_error. */
int wire_encode(const struct ptp_message *m, uint8_t *buf, size_t size);

const char *wire_error_text(int error);      /* "truncated", ... */
const char *message_type_name(uint8_t type); /* "Announce", ..., "reserved" */

/* true if the type belongs on the event channel */
bool message_is_event(uint8_t type);

/* false if seconds do not fit int64_t nanoseconds, or nanoseconds are 1e9 or more */
bool wire_timestamp_to_ns(const struct wire_timestamp *t, int64_t *ns);
/* ns below zero gives zero: the wire has no negative time */
struct wire_timestamp wire_timestamp_from_ns(int64_t ns);

/* TLV chain, clause 14.1 */
enum tlv_type {
    TLV_MANAGEMENT = 0x0001,
    TLV_MANAGEMENT_ERROR_STATUS = 0x0002,
    TLV_ORGANIZATION_EXTENSION = 0x0003,
    TLV_REQUEST_UNICAST_TRANSMISSION = 0x0004,
    TLV_GRANT_UNICAST_TRANSMISSION = 0x0005,
    TLV_CANCEL_UNICAST_TRANSMISSION = 0x0006,
    TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION = 0x0007,
    TLV_PATH_TRACE = 0x0008,
};

struct tlv {
    uint16_t type;
    uint16_t length; /* of value */
    const uint8_t *value;
};

/* Walks a chain: *at starts at 0. 1: one TLV in *tlv; 0: end; WIRE_TLV: malformed, *at stays. Up to three
 * octets too few for a TLV's type and length end a chain too (tlv.c says why). */
int tlv_next(const uint8_t *chain, size_t len, size_t *at, struct tlv *tlv);
/* Appends at buf + *at; returns WIRE_OK or WIRE_SPACE, and then *at and buf are as before. An odd length is
 * padded with a zero octet to an even lengthField. */
int tlv_append(uint8_t *buf, size_t size, size_t *at, uint16_t type, const void *value, uint16_t length);

#endif
