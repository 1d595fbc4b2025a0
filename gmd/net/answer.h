/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients are answered with in the daemon's stead, by the fast path, from the ingress and by workers:
 * laid down in the guard's maps, and good for no longer than a second. */
#ifndef GMD_NET_ANSWER_H
#define GMD_NET_ANSWER_H

#include "bmca/ptp.h"
#include "gmd/net/bpf/layout.h"
#include "gmd/net/transport.h"

struct answer_config {
    const char *interface;
    struct port_identity identity; /* ours */
    int dscp_general, ttl;
    enum kernel_ingress ingress;
};

struct answer_state {
    bool serves;    /* MASTER, end-to-end, with a time worth serving */
    int64_t now_ns; /* monotonic */
    struct kernel_answer answer;
};

/* A port of ours, before anybody answers for it. */
void answer_settle(struct kernel_port *p, const struct answer_config *c, const struct transport *t);

/* In force at once; with serves, for a second. One thread alone calls it. */
void answer_renew(struct kernel_port *p, const struct answer_state *s);

/* What is in force, for a thread that answers: false if nothing is. Any thread. */
bool answer_get(const struct kernel_port *p, int64_t now_ns, struct kernel_answer *answer);

#endif
