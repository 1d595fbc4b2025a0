/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/metrics_table.h"

#define LABELS_MAX 1024 /* of one sample, as they are written */
#define NAME_MAX   64   /* of a member or a label */

/* What is being written. */
struct writer {
    FILE *out;
    const json_t *clients; /* the table whose rows count against top */
    size_t top;
    const struct metric *family, *row; /* row: the part of the family */
    json_t *written;                   /* the labels of its samples; a client that moved comes twice */
    char labels[LABELS_MAX];           /* of the sample so far */
    size_t labels_len;
};

static bool is_counter(const char *name)
{
    const size_t len = strlen(name);
    return len > 6 && strcmp(name + len - 6, "_total") == 0;
}

/* --- labels ---------------------------------------------------------------------------------------- */

/* False, and nothing added, if there is no room. */
static bool add_text(struct writer *w, const char *text)
{
    const size_t len = strlen(text);
    if (w->labels_len + len >= sizeof w->labels)
        return false;
    memcpy(w->labels + w->labels_len, text, len + 1);
    w->labels_len += len;
    return true;
}

static bool add_escaped(struct writer *w, const char *text)
{
    for (; *text; text++) {
        const char plain[] = {*text, '\0'};
        const char *escaped = *text == '\\' ? "\\\\" : *text == '"' ? "\\\"" : *text == '\n' ? "\\n" : plain;
        if (!add_text(w, escaped))
            return false;
    }
    return true;
}

static bool add_label(struct writer *w, const char *name, const char *value)
{
    return add_text(w, w->labels_len ? "," : "") && add_text(w, name) && add_text(w, "=\"") &&
           add_escaped(w, value) && add_text(w, "\"");
}

/* False for what makes no label. */
static bool add_member(struct writer *w, const char *name, const json_t *value)
{
    char number[24];
    if (json_is_string(value))
        return add_label(w, name, json_string_value(value));
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
    return json_is_integer(value) && add_label(w, name, number);
}

/* --- samples --------------------------------------------------------------------------------------- */

static double number_of_text(const struct metric_word *words, const char *text)
{
    char *end;
    for (; words && words->word; words++)
        if (strcmp(words->word, text) == 0)
            return words->value;
    const unsigned long value = strtoul(text, &end, 16);
    return strncmp(text, "0x", 2) == 0 && *end == '\0' ? (double)value : NAN;
}

/* NAN for what is none. */
static double number_of(const struct metric *m, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(value) * (m->factor != 0 ? m->factor : 1);
    case JSON_OBJECT:
        return m->path[strlen(m->path) - 1] == ']' ? 1 : NAN;
    case JSON_TRUE:
        return 1;
    case JSON_FALSE:
        return 0;
    case JSON_STRING:
        return number_of_text(m->words, json_string_value(value));
    default:
        return NAN;
    }
}

static void write_heading(const struct writer *w)
{
    fprintf(w->out, "# HELP %s %s\n# TYPE %s %s\n", w->family->name, w->family->help, w->family->name,
            is_counter(w->family->name) ? "counter" : "gauge");
}

/* 15 digits: what the reports have, without what the factor adds. */
static void write_sample(struct writer *w, double value)
{
    if (!isfinite(value) || json_object_get(w->written, w->labels))
        return;
    if (json_object_size(w->written) == 0)
        write_heading(w);
    json_object_set_new(w->written, w->labels, json_true());
    const bool labelled = w->labels_len > 0;
    fprintf(w->out, "%s%s%s%s %.15g\n", w->family->name, labelled ? "{" : "", w->labels, labelled ? "}" : "",
            value);
}

static void forget_labels(struct writer *w, size_t from)
{
    w->labels_len = from;
    w->labels[from] = '\0';
}

static void write_states(struct writer *w, const char *state)
{
    const size_t before = w->labels_len;
    for (const char *const *s = w->row->states; state && *s; s++) {
        if (add_label(w, "state", *s))
            write_sample(w, strcmp(*s, state) == 0);
        forget_labels(w, before);
    }
}

static void write_value(struct writer *w, const json_t *value)
{
    const size_t before = w->labels_len;
    if (w->row->states)
        write_states(w, json_string_value(value));
    else if (!w->row->label || (add_text(w, before ? "," : "") && add_text(w, w->row->label)))
        write_sample(w, number_of(w->row, value));
    forget_labels(w, before);
}

/* --- paths ----------------------------------------------------------------------------------------- */

/* Copies the name that *path begins with, and moves on behind it. */
static void take_name(const char **path, char name[NAME_MAX])
{
    const size_t len = strcspn(*path, ".[]{},=");
    snprintf(name, NAME_MAX, "%.*s", (int)len, *path);
    *path += len;
}

/* The next label of a list "[label,label=member]", *path behind the bracket or the last one; false at its
 * end. */
static bool take_label(const char **path, char name[NAME_MAX], char member[NAME_MAX])
{
    *path += **path == ',';
    take_name(path, name);
    memcpy(member, name, NAME_MAX);
    if (**path == '=') {
        ++*path;
        take_name(path, member);
    }
    return name[0] != '\0';
}

static void walk(struct writer *w, const char *path, const json_t *at);

static void walk_row(struct writer *w, const char *labels, const json_t *row)
{
    const size_t before = w->labels_len;
    char name[NAME_MAX], member[NAME_MAX];
    const char *path = labels;
    bool told = true;
    while (told && take_label(&path, name, member))
        told = add_member(w, name, json_object_get(row, member));
    if (told)
        walk(w, path + 1, row);
    forget_labels(w, before);
}

static void walk_rows(struct writer *w, const char *labels, const json_t *rows)
{
    const json_t *row;
    size_t i;
    if (json_is_object(rows))
        walk_row(w, labels, rows);
    json_array_foreach(rows, i, row)
    {
        if (rows == w->clients && i >= w->top)
            break;
        walk_row(w, labels, row);
    }
}

static void walk_members(struct writer *w, const char *label, const json_t *object)
{
    const size_t before = w->labels_len;
    const char *path = label, *key;
    char name[NAME_MAX];
    json_t *value;
    take_name(&path, name);
    json_object_foreach((json_t *)object, key, value)
    {
        if (add_label(w, name, key))
            walk(w, path + 1, value);
        forget_labels(w, before);
    }
}

static void walk(struct writer *w, const char *path, const json_t *at)
{
    char name[NAME_MAX];
    path += *path == '.';
    if (!at)
        return;
    if (*path == '\0') {
        write_value(w, at);
    } else if (*path == '[') {
        walk_rows(w, path + 1, at);
    } else if (*path == '{') {
        walk_members(w, path + 1, at);
    } else {
        take_name(&path, name);
        walk(w, path, json_object_get(at, name));
    }
}

void metrics_write(const json_t *reports, size_t top, FILE *out)
{
    struct writer w = {
        .out = out,
        .clients = json_object_get(json_object_get(reports, METRICS_CLIENTS), "clients"),
        .top = top,
        .family = metric_table,
        .written = json_object(),
    };
    if (!w.written)
        abort();
    for (w.row = metric_table; w.row->path; w.row++) {
        if (w.row->name) {
            w.family = w.row;
            json_object_clear(w.written);
        }
        walk(&w, w.row->path, reports);
    }
    json_decref(w.written);
}

/* --- help ------------------------------------------------------------------------------------------ */

/* "port, interface, type, direction": those of the path, then its own. */
static void print_labels(const struct metric *m, FILE *out)
{
    const char *separator = "", *path = m->path + strcspn(m->path, "[{");
    char name[NAME_MAX], member[NAME_MAX];
    while (*path) {
        path++;
        while (take_label(&path, name, member)) {
            fprintf(out, "%s%s", separator, name);
            separator = ", ";
        }
        path += strcspn(path, "[{");
    }
    if (m->label)
        fprintf(out, "%s%.*s", separator, (int)strcspn(m->label, "="), m->label);
    if (m->states)
        fprintf(out, "%sstate", separator);
}

static bool has_labels(const struct metric *m)
{
    return m->label || m->states || strpbrk(m->path, "[{");
}

void metrics_help(bool mdoc, FILE *out)
{
    fputs(mdoc ? ".Bl -tag -width Ds\n" : "", out);
    for (const struct metric *m = metric_table; m->path; m++) {
        if (!m->name)
            continue;
        fprintf(out, mdoc ? ".It Cm %s" : "%s", m->name);
        if (has_labels(m)) {
            fputs(mdoc ? " Brq " : " {", out);
            print_labels(m, out);
            fputs(mdoc ? "" : "}", out);
        }
        fprintf(out, mdoc ? "\n%s\n" : "\n    %s\n", m->help);
    }
    fputs(mdoc ? ".El\n" : "", out);
}
