/* SPDX-License-Identifier: BSD-2-Clause */
/* A client table with a budget, and requests as tests write them. */
#ifndef GMD_TESTS_UNIT_CLIENTS_RIG_H
#define GMD_TESTS_UNIT_CLIENTS_RIG_H

#include <stdlib.h>

#include "gmd/ptp/budget.h"

#define S  NS_PER_S
#define MS (NS_PER_S / 1000)

struct clients_rig {
    struct clients *clients;
    struct budget budget;
    int64_t now;
};

static inline struct clients_rig rig_of(unsigned capacity, unsigned per_address, uint32_t capacity_hz)
{
    struct clients_rig r = {.clients = calloc(1, clients_size(capacity)), .now = 1000 * S};
    const struct clients_config clients = {
        .capacity = capacity, .per_address = per_address, .idle_ns = 300 * S, .key = {{3, 5}}};
    clients_init(r.clients, &clients);
    const struct budget_config budget = {
        .capacity_hz = capacity_hz, .log_interval = -7, .log_interval_max = 5, .seed = 7};
    budget_init(&r.budget, &budget, r.now);
    return r;
}

static inline void rig_end(struct clients_rig *r)
{
    free(r->clients);
}

/* Client n has an identity and an address of its own. */
static inline struct client_request request_of(uint32_t n, int8_t log_interval)
{
    const uint8_t b[] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    return (struct client_request){
        .identity = {{{2, 0, 0, 0xFF, b[0], b[1], b[2], b[3]}}, 1},
        .from = {.family = ADDRESS_IPV4, .bytes = {b[0] + 10, b[1], b[2], b[3]}},
        .port = 1,
        .mode = CLIENT_HYBRID,
        .log_interval = log_interval,
    };
}

static inline struct client *rig_ask(struct clients_rig *r, uint32_t n)
{
    struct client_request q = request_of(n, 0);
    return clients_request(r->clients, &q, r->now);
}

/* The whole way of a request. True: answered. */
static inline bool rig_serve(struct clients_rig *r, const struct client_request *q)
{
    struct client *cl = clients_request(r->clients, q, r->now);
    if (budget_request(&r->budget, cl, 1, r->now) != REFUSED_NOT)
        return false;
    client_answer(cl);
    return true;
}

/* Client n asked in as many seconds as it takes. */
static inline struct client *rig_establish(struct clients_rig *r, uint32_t n)
{
    struct client *cl = rig_ask(r, n);
    for (unsigned i = 1; i < CLIENT_PROBATION; i++) {
        r->now += S;
        cl = rig_ask(r, n);
    }
    return cl;
}

#endif
