/* SPDX-License-Identifier: BSD-2-Clause */
/* For LD_PRELOAD: the kernel has no tcx, as before Linux 6.6. */
#include <bpf/bpf.h>
#include <dlfcn.h>
#include <errno.h>

#define TCX_INGRESS 46

int bpf_link_create(int program, int target, enum bpf_attach_type type,
                    const struct bpf_link_create_opts *options)
{
    int (*create)(int, int, enum bpf_attach_type, const struct bpf_link_create_opts *) =
        dlsym(RTLD_NEXT, "bpf_link_create");
    return (int)type == TCX_INGRESS ? -EINVAL : create(program, target, type, options);
}
