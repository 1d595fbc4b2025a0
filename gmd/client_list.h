/* SPDX-License-Identifier: BSD-2-Clause */
/* gmctl's half of the report clients: pages in, one sorted list out. Pure but for memory. */
#ifndef GMD_CLIENT_LIST_H
#define GMD_CLIENT_LIST_H

#include "gmd/client_query.h"

struct client_list {
    const struct client_key *key;
    size_t top; /* how many are wanted; 0: all */
    json_t *clients;
};

/* Frees with client_list_free. */
void client_list_init(struct client_list *l, const struct client_key *key, size_t top);
void client_list_free(struct client_list *l);

/* Takes the clients of a page over. */
void client_list_add(struct client_list *l, const json_t *page);

/* The request for the page after this one, made of the first one's: NULL if it was the last. */
json_t *client_list_next(struct client_list *l, const json_t *request, const json_t *page);

/* The last page, with all clients that were wanted in place of its own, in order. */
json_t *client_list_answer(struct client_list *l, const json_t *last_page);

/* The same with rows that fit a terminal. */
json_t *client_list_brief(const json_t *answer);

#endif
