/* SPDX-License-Identifier: BSD-2-Clause */
/* The fast path: Delay_Req of clients that the guard knows are answered in the driver (XDP,
 * bpf/fast_path.bpf.c). The kernel takes it away when this process ends, and it does not answer unless told
 * so at least once a second (answer.h). */
#ifndef GMD_NET_FAST_PATH_H
#define GMD_NET_FAST_PATH_H

#include "gmd/net/guard.h"

struct fast_path_config {
    const char *interface;
    int ifindex;
    enum stamping stamping;
};

struct fast_path;

/* For a port that the guard is attached to and that was settled (answer.h). NULL, and why in plain words: it
 * is served as without it. */
struct fast_path *fast_path_open(const struct guard *g, const struct fast_path_config *c, char *why,
                                 int why_size);
void fast_path_close(struct fast_path *f);

/* NULL is not, and none that had to go. */
bool fast_path_is_on(const struct fast_path *f);

/* A veth takes answers and loses them unless its other end polls, for which an XDP program there sees (GRO
 * should, too, but hangs in some kernels). Leaves the driver if many answers were lost since the last call:
 * true. A few are lost where the other end is busy for a moment. Every second or so. */
bool fast_path_check(struct fast_path *f);

#endif
