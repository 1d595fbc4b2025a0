/* SPDX-License-Identifier: BSD-2-Clause */
/* TPACKET_V2: its frames are handed over one by one, where V3 would keep them back until a block is full. */
#include "gmd/load/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bmca/ptp.h"

#define SLOT       512u /* of a received frame, TPACKET_V2's head included */
#define SLOTS      16384u
#define BLOCK_SIZE (64u * 4096u)

static int set(int fd, int option, int value)
{
    return setsockopt(fd, SOL_PACKET, option, &value, sizeof value);
}

/* Bound to no protocol until all is set: nothing unfiltered gets in. */
static int set_up(struct raw *r, uint16_t ethertype, const struct sock_fprog *filter)
{
    const struct tpacket_req ring = {BLOCK_SIZE, SLOT * SLOTS / BLOCK_SIZE, SLOT, SLOTS};
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ethertype), .sll_ifindex = r->interface};
    if (filter && setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof *filter) < 0)
        return -1;
    if (set(r->fd, PACKET_VERSION, TPACKET_V2) < 0 || set(r->fd, PACKET_QDISC_BYPASS, 1) < 0 ||
        setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring) < 0)
        return -1;
    void *map = mmap(NULL, (size_t)SLOT * SLOTS, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
    if (map == MAP_FAILED)
        return -1;
    r->ring = map;
    return bind(r->fd, (const struct sockaddr *)&address, sizeof address);
}

int raw_open(struct raw *r, int interface, uint16_t ethertype, const struct sock_fprog *filter, char *error,
             int error_size)
{
    *r = (struct raw){.interface = interface};
    r->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (r->fd >= 0 && set_up(r, ethertype, filter) == 0)
        return 0;
    snprintf(error, (size_t)error_size, "packet socket: %s%s", strerror(errno),
             errno == EPERM ? " (needs root, or CAP_NET_RAW)" : "");
    raw_close(r);
    return -1;
}

static void count_drops(struct raw *r)
{
    struct tpacket_stats stats;
    socklen_t len = sizeof stats;
    if (getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
        r->dropped += stats.tp_drops;
}

void raw_close(struct raw *r)
{
    if (r->fd < 0)
        return;
    count_drops(r);
    if (r->ring)
        munmap(r->ring, (size_t)SLOT * SLOTS);
    close(r->fd);
    r->fd = -1;
}

uint8_t *raw_frame(struct raw *r)
{
    return r->batched < RAW_BATCH ? r->frames[r->batched] : NULL;
}

void raw_commit(struct raw *r, size_t len)
{
    r->iov[r->batched] = (struct iovec){r->frames[r->batched], len};
    r->batched++;
}

unsigned raw_send(struct raw *r)
{
    struct mmsghdr messages[RAW_BATCH];
    for (unsigned i = 0; i < r->batched; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &r->iov[i], .msg_iovlen = 1}};
    unsigned sent = 0;
    int error = 0;
    while (sent < r->batched) {
        const int n = sendmmsg(r->fd, messages + sent, r->batched - sent, MSG_DONTWAIT);
        if (n < 0) {
            error = errno;
            break;
        }
        sent += (unsigned)n;
    }
    r->batched = 0;
    errno = error;
    return sent;
}

static struct tpacket2_hdr *slot(const struct raw *r)
{
    return (struct tpacket2_hdr *)(r->ring + (size_t)r->next * SLOT);
}

bool raw_receive(struct raw *r, const uint8_t **frame, size_t *len, int64_t *realtime_ns)
{
    const struct tpacket2_hdr *head = slot(r);
    if (!(__atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
        return false;
    *frame = (const uint8_t *)head + head->tp_mac;
    *len = head->tp_snaplen;
    *realtime_ns = head->tp_sec * NS_PER_S + head->tp_nsec;
    return true;
}

void raw_release(struct raw *r)
{
    __atomic_store_n(&slot(r)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    r->next = (r->next + 1) % SLOTS;
}

void raw_wait(const struct raw *r, int64_t wait_ns)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    const struct timespec wait = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
    ppoll(&p, 1, &wait, NULL);
}
