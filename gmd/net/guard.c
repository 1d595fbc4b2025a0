/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/guard.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gmd/net/bpf_objects.h"
#include "gmd/net/ingress.h"

/* Requests per second, and at once. What one address has is its share where many want more than all may have:
 * it may be a host of many clients, or a router before them. */
static const struct {
    const char *name;
    double source_hz;
    unsigned source_burst; /* 0: addresses have no share */
    double all_hz;
    unsigned all_burst;
} defaults[KERNEL_CLASSES] = {
    [KERNEL_REQUEST] = {"request", 256, 256, 8192, 512}, [KERNEL_ANNOUNCE] = {"announce", 16, 16, 1024, 128},
    [KERNEL_TALK] = {"talk", 256, 256, 8192, 512},       [KERNEL_IDLE] = {"idle", 0, 0, 1000, 100},
    [KERNEL_MALFORMED] = {"malformed", 16, 16, 128, 64}, [KERNEL_FOREIGN] = {"foreign", 16, 16, 128, 64},
};

struct guard {
    struct bpf_object *object;
    int program, early_program;
    int clients_map, port_keys_map;
    unsigned slots;
    struct kernel_client *clients; /* the maps' own memory */
    struct kernel_port *ports;
    struct kernel_client_key *keys; /* of the slots; of no identity: free */
    struct kernel_port_keys port_keys;
    struct ingress early[KERNEL_PORTS_MAX];
};

/* --- settings that the kernel reads while they change ------------------------------------------------- */

#define SHARED_SET(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)
#define SHARED_GET(place)        __atomic_load_n(&(place), __ATOMIC_RELAXED)

static void set_rate(struct kernel_rate *r, double rate_hz, unsigned burst)
{
    const double interval_ns = fmin(fmax(1e9 / fmax(rate_hz, 1e-3), 1.0), 1e12);
    SHARED_SET(r->interval_ns, (__u64)interval_ns);
    SHARED_SET(r->depth_ns, (__u64)(interval_ns * (burst > 1 ? burst - 1 : 0)));
}

/* --- life ---------------------------------------------------------------------------------------------- */

static void *map_memory(int fd, size_t value_size, unsigned count)
{
    void *p = mmap(NULL, value_size * count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static int map_of(const struct guard *g, const char *name)
{
    return bpf_object__find_map_fd_by_name(g->object, name);
}

static int load(struct guard *g)
{
    g->object = bpf_file_open(&bpf_guard);
    if (!g->object)
        return -errno;
    struct bpf_map *clients = bpf_object__find_map_by_name(g->object, "clients");
    struct bpf_map *slots = bpf_object__find_map_by_name(g->object, "client_slots");
    int error = bpf_map__set_max_entries(clients, g->slots);
    error = error ? error : bpf_map__set_max_entries(slots, g->slots);
    error = error ? error : bpf_object__load(g->object);
    if (error)
        return error;
    g->program = bpf_program__fd(bpf_object__find_program_by_name(g->object, "guard"));
    g->early_program = bpf_program__fd(bpf_object__find_program_by_name(g->object, "guard_early"));
    g->clients_map = bpf_map__fd(clients);
    g->port_keys_map = map_of(g, "port_keys");
    g->clients = map_memory(bpf_map__fd(slots), sizeof(struct kernel_client), g->slots);
    g->ports = map_memory(map_of(g, "ports"), sizeof(struct kernel_port), KERNEL_PORTS_MAX);
    g->keys = calloc(g->slots, sizeof(*g->keys));
    return g->clients && g->ports && g->keys ? 0 : -ENOMEM;
}

struct guard *guard_open(unsigned slots, char *why, int why_size)
{
    struct guard *g = calloc(1, sizeof(*g));
    int error = -ENOMEM;
    if (g) {
        g->slots = slots;
        error = load(g);
    }
    if (!error)
        return g;
    snprintf(why, (size_t)why_size, "%s", bpf_reason(error));
    guard_close(g);
    return NULL;
}

void guard_close(struct guard *g)
{
    if (!g)
        return;
    if (g->clients)
        munmap(g->clients, sizeof(struct kernel_client) * g->slots);
    if (g->ports)
        munmap(g->ports, sizeof(struct kernel_port) * KERNEL_PORTS_MAX);
    for (unsigned i = 0; i < KERNEL_PORTS_MAX; i++)
        ingress_detach(&g->early[i]);
    bpf_object__close(g->object);
    free(g->keys);
    free(g);
}

struct kernel_port *guard_kernel_port(struct guard *g, unsigned port)
{
    return &g->ports[port];
}

struct kernel_client *guard_kernel_client(struct guard *g, unsigned slot)
{
    return slot < g->slots ? &g->clients[slot] : NULL;
}

int guard_share(const struct guard *g, struct bpf_object *object)
{
    struct bpf_map *m;
    bpf_object__for_each_map(m, object)
    {
        const int fd = map_of(g, bpf_map__name(m));
        const int error = fd < 0 ? 0 : bpf_map__reuse_fd(m, fd);
        if (error)
            return error;
    }
    return 0;
}

/* --- ports --------------------------------------------------------------------------------------------- */

static uint32_t ethertype_of(const struct transport *t)
{
    switch (t->family) {
    case ADDRESS_IPV4:
        return ETH_P_IP;
    case ADDRESS_IPV6:
        return ETH_P_IPV6;
    default:
        return ETH_P_1588;
    }
}

static void settle_port(struct kernel_port *p, const struct guard_port *settings)
{
    *p = (struct kernel_port){.domain = settings->domain,
                              .major_sdo_id = (uint8_t)(settings->sdo_id >> 8),
                              .minor_sdo_id = (uint8_t)settings->sdo_id,
                              .counts = p->counts};
    for (int i = 0; i < KERNEL_CLASSES; i++) {
        set_rate(&p->all[i].rate, defaults[i].all_hz, defaults[i].all_burst);
        if (defaults[i].source_burst > 0)
            set_rate(&p->source_rate[i], defaults[i].source_hz, defaults[i].source_burst);
    }
}

static int set_key(struct guard *g, unsigned port, const struct kernel_port_key *key)
{
    const uint32_t all = 0;
    g->port_keys.of[port] = *key;
    return bpf_map_update_elem(g->port_keys_map, &all, &g->port_keys, BPF_ANY) < 0 ? -errno : 0;
}

int guard_attach(struct guard *g, unsigned port, const struct guard_port *settings, const struct transport *t)
{
    const struct kernel_port_key key = {.ifindex = (uint32_t)settings->ifindex, .ethertype = ethertype_of(t)};
    guard_detach(g, port);
    settle_port(&g->ports[port], settings);
    const int error = set_key(g, port, &key);
    if (error)
        return error;
    for (int i = 0; i < TRANSPORT_FDS; i++)
        if (t->fds[i] >= 0 &&
            setsockopt(t->fds[i], SOL_SOCKET, SO_ATTACH_BPF, &g->program, sizeof(g->program)) < 0)
            return -errno;
    ingress_attach(&g->early[port], g->early_program, settings->ifindex, INGRESS_GUARD);
    return 0;
}

bool guard_is_early(const struct guard *g, unsigned port)
{
    return g->early[port].attached;
}

void guard_renew(struct guard *g, unsigned port, int64_t now_ns)
{
    SHARED_SET(g->ports[port].judge_until_ns, (__u64)(now_ns + KERNEL_LEAVE_NS));
}

void guard_detach(struct guard *g, unsigned port)
{
    ingress_detach(&g->early[port]);
    if (g->port_keys.of[port].ifindex != 0)
        set_key(g, port, &(struct kernel_port_key){0});
}

void guard_set_juniors(struct guard *g, unsigned port, double rate_hz, unsigned burst)
{
    set_rate(&g->ports[port].juniors.rate, rate_hz, burst);
}

void guard_set_strangers(struct guard *g, unsigned port, double rate_hz, unsigned burst)
{
    set_rate(&g->ports[port].all[KERNEL_REQUEST].rate, rate_hz, burst);
}

/* --- clients ------------------------------------------------------------------------------------------- */

/* Identities of port 0 are nobody's (clause 7.5.2.3), so a key of zeros is a free slot. */
static bool is_free(const struct kernel_client_key *key)
{
    static const struct kernel_client_key none;
    return memcmp(key, &none, sizeof(none)) == 0;
}

static struct kernel_client_key key_of(const struct guard_client *c)
{
    struct kernel_client_key key = {.port = (uint16_t)c->port};
    memcpy(key.address, c->address.bytes, sizeof(key.address));
    memcpy(key.identity, c->identity.clock.id, sizeof(c->identity.clock.id));
    key.identity[8] = (uint8_t)(c->identity.port >> 8);
    key.identity[9] = (uint8_t)c->identity.port;
    return key;
}

void guard_change(struct guard *g, unsigned slot, const struct guard_terms *terms)
{
    set_rate(&g->clients[slot].bucket.rate, terms->rate_hz, terms->burst);
    SHARED_SET(g->clients[slot].held, terms->held);
    SHARED_SET(g->clients[slot].rank, terms->rank);
    SHARED_SET(g->clients[slot].ways, terms->ways);
}

/* A worker may still count for who was there before. */
static void start_anew(struct kernel_client *c, int8_t log_message_interval)
{
    SHARED_SET(c->bucket.due_ns, 0);
    SHARED_SET(c->asked_ns, 0);
    SHARED_SET(c->interval, 0);
    SHARED_SET(c->jitter, 0);
    SHARED_SET(c->passed, 0);
    SHARED_SET(c->answered, 0);
    SHARED_SET(c->refused, 0);
    SHARED_SET(c->held_back, 0);
    SHARED_SET(c->crowded, 0);
    SHARED_SET(c->log_message_interval, log_message_interval);
}

int guard_allow(struct guard *g, unsigned slot, const struct guard_client *c)
{
    const struct kernel_client_key key = key_of(c);
    const uint32_t value = slot;
    guard_forget(g, slot);
    start_anew(&g->clients[slot], c->log_message_interval);
    guard_change(g, slot, &c->terms);
    if (bpf_map_update_elem(g->clients_map, &key, &value, BPF_ANY) < 0)
        return -errno;
    g->keys[slot] = key;
    return 0;
}

void guard_forget(struct guard *g, unsigned slot)
{
    if (!is_free(&g->keys[slot]))
        bpf_map_delete_elem(g->clients_map, &g->keys[slot]);
    g->keys[slot] = (struct kernel_client_key){0};
}

/* --- counters ------------------------------------------------------------------------------------------ */

#define MEAN_UNITS (1e6f * KERNEL_MEAN_OF) /* a second */

struct guard_counts guard_read(const struct guard *g, unsigned slot)
{
    const struct kernel_client *c = &g->clients[slot];
    return (struct guard_counts){.passed = SHARED_GET(c->passed),
                                 .answered = SHARED_GET(c->answered),
                                 .refused = SHARED_GET(c->refused),
                                 .held_back = SHARED_GET(c->held_back),
                                 .crowded = SHARED_GET(c->crowded),
                                 .interval_s = (float)SHARED_GET(c->interval) / MEAN_UNITS,
                                 .jitter_s = (float)SHARED_GET(c->jitter) / MEAN_UNITS,
                                 .way = SHARED_GET(c->way),
                                 .sequence_id = SHARED_GET(c->sequence_id)};
}

struct kernel_counts guard_totals(const struct guard *g, unsigned port)
{
    struct kernel_counts counts = {.answered = 0};
    const __u64 *from = (const __u64 *)&g->ports[port].counts;
    __u64 *to = (__u64 *)&counts;
    for (size_t i = 0; i < sizeof(counts) / sizeof(*to); i++)
        to[i] = SHARED_GET(from[i]);
    return counts;
}

const char *guard_class_name(enum kernel_class class)
{
    return defaults[class].name;
}
