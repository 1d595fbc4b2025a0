/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the report clients' two halves: which clients a page tells of, and the list that pages become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/client_list.h"
#include "tests/unit/clients_rig.h"

static const char *parse(const char *text, struct client_query *q)
{
    json_error_t where;
    json_t *request = json_loads(text, 0, &where);
    assert_non_null(request);
    const char *wrong = client_query_parse(request, q);
    json_decref(request);
    return wrong;
}

static void complains(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"{\"cursor\": -1}", "cursor"},
        {"{\"cursor\": 1e3}", "cursor"},
        {"{\"cursor\": 65001}", "cursor"},
        {"{\"fault\": \"slow\"}", "fault"},
        {"{\"fault\": 1}", "fault"},
        {"{\"mode\": \"unicast\"}", "mode"},
        {"{\"address\": \"10.0.0\"}", "address"},
        {"{\"address\": \"10.0.0.0/33\"}", "address"},
        {"{\"address\": \"10.0.0.0/\"}", "address"},
        {"{\"address\": \"10.0.0.0/8x\"}", "address"},
        {"{\"address\": \"10.0.0.0/-1\"}", "address"},
        {"{\"address\": \"02:00:00:00:00:01:02\"}", "address"},
        {"{\"address\": \"1111111111111111111111111111111111111111111111111111111111111111111111\"}",
         "address"},
        {"{\"sort\": \"speed\"}", "sort"},
        {"{\"above\": 3}", "above"},
        {"{\"sort\": \"client\", \"above\": 3}", "above"},
        {"{\"sort\": \"rate\", \"above\": \"3\"}", "above"},
    };
    struct client_query q;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *complaint = parse(wrong[i][0], &q);
        if (!complaint || !strstr(complaint, wrong[i][1]))
            fail_msg("%s: %s", wrong[i][0], complaint ? complaint : "accepted");
    }
    assert_null(parse("{}", &q));
    assert_null(client_query_parse(NULL, &q));
}

static struct address address_of(const char *text)
{
    struct client_query q;
    char request[128];
    snprintf(request, sizeof(request), "{\"address\": \"%s\"}", text);
    assert_null(parse(request, &q));
    return q.net;
}

static void finds_by_address(void **state)
{
    (void)state;
    static const struct {
        const char *net, *address;
        bool is;
    } rows[] = {
        {"10.7.0.0/16", "10.7.255.1", true},
        {"10.7.0.0/16", "10.8.0.1", false},
        {"10.7.0.0/15", "10.6.0.1", true},
        {"10.7.0.0/15", "10.8.0.1", false},
        {"10.7.0.1", "10.7.0.1", true},
        {"10.7.0.1", "10.7.0.2", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "fd00::1", false},
        {"fd00:1::/32", "fd00:1:2::3", true},
        {"fd00:1::/32", "fd00:2::3", false},
        {"02:00:00:00:00:00/24", "02:00:00:aa:bb:cc", true},
        {"02:00:00:00:00:01", "02:00:00:00:00:02", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct client_query q;
        char request[128];
        const struct client cl = {.address = address_of(rows[i].address)};
        snprintf(request, sizeof(request), "{\"address\": \"%s\"}", rows[i].net);
        assert_null(parse(request, &q));
        if (client_query_matches(&q, &cl, 0) != rows[i].is)
            fail_msg("%s in %s", rows[i].address, rows[i].net);
    }
}

static bool matches(const char *request, const struct client *cl, int64_t now_ns)
{
    struct client_query q;
    assert_null(parse(request, &q));
    return client_query_matches(&q, cl, now_ns);
}

static void finds_by_what_it_does(void **state)
{
    (void)state;
    const struct client cl = {.mode = CLIENT_HYBRID,
                              .requests = 10,
                              .answered = 7,
                              .faults = FAULT_CLONED,
                              .first_seen_ns = 100 * S,
                              .last_seen_ns = 105 * S};
    const int64_t now = 107 * S;
    assert_true(matches("{}", &cl, now));
    assert_true(matches("{\"fault\": \"cloned\"}", &cl, now));
    assert_true(matches("{\"fault\": \"any\"}", &cl, now));
    assert_false(matches("{\"fault\": \"too_fast\"}", &cl, now));
    assert_false(matches("{\"fault\": \"any\"}", &cl, now + 300 * S));
    assert_true(matches("{\"mode\": \"hybrid\"}", &cl, now));
    assert_false(matches("{\"mode\": \"multicast\"}", &cl, now));
    assert_true(matches("{\"sort\": \"requests\"}", &cl, now)); /* an order alone takes nobody out */
    assert_true(matches("{\"sort\": \"requests\", \"above\": 9}", &cl, now));
    assert_false(matches("{\"sort\": \"requests\", \"above\": 10}", &cl, now));
    assert_true(matches("{\"sort\": \"refused\", \"above\": 2.5}", &cl, now));
    assert_false(matches("{\"sort\": \"refused\", \"above\": 3}", &cl, now));
    assert_true(matches("{\"sort\": \"first\", \"above\": 6.9}", &cl, now));
    assert_true(matches("{\"sort\": \"last\", \"above\": -2.1}", &cl, now)); /* the latest come first */
    assert_false(matches("{\"sort\": \"last\", \"above\": -1.9}", &cl, now));
}

/* ---- pages ---- */

#define SHOWN 500

/* What a daemon would say of them: as gmd/report_clients.c does, with what the list needs. */
static json_t *page_of(struct client *all, const json_t *request, unsigned *told)
{
    struct client_query q;
    assert_null(client_query_parse(request, &q));
    json_t *clients = json_array();
    while (q.cursor < SHOWN && json_array_size(clients) < CLIENT_PAGE) {
        const struct client *cl = &all[q.cursor++];
        char address[ADDRESS_STRLEN];
        if (client_query_matches(&q, cl, 0))
            json_array_append_new(clients, json_pack("{s:I, s:s}", "requests", (json_int_t)cl->requests,
                                                     "address", address_format(&cl->address, address)));
    }
    *told += (unsigned)json_array_size(clients);
    return json_pack("{s:i, s:o, s:o}", "known", SHOWN, "clients", clients, "next",
                     q.cursor < SHOWN ? json_integer((json_int_t)q.cursor) : json_null());
}

static json_t *list_all(struct client *all, const char *sort, size_t top, unsigned *told)
{
    json_t *request = json_pack("{s:s}", "sort", sort), *next = json_deep_copy(request), *page = NULL;
    struct client_list list;
    client_list_init(&list, client_key_find(sort), top);
    while (next) {
        json_decref(page);
        page = page_of(all, next, told);
        json_decref(next);
        client_list_add(&list, page);
        next = client_list_next(&list, request, page);
    }
    json_t *answer = client_list_answer(&list, page);
    json_decref(page);
    json_decref(request);
    client_list_free(&list);
    return answer;
}

static json_int_t requests_at(const json_t *answer, size_t i)
{
    return json_integer_value(
        json_object_get(json_array_get(json_object_get(answer, "clients"), i), "requests"));
}

static void make_clients(struct client *all)
{
    uint32_t random = 1;
    for (unsigned i = 0; i < SHOWN; i++) {
        random = random * 1664525 + 1013904223;
        all[i] = (struct client){.requests = random >> 12, .address = request_of(i, 0).from};
    }
}

static void sorts_all(void **state)
{
    (void)state;
    static struct client all[SHOWN];
    unsigned told = 0;
    make_clients(all);
    json_t *answer = list_all(all, "requests", 0, &told);
    assert_int_equal(told, SHOWN);
    assert_int_equal(json_array_size(json_object_get(answer, "clients")), SHOWN);
    assert_null(json_object_get(answer, "next"));
    for (size_t i = 1; i < SHOWN; i++)
        assert_true(requests_at(answer, i - 1) >= requests_at(answer, i));
    json_decref(answer);

    answer = list_all(all, "address", 0, &told); /* by number, not by letter */
    const json_t *clients = json_object_get(answer, "clients");
    for (unsigned i = 0; i < SHOWN; i++) {
        char address[ADDRESS_STRLEN];
        assert_string_equal(json_string_value(json_object_get(json_array_get(clients, i), "address")),
                            address_format(&all[i].address, address));
    }
    json_decref(answer);
}

/* The few that are wanted, and the daemon told of little more than these. */
static void top_talkers_cost_little(void **state)
{
    (void)state;
    static struct client all[SHOWN];
    unsigned told = 0;
    make_clients(all);
    json_t *everyone = list_all(all, "requests", 0, &told);
    told = 0;
    json_t *top = list_all(all, "requests", 10, &told);
    assert_int_equal(json_array_size(json_object_get(top, "clients")), 10);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(requests_at(top, i), requests_at(everyone, i));
    assert_in_range(told, 10, 120);
    json_decref(top);
    json_decref(everyone);
}

static void is_brief_for_people(void **state)
{
    (void)state;
    json_error_t where;
    json_t *answer =
        json_loads("{\"clients\": [{\"client\": \"x-1\", \"address\": \"10.0.0.1\", \"mode\": \"negotiated\","
                   "\"rate_hz\": 8.0, \"refused_total\": 3, \"refused\": {\"rate\": 3},"
                   "\"grants\": {\"announce\": {\"log_interval\": 0}, \"sync\": {\"log_interval\": -3}},"
                   "\"faults\": [\"too_fast\"]}]}",
                   0, &where);
    json_t *brief = client_list_brief(answer);
    const json_t *row = json_array_get(json_object_get(brief, "clients"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "grants")), "a0 s-3");
    assert_int_equal(json_integer_value(json_object_get(row, "refused")), 3);
    assert_true(json_real_value(json_object_get(row, "rate")) == 8.0);
    json_decref(brief);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complains),
        cmocka_unit_test(finds_by_address),
        cmocka_unit_test(finds_by_what_it_does),
        cmocka_unit_test(sorts_all),
        cmocka_unit_test(top_talkers_cost_little),
        cmocka_unit_test(is_brief_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
