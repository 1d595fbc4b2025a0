/* SPDX-License-Identifier: BSD-2-Clause */
/* The guard that needs no rights: a classic socket filter. */
#include <errno.h>
#include <linux/filter.h>
#include <stddef.h>
#include <sys/socket.h>

#include "gmd/net/guard.h"

#define UDP_HEADER      8
#define SHORTEST        44     /* Sync, Delay_Req, Follow_Up; whatever is shorter is no message at all */
#define SOME            0x3F   /* one in 64 */
#define KNOWN_TYPES     0x3F0F /* one bit a messageType, table 36 */
#define AD(field)       ((uint32_t)(SKF_AD_OFF + SKF_AD_##field))
#define OCTET(k)        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at + (k))
#define UNLESS(k, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, (skip))

/* A UDP socket's filter sees the UDP header first, a packet socket's (SOCK_DGRAM) the message. */
int guard_attach_plain(const struct guard_port *settings, const struct transport *t)
{
    const uint32_t at = t->family == ADDRESS_MAC ? 0 : UDP_HEADER;
    const uint32_t major = (uint32_t)settings->sdo_id >> 8, minor = settings->sdo_id & 0xFF;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, at + SHORTEST, 0, 16),
        OCTET(1), /* minorVersionPTP, versionPTP */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x0F),
        UNLESS(2, 13),
        OCTET(4),
        UNLESS(settings->domain, 11),
        OCTET(5),
        UNLESS(minor, 9),
        OCTET(0), /* majorSdoId, messageType */
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        UNLESS(major, 6),
        OCTET(0),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x0F),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_IMM, KNOWN_TYPES),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 3, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AD(RANDOM)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SOME, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    for (int i = 0; i < TRANSPORT_FDS; i++)
        if (t->fds[i] >= 0 &&
            setsockopt(t->fds[i], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
            return -errno;
    return 0;
}
