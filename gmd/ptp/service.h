/* SPDX-License-Identifier: BSD-2-Clause */
/* What an instance has to serve its clients: the table, the budget, grants, flights. One block of memory. */
#ifndef GMD_PTP_SERVICE_H
#define GMD_PTP_SERVICE_H

#include "gmd/ptp/unicast.h"
#include "gmd/ptp/unicast_flight.h"

struct service_config {
    struct clients_config clients;
    struct budget_config budget;
    struct unicast_config unicast;
    bool negotiate; /* answers requests for unicast transmission */
    bool sptp;      /* answers the client-driven exchange */
    /* grants are withdrawn when this clock serves no longer, or no longer within its specification */
    bool withdraw_at_handover, withdraw_out_of_spec;
};

struct service {
    struct service_config config;
    struct clients *clients;
    struct budget budget;
    struct unicast unicast;
    struct flights flights;
};

/* Of the whole block, for clients.capacity clients. */
size_t service_size(unsigned capacity);

/* s: zeroed memory of service_size(). Grants nothing until unicast_resume. */
void service_init(struct service *s, const struct service_config *config, int64_t now_ns);

/* For tests: SERVICE_PLAIN_CLIENTS, more capacity than they need, negotiation as in profile "custom". */
void service_init_plain(struct service *s, uint64_t seed);
#define SERVICE_PLAIN_CLIENTS 1024

#endif
