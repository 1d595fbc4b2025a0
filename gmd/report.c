/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gmd/daemon.h"
#include "gmd/log.h"
#include "gmd/report_parts.h"
#include "gmd/report_value.h"

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

static json_t *properties(const struct time_properties *t)
{
    json_t *o = json_object();
    put(o, "current_utc_offset", json_integer(t->current_utc_offset));
    put(o, "current_utc_offset_valid", json_boolean(t->current_utc_offset_valid));
    put(o, "leap59", json_boolean(t->leap59));
    put(o, "leap61", json_boolean(t->leap61));
    put(o, "time_traceable", json_boolean(t->time_traceable));
    put(o, "frequency_traceable", json_boolean(t->frequency_traceable));
    put(o, "ptp_timescale", json_boolean(t->ptp_timescale));
    put(o, "time_source", json_string(time_source_name(t->time_source)));
    return o;
}

static json_t *report_alarm(const struct alarm_info *info, const struct alarm_state *s, int64_t now_ns)
{
    json_t *o = json_object();
    put(o, "alarm", json_string(info->name));
    put(o, "severity", json_string(info->severity));
    put(o, "raised", unsigned64(s->raised));
    put(o, "detail", printable(s->detail));
    put(o, "cleared_by", json_string(info->cleared_by));
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

/* Every alarm that there is. */
static json_t *report_rules(struct daemon *d, int64_t now_ns)
{
    (void)now_ns;
    struct alarm_info info;
    const struct alarm_state *s;
    json_t *rules = json_array();
    for (size_t i = 0; alarms_get(&d->alarms, i, &info, &s); i++)
        json_array_append_new(rules, json_pack("{s:s, s:s, s:b, s:o, s:s}", "alarm", info.name, "severity",
                                               info.severity, "active", s->active, "raised",
                                               unsigned64(s->raised), "cleared_by", info.cleared_by));
    return json_pack("{s:o}", "rules", rules);
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
    json_t *o = json_object();
    put(o, "state", json_string(discipline_state_name(s->state)));
    put(o, "since_s", age(s->since_ns, now_ns));
    put(o, "why", printable(s->why));
    put(o, "offset_ns", number(s->offset_ns));
    put(o, "freq_ppb", number(s->freq_ppb));
    put(o, "bound_ns", bound(s));
    put(o, "clock_identity", identity(&in->default_ds.clock_identity));
    put(o, "quality", quality(&in->default_ds.clock_quality));
    put(o, "time_properties", properties(&in->own_time_properties));
    put(o, "gnss", json_string(gnss_trust_name(d->gm.gnss.status.trust)));
    put(o, "ports", port_states(d));
    put(o, "grandmaster", identity(&in->parent_ds.grandmaster_identity));
    put(o, "domain", json_integer(in->default_ds.domain_number));
    put(o, "messages_sent", unsigned64(sent));
    put(o, "budget", report_budget(d, now_ns));
    put(o, "active_clients", unsigned64(clients_active(d->service->clients, now_ns, ACTIVE_CLIENT_NS)));
    put(o, "alarms", active_alarm_names(d));
    put(o, "uptime_s", age(d->started_ns, now_ns));
    return o;
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
    {"status", report_status},       {"watch", report_status},      {"clock", report_clock},
    {"gnss", report_gnss},           {"holdover", report_holdover}, {"ports", report_ports},
    {"peers", report_peers},         {"alarms", report_alarms},     {"host", report_host},
    {"stability", report_stability}, {"rules", report_rules},       {"process", report_process},
};

static json_t *answer_to(struct daemon *d, const char *command, const json_t *request)
{
    if (strcmp(command, "sim") == 0)
        return simulate(d, request);
    if (strcmp(command, "clients") == 0)
        return report_clients(d, request, loop_now());
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
