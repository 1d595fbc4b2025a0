/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/answer.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* --- what it is answered with, now --------------------------------------------------------------------- */

/* In this order, which the readers' count depends on. */
#define SHARED_SET(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)
#define SHARED_GET(place)        __atomic_load_n(&(place), __ATOMIC_ACQUIRE)

static void write_answer(struct kernel_answer *to, const struct kernel_answer *from)
{
    SHARED_SET(to->line.raw_ns, from->line.raw_ns);
    SHARED_SET(to->line.clock_ns, from->line.clock_ns);
    SHARED_SET(to->line.excess, from->line.excess);
    SHARED_SET(to->socket_lag_ns, from->socket_lag_ns);
    SHARED_SET(to->ingress_latency_ns, from->ingress_latency_ns);
    SHARED_SET(to->log_min_delay_req_interval, from->log_min_delay_req_interval);
}

static void read_answer(struct kernel_answer *to, const struct kernel_answer *from)
{
    to->line.raw_ns = SHARED_GET(from->line.raw_ns);
    to->line.clock_ns = SHARED_GET(from->line.clock_ns);
    to->line.excess = SHARED_GET(from->line.excess);
    to->socket_lag_ns = SHARED_GET(from->socket_lag_ns);
    to->ingress_latency_ns = SHARED_GET(from->ingress_latency_ns);
    to->log_min_delay_req_interval = SHARED_GET(from->log_min_delay_req_interval);
}

/* What is in force stays untouched; a reader who still reads what was before it sees by the count that he was
 * overtaken. */
void answer_renew(struct kernel_port *p, const struct answer_state *s)
{
    const __u32 next = p->answer + 1;
    write_answer(&p->answers[next & 1], &s->answer);
    SHARED_SET(p->answer, next);
    SHARED_SET(p->answer_until_ns, s->serves ? (__u64)(s->now_ns + KERNEL_LEAVE_NS) : 0);
}

bool answer_get(const struct kernel_port *p, int64_t now_ns, struct kernel_answer *answer)
{
    __u32 count;
    if ((__u64)now_ns > SHARED_GET(p->answer_until_ns))
        return false;
    do {
        count = SHARED_GET(p->answer);
        read_answer(answer, &p->answers[count & 1]);
    } while (SHARED_GET(p->answer) != count);
    return true;
}

/* --- who it is ----------------------------------------------------------------------------------------- */

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

/* As what the daemon sends has: a VLAN's tag depends on it. */
static uint32_t priority_of(const struct transport *t)
{
    int priority = 0;
    getsockopt(t->fds[t->fds[FD_ANSWERS] >= 0 ? FD_ANSWERS : FD_EVENT], SOL_SOCKET, SO_PRIORITY, &priority,
               &(socklen_t){sizeof priority});
    return (uint32_t)priority;
}

void answer_settle(struct kernel_port *p, const struct answer_config *c, const struct transport *t)
{
    p->answer_until_ns = 0;
    p->hop_limit = (uint8_t)c->ttl;
    p->traffic_class = (uint8_t)(c->dscp_general << 2);
    p->priority = priority_of(t);
    p->ingress = (uint8_t)c->ingress;
    write_identity(p->identity, &c->identity);
    memcpy(p->mac, t->mac, sizeof(p->mac));
    write_group(p, t->family);
    p->own_count = 0;
    write_own(p, c->interface, t->family);
}
