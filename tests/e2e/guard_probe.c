/* SPDX-License-Identifier: BSD-2-Clause */
/* A port's sockets behind the guard, with answers from the fast path, the ingress or workers if asked, at the
 * test's command: guard_probe TRANSPORT INTERFACE. Nothing else is answered; what comes through is counted.
 * Commands on stdin, one answer line each:
 *     guard | plain                                  put it before the sockets:  ok | REASON
 *     allow SLOT ADDRESS IDENTITY RATE BURST         IDENTITY: 20 hex digits:    ok | REASON
 *     fast                                           ok | REASON
 *     ingress                                        ok | REASON
 *     workers COUNT                                  ok | REASON
 *     serve 0|1                                      whether these answer: ok
 *     hang SECONDS                                   the daemon does nothing for so long: ok
 *     received                                       frames that came through since the last time
 *     client SLOT                                    passed answered refused, interval and jitter in us
 *     totals                                         answered, then passed and refused of each class
 *     check                                          lost|well, and the fast path now: on|off
 *     drops | quit */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/loop.h"
#include "gmd/net/answer.h"
#include "gmd/net/clock_line.h"
#include "gmd/net/fast_path.h"
#include "gmd/net/interface.h"
#include "gmd/net/workers.h"

#define SLOTS    256
#define RENEW_NS (NS_PER_S / 4)
#define DOMAIN   127

struct probe {
    struct loop *loop;
    struct transport *transport;
    struct guard *guard;
    struct fast_path *fast;
    struct workers *workers;
    struct clock *clock;
    struct interface_info info;
    const char *interface;
    bool serves;
    int timer;
    unsigned long received;
};

static void on_socket(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    struct probe *p = ctx;
    struct received *frames;
    for (unsigned got; (got = p->transport->ops->receive(p->transport, TRANSPORT_BATCH, &frames)) > 0;)
        p->received += got;
}

static void renew(void *ctx, int64_t now_ns)
{
    struct probe *p = ctx;
    struct answer_state s = {.serves = p->serves, .now_ns = now_ns};
    s.answer.log_min_delay_req_interval = -3;
    s.answer.socket_lag_ns = clock_line_socket_lag(STAMP_SYSTEM);
    guard_renew(p->guard, 0, now_ns);
    if (p->clock && clock_line(p->clock, STAMP_SYSTEM, &s.answer.line) == 0)
        answer_renew(guard_kernel_port(p->guard, 0), &s);
    loop_timer_set(p->loop, p->timer, now_ns + RENEW_NS);
}

static struct guard_port settings(const struct probe *p)
{
    return (struct guard_port){.ifindex = p->info.index, .domain = DOMAIN};
}

static void on_guard(struct probe *p)
{
    char why[160] = "";
    const struct guard_port port = settings(p);
    p->guard = guard_open(SLOTS, why, sizeof(why));
    const int error = p->guard ? guard_attach(p->guard, 0, &port, p->transport) : 0;
    if (p->guard)
        renew(p, loop_now());
    printf("%s\n", error ? strerror(-error) : p->guard ? "ok" : why);
}

static struct address address_of(const char *text)
{
    struct address a = {.family = ADDRESS_MAC};
    if (strchr(text, '.') && inet_pton(AF_INET, text, a.bytes) == 1)
        a.family = ADDRESS_IPV4;
    else if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &a.bytes[0], &a.bytes[1], &a.bytes[2],
                    &a.bytes[3], &a.bytes[4], &a.bytes[5]) != 6 &&
             inet_pton(AF_INET6, text, a.bytes) == 1)
        a.family = ADDRESS_IPV6;
    return a;
}

static void on_allow(struct probe *p, unsigned slot, const char *address, const char *identity, double rate,
                     unsigned burst)
{
    struct guard_client c = {
        .address = address_of(address),
        .terms = {.rate_hz = rate, .burst = burst, .ways = KERNEL_UNICAST | KERNEL_MULTICAST},
        .log_message_interval = 0x7F};
    for (size_t i = 0; i < 8; i++)
        sscanf(identity + 2 * i, "%2hhx", &c.identity.clock.id[i]);
    sscanf(identity + 16, "%4hx", &c.identity.port);
    const int error = guard_allow(p->guard, slot, &c);
    printf("%s\n", error ? strerror(-error) : "ok");
}

static void start_answers(struct probe *p, enum kernel_ingress ingress)
{
    char why[160];
    const struct answer_config c = {.interface = p->interface,
                                    .identity = {{{1, 2, 3, 4, 5, 6, 7, 8}}, 1},
                                    .dscp_general = 34,
                                    .ttl = 3,
                                    .ingress = ingress};
    answer_settle(guard_kernel_port(p->guard, 0), &c, p->transport);
    p->clock = clock_readonly_system_open(37, why, sizeof(why));
    renew(p, loop_now());
}

static void on_workers(struct probe *p, unsigned count)
{
    char why[160];
    const struct workers_config c = {.port = 0, .count = count, .ifindex = p->info.index};
    start_answers(p, KERNEL_INGRESS_NONE);
    p->workers = workers_open(p->guard, &c, p->transport, why, sizeof(why));
    printf("%s\n", p->workers ? "ok" : why);
}

static void on_fast(struct probe *p)
{
    char why[160];
    const struct fast_path_config c = {.interface = p->interface, .ifindex = p->info.index};
    start_answers(p, KERNEL_INGRESS_NONE);
    p->fast = fast_path_open(p->guard, &c, why, sizeof(why));
    printf("%s\n", p->fast ? "ok" : why);
}

static void on_ingress(struct probe *p)
{
    start_answers(p, KERNEL_INGRESS_SOFTWARE);
    printf("%s\n", guard_is_early(p->guard, 0) ? "ok" : "no early guard");
}

static void on_client(struct probe *p, unsigned slot)
{
    const struct guard_counts c = guard_read(p->guard, slot);
    printf("%u %u %u %.0f %.0f\n", c.passed, c.answered, c.refused, 1e6 * (double)c.interval_s,
           1e6 * (double)c.jitter_s);
}

static void on_totals(struct probe *p)
{
    const struct kernel_counts t = guard_totals(p->guard, 0);
    printf("%llu", (unsigned long long)t.answered);
    for (int i = 0; i < KERNEL_CLASSES; i++)
        printf(" %llu %llu", (unsigned long long)t.passed[i], (unsigned long long)t.refused[i]);
    printf("\n");
}

static void on_command(void *ctx, int fd, short revents)
{
    (void)revents;
    struct probe *p = ctx;
    char line[256], address[64], identity[32];
    unsigned slot, burst;
    double rate;
    const ssize_t n = read(fd, line, sizeof(line) - 1);
    line[n > 0 ? n : 0] = '\0';
    const struct guard_port port = settings(p);
    if (strncmp(line, "guard", 5) == 0)
        on_guard(p);
    else if (strncmp(line, "plain", 5) == 0)
        printf("%s\n", guard_attach_plain(&port, p->transport) == 0 ? "ok" : "refused");
    else if (sscanf(line, "allow %u %63s %31s %lf %u", &slot, address, identity, &rate, &burst) == 5)
        on_allow(p, slot, address, identity, rate, burst);
    else if (strncmp(line, "fast", 4) == 0)
        on_fast(p);
    else if (strncmp(line, "ingress", 7) == 0)
        on_ingress(p);
    else if (sscanf(line, "hang %u", &slot) == 1) {
        printf("ok\n");
        sleep(slot);
    } else if (sscanf(line, "workers %u", &slot) == 1)
        on_workers(p, slot);
    else if (sscanf(line, "serve %u", &slot) == 1) {
        p->serves = slot;
        renew(p, loop_now());
        printf("ok\n");
    } else if (sscanf(line, "client %u", &slot) == 1)
        on_client(p, slot);
    else if (strncmp(line, "totals", 6) == 0)
        on_totals(p);
    else if (strncmp(line, "received", 8) == 0) {
        printf("%lu\n", p->received);
        p->received = 0;
    } else if (strncmp(line, "check", 5) == 0) {
        const bool loses = fast_path_check(p->fast);
        printf("%s %s\n", loses ? "lost" : "well", fast_path_is_on(p->fast) ? "on" : "off");
    } else if (strncmp(line, "drops", 5) == 0) {
        p->transport->ops->count_drops(p->transport);
        printf("%llu\n", (unsigned long long)p->transport->counters.rx_dropped);
    } else
        loop_stop(p->loop);
}

int main(int argc, char **argv)
{
    struct transport_config config = {.dscp_event = 46, .dscp_general = 34, .priority = -1, .ttl = 5};
    char error[160] = "usage: guard_probe udpv4|udpv6|ethernet INTERFACE";
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct probe p = {.loop = loop_new(), .interface = argv[argc > 2 ? 2 : 0], .serves = true};
    snprintf(config.interface, sizeof(config.interface), "%.15s", p.interface);
    if (argc > 2 && interface_query(p.interface, &p.info, error, sizeof(error)) == 0)
        p.transport = strcmp(argv[1], "udpv4") == 0 ? transport_udpv4_open(&config, error, sizeof(error))
                      : strcmp(argv[1], "udpv6") == 0
                          ? transport_udpv6_open(&config, error, sizeof(error))
                          : transport_ethernet_open(&config, error, sizeof(error));
    if (!p.transport) {
        printf("error %s\n", error);
        loop_free(p.loop);
        return 1;
    }
    p.timer = loop_timer(p.loop, renew, &p);
    loop_watch(p.loop, STDIN_FILENO, POLLIN, on_command, &p);
    for (int i = 0; i < TRANSPORT_FDS; i++)
        if (p.transport->fds[i] >= 0)
            loop_watch(p.loop, p.transport->fds[i], POLLIN, on_socket, &p);
    printf("ready\n");
    const int failed = loop_run(p.loop);
    workers_close(p.workers);
    fast_path_close(p.fast);
    if (p.clock)
        p.clock->ops->close(p.clock);
    p.transport->ops->close(p.transport);
    guard_close(p.guard);
    loop_free(p.loop);
    return failed ? 1 : 0;
}
