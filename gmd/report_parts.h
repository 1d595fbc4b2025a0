/* SPDX-License-Identifier: BSD-2-Clause */
/* The reports that report.c answers with, one a command of gmctl. Each returns a new object. */
#ifndef GMD_REPORT_PARTS_H
#define GMD_REPORT_PARTS_H

#include <jansson.h>

#include "gmd/daemon.h"

json_t *report_clock(struct daemon *d, int64_t now_ns);
json_t *report_gnss(struct daemon *d, int64_t now_ns);
json_t *report_holdover(struct daemon *d, int64_t now_ns);
json_t *report_stability(struct daemon *d, int64_t now_ns);
json_t *report_host(struct daemon *d, int64_t now_ns);
json_t *report_process(struct daemon *d, int64_t now_ns);
json_t *report_ports(struct daemon *d, int64_t now_ns);
json_t *report_peers(struct daemon *d, int64_t now_ns);
/* A page of them, as client_query.h says; {"error": ...} for a bad request. */
json_t *report_clients(struct daemon *d, const json_t *request, int64_t now_ns);
json_t *report_budget(struct daemon *d, int64_t now_ns); /* part of status */

/* Requests that the kernel refused: those beyond their clients' rates, and those for whom nothing was left,
 * of these those of strangers and newcomers. Who is held to less than his rate is in the budget's books. */
struct kernel_refusals {
    uint64_t rate, budget, strangers;
};
struct kernel_refusals report_kernel_refusals(const struct daemon *d);

/* The simulated receiver's switches; there must be one. */
json_t *report_switches(const struct daemon *d);

#endif
