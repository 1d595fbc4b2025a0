/* SPDX-License-Identifier: BSD-2-Clause */
/* A TCP connection to gpsd: connects without waiting, reconnects with back-off, cuts the stream into lines or
 * gives it as bytes. What they mean is receiver_gpsd.c's and gpsd_raw.c's. */
#ifndef GMD_GNSS_GPSD_LINK_H
#define GMD_GNSS_GPSD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define GPSD_LINE_MAX      16384 /* gpsd's own limit is 10240 */
#define GPSD_ADDRESSES_MAX 4
#define GPSD_DEVICE_MAX    128 /* as in libgps */

struct gpsd_link {
    struct sockaddr_storage addresses[GPSD_ADDRESSES_MAX];
    socklen_t address_len[GPSD_ADDRESSES_MAX];
    unsigned address_count, next_address;
    char unresolved[96]; /* why there are no addresses */
    int fd;              /* -1: not connected */
    bool up;             /* gpsd has answered as it should */
    int64_t due_ns;      /* next attempt or, while not up, end of patience */
    int64_t backoff_ns;
    size_t start, end; /* what is unread in buffer */
    bool discarding;   /* within a line that is too long */
    uint64_t overlong;
    char buffer[GPSD_LINE_MAX + 1];
};

/* Resolves host once, which may wait for DNS unless it is an address or "localhost". */
void gpsd_link_init(struct gpsd_link *l, const char *host, const char *port);

/* Begins a connection attempt if one is due. 0, or -1 with a complaint if it failed at once. */
int gpsd_link_connect(struct gpsd_link *l, int64_t now_ns, char *problem, size_t size);

/* The greeting was good: the back-off starts from its beginning next time. */
void gpsd_link_is_up(struct gpsd_link *l);

/* Closes and schedules the next attempt. */
void gpsd_link_lost(struct gpsd_link *l, int64_t now_ns);

/* Asks for what ("\"json\":true"), of one device or, if it is "", of all. For a new connection, whose empty
 * send buffer takes it whole. False with errno if not. */
bool gpsd_link_watch(struct gpsd_link *l, const char *what, const char *device);

/* A line that has arrived complete, without its end, zero-terminated and of *len bytes; NULL if none. Valid
 * until the next call. */
char *gpsd_link_line(struct gpsd_link *l, size_t *len);

/* Takes more of the stream. 1: something came; 0: nothing there; -1 with a complaint: the connection is gone
 * or was refused. */
int gpsd_link_fill(struct gpsd_link *l, char *problem, size_t size);

#endif
