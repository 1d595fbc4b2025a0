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

/* Makes room for a burst in the receive queue: SO_RCVBUFFORCE, or what the host's rmem_max allows. */
void socket_set_queue(int fd);

/* Makes room for frames that wait for a neighbour, which the kernel looks for during some three seconds:
 * SO_SNDBUFFORCE, or what the host's wmem_max allows. */
void socket_set_patience(int fd);

/* Adds to t->counters.rx_dropped what the kernel dropped of this socket's datagrams since *seen was brought
 * up to date: its queue was full, or its filter refused them. */
void socket_count_drops(struct transport *t, int fd, uint32_t *seen);

/* error: "WHAT: reason", the reason from errno in plain words. */
void socket_complain(const char *what, char *error, int error_size);

#endif
