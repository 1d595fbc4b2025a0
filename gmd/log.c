/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LIMIT_NS 60000000000LL

/* systemd sets JOURNAL_STREAM where standard error leads to the journal, which adds its own time. */
static void prefix(char *buf, size_t size, enum log_level level)
{
    if (getenv("JOURNAL_STREAM")) {
        snprintf(buf, size, "<%d>", level);
        return;
    }
    static const char *const names[] = {[LOG_LEVEL_ERROR] = "error: ", [LOG_LEVEL_WARNING] = "warning: "};
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    const char *name = level <= LOG_LEVEL_WARNING && names[level] ? names[level] : "";
    snprintf(buf, size, "%02d:%02d:%02d.%03ld %s", tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000,
             name);
}

void text_make_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

void log_line(enum log_level level, const char *format, ...)
{
    char head[48], text[512];
    prefix(head, sizeof head, level);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_make_printable(text);
    fprintf(stderr, "%s%s\n", head, text);
}

void log_limited(struct log_limit *limit, int64_t now_ns, const char *format, ...)
{
    if (now_ns < limit->next_ns) {
        limit->kept_back++;
        return;
    }
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (limit->kept_back)
        log_line(LOG_LEVEL_WARNING, "%s (and %llu like it before)", text,
                 (unsigned long long)limit->kept_back);
    else
        log_line(LOG_LEVEL_WARNING, "%s", text);
    limit->kept_back = 0;
    limit->next_ns = now_ns + LIMIT_NS;
}
