/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCP connection to gpsd; see gpsd_link.h. */
#include "gnss/gpsd_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bmca/ptp.h"

#define BACKOFF_MIN_NS (NS_PER_S / 2)
#define BACKOFF_MAX_NS (8 * NS_PER_S)
#define PATIENCE_NS    (5 * NS_PER_S) /* from the first SYN to the answer to ?WATCH */

static void add_addresses(struct gpsd_link *l, const char *host, const char *port, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *found, *a;
    int error = getaddrinfo(host, port, &hints, &found);

    if (error) {
        snprintf(l->unresolved, sizeof(l->unresolved), "host or port not known: %s", gai_strerror(error));
        return;
    }
    for (a = found; a && l->address_count < GPSD_ADDRESSES_MAX; a = a->ai_next) {
        memcpy(&l->addresses[l->address_count], a->ai_addr, a->ai_addrlen);
        l->address_len[l->address_count++] = a->ai_addrlen;
    }
    freeaddrinfo(found);
}

void gpsd_link_init(struct gpsd_link *l, const char *host, const char *port)
{
    l->fd = -1;
    l->due_ns = INT64_MIN;
    l->backoff_ns = BACKOFF_MIN_NS;
    if (strcmp(host, "localhost") == 0) { /* known without asking anyone */
        add_addresses(l, "127.0.0.1", port, AI_NUMERICHOST);
        add_addresses(l, "::1", port, AI_NUMERICHOST);
    } else {
        add_addresses(l, host, port, 0);
    }
}

void gpsd_link_lost(struct gpsd_link *l, int64_t now_ns)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->up = l->discarding = false;
    l->start = l->end = 0;
    if (l->next_address > 0) { /* the other addresses of the same host at once */
        l->due_ns = now_ns;
        return;
    }
    l->due_ns = now_ns + l->backoff_ns;
    l->backoff_ns = l->backoff_ns < BACKOFF_MAX_NS / 2 ? 2 * l->backoff_ns : BACKOFF_MAX_NS;
}

void gpsd_link_is_up(struct gpsd_link *l)
{
    l->up = true;
    l->next_address = 0;
    l->backoff_ns = BACKOFF_MIN_NS;
}

/* So that a peer which vanishes without a word (remote host, pulled cable) is noticed in about 25 s. */
static void keep_alive(int fd)
{
    static const int on = 1, idle_s = 10, interval_s = 5, count = 3;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

/* An attempt under way needs no watching of its own: gpsd speaks first, and a failure makes the descriptor
 * readable just as well. */
int gpsd_link_connect(struct gpsd_link *l, int64_t now_ns, char *problem, size_t size)
{
    const struct sockaddr *address;
    socklen_t len;

    if (l->fd >= 0 || now_ns < l->due_ns)
        return 0;
    if (l->address_count == 0) {
        snprintf(problem, size, "%s", l->unresolved);
        l->due_ns = INT64_MAX; /* asking again would wait: rather the address, or a restart */
        return -1;
    }
    address = (const struct sockaddr *)&l->addresses[l->next_address];
    len = l->address_len[l->next_address];
    l->next_address = (l->next_address + 1) % l->address_count;
    l->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || (connect(l->fd, address, len) < 0 && errno != EINPROGRESS)) {
        snprintf(problem, size, "cannot connect: %s", strerror(errno));
        gpsd_link_lost(l, now_ns);
        return -1;
    }
    keep_alive(l->fd);
    l->due_ns = now_ns + PATIENCE_NS;
    return 0;
}

/* The text as it stands within a JSON string; to has twice the room. */
static const char *escaped(const char *text, char *to)
{
    char *at = to;

    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        *at++ = *text;
    }
    *at = '\0';
    return to;
}

bool gpsd_link_watch(struct gpsd_link *l, const char *what, const char *device)
{
    char path[2 * GPSD_DEVICE_MAX], command[sizeof(path) + 64];
    int len = snprintf(command, sizeof(command), "?WATCH={\"enable\":true,%s%s%s%s};\n", what,
                       device[0] ? ",\"device\":\"" : "", escaped(device, path), device[0] ? "\"" : "");

    return send(l->fd, command, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len;
}

char *gpsd_link_line(struct gpsd_link *l, size_t *len)
{
    char *line = l->buffer + l->start, *end = memchr(line, '\n', l->end - l->start);

    if (!end)
        return NULL;
    l->start = (size_t)(end + 1 - l->buffer);
    if (l->discarding) {
        l->discarding = false;
        return gpsd_link_line(l, len);
    }
    if (end > line && end[-1] == '\r')
        end--;
    *end = '\0';
    *len = (size_t)(end - line);
    return line;
}

/* Room behind what is unread; a line that fills the whole buffer is dropped to its end. */
static void make_room(struct gpsd_link *l)
{
    if (l->start > 0) {
        memmove(l->buffer, l->buffer + l->start, l->end - l->start);
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end == GPSD_LINE_MAX) {
        l->overlong += !l->discarding;
        l->discarding = true;
    }
    if (l->discarding)
        l->end = 0;
}

int gpsd_link_fill(struct gpsd_link *l, char *problem, size_t size)
{
    ssize_t n;

    make_room(l);
    n = recv(l->fd, l->buffer + l->end, GPSD_LINE_MAX - l->end, 0);
    if (n > 0) {
        l->end += (size_t)n;
        return 1;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n == 0)
        snprintf(problem, size, "gpsd has closed the connection");
    else if (errno == ECONNREFUSED)
        snprintf(problem, size, "connection refused: gpsd is not running there");
    else
        snprintf(problem, size, "%s", strerror(errno));
    return -1;
}
