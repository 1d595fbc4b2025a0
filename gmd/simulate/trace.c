/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/simulate/trace.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool append(struct trace *t, double value, long *room)
{
    if (t->count == *room) {
        *room = *room ? *room * 2 : 4096;
        double *more = realloc(t->values, (size_t)*room * sizeof *more);
        if (!more)
            return false;
        t->values = more;
    }
    t->values[t->count++] = value;
    return true;
}

static const char *skip_blanks(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

/* What is wrong with the line, or NULL. */
static const char *take_line(struct trace *t, const char *line, double scale, long *room)
{
    char *end;
    const char *start = skip_blanks(line);
    if (!*start || *start == '#')
        return NULL;
    const double value = strtod(start, &end);
    if (end == start || *skip_blanks(end) || !isfinite(value))
        return "expected one number";
    return append(t, value * scale, room) ? NULL : "out of memory";
}

int trace_read(struct trace *t, const char *path, double scale, char *error, int error_size)
{
    char *line = NULL;
    const char *wrong = NULL;
    size_t size = 0;
    long number = 0, room = 0;
    FILE *f = fopen(path, "r");

    t->values = NULL;
    t->count = 0;
    if (!f) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        return -1;
    }
    while (!wrong && getline(&line, &size, f) >= 0) {
        number++;
        wrong = take_line(t, line, scale, &room);
    }
    free(line);
    if (ferror(f))
        wrong = "cannot be read further";
    fclose(f);
    if (!wrong)
        return 0;
    snprintf(error, error_size, "%s:%ld: %s", path, number, wrong);
    trace_free(t);
    return -1;
}

long trace_seconds(const struct trace *t)
{
    /* the last second must begin before the last value ends: rounding must not lose it */
    return (long)((double)t->count * t->interval_s + 1e-9);
}

double trace_at(const struct trace *t, long second)
{
    const long i = (long)(((double)second + 0.5) / t->interval_s);
    return t->values[i < t->count ? i : t->count - 1];
}

void trace_free(struct trace *t)
{
    free(t->values);
    t->values = NULL;
    t->count = 0;
}
