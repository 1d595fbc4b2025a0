/* SPDX-License-Identifier: BSD-2-Clause */
/* How time goes out: the reports ports and peers, the budget. */
#include "gmd/protection.h"
#include "gmd/report_parts.h"
#include "gmd/report_value.h"

/* elsewhere: those that the kernel dealt with before they reached the daemon */
static json_t *by_type(const uint64_t *counts, const uint64_t *elsewhere)
{
    json_t *o = json_object();
    for (unsigned type = 0; type < 16; type++)
        if (counts[type] + elsewhere[type])
            json_object_set_new(o, message_type_name((uint8_t)type),
                                unsigned64(counts[type] + elsewhere[type]));
    return o;
}

static json_t *messages_received(const struct port_counters *c, const struct kernel_counts *kernel)
{
    uint64_t elsewhere[16];
    for (unsigned type = 0; type < 16; type++)
        elsewhere[type] = kernel->refused_types[type];
    elsewhere[MSG_DELAY_REQ] += kernel->answered;
    return by_type(c->rx, elsewhere);
}

static json_t *messages_sent(const struct port_counters *c, const struct kernel_counts *kernel)
{
    const uint64_t elsewhere[16] = {[MSG_DELAY_RESP] = kernel->answered};
    return by_type(c->tx, elsewhere);
}

static json_t *report_protection(const struct protection *g, unsigned port)
{
    struct protection_status s;
    json_t *o = json_object(), *classes = json_object();
    protection_status(g, port, &s);
    for (int i = 0; i < KERNEL_CLASSES; i++)
        json_object_set_new(classes, guard_class_name((enum kernel_class)i),
                            json_pack("{s:o, s:o}", "passed", unsigned64(s.counts.passed[i]), "refused",
                                      unsigned64(s.counts.refused[i])));
    put(o, "guard", json_boolean(s.guarded));
    put(o, "early", json_boolean(s.early));
    put(o, "fast_path", json_string(s.fast_mode));
    put(o, "workers", json_integer(s.workers));
    put(o, "missing", printable(s.missing));
    put(o, "problem", printable(s.problem));
    put(o, "queue_lost", s.guarded ? unsigned64(s.queue_lost) : json_null());
    put(o, "fast_answered", unsigned64(s.counts.answered));
    put(o, "workers_unanswered", unsigned64(s.workers_unanswered));
    put(o, "fast_refused", unsigned64(s.counts.refused_early));
    put(o, "classes", classes);
    return o;
}

static json_t *report_port(const struct daemon *d, unsigned i, int64_t now_ns)
{
    const struct port *p = &d->gm.instance.ports[i];
    const struct daemon_port *foot = &d->ports[i];
    const struct port_counters *c = &p->counters;
    const struct kernel_counts kernel = protection_counts(d->protection, i);
    static const struct transport_counters none;
    const struct transport_counters *t = foot->transport ? &foot->transport->counters : &none;
    json_t *o = json_object();
    put(o, "port", json_integer(p->identity.port));
    put(o, "interface", printable(d->conf.ports[i].interface));
    put(o, "port_identity", port_id(&p->identity));
    put(o, "state", json_string(port_state_name(p->state)));
    put(o, "since_s", age(p->state_since_ns, now_ns));
    put(o, "transport", json_string(foot->transport ? foot->transport->ops->name : "none"));
    put(o, "timestamping", json_string(foot->stamping == STAMPING_HARDWARE ? "hardware" : "software"));
    put(o, "active", json_boolean(port_is_active(p)));
    put(o, "problem", printable(foot->problem));
    put(o, "tx", messages_sent(c, &kernel));
    put(o, "rx", messages_received(c, &kernel));
    put(o, "rx_malformed", unsigned64(sum(c->rx_errors, WIRE_ERRORS) + kernel.refused[KERNEL_MALFORMED]));
    put(o, "rx_wrong_domain",
        unsigned64(c->rx_wrong_domain + c->rx_wrong_sdo + kernel.refused[KERNEL_FOREIGN]));
    put(o, "rx_no_timestamp", unsigned64(c->rx_no_timestamp));
    put(o, "rx_no_grant", unsigned64(c->rx_no_grant));
    put(o, "tx_timestamp_missing", unsigned64(c->tx_timestamp_missing));
    put(o, "tx_timestamp_late", unsigned64(c->tx_timestamp_late));
    put(o, "tx_errors", unsigned64(t->tx_errors));
    put(o, "rx_errors", unsigned64(t->rx_errors));
    put(o, "announce_timeouts", unsigned64(c->announce_timeouts));
    put(o, "two_step", json_boolean(!p->config.one_step_sync));
    put(o, "tx_timestamp_duplicated", unsigned64(c->tx_timestamp_duplicated));
    put(o, "tx_timestamp_unknown", unsigned64(c->tx_timestamp_unknown));
    put(o, "tx_unstamped", unsigned64(c->tx_unstamped));
    put(o, "stamps_unmatched", unsigned64(t->stamps_unmatched));
    if (d->protection)
        put(o, "protection", report_protection(d->protection, i));
    return o;
}

json_t *report_ports(struct daemon *d, int64_t now_ns)
{
    json_t *ports = json_array();
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        json_array_append_new(ports, report_port(d, i, now_ns));
    return json_pack("{s:o}", "ports", ports);
}

static json_t *report_peer(const struct port *p, const struct foreign_master *m, int64_t now_ns)
{
    const struct candidate *c = &m->last.candidate;
    json_t *o = json_object();
    put(o, "sender", port_id(&c->sender));
    put(o, "port", json_integer(p->identity.port));
    put(o, "grandmaster", identity(&c->grandmaster));
    put(o, "priority1", json_integer(c->priority1));
    put(o, "priority2", json_integer(c->priority2));
    put(o, "quality", quality(&c->quality));
    put(o, "steps_removed", json_integer(c->steps_removed));
    put(o, "qualified", json_boolean(foreign_qualified(&p->foreign, m, now_ns)));
    put(o, "best", json_boolean(foreign_best(&p->foreign, now_ns) == m));
    put(o, "last_announce_s", age(m->seen_ns[0], now_ns));
    put(o, "announces", unsigned64(m->announces));
    return o;
}

json_t *report_peers(struct daemon *d, int64_t now_ns)
{
    const struct instance *in = &d->gm.instance;
    json_t *peers = json_array();
    for (unsigned i = 0; i < in->port_count; i++)
        for (unsigned k = 0; k < FOREIGN_MASTERS_MAX; k++)
            if (in->ports[i].foreign.masters[k].used)
                json_array_append_new(peers,
                                      report_peer(&in->ports[i], &in->ports[i].foreign.masters[k], now_ns));
    const struct parent_ds *p = &in->parent_ds;
    json_t *o = json_object();
    put(o, "grandmaster", identity(&p->grandmaster_identity));
    put(o, "parent", port_id(&p->parent_port_identity));
    put(o, "grandmaster_quality", quality(&p->grandmaster_clock_quality));
    put(o, "grandmaster_priority1", json_integer(p->grandmaster_priority1));
    put(o, "grandmaster_priority2", json_integer(p->grandmaster_priority2));
    put(o, "peers", peers);
    return o;
}

struct kernel_refusals report_kernel_refusals(const struct daemon *d)
{
    struct kernel_refusals r = {0};
    for (unsigned i = 0; i < d->gm.instance.port_count; i++) {
        const struct kernel_counts n = protection_counts(d->protection, i);
        r.rate += n.over_rate;
        const uint64_t common = n.refused[KERNEL_REQUEST] + n.refused_early - n.over_rate - n.held_back;
        r.budget += common;
        r.strangers += common - n.crowded;
    }
    return r;
}

json_t *report_budget(struct daemon *d, int64_t now_ns)
{
    struct budget_status s;
    const struct kernel_refusals kernel = report_kernel_refusals(d);
    budget_status(&d->service->budget, now_ns, &s);
    json_t *o = json_object();
    put(o, "state", json_string(budget_state_name(s.state)));
    put(o, "capacity_hz", number(s.capacity_hz));
    put(o, "used_hz", number(s.used_hz));
    put(o, "demand_hz", number(s.demand_hz));
    put(o, "reserved_hz", number(s.reserved_hz));
    put(o, "headroom", number(s.headroom));
    put(o, "fair_hz", s.fair_hz > 0 ? number(s.fair_hz) : json_null());
    put(o, "interval_steps", json_integer(s.steps));
    put(o, "refused_rate", unsigned64(s.refused_rate + kernel.rate));
    put(o, "refused_budget", unsigned64(s.refused_budget + kernel.budget));
    put(o, "refused_grants", unsigned64(s.refused_grants));
    return o;
}
