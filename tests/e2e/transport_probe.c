/* SPDX-License-Identifier: BSD-2-Clause */
/* One transport at the test's command: transport_probe TRANSPORT INTERFACE [software|hardware].
 * Commands on stdin:  send CHANNEL DESTINATION TOKEN COUNT    CHANNEL e|g|o (event, one-step), DESTINATION
 *                     primary|peer|last (an answer to the last frame), TOKEN 0: without a stamp, COUNT frames
 *                     counters | link | quit
 * On stdout, one event a line:  ready MAC
 *                     rx CHANNEL multicast|unicast FROM STAMP SEQUENCE LEN     STAMP in ns, 0: none
 *                     tx TOKEN STAMP    |    sent RESULT    |    link up|down    |    counters ... */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/loop.h"
#include "gmd/net/interface.h"
#include "gmd/net/transport.h"

#define FRAME_LEN  44 /* a Sync */
#define FRAMES_MAX 200

struct probe {
    struct loop *loop;
    struct transport *transport;
    const char *interface;
    struct address last, last_to; /* of the last frame: whence, whither */
    uint16_t sequence;
};

static void on_frame(struct probe *p, const struct frame_in *f, const struct raw_stamp *stamp)
{
    char from[ADDRESS_STRLEN];
    unsigned sequence = f->len > 31 ? (unsigned)(f->bytes[30] << 8 | f->bytes[31]) : 0;
    p->last = f->from;
    p->last_to = f->to;
    printf("rx %c %s %s %lld %u %zu\n", f->channel == CHANNEL_EVENT ? 'e' : 'g',
           f->multicast ? "multicast" : "unicast", address_format(&f->from, from),
           stamp->present ? (long long)stamp->ns : 0, sequence, f->len);
}

static void on_socket(void *ctx, int fd, short revents)
{
    (void)fd;
    struct probe *p = ctx;
    struct transport *t = p->transport;
    uint32_t token;
    struct raw_stamp stamp;
    struct received *frames;
    if (revents & POLLERR)
        while (t->ops->tx_stamp(t, &token, &stamp) > 0)
            printf("tx %u %lld\n", token, (long long)stamp.ns);
    for (unsigned got; (revents & POLLIN) && (got = t->ops->receive(t, TRANSPORT_BATCH, &frames)) > 0;)
        for (unsigned i = 0; i < got; i++)
            on_frame(p, &frames[i].frame, &frames[i].stamp);
}

static void on_link(void *ctx, int fd, short revents)
{
    (void)revents;
    struct probe *p = ctx;
    struct interface_info info;
    char error[160];
    bool changed = false;
    while (link_watch_read(fd) > 0)
        changed = true;
    if (changed)
        printf("link %s\n",
               interface_query(p->interface, &info, error, sizeof(error)) == 0 && info.up ? "up" : "down");
}

static struct frame_out frame(struct probe *p, char channel, const char *destination, uint32_t token)
{
    return (struct frame_out){
        .channel = channel == 'g' ? CHANNEL_GENERAL : CHANNEL_EVENT,
        .insert_timestamp = channel == 'o',
        .destination = strcmp(destination, "primary") == 0 ? DEST_PRIMARY_MULTICAST
                       : strcmp(destination, "peer") == 0  ? DEST_PEER_MULTICAST
                                                           : DEST_UNICAST,
        .to = p->last,
        .from = p->last_to,
        .want_timestamp = token != 0,
        .token = token,
        .len = FRAME_LEN,
        .bytes = {[0] = channel == 'g' ? 0x8 : 0x0, /* Sync, Follow_Up */
                  [1] = 0x12,
                  [3] = FRAME_LEN,
                  [30] = p->sequence >> 8,
                  [31] = p->sequence & 0xFF},
    };
}

/* In one call, in as many batches as that takes. */
static void send_frames(struct probe *p, char channel, const char *destination, uint32_t token,
                        unsigned count)
{
    static struct frame_out frames[FRAMES_MAX];
    int results[FRAMES_MAX];
    if (count > FRAMES_MAX)
        count = FRAMES_MAX;
    for (unsigned i = 0; i < count; i++, p->sequence++)
        frames[i] = frame(p, channel, destination, token ? token + i : 0);
    p->transport->ops->send(p->transport, frames, count, results);
    for (unsigned i = 0; i < count; i++)
        printf("sent %s\n", results[i] < 0   ? strerrorname_np(-results[i])
                            : results[i] > 0 ? "unstamped"
                                             : "ok");
}

static void on_command(void *ctx, int fd, short revents)
{
    (void)revents;
    struct probe *p = ctx;
    char line[128], channel, destination[16];
    unsigned token, count;
    ssize_t n = read(fd, line, sizeof(line) - 1); /* the test sends one line and awaits its answer */
    line[n > 0 ? n : 0] = '\0';
    const struct transport_counters *c = &p->transport->counters;
    if (sscanf(line, "send %c %15s %u %u", &channel, destination, &token, &count) == 4)
        send_frames(p, channel, destination, token, count);
    else if (strncmp(line, "counters", 8) == 0)
        printf("counters tx_errors %llu rx_errors %llu rx_truncated %llu rx_dropped %llu stamps_unmatched "
               "%llu\n",
               (unsigned long long)c->tx_errors, (unsigned long long)c->rx_errors,
               (unsigned long long)c->rx_truncated, (unsigned long long)c->rx_dropped,
               (unsigned long long)c->stamps_unmatched);
    else
        loop_stop(p->loop);
}

static struct transport *open_transport(const char *name, const struct transport_config *c, char *error,
                                        int error_size)
{
    if (strcmp(name, "udpv4") == 0)
        return transport_udpv4_open(c, error, error_size);
    if (strcmp(name, "udpv6") == 0)
        return transport_udpv6_open(c, error, error_size);
    return transport_ethernet_open(c, error, error_size);
}

static void print_interface(const char *name)
{
    struct interface_info info;
    char error[160];
    if (interface_query(name, &info, error, sizeof(error)) < 0)
        printf("interface error: %s\n", error);
    else
        printf("interface index %d %s phc %d software %d hardware %d: %s\n", info.index,
               info.up ? "up" : "down", info.phc_index, info.software_stamping, info.hardware_stamping,
               info.why_not_hardware);
}

int main(int argc, char **argv)
{
    struct transport_config config = {
        .dscp_event = 46, .dscp_general = 34, .priority = -1, .ttl = 5, .peer_delay = true};
    char error[160];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3)
        return 2;
    print_interface(argv[2]);
    snprintf(config.interface, sizeof(config.interface), "%s", argv[2]);
    if (argc > 3 && strcmp(argv[3], "hardware") == 0) {
        config.stamping = STAMPING_HARDWARE;
        const struct hwtstamp_need need = {.ethernet = strcmp(argv[1], "ethernet") == 0};
        if (interface_stamp_in_hardware(argv[2], &need, error, sizeof(error)) < 0) {
            printf("error %s\n", error);
            return 1;
        }
    }
    struct probe p = {.loop = loop_new(),
                      .interface = config.interface,
                      .transport = open_transport(argv[1], &config, error, sizeof(error))};
    if (!p.transport) {
        printf("error %s\n", error);
        loop_free(p.loop);
        return 1;
    }
    int links = link_watch_open();
    loop_watch(p.loop, links, POLLIN, on_link, &p);
    loop_watch(p.loop, STDIN_FILENO, POLLIN, on_command, &p);
    for (int i = 0; i < TRANSPORT_FDS; i++)
        if (p.transport->fds[i] >= 0)
            loop_watch(p.loop, p.transport->fds[i], POLLIN, on_socket, &p);
    const uint8_t *m = p.transport->mac;
    printf("ready %02x:%02x:%02x:%02x:%02x:%02x\n", m[0], m[1], m[2], m[3], m[4], m[5]);
    int failed = loop_run(p.loop);
    p.transport->ops->close(p.transport);
    close(links);
    loop_free(p.loop);
    return failed ? 1 : 0;
}
