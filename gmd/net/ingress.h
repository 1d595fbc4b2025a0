/* SPDX-License-Identifier: BSD-2-Clause */
/* A program at an interface's ingress: behind the driver, before the network stack. */
#ifndef GMD_NET_INGRESS_H
#define GMD_NET_INGRESS_H

#include <stdbool.h>

#define TCX_INGRESS 46 /* enum bpf_attach_type's BPF_TCX_INGRESS, Linux 6.6 */

/* Who comes first. */
enum ingress_place { INGRESS_GUARD, INGRESS_WORKERS };

/* All zeros: nothing is there. */
struct ingress {
    bool attached;
    int link; /* closing it takes the program off; -1: it is a filter of tc */
    int ifindex;
    enum ingress_place place;
};

/* By tcx; in a kernel that has none (before Linux 6.6) as a filter of tc, in the place of one that another
 * gmd has left there: that stays if this process is killed, so the program must ask for leave that is
 * renewed. 0 or -errno. */
int ingress_attach(struct ingress *at, int program, int ifindex, enum ingress_place place);
/* Harmless where nothing is. */
void ingress_detach(struct ingress *at);

#endif
