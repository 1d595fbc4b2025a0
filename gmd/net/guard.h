/* SPDX-License-Identifier: BSD-2-Clause */
/* The guard before the ports' sockets: the kernel drops what no port answers, and enforces the clients' rates
 * before their requests take a place in the receive queue (bpf/guard.bpf.c). Who is a client and at what rate
 * is the client table's to say; everybody else shares what is left for strangers. */
#ifndef GMD_NET_GUARD_H
#define GMD_NET_GUARD_H

#include "bmca/ptp.h"
#include "gmd/net/bpf/layout.h"
#include "gmd/net/transport.h"

/* What a port takes for its own. */
struct guard_port {
    int ifindex;
    uint8_t domain;
    uint16_t sdo_id; /* 12 bits */
};

/* What a client may ask. */
struct guard_terms {
    double rate_hz;
    unsigned burst; /* requests at once, at least 1 */
    bool held;      /* to less than its own rate */
    uint8_t rank;   /* enum kernel_rank */
    uint8_t ways;   /* enum kernel_way: whether others may answer in the daemon's stead */
};

struct guard_client {
    struct port_identity identity;
    struct address address;
    unsigned port; /* index of ours */
    struct guard_terms terms;
    int8_t log_message_interval; /* of unicast answers in the daemon's stead */
};

/* Since the slot was given to this client. */
struct guard_counts {
    uint32_t passed, answered, refused, held_back, crowded; /* as in struct kernel_client */
    float interval_s, jitter_s; /* of its requests, mean, and mean deviation from it */
    uint8_t way;                /* of the last that was answered: enum kernel_way */
    uint16_t sequence_id;       /* of the same */
};

struct bpf_object;
struct guard;

/* For clients in slots 0..slots-1. NULL, and why in plain words: then there is only guard_attach_plain. */
struct guard *guard_open(unsigned slots, char *why, int why_size);
void guard_close(struct guard *g);

/* Puts the guard before the sockets of a port (0..KERNEL_PORTS_MAX-1). 0 or -errno. */
int guard_attach(struct guard *g, unsigned port, const struct guard_port *settings,
                 const struct transport *t);
/* Whether refused requests end at the interface already, not only at the socket: several times cheaper. There
 * the guard judges only with leave that is renewed, at least once a second. */
bool guard_is_early(const struct guard *g, unsigned port);
void guard_renew(struct guard *g, unsigned port, int64_t now_ns);
/* The port's sockets are about to be closed. */
void guard_detach(struct guard *g, unsigned port);

/* Without BPF rights: a classic filter that drops most of what no port answers, and knows no rates. One in 64
 * passes, so that faults are still seen. 0 or -errno. */
int guard_attach_plain(const struct guard_port *settings, const struct transport *t);

/* The client in this slot from now on; what the slot counted before is forgotten. 0 or -errno. */
int guard_allow(struct guard *g, unsigned slot, const struct guard_client *c);
/* Other terms for the same client; no system call. */
void guard_change(struct guard *g, unsigned slot, const struct guard_terms *terms);
void guard_forget(struct guard *g, unsigned slot);

/* What strangers and newcomers may ask for, all together; and the juniors. Bounds what they can cost. */
void guard_set_juniors(struct guard *g, unsigned port, double rate_hz, unsigned burst);
void guard_set_strangers(struct guard *g, unsigned port, double rate_hz, unsigned burst);

struct guard_counts guard_read(const struct guard *g, unsigned slot);
/* Since the guard was opened. */
struct kernel_counts guard_totals(const struct guard *g, unsigned port);
const char *guard_class_name(enum kernel_class class);

/* For those who answer in the daemon's stead: ports and clients as the kernel sees them (a client that is in
 * no slot: NULL), and the guard's maps for an opened object of theirs, by name; the others are its own. 0 or
 * -errno.
 */
struct kernel_port *guard_kernel_port(struct guard *g, unsigned port);
struct kernel_client *guard_kernel_client(struct guard *g, unsigned slot);
int guard_share(const struct guard *g, struct bpf_object *object);

#endif
