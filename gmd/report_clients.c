/* SPDX-License-Identifier: BSD-2-Clause */
/* The report clients, a page at a time. */
#include "gmd/client_query.h"
#include "gmd/protection.h"
#include "gmd/report.h"
#include "gmd/report_parts.h"
#include "gmd/report_value.h"

static json_t *client_refusals(const struct client *c)
{
    json_t *o = json_object();
    for (unsigned why = REFUSED_RATE; why < CLIENT_REFUSALS; why++)
        if (client_refused(c, why) > 0)
            put(o, client_refusal_name(why), unsigned64(client_refused(c, why)));
    return o;
}

static json_t *client_fault_names(uint8_t faults)
{
    json_t *names = json_array();
    for (unsigned i = 0; i < CLIENT_FAULTS; i++)
        if (faults >> i & 1)
            json_array_append_new(names, json_string(client_fault_name(1u << i)));
    return names;
}

static json_t *client_grants(const struct unicast_client *u, int64_t now_ns)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < UNICAST_SERVICES; i++) {
        const struct unicast_grant *g = &u->grants[i];
        if (!g->live)
            continue;
        json_t *grant = json_object();
        put(grant, "requested_log_interval", json_integer(g->requested));
        put(grant, "log_interval", json_integer(g->granted));
        put(grant, "ends_in_s", json_integer(g->expiry_s - now_ns / NS_PER_S));
        put(o, unicast_service_name(i), grant);
    }
    return o;
}

static json_t *refused_grant(const struct client *c)
{
    if (c->unfit_why == UNICAST_GRANTED)
        return json_null();
    return json_pack("{s:s, s:i, s:s}", "service", unicast_service_name(c->unfit_service),
                     "requested_log_interval", c->unfit_interval, "why", unicast_refusal_name(c->unfit_why));
}

static json_t *report_client(const struct service *s, const struct client *c, int64_t now_ns)
{
    char address[ADDRESS_STRLEN];
    json_t *o = json_object();
    put(o, "client", port_id(&c->identity));
    put(o, "address", json_string(address_format(&c->address, address)));
    put(o, "mode", json_string(client_mode_name(c->mode)));
    put(o, "port", json_integer(c->port));
    put(o, "standing", json_string(client_standing_name(c->standing)));
    put(o, "requests", unsigned64(c->requests));
    put(o, "answered", unsigned64(c->answered));
    put(o, "refused_total", unsigned64(client_refused_total(c)));
    put(o, "refused", client_refusals(c));
    put(o, "rate_hz", number(client_rate_1s(c, now_ns)));
    put(o, "rate_60s_hz", number(client_rate_60s(c, now_ns)));
    put(o, "jitter_ms", number((double)c->jitter_s * 1e3));
    put(o, "log_interval", json_integer(c->log_interval));
    put(o, "grants", client_grants(unicast_of(&s->unicast, c), now_ns));
    put(o, "refused_grant", refused_grant(c));
    put(o, "faults", client_fault_names(client_faults(c, now_ns)));
    put(o, "first_seen_s", age(c->first_seen_ns, now_ns));
    put(o, "last_seen_s", age(c->last_seen_ns, now_ns));
    return o;
}

/* Of all clients, and what became of requests for grants. */
static json_t *grants_in_all(const struct unicast *u)
{
    const struct unicast_counters *n = &u->counters;
    json_t *o = json_object(), *live = json_object(), *requests = json_object();
    for (unsigned i = 0; i < UNICAST_SERVICES; i++)
        put(live, unicast_service_name(i), json_integer(n->live[i]));
    for (unsigned i = 0; i < UNICAST_REFUSALS; i++)
        put(requests, unicast_refusal_name(i), unsigned64(n->requests[i]));
    put(o, "live", live);
    put(o, "requests", requests);
    put(o, "expired", unsigned64(n->expired));
    put(o, "cancelled_by_clients", unsigned64(n->cancels_received));
    put(o, "cancels_unacknowledged", unsigned64(n->unacknowledged));
    put(o, "signaling_limited", unsigned64(n->limited));
    return o;
}

/* Those of one page; *cursor moves on. */
static json_t *page(struct service *s, struct client_query *q, int64_t now_ns)
{
    json_t *clients = json_array();
    size_t end = clients_used(s->clients);
    if (end > q->cursor + CLIENT_PAGE_PLACES)
        end = q->cursor + CLIENT_PAGE_PLACES;
    while (q->cursor < end && json_array_size(clients) < CLIENT_PAGE) {
        const struct client *c = clients_at(s->clients, (unsigned)q->cursor++);
        if (c->seconds_seen > 0 && client_query_matches(q, c, now_ns))
            json_array_append_new(clients, report_client(s, c, now_ns));
    }
    return clients;
}

json_t *report_clients(struct daemon *d, const json_t *request, int64_t now_ns)
{
    const struct clients *table = d->service->clients;
    const struct clients_counters *counters = clients_counters(table);
    struct client_query q;
    const char *wrong = client_query_parse(request, &q);
    if (wrong)
        return report_error("%s", wrong);
    if (q.cursor == 0)
        protection_account(d->protection, d, now_ns);
    json_t *clients = page(d->service, &q, now_ns), *o = json_object();
    put(o, "known", unsigned64(clients_count(table)));
    put(o, "room_for", json_integer(clients_capacity(table)));
    put(o, "established", json_integer(clients_of_standing(table, CLIENT_ESTABLISHED)));
    put(o, "newcomers", json_integer(clients_of_standing(table, CLIENT_NEWCOMER)));
    put(o, "misfits", json_integer(clients_of_standing(table, CLIENT_MISFIT)));
    put(o, "evicted", unsigned64(counters->evicted));
    put(o, "strangers_requests", unsigned64(counters->strangers + report_kernel_refusals(d).strangers));
    put(o, "grants", grants_in_all(&d->service->unicast));
    put(o, "clients", clients);
    put(o, "next", q.cursor < clients_used(table) ? unsigned64(q.cursor) : json_null());
    return o;
}
