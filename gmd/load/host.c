/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients live on packet sockets, but what they receive reaches the host's IP stack as well. Sockets on the
 * PTP ports that take nothing keep it from telling the server "port unreachable", and join the multicast
 * group, which switches want to know. */
#include "gmd/load/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gmd/loop.h"
#include "gmd/net/socket.h"
#include "gmd/net/udp.h"

#define RESOLVE_TRIES   4
#define RESOLVE_WAIT_NS (NS_PER_S / 2)

static uint32_t address_of(int fd, const char *interface)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    if (ioctl(fd, SIOCGIFADDR, &request) < 0)
        return 0;
    struct sockaddr_in address;
    memcpy(&address, &request.ifr_addr, sizeof address);
    return ntohl(address.sin_addr.s_addr);
}

/* NULL if PTP can be spoken there. */
static const char *unfit(int fd, const char *interface)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return strerror(errno);
    if (!(request.ifr_flags & IFF_UP))
        return "is down";
    if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
        return strerror(errno);
    return request.ifr_hwaddr.sa_family == ARPHRD_ETHER ? NULL : "is no Ethernet interface";
}

static int listen_silently(const struct load_host *h, const char *interface, uint16_t port)
{
    static struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    static const struct sock_fprog filter = {1, nothing};
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(PACKET_MULTICAST_IPV4),
                                   .imr_ifindex = h->index};
    const int fd = socket_open(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0 ||
        socket_bind_interface(fd, interface) < 0 || bind(fd, (const struct sockaddr *)&any, sizeof any) < 0) {
        close(fd); /* a PTP program runs here: the port is reachable */
        return -1;
    }
    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
    return fd;
}

static int look_at(struct load_host *h, const struct load_settings *s, char *error, int error_size)
{
    const int fd = socket_open(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || socket_interface(fd, s->interface, &h->index, h->mac) < 0) {
        snprintf(error, (size_t)error_size, "%s", errno == ENODEV ? "no such interface" : strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    const char *why = unfit(fd, s->interface);
    h->address = address_of(fd, s->interface);
    close(fd);
    if (!why && s->transport == PACKET_UDPV4 && !h->address && !s->address_count)
        why = "has no IPv4 address: give --from NETWORK";
    if (why)
        snprintf(error, (size_t)error_size, "%s", why);
    return why ? -1 : 0;
}

int load_host_open(struct load_host *h, const struct load_settings *s, char *error, int error_size)
{
    *h = (struct load_host){.arp.fd = -1,
                            .listeners = {-1, -1},
                            .first_address = s->first_address,
                            .address_count = s->address_count};
    if (look_at(h, s, error, error_size) < 0)
        return -1;
    if (s->transport == PACKET_ETHERNET)
        return 0;
    if (raw_open(&h->arp, h->index, ETHERTYPE_ARP, NULL, error, error_size) < 0)
        return -1;
    h->listeners[0] = listen_silently(h, s->interface, PTP_EVENT_PORT);
    h->listeners[1] = listen_silently(h, s->interface, PTP_GENERAL_PORT);
    return 0;
}

void load_host_close(struct load_host *h)
{
    raw_close(&h->arp);
    for (int i = 0; i < 2; i++)
        if (h->listeners[i] >= 0)
            close(h->listeners[i]);
}

/* One ARP frame: answered if it asks for one of our addresses; true with mac if it answers for wanted. */
static bool take(struct load_host *h, uint32_t wanted, uint8_t mac[6])
{
    const uint8_t *frame;
    size_t len;
    int64_t realtime_ns;
    bool learned = false;
    while (!learned && raw_receive(&h->arp, &frame, &len, &realtime_ns)) {
        /* the kernel answers for the interface's own address */
        uint8_t *reply = raw_frame(&h->arp);
        if (reply && packet_arp_answer(frame, len, h->mac, h->first_address, h->address_count, reply))
            raw_commit(&h->arp, PACKET_ARP_LEN);
        learned = wanted && packet_arp_learn(frame, len, wanted, mac);
        raw_release(&h->arp);
    }
    raw_send(&h->arp);
    return learned;
}

void load_host_answer(struct load_host *h, int64_t wait_ns)
{
    uint8_t mac[6];
    raw_wait(&h->arp, wait_ns); /* without a socket only time passes */
    if (h->arp.fd >= 0)
        take(h, 0, mac);
}

int load_host_resolve(struct load_host *h, uint32_t address, uint8_t mac[6])
{
    for (int i = 0; i < RESOLVE_TRIES; i++) {
        packet_arp_request(h->mac, h->address, address, raw_frame(&h->arp));
        raw_commit(&h->arp, PACKET_ARP_LEN);
        raw_send(&h->arp);
        const int64_t until_ns = loop_now() + RESOLVE_WAIT_NS;
        for (int64_t now_ns; (now_ns = loop_now()) < until_ns; raw_wait(&h->arp, until_ns - now_ns))
            if (take(h, address, mac))
                return 0;
    }
    return -1;
}
