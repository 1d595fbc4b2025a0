/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transports' sockets share. */
#ifndef GMD_NET_SOCKET_H
#define GMD_NET_SOCKET_H

#include <sys/socket.h>

#include "gmd/net/transport.h"

/* A socket of this type that is closed on exec and tied to no interface yet; -1 and errno. */
int socket_open(int domain, int type, int protocol);

/* setsockopt of an int; 0, or -1 and errno. */
int socket_set(int fd, int level, int option, int value);

/* SO_BINDTODEVICE; 0, or -1 and errno. */
int socket_bind_interface(int fd, const char *interface);

/* Index of an interface and its MAC address (mac may be NULL); 0, or -1 and errno. */
int socket_interface(int fd, const char *interface, int *index, uint8_t *mac);

/* One datagram, without waiting: 1 with *len and msg filled; 0 when nothing is there; -errno (counted),
 * -EMSGSIZE for one that did not fit. */
int socket_receive(int fd, struct msghdr *msg, struct transport_counters *counters, size_t *len);

/* error: "WHAT: reason", the reason from errno in plain words. */
void socket_complain(const char *what, char *error, int error_size);

#endif
