/* SPDX-License-Identifier: BSD-2-Clause */
/* UNIX datagram sockets: bound, replaced when stale, answered at the sender's own address. */
#include "gmd/net/uds.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MODE 0660

static_assert(sizeof((struct management_peer *)0)->name == sizeof((struct sockaddr_un *)0)->sun_path,
              "a peer's name is a sun_path");

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* A socket file to which nothing is bound any more. connect() says the same of a plain file. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat file;
    if (lstat(address->sun_path, &file) < 0 || !S_ISSOCK(file.st_mode))
        return false;
    const int fd = open_socket();
    const int failed = connect(fd, (const struct sockaddr *)address, sizeof *address);
    const bool stale = failed && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

static const char *reason(const char *path)
{
    struct stat file;
    if (errno != EADDRINUSE)
        return strerror(errno);
    if (lstat(path, &file) == 0 && !S_ISSOCK(file.st_mode))
        return "there is a file that is not a socket";
    return "another program answers there (ptp4l, or a second gmd?)";
}

static int bind_to(struct uds *u, const struct sockaddr_un *address)
{
    struct stat file;
    u->fd = open_socket();
    if (u->fd < 0 || bind(u->fd, (const struct sockaddr *)address, sizeof *address) < 0)
        return -1;
    if (chmod(u->path, MODE) < 0 || lstat(u->path, &file) < 0)
        return -1;
    u->device = file.st_dev;
    u->inode = file.st_ino;
    return 0;
}

int uds_open(struct uds *u, const char *path, char *error, int error_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *u = (struct uds){.fd = -1};
    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(error, error_size, "%s: longer than a socket's path may be", path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    memcpy(u->path, address.sun_path, sizeof u->path);
    if (is_stale(&address))
        unlink(path);
    if (bind_to(u, &address) == 0)
        return 0;
    snprintf(error, error_size, "%s: %s", path, reason(path));
    uds_close(u);
    return -1;
}

bool uds_in_place(const struct uds *u)
{
    struct stat file;
    return lstat(u->path, &file) == 0 && file.st_dev == u->device && file.st_ino == u->inode;
}

void uds_close(struct uds *u)
{
    if (u->fd < 0)
        return;
    if (uds_in_place(u))
        unlink(u->path);
    close(u->fd);
    u->fd = -1;
}

int uds_receive(const struct uds *u, uint8_t *buf, size_t size, size_t *len, struct management_peer *from)
{
    struct sockaddr_un peer = {0};
    socklen_t peer_len = sizeof peer;
    const ssize_t got =
        recvfrom(u->fd, buf, size, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&peer, &peer_len);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    *from = (struct management_peer){0};
    if (peer_len > offsetof(struct sockaddr_un, sun_path)) {
        const size_t name_len = peer_len - offsetof(struct sockaddr_un, sun_path);
        from->len = (uint8_t)(name_len < sizeof from->name ? name_len : sizeof from->name);
        memcpy(from->name, peer.sun_path, from->len);
    }
    *len = (size_t)got;
    return *len <= size ? 1 : -EMSGSIZE;
}

int uds_send(const struct uds *u, const struct management_peer *to, const uint8_t *bytes, size_t len)
{
    struct sockaddr_un peer = {.sun_family = AF_UNIX};
    if (to->len == 0)
        return -EDESTADDRREQ;
    memcpy(peer.sun_path, to->name, to->len);
    const socklen_t peer_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + to->len);
    const ssize_t sent = sendto(u->fd, bytes, len, MSG_DONTWAIT, (struct sockaddr *)&peer, peer_len);
    return sent < 0 ? -errno : 0;
}
