/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon and its programs in the kernel share: the maps' keys and values. Arrays are mapped into the
 * daemon, which writes settings and reads counters in place; times are CLOCK_MONOTONIC ns unless said
 * otherwise. */
#ifndef GMD_NET_BPF_LAYOUT_H
#define GMD_NET_BPF_LAYOUT_H

#include <linux/types.h>

#define KERNEL_PORTS_MAX   8
#define KERNEL_WORKERS_MAX 16 /* of a port */

/* A token bucket as its time of next emptiness: one number, changed by one compare-and-swap. Settings: a
 * token comes every interval_ns, depth_ns = (tokens that it holds - 1) * interval_ns. */
struct kernel_rate {
    __u64 interval_ns, depth_ns;
};

struct kernel_bucket {
    struct kernel_rate rate;
    __u64 due_ns;
};

/* Which port an interface's frames of one protocol belong to. */
struct kernel_port_key {
    __u32 ifindex;
    __u32 ethertype; /* host order */
};

struct kernel_port_keys {
    struct kernel_port_key of[KERNEL_PORTS_MAX]; /* ifindex 0: no such port */
};

/* What a frame's tc_index says between the interface's ingress and our sockets: it may pass and was paid for.
 */
#define KERNEL_PASSED 0x1588

/* A client whose rate is agreed: portIdentity and address, at one of our ports. */
struct kernel_client_key {
    __u8 address[16]; /* as in struct address */
    __u8 identity[10];
    __u16 port; /* index of ours */
};

enum kernel_rank {                  /* as enum client_rank */
                   KERNEL_SENIOR,   /* pays from its own bucket alone */
                   KERNEL_JUNIOR,   /* from the juniors' common one as well */
                   KERNEL_NEWCOMER, /* from the one of all the rest as well */
};

enum kernel_way { /* as enum respond_way */
                  KERNEL_UNICAST = 1,
                  KERNEL_MULTICAST = 2,
};

struct kernel_client {
    struct kernel_bucket bucket;
    __u64 asked_ns;         /* last */
    __u32 interval, jitter; /* mean, and mean deviation from it, us / KERNEL_MEAN_OF */
    __u32 passed;           /* by the guard: to the daemon, to workers; this and what follows modulo 2^32 */
    __u32 answered;         /* in the daemon's stead */
    __u32 refused;          /* by its own bucket ... */
    __u32 held_back;        /* ... while that was less than its own rate */
    __u32 crowded;          /* by the juniors' common one */
    __s8 log_message_interval; /* of its unicast answers */
    __u8 rank;                 /* enum kernel_rank */
    __u8 held;                 /* to less than its own rate */
    __u8 ways;                 /* of asking that others may answer in the daemon's stead: enum kernel_way */
    __u8 way;                  /* of the last request that they answered ... */
    __u16 sequence_id;         /* ... and its sequenceId */
};

#define KERNEL_MEAN_OF     16         /* requests, as the daemon's own means */
#define KERNEL_PAUSE_US    10000000U  /* more than so many intervals and this: a pause, no jitter */
#define KERNEL_INTERVAL_US 200000000U /* longer ones are not told apart */

/* Everybody else, by address. */
struct kernel_source_key {
    __u8 address[16];
    __u16 port;
    __u16 class; /* enum kernel_class */
};

enum kernel_class {
    KERNEL_REQUEST,   /* Delay_Req, Pdelay_Req */
    KERNEL_ANNOUNCE,  /* who is master depends on it: no other talk may crowd it out */
    KERNEL_TALK,      /* Signaling, Management */
    KERNEL_IDLE,      /* what other masters send to their clients: only counted */
    KERNEL_MALFORMED, /* what no port answers: version, type, length ... */
    KERNEL_FOREIGN,   /* ... domain, sdoId */
    KERNEL_CLASSES,
};

/* The kernel's own. */
struct kernel_counts {
    __u64 passed[KERNEL_CLASSES], refused[KERNEL_CLASSES]; /* by the guard */
    __u64 answered;          /* in the daemon's stead: ingress, fast path, workers */
    __u64 unstamped;         /* left to the daemon by the ingress, where their stamp could not be read */
    __u64 refused_early;     /* before the sockets */
    __u64 over_rate;         /* of the requests that either refused: by their client's own bucket ... */
    __u64 held_back;         /* ... while that was less than its own rate ... */
    __u64 crowded;           /* ... and by the juniors' common one */
    __u64 refused_types[16]; /* by either, of the port's domain, by messageType */
};

/* The served clock as a line: when receive stamps read raw_ns it shows clock_ns; from there on it gains
 * excess / 2^32 ns on them per ns. */
struct kernel_line {
    __s64 raw_ns, clock_ns;
    __s64 excess;
};

/* What changes of an answer. */
struct kernel_answer {
    struct kernel_line line;
    __s64 socket_lag_ns; /* so far are sockets' stamps behind what the line is over: CLOCK_REALTIME's */
    __s64 ingress_latency_ns;
    __s64 log_min_delay_req_interval; /* in answers by multicast */
};

#define KERNEL_LEAVE_NS 1000000000LL /* holds so long what the daemon must renew */

/* Whether the guard at the interface's ingress answers, and with which stamps. */
enum kernel_ingress { KERNEL_INGRESS_NONE, KERNEL_INGRESS_SOFTWARE, KERNEL_INGRESS_HARDWARE };

#define KERNEL_OWN_MAX 8

struct kernel_port {
    /* settings */
    __u8 domain;
    __u8 major_sdo_id, minor_sdo_id;
    __u8 hop_limit; /* of multicast answers */
    __u8 traffic_class;
    __u8 workers; /* who answer: client_slots' index modulo this; 0: none */
    __u8 ingress; /* enum kernel_ingress */
    __u8 identity[10];
    __u8 mac[6], group_mac[6];
    /* destination of multicast requests and answers, as in struct address */
    __u8 group[16] __attribute__((aligned(8)));
    /* addresses of ours; the first is the source of multicast answers */
    __u8 own[KERNEL_OWN_MAX][16] __attribute__((aligned(8)));
    __u32 own_count;
    __u32 priority; /* of answers from the ingress, as SO_PRIORITY */
    __u32 answer;   /* counts up: of answers, the one at this modulo 2 is in force */
    struct kernel_answer answers[2];
    __u64 judge_until_ns;  /* later, the guard at the ingress lets everything pass: there is no daemon, and */
    __u64 answer_until_ns; /* later, nobody answers in its stead: both must be renewed */
    struct kernel_rate source_rate[KERNEL_CLASSES]; /* of one address; interval 0: no limit of its own */
    /* the rest is the kernel's but for the buckets' rates */
    struct kernel_bucket all[KERNEL_CLASSES]; /* of all addresses together */
    struct kernel_bucket juniors;
    struct kernel_counts counts;
};

#define KERNEL_LINE_NS 4000000000LL /* a line is good for so long, and its product fits */

/* 0 if the line does not reach that far. */
static inline int kernel_line_at(const struct kernel_line *line, __s64 raw_ns, __s64 *clock_ns)
{
    const __s64 elapsed_ns = raw_ns - line->raw_ns;
    if (elapsed_ns > KERNEL_LINE_NS || elapsed_ns < -KERNEL_LINE_NS)
        return 0;
    *clock_ns = line->clock_ns + elapsed_ns + ((elapsed_ns * line->excess) >> 32);
    return 1;
}

#endif
