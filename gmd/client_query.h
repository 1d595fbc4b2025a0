/* SPDX-License-Identifier: BSD-2-Clause */
/* Which clients are asked for, and in which order: shared by the daemon, which answers page by page, and by
 * gmctl, which sorts. Pure.
 *
 * A page costs the one event loop a bounded time, however many clients there are: so many places looked at,
 * so many clients told. Who wants the few that come first in an order says what it has already ("above"): the
 * daemon then passes over those that cannot be among them. */
#ifndef GMD_CLIENT_QUERY_H
#define GMD_CLIENT_QUERY_H

#include <jansson.h>

#include "gmd/ptp/clients.h"

#define CLIENT_PAGE_PLACES 1024 /* of the table, looked at for one page */
#define CLIENT_PAGE        16   /* clients in one page */

/* An order. */
struct client_key {
    const char *name; /* "rate" */
    const char
        *member; /* of a client in the report; a text's order is ascending, "10.0.0.9" before "10.0.0.10" */
    int sign;    /* of the value in that member: greater comes first */
    double (*value)(const struct client *cl, int64_t now_ns); /* with the sign; NULL: a text */
};

/* NULL: no such order. */
const struct client_key *client_key_find(const char *name);
/* "rate, rate60, ..." in buf; returns buf. */
const char *client_key_names(char *buf, size_t size);

struct client_query {
    size_t cursor;                /* as in clients_next */
    uint8_t faults;               /* any of these; 0: whoever */
    int mode;                     /* enum client_mode; -1: whichever */
    struct address net;           /* ADDRESS_NONE: wherever */
    unsigned bits;                /* of net that count */
    const struct client_key *key; /* with above; NULL: all */
    double above;                 /* only those whose value is greater */
};

/* {"cursor": 0, "fault": "too_fast", "mode": "hybrid", "address": "10.7.0.0/16", "sort": "rate",
 * "above": 3.5}, each of them optional; request may be NULL. Returns NULL, or what is wrong with it (static
 * text). */
const char *client_query_parse(const json_t *request, struct client_query *q);

bool client_query_matches(const struct client_query *q, const struct client *cl, int64_t now_ns);

/* Requests refused for any reason. */
uint64_t client_refused_total(const struct client *cl);

#endif
