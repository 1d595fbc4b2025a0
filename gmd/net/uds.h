/* SPDX-License-Identifier: BSD-2-Clause */
/* A UNIX datagram socket as ptp4l has it: pmc and phc2sys bind one of their own, send to this one, and are
 * answered at theirs. */
#ifndef GMD_NET_UDS_H
#define GMD_NET_UDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gmd/ptp/management_subscribers.h"

struct uds {
    int fd; /* -1: closed */
    char path[108];
    dev_t device; /* the file that the socket is bound to */
    ino_t inode;
};

/* Binds to path, for owner and group (mode 0660). What a dead program left there is replaced; a socket that
 * answers, or what is no socket, is not touched. 0, or -1 with error in plain words. */
int uds_open(struct uds *u, const char *path, char *error, int error_size);

/* False once another program has put its own socket in this one's place, or the file is gone. */
bool uds_in_place(const struct uds *u);

/* Removes the file if it is still the socket's own. */
void uds_close(struct uds *u);

/* One datagram, without waiting: 1 with *len and *from, 0 when nothing is there, -errno; -EMSGSIZE for one
 * that did not fit. */
int uds_receive(const struct uds *u, uint8_t *buf, size_t size, size_t *len, struct management_peer *from);

/* 0 or -errno, -EAGAIN when the receiver does not keep up. Never waits. */
int uds_send(const struct uds *u, const struct management_peer *to, const uint8_t *bytes, size_t len);

#endif
