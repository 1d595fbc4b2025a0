/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/client_query.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- orders ---- */

uint64_t client_refused_total(const struct client *cl)
{
    return cl->requests - cl->answered;
}

static double requests(const struct client *cl, int64_t now_ns)
{
    (void)now_ns;
    return (double)cl->requests;
}

static double answered(const struct client *cl, int64_t now_ns)
{
    (void)now_ns;
    return (double)cl->answered;
}

static double refused(const struct client *cl, int64_t now_ns)
{
    (void)now_ns;
    return (double)client_refused_total(cl);
}

static double jitter_ms(const struct client *cl, int64_t now_ns)
{
    (void)now_ns;
    return (double)cl->jitter_s * 1e3;
}

static double first_seen_s(const struct client *cl, int64_t now_ns)
{
    return (double)(now_ns - cl->first_seen_ns) / 1e9;
}

static double not_seen_s(const struct client *cl, int64_t now_ns)
{
    return (double)(cl->last_seen_ns - now_ns) / 1e9;
}

static const struct client_key keys[] = {
    {"rate", "rate_hz", 1, client_rate_1s},
    {"rate60", "rate_60s_hz", 1, client_rate_60s},
    {"requests", "requests", 1, requests},
    {"answered", "answered", 1, answered},
    {"refused", "refused_total", 1, refused},
    {"jitter", "jitter_ms", 1, jitter_ms},
    {"first", "first_seen_s", 1, first_seen_s},
    {"last", "last_seen_s", -1, not_seen_s},
    {"address", "address", 1, NULL},
    {"client", "client", 1, NULL},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

const struct client_key *client_key_find(const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

const char *client_key_names(char *buf, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < KEYS && at < size; i++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "", keys[i].name);
    return buf;
}

/* ---- a request ---- */

static const char *parse_cursor(const json_t *value, struct client_query *q)
{
    const json_int_t cursor = json_integer_value(value);
    if (!json_is_integer(value) || cursor < 0 || cursor > CLIENTS_CAPACITY_MAX)
        return "\"cursor\": expected what the last answer's \"next\" said";
    q->cursor = (size_t)cursor;
    return NULL;
}

static const char *parse_fault(const json_t *value, struct client_query *q)
{
    const char *name = json_string_value(value);
    for (unsigned i = 0; name && i < CLIENT_FAULTS; i++)
        if (strcmp(name, "any") == 0 || strcmp(name, client_fault_name(1u << i)) == 0)
            q->faults |= (uint8_t)(1u << i);
    return q->faults
               ? NULL
               : "\"fault\": expected too_fast, wrong_domain, wrong_version, cloned, two_addresses or any";
}

static const char *parse_mode(const json_t *value, struct client_query *q)
{
    const char *name = json_string_value(value);
    for (int i = CLIENT_MULTICAST; name && i <= CLIENT_SPTP; i++)
        if (strcmp(name, client_mode_name(i)) == 0)
            q->mode = i;
    return q->mode >= 0 ? NULL : "\"mode\": expected multicast, hybrid, negotiated, peer or sptp";
}

static bool parse_mac(const char *text, uint8_t *bytes)
{
    int end = 0;
    const int n = sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &bytes[0], &bytes[1], &bytes[2],
                         &bytes[3], &bytes[4], &bytes[5], &end);
    return n == 6 && text[end] == '\0';
}

/* Bits of an address of its family; 0: text is none. */
static unsigned parse_family(const char *text, struct address *a)
{
    *a = (struct address){.family = ADDRESS_IPV4};
    if (inet_pton(AF_INET, text, a->bytes) == 1)
        return 32;
    a->family = ADDRESS_IPV6;
    if (inet_pton(AF_INET6, text, a->bytes) == 1)
        return 128;
    a->family = ADDRESS_MAC;
    return parse_mac(text, a->bytes) ? 48 : 0;
}

static const char *parse_address(const json_t *value, struct client_query *q)
{
    static const char wrong[] =
        "\"address\": expected an address or a prefix: 10.7.0.0/16, fd00::/64, a MAC address";
    char text[ADDRESS_STRLEN];
    const char *given = json_string_value(value);
    if (!given || strlen(given) >= sizeof(text))
        return wrong;
    snprintf(text, sizeof(text), "%s", given);
    char *slash = strchr(text, '/'), *end = NULL;
    if (slash)
        *slash = '\0';
    const unsigned long most = parse_family(text, &q->net);
    const unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : most;
    if (most == 0 || bits > most || (slash && (end == slash + 1 || *end != '\0')))
        return wrong;
    q->bits = (unsigned)bits;
    return NULL;
}

static const char *parse_sort(const json_t *value, struct client_query *q)
{
    const char *name = json_string_value(value);
    q->key = name ? client_key_find(name) : NULL;
    return q->key ? NULL : "\"sort\": no such order";
}

static const char *parse_above(const json_t *value, struct client_query *q)
{
    q->above = json_number_value(value);
    if (!json_is_number(value) || !q->key || !q->key->value)
        return "\"above\": expected a number, and \"sort\" by a number";
    return NULL;
}

const char *client_query_parse(const json_t *request, struct client_query *q)
{
    static const struct {
        const char *member;
        const char *(*parse)(const json_t *value, struct client_query *q);
    } members[] = {
        {"cursor", parse_cursor},   {"fault", parse_fault}, {"mode", parse_mode},
        {"address", parse_address}, {"sort", parse_sort},   {"above", parse_above},
    };
    *q = (struct client_query){.mode = -1};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const json_t *value = json_object_get(request, members[i].member);
        const char *wrong = value ? members[i].parse(value, q) : NULL;
        if (wrong)
            return wrong;
    }
    if (!json_object_get(request, "above"))
        q->key = NULL;
    return NULL;
}

/* ---- a client ---- */

static bool is_within(const struct address *a, const struct address *net, unsigned bits)
{
    const unsigned whole = bits / 8, rest = bits % 8;
    return a->family == net->family && memcmp(a->bytes, net->bytes, whole) == 0 &&
           (rest == 0 || ((a->bytes[whole] ^ net->bytes[whole]) >> (8 - rest)) == 0);
}

bool client_query_matches(const struct client_query *q, const struct client *cl, int64_t now_ns)
{
    if (q->faults && !(client_faults(cl, now_ns) & q->faults))
        return false;
    if (q->mode >= 0 && cl->mode != q->mode)
        return false;
    if (q->net.family != ADDRESS_NONE && !is_within(&cl->address, &q->net, q->bits))
        return false;
    return !q->key || q->key->value(cl, now_ns) > q->above;
}
