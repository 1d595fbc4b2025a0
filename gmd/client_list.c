/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/client_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void client_list_init(struct client_list *l, const struct client_key *key, size_t top)
{
    *l = (struct client_list){.key = key, .top = top, .clients = json_array()};
}

void client_list_free(struct client_list *l)
{
    json_decref(l->clients);
}

/* ---- order ---- */

static int compare(const void *a, const void *b, void *ctx)
{
    const struct client_key *key = ctx;
    const json_t *x = json_object_get(*(json_t *const *)a, key->member);
    const json_t *y = json_object_get(*(json_t *const *)b, key->member);
    if (json_is_string(x) && json_is_string(y))
        return strverscmp(json_string_value(x), json_string_value(y));
    const double p = key->sign * json_number_value(x), q = key->sign * json_number_value(y);
    return (p < q) - (p > q);
}

/* Sorts, and lets go of those beyond the top. */
static void settle(struct client_list *l)
{
    size_t n = json_array_size(l->clients);
    json_t **all = calloc(n + 1, sizeof(json_t *)), *sorted = json_array();
    if (!all || !sorted)
        abort();
    for (size_t i = 0; i < n; i++)
        all[i] = json_array_get(l->clients, i);
    qsort_r(all, n, sizeof(json_t *), compare, (void *)l->key);
    if (l->top && n > l->top)
        n = l->top;
    for (size_t i = 0; i < n; i++)
        json_array_append(sorted, all[i]);
    free(all);
    json_decref(l->clients);
    l->clients = sorted;
}

/* ---- pages ---- */

void client_list_add(struct client_list *l, const json_t *page)
{
    json_array_extend(l->clients, json_object_get(page, "clients"));
    if (l->top && json_array_size(l->clients) > l->top)
        settle(l);
}

json_t *client_list_next(struct client_list *l, const json_t *request, const json_t *page)
{
    const json_t *next = json_object_get(page, "next");
    if (!json_is_integer(next))
        return NULL;
    json_t *r = json_copy((json_t *)request);
    json_object_set_new(r, "cursor", json_integer(json_integer_value(next)));
    if (l->top && l->key->value && json_array_size(l->clients) == l->top) {
        settle(l);
        const json_t *least = json_array_get(l->clients, l->top - 1);
        const double value = json_number_value(json_object_get(least, l->key->member));
        json_object_set_new(r, "above", json_real(l->key->sign * value));
    }
    return r;
}

json_t *client_list_answer(struct client_list *l, const json_t *last_page)
{
    settle(l);
    json_t *answer = json_copy((json_t *)last_page);
    json_object_set(answer, "clients", l->clients);
    json_object_del(answer, "next");
    return answer;
}

/* ---- for people ---- */

/* "sync 2^-4 s, delay_resp 2^-4 s" is long: the services' first letters and the interval's exponent. */
static json_t *grants(const json_t *client)
{
    char text[64] = "";
    size_t at = 0;
    const char *service;
    json_t *grant;
    json_object_foreach(json_object_get(client, "grants"), service, grant)
    {
        const json_int_t interval = json_integer_value(json_object_get(grant, "log_interval"));
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%c%d", at ? " " : "", service[0],
                               (int)interval);
        if (at >= sizeof(text))
            break;
    }
    return json_string(text);
}

static json_t *brief(const json_t *client)
{
    static const char *const members[][2] = {
        {"client", "client"},         {"address", "address"},    {"mode", "mode"},
        {"rate_hz", "rate"},          {"rate_60s_hz", "rate60"}, {"requests", "requests"},
        {"refused_total", "refused"}, {"last_seen_s", "last"},
    };
    json_t *row = json_object();
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_object_set(row, members[i][1], json_object_get(client, members[i][0]));
    json_object_set_new(row, "grants", grants(client));
    json_object_set(row, "faults", json_object_get(client, "faults"));
    return row;
}

json_t *client_list_brief(const json_t *answer)
{
    json_t *out = json_copy((json_t *)answer), *rows = json_array(), *client;
    size_t i;
    json_array_foreach(json_object_get(answer, "clients"), i, client)
    {
        json_array_append_new(rows, brief(client));
    }
    json_object_set_new(out, "clients", rows);
    return out;
}
