/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to octets and back (clause 13). One table says how long each message is; once that is checked, a
 * cursor walks fields that are known to be there. */
#include "gmd/ptp/wire.h"

#include <string.h>

#define SECONDS_MAX 0xFFFFFFFFFFFFULL /* 48 bits */

enum body {
    BODY_NONE, /* reserved messageType */
    BODY_TIMESTAMP,
    BODY_RESPONSE,
    BODY_ANNOUNCE,
    BODY_TARGET,
    BODY_MANAGEMENT,
};

struct layout {
    const char *name;
    enum body body;
    uint8_t body_len;    /* with its reserved octets, without the suffix */
    uint8_t control;     /* table 42 */
    bool timestamp_used; /* the receiver computes with it, so it must be one */
};

static const struct layout layouts[16] = {
    [MSG_SYNC] = {"Sync", BODY_TIMESTAMP, 10, 0, true},
    [MSG_DELAY_REQ] = {"Delay_Req", BODY_TIMESTAMP, 10, 1, false},
    [MSG_PDELAY_REQ] = {"Pdelay_Req", BODY_TIMESTAMP, 20, 5, false}, /* as long as its answer */
    [MSG_PDELAY_RESP] = {"Pdelay_Resp", BODY_RESPONSE, 20, 5, true},
    [MSG_FOLLOW_UP] = {"Follow_Up", BODY_TIMESTAMP, 10, 2, true},
    [MSG_DELAY_RESP] = {"Delay_Resp", BODY_RESPONSE, 20, 3, true},
    [MSG_PDELAY_RESP_FOLLOW_UP] = {"Pdelay_Resp_Follow_Up", BODY_RESPONSE, 20, 5, true},
    [MSG_ANNOUNCE] = {"Announce", BODY_ANNOUNCE, 30, 5, false},
    [MSG_SIGNALING] = {"Signaling", BODY_TARGET, 10, 5, false},
    [MSG_MANAGEMENT] = {"Management", BODY_MANAGEMENT, 14, 4, false},
};

/* ---- fields ---- */

struct reader {
    const uint8_t *p;
};

struct writer {
    uint8_t *p;
};

static uint64_t get(struct reader *r, unsigned octets)
{
    uint64_t v = 0;
    while (octets-- > 0)
        v = v << 8 | *r->p++;
    return v;
}

static void put(struct writer *w, unsigned octets, uint64_t v)
{
    while (octets-- > 0)
        *w->p++ = (uint8_t)(v >> (8 * octets));
}

static struct clock_identity get_clock_identity(struct reader *r)
{
    struct clock_identity id;
    memcpy(id.id, r->p, sizeof id.id);
    r->p += sizeof id.id;
    return id;
}

static void put_clock_identity(struct writer *w, const struct clock_identity *id)
{
    memcpy(w->p, id->id, sizeof id->id);
    w->p += sizeof id->id;
}

static struct port_identity get_port_identity(struct reader *r)
{
    struct port_identity id = {.clock = get_clock_identity(r)};
    id.port = (uint16_t)get(r, 2);
    return id;
}

static void put_port_identity(struct writer *w, const struct port_identity *id)
{
    put_clock_identity(w, &id->clock);
    put(w, 2, id->port);
}

static struct wire_timestamp get_timestamp(struct reader *r)
{
    struct wire_timestamp t = {.seconds = get(r, 6)};
    t.nanoseconds = (uint32_t)get(r, 4);
    return t;
}

static void put_timestamp(struct writer *w, const struct wire_timestamp *t)
{
    put(w, 6, t->seconds);
    put(w, 4, t->nanoseconds);
}

/* ---- header, table 35 ---- */

static uint16_t get_header(struct reader *r, struct ptp_header *h)
{
    uint8_t sdo_and_type = (uint8_t)get(r, 1);
    h->major_sdo_id = sdo_and_type >> 4;
    h->message_type = sdo_and_type & 0xF;
    h->minor_version = (uint8_t)get(r, 1) >> 4;
    uint16_t message_length = (uint16_t)get(r, 2);
    h->domain_number = (uint8_t)get(r, 1);
    h->minor_sdo_id = (uint8_t)get(r, 1);
    h->flags = (uint16_t)get(r, 2);
    h->correction = (int64_t)get(r, 8);
    h->message_type_specific = (uint32_t)get(r, 4);
    h->source = get_port_identity(r);
    h->sequence_id = (uint16_t)get(r, 2);
    h->control = (uint16_t)get(r, 1);
    h->log_message_interval = (int8_t)get(r, 1);
    return message_length;
}

static void put_header(struct writer *w, const struct ptp_header *h, uint16_t message_length)
{
    put(w, 1, (uint64_t)h->major_sdo_id << 4 | h->message_type);
    put(w, 1, (uint64_t)h->minor_version << 4 | PTP_VERSION);
    put(w, 2, message_length);
    put(w, 1, h->domain_number);
    put(w, 1, h->minor_sdo_id);
    put(w, 2, h->flags);
    put(w, 8, (uint64_t)h->correction);
    put(w, 4, h->message_type_specific);
    put_port_identity(w, &h->source);
    put(w, 2, h->sequence_id);
    put(w, 1, h->control == WIRE_CONTROL_AUTO ? layouts[h->message_type].control : h->control);
    put(w, 1, (uint8_t)h->log_message_interval);
}

/* ---- bodies, tables 43 to 56 ---- */

static void get_announce(struct reader *r, struct announce_body *a)
{
    a->origin = get_timestamp(r);
    a->current_utc_offset = (int16_t)get(r, 2);
    r->p += 1; /* reserved */
    a->grandmaster_priority1 = (uint8_t)get(r, 1);
    a->grandmaster_clock_quality.clock_class = (uint8_t)get(r, 1);
    a->grandmaster_clock_quality.clock_accuracy = (uint8_t)get(r, 1);
    a->grandmaster_clock_quality.offset_scaled_log_variance = (uint16_t)get(r, 2);
    a->grandmaster_priority2 = (uint8_t)get(r, 1);
    a->grandmaster_identity = get_clock_identity(r);
    a->steps_removed = (uint16_t)get(r, 2);
    a->time_source = (uint8_t)get(r, 1);
}

static void put_announce(struct writer *w, const struct announce_body *a)
{
    put_timestamp(w, &a->origin);
    put(w, 2, (uint16_t)a->current_utc_offset);
    put(w, 1, 0); /* reserved */
    put(w, 1, a->grandmaster_priority1);
    put(w, 1, a->grandmaster_clock_quality.clock_class);
    put(w, 1, a->grandmaster_clock_quality.clock_accuracy);
    put(w, 2, a->grandmaster_clock_quality.offset_scaled_log_variance);
    put(w, 1, a->grandmaster_priority2);
    put_clock_identity(w, &a->grandmaster_identity);
    put(w, 2, a->steps_removed);
    put(w, 1, a->time_source);
}

static void get_body(struct reader *r, struct ptp_message *m)
{
    switch (layouts[m->header.message_type].body) {
    case BODY_TIMESTAMP:
        m->body.timestamp = get_timestamp(r);
        break;
    case BODY_RESPONSE:
        m->body.response.timestamp = get_timestamp(r);
        m->body.response.requesting = get_port_identity(r);
        break;
    case BODY_ANNOUNCE:
        get_announce(r, &m->body.announce);
        break;
    case BODY_TARGET:
        m->body.target = get_port_identity(r);
        break;
    case BODY_MANAGEMENT:
        m->body.management.target = get_port_identity(r);
        m->body.management.starting_boundary_hops = (uint8_t)get(r, 1);
        m->body.management.boundary_hops = (uint8_t)get(r, 1);
        m->body.management.action = (uint8_t)get(r, 1) & 0xF;
        break;
    case BODY_NONE:
        break;
    }
}

/* The octets are zero before: reserved ones at a body's end stay so. */
static void put_body(struct writer *w, const struct ptp_message *m)
{
    switch (layouts[m->header.message_type].body) {
    case BODY_TIMESTAMP:
        put_timestamp(w, &m->body.timestamp);
        break;
    case BODY_RESPONSE:
        put_timestamp(w, &m->body.response.timestamp);
        put_port_identity(w, &m->body.response.requesting);
        break;
    case BODY_ANNOUNCE:
        put_announce(w, &m->body.announce);
        break;
    case BODY_TARGET:
        put_port_identity(w, &m->body.target);
        break;
    case BODY_MANAGEMENT:
        put_port_identity(w, &m->body.management.target);
        put(w, 1, m->body.management.starting_boundary_hops);
        put(w, 1, m->body.management.boundary_hops);
        put(w, 1, m->body.management.action);
        break;
    case BODY_NONE:
        break;
    }
}

/* ---- what holds in both directions ---- */

/* The timestamp of the body, or NULL. */
static const struct wire_timestamp *body_timestamp(const struct ptp_message *m)
{
    switch (layouts[m->header.message_type].body) {
    case BODY_TIMESTAMP:
        return &m->body.timestamp;
    case BODY_RESPONSE:
        return &m->body.response.timestamp;
    case BODY_ANNOUNCE:
        return &m->body.announce.origin;
    default:
        return NULL;
    }
}

static int check_content(const struct ptp_message *m)
{
    const struct wire_timestamp *t = body_timestamp(m);
    if (layouts[m->header.message_type].timestamp_used && t->nanoseconds >= NS_PER_S)
        return WIRE_TIMESTAMP;

    size_t at = 0;
    struct tlv tlv;
    int more;
    do
        more = tlv_next(m->suffix, m->suffix_len, &at, &tlv);
    while (more > 0);
    return more;
}

/* Does each value fit the bits that the wire has for it? */
static bool fits_wire(const struct ptp_message *m)
{
    const struct ptp_header *h = &m->header;
    if (h->major_sdo_id > 0xF || h->minor_version > 0xF || h->control > WIRE_CONTROL_AUTO)
        return false;
    if (h->message_type == MSG_MANAGEMENT && m->body.management.action > 0xF)
        return false;
    const struct wire_timestamp *t = body_timestamp(m);
    return t == NULL || t->seconds <= SECONDS_MAX;
}

/* ---- public ---- */

int wire_decode(const uint8_t *bytes, size_t len, struct ptp_message *m)
{
    if (len < PTP_HEADER_LEN)
        return WIRE_TRUNCATED;
    if ((bytes[1] & 0xF) != PTP_VERSION)
        return WIRE_VERSION;

    *m = (struct ptp_message){0};
    struct reader r = {bytes};
    size_t message_length = get_header(&r, &m->header);
    const struct layout *layout = &layouts[m->header.message_type];
    if (layout->body == BODY_NONE)
        return WIRE_TYPE;
    size_t fixed = PTP_HEADER_LEN + layout->body_len;
    if (message_length < fixed)
        return WIRE_LENGTH;
    if (message_length > len)
        return WIRE_TRUNCATED;

    get_body(&r, m);
    m->suffix = bytes + fixed;
    m->suffix_len = message_length - fixed;
    return check_content(m);
}

int wire_encode(const struct ptp_message *m, uint8_t *buf, size_t size)
{
    uint8_t type = m->header.message_type;
    if (type > 0xF || layouts[type].body == BODY_NONE)
        return WIRE_TYPE;
    if (!fits_wire(m))
        return WIRE_SPACE;
    int error = check_content(m);
    if (error != WIRE_OK)
        return error;

    size_t fixed = PTP_HEADER_LEN + layouts[type].body_len;
    if (m->suffix_len > UINT16_MAX - fixed || m->suffix_len + fixed > size)
        return WIRE_SPACE;
    size_t message_length = fixed + m->suffix_len;

    memset(buf, 0, fixed);
    struct writer w = {buf};
    put_header(&w, &m->header, (uint16_t)message_length);
    put_body(&w, m);
    if (m->suffix_len > 0)
        memcpy(buf + fixed, m->suffix, m->suffix_len);
    return (int)message_length;
}

const char *wire_error_text(int error)
{
    static const char *const texts[WIRE_ERRORS] = {
        [-WIRE_OK] = "no error",
        [-WIRE_TRUNCATED] = "truncated",
        [-WIRE_VERSION] = "versionPTP is not 2",
        [-WIRE_TYPE] = "reserved messageType",
        [-WIRE_LENGTH] = "messageLength too small for the messageType",
        [-WIRE_TIMESTAMP] = "timestamp with nanoseconds of 1e9 or more",
        [-WIRE_TLV] = "malformed TLV",
        [-WIRE_SPACE] = "does not fit",
    };
    return error <= 0 && error > -WIRE_ERRORS ? texts[-error] : "unknown error";
}

const char *message_type_name(uint8_t type)
{
    return type <= 0xF && layouts[type].name != NULL ? layouts[type].name : "reserved";
}

bool message_is_event(uint8_t type)
{
    return type <= MSG_PDELAY_RESP;
}

bool wire_timestamp_to_ns(const struct wire_timestamp *t, int64_t *ns)
{
    const uint64_t s_max = INT64_MAX / NS_PER_S, ns_max = INT64_MAX % NS_PER_S;
    if (t->nanoseconds >= NS_PER_S)
        return false;
    if (t->seconds > s_max || (t->seconds == s_max && t->nanoseconds > ns_max))
        return false;
    *ns = (int64_t)t->seconds * NS_PER_S + t->nanoseconds;
    return true;
}

struct wire_timestamp wire_timestamp_from_ns(int64_t ns)
{
    if (ns < 0)
        ns = 0;
    return (struct wire_timestamp){.seconds = (uint64_t)(ns / NS_PER_S),
                                   .nanoseconds = (uint32_t)(ns % NS_PER_S)};
}
