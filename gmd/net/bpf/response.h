/* SPDX-License-Identifier: BSD-2-Clause */
/* A Delay_Resp from what the daemon has laid down for those who answer in its stead: the fast path in the
 * kernel and the workers make it with the same function. */
#ifndef GMD_NET_BPF_RESPONSE_H
#define GMD_NET_BPF_RESPONSE_H

#include <stdbool.h>

#include <bpf/bpf_endian.h>

#include "gmd/net/bpf/layout.h"

#define DELAY_REQ      0x1
#define DELAY_RESP     0x9
#define REQUEST_BYTES  44
#define RESPONSE_BYTES 54
#define UNICAST        0x04 /* flags[0] */
#define SPTP           0x20

/* The first octets of a message, as far as these look. */
struct message_head {
    __u8 type; /* and majorSdoId */
    __u8 version;
    __u16 length;
    __u8 domain;
    __u8 minor_sdo_id;
    __u8 flags[2];
    __u8 correction[8];
    __u8 type_specific[4];
    __u8 source[10];
    __u16 sequence_id;
    __u8 control;
    __s8 log_interval;
};

struct response {
    struct message_head head;
    __u8 seconds[6];
    __u32 nanoseconds;
    __u8 requesting[10];
} __attribute__((packed));

/* log_interval: what it tells the client; clock_ns: when the request came. */
static inline __attribute__((always_inline)) struct response respond(const struct kernel_port *p,
                                                                     const struct message_head *request,
                                                                     bool multicast, __s8 log_interval,
                                                                     __u64 clock_ns)
{
    const __u64 seconds = clock_ns / 1000000000ULL;
    struct response m = {
        .head = {.type = (request->type & 0xF0) | DELAY_RESP,
                 .version = 0x12,
                 .length = bpf_htons(RESPONSE_BYTES),
                 .domain = p->domain,
                 .minor_sdo_id = p->minor_sdo_id,
                 .flags = {multicast ? 0 : UNICAST},
                 .sequence_id = request->sequence_id,
                 .control = 3,
                 .log_interval = log_interval},
        .nanoseconds = bpf_htonl((__u32)(clock_ns - seconds * 1000000000ULL)),
    };
    __builtin_memcpy(m.head.correction, request->correction, sizeof(m.head.correction));
    __builtin_memcpy(m.head.source, p->identity, sizeof(m.head.source));
    __builtin_memcpy(m.requesting, request->source, sizeof(m.requesting));
    for (int i = 0; i < 6; i++)
        m.seconds[i] = (__u8)(seconds >> (40 - 8 * i));
    return m;
}

#endif
