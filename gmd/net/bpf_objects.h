/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's programs (gmd/net/bpf), compiled at build time and part of this program. */
#ifndef GMD_NET_BPF_OBJECTS_H
#define GMD_NET_BPF_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/* An ELF file in memory. */
struct bpf_file {
    const char *name;
    const uint8_t *start, *end;
};

extern const struct bpf_file bpf_guard, bpf_fast_path, bpf_workers;

/* Opens one, not loaded yet; NULL and errno. libbpf's own messages are kept from the log. */
struct bpf_object *bpf_file_open(const struct bpf_file *file);

/* error: -errno of libbpf. "not permitted (needs ...)" */
const char *bpf_reason(int error);

#endif
