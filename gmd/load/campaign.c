/* SPDX-License-Identifier: BSD-2-Clause */
/* The good clients have settings.threads threads, the abuse has one of its own: neither waits for the other.
 */
#include "gmd/load/campaign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/load/filter.h"
#include "gmd/load/worker.h"
#include "gmd/loop.h"

#define FIND_NS  (5 * NS_PER_S) /* two Announce intervals of the slowest profile */
#define START_NS 20000000       /* until all threads are there */
#define STEP_NS  20000000

struct campaign {
    const struct load_settings *settings;
    const atomic_bool *stop;
    struct load_host host;
    struct packet_route route;
    struct port_identity server;
    unsigned workers;
    struct worker *worker[LOAD_THREADS_MAX + 1];
};

/* --- the server ------------------------------------------------------------------------------------ */

static void hear(struct heard *heard, enum packet_transport transport, struct raw *raw)
{
    const uint8_t *frame;
    size_t len;
    int64_t realtime_ns;
    struct packet packet;
    struct ptp_message m;
    for (; raw_receive(raw, &frame, &len, &realtime_ns); raw_release(raw))
        if (!packet_parse(transport, frame, len, &packet) ||
            wire_decode(packet.ptp, packet.ptp_len, &m) != WIRE_OK)
            heard->malformed++;
        else
            heard_message(heard, &m, &packet, true, 0);
}

/* Listens to multicast messages until someone announces itself in the domain, or for FIND_NS. 0, or -1 with
 * error. */
static int find_server(struct campaign *c, struct heard *heard, char *error, int error_size)
{
    const struct load_settings *s = c->settings;
    const struct filter_spec spec = {.transport = s->transport, .shares = 1, .multicast = true};
    struct sock_filter code[FILTER_LEN_MAX];
    const struct sock_fprog filter = {(unsigned short)filter_build(&spec, code), code};
    struct raw raw;
    if (raw_open(&raw, c->host.index, packet_ethertype(s->transport), &filter, error, error_size) < 0)
        return -1;
    const int64_t until_ns = loop_now() + FIND_NS;
    while (!heard_find(heard, s->domain) && loop_now() < until_ns && !atomic_load(c->stop)) {
        raw_wait(&raw, STEP_NS);
        hear(heard, s->transport, &raw);
    }
    raw_close(&raw);
    return 0;
}

static int resolve_server(struct campaign *c, char *error, int error_size)
{
    const struct load_settings *s = c->settings;
    c->route.destination = s->server;
    if (load_host_resolve(&c->host, s->gateway ? s->gateway : s->server, c->route.destination_mac) == 0)
        return 0;
    snprintf(error, (size_t)error_size, "nobody answers ARP for the %s",
             s->gateway ? "gateway" : "server (behind a router? --gateway)");
    return -1;
}

/* Where unicast goes to. */
static int route_to_server(struct campaign *c, char *error, int error_size)
{
    if (c->settings->server)
        return resolve_server(c, error, error_size);
    struct heard *heard = calloc(1, sizeof *heard);
    if (!heard)
        abort();
    const int result = find_server(c, heard, error, error_size);
    const struct heard_master *master = heard_find(heard, c->settings->domain);
    char text[160];
    if (master) {
        c->server = master->identity;
        c->route.destination = master->address;
        memcpy(c->route.destination_mac, master->mac, sizeof master->mac);
    } else if (result == 0) {
        snprintf(error, (size_t)error_size, "%s; --server ADDRESS?",
                 heard_explain(heard, c->settings->domain, text, sizeof text));
    }
    free(heard);
    return master ? 0 : -1;
}

/* --- threads --------------------------------------------------------------------------------------- */

static struct worker *add_worker(struct campaign *c, enum identity_kind kind)
{
    const struct load_settings *s = c->settings;
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    *w = (struct worker){
        .settings = s,
        .stop = c->stop,
        .route = c->route,
        .server = c->server,
        .kind = kind,
        .tag = (uint16_t)(c->host.mac[4] << 8 | c->host.mac[5]),
        .shares = 1,
        .first_address = s->address_count ? s->first_address : c->host.address,
        .own_address = s->address_count,
        .first_port = s->mode == LOAD_SPTP && !s->address_count ? PACKET_OWN_PORT : 0,
        .raw.fd = -1,
    };
    c->worker[c->workers++] = w;
    return w;
}

static void add_good(struct campaign *c)
{
    const struct load_settings *s = c->settings;
    const unsigned shares = s->clients < s->threads ? 1 : s->threads;
    for (unsigned share = 0; share < shares; share++) {
        struct worker *w = add_worker(c, IDENTITY_GOOD);
        w->shares = shares;
        w->share = share;
        w->clients = (s->clients - share + shares - 1) / shares;
        w->rate_hz = s->rate_hz;
        const unsigned in_flight = (s->in_flight + shares - 1) / shares;
        w->resting = in_flight && in_flight < w->clients ? w->clients - in_flight : 0;
        w->count = s->count ? (s->count - share + shares - 1) / shares : 0;
    }
}

/* Their addresses, or ports, are those behind the good clients'. */
static void add_abuse(struct campaign *c)
{
    const struct load_settings *s = c->settings;
    if (s->abuse_hz <= 0)
        return;
    struct worker *w = add_worker(c, s->forged ? IDENTITY_FORGED : IDENTITY_ABUSER);
    w->clients = s->forged ? s->forged : 1;
    w->rate_hz = s->abuse_hz / w->clients;
    if (w->own_address)
        w->first_address += s->clients;
    if (w->first_port)
        w->first_port += (uint16_t)s->clients;
}

static void progress(const struct campaign *c, unsigned second, struct load_figures before[2])
{
    struct load_figures now[2] = {0};
    for (unsigned i = 0; i < c->workers; i++) {
        struct load_figures *f = &now[c->worker[i]->kind != IDENTITY_GOOD];
        f->sent += __atomic_load_n(&c->worker[i]->sent, __ATOMIC_RELAXED);
        f->answered += __atomic_load_n(&c->worker[i]->population.answered, __ATOMIC_RELAXED);
    }
    fprintf(stderr, "%4u s  Delay_Req %8llu  answered %8llu", second,
            (unsigned long long)(now[0].sent - before[0].sent),
            (unsigned long long)(now[0].answered - before[0].answered));
    if (c->settings->abuse_hz > 0)
        fprintf(stderr, "   abuse %8llu  answered %8llu", (unsigned long long)(now[1].sent - before[1].sent),
                (unsigned long long)(now[1].answered - before[1].answered));
    fputc('\n', stderr);
    memcpy(before, now, sizeof now);
}

static void run(struct campaign *c)
{
    const int64_t start_ns = loop_now() + START_NS;
    const int64_t end_ns = start_ns + (int64_t)(c->settings->seconds * 1e9);
    for (unsigned i = 0; i < c->workers; i++) {
        c->worker[i]->start_ns = start_ns;
        c->worker[i]->end_ns = end_ns;
        if (pthread_create(&c->worker[i]->thread, NULL, worker_run, c->worker[i]) != 0)
            abort();
    }
    struct load_figures before[2] = {0};
    unsigned second = 1, ended = 0;
    while (ended < c->workers) {
        load_host_answer(&c->host, STEP_NS);
        const int64_t now_ns = loop_now();
        if (now_ns >= start_ns + second * NS_PER_S && now_ns < end_ns + NS_PER_S / 2 && !c->settings->quiet)
            progress(c, second++, before);
        while (ended < c->workers && atomic_load(&c->worker[ended]->ended))
            pthread_join(c->worker[ended++]->thread, NULL);
    }
}

/* --- figures --------------------------------------------------------------------------------------- */

static void add_clients(struct load_result *r, const struct worker *w)
{
    for (unsigned i = 0; i < w->clients; i++) {
        const struct load_client *c = &w->population.clients[i];
        struct load_worst *worst = &r->worst;
        r->silent_clients += !c->sent;
        r->unanswered_clients += c->sent && !c->answered;
        r->asking_faster += (double)interval_of(c->log_min_delay_req_interval) * w->rate_hz > 1.01e9;
        if (!c->sent)
            continue;
        const double share = (double)c->answered / (double)c->sent;
        const double worst_share = worst->sent ? (double)worst->answered / (double)worst->sent : 2;
        if (share < worst_share || (share <= worst_share && c->worst_ns > worst->round_trip_ns))
            *worst = (struct load_worst){i * w->shares + w->share, c->sent, c->answered, c->worst_ns};
    }
}

static void add_heard(struct load_result *r, const struct campaign *c, const struct worker *w)
{
    r->heard = w->heard;
    const struct heard_master *master = heard_find(&w->heard, c->settings->domain);
    if (master) {
        r->has_server = true;
        r->server = master->identity;
        r->server_address = master->address;
    }
    if (c->settings->mode == LOAD_NEGOTIATED)
        return;
    for (unsigned i = 0; i < w->heard.count; i++) {
        const struct heard_master *m = &w->heard.masters[i];
        if (m->domain != c->settings->domain)
            continue;
        stream_counts_add(&r->sync.counts, &m->sync.counts);
        stream_counts_add(&r->announce.counts, &m->announce.counts);
    }
    histogram_merge(&r->sync.errors, &w->heard.sync_errors);
    histogram_merge(&r->announce.errors, &w->heard.announce_errors);
}

static void add_grants(struct grants_counters *into, const struct grants_counters *from)
{
    into->requested += from->requested;
    into->granted += from->granted;
    into->renewed += from->renewed;
    into->refused += from->refused;
    into->expired += from->expired;
    into->withdrawn += from->withdrawn;
    into->cancelled += from->cancelled;
    into->acknowledged += from->acknowledged;
    into->beyond += from->beyond;
}

static void add_up(const struct campaign *c, struct load_result *r)
{
    for (unsigned i = 0; i < c->workers; i++) {
        const struct worker *w = c->worker[i];
        struct load_figures *f = w->kind == IDENTITY_GOOD ? &r->good : &r->abuse;
        f->sent += w->sent;
        f->answered += w->population.answered;
        f->late += w->population.late;
        f->unasked += w->population.unasked;
        f->unsent += w->unsent;
        f->left_out += w->pacer.left_out;
        r->vanished = r->vanished || w->vanished;
        if (w->kind != IDENTITY_GOOD)
            continue;
        r->seconds = fmax(r->seconds, (double)(w->end_ns - w->start_ns) / 1e9);
        r->dropped += w->raw.dropped;
        histogram_merge(&r->round_trip, &w->population.round_trip);
        histogram_merge(&r->sync.errors, &w->sync_errors);
        histogram_merge(&r->announce.errors, &w->announce_errors);
        stream_counts_add(&r->sync.counts, &w->sync);
        stream_counts_add(&r->announce.counts, &w->announce);
        add_grants(&r->grants, &w->grants);
        add_clients(r, w);
        if (w->share == 0)
            add_heard(r, c, w);
    }
}

int load_campaign(const struct load_settings *s, const atomic_bool *stop, struct load_result *result,
                  char *error, int error_size)
{
    struct campaign c = {.settings = s, .stop = stop};
    memset(result, 0, sizeof *result);
    memset(&c.server, 0xFF, sizeof c.server);
    if (load_host_open(&c.host, s, error, error_size) < 0)
        return -1;
    memcpy(c.route.source_mac, c.host.mac, sizeof c.host.mac);
    c.route.transport = s->transport;
    packet_route_multicast(&c.route);
    int status = s->mode == LOAD_MULTICAST ? 0 : route_to_server(&c, error, error_size);
    if (status == 0) {
        add_good(&c);
        add_abuse(&c);
    }
    for (unsigned i = 0; status == 0 && i < c.workers; i++)
        status = worker_open(c.worker[i], &c.host, error, error_size);
    if (status == 0) {
        run(&c);
        result->server = c.server;
        result->server_address = s->server;
        for (unsigned i = 0; i < c.workers; i++)
            raw_close(&c.worker[i]->raw); /* counts what it dropped */
        add_up(&c, result);
    }
    for (unsigned i = 0; i < c.workers; i++) {
        worker_close(c.worker[i]);
        free(c.worker[i]);
    }
    load_host_close(&c.host);
    return status;
}
