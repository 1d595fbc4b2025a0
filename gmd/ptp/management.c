/* SPDX-License-Identifier: BSD-2-Clause */
/* Management requests: which are for this clock, what is to be answered, and the answers' messages. */
#include "gmd/ptp/management.h"

#include <string.h>

#include "gmd/ptp/management_data.h"

#define ALL_PORTS     0xFFFF
#define DATA_LEN_MAX  512 /* CLOCK_DESCRIPTION with the longest texts */
#define NOTIFIED_HOPS 1   /* as ptp4l sends notifications */

static const struct clock_identity all_clocks = {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};

/* ---- which requests ---- */

/* Clause 15.3.1 */
static bool is_for_us(const struct ptp_message *m, const struct default_ds *ds)
{
    const struct clock_identity *target = &m->body.management.target.clock;
    return m->header.domain_number == ds->domain_number &&
           (m->header.major_sdo_id << 8 | m->header.minor_sdo_id) == ds->sdo_id &&
           (clock_identity_compare(target, &all_clocks) == 0 ||
            clock_identity_compare(target, &ds->clock_identity) == 0);
}

/* RESPONSE and ACKNOWLEDGE are never answered: two clocks would go on for ever. */
static bool is_request(uint8_t action)
{
    return action == MANAGEMENT_GET || action == MANAGEMENT_SET || action == MANAGEMENT_COMMAND;
}

/* Finds the management TLV; a message has one (clause 15.4.1). NULL if all is well, or what to count. */
static uint64_t *find_tlv(struct management_request *r, struct management_counters *c)
{
    size_t at = 0;
    struct tlv tlv;
    if (tlv_next(r->message.suffix, r->message.suffix_len, &at, &tlv) <= 0)
        return &c->malformed;
    if (tlv.type != TLV_MANAGEMENT)
        return &c->not_request; /* such as the SM TLV of ST 2059-2 */
    if (tlv.length < 2)
        return &c->malformed;
    r->id = (uint16_t)(tlv.value[0] << 8 | tlv.value[1]);
    r->data = tlv.value + 2;
    r->data_len = tlv.length - 2u;
    return NULL;
}

/* ---- what to answer ---- */

/* A duration of 16 bits and the mask. */
static enum management_error subscribe(struct management_request *r)
{
    if (r->data_len != 2 + MANAGEMENT_EVENTS_OCTETS)
        return MANAGEMENT_WRONG_LENGTH;
    const uint16_t duration_s = (uint16_t)(r->data[0] << 8 | r->data[1]);
    const bool done = management_subscribe(r->subscribers, &r->message.header.source, r->source->local,
                                           r->data[2], duration_s, r->source->now_ns);
    return done ? MANAGEMENT_NO_ERROR : MANAGEMENT_GENERAL_ERROR;
}

/* The data of a GET means nothing (pmc sends zeros or nothing, see pmc(8) -z): its length
 * is not judged. */
static enum management_error carry_out(struct management_request *r, const struct management_row *row)
{
    const uint8_t action = r->message.body.management.action;
    if (!row)
        return management_id_is_standard(r->id) ? MANAGEMENT_NOT_SUPPORTED : MANAGEMENT_NO_SUCH_ID;
    if (row->local_only && !r->source->local)
        return MANAGEMENT_NOT_SUPPORTED;
    if (action == MANAGEMENT_GET || row->id == MANAGEMENT_NULL_MANAGEMENT)
        return MANAGEMENT_NO_ERROR;
    if (action == MANAGEMENT_COMMAND)
        return MANAGEMENT_NOT_SUPPORTED;
    return row->id == MANAGEMENT_SUBSCRIBE_EVENTS_NP ? subscribe(r) : MANAGEMENT_NOT_SETABLE;
}

/* The ports that are asked. None that exists: WRONG_VALUE (interpretation 21 of IEEE 1588-2008). */
static enum management_error choose_ports(struct management_request *r, const struct management_row *row,
                                          const struct instance *in)
{
    const uint16_t target = r->message.body.management.target.port;
    if (target != ALL_PORTS && (target > in->port_count || (target == 0 && row->per_port)))
        return MANAGEMENT_WRONG_VALUE;
    r->clock_wide = !row->per_port;
    r->next = target == ALL_PORTS || r->clock_wide ? 1 : target;
    r->last = r->clock_wide ? 1 : target == ALL_PORTS ? in->port_count : target;
    return MANAGEMENT_NO_ERROR;
}

static void decide(struct management_request *r, const struct instance *in)
{
    const struct management_row *row = management_row(r->id);
    r->clock_wide = true;
    r->next = r->last = 1;
    if (row)
        r->error = choose_ports(r, row, in);
    if (r->error == MANAGEMENT_NO_ERROR)
        r->error = carry_out(r, row);
    if (r->error != MANAGEMENT_NO_ERROR) {
        r->clock_wide = true;
        r->next = r->last = 1;
    }
}

bool management_open(struct management_request *r, const uint8_t *bytes, size_t len,
                     const struct management_source *source, const struct management_view *v,
                     struct management_subscribers *subscribers, struct management_counters *c)
{
    *r = (struct management_request){.source = source, .subscribers = subscribers};
    c->received++;
    uint64_t *reason = NULL;
    if (wire_decode(bytes, len, &r->message) != WIRE_OK)
        reason = &c->malformed;
    else if (r->message.header.message_type != MSG_MANAGEMENT ||
             !is_request(r->message.body.management.action))
        reason = &c->not_request;
    else if (!is_for_us(&r->message, &v->instance->default_ds))
        reason = &c->not_for_us;
    else
        reason = find_tlv(r, c);
    if (reason) {
        ++*reason;
        return false;
    }
    decide(r, v->instance);
    if (r->error != MANAGEMENT_NO_ERROR)
        c->refused++;
    return true;
}

/* ---- the answers ---- */

/* Wraps one TLV into a message from our port to a management node. Its length, or 0 if there is no room. */
static size_t encode(struct ptp_message m, const struct default_ds *ds, uint16_t port, uint16_t tlv_type,
                     const uint8_t *value, size_t value_len, uint8_t *buf, size_t size)
{
    uint8_t suffix[4 + 2 + DATA_LEN_MAX];
    size_t suffix_len = 0;
    if (tlv_append(suffix, sizeof suffix, &suffix_len, tlv_type, value, (uint16_t)value_len) != WIRE_OK)
        return 0;
    m.header.message_type = MSG_MANAGEMENT;
    m.header.major_sdo_id = (uint8_t)(ds->sdo_id >> 8);
    m.header.minor_sdo_id = (uint8_t)ds->sdo_id;
    m.header.minor_version = PTP_MINOR_VERSION;
    m.header.domain_number = ds->domain_number;
    m.header.source = (struct port_identity){.clock = ds->clock_identity, .port = port};
    m.header.control = WIRE_CONTROL_AUTO;
    m.header.log_message_interval = LOG_INTERVAL_NONE;
    m.suffix = suffix;
    m.suffix_len = suffix_len;
    const int len = wire_encode(&m, buf, size);
    return len > 0 ? (size_t)len : 0;
}

/* Clause 15.4.1: back to who asked, with as many hops as the request has made. */
static struct ptp_message reply_to(const struct management_request *r)
{
    const struct management_body *b = &r->message.body.management;
    const uint8_t hops = b->starting_boundary_hops > b->boundary_hops
                             ? (uint8_t)(b->starting_boundary_hops - b->boundary_hops)
                             : 0;
    const bool command = b->action == MANAGEMENT_COMMAND;
    return (struct ptp_message){
        .header = {.flags = r->source->unicast ? FLAG_UNICAST : 0,
                   .sequence_id = r->message.header.sequence_id},
        .body.management = {.target = r->message.header.source,
                            .starting_boundary_hops = hops,
                            .boundary_hops = hops,
                            .action = command ? MANAGEMENT_ACKNOWLEDGE : MANAGEMENT_RESPONSE},
    };
}

/* managementId and data. Returns the length, or 0 if there is no room. */
static size_t put_value(uint8_t *value, size_t size, const struct management_row *row,
                        const struct management_subject *s)
{
    struct management_writer w = {.at = value, .end = value + size};
    management_put(&w, 2, row->id);
    row->put(&w, s);
    return w.overflow ? 0 : (size_t)(w.at - value);
}

/* Clause 15.5.4: managementErrorId, managementId, four reserved octets, no displayData. */
static size_t answer_error(const struct management_request *r, const struct management_view *v,
                           enum management_error error, uint8_t *buf, size_t size)
{
    uint8_t value[8];
    struct management_writer w = {.at = value, .end = value + sizeof value};
    management_put(&w, 2, error);
    management_put(&w, 2, r->id);
    management_put(&w, 4, 0);
    return encode(reply_to(r), &v->instance->default_ds, r->source->port, TLV_MANAGEMENT_ERROR_STATUS, value,
                  sizeof value, buf, size);
}

static struct management_subject subject_of(const struct management_view *v, unsigned port)
{
    struct management_subject s = {.view = v, .instance = v->instance};
    if (port > 0) {
        s.port = &v->instance->ports[port - 1];
        s.shown = &v->ports[port - 1];
    }
    return s;
}

static size_t answer(const struct management_request *r, const struct management_view *v, unsigned port,
                     uint8_t *buf, size_t size)
{
    struct management_subject s = subject_of(v, port);
    s.now_ns = r->source->now_ns;
    s.subscription = management_subscription(r->subscribers, &r->message.header.source, s.now_ns);
    uint8_t value[2 + DATA_LEN_MAX];
    const size_t value_len = put_value(value, sizeof value, management_row(r->id), &s);
    if (value_len == 0)
        return answer_error(r, v, MANAGEMENT_RESPONSE_TOO_BIG, buf, size);
    return encode(reply_to(r), &v->instance->default_ds, port > 0 ? (uint16_t)port : r->source->port,
                  TLV_MANAGEMENT, value, value_len, buf, size);
}

size_t management_next(struct management_request *r, const struct management_view *v, uint8_t *buf,
                       size_t size)
{
    if (r->next > r->last)
        return 0;
    const unsigned port = r->next++;
    if (r->error != MANAGEMENT_NO_ERROR)
        return answer_error(r, v, r->error, buf, size);
    return answer(r, v, r->clock_wide ? 0 : port, buf, size);
}

size_t management_notification(struct management_subscriber *s, enum management_event event, uint16_t port,
                               const struct management_view *v, uint8_t *buf, size_t size)
{
    const bool of_port = event == MANAGEMENT_EVENT_PORT_STATE;
    const uint16_t number = of_port ? port : 0;
    const struct management_subject subject = subject_of(v, number);
    uint8_t value[2 + DATA_LEN_MAX];
    const size_t value_len =
        put_value(value, sizeof value,
                  management_row(of_port ? MANAGEMENT_PORT_DATA_SET : MANAGEMENT_PARENT_DATA_SET), &subject);
    const struct ptp_message m = {
        .header.sequence_id = s->sequence_id++,
        .body.management = {.target = s->identity,
                            .starting_boundary_hops = NOTIFIED_HOPS,
                            .boundary_hops = NOTIFIED_HOPS,
                            .action = MANAGEMENT_RESPONSE},
    };
    return encode(m, &v->instance->default_ds, number, TLV_MANAGEMENT, value, value_len, buf, size);
}

/* A virtual scheduler: each admitted request keeps the port busy for its share of a second. */
bool management_admit(int64_t *busy_until_ns, int64_t now_ns)
{
    const int64_t share_ns = NS_PER_S / MANAGEMENT_RATE;
    if (*busy_until_ns < now_ns)
        *busy_until_ns = now_ns;
    if (*busy_until_ns - now_ns > (MANAGEMENT_BURST - 1) * share_ns)
        return false;
    *busy_until_ns += share_ns;
    return true;
}
