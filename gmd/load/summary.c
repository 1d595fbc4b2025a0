/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares are of what was sent; times of what was received. */
#include "gmd/load/summary.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "bmca/dataset.h"

#define NOTES_MAX 6
#define NOTE_SIZE 256
#define QUANTILES 3

static const double quantiles[QUANTILES] = {0.5, 0.99, 0.999};
static const char *const quantile_names[QUANTILES] = {"p50", "p99", "p99.9"};
static const char *const quantile_keys[QUANTILES] = {"p50", "p99", "p999"};

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static double rate(uint64_t n, double seconds)
{
    return seconds > 0 ? (double)n / seconds : 0;
}

bool summary_passed(const struct load_settings *s, const struct load_result *r)
{
    return r->good.answered && share(r->good.answered, r->good.sent) >= s->expect;
}

static const char *address_text(uint32_t address, char text[INET_ADDRSTRLEN])
{
    const struct in_addr in = {htonl(address)};
    return inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN);
}

/* --- what the user should know --------------------------------------------------------------------- */

struct notes {
    unsigned count;
    char text[NOTES_MAX][NOTE_SIZE];
};

static void note(struct notes *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct notes *n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (n->count < NOTES_MAX)
        vsnprintf(n->text[n->count++], NOTE_SIZE, format, args);
    va_end(args);
}

static void find_notes(struct notes *n, const struct load_settings *s, const struct load_result *r)
{
    const uint64_t too_few = r->good.left_out + r->good.unsent;
    char why[160];
    n->count = 0;
    if (!r->good.answered && s->mode == LOAD_NEGOTIATED && !r->grants.granted)
        note(n, "no answer: %llu requests for unicast transmission, none granted, %llu refused",
             (unsigned long long)r->grants.requested, (unsigned long long)r->grants.refused);
    else if (!r->good.answered)
        note(n, "no answer: %s%s%s", heard_explain(&r->heard, s->domain, why, sizeof why),
             s->address_count ? "; has the server a route to --from?" : "",
             s->mode == LOAD_SPTP ? "; does it do SPTP?" : "");
    if (!s->closed_loop && too_few > r->good.sent / 1000)
        note(n, "the generator could not keep the pace: %llu Delay_Req too few (--threads?)",
             (unsigned long long)too_few);
    if (r->dropped)
        note(n, "the generator lost %llu received frames: answered shares are too low",
             (unsigned long long)r->dropped);
    if (r->asking_faster && !s->obey && !s->closed_loop)
        note(n, "%llu clients ask oftener than the server's logMinDelayReqInterval allows (--obey)",
             (unsigned long long)r->asking_faster);
    if (r->silent_clients && s->mode == LOAD_NEGOTIATED)
        note(n, "%u clients were granted no Delay_Resp", r->silent_clients);
    if (r->grants.beyond)
        note(n, "%llu grants go beyond what was asked for", (unsigned long long)r->grants.beyond);
}

/* --- for people ------------------------------------------------------------------------------------ */

static void print_times(const struct histogram *h, FILE *out)
{
    for (unsigned i = 0; i < QUANTILES; i++)
        fprintf(out, "%s %.1f us, ", quantile_names[i], (double)histogram_quantile(h, quantiles[i]) / 1e3);
    fprintf(out, "max %.1f us\n", (double)h->max_ns / 1e3);
}

static void print_head(const struct load_settings *s, const struct load_result *r, FILE *out)
{
    char identity[PORT_IDENTITY_STRLEN], address[INET_ADDRSTRLEN];
    fprintf(out, "%u clients, %s, ", s->clients, load_mode_name(s->mode));
    if (s->closed_loop)
        fprintf(out, "closed loop");
    else
        fprintf(out, "%g/s each", s->rate_hz);
    fprintf(out, ", %.1f s at %s, domain %u", r->seconds, s->interface, s->domain);
    if (r->has_server)
        fprintf(out, ", server %s", port_identity_format(&r->server, identity));
    if (r->server_address)
        fprintf(out, " (%s)", address_text(r->server_address, address));
    fputc('\n', out);
}

static void print_stream(const char *name, const struct load_stream *stream, bool follow_ups, FILE *out)
{
    const struct stream_counts *c = &stream->counts;
    const uint64_t received = c->expected - c->missing;
    if (!c->expected)
        return;
    fprintf(out, "%-13s%llu of %llu", name, (unsigned long long)received, (unsigned long long)c->expected);
    if (follow_ups)
        fprintf(out, ", without their Follow_Up %llu", (unsigned long long)c->follow_ups_missing);
    fprintf(out, "; interval error ");
    print_times(&stream->errors, out);
}

static void print_grants(const struct grants_counters *g, FILE *out)
{
    fprintf(
        out,
        "grants       asked %llu, granted %llu, renewed %llu, refused %llu, expired %llu, withdrawn %llu, "
        "cancelled %llu (%llu acknowledged)\n",
        (unsigned long long)g->requested, (unsigned long long)g->granted, (unsigned long long)g->renewed,
        (unsigned long long)g->refused, (unsigned long long)g->expired, (unsigned long long)g->withdrawn,
        (unsigned long long)g->cancelled, (unsigned long long)g->acknowledged);
}

static void print_figures(const char *name, const struct load_figures *f, double seconds, FILE *out)
{
    fprintf(out, "%-13s%llu sent (%.0f/s), %llu answered (%.0f/s, %.3f %%)", name,
            (unsigned long long)f->sent, rate(f->sent, seconds), (unsigned long long)f->answered,
            rate(f->answered, seconds), 100 * share(f->answered, f->sent));
}

void summary_print(const struct load_settings *s, const struct load_result *r, FILE *out)
{
    struct notes notes;
    print_head(s, r, out);
    print_figures("Delay_Req", &r->good, r->seconds, out);
    fprintf(out, ", %llu late, %llu unasked\n", (unsigned long long)r->good.late,
            (unsigned long long)r->good.unasked);
    if (r->good.answered) {
        fprintf(out, "round trip   ");
        print_times(&r->round_trip, out);
    }
    if (r->worst.sent)
        fprintf(out,
                "worst client number %u: %llu of %llu (%.1f %%), slowest %.1f us; %u without any answer\n",
                r->worst.client, (unsigned long long)r->worst.answered, (unsigned long long)r->worst.sent,
                100 * share(r->worst.answered, r->worst.sent), (double)r->worst.round_trip_ns / 1e3,
                r->unanswered_clients);
    if (s->abuse_hz > 0) {
        print_figures("abuse", &r->abuse, r->seconds, out);
        fputc('\n', out);
    }
    print_stream("Sync", &r->sync, true, out);
    print_stream("Announce", &r->announce, false, out);
    if (s->mode == LOAD_NEGOTIATED)
        print_grants(&r->grants, out);
    find_notes(&notes, s, r);
    for (unsigned i = 0; i < notes.count; i++)
        fprintf(out, "note: %s\n", notes.text[i]);
}

/* --- for programs ---------------------------------------------------------------------------------- */

static json_t *times_json(const struct histogram *h)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < QUANTILES; i++)
        json_object_set_new(o, quantile_keys[i], json_integer(histogram_quantile(h, quantiles[i])));
    json_object_set_new(o, "max", json_integer(h->max_ns));
    json_object_set_new(o, "count", json_integer((json_int_t)h->count));
    return o;
}

static json_t *figures_json(const struct load_figures *f, double seconds)
{
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:I, s:I}", "sent", (json_int_t)f->sent, "answered",
                     (json_int_t)f->answered, "answered_share", share(f->answered, f->sent), "sent_hz",
                     rate(f->sent, seconds), "answered_hz", rate(f->answered, seconds), "unsent",
                     (json_int_t)f->unsent, "left_out", (json_int_t)f->left_out);
}

static json_t *good_json(const struct load_result *r)
{
    json_t *o = figures_json(&r->good, r->seconds);
    json_object_set_new(o, "late", json_integer((json_int_t)r->good.late));
    json_object_set_new(o, "unasked", json_integer((json_int_t)r->good.unasked));
    json_object_set_new(o, "round_trip_ns", times_json(&r->round_trip));
    json_object_set_new(o, "unanswered_clients", json_integer(r->unanswered_clients));
    json_object_set_new(o, "silent_clients", json_integer(r->silent_clients));
    json_object_set_new(o, "worst",
                        json_pack("{s:i, s:I, s:I, s:f, s:I}", "client", (int)r->worst.client, "sent",
                                  (json_int_t)r->worst.sent, "answered", (json_int_t)r->worst.answered,
                                  "answered_share", share(r->worst.answered, r->worst.sent), "round_trip_ns",
                                  (json_int_t)r->worst.round_trip_ns));
    return o;
}

static json_t *stream_json(const struct load_stream *stream)
{
    const struct stream_counts *c = &stream->counts;
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "expected", (json_int_t)c->expected, "missing",
                     (json_int_t)c->missing, "follow_ups_missing", (json_int_t)c->follow_ups_missing,
                     "restarts", (json_int_t)c->restarts, "interval_error_ns", times_json(&stream->errors));
}

static json_t *grants_json(const struct grants_counters *g)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "requested", (json_int_t)g->requested,
                     "granted", (json_int_t)g->granted, "renewed", (json_int_t)g->renewed, "refused",
                     (json_int_t)g->refused, "expired", (json_int_t)g->expired, "withdrawn",
                     (json_int_t)g->withdrawn, "cancelled", (json_int_t)g->cancelled, "acknowledged",
                     (json_int_t)g->acknowledged, "beyond", (json_int_t)g->beyond);
}

static json_t *notes_json(const struct load_settings *s, const struct load_result *r)
{
    struct notes notes;
    json_t *list = json_array();
    find_notes(&notes, s, r);
    for (unsigned i = 0; i < notes.count; i++)
        json_array_append_new(list, json_string(notes.text[i]));
    return list;
}

void summary_print_json(const struct load_settings *s, const struct load_result *r, FILE *out)
{
    char identity[PORT_IDENTITY_STRLEN], address[INET_ADDRSTRLEN];
    json_t *o = json_pack("{s:s, s:s, s:i, s:i, s:f, s:b, s:f, s:b}", "interface", s->interface, "mode",
                          load_mode_name(s->mode), "domain", s->domain, "clients", (int)s->clients, "rate_hz",
                          s->rate_hz, "closed_loop", s->closed_loop, "seconds", r->seconds, "passed",
                          summary_passed(s, r));
    if (r->has_server)
        json_object_set_new(o, "server", json_string(port_identity_format(&r->server, identity)));
    if (r->server_address)
        json_object_set_new(o, "server_address", json_string(address_text(r->server_address, address)));
    json_object_set_new(o, "good", good_json(r));
    if (s->abuse_hz > 0)
        json_object_set_new(o, "abuse", figures_json(&r->abuse, r->seconds));
    json_object_set_new(o, "sync", stream_json(&r->sync));
    json_object_set_new(o, "announce", stream_json(&r->announce));
    if (s->mode == LOAD_NEGOTIATED)
        json_object_set_new(o, "grants", grants_json(&r->grants));
    json_object_set_new(o, "receive_dropped", json_integer((json_int_t)r->dropped));
    json_object_set_new(o, "notes", notes_json(s, r));
    json_dumpf(o, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
    fputc('\n', out);
    json_decref(o);
}
