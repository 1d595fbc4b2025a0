/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop: take what has come, send what is due, wait for either. */
#include "gmd/load/worker.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "gmd/load/cores.h"
#include "gmd/load/filter.h"
#include "gmd/load/listen.h"
#include "gmd/loop.h"

#define NOT_A_REQUEST   UINT32_MAX
#define RECEIVE_AT_ONCE 1024
#define VISIT_NS        10000000 /* a part of the clients each */
#define VISITS          10       /* that is a tenth: all within 100 ms */
#define ASKING_NS       NS_PER_S /* the first requests for grants are spread over this */
#define WAIT_MAX_NS     10000000
#define DRAIN_MIN_NS    50000000

/* Who has a single port to listen on says so by a portNumber above 10, see sptp.h. */
#define ONE_PORT_NUMBER 11

enum ptp_offset { PTP_SOURCE = 20, PTP_SOURCE_PORT = 28, PTP_SEQUENCE = 30 };

/* --- set-up ---------------------------------------------------------------------------------------- */

static struct ptp_message message_of(const struct worker *w, enum message_type type)
{
    const bool unicast = w->settings->mode != LOAD_MULTICAST;
    return (struct ptp_message){.header = {.message_type = type,
                                           .minor_version = PTP_MINOR_VERSION,
                                           .domain_number = w->settings->domain,
                                           .flags = unicast ? FLAG_UNICAST : 0,
                                           .control = WIRE_CONTROL_AUTO,
                                           .log_message_interval = LOG_INTERVAL_NONE}};
}

static void write_request(struct worker *w)
{
    struct ptp_message m = message_of(w, MSG_DELAY_REQ);
    if (w->settings->mode == LOAD_SPTP)
        m.header.flags |= FLAG_PROFILE_SPECIFIC_1;
    uint8_t bytes[RAW_FRAME_MAX];
    const int len = wire_encode(&m, bytes, sizeof bytes);
    w->headers_len = packet_write_headers(&w->route, CHANNEL_EVENT, (size_t)len, w->request);
    memcpy(w->request + w->headers_len, bytes, (size_t)len);
    w->request_len = w->headers_len + (size_t)len;
}

static int open_socket(struct worker *w, const struct load_host *host, char *error, int error_size)
{
    const bool good = w->kind == IDENTITY_GOOD;
    const struct filter_spec spec = {
        .transport = w->settings->transport,
        .prefix = identity_prefix(w->kind, w->tag),
        .shares = good ? w->shares : 1,
        .share = good ? w->share : 0,
        .multicast = good && w->share == 0,
        .unicast = w->settings->mode == LOAD_SPTP || (good && w->settings->mode == LOAD_NEGOTIATED),
        .first_address = w->own_address ? w->first_address : 0,
        .first_port = w->first_port,
    };
    struct sock_filter code[FILTER_LEN_MAX];
    const struct sock_fprog filter = {(unsigned short)filter_build(&spec, code), code};
    return raw_open(&w->raw, host->index, packet_ethertype(spec.transport), &filter, error, error_size);
}

int worker_open(struct worker *w, const struct load_host *host, char *error, int error_size)
{
    /* of those who misbehave nobody asks how long each answer took */
    const double waiting_hz = w->settings->closed_loop || w->kind != IDENTITY_GOOD ? 0 : w->rate_hz;
    write_request(w);
    if (open_socket(w, host, error, error_size) < 0)
        return -1;
    w->ready = calloc(w->clients, sizeof *w->ready);
    if (!population_init(&w->population, w->clients, waiting_hz, w->settings->timeout_ns) || !w->ready) {
        snprintf(error, (size_t)error_size, "no memory for %u clients at %g/s", w->clients, w->rate_hz);
        return -1;
    }
    for (unsigned i = 0; i < w->clients; i++)
        worker_ready(w, i);
    return 0;
}

void worker_close(struct worker *w)
{
    raw_close(&w->raw);
    population_free(&w->population);
    free(w->ready);
}

/* --- sending --------------------------------------------------------------------------------------- */

static uint32_t index_of(const struct worker *w, unsigned client)
{
    return client * w->shares + w->share;
}

uint32_t worker_address(const struct worker *w, unsigned client)
{
    return w->own_address ? w->first_address + index_of(w, client) : w->first_address;
}

void worker_ready(struct worker *w, unsigned client)
{
    w->ready[(w->ready_head + w->ready_count++) % w->clients] = client;
}

static void flush(struct worker *w)
{
    const unsigned queued = w->raw.batched;
    const unsigned left = raw_send(&w->raw);
    w->vanished = w->vanished || errno == ENXIO;
    unsigned requests = 0;
    for (unsigned i = queued; i-- > 0;) {
        if (w->batch[i] == NOT_A_REQUEST)
            continue;
        if (i < left) {
            requests++;
        } else {
            population_unsent(&w->population, w->batch[i]);
            w->unsent++;
            if (w->settings->closed_loop && w->kind == IDENTITY_GOOD)
                worker_ready(w, w->batch[i]);
        }
    }
    __atomic_store_n(&w->sent, w->sent + requests, __ATOMIC_RELAXED);
}

/* Room for one more frame. */
static uint8_t *room(struct worker *w, unsigned client)
{
    if (!raw_frame(&w->raw))
        flush(w);
    w->batch[w->raw.batched] = client;
    return raw_frame(&w->raw);
}

static void request(struct worker *w, unsigned client, int64_t now_ns)
{
    uint8_t *frame = room(w, client), *ptp = frame + w->headers_len;
    const struct port_identity id = identity_make(w->kind, w->tag, index_of(w, client));
    const uint16_t sequence = population_sent(&w->population, client, now_ns);
    memcpy(frame, w->request, w->request_len);
    packet_set_source(w->settings->transport, frame, worker_address(w, client));
    memcpy(ptp + PTP_SOURCE, id.clock.id, sizeof id.clock.id);
    ptp[PTP_SOURCE_PORT + 1] = w->first_port ? ONE_PORT_NUMBER : (uint8_t)id.port;
    if (w->first_port)
        packet_set_source_port(frame, (uint16_t)(w->first_port + index_of(w, client)));
    ptp[PTP_SEQUENCE] = (uint8_t)(sequence >> 8);
    ptp[PTP_SEQUENCE + 1] = (uint8_t)sequence;
    raw_commit(&w->raw, w->request_len);
}

void worker_signal(struct worker *w, unsigned client, const uint8_t *chain, size_t len)
{
    struct ptp_message m = message_of(w, MSG_SIGNALING);
    uint8_t bytes[RAW_FRAME_MAX - PACKET_HEADERS_MAX];
    m.header.source = identity_make(w->kind, w->tag, index_of(w, client));
    m.header.sequence_id = w->population.clients[client].signaling_sequence++;
    m.body.target = w->server;
    m.suffix = chain;
    m.suffix_len = len;
    const int message_len = wire_encode(&m, bytes, sizeof bytes);
    if (message_len < 0)
        return;
    uint8_t *frame = room(w, NOT_A_REQUEST);
    const size_t headers_len = packet_write_headers(&w->route, CHANNEL_GENERAL, (size_t)message_len, frame);
    packet_set_source(w->settings->transport, frame, worker_address(w, client));
    memcpy(frame + headers_len, bytes, (size_t)message_len);
    raw_commit(&w->raw, headers_len + (size_t)message_len);
}

/* Each how many of its slots a client may use: 1, or more if it is to ask less often than it wants. */
static uint64_t stride(const struct worker *w, const struct load_client *c)
{
    int8_t log_interval = LOG_INTERVAL_NONE;
    if (w->settings->mode == LOAD_NEGOTIATED)
        log_interval = c->grants.types[GRANT_DELAY_RESP].log_interval;
    else if (w->settings->obey)
        log_interval = c->log_min_delay_req_interval;
    const double slots = (double)interval_of(log_interval) / 1e9 * w->rate_hz;
    return slots > 1 ? (uint64_t)ceil(slots - 1e-6) : 1;
}

static bool may_send(const struct worker *w, unsigned client, uint64_t round, int64_t now_ns)
{
    const struct load_client *c = &w->population.clients[client];
    if (w->kind != IDENTITY_GOOD)
        return true;
    if (w->settings->mode == LOAD_NEGOTIATED && !grants_held(&c->grants, GRANT_DELAY_RESP, now_ns))
        return false;
    return round % stride(w, c) == 0;
}

/* How many more requests this batch may take. */
static unsigned allowance(const struct worker *w)
{
    const uint64_t sent = w->sent + w->raw.batched;
    const unsigned space = RAW_BATCH - w->raw.batched;
    if (!w->count || w->count > sent + space)
        return space;
    return w->count > sent ? (unsigned)(w->count - sent) : 0;
}

/* Sends what is due; the time when more will be. */
static int64_t send_due(struct worker *w, int64_t now_ns)
{
    unsigned allowed = allowance(w);
    int64_t next_ns;
    if (w->settings->closed_loop && w->kind == IDENTITY_GOOD) {
        for (; allowed && w->ready_count > w->resting; allowed--) {
            w->ready_count--;
            const unsigned client = w->ready[w->ready_head];
            w->ready_head = (w->ready_head + 1) % w->clients;
            request(w, client, now_ns);
        }
        next_ns = w->ready_count > w->resting ? now_ns : INT64_MAX;
    } else {
        while (allowed && w->pacer.due_ns <= now_ns) {
            const unsigned client = (unsigned)(w->pacer.slot % w->clients);
            if (may_send(w, client, w->pacer.slot / w->clients, now_ns)) {
                request(w, client, now_ns);
                allowed--;
            }
            pacer_next(&w->pacer, now_ns);
        }
        next_ns = w->pacer.due_ns;
    }
    flush(w);
    return next_ns;
}

/* --- receiving and the rest ------------------------------------------------------------------------ */

static int64_t realtime_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Arrivals are stamped by a clock that may be set or steered meanwhile: it is compared again each time. */
static void receive(struct worker *w)
{
    const int64_t monotonic_ahead_ns = loop_now() - realtime_now();
    const uint8_t *frame;
    size_t len;
    int64_t realtime_ns;
    for (unsigned i = 0; i < RECEIVE_AT_ONCE && raw_receive(&w->raw, &frame, &len, &realtime_ns); i++) {
        listen_frame(w, frame, len, realtime_ns + monotonic_ahead_ns);
        raw_release(&w->raw);
    }
}

static void visit(struct worker *w, unsigned client, int64_t now_ns)
{
    uint8_t chain[GRANTS_TLVS_MAX];
    size_t len = 0;
    struct load_client *c = &w->population.clients[client];
    if (w->over)
        grants_cancel(&c->grants, &w->grants, now_ns, chain, sizeof chain, &len);
    else
        grants_tick(&c->grants, &w->settings->grants, &w->grants, now_ns, chain, sizeof chain, &len);
    if (len)
        worker_signal(w, client, chain, len);
}

/* What takes its time: grants, and requests given up. */
static void look_after(struct worker *w, int64_t now_ns)
{
    if (w->kind != IDENTITY_GOOD || now_ns < w->visit_ns)
        return;
    w->visit_ns = now_ns + VISIT_NS;
    if (w->settings->mode == LOAD_NEGOTIATED)
        for (unsigned i = 0; i < (w->clients + VISITS - 1) / VISITS;
             i++, w->visited = (w->visited + 1) % w->clients)
            visit(w, w->visited, now_ns);
    if (w->settings->closed_loop)
        for (unsigned i = 0; i < w->clients; i++)
            if (population_expired(&w->population, i, now_ns))
                worker_ready(w, i);
}

static void wait_until(const struct worker *w, int64_t until_ns)
{
    const int64_t wait_ns = until_ns - loop_now();
    if (wait_ns > 0)
        raw_wait(&w->raw, wait_ns < WAIT_MAX_NS ? wait_ns : WAIT_MAX_NS);
}

static bool is_cut_short(const struct worker *w)
{
    return atomic_load(w->stop) || w->vanished;
}

static bool goes_on(const struct worker *w, int64_t now_ns)
{
    return now_ns < w->end_ns && !is_cut_short(w) && !(w->count && w->sent >= w->count);
}

static bool is_paced(const struct worker *w)
{
    return w->clients > 0 && w->pacer.slot_ns > 0 && !(w->settings->closed_loop && w->kind == IDENTITY_GOOD);
}

/* What was due while the machine stood still at the very end. */
static void catch_up(struct worker *w)
{
    while (is_paced(w) && !is_cut_short(w) && w->pacer.due_ns < w->end_ns && allowance(w) > 0)
        send_due(w, w->end_ns);
}

static bool all_came(const struct worker *w)
{
    const struct population *p = &w->population;
    return p->answered + p->late >= w->sent && w->grants.acknowledged >= w->grants.cancelled;
}

/* Gives back what was granted and takes what is still on its way. */
static void drain(struct worker *w)
{
    w->end_ns = loop_now();
    w->over = true;
    if (w->kind == IDENTITY_GOOD && w->settings->mode == LOAD_NEGOTIATED)
        for (unsigned i = 0; i < w->clients; i++) {
            visit(w, i, w->end_ns);
            if (!raw_frame(&w->raw)) {
                flush(w);
                receive(w);
            }
        }
    flush(w);
    const int64_t least_ns = w->end_ns + DRAIN_MIN_NS, most_ns = w->end_ns + w->settings->timeout_ns;
    for (int64_t now_ns; (now_ns = loop_now()) < least_ns || (now_ns < most_ns && !all_came(w));) {
        receive(w);
        flush(w); /* a server's CANCEL may have been answered */
        wait_until(w, now_ns + WAIT_MAX_NS);
    }
}

static void finish_unicast(struct stream *s, const struct grants *g, enum grant_type type, int64_t end_ns,
                           struct stream_counts *into)
{
    stream_finish_shared(s, end_ns, grants_held_for(g, type, end_ns),
                         interval_of(g->types[type].log_interval));
    stream_counts_add(into, &s->counts);
}

static void finish_streams(struct worker *w)
{
    for (unsigned i = 0; i < w->heard.count; i++) {
        stream_finish(&w->heard.masters[i].sync, w->end_ns);
        stream_finish(&w->heard.masters[i].announce, w->end_ns);
    }
    if (w->kind != IDENTITY_GOOD || w->settings->mode != LOAD_NEGOTIATED)
        return;
    for (unsigned i = 0; i < w->clients; i++) {
        struct load_client *c = &w->population.clients[i];
        finish_unicast(&c->sync, &c->grants, GRANT_SYNC, w->end_ns, &w->sync);
        finish_unicast(&c->announce, &c->grants, GRANT_ANNOUNCE, w->end_ns, &w->announce);
    }
}

void *worker_run(void *worker)
{
    struct worker *w = worker;
    if (w->settings->abuse_hz > 0)
        cores_take(w->kind != IDENTITY_GOOD);
    prctl(PR_SET_TIMERSLACK, 1); /* the default, 50 us, is a slot of 20,000/s */
    pacer_init(&w->pacer, w->rate_hz * w->clients, (uint64_t)w->kind << 8 | w->share, w->start_ns);
    for (unsigned i = 0; i < w->clients; i++)
        grants_start(&w->population.clients[i].grants, w->start_ns + ASKING_NS / w->clients * i);
    while (loop_now() < w->start_ns && !atomic_load(w->stop))
        wait_until(w, w->start_ns);
    for (int64_t now_ns; goes_on(w, now_ns = loop_now());) {
        receive(w);
        look_after(w, now_ns);
        wait_until(w, send_due(w, loop_now()));
    }
    catch_up(w);
    drain(w);
    finish_streams(w);
    atomic_store(&w->ended, true);
    return NULL;
}
