/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd's reports in the text exposition format 0.0.4 of Prometheus. Pure: whoever has asked for the reports
 * (gmctl) prints or serves the text. */
#ifndef GMD_METRICS_H
#define GMD_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* How many clients are told of one by one: so many series has each of their metrics at most. */
#define METRICS_TOP     10
#define METRICS_TOP_MAX 100

/* The reports that metrics are made of; the last one is NULL. That of the clients (METRICS_CLIENTS) comes a
 * page at a time: the top ones in METRICS_ORDER are wanted. */
#define METRICS_CLIENTS "clients"
#define METRICS_ORDER   "rate60" /* over a minute: who comes first changes less often */
extern const char *const metrics_reports[];

/* reports: an object with one member a report, by its name. What is missing or null in them has no sample. No
 * more than top clients are told of, whatever is in their report. */
void metrics_write(const json_t *reports, size_t top, FILE *out);

/* What there is: name, labels and meaning of each; mdoc: for the man page gmctl(8), where make inserts it. */
void metrics_help(bool mdoc, FILE *out);

#endif
