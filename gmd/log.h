/* SPDX-License-Identifier: BSD-2-Clause */
/* One line an event on standard error: with a time for people, with syslog priorities for the journal. */
#ifndef GMD_LOG_H
#define GMD_LOG_H

#include <stdint.h>

/* As syslog numbers them (RFC 5424). */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
};

/* In place: every byte that is not printable ASCII becomes '?'. For text that others wrote, which may hold
 * control characters or be cut within a character. */
void text_make_printable(char *text);

/* The line is made printable. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A complaint that hostile or broken input could repeat at will: at most one line a minute, with the count of
 * those kept back. Zero-initialise; one per kind of complaint. */
struct log_limit {
    int64_t next_ns; /* monotonic */
    uint64_t kept_back;
};
void log_limited(struct log_limit *limit, int64_t now_ns, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
