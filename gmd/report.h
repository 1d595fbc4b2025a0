/* SPDX-License-Identifier: BSD-2-Clause */
/* What the control socket answers: the daemon's state as JSON. Key names carry their unit. Jansson objects
 * are the caller's to release. */
#ifndef GMD_REPORT_H
#define GMD_REPORT_H

#include <jansson.h>

struct daemon;

/* Never NULL; {"error": ...} for an unknown command, a bad argument or, "internal", what JSON
 * cannot hold. request may be NULL. */
json_t *report_answer(struct daemon *d, const char *command, const json_t *request);

/* Never NULL; what is not printable in the text becomes '?'. */
json_t *report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
