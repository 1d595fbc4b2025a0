/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gmd/daemon.h"
#include "gmd/report.h"

#define CONNECTIONS_MAX 16
#define REQUEST_MAX     1024
#define ANSWER_MAX      (4 << 20)
#define INTERVAL_MIN_S  0.1
#define INTERVAL_MAX_S  3600.0

struct connection {
    struct control *control;
    int fd; /* -1: free */
    int watch;
    int timer;
    int64_t interval_ns;     /* 0: not watching */
    int64_t last_request_ns; /* or since when it is there */
    size_t request_len;
    char request[REQUEST_MAX];
    char *answer; /* what is still to be sent */
    size_t answer_len, answer_sent;
};

struct control {
    struct daemon *daemon;
    int fd, watch;
    int turn_timer; /* fires in the next round of the loop while a request waits */
    int turn;       /* whose request was answered last */
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    struct connection connections[CONNECTIONS_MAX];
};

static void drop(struct connection *c)
{
    loop_unwatch(c->control->daemon->loop, c->watch);
    loop_timer_set(c->control->daemon->loop, c->timer, INT64_MAX);
    close(c->fd);
    free(c->answer);
    c->answer = NULL;
    c->fd = -1;
    c->interval_ns = 0;
}

/* A whole request is there. */
static bool has_request(const struct connection *c)
{
    return c->fd >= 0 && memchr(c->request, '\n', c->request_len);
}

/* What the loop is to look for. Nothing more is read while requests fill the buffer. */
static void look_for(struct connection *c)
{
    const short in = c->request_len < REQUEST_MAX ? POLLIN : 0, out = c->answer ? POLLOUT : 0;
    loop_watch_events(c->control->daemon->loop, c->watch, in | out);
    if (!c->answer && has_request(c))
        loop_timer_set(c->control->daemon->loop, c->control->turn_timer, loop_now());
}

/* Sends what it can; false if the connection went. */
static bool flush_answer(struct connection *c)
{
    while (c->answer && c->answer_sent < c->answer_len) {
        const ssize_t n = send(c->fd, c->answer + c->answer_sent, c->answer_len - c->answer_sent,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            look_for(c);
            return true;
        }
        if (n <= 0) {
            drop(c);
            return false;
        }
        c->answer_sent += (size_t)n;
    }
    free(c->answer);
    c->answer = NULL;
    look_for(c);
    return true;
}

static bool answer(struct connection *c, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
    json_decref(object);
    const size_t len = text ? strlen(text) : 0;
    if (!text || c->answer || len >= ANSWER_MAX) { /* it does not read what it asked for */
        free(text);
        drop(c);
        return false;
    }
    text[len] = '\n'; /* in place of the final NUL: the length says where it ends */
    c->answer = text;
    c->answer_len = len + 1;
    c->answer_sent = 0;
    return flush_answer(c);
}

static void on_watch_timer(void *ctx, int64_t now_ns)
{
    struct connection *c = ctx;
    if (c->answer || answer(c, report_answer(c->control->daemon, "status", NULL)))
        loop_timer_set(c->control->daemon->loop, c->timer, now_ns + c->interval_ns);
}

/* {"command": "watch", "interval": 0.5}; a second where it is not said. NULL, or what is wrong with it. */
static json_t *begin_watch(struct connection *c, const json_t *request)
{
    const json_t *interval = json_object_get(request, "interval");
    const double interval_s = interval ? json_number_value(interval) : 1.0;
    if (!(interval_s >= INTERVAL_MIN_S && interval_s <= INTERVAL_MAX_S))
        return report_error("the interval is to be %.1f..%.0f s", INTERVAL_MIN_S, INTERVAL_MAX_S);
    c->interval_ns = (int64_t)(interval_s * 1e9);
    loop_timer_set(c->control->daemon->loop, c->timer, loop_now() + c->interval_ns);
    return NULL;
}

static json_t *reply_to(struct connection *c, const char *line, size_t len)
{
    json_error_t where;
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
    const char *command = json_string_value(json_object_get(request, "command"));
    json_t *reply = NULL;
    if (!request)
        reply = report_error("not a JSON object: %s", where.text);
    else if (!command)
        reply = report_error("no \"command\" in the request");
    else if (strcmp(command, "watch") == 0)
        reply = begin_watch(c, request);
    if (!reply)
        reply = report_answer(c->control->daemon, command, request);
    json_decref(request);
    return reply;
}

static void handle(struct connection *c)
{
    const char *end = memchr(c->request, '\n', c->request_len);
    const size_t line = (size_t)(end - c->request);
    json_t *reply = reply_to(c, c->request, line);
    c->last_request_ns = loop_now();
    c->request_len -= line + 1;
    memmove(c->request, end + 1, c->request_len);
    answer(c, reply);
}

/* One request in a round of the loop, whoever asks for how much: PTP does not wait for many. */
static void on_turn(void *ctx, int64_t now_ns)
{
    (void)now_ns;
    struct control *control = ctx;
    for (int i = 1; i <= CONNECTIONS_MAX; i++) {
        const int next = (control->turn + i) % CONNECTIONS_MAX;
        struct connection *c = &control->connections[next];
        if (!has_request(c) || c->answer)
            continue;
        control->turn = next;
        handle(c);
        break;
    }
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (control->connections[i].fd >= 0)
            look_for(&control->connections[i]);
}

static void on_connection(void *ctx, int fd, short revents)
{
    struct connection *c = ctx;
    if ((revents & POLLOUT) && !flush_answer(c))
        return;
    if (!(revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    const ssize_t n = recv(fd, c->request + c->request_len, REQUEST_MAX - c->request_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(c);
        return;
    }
    c->request_len += (size_t)n;
    if (c->request_len == REQUEST_MAX && !has_request(c))
        drop(c);
    else
        look_for(c);
}

/* A place for one more: a free one, or that of the connection which is idle for longest. Who watches is not
 * idle. NULL if all watch. */
static struct connection *make_place(struct control *control)
{
    struct connection *idle = NULL;
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &control->connections[i];
        if (c->fd < 0)
            return c;
        if (!c->interval_ns && (!idle || c->last_request_ns < idle->last_request_ns))
            idle = c;
    }
    if (idle)
        drop(idle);
    return idle;
}

static void on_accept(void *ctx, int fd, short revents)
{
    (void)revents;
    struct control *control = ctx;
    const int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0)
        return;
    struct connection *c = make_place(control);
    const int watch = c ? loop_watch(control->daemon->loop, peer, POLLIN, on_connection, c) : -1;
    if (watch < 0) {
        static const char refusal[] = "{\"error\":\"too many connections\"}\n";
        send(peer, refusal, sizeof refusal - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(peer);
        return;
    }
    c->fd = peer;
    c->watch = watch;
    c->request_len = 0;
    c->last_request_ns = loop_now();
}

/* A socket that nobody listens on is left over from a daemon that died. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat s;
    if (lstat(address->sun_path, &s) < 0 || !S_ISSOCK(s.st_mode)) /* somebody's file, not ours to remove */
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int failed = connect(fd, (const struct sockaddr *)address, sizeof *address);
    const bool stale = failed && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

/* /run/gmd is systemd's to make; without systemd it is ours. What fails here, bind complains of. */
static void make_directory_of(const char *path)
{
    char directory[sizeof((struct sockaddr_un *)0)->sun_path];
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash && slash != directory) {
        *slash = '\0';
        mkdir(directory, 0750);
    }
}

static int listen_at(const char *path, char *error, int error_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(error, error_size, "%s: longer than a socket's path may be", path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    make_directory_of(path);
    if (is_stale(&address))
        unlink(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, 0660) < 0 ||
        listen(fd, CONNECTIONS_MAX) < 0) {
        const bool busy = errno == EADDRINUSE;
        snprintf(error, error_size, "control socket %s: %s", path,
                 busy ? "another gmd is running on it, or it is a file" : strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

struct control *control_open(struct daemon *d, const char *path, char *error, int error_size)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        abort();
    control->fd = listen_at(path, error, error_size);
    if (control->fd < 0) {
        free(control);
        return NULL;
    }
    control->daemon = d;
    snprintf(control->path, sizeof control->path, "%s", path);
    control->watch = loop_watch(d->loop, control->fd, POLLIN, on_accept, control);
    control->turn_timer = loop_timer(d->loop, on_turn, control);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &control->connections[i];
        c->control = control;
        c->fd = -1;
        c->timer = loop_timer(d->loop, on_watch_timer, c);
    }
    return control;
}

void control_close(struct control *control)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        if (control->connections[i].fd >= 0)
            drop(&control->connections[i]);
    loop_unwatch(control->daemon->loop, control->watch);
    close(control->fd);
    unlink(control->path);
    free(control);
}
