/* SPDX-License-Identifier: BSD-2-Clause */
/* The data fields of management TLVs: clause 15.5.3, and linuxptp's own as pmc 3.1.1 reads them. */
#include "gmd/ptp/management_data.h"

#include <string.h>

#define TEXT_OCTETS_MAX 128 /* of what clause 15.5.3 limits, the longest */

/* ---- octets ---- */

static void put_octets(struct management_writer *w, const void *octets, size_t count)
{
    if (count > (size_t)(w->end - w->at)) {
        w->overflow = true;
        return;
    }
    memcpy(w->at, octets, count);
    w->at += count;
}

void management_put(struct management_writer *w, unsigned octets, uint64_t v)
{
    while (octets-- > 0) {
        const uint8_t octet = (uint8_t)(v >> (8 * octets));
        put_octets(w, &octet, 1);
    }
}

/* linuxptp's counters are little-endian, whatever the machine. */
static void put_counter(struct management_writer *w, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        management_put(w, 1, v >> (8 * i));
}

/* PTPText, clause 5.3.9 */
static void put_text(struct management_writer *w, const char *text)
{
    const size_t len = strnlen(text, TEXT_OCTETS_MAX);
    management_put(w, 1, len);
    put_octets(w, text, len);
}

static void put_clock_identity(struct management_writer *w, const struct clock_identity *id)
{
    put_octets(w, id->id, sizeof id->id);
}

static void put_port_identity(struct management_writer *w, const struct port_identity *id)
{
    put_clock_identity(w, &id->clock);
    management_put(w, 2, id->port);
}

static void put_quality(struct management_writer *w, const struct clock_quality *q)
{
    management_put(w, 1, q->clock_class);
    management_put(w, 1, q->clock_accuracy);
    management_put(w, 2, q->offset_scaled_log_variance);
}

/* One octet and a reserved one: how clause 15.5.3 writes a single value. */
static void put_value(struct management_writer *w, unsigned value)
{
    management_put(w, 1, value);
    management_put(w, 1, 0);
}

/* The flags of timePropertiesDS stand where Announce has them (table 37). */
static unsigned time_flags(const struct time_properties *t)
{
    return (t->leap61 ? FLAG_LEAP61 : 0) | (t->leap59 ? FLAG_LEAP59 : 0) |
           (t->current_utc_offset_valid ? FLAG_UTC_OFFSET_VALID : 0) |
           (t->ptp_timescale ? FLAG_PTP_TIMESCALE : 0) | (t->time_traceable ? FLAG_TIME_TRACEABLE : 0) |
           (t->frequency_traceable ? FLAG_FREQUENCY_TRACEABLE : 0);
}

/* ---- the clock ---- */

static void user_description(struct management_writer *w, const struct management_subject *s)
{
    put_text(w, s->view->user_description);
}

/* twoStepFlag: true unless every port's Sync is one-step. */
static bool two_step(const struct instance *in)
{
    for (unsigned i = 0; i < in->port_count; i++)
        if (!in->ports[i].config.one_step_sync)
            return true;
    return false;
}

/* clause 15.5.3.3.1; slaveOnly is bit 1 */
static void default_data_set(struct management_writer *w, const struct management_subject *s)
{
    const struct default_ds *ds = &s->instance->default_ds;
    put_value(w, two_step(s->instance));
    management_put(w, 2, ds->number_ports);
    management_put(w, 1, ds->priority1);
    put_quality(w, &ds->clock_quality);
    management_put(w, 1, ds->priority2);
    put_clock_identity(w, &ds->clock_identity);
    put_value(w, ds->domain_number);
}

/* clause 15.5.3.4.1. offsetFromMaster and meanPathDelay are a slave's. */
static void current_data_set(struct management_writer *w, const struct management_subject *s)
{
    management_put(w, 2, s->instance->steps_removed);
    management_put(w, 8, 0);
    management_put(w, 8, 0);
}

/* clause 15.5.3.5.1. No statistics of the parent: the values that clause 7.6.4 has for that. */
static void parent_data_set(struct management_writer *w, const struct management_subject *s)
{
    const struct parent_ds *ds = &s->instance->parent_ds;
    put_port_identity(w, &ds->parent_port_identity);
    put_value(w, 0);
    management_put(w, 2, 0xFFFF);
    management_put(w, 4, 0x7FFFFFFF);
    management_put(w, 1, ds->grandmaster_priority1);
    put_quality(w, &ds->grandmaster_clock_quality);
    management_put(w, 1, ds->grandmaster_priority2);
    put_clock_identity(w, &ds->grandmaster_identity);
}

/* clause 15.5.3.6.1 */
static void put_time_properties(struct management_writer *w, const struct time_properties *t)
{
    management_put(w, 2, (uint16_t)t->current_utc_offset);
    management_put(w, 1, time_flags(t));
    management_put(w, 1, t->time_source);
}

static void time_properties_data_set(struct management_writer *w, const struct management_subject *s)
{
    put_time_properties(w, &s->instance->time_properties);
}

static void priority1(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, s->instance->default_ds.priority1);
}

static void priority2(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, s->instance->default_ds.priority2);
}

static void domain(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, s->instance->default_ds.domain_number);
}

static void slave_only(struct management_writer *w, const struct management_subject *s)
{
    (void)s;
    put_value(w, 0);
}

static void clock_accuracy(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, s->instance->default_ds.clock_quality.clock_accuracy);
}

static void utc_properties(struct management_writer *w, const struct management_subject *s)
{
    const struct time_properties *t = &s->instance->time_properties;
    management_put(w, 2, (uint16_t)t->current_utc_offset);
    put_value(w, time_flags(t) & (FLAG_LEAP61 | FLAG_LEAP59 | FLAG_UTC_OFFSET_VALID));
}

static void traceability_properties(struct management_writer *w, const struct management_subject *s)
{
    put_value(w,
              time_flags(&s->instance->time_properties) & (FLAG_TIME_TRACEABLE | FLAG_FREQUENCY_TRACEABLE));
}

static void timescale_properties(struct management_writer *w, const struct management_subject *s)
{
    const struct time_properties *t = &s->instance->time_properties;
    management_put(w, 1, time_flags(t) & FLAG_PTP_TIMESCALE);
    management_put(w, 1, t->time_source);
}

/* What a slave measures is 0; gmPresent: another clock is the grandmaster. */
static void time_status_np(struct management_writer *w, const struct management_subject *s)
{
    const struct clock_identity *gm = &s->instance->parent_ds.grandmaster_identity;
    management_put(w, 8, 0); /* master_offset */
    management_put(w, 8, 0); /* ingress_time */
    management_put(w, 4, 0); /* cumulativeScaledRateOffset */
    management_put(w, 4, 0); /* scaledLastGmPhaseChange */
    management_put(w, 2, 0); /* gmTimeBaseIndicator */
    management_put(w, 2, 0); /* lastGmPhaseChange, 96 bits */
    management_put(w, 8, 0);
    management_put(w, 2, 0);
    management_put(w, 4, clock_identity_compare(gm, &s->instance->default_ds.clock_identity) != 0);
    put_clock_identity(w, gm);
}

/* This clock's own, whoever is the grandmaster. */
static void grandmaster_settings_np(struct management_writer *w, const struct management_subject *s)
{
    put_quality(w, &s->instance->default_ds.clock_quality);
    put_time_properties(w, &s->instance->own_time_properties);
}

static void subscribe_events_np(struct management_writer *w, const struct management_subject *s)
{
    static const uint8_t above[MANAGEMENT_EVENTS_OCTETS - 1];
    management_put(w, 2, s->subscription ? management_subscription_left(s->subscription, s->now_ns) : 0);
    management_put(w, 1, s->subscription ? s->subscription->events : 0);
    put_octets(w, above, sizeof above);
}

/* ---- a port ---- */

static void null_management(struct management_writer *w, const struct management_subject *s)
{
    (void)w;
    (void)s;
}

/* PortAddress, clause 5.3.6; networkProtocol by table 3 */
static void put_port_address(struct management_writer *w, const struct address *a)
{
    static const struct {
        uint16_t protocol, len;
    } kinds[] = {[ADDRESS_NONE] = {0xFFFE, 0},
                 [ADDRESS_IPV4] = {1, 4},
                 [ADDRESS_IPV6] = {2, 16},
                 [ADDRESS_MAC] = {3, 6}};
    management_put(w, 2, kinds[a->family].protocol);
    management_put(w, 2, kinds[a->family].len);
    put_octets(w, a->bytes, kinds[a->family].len);
}

/* clause 15.5.3.1.1. Several ports in one domain make a boundary clock, even one that is always grandmaster.
 * manufacturerIdentity would be an OUI: there is none. */
static void clock_description(struct management_writer *w, const struct management_subject *s)
{
    enum { ORDINARY_CLOCK = 0x8000, BOUNDARY_CLOCK = 0x4000 };
    management_put(w, 2, s->instance->port_count > 1 ? BOUNDARY_CLOCK : ORDINARY_CLOCK);
    put_text(w, "IEEE 802.3");
    management_put(w, 2, sizeof s->shown->mac);
    put_octets(w, s->shown->mac, sizeof s->shown->mac);
    put_port_address(w, &s->shown->address);
    management_put(w, 3, 0);
    management_put(w, 1, 0); /* reserved */
    put_text(w, s->view->product);
    put_text(w, s->view->revision);
    put_text(w, s->view->user_description);
    put_octets(w, s->view->profile_identity, sizeof s->view->profile_identity);
}

/* clause 15.5.3.7.1. gmd sends no Pdelay_Req: its interval is that of the clients' requests. */
static void port_data_set(struct management_writer *w, const struct management_subject *s)
{
    const struct port_config *c = &s->port->config;
    put_port_identity(w, &s->port->identity);
    management_put(w, 1, s->port->state);
    management_put(w, 1, (uint8_t)c->log_min_delay_req_interval);
    management_put(w, 8, 0); /* peerMeanPathDelay */
    management_put(w, 1, (uint8_t)c->log_announce_interval);
    management_put(w, 1, c->announce_receipt_timeout);
    management_put(w, 1, (uint8_t)c->log_sync_interval);
    management_put(w, 1, c->delay_mechanism);
    management_put(w, 1, (uint8_t)c->log_min_delay_req_interval);
    management_put(w, 1, PTP_VERSION);
}

static void log_announce_interval(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, (uint8_t)s->port->config.log_announce_interval);
}

static void announce_receipt_timeout(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, s->port->config.announce_receipt_timeout);
}

static void log_sync_interval(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, (uint8_t)s->port->config.log_sync_interval);
}

static void version_number(struct management_writer *w, const struct management_subject *s)
{
    (void)s;
    put_value(w, PTP_VERSION);
}

static void delay_mechanism(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, s->port->config.delay_mechanism);
}

static void log_min_pdelay_req_interval(struct management_writer *w, const struct management_subject *s)
{
    put_value(w, (uint8_t)s->port->config.log_min_delay_req_interval);
}

/* neighborPropDelayThresh, as ptp4l's default; asCapable: is the port of any use? */
static void port_data_set_np(struct management_writer *w, const struct management_subject *s)
{
    management_put(w, 4, 20000000);
    management_put(w, 4, port_is_active(s->port));
}

static void port_properties_np(struct management_writer *w, const struct management_subject *s)
{
    enum { SOFTWARE = 0, HARDWARE = 1, ONE_STEP = 3 }; /* linuxptp's enum timestamp_type */
    const unsigned hardware = s->port->config.one_step_sync ? ONE_STEP : HARDWARE;
    put_port_identity(w, &s->port->identity);
    management_put(w, 1, s->port->state);
    management_put(w, 1, s->shown->hardware_stamping ? hardware : SOFTWARE);
    put_text(w, s->shown->interface);
}

static void port_stats_np(struct management_writer *w, const struct management_subject *s)
{
    put_port_identity(w, &s->port->identity);
    for (unsigned type = 0; type < 16; type++)
        put_counter(w, s->port->counters.rx[type]);
    for (unsigned type = 0; type < 16; type++)
        put_counter(w, s->port->counters.tx[type]);
}

/* Timers that fired, as linuxptp counts them: a master's are its messages. */
static void port_service_stats_np(struct management_writer *w, const struct management_subject *s)
{
    const struct port_counters *c = &s->port->counters;
    put_port_identity(w, &s->port->identity);
    put_counter(w, c->announce_timeouts);
    put_counter(w, 0); /* sync_timeout */
    put_counter(w, 0); /* delay_timeout */
    put_counter(w, 0); /* unicast_service_timeout */
    put_counter(w, 0); /* unicast_request_timeout */
    put_counter(w, c->tx[MSG_ANNOUNCE]);
    put_counter(w, c->tx[MSG_SYNC]);
    put_counter(w, 0); /* qualification_timeout */
    put_counter(w, 0); /* sync_mismatch */
    put_counter(w, 0); /* followup_mismatch */
}

static void port_hwclock_np(struct management_writer *w, const struct management_subject *s)
{
    put_port_identity(w, &s->port->identity);
    management_put(w, 4, (uint32_t)s->shown->phc_index);
    put_value(w, 0); /* flags: no virtual clock */
}

/* ---- the table ---- */

#define CLOCK(ID, put)                                                                                       \
    {                                                                                                        \
        MANAGEMENT_##ID, false, false, put                                                                   \
    }
#define PORT(ID, put)                                                                                        \
    {                                                                                                        \
        MANAGEMENT_##ID, true, false, put                                                                    \
    }
#define LOCAL_PORT(ID, put)                                                                                  \
    {                                                                                                        \
        MANAGEMENT_##ID, true, true, put                                                                     \
    }

static const struct management_row rows[] = {
    PORT(NULL_MANAGEMENT, null_management),
    PORT(CLOCK_DESCRIPTION, clock_description),
    CLOCK(USER_DESCRIPTION, user_description),
    CLOCK(DEFAULT_DATA_SET, default_data_set),
    CLOCK(CURRENT_DATA_SET, current_data_set),
    CLOCK(PARENT_DATA_SET, parent_data_set),
    CLOCK(TIME_PROPERTIES_DATA_SET, time_properties_data_set),
    PORT(PORT_DATA_SET, port_data_set),
    CLOCK(PRIORITY1, priority1),
    CLOCK(PRIORITY2, priority2),
    CLOCK(DOMAIN, domain),
    CLOCK(SLAVE_ONLY, slave_only),
    PORT(LOG_ANNOUNCE_INTERVAL, log_announce_interval),
    PORT(ANNOUNCE_RECEIPT_TIMEOUT, announce_receipt_timeout),
    PORT(LOG_SYNC_INTERVAL, log_sync_interval),
    PORT(VERSION_NUMBER, version_number),
    CLOCK(CLOCK_ACCURACY, clock_accuracy),
    CLOCK(UTC_PROPERTIES, utc_properties),
    CLOCK(TRACEABILITY_PROPERTIES, traceability_properties),
    CLOCK(TIMESCALE_PROPERTIES, timescale_properties),
    PORT(DELAY_MECHANISM, delay_mechanism),
    PORT(LOG_MIN_PDELAY_REQ_INTERVAL, log_min_pdelay_req_interval),
    CLOCK(TIME_STATUS_NP, time_status_np),
    CLOCK(GRANDMASTER_SETTINGS_NP, grandmaster_settings_np),
    PORT(PORT_DATA_SET_NP, port_data_set_np),
    {MANAGEMENT_SUBSCRIBE_EVENTS_NP, false, true, subscribe_events_np},
    LOCAL_PORT(PORT_PROPERTIES_NP, port_properties_np),
    PORT(PORT_STATS_NP, port_stats_np),
    PORT(PORT_SERVICE_STATS_NP, port_service_stats_np),
    LOCAL_PORT(PORT_HWCLOCK_NP, port_hwclock_np),
};

const struct management_row *management_row(uint16_t id)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].id == id)
            return &rows[i];
    return NULL;
}

/* Table 59: what applies to all nodes, to ordinary and boundary clocks (0x3000 on since 2019), to transparent
 * clocks, to all three. */
bool management_id_is_standard(uint16_t id)
{
    static const struct {
        uint16_t first, last;
    } ranges[] = {
        {0x0000, 0x0007}, {0x2000, 0x2021}, {0x3000, 0x3005}, {0x4000, 0x4002}, {0x6000, 0x6001},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (id >= ranges[i].first && id <= ranges[i].last)
            return true;
    return false;
}
