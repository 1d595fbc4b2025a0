/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: complaints about a file, collected in a caller's buffer; and the look at its text that
 * comes before libconfig's. */
#ifndef GMD_CONF_COMPLAINT_H
#define GMD_CONF_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>

struct complaints {
    char *text; /* lines, no newline after the last */
    size_t size, len;
    unsigned count;
    unsigned dropped; /* of them, without room */
};

/* Adds "FILE:LINE: KEY: ..."; line 0: the file as a whole. */
__attribute__((format(printf, 5, 6))) void conf_complain(struct complaints *c, const char *file, int line,
                                                         const char *key, const char *format, ...);
/* Says how many had no room. */
void conf_complaints_end(struct complaints *c);

/* text in quotes, control characters as \xNN, shortened if longer than buf. Returns buf. */
const char *conf_quote(const char *text, char *buf, size_t size);

/* Looks through a file and what it includes (beside it, in dir) for what libconfig does not complain about:
 * it ends the process on a directory, and cuts integers to 32 bits. */
void conf_scan(const char *file, const char *dir, struct complaints *c);

/* Line number `line` of a file without its blanks at both ends; empty if there is none. Returns buf. */
const char *conf_scan_line(const char *file, int line, char *buf, size_t size);

#endif
