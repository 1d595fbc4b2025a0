/* SPDX-License-Identifier: BSD-2-Clause */
/* What all programs share: the maps, what a message is, and whose bucket pays for it. */
#ifndef GMD_NET_BPF_CHARGE_BPF_H
#define GMD_NET_BPF_CHARGE_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gmd/net/bpf/layout.h"
#include "gmd/net/bpf/response.h"

#define CAS_ATTEMPTS 4
#define SOURCES_MAX  8192

/* The sizes of clients and client_slots are the daemon's to set. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct kernel_client_key);
    __type(value, __u32); /* its slot */
} clients SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct kernel_client);
} client_slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct kernel_port_keys);
} port_keys SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, KERNEL_PORTS_MAX);
    __type(key, __u32);
    __type(value, struct kernel_port);
} ports SEC(".maps");

/* An attacker who makes up addresses pushes out nobody but strangers; their common bucket holds then. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, SOURCES_MAX);
    __type(key, struct kernel_source_key);
    __type(value, __u64); /* struct kernel_bucket's due_ns */
} sources SEC(".maps");

struct port_found {
    __u32 number;
    struct kernel_port *port; /* NULL: none of ours */
};

/* A few comparisons in one cache line are quicker than a hash. */
static __always_inline struct port_found find_port(__u32 ifindex, __u16 ethertype)
{
    const __u32 all = 0;
    const struct kernel_port_keys *keys = bpf_map_lookup_elem(&port_keys, &all);
    for (__u32 i = 0; keys && i < KERNEL_PORTS_MAX; i++)
        if (keys->of[i].ifindex == ifindex && keys->of[i].ethertype == ethertype)
            return (struct port_found){.number = i, .port = bpf_map_lookup_elem(&ports, &i)};
    return (struct port_found){0};
}

static __always_inline bool is_for(const struct kernel_port *p, const struct message_head *h)
{
    return h->domain == p->domain && h->type >> 4 == p->major_sdo_id && h->minor_sdo_id == p->minor_sdo_id;
}

/* Bodies as long as the type says are the daemon's to check, but for requests: nothing else is as cheap to
 * send in masses. */
static __always_inline enum kernel_class classify(const struct kernel_port *p, const struct message_head *h,
                                                  __u32 len)
{
    if ((h->version & 0x0F) != 2)
        return KERNEL_MALFORMED;
    if (!is_for(p, h))
        return KERNEL_FOREIGN;
    switch (h->type & 0x0F) {
    case 0x1: /* Delay_Req */
        return len >= 44 ? KERNEL_REQUEST : KERNEL_MALFORMED;
    case 0x2: /* Pdelay_Req */
        return len >= 54 ? KERNEL_REQUEST : KERNEL_MALFORMED;
    case 0xB:
        return KERNEL_ANNOUNCE;
    case 0xC: /* Signaling */
    case 0xD: /* Management */
        return KERNEL_TALK;
    case 0x0: /* Sync */
    case 0x3: /* Pdelay_Resp */
    case 0x8: /* Follow_Up */
    case 0x9: /* Delay_Resp */
    case 0xA: /* Pdelay_Resp_Follow_Up */
        return KERNEL_IDLE;
    default:
        return KERNEL_MALFORMED;
    }
}

/* How much of a common bucket is left to whom. A flood leaves to those who come back what it cannot use. */
enum precedence {
    KNOWN = 1,    /* and within its own rate: all of it */
    STRANGER = 2, /* whose address keeps to its share: a half */
    CROWD = 4,    /* a host of many, or a router before them; or a flood: a fourth */
};

static __always_inline bool has_token(const struct kernel_rate *rate, __u64 due_ns, __u64 now_ns,
                                      enum precedence precedence)
{
    return due_ns <= now_ns || due_ns - now_ns <= rate->depth_ns / precedence;
}

/* One token from the bucket that is empty at *due_ns; false if it has none. */
static __always_inline bool take_token(const struct kernel_rate *rate, __u64 *due_ns, __u64 now_ns,
                                       enum precedence precedence)
{
    for (int i = 0; i < CAS_ATTEMPTS; i++) {
        const __u64 due = *(volatile __u64 *)due_ns;
        const __u64 from = due > now_ns ? due : now_ns;
        if (!has_token(rate, due, now_ns, precedence))
            return false;
        if (__sync_val_compare_and_swap(due_ns, due, from + rate->interval_ns) == due)
            return true;
    }
    return false;
}

/* Whether this address keeps to its share. */
static __always_inline bool source_pays(const struct kernel_port *p, __u32 number, enum kernel_class class,
                                        const __u8 *address, __u64 now_ns)
{
    const struct kernel_rate *rate = &p->source_rate[class];
    struct kernel_source_key key = {.port = (__u16)number, .class = class};
    if (rate->interval_ns == 0)
        return true;
    __builtin_memcpy(key.address, address, sizeof(key.address));
    __u64 *due_ns = bpf_map_lookup_elem(&sources, &key);
    if (due_ns)
        return take_token(rate, due_ns, now_ns, KNOWN);
    const __u64 first_ns = now_ns + rate->interval_ns;
    bpf_map_update_elem(&sources, &key, &first_ns, BPF_ANY);
    return true;
}

static __always_inline bool all_pay(struct kernel_port *p, enum kernel_class class, __u64 now_ns,
                                    enum precedence precedence)
{
    return take_token(&p->all[class].rate, &p->all[class].due_ns, now_ns, precedence);
}

static __always_inline bool stranger_pays(struct kernel_port *p, __u32 number, enum kernel_class class,
                                          const __u8 *address, __u64 now_ns)
{
    if (!has_token(&p->all[class].rate, p->all[class].due_ns, now_ns, STRANGER))
        return false; /* whoever it is: made-up addresses shall not cost more than this */
    const bool keeps = source_pays(p, number, class, address, now_ns);
    return all_pay(p, class, now_ns, keeps ? STRANGER : CROWD);
}

static __always_inline const __u32 *find_slot(__u32 number, const __u8 *address, const __u8 *identity)
{
    struct kernel_client_key key = {.port = (__u16)number};
    __builtin_memcpy(key.address, address, sizeof(key.address));
    __builtin_memcpy(key.identity, identity, sizeof(key.identity));
    return bpf_map_lookup_elem(&clients, &key);
}

static __always_inline struct kernel_client *find_client(__u32 number, const __u8 *address,
                                                         const __u8 *identity)
{
    const __u32 *slot = find_slot(number, address, identity);
    return slot ? bpf_map_lookup_elem(&client_slots, slot) : NULL;
}

static __always_inline void count_over_rate(struct kernel_port *p, struct kernel_client *c)
{
    const bool held = c->held;
    __sync_fetch_and_add(held ? &c->held_back : &c->refused, 1);
    __sync_fetch_and_add(held ? &p->counts.held_back : &p->counts.over_rate, 1);
}

/* What newcomers were refused does not show that they come back. */
static __always_inline void count_crowded(struct kernel_port *p, struct kernel_client *c)
{
    if (c->rank == KERNEL_NEWCOMER)
        return;
    __sync_fetch_and_add(&c->crowded, 1);
    __sync_fetch_and_add(&p->counts.crowded, 1);
}

/* A request that the client's own bucket decides on. */
static __always_inline bool client_pays(struct kernel_port *p, struct kernel_client *c, __u64 now_ns)
{
    if (take_token(&c->bucket.rate, &c->bucket.due_ns, now_ns, KNOWN))
        return true;
    count_over_rate(p, c);
    return false;
}

/* The bucket that a known client's requests are paid from besides its own; NULL: none. */
static __always_inline struct kernel_bucket *common_bucket(struct kernel_port *p,
                                                           const struct kernel_client *c)
{
    switch (c->rank) {
    case KERNEL_SENIOR:
        return NULL;
    case KERNEL_JUNIOR:
        return &p->juniors;
    default:
        return &p->all[KERNEL_REQUEST];
    }
}

/* Two processors at once may lose one of their requests. */
static __always_inline void measure(struct kernel_client *c, __u64 now_ns)
{
    const __u64 since_us = (now_ns - c->asked_ns) / 1000;
    const __u32 us = since_us < KERNEL_INTERVAL_US ? (__u32)since_us : KERNEL_INTERVAL_US;
    const __u32 mean_us = c->interval / KERNEL_MEAN_OF;
    const bool is_first = c->asked_ns == 0;
    c->asked_ns = now_ns;
    if (is_first)
        return;
    if (c->interval == 0 || us > KERNEL_PAUSE_US + c->interval ||
        mean_us > KERNEL_PAUSE_US + us * KERNEL_MEAN_OF) {
        c->interval = us * KERNEL_MEAN_OF;
        return;
    }
    c->jitter += (us > mean_us ? us - mean_us : mean_us - us) - c->jitter / KERNEL_MEAN_OF;
    c->interval += us - mean_us;
}

static __always_inline bool client_and_common_pay(struct kernel_port *p, struct kernel_client *c,
                                                  __u64 now_ns)
{
    struct kernel_bucket *common = common_bucket(p, c);
    measure(c, now_ns);
    if (!client_pays(p, c, now_ns))
        return false;
    if (!common || take_token(&common->rate, &common->due_ns, now_ns, KNOWN))
        return true;
    count_crowded(p, c);
    return false;
}

/* May a message be answered, or pass to the daemon? c: its sender, if it is a request of a known client. */
static __always_inline bool pays(struct port_found at, struct kernel_client *c, enum kernel_class class,
                                 const __u8 *address, __u64 now_ns)
{
    return c ? client_and_common_pay(at.port, c, now_ns)
             : stranger_pays(at.port, at.number, class, address, now_ns);
}

static __always_inline void count_passed(struct kernel_port *p, struct kernel_client *c,
                                         enum kernel_class class)
{
    if (c)
        __sync_fetch_and_add(&c->passed, 1);
    __sync_fetch_and_add(&p->counts.passed[class], 1);
}

/* Before the sockets. */
static __always_inline void count_early(struct kernel_port *p, __u8 type)
{
    __sync_fetch_and_add(&p->counts.refused_early, 1);
    __sync_fetch_and_add(&p->counts.refused_types[type & 0x0F], 1);
}

#endif
