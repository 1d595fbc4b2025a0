/* SPDX-License-Identifier: BSD-2-Clause */
/* Values and ranges in words, for complaints, gmd --check and the help. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/option.h"

/* libconfig tells a number with a fraction by its point or exponent, but takes an integer for either. */
static void format_double(double v, char *buf)
{
    snprintf(buf, OPTION_TEXT_MAX, "%.15g", v);
    if (strtod(buf, NULL) != v)
        snprintf(buf, OPTION_TEXT_MAX, "%.17g", v);
}

/* Text was checked for control characters when it was read; quotes and backslashes are all that is left. */
static void format_string(const char *text, char *buf)
{
    size_t n = 0;

    buf[n++] = '"';
    for (; *text && n < OPTION_TEXT_MAX - 3; text++) {
        if (*text == '"' || *text == '\\')
            buf[n++] = '\\';
        buf[n++] = *text;
    }
    buf[n++] = '"';
    buf[n] = '\0';
}

const char *conf_option_format(const struct option *o, const void *base, char *buf)
{
    double number = conf_option_number(o, base);

    switch (o->type) {
    case OPTION_BOOL:
        return number != 0 ? "true" : "false";
    case OPTION_INT:
        snprintf(buf, OPTION_TEXT_MAX, "%d", (int)number);
        break;
    case OPTION_DOUBLE:
        format_double(number, buf);
        break;
    case OPTION_STRING:
        format_string(conf_option_text(o, base), buf);
        break;
    case OPTION_ENUM:
        format_string(o->words[(int)(number - o->min)], buf);
        break;
    }
    return buf;
}

/* "a", "b" or "c" */
static void format_words(const char *const *words, int count, char *buf)
{
    size_t n = 0;

    buf[0] = '\0';
    for (int i = 0; i < count && n < OPTION_TEXT_MAX; i++) {
        const char *before = i == 0 ? "" : i == count - 1 ? " or " : ", ";
        n += (size_t)snprintf(buf + n, OPTION_TEXT_MAX - n, "%s\"%s\"", before, words[i]);
    }
}

static int words_count(const char *const *words)
{
    int n = 0;

    while (words[n])
        n++;
    return n;
}

const char *conf_option_expected(const struct option *o, double min, double max, char *buf)
{
    const char *space = *o->unit ? " " : "";

    if (o->type == OPTION_INT || o->type == OPTION_DOUBLE || o->type == OPTION_ENUM) {
        min = fmax(min, o->min); /* a profile's range may be open */
        max = fmin(max, o->max);
    }
    switch (o->type) {
    case OPTION_BOOL:
        return min < max ? "true or false" : min > 0 ? "true" : "false";
    case OPTION_INT:
        snprintf(buf, OPTION_TEXT_MAX, "an integer %d..%d%s%s", (int)min, (int)max, space, o->unit);
        break;
    case OPTION_DOUBLE:
        snprintf(buf, OPTION_TEXT_MAX, "a number %.10g..%.10g%s%s", min, max, space, o->unit);
        break;
    case OPTION_ENUM:
        format_words(o->words + (int)(min - o->min), (int)(max - min) + 1, buf);
        break;
    case OPTION_STRING:
        if (o->words)
            format_words(o->words, words_count(o->words), buf);
        else if (o->syntax)
            return o->syntax;
        else
            snprintf(buf, OPTION_TEXT_MAX, "a string of %d..%d characters", (int)min, (int)max);
        break;
    }
    return buf;
}
