/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/alarm_rules.h"

#include <stdio.h>

#include "gmd/daemon.h"
#include "gmd/manage.h"
#include "gmd/protection.h"
#include "gmd/ptp/interval.h"

static double seconds_since(int64_t then_ns, int64_t now_ns)
{
    return (double)(now_ns - then_ns) / 1e9;
}

static bool receiver_lost(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    snprintf(detail, size, "%.70s: %.80s", d->receiver->description, d->receiver->problem);
    return d->gm.gnss.status.link == RECEIVER_LINK_DOWN && d->receiver->problem[0];
}

static bool receiver_silent(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const struct gnss_status *g = &d->gm.gnss.status;
    if (g->last_message_ns == INT64_MIN)
        snprintf(detail, size, "connected to %.80s, but it never said anything", d->receiver->description);
    else
        snprintf(detail, size, "nothing usable from %.80s for %.0f s", d->receiver->description,
                 seconds_since(g->last_message_ns, now_ns));
    return g->link == RECEIVER_LINK_UP && g->silent;
}

static bool no_fix(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct gnss_status *g = &d->gm.gnss.status;
    snprintf(detail, size, "the receiver has no fix (%d satellites used)", g->satellites_used);
    return g->link == RECEIVER_LINK_UP && g->trust == GNSS_NO_FIX && g->fix <= FIX_NONE;
}

static bool antenna_fault(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const enum receiver_antenna antenna = d->gm.gnss.status.words.antenna;
    snprintf(detail, size, "the receiver reports: antenna %s", receiver_antenna_name(antenna));
    return antenna > ANTENNA_OK;
}

/* Only a second source has another to stand in for it. */
static const struct pulse *pulse_in_use(const struct daemon *d)
{
    return d->pulses[d->gm.gnss.pair.status.in_use].driver;
}

static bool pulse_missing(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const struct gnss_status *g = &d->gm.gnss.status;
    if (g->last_pulse_ns == INT64_MIN)
        snprintf(detail, size, "no pulse yet from %.80s", pulse_in_use(d)->description);
    else
        snprintf(detail, size, "no pulse from %.80s for %.1f s", pulse_in_use(d)->description,
                 seconds_since(g->last_pulse_ns, now_ns));
    const int64_t since = g->last_pulse_ns == INT64_MIN ? d->started_ns : g->last_pulse_ns;
    return now_ns - since > d->gm.gnss.config.pulse_missing_ns;
}

static bool pulse_source_missing(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const struct pulse_pair_status *pair = &d->gm.gnss.pair.status;
    const unsigned other = 1 - pair->in_use;
    if (!d->pulses[other].driver || now_ns - d->started_ns < d->gm.gnss.config.pulse_missing_ns)
        return false;
    snprintf(detail, size, "no pulse from %.100s; the other source serves",
             d->pulses[other].driver->description);
    return pair->missing[other] && !pair->missing[pair->in_use];
}

static bool pulse_sources_disagree(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct pulse_pair_status *pair = &d->gm.gnss.pair.status;
    snprintf(detail, size, "second_pulse is %+.0f ns from pulse; in use: %s (%s)", pair->difference_ns,
             pair->in_use ? "second_pulse" : "pulse", pulse_pair_why_name(pair->why));
    return d->pulses[1].driver && pair->disagree;
}

static bool pulse_source_trouble(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    for (unsigned i = 0; i < PULSE_SOURCES; i++) {
        const struct pulse *p = d->pulses[i].driver;
        if (!p || !p->problem[0])
            continue;
        snprintf(detail, size, "%.60s: %.90s", p->description, p->problem);
        return true;
    }
    return false;
}

static bool pulse_noise(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const double told_ns = d->conf.pulse.noise_ns, is_ns = d->gm.discipline.config.pulse_noise_ns;
    snprintf(detail, size, "pulses are noisier than pulse.noise_ns = %g says: %.0f ns are reckoned with",
             told_ns, is_ns);
    return is_ns > told_ns;
}

static bool threatened(enum receiver_threat threat, const char *what, char *detail, size_t size)
{
    snprintf(detail, size, "the receiver reports %s: %s", what, receiver_threat_name(threat));
    return threat > THREAT_NONE;
}

static bool jamming(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    return threatened(d->gm.gnss.status.words.jamming, "jamming", detail, size);
}

static bool receiver_suspect(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const char *suspicion = d->gm.gnss.status.suspicion;
    snprintf(detail, size, "the receiver is not believed: %s", suspicion ? suspicion : "");
    return suspicion != NULL;
}

static bool spoofing(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    return threatened(d->gm.gnss.status.words.spoofing, "spoofing", detail, size);
}

#define CONTRADICTING_PULSES 3

static bool pulses_contradict(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct discipline *l = &d->gm.discipline;
    snprintf(detail, size,
             "%u pulses in a row agree with each other, but not with the clock: last one %+.0f ns",
             l->trend.count, l->status.offset_ns);
    return d->gm.quality.may_serve && l->trend.count >= CONTRADICTING_PULSES &&
           l->contradictions >= CONTRADICTING_PULSES; /* not those that are on probation */
}

static bool numbering_disagrees(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct gnss_status *g = &d->gm.gnss.status;
    snprintf(detail, size, "the receiver's second is %+lld s from the locked clock's; the clock is kept",
             (long long)g->disagreement_s);
    return g->numbering_disagrees;
}

static bool labels_disagree(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct gnss_status *g = &d->gm.gnss.status;
    snprintf(detail, size, "the receiver's UTC is %+lld s from its own TAI: its leap seconds are wrong",
             (long long)g->labels_differ_s);
    return g->labels_disagree;
}

static bool free_run(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    snprintf(detail, size, "never locked since the start");
    return !d->gm.quality.may_serve;
}

static bool holdover(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    snprintf(detail, size, "for %.0f s, error bound %.0f ns: %s", seconds_since(s->since_ns, now_ns),
             s->bound_ns, s->why);
    return s->state == DISCIPLINE_HOLDOVER_IN;
}

static bool frozen(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    snprintf(detail, size, "for %.0f s, error bound %.0f ns: %s", seconds_since(s->since_ns, now_ns),
             s->bound_ns, s->why);
    return s->state == DISCIPLINE_FROZEN;
}

static bool out_of_specification(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const struct discipline *l = &d->gm.discipline;
    snprintf(detail, size, "error bound %.0f ns, limit %.0f ns; not locked for %.0f s", l->status.bound_ns,
             d->conf.holdover.holdover_limit_ns, seconds_since(l->unlocked_ns, now_ns));
    return d->gm.quality.may_serve && !d->gm.quality.time_traceable;
}

static bool clock_jumped(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct discipline_status *s = &d->gm.discipline.status;
    snprintf(detail, size, "somebody else moved the clock by %+.9f s; undone", (double)s->last_jump_ns / 1e9);
    return s->jumped;
}

static bool clock_failing(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const int64_t since = d->clock_counters.failing_since_ns;
    snprintf(detail, size, "%.90s does not answer", d->clock->description);
    return since != INT64_MAX && now_ns - since > 2 * NS_PER_S;
}

static bool clock_refuses(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    const int64_t since = d->clock_counters.refusing_since_ns;
    snprintf(detail, size, "%.90s cannot be steered", d->clock->description);
    return since != INT64_MAX && now_ns - since > 2 * NS_PER_S;
}

#define DISTURBED_NS (10 * NS_PER_S)

static bool noticed(const struct clock_notice *n, int64_t now_ns, char *detail, size_t size)
{
    snprintf(detail, size, "%s", n->what);
    return n->count > 0 && now_ns - n->at_ns < DISTURBED_NS;
}

static bool clock_steered(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    return noticed(&d->clock_counters.steered, now_ns, detail, size);
}

static bool clock_disturbed(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    return noticed(&d->clock_counters.disturbed, now_ns, detail, size);
}

static bool clock_gone(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    snprintf(detail, size, "%.100s has vanished", d->clock->description);
    return d->clock_counters.gone;
}

static bool leap_table(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct leap_status *l = &d->gm.gnss.status.leap;
    if (d->leap_problem[0])
        snprintf(detail, size, "%s", d->leap_problem);
    else
        snprintf(detail, size, "%.80s has expired: install a newer tzdata", d->conf.leap.file);
    return d->leap_problem[0] || l->table_expired;
}

static bool oscillator_memory(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    snprintf(detail, size, "%.80s %.70s", d->conf.holdover.memory, d->memory.status);
    return d->memory.trouble;
}

static bool utc_offset(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct leap_status *l = &d->gm.gnss.status.leap;
    if (l->disagree)
        snprintf(detail, size, "receiver, leap-second table and configuration disagree about TAI-UTC");
    else
        snprintf(detail, size, "nothing in force vouches for TAI-UTC = %d s", l->utc_offset_s);
    return l->disagree || !l->valid;
}

/* One line for all ports: names them. */
static bool any_port(const struct daemon *d, bool (*bad)(const struct daemon *, unsigned), const char *what,
                     char *detail, size_t size)
{
    size_t at = 0;
    detail[0] = '\0';
    for (unsigned i = 0; i < d->gm.instance.port_count && at < size; i++)
        if (bad(d, i))
            at += (size_t)snprintf(detail + at, size - at, "%s%.32s", at ? ", " : "",
                                   d->conf.ports[i].interface);
    if (at == 0)
        return false;
    if (at < size)
        snprintf(detail + at, size - at, ": %s", what);
    return true;
}

static bool is_down(const struct daemon *d, unsigned i)
{
    return !port_is_active(&d->gm.instance.ports[i]);
}

static bool port_down(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    return any_port(d, is_down, "no link or no such interface", detail, size);
}

#define STAMPS_MISSING_NS  (3 * NS_PER_S)
#define STAMPS_MISSING_RUN 16 /* of Syncs by grant, which keep no common interval */

static bool is_without_stamps(const struct daemon *d, unsigned i)
{
    const struct port *p = &d->gm.instance.ports[i];
    if (p->config.unicast_only)
        return p->tx_missing_run >= STAMPS_MISSING_RUN;
    const int64_t stamp_ns = d->ports[i].last_stamp_ns;
    const int64_t since_ns = stamp_ns > p->state_since_ns ? stamp_ns : p->state_since_ns;
    return p->state == PORT_MASTER && !p->config.one_step_sync &&
           p->sync_due_ns - since_ns > STAMPS_MISSING_NS + 2 * interval_ns(p->config.log_sync_interval);
}

static bool stamps_missing(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    return any_port(d, is_without_stamps,
                    "Sync goes out, but its transmit time stamps do not come: no Follow_Up", detail, size);
}

static bool is_stamped_otherwise(const struct daemon *d, unsigned i)
{
    return d->ports[i].transport && d->ports[i].problem[0];
}

static bool software_stamps(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    return any_port(d, is_stamped_otherwise, "software time stamps, accuracy of microseconds", detail, size);
}

static bool protection_trouble(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    for (unsigned i = 0; d->protection && i < d->gm.instance.port_count; i++) {
        struct protection_status s;
        protection_status(d->protection, i, &s);
        snprintf(detail, size, "%.32s: %.120s", d->conf.ports[i].interface, s.problem);
        if (s.problem[0])
            return true;
    }
    return false;
}

static bool temperature_sensor(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    return temperature_trouble(&d->temperature, &d->gm.discipline.estimator.thermometer, detail, size);
}

#define HOST_GRACE_NS (10 * NS_PER_S)

static bool host_contested(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    const struct host_clock_status *s = &d->host.clock.status;
    snprintf(detail, size, "CLOCK_REALTIME: %s by somebody else: chronyd, ntpd, systemd-timesyncd?%s",
             s->foreign ? s->foreign : "steered", s->state == HOST_CLOCK_YIELDING ? " Hands off." : "");
    return d->conf.host_clock.follow && s->contested;
}

static bool host_off(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    snprintf(detail, size, "CLOCK_REALTIME is %+.0f ns off and slewed; host_clock.step_later_s would step it",
             d->host.clock.status.offset_ns);
    return d->host.off_since_ns != INT64_MAX && now_ns - d->host.off_since_ns > HOST_GRACE_NS;
}

static bool host_waiting(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    snprintf(detail, size, "CLOCK_REALTIME is not kept: %s",
             host_clock_state_name(d->host.clock.status.state));
    return d->host.idle_since_ns != INT64_MAX && now_ns - d->host.idle_since_ns > HOST_GRACE_NS;
}

static bool host_refuses(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    snprintf(detail, size, "CLOCK_REALTIME cannot be steered");
    return d->host.refusing_since_ns != INT64_MAX && now_ns - d->host.refusing_since_ns > 2 * NS_PER_S;
}

#define CLIENT_ALARM_NS (60 * NS_PER_S)

/* A fault that some client showed of late. */
static bool client_at_fault(const struct daemon *d, enum client_fault fault, const char *what, int64_t now_ns,
                            char *detail, size_t size)
{
    char identity[PORT_IDENTITY_STRLEN], address[ADDRESS_STRLEN];
    const struct clients_fault *f = &clients_counters(d->service->clients)->faults[__builtin_ctz(fault)];
    snprintf(detail, size, "%s at %s %s", port_identity_format(&f->identity, identity),
             address_format(&f->address, address), what);
    return f->count > 0 && now_ns - f->last_ns < CLIENT_ALARM_NS;
}

static bool client_too_fast(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    return client_at_fault(d, FAULT_TOO_FAST, "asks faster than it may", now_ns, detail, size);
}

static bool client_misfit(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    return client_at_fault(d, FAULT_WRONG_DOMAIN, "asks in another domain", now_ns, detail, size) ||
           client_at_fault(d, FAULT_WRONG_VERSION, "speaks another version of PTP", now_ns, detail, size);
}

static bool client_conflict(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    return client_at_fault(d, FAULT_CLONED, "has the identity of another client", now_ns, detail, size) ||
           client_at_fault(d, FAULT_TWO_ADDRESSES, "also comes from another address", now_ns, detail, size);
}

static bool budget_busy(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    struct budget_status s;
    budget_status(&d->service->budget, now_ns, &s);
    snprintf(detail, size, "%.0f of %.0f messages/s used, %.0f reserved", s.used_hz, s.capacity_hz,
             s.reserved_hz);
    return s.state >= BUDGET_BUSY;
}

static bool clients_refused(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    struct budget_status s;
    budget_status(&d->service->budget, now_ns, &s);
    snprintf(detail, size, "for want of capacity: %llu requests, %llu grants so far",
             (unsigned long long)s.refused_budget, (unsigned long long)s.refused_grants);
    return s.last_refused_ns != INT64_MIN && now_ns - s.last_refused_ns < CLIENT_ALARM_NS;
}

static bool management(const struct daemon *d, int64_t now_ns, char *detail, size_t size)
{
    (void)now_ns;
    snprintf(detail, size, "%s", manage_problem(d->manage));
    return detail[0] != '\0';
}

const struct alarm_rule alarm_rules[] = {
    {{"free-run", "critical", "the first lock"}, free_run},
    {{"out-of-specification", "critical", "lock"}, out_of_specification},
    {{"clock-failing", "critical", "the clock device answers"}, clock_failing},
    {{"clock-gone", "critical", "the device is there again"}, clock_gone},
    {{"clock-disturbed", "critical", "ten seconds without another"}, clock_disturbed},
    {{"clock-steered", "critical", "ten seconds without another"}, clock_steered},
    {{"clock-refuses", "critical", "the clock device takes a correction"}, clock_refuses},
    {{"clock-jumped", "critical", "lock"}, clock_jumped},
    {{"frozen", "minor", "pulses that agree again, or holdover"}, frozen},
    {{"holdover", "major", "lock, or the holdover limit"}, holdover},
    {{"pulse-missing", "major", "pulses"}, pulse_missing},
    {{"pulses-contradict", "major", "a pulse where the clock expects it"}, pulses_contradict},
    {{"pulse-sources-disagree", "major", "agreement of the two sources"}, pulse_sources_disagree},
    {{"pulse-source-missing", "minor", "its pulses"}, pulse_source_missing},
    {{"pulse-source-trouble", "minor", "what the detail asks for"}, pulse_source_trouble},
    {{"pulse-noise", "warning", "pulse.noise_ns as it is, after a restart"}, pulse_noise},
    {{"no-fix", "major", "a fix"}, no_fix},
    {{"receiver-suspect", "major", "a receiver without signs of trouble"}, receiver_suspect},
    {{"spoofing", "critical", "the receiver reports none"}, spoofing},
    {{"jamming", "major", "the receiver reports none"}, jamming},
    {{"antenna-fault", "major", "the receiver reports a good antenna"}, antenna_fault},
    {{"receiver-lost", "major", "connection to the receiver"}, receiver_lost},
    {{"receiver-silent", "major", "a message of the receiver"}, receiver_silent},
    {{"port-down", "major", "link"}, port_down},
    {{"timestamps-missing", "critical", "a transmit time stamp"}, stamps_missing},
    {{"time-of-day-disagrees", "major", "the receiver names the clock's second again"}, numbering_disagrees},
    {{"receiver-labels-disagree", "minor", "the receiver's UTC and TAI agree"}, labels_disagree},
    {{"utc-offset-uncertain", "minor", "agreeing sources of TAI-UTC"}, utc_offset},
    {{"leap-table", "warning", "a readable, unexpired leap-second table"}, leap_table},
    {{"oscillator-memory", "warning", "the next time it is written"}, oscillator_memory},
    {{"software-timestamps", "warning", "hardware time stamps, or timestamping = \"software\""},
     software_stamps},
    {{"clients-refused", "major", "a minute without"}, clients_refused},
    {{"budget-busy", "minor", "less than 80 % of clients.capacity"}, budget_busy},
    {{"client-conflict", "minor", "a minute without"}, client_conflict},
    {{"client-too-fast", "warning", "a minute without"}, client_too_fast},
    {{"client-misfit", "warning", "a minute without"}, client_misfit},
    {{"protection", "warning", "what clients.guard, clients.fast_path and clients.workers ask for"},
     protection_trouble},
    {{"temperature-sensor", "minor", "a sound reading of holdover.temperature_file"}, temperature_sensor},
    {{"host-clock-refuses", "critical", "the kernel takes a correction"}, host_refuses},
    {{"host-clock-contested", "major", "ten minutes in which nobody else touched it"}, host_contested},
    {{"host-clock-off", "major", "CLOCK_REALTIME within 10 us"}, host_off},
    {{"host-clock-waiting", "minor", "CLOCK_REALTIME is kept"}, host_waiting},
    {{"management-socket", "warning", "the socket answers"}, management},
    {.active = NULL},
};
_Static_assert(sizeof alarm_rules / sizeof alarm_rules[0] <= ALARMS_MAX, "alarms have no room");
