/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gmd/daemon.h"
#include "gmd/log.h"

json_t *report_error(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_make_printable(text);
    return json_pack("{s:s}", "error", text);
}

/* --- small values ---------------------------------------------------------------------------------- */

/* Text that names or quotes what is foreign: JSON refuses what is not UTF-8. */
static json_t *printable(const char *text)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    text_make_printable(copy);
    return json_string(copy);
}

/* JSON has no infinity: what is unknown is null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *unsigned64(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* The discipline has no bound before its first pulses. */
static json_t *bound(const struct discipline_status *s)
{
    return s->bound_ns < BOUND_UNKNOWN_NS ? json_real(s->bound_ns) : json_null();
}

/* Seconds since a monotonic time; null if it never was. */
static json_t *age(int64_t then_ns, int64_t now_ns)
{
    return then_ns == INT64_MIN ? json_null() : json_real(round((double)(now_ns - then_ns) / 1e6) / 1e3);
}

/* -1: the receiver did not say */
static json_t *known(int value)
{
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *hex8(unsigned value)
{
    char text[8];
    snprintf(text, sizeof text, "0x%02X", value);
    return json_string(text);
}

static json_t *identity(const struct clock_identity *id)
{
    char text[PORT_IDENTITY_STRLEN];
    return json_string(clock_identity_format(id, text));
}

static json_t *port_id(const struct port_identity *id)
{
    char text[PORT_IDENTITY_STRLEN];
    return json_string(port_identity_format(id, text));
}

static const char *time_source_name(uint8_t source)
{
    switch (source) {
    case TIME_SOURCE_ATOMIC_CLOCK:
        return "ATOMIC_CLOCK";
    case TIME_SOURCE_GNSS:
        return "GNSS";
    case TIME_SOURCE_TERRESTRIAL_RADIO:
        return "TERRESTRIAL_RADIO";
    case TIME_SOURCE_SERIAL_TIME_CODE:
        return "SERIAL_TIME_CODE";
    case TIME_SOURCE_PTP:
        return "PTP";
    case TIME_SOURCE_NTP:
        return "NTP";
    case TIME_SOURCE_HAND_SET:
        return "HAND_SET";
    case TIME_SOURCE_INTERNAL_OSCILLATOR:
        return "INTERNAL_OSCILLATOR";
    default:
        return "OTHER";
    }
}

static json_t *quality(const struct clock_quality *q)
{
    return json_pack("{s:i, s:o, s:i}", "clock_class", q->clock_class, "clock_accuracy",
                     hex8(q->clock_accuracy), "offset_scaled_log_variance", q->offset_scaled_log_variance);
}

static json_t *properties(const struct time_properties *t)
{
    return json_pack("{s:i, s:b, s:b, s:b, s:b, s:b, s:b, s:s}", "current_utc_offset", t->current_utc_offset,
                     "current_utc_offset_valid", t->current_utc_offset_valid, "leap59", t->leap59, "leap61",
                     t->leap61, "time_traceable", t->time_traceable, "frequency_traceable",
                     t->frequency_traceable, "ptp_timescale", t->ptp_timescale, "time_source",
                     time_source_name(t->time_source));
}

/* --- commands -------------------------------------------------------------------------------------- */

static json_t *report_clock(struct daemon *d, int64_t now_ns)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    const struct clock_counters *c = &d->clock_counters;
    int64_t read_ns, clock_ns;
    json_t *time = json_null();
    if (daemon_read_clock(d, &read_ns, &clock_ns) == 0)
        time = json_integer(clock_ns);
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "clock",
                     printable(d->clock->description), "type", d->clock->ops->name, "tai_ns", time,
                     "freq_ppb", number(d->clock->freq_ppb), "max_freq_ppb", number(d->clock->max_freq_ppb),
                     "offset_ns", number(s->offset_ns), "bound_ns", bound(s), "steps", unsigned64(s->steps),
                     "foreign_steps", unsigned64(s->jumps), "read_errors", unsigned64(c->read_errors),
                     "adjust_errors", unsigned64(c->adjust_errors), "convert_errors",
                     unsigned64(c->convert_errors), "uptime_s", age(d->started_ns, now_ns));
}

static json_t *report_leap(const struct leap_status *l)
{
    return json_pack("{s:i, s:b, s:s, s:b, s:b, s:b, s:b, s:I}", "utc_offset_s", l->utc_offset_s, "valid",
                     l->valid, "source", leap_source_name(l->source), "table_expired", l->table_expired,
                     "sources_disagree", l->disagree, "leap59", l->leap59, "leap61", l->leap61,
                     "next_leap_utc_s", (json_int_t)l->next_leap_utc_s);
}

static json_t *report_switches(const struct daemon *d)
{
    json_t *o = json_object();
    for (int i = 0; i < SIMULATED_SWITCHES; i++)
        json_object_set_new(o, simulated_switch_name(i),
                            json_string(simulated_gnss_is_on(d->simulated, i) ? "on" : "off"));
    return o;
}

static json_t *report_gnss(struct daemon *d, int64_t now_ns)
{
    static const char *const fixes[] = {"unknown", "none", "2D", "3D"};
    const struct gnss_status *g = &d->gm.gnss.status;
    json_t *o = json_pack(
        "{s:o, s:s, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
        "receiver", printable(d->receiver->description), "link", g->link == RECEIVER_LINK_UP ? "up" : "down",
        "problem", printable(d->receiver->problem), "trust", gnss_trust_name(g->trust), "fix",
        fixes[g->fix & 3], "satellites_used", known(g->satellites_used), "satellites_visible",
        known(g->satellites_visible), "antenna", receiver_antenna_name(g->antenna), "last_message_s",
        age(g->last_message_ns, now_ns), "messages", unsigned64(g->messages), "pulse",
        printable(d->pulse->description), "last_pulse_s", age(g->last_pulse_ns, now_ns), "pulses",
        unsigned64(g->pulses), "pulses_rejected", unsigned64(g->pulses_rejected), "pulse_errors",
        unsigned64(d->pulse->errors), "messages_late", unsigned64(g->messages_late), "messages_malformed",
        unsigned64(d->receiver->malformed), "numbering_disagrees", g->numbering_disagrees, "leap",
        report_leap(&g->leap));
    if (d->simulated)
        json_object_set_new(o, "simulation", report_switches(d));
    return o;
}

static json_t *report_holdover(struct daemon *d, int64_t now_ns)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state",
                     discipline_state_name(s->state), "since_s", age(s->since_ns, now_ns), "previous",
                     discipline_state_name(s->previous), "why", printable(s->why), "offset_ns",
                     number(s->offset_ns), "filtered_ns", number(s->filtered_ns), "freq_ppb",
                     number(s->freq_ppb), "drift_ppb_per_day", number(s->drift_ppb_per_day), "bound_ns",
                     bound(s), "limit_ns", number(d->conf.holdover.holdover_limit_ns), "last_sample_s",
                     age(s->last_sample_ns, now_ns), "samples", unsigned64(s->samples), "outliers",
                     unsigned64(s->outliers), "quality", quality(&d->gm.quality.clock_quality),
                     "time_to_lock_s",
                     s->locked_first_ns == INT64_MIN ? json_null() : age(d->started_ns, s->locked_first_ns));
}

static json_t *by_type(const uint64_t *counts)
{
    json_t *o = json_object();
    for (unsigned type = 0; type < 16; type++)
        if (counts[type])
            json_object_set_new(o, message_type_name((uint8_t)type), unsigned64(counts[type]));
    return o;
}

static uint64_t sum(const uint64_t *counts, int n)
{
    uint64_t total = 0;
    for (int i = 0; i < n; i++)
        total += counts[i];
    return total;
}

static json_t *report_port(const struct daemon *d, unsigned i, int64_t now_ns)
{
    const struct port *p = &d->gm.instance.ports[i];
    const struct daemon_port *foot = &d->ports[i];
    const struct port_counters *c = &p->counters;
    static const struct transport_counters none;
    const struct transport_counters *t = foot->transport ? &foot->transport->counters : &none;
    return json_pack(
        "{s:i, s:o, s:o, s:s, s:o, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "port", p->identity.port, "interface", printable(d->conf.ports[i].interface), "port_identity",
        port_id(&p->identity), "state", port_state_name(p->state), "since_s", age(p->state_since_ns, now_ns),
        "transport", foot->transport ? foot->transport->ops->name : "none", "timestamping",
        foot->stamping == STAMPING_HARDWARE ? "hardware" : "software", "active", port_is_active(p), "problem",
        printable(foot->problem), "tx", by_type(c->tx), "rx", by_type(c->rx), "rx_malformed",
        unsigned64(sum(c->rx_errors, WIRE_ERRORS)), "rx_wrong_domain", unsigned64(c->rx_wrong_domain),
        "rx_no_timestamp", unsigned64(c->rx_no_timestamp), "tx_timestamp_missing",
        unsigned64(c->tx_timestamp_missing), "tx_timestamp_late", unsigned64(c->tx_timestamp_late),
        "tx_errors", unsigned64(t->tx_errors), "rx_errors", unsigned64(t->rx_errors), "announce_timeouts",
        unsigned64(c->announce_timeouts));
}

static json_t *report_ports(struct daemon *d, int64_t now_ns)
{
    json_t *ports = json_array();
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        json_array_append_new(ports, report_port(d, i, now_ns));
    return json_pack("{s:o}", "ports", ports);
}

static json_t *report_peer(const struct port *p, const struct foreign_master *m, int64_t now_ns)
{
    const struct candidate *c = &m->last.candidate;
    return json_pack(
        "{s:o, s:i, s:o, s:i, s:i, s:o, s:i, s:b, s:b, s:o, s:o}", "sender", port_id(&c->sender), "port",
        p->identity.port, "grandmaster", identity(&c->grandmaster), "priority1", c->priority1, "priority2",
        c->priority2, "quality", quality(&c->quality), "steps_removed", c->steps_removed, "qualified",
        foreign_qualified(&p->foreign, m, now_ns), "best", foreign_best(&p->foreign, now_ns) == m,
        "last_announce_s", age(m->seen_ns[0], now_ns), "announces", unsigned64(m->announces));
}

static json_t *report_peers(struct daemon *d, int64_t now_ns)
{
    const struct instance *in = &d->gm.instance;
    json_t *peers = json_array();
    for (unsigned i = 0; i < in->port_count; i++)
        for (unsigned k = 0; k < FOREIGN_MASTERS_MAX; k++)
            if (in->ports[i].foreign.masters[k].used)
                json_array_append_new(peers,
                                      report_peer(&in->ports[i], &in->ports[i].foreign.masters[k], now_ns));
    const struct parent_ds *p = &in->parent_ds;
    return json_pack("{s:o, s:o, s:o, s:i, s:i, s:o}", "grandmaster", identity(&p->grandmaster_identity),
                     "parent", port_id(&p->parent_port_identity), "grandmaster_quality",
                     quality(&p->grandmaster_clock_quality), "grandmaster_priority1",
                     p->grandmaster_priority1, "grandmaster_priority2", p->grandmaster_priority2, "peers",
                     peers);
}

static json_t *report_clients(struct daemon *d, int64_t now_ns)
{
    json_t *clients = json_array();
    const struct client *c;
    char address[ADDRESS_STRLEN];
    for (size_t cursor = 0; (c = clients_next(d->clients, &cursor));)
        json_array_append_new(
            clients,
            json_pack("{s:o, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "client", port_id(&c->identity),
                      "address", address_format(&c->address, address), "mode", client_mode_name(c->mode),
                      "port", c->port, "requests", unsigned64(c->requests), "answered",
                      unsigned64(c->answered), "rate_hz", number(c->rate_hz), "first_seen_s",
                      age(c->first_seen_ns, now_ns), "last_seen_s", age(c->last_seen_ns, now_ns)));
    return json_pack("{s:o, s:o, s:o}", "known", unsigned64(clients_count(d->clients)), "evicted",
                     unsigned64(clients_evicted(d->clients)), "clients", clients);
}

static json_t *report_alarm(const struct alarm_info *info, const struct alarm_state *s, int64_t now_ns)
{
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:o, s:s}", "alarm", info->name, "severity", info->severity, "raised",
                  unsigned64(s->raised), "detail", printable(s->detail), "cleared_by", info->cleared_by);
    json_object_set_new(o, s->active ? "since_utc_s" : "cleared_utc_s", json_integer(s->since_utc_s));
    json_object_set_new(o, s->active ? "for_s" : "cleared_ago_s", age(s->since_ns, now_ns));
    return o;
}

static json_t *report_alarms(struct daemon *d, int64_t now_ns)
{
    struct alarm_info info;
    const struct alarm_state *s;
    json_t *active = json_array(), *cleared = json_array();
    for (size_t i = 0; alarms_get(&d->alarms, i, &info, &s); i++)
        if (s->raised)
            json_array_append_new(s->active ? active : cleared, report_alarm(&info, s, now_ns));
    return json_pack("{s:o, s:o}", "active", active, "cleared", cleared);
}

static json_t *active_alarm_names(const struct daemon *d)
{
    struct alarm_info info;
    const struct alarm_state *s;
    json_t *names = json_array();
    for (size_t i = 0; alarms_get(&d->alarms, i, &info, &s); i++)
        if (s->active)
            json_array_append_new(names, json_string(info.name));
    return names;
}

/* port 1 MASTER, port 2 PASSIVE */
static json_t *port_states(const struct daemon *d)
{
    json_t *states = json_object();
    for (unsigned i = 0; i < d->gm.instance.port_count; i++) {
        char name[sizeof d->conf.ports[i].interface];
        snprintf(name, sizeof name, "%s", d->conf.ports[i].interface);
        text_make_printable(name);
        json_object_set_new(states, name, json_string(port_state_name(d->gm.instance.ports[i].state)));
    }
    return states;
}

#define ACTIVE_CLIENT_NS (60 * NS_PER_S)

static json_t *report_status(struct daemon *d, int64_t now_ns)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    const struct instance *in = &d->gm.instance;
    uint64_t sent = 0;
    for (unsigned i = 0; i < in->port_count; i++)
        sent += sum(in->ports[i].counters.tx, 16);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o}",
                     "state", discipline_state_name(s->state), "since_s", age(s->since_ns, now_ns), "why",
                     printable(s->why), "offset_ns", number(s->offset_ns), "freq_ppb", number(s->freq_ppb),
                     "bound_ns", bound(s), "clock_identity", identity(&in->default_ds.clock_identity),
                     "quality", quality(&in->default_ds.clock_quality), "time_properties",
                     properties(&in->own_time_properties), "gnss", gnss_trust_name(d->gm.gnss.status.trust),
                     "ports", port_states(d), "grandmaster", identity(&in->parent_ds.grandmaster_identity),
                     "domain", in->default_ds.domain_number, "messages_sent", unsigned64(sent),
                     "active_clients", unsigned64(clients_active(d->clients, now_ns, ACTIVE_CLIENT_NS)),
                     "alarms", active_alarm_names(d), "uptime_s", age(d->started_ns, now_ns));
}

/* {"command": "sim", "switch": "antenna", "on": false} or {"command": "sim", "clock_step_s": 37.0} */
static json_t *simulate(struct daemon *d, const json_t *request)
{
    const json_t *step = json_object_get(request, "clock_step_s");
    const char *name = json_string_value(json_object_get(request, "switch"));
    if (step) {
        if (!d->oscillator)
            return report_error("the clock is not simulated: simulation.oscillator is false");
        if (!json_is_number(step) || fabs(json_number_value(step)) > 1e6)
            return report_error("clock_step_s: expected seconds within +-1e6");
        clock_simulated_disturb(d->oscillator, (int64_t)(json_number_value(step) * 1e9));
        return json_pack("{s:f}", "clock_step_s", json_number_value(step));
    }
    if (!d->simulated)
        return report_error("nothing is simulated: receiver.type and pulse.type are real");
    for (int i = 0; name && i < SIMULATED_SWITCHES; i++) {
        if (strcmp(name, simulated_switch_name(i)) != 0)
            continue;
        if (!json_is_boolean(json_object_get(request, "on")))
            return report_error("\"on\": expected true or false");
        simulated_gnss_switch(d->simulated, i, json_is_true(json_object_get(request, "on")));
        return report_switches(d);
    }
    return report_error("no such switch: \"%.40s\" (antenna, fix, pulse, link)", name ? name : "");
}

static const struct {
    const char *command;
    json_t *(*report)(struct daemon *d, int64_t now_ns);
} reports[] = {
    {"status", report_status}, {"watch", report_status},      {"clock", report_clock},
    {"gnss", report_gnss},     {"holdover", report_holdover}, {"ports", report_ports},
    {"peers", report_peers},   {"clients", report_clients},   {"alarms", report_alarms},
};

static json_t *answer_to(struct daemon *d, const char *command, const json_t *request)
{
    if (strcmp(command, "sim") == 0)
        return simulate(d, request);
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++)
        if (strcmp(command, reports[i].command) == 0)
            return reports[i].report(d, loop_now());
    return report_error("unknown command \"%.40s\"", command);
}

json_t *report_answer(struct daemon *d, const char *command, const json_t *request)
{
    json_t *reply = answer_to(d, command, request);
    return reply ? reply : report_error("internal");
}
