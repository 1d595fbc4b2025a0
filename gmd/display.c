/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/display.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NAME_WIDTH 20

static void print_value(const json_t *value, FILE *out)
{
    const char *key, *separator = "";
    json_t *item;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_STRING:
        fputs(*json_string_value(value) ? json_string_value(value) : "-", out);
        break;
    case JSON_INTEGER:
        fprintf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        fprintf(out, "%.*f", json_real_value(value) >= 1e6 || json_real_value(value) <= -1e6 ? 0 : 3,
                json_real_value(value));
        break;
    case JSON_TRUE:
        fputs("yes", out);
        break;
    case JSON_FALSE:
        fputs("no", out);
        break;
    case JSON_NULL:
        fputs("-", out);
        break;
    case JSON_ARRAY:
        json_array_foreach(value, i, item)
        {
            fputs(i ? ", " : "", out);
            print_value(item, out);
        }
        if (json_array_size(value) == 0)
            fputs("none", out);
        break;
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, key, item)
        {
            fprintf(out, "%s%s ", separator, key);
            print_value(item, out);
            separator = ", ";
        }
        break;
    }
}

/* --- tables: the first line of cells is the heading ------------------------------------------------ */

struct table {
    size_t lines, columns;
    char **cells; /* by line, then column */
};

static char **cell_at(const struct table *t, size_t line, size_t column)
{
    return &t->cells[line * t->columns + column];
}

static char *text_of(const json_t *value)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    print_value(value, out);
    fclose(out);
    return text;
}

static struct table table_of(const json_t *rows)
{
    const json_t *heading = json_array_get(rows, 0), *row;
    struct table t = {.lines = json_array_size(rows) + 1, .columns = json_object_size(heading)};
    const char *key;
    json_t *value;
    size_t i, column = 0;
    t.cells = calloc(t.lines * t.columns, sizeof *t.cells);
    if (!t.cells)
        abort();
    json_object_foreach((json_t *)heading, key, value)
    {
        *cell_at(&t, 0, column) = strdup(key);
        json_array_foreach(rows, i, row)
        {
            const json_t *found = json_object_get(row, key);
            *cell_at(&t, i + 1, column) = found ? text_of(found) : strdup("-");
        }
        column++;
    }
    return t;
}

static void free_table(struct table *t)
{
    for (size_t i = 0; i < t->lines * t->columns; i++)
        free(t->cells[i]);
    free(t->cells);
}

static struct table turned(const struct table *t)
{
    struct table u = {.lines = t->columns, .columns = t->lines};
    u.cells = calloc(u.lines * u.columns, sizeof *u.cells);
    if (!u.cells)
        abort();
    for (size_t line = 0; line < u.lines; line++)
        for (size_t column = 0; column < u.columns; column++)
            *cell_at(&u, line, column) = *cell_at(t, column, line);
    return u;
}

static const char *text_at(const struct table *t, size_t line, size_t column)
{
    const char *text = *cell_at(t, line, column);
    return text ? text : "";
}

static int column_width(const struct table *t, size_t column)
{
    size_t width = 0;
    for (size_t line = 0; line < t->lines; line++) {
        const size_t len = strlen(text_at(t, line, column));
        width = len > width ? len : width;
    }
    return (int)width;
}

/* By column; the caller frees them. */
static int *column_widths(const struct table *t)
{
    int *widths = calloc(t->columns + 1, sizeof *widths);
    if (!widths)
        abort();
    for (size_t column = 0; column < t->columns; column++)
        widths[column] = column_width(t, column);
    return widths;
}

static int table_width(const struct table *t)
{
    int width = 0;
    for (size_t column = 0; column < t->columns; column++)
        width += 2 + column_width(t, column);
    return width;
}

static void print_cells(const struct table *t, FILE *out)
{
    int *widths = column_widths(t);
    for (size_t line = 0; line < t->lines; line++) {
        for (size_t column = 0; column < t->columns; column++)
            fprintf(out, "  %-*s", widths[column], text_at(t, line, column));
        fputc('\n', out);
    }
    free(widths);
}

/* Upright where only that fits: long lines can be read, hundreds of columns cannot. */
static void print_table(const json_t *rows, int width, FILE *out)
{
    struct table t = table_of(rows);
    struct table upright = turned(&t);
    const bool stands = table_width(&t) > width && table_width(&upright) <= width;
    print_cells(stands ? &upright : &t, out);
    free(upright.cells);
    free_table(&t);
}

void display(const json_t *answer, int width, FILE *out)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)answer, key, value)
    {
        if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
            fprintf(out, "%s\n", key);
            print_table(value, width, out);
            continue;
        }
        fprintf(out, "%-*s ", NAME_WIDTH, key);
        print_value(value, out);
        fputc('\n', out);
    }
}
