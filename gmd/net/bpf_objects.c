/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/bpf_objects.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* found through the assembler's -I */
#define EMBED(symbol, path)                                                                                  \
    __asm__(".section .rodata\n"                                                                             \
            ".balign 8\n" #symbol "_start:\n"                                                                \
            ".incbin \"" path "\"\n" #symbol "_end:\n"                                                       \
            ".previous\n");                                                                                  \
    extern const uint8_t symbol##_start[], symbol##_end[]

EMBED(embedded_guard, "gmd/net/bpf/guard.bpf.o");
EMBED(embedded_fast_path, "gmd/net/bpf/fast_path.bpf.o");
EMBED(embedded_workers, "gmd/net/bpf/workers.bpf.o");

const struct bpf_file bpf_guard = {"guard", embedded_guard_start, embedded_guard_end};
const struct bpf_file bpf_fast_path = {"fast_path", embedded_fast_path_start, embedded_fast_path_end};
const struct bpf_file bpf_workers = {"workers", embedded_workers_start, embedded_workers_end};

static int say_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level;
    (void)format;
    (void)args;
    return 0;
}

struct bpf_object *bpf_file_open(const struct bpf_file *file)
{
    const struct bpf_object_open_opts options = {.sz = sizeof(options), .object_name = file->name};
    libbpf_set_print(say_nothing);
    return bpf_object__open_mem(file->start, (size_t)(file->end - file->start), &options);
}

const char *bpf_reason(int error)
{
    switch (-error) {
    case EPERM:
    case EACCES:
        return "not permitted (needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)";
    case ENOSYS:
        return "the kernel has no BPF";
    case EINVAL:
    case EOPNOTSUPP:
        return "the kernel, or the driver, cannot do it";
    case EBUSY:
    case EEXIST:
        return "another program has its place";
    default:
        return strerror(-error);
    }
}
