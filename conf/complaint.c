/* SPDX-License-Identifier: BSD-2-Clause */
/* Complaints about a configuration file, collected rather than thrown at the first. */
#include <stdarg.h>
#include <stdio.h>

#include "conf/complaint.h"

/* kept free for conf_complaints_end() */
#define TAIL_MAX 40

void conf_complain(struct complaints *c, const char *file, int line, const char *key, const char *format, ...)
{
    char at[16] = "", what[768];
    va_list args;

    if (line > 0)
        snprintf(at, sizeof at, ":%d", line);
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);

    c->count++;
    size_t room = c->size > c->len + TAIL_MAX ? c->size - c->len - TAIL_MAX : 0;
    int n = snprintf(room ? c->text + c->len : NULL, room, "%s%s%s: %.160s%s%s", c->len ? "\n" : "", file, at,
                     key, *key ? ": " : "", what);
    if ((size_t)n < room) {
        c->len += (size_t)n;
        return;
    }
    c->dropped++;
    if (room)
        c->text[c->len] = '\0';
}

void conf_complaints_end(struct complaints *c)
{
    if (c->dropped && c->size > c->len)
        snprintf(c->text + c->len, c->size - c->len, "%sand %u more", c->len ? "\n" : "", c->dropped);
}

const char *conf_quote(const char *text, char *buf, size_t size)
{
    size_t n = 0;

    /* room for an escape, the dots, the closing quote and the end */
    buf[n++] = '"';
    while (*text && n + 4 + 3 + 2 <= size) {
        unsigned char ch = (unsigned char)*text++;
        if (ch < 0x20 || ch == 0x7f)
            n += (size_t)snprintf(buf + n, size - n, "\\x%02x", ch);
        else
            buf[n++] = (char)ch;
    }
    snprintf(buf + n, size - n, "%s\"", *text ? "..." : "");
    return buf;
}
