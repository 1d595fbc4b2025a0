/* SPDX-License-Identifier: BSD-2-Clause */
/* Each test falls through, or jumps to one of the labels, resolved when all is written. */
#include "gmd/load/filter.h"

#include <netinet/in.h>

#include "gmd/net/udp.h"
#include "gmd/ptp/wire.h"

#define ANY_LENGTH 0x40000

/* Jump targets until resolve() */
enum label { NEXT = 0, TO_IDENTITY = 252, TO_MULTICAST, TO_DROP, TO_ACCEPT };

struct assembly {
    struct sock_filter *code;
    unsigned len;
    unsigned labels[4]; /* from TO_IDENTITY on */
};

static void load(struct assembly *a, unsigned size, unsigned offset)
{
    a->code[a->len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_ABS | size, offset);
}

static void compute(struct assembly *a, unsigned operation, uint32_t k)
{
    a->code[a->len++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_K | operation, k);
}

static void jump(struct assembly *a, unsigned condition, uint32_t k, enum label yes, enum label no)
{
    a->code[a->len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | condition, k, yes, no);
}

static void finish(struct assembly *a, uint32_t result)
{
    a->code[a->len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result);
}

static void set_label(struct assembly *a, enum label label)
{
    a->labels[label - TO_IDENTITY] = a->len;
}

static uint8_t resolve(const struct assembly *a, unsigned at, uint8_t target)
{
    return target < TO_IDENTITY ? target : (uint8_t)(a->labels[target - TO_IDENTITY] - at - 1);
}

/* UDPv4 to a PTP port or one of the clients' own, whole and without options. */
static void udpv4(struct assembly *a, const struct filter_spec *spec)
{
    load(a, BPF_B, 14);
    jump(a, BPF_JEQ, 0x45, NEXT, TO_DROP);
    load(a, BPF_B, 23);
    jump(a, BPF_JEQ, IPPROTO_UDP, NEXT, TO_DROP);
    load(a, BPF_H, 20);
    jump(a, BPF_JSET, 0x3FFF, TO_DROP, NEXT);
    load(a, BPF_H, 36);
    if (spec->first_port)
        jump(a, BPF_JGE, spec->first_port, 2, NEXT);
    jump(a, BPF_JEQ, PTP_GENERAL_PORT, 1, NEXT);
    jump(a, BPF_JEQ, PTP_EVENT_PORT, NEXT, TO_DROP);
}

static void mine(struct assembly *a, const struct filter_spec *spec)
{
    compute(a, BPF_AND, spec->shares - 1);
    jump(a, BPF_JEQ, spec->share, TO_ACCEPT, TO_DROP);
}

unsigned filter_build(const struct filter_spec *spec, struct sock_filter code[FILTER_LEN_MAX])
{
    struct assembly a = {.code = code};
    const unsigned ptp = (unsigned)packet_headers_len(spec->transport);
    load(&a, BPF_H, 12);
    jump(&a, BPF_JEQ, packet_ethertype(spec->transport), NEXT, TO_DROP);
    if (spec->transport == PACKET_UDPV4)
        udpv4(&a, spec);
    load(&a, BPF_B, ptp);
    compute(&a, BPF_AND, 0x0F);
    jump(&a, BPF_JEQ, MSG_DELAY_RESP, TO_IDENTITY, NEXT);

    load(&a, BPF_B, 0);
    jump(&a, BPF_JSET, 1, TO_MULTICAST, NEXT);
    if (spec->unicast && spec->first_port) {
        load(&a, BPF_H, 36);
        compute(&a, BPF_SUB, spec->first_port);
        mine(&a, spec);
    } else if (spec->unicast && spec->first_address) {
        load(&a, BPF_W, 30);
        compute(&a, BPF_SUB, spec->first_address);
        mine(&a, spec);
    } else {
        finish(&a, spec->unicast && spec->share == 0 ? ANY_LENGTH : 0);
    }
    set_label(&a, TO_MULTICAST);
    finish(&a, spec->multicast ? ANY_LENGTH : 0);

    set_label(&a, TO_IDENTITY); /* requestingPortIdentity of the Delay_Resp */
    load(&a, BPF_W, ptp + 44);
    compute(&a, BPF_AND, spec->prefix.mask);
    jump(&a, BPF_JEQ, spec->prefix.value, NEXT, TO_DROP);
    load(&a, BPF_W, ptp + 48);
    mine(&a, spec);

    set_label(&a, TO_DROP);
    finish(&a, 0);
    set_label(&a, TO_ACCEPT);
    finish(&a, ANY_LENGTH);
    for (unsigned i = 0; i < a.len; i++)
        if (BPF_CLASS(code[i].code) == BPF_JMP) {
            code[i].jt = resolve(&a, i, code[i].jt);
            code[i].jf = resolve(&a, i, code[i].jf);
        }
    return a.len;
}
