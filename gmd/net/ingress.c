/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/ingress.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

/* What names a filter of tc: of all who may be there, and in this order. */
#define PRIORITY 0x1588
#define HANDLE   1

static struct bpf_tc_hook hook_of(const struct ingress *at)
{
    return (struct bpf_tc_hook){
        .sz = sizeof(struct bpf_tc_hook), .ifindex = at->ifindex, .attach_point = BPF_TC_INGRESS};
}

static struct bpf_tc_opts filter_of(const struct ingress *at)
{
    return (struct bpf_tc_opts){
        .sz = sizeof(struct bpf_tc_opts), .handle = HANDLE, .priority = PRIORITY + (unsigned)at->place};
}

/* The queueing discipline that holds filters (clsact) may be there for others' sake, and stays for theirs. */
static int attach_filter(const struct ingress *at, int program)
{
    struct bpf_tc_hook hook = hook_of(at);
    struct bpf_tc_opts filter = filter_of(at);
    const int error = bpf_tc_hook_create(&hook);
    if (error && error != -EEXIST)
        return error;
    filter.prog_fd = program;
    filter.flags = BPF_TC_F_REPLACE;
    return bpf_tc_attach(&hook, &filter);
}

int ingress_attach(struct ingress *at, int program, int ifindex, enum ingress_place place)
{
    const int link = bpf_link_create(program, ifindex, TCX_INGRESS, NULL);
    *at = (struct ingress){.link = link < 0 ? -1 : link, .ifindex = ifindex, .place = place};
    const int error = link == -EINVAL ? attach_filter(at, program) : link < 0 ? link : 0;
    at->attached = !error;
    return error;
}

void ingress_detach(struct ingress *at)
{
    if (at->attached && at->link >= 0) {
        close(at->link);
    } else if (at->attached) {
        const struct bpf_tc_hook hook = hook_of(at);
        const struct bpf_tc_opts filter = filter_of(at);
        bpf_tc_detach(&hook, &filter);
    }
    at->attached = false;
}
