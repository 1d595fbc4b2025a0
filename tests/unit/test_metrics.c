/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the metrics' text: the format's rules over a report that has everything, and what becomes of
 * reports that have less, or what they should not. */
#include <ctype.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bmca/fsm.h"
#include "gmd/metrics.h"
#include "gmd/metrics_table.h"
#include "gmd/ptp/budget.h"
#include "gnss/gnss.h"
#include "holdover/discipline.h"

static char *text_of(const json_t *reports, size_t top)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    metrics_write(reports, top, out);
    fclose(out);
    return text;
}

static json_t *parsed(const char *json)
{
    json_error_t where;
    json_t *o = json_loads(json, 0, &where);
    if (!o)
        fail_msg("%s: %s", where.text, json);
    return o;
}

static char *text_of_json(const char *json, size_t top)
{
    json_t *reports = parsed(json);
    char *text = text_of(reports, top);
    json_decref(reports);
    return text;
}

static void gives(const char *json, const char *expected)
{
    char *text = text_of_json(json, METRICS_TOP);
    assert_string_equal(text, expected);
    free(text);
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* ---- the table ---- */

static bool fits(const char *pattern, const char *text)
{
    regex_t r;
    assert_int_equal(regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB), 0);
    const bool found = regexec(&r, text, 0, NULL, 0) == 0;
    regfree(&r);
    return found;
}

static void names_are_sorted_and_regular(void **state)
{
    (void)state;
    const char *last = "";
    assert_non_null(metric_table[0].name);
    for (const struct metric *m = metric_table; m->path; m++) {
        if (!m->name) {
            assert_null(m->help);
            assert_true(m->label || m->states); /* or its samples would be those above */
            continue;
        }
        assert_true(strcmp(last, m->name) < 0);
        assert_true(fits("^gmd_[a-z0-9_]+$", m->name));
        assert_false(fits("_(ns|ms|us|ppb|hz|s|percent)(_|$)|_(count|sum|bucket|total_.*)$", m->name));
        /* one sentence, nothing that HELP would have to escape */
        assert_true(fits("^[A-Za-z0-9][^\\\n]*\\.$", m->help));
        last = m->name;
    }
}

static void paths_lead_into_the_reports_asked_for(void **state)
{
    (void)state;
    for (const struct metric *m = metric_table; m->path; m++) {
        bool found = false;
        for (const char *const *r = metrics_reports; *r; r++)
            found |= strncmp(m->path, *r, strlen(*r)) == 0 && strchr(".[", m->path[strlen(*r)]);
        if (!found)
            fail_msg("%s", m->path);
    }
}

static const struct metric *metric_at(const char *name)
{
    for (const struct metric *m = metric_table; m->path; m++)
        if (m->name && strcmp(m->name, name) == 0)
            return m;
    fail_msg("no %s", name);
    return NULL;
}

static bool lists(const char *const *states, const char *word)
{
    for (; *states; states++)
        if (strcmp(*states, word) == 0)
            return true;
    return false;
}

/* A state that is added elsewhere has no samples until it stands here, too. */
static void every_state_has_its_word(void **state)
{
    (void)state;
    const struct metric *m = metric_at("gmd_clock_state");
    for (int s = 0; s <= DISCIPLINE_REACQUIRING; s++) {
        const struct metric_word *w = m->words;
        while (w->word && strcmp(w->word, discipline_state_name(s)) != 0)
            w++;
        assert_non_null(w->word);
        assert_true(lists(metric_at("gmd_discipline_state")->states, discipline_state_name(s)));
    }
    for (int s = PORT_INITIALIZING; s <= PORT_SLAVE; s++)
        assert_true(lists(metric_at("gmd_port_state")->states, port_state_name(s)));
    for (int s = 0; s <= GNSS_GOOD; s++)
        assert_true(lists(metric_at("gmd_gnss_state")->states, gnss_trust_name(s)));
    for (int s = 0; s <= BUDGET_FULL; s++)
        assert_true(lists(metric_at("gmd_budget_state")->states, budget_state_name(s)));
}

/* ---- values ---- */

static void converts_to_base_units(void **state)
{
    (void)state;
    gives("{\"holdover\": {\"offset_ns\": -3.25, \"freq_ppb\": -24986.451, \"bound_ns\": 68.2,"
          " \"bound999_ns\": 104.0}}",
          "# HELP gmd_clock_error_bound_seconds Bound on the clock's error, now, that holds with this "
          "confidence.\n"
          "# TYPE gmd_clock_error_bound_seconds gauge\n"
          "gmd_clock_error_bound_seconds{confidence=\"0.95\"} 6.82e-08\n"
          "gmd_clock_error_bound_seconds{confidence=\"0.999\"} 1.04e-07\n"
          "# HELP gmd_clock_frequency_correction_ratio Frequency correction in force.\n"
          "# TYPE gmd_clock_frequency_correction_ratio gauge\n"
          "gmd_clock_frequency_correction_ratio -2.4986451e-05\n"
          "# HELP gmd_clock_offset_seconds Last pulse against the clock; positive: the clock is ahead.\n"
          "# TYPE gmd_clock_offset_seconds gauge\n"
          "gmd_clock_offset_seconds -3.25e-09\n");
}

static void counts_exactly(void **state)
{
    (void)state;
    char *text =
        text_of_json("{\"ports\": {\"ports\": [{\"port\": 1, \"interface\": \"eth1\", \"tx\": {\"Sync\":"
                     " 123456789012345}, \"rx\": {\"Delay_Req\": 7}}]}}",
                     METRICS_TOP);
    assert_non_null(strstr(text, "# TYPE gmd_port_messages_total counter\n"
                                 "gmd_port_messages_total{port=\"1\",interface=\"eth1\",type=\"Delay_Req\","
                                 "direction=\"received\"} 7\n"
                                 "gmd_port_messages_total{port=\"1\",interface=\"eth1\",type=\"Sync\","
                                 "direction=\"sent\"} 123456789012345\n"));
    free(text);
}

static void tells_words_and_states(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        int value;
    } rows[] = {
        {"FREE_RUN", 0},    {"ACQUIRING", 0},        {"LOCKED", 1},
        {"FROZEN", 1},      {"HOLDOVER_IN_SPEC", 2}, {"HOLDOVER_OUT_OF_SPEC", 2},
        {"REACQUIRING", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char json[160], line[80];
        snprintf(json, sizeof json,
                 "{\"status\": {\"state\": \"%s\", \"quality\": {\"clock_accuracy\": \"0x21\"}}}",
                 rows[i].state);
        char *text = text_of_json(json, METRICS_TOP);
        snprintf(line, sizeof line, "\ngmd_clock_state %d\n", rows[i].value);
        assert_non_null(strstr(text, line));
        snprintf(line, sizeof line, "gmd_discipline_state{state=\"%s\"} 1\n", rows[i].state);
        assert_non_null(strstr(text, line));
        assert_int_equal(count(text, "gmd_discipline_state{"), 7);
        assert_int_equal(count(text, "\"} 1\n"), 1);
        assert_non_null(strstr(text, "\ngmd_clock_accuracy 33\n"));
        free(text);
    }
}

static void escapes_labels(void **state)
{
    (void)state;
    gives("{\"process\": {\"version\": \"a\\\"b\\\\c\\nd\\u00e9,}\"}}",
          "# HELP gmd_build_info 1; the version of gmd.\n# TYPE gmd_build_info gauge\n"
          "gmd_build_info{version=\"a\\\"b\\\\c\\nd\xc3\xa9,}\"} 1\n");
}

/* ---- what is not there ---- */

static void leaves_out_what_is_missing(void **state)
{
    (void)state;
    static const char *const nothing[] = {
        "{}",
        "[]",
        "{\"status\": null, \"ports\": 3, \"clients\": \"none\"}",
        "{\"status\": {\"state\": null, \"quality\": {}, \"budget\": {\"fair_hz\": null}}}",
        "{\"status\": {\"quality\": {\"clock_accuracy\": \"33\"}}}",
        "{\"gnss\": {\"fix\": \"unknown\", \"satellites_used\": null}}",
        "{\"ports\": {\"ports\": []}, \"rules\": {\"rules\": {}}}",
        "{\"ports\": {\"ports\": [{\"tx\": {\"Sync\": 1}}, 7, null]}}", /* whose? */
        "{\"ports\": {\"ports\": [{\"interface\": \"eth1\", \"tx\": {\"Sync\": 1}}]}}",
        "{\"ports\": {\"ports\": [{\"port\": 1, \"tx\": {\"Sync\": 1}}]}}",
        "{\"holdover\": {\"bound_ns\": [1], \"freq_ppb\": {}, \"offset_ns\": \"3\"}}",
        "{\"process\": {\"version\": 1.5}}",
    };
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        gives(nothing[i], "");
}

/* Not one of those known: the alarm on "LOCKED is 1" still fires. */
static void tells_an_unknown_state_by_zeros(void **state)
{
    (void)state;
    char *text = text_of_json("{\"status\": {\"state\": \"DREAMING\"}}", METRICS_TOP);
    assert_int_equal(count(text, "gmd_discipline_state{"), 7);
    assert_int_equal(count(text, "\"} 0\n"), 7);
    assert_null(strstr(text, "gmd_clock_state"));
    free(text);
}

static void leaves_out_labels_beyond_measure(void **state)
{
    (void)state;
    char version[2000];
    memset(version, '"', sizeof version - 1);
    version[sizeof version - 1] = '\0';
    json_t *reports = json_pack("{s:{s:s, s:i}}", "process", "version", version, "resident_bytes", 4096);
    char *text = text_of(reports, METRICS_TOP);
    assert_null(strstr(text, "build_info"));
    assert_non_null(strstr(text, "\ngmd_process_resident_memory_bytes 4096\n"));
    free(text);
    json_decref(reports);
}

/* ---- clients ---- */

static json_t *clients(unsigned n)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < n; i++) {
        char name[32], address[32];
        snprintf(name, sizeof name, "0011223344%06x-1", i);
        snprintf(address, sizeof address, "10.0.%u.%u", i >> 8, i & 255);
        json_array_append_new(rows, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f}", "client", name,
                                              "address", address, "port", 1, "requests", 1000 - (int)i,
                                              "answered", 900, "refused_total", 100, "rate_60s_hz", 8.5,
                                              "jitter_ms", 0.25, "last_seen_s", 0.125));
    }
    return json_pack("{s:{s:o, s:i}}", "clients", "clients", rows, "established", (int)n);
}

static void bounds_the_series_of_clients(void **state)
{
    (void)state;
    static const size_t tops[] = {0, 1, 10, 100, 400};
    json_t *reports = clients(300);
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
        char *text = text_of(reports, tops[i]);
        const unsigned most = tops[i] < 300 ? (unsigned)tops[i] : 300;
        assert_int_equal(count(text, "gmd_client_requests_total{"), most);
        assert_int_equal(count(text, "identity="), 6 * most);
        assert_non_null(strstr(text, "\ngmd_clients{standing=\"established\"} 300\n"));
        if (most > 0)
            assert_non_null(strstr(text, "\ngmd_client_requests_total{identity=\"0011223344000000-1\","
                                         "address=\"10.0.0.0\",port=\"1\"} 1000\n"));
        free(text);
    }
    json_decref(reports);
}

/* A client that was evicted and came back while the pages were asked for is told of twice: one such series
 * makes the whole text invalid. */
static void tells_no_series_twice(void **state)
{
    (void)state;
    json_t *reports = clients(3), *rows = json_object_get(json_object_get(reports, "clients"), "clients");
    json_array_append(rows, json_array_get(rows, 1));
    char *text = text_of(reports, METRICS_TOP);
    assert_int_equal(count(text, "gmd_client_requests_total{"), 3);
    assert_int_equal(count(text, "0011223344000001-1"), 6);
    free(text);
    json_decref(reports);
}

/* ---- the whole ---- */

/* Puts something at the end of a path, and at each member on its way. */
static json_t *grown(const char *path, json_t *leaf)
{
    char name[64];
    path += *path == '.';
    const size_t len = strcspn(path, ".[]{},=");
    snprintf(name, sizeof name, "%.*s", (int)len, path);
    if (*path == '\0')
        return leaf;
    if (*path == '{')
        return json_pack("{s:o}", "key", grown(strchr(path, '}') + 1, leaf));
    if (*path != '[')
        return json_pack("{s:o}", name, grown(path + len, leaf));
    const char *end = strchr(path, ']');
    json_t *row = grown(end + 1, leaf);
    if (!json_is_object(row)) {
        json_decref(row);
        row = json_object();
    }
    while (path < end) {
        const char *member = path + 1;
        path = member + strcspn(member, ",]");
        const char *is = memchr(member, '=', (size_t)(path - member));
        member = is ? is + 1 : member;
        json_object_set_new(row, (snprintf(name, sizeof name, "%.*s", (int)(path - member), member), name),
                            json_string("label"));
    }
    return end[1] == '\0' ? row : json_pack("[o]", row);
}

static void merge(json_t *into, json_t *from)
{
    const char *key;
    json_t *value;
    json_object_foreach(from, key, value)
    {
        json_t *there = json_object_get(into, key);
        if (json_is_object(there) && json_is_object(value))
            merge(there, value);
        else if (json_is_array(there) && json_is_array(value))
            merge(json_array_get(there, 0), json_array_get(value, 0));
        else
            json_object_set(into, key, value);
    }
}

/* Reports that have one value for each row of the table. */
static json_t *everything(void)
{
    json_t *reports = json_object();
    for (const struct metric *m = metric_table; m->path; m++) {
        json_t *leaf = m->words    ? json_string(m->words[0].word)
                       : m->states ? json_string(m->states[0])
                                   : json_integer(1);
        json_t *branch = grown(m->path, leaf);
        merge(reports, branch);
        json_decref(branch);
    }
    return reports;
}

/* Every family once, HELP before TYPE before its samples; every line is of the format. */
static void follows_the_format(void **state)
{
    (void)state;
    json_t *reports = everything();
    char *text = text_of(reports, METRICS_TOP), *rest = text, name[64] = "";
    const struct metric *next = metric_table;
    unsigned samples = 1;
    for (char *line; (line = strsep(&rest, "\n")) && rest;) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_true(samples > 0);
            while (!next->name)
                next++;
            char expected[320];
            snprintf(name, sizeof name, "%s", next->name);
            snprintf(expected, sizeof expected, "# HELP %s %s", name, next->help);
            assert_string_equal(line, expected);
            const char *end = strrchr(name, '_');
            snprintf(expected, sizeof expected, "# TYPE %s %s", name,
                     strcmp(end, "_total") == 0 ? "counter" : "gauge");
            assert_string_equal(strsep(&rest, "\n"), expected);
            samples = 0;
            next++;
            continue;
        }
        if (!fits("^gmd_[a-z0-9_]+(\\{([a-z_]+=\"[^\"\\]*\",?)+\\})? [0-9.e+-]+$", line))
            fail_msg("%s", line);
        assert_int_equal(strcspn(line, "{ "), strlen(name));
        assert_memory_equal(line, name, strlen(name));
        samples++;
    }
    while (next->path && !next->name)
        next++;
    assert_null(next->path); /* all of them */
    free(text);
    json_decref(reports);
}

static void help_lists_every_metric(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    metrics_help(false, out);
    metrics_help(true, out);
    fclose(out);
    for (const struct metric *m = metric_table; m->path; m++) {
        char heading[80];
        if (!m->name)
            continue;
        snprintf(heading, sizeof heading, ".It Cm %s", m->name);
        assert_non_null(strstr(text, heading));
        assert_int_equal(count(text, m->help) % 2, 0);
    }
    assert_non_null(strstr(text, "gmd_port_messages_total {port, interface, type, direction}\n"));
    assert_non_null(strstr(text, "gmd_client_requests_total {identity, address, port}\n"));
    assert_non_null(strstr(text, "gmd_discipline_state {state}\n"));
    assert_non_null(strstr(text, "gmd_clock_class\n    clockClass announced.\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_sorted_and_regular),
        cmocka_unit_test(paths_lead_into_the_reports_asked_for),
        cmocka_unit_test(every_state_has_its_word),
        cmocka_unit_test(converts_to_base_units),
        cmocka_unit_test(counts_exactly),
        cmocka_unit_test(tells_words_and_states),
        cmocka_unit_test(escapes_labels),
        cmocka_unit_test(leaves_out_what_is_missing),
        cmocka_unit_test(tells_an_unknown_state_by_zeros),
        cmocka_unit_test(leaves_out_labels_beyond_measure),
        cmocka_unit_test(bounds_the_series_of_clients),
        cmocka_unit_test(tells_no_series_twice),
        cmocka_unit_test(follows_the_format),
        cmocka_unit_test(help_lists_every_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
