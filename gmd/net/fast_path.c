/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/fast_path.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/net/bpf_objects.h"
#include "gmd/net/ethtool.h"

#define LEASE_NS NS_PER_S

#ifndef BPF_F_XDP_DEV_BOUND_ONLY /* Linux 6.3 */
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6)
#endif

struct fast_path {
    struct bpf_object *object;
    struct kernel_port *port;
    int link; /* closing it takes the program off; -1: none */
    int program, ifindex;
    bool is_generic, is_veth;
    char interface[IFNAMSIZ];
    uint64_t lost; /* as the driver counts */
};

/* --- what it answers with ------------------------------------------------------------------------------ */

void fast_path_renew(struct fast_path *f, const struct fast_path_state *s)
{
    struct kernel_port *p = f->port;
    const __u32 next = !p->line;
    p->lines[next] = s->line;
    p->log_min_delay_req_interval = s->log_min_delay_req_interval;
    p->ingress_latency_ns = s->ingress_latency_ns;
    __atomic_store_n(&p->line, next, __ATOMIC_RELEASE);
    __atomic_store_n(&p->answer_until_ns, s->serves ? (__u64)(s->now_ns + LEASE_NS) : 0, __ATOMIC_RELEASE);
}

/* --- who it is ------------------------------------------------------------------------------------------ */

static void write_identity(uint8_t *octets, const struct port_identity *id)
{
    memcpy(octets, id->clock.id, sizeof(id->clock.id));
    octets[8] = (uint8_t)(id->port >> 8);
    octets[9] = (uint8_t)id->port;
}

/* Destinations of multicast requests and of their answers. */
static void write_group(struct kernel_port *p, enum address_family family)
{
    static const struct {
        uint8_t address[16], mac[6];
    } groups[] = {
        [ADDRESS_IPV4] = {{224, 0, 1, 129}, {0x01, 0x00, 0x5E, 0x00, 0x01, 0x81}},
        [ADDRESS_IPV6] = {{0xFF, 0x0E, [14] = 0x01, 0x81}, {0x33, 0x33, 0x00, 0x00, 0x01, 0x81}},
        [ADDRESS_MAC] = {{0}, {0x01, 0x1B, 0x19, 0x00, 0x00, 0x00}},
    };
    memcpy(p->group, groups[family].address, sizeof(p->group));
    memcpy(p->group_mac, groups[family].mac, sizeof(p->group_mac));
}

static bool own_address(const struct sockaddr *a, enum address_family family, uint8_t *octets)
{
    if (family == ADDRESS_IPV4 && a->sa_family == AF_INET)
        memcpy(octets, &((const struct sockaddr_in *)a)->sin_addr, 4);
    else if (family == ADDRESS_IPV6 && a->sa_family == AF_INET6)
        memcpy(octets, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
    else
        return false;
    return true;
}

/* Those beyond KERNEL_OWN_MAX are served through the sockets. */
static void write_own(struct kernel_port *p, const char *interface, enum address_family family)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *a = all; a && p->own_count < KERNEL_OWN_MAX; a = a->ifa_next)
        if (a->ifa_addr && strcmp(a->ifa_name, interface) == 0 &&
            own_address(a->ifa_addr, family, p->own[p->own_count]))
            p->own_count++;
    freeifaddrs(all);
}

static void write_port(struct kernel_port *p, const struct fast_path_config *c, const struct transport *t)
{
    p->hop_limit = (uint8_t)c->ttl;
    p->traffic_class = (uint8_t)(c->dscp_general << 2);
    write_identity(p->identity, &c->identity);
    memcpy(p->mac, t->mac, sizeof(p->mac));
    write_group(p, t->family);
    p->own_count = 0;
    write_own(p, c->interface, t->family);
}

/* --- life ------------------------------------------------------------------------------------------------
 */

/* Both programs of the object use the guard's maps. */
static int share_maps(struct fast_path *f, const struct guard *g)
{
    struct bpf_map *m;
    bpf_object__for_each_map(m, f->object)
    {
        const int fd = guard_map(g, bpf_map__name(m));
        const int error = fd < 0 ? fd : bpf_map__reuse_fd(m, fd);
        if (error)
            return error;
    }
    return 0;
}

static int load(struct fast_path *f, const struct guard *g, const struct fast_path_config *c)
{
    static const char *const programs[] = {
        [STAMPING_SOFTWARE] = "fast_software",
        [STAMPING_HARDWARE] = "fast_hardware",
    };
    f->object = bpf_file_open(&bpf_fast_path);
    if (!f->object)
        return -errno;
    int error = share_maps(f, g);
    for (int i = STAMPING_SOFTWARE; !error && i <= STAMPING_HARDWARE; i++) {
        struct bpf_program *p = bpf_object__find_program_by_name(f->object, programs[i]);
        error = bpf_program__set_autoload(p, i == (int)c->stamping);
        if (!error && i == STAMPING_HARDWARE && c->stamping == STAMPING_HARDWARE) {
            bpf_program__set_ifindex(p, (uint32_t)c->ifindex);
            error = bpf_program__set_flags(p, BPF_F_XDP_DEV_BOUND_ONLY);
        }
    }
    error = error ? error : bpf_object__load(f->object);
    if (!error)
        f->program = bpf_program__fd(bpf_object__find_program_by_name(f->object, programs[c->stamping]));
    return error;
}

static int attach(struct fast_path *f, bool generic)
{
    const struct bpf_link_create_opts options = {.sz = sizeof(options),
                                                 .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE};
    f->is_generic = generic;
    const int link = bpf_link_create(f->program, f->ifindex, BPF_XDP, &options);
    f->link = link < 0 ? -1 : link;
    return link < 0 ? link : 0;
}

struct fast_path *fast_path_open(struct guard *g, const struct fast_path_config *c, const struct transport *t,
                                 char *why, int why_size)
{
    struct fast_path *f = calloc(1, sizeof(*f));
    if (!f) {
        snprintf(why, (size_t)why_size, "%s: %s", c->interface, strerror(ENOMEM));
        return NULL;
    }
    f->link = -1;
    f->ifindex = c->ifindex;
    f->port = guard_kernel_port(g, c->port);
    snprintf(f->interface, sizeof(f->interface), "%s", c->interface);
    f->port->answer_until_ns = 0;
    write_port(f->port, c, t);
    int error = load(f, g, c);
    if (!error && attach(f, false) < 0)
        error = c->stamping == STAMPING_SOFTWARE ? attach(f, true) : -EOPNOTSUPP;
    if (!error) {
        f->is_veth = ethtool_is_veth(c->interface);
        f->lost = ethtool_lost_answers(c->interface);
        return f;
    }
    snprintf(why, (size_t)why_size, "%s: %s%s", c->interface, bpf_reason(error),
             c->stamping == STAMPING_HARDWARE ? " (receive time stamps for XDP need Linux 6.3 and a driver)"
                                              : "");
    fast_path_close(f);
    return NULL;
}

void fast_path_close(struct fast_path *f)
{
    if (!f)
        return;
    f->port->answer_until_ns = 0;
    if (f->link >= 0)
        close(f->link);
    bpf_object__close(f->object);
    free(f);
}

const char *fast_path_mode(const struct fast_path *f)
{
    return f->link < 0 ? "off" : f->is_generic ? "generic" : "driver";
}

bool fast_path_check(struct fast_path *f)
{
    const uint64_t lost = f->is_veth && !f->is_generic ? ethtool_lost_answers(f->interface) : f->lost;
    const bool loses = lost > f->lost;
    f->lost = lost;
    if (!loses)
        return false;
    close(f->link);
    attach(f, true);
    return true;
}
