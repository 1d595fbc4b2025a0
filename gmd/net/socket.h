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

/* What was received beside its bytes. */
struct datagram {
    size_t len;
    struct msghdr msg; /* for CMSG_FIRSTHDR and CMSG_NXTHDR */
    struct iovec iov;
    _Alignas(struct cmsghdr) uint8_t control[256];
};

/* One datagram into buf, without waiting, its sender's address into peer: 1 with *d; 0 when nothing is there;
 * -errno (counted), -EMSGSIZE for one that did not fit. */
int socket_receive(int fd, struct datagram *d, void *peer, socklen_t peer_len, uint8_t *buf, size_t size,
                   struct transport_counters *counters);

/* Appends a control message behind msg_controllen; CMSG_SPACE(len) zeroed bytes must be free there. */
void socket_add_control(struct msghdr *msg, int level, int type, const void *data, size_t len);

/* error: "WHAT: reason", the reason from errno in plain words. */
void socket_complain(const char *what, char *error, int error_size);

#endif
