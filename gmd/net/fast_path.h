/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path: Delay_Req of clients that the guard knows are answered in the driver (XDP,
 * bpf/fast_path.bpf.c). The kernel takes it away when this process ends, and it does not answer unless told
 * so at least once a second. */
#ifndef GMD_NET_FAST_PATH_H
#define GMD_NET_FAST_PATH_H

#include "gmd/net/guard.h"

struct fast_path_config {
    unsigned port; /* as the guard knows it, attached */
    const char *interface;
    int ifindex;
    enum stamping stamping;
    struct port_identity identity; /* ours */
    int dscp_general, ttl;
};

/* What it answers with. */
struct fast_path_state {
    bool serves;    /* MASTER, end-to-end, with a time worth serving */
    int64_t now_ns; /* monotonic */
    struct kernel_line line;
    int8_t log_min_delay_req_interval;
    int64_t ingress_latency_ns;
};

struct fast_path;

/* NULL, and why in plain words: the port is served through its sockets alone. */
struct fast_path *fast_path_open(struct guard *g, const struct fast_path_config *c, const struct transport *t,
                                 char *why, int why_size);
void fast_path_close(struct fast_path *f);

/* In force at once; with serves, for a second. */
void fast_path_renew(struct fast_path *f, const struct fast_path_state *s);

/* "driver"; "generic": behind the driver, in the kernel's common path; "off": it could not stay */
const char *fast_path_mode(const struct fast_path *f);

/* A veth takes answers and loses them unless its other end polls, for which an XDP program there sees (GRO
 * should, too, but hangs in some kernels). Moves to the generic mode if answers were lost since the last
 * call: true. Every second or so. */
bool fast_path_check(struct fast_path *f);

#endif
