/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads a program of reflect.bpf.o into an interface's driver, or aside where packets come in; it is taken
 * off when this is terminated.
 *
 *     reflect INTERFACE reflect.bpf.o reflect|again|pass|aside */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS; Linux 6.6 */

/* Below 0: why not. */
static int attach(const struct bpf_program *program, int interface)
{
    const struct bpf_link_create_opts driver = {.sz = sizeof driver, .flags = XDP_FLAGS_DRV_MODE};
    const int fd = bpf_program__fd(program);
    return bpf_program__type(program) == BPF_PROG_TYPE_XDP
               ? bpf_link_create(fd, interface, BPF_XDP, &driver)
               : bpf_link_create(fd, interface, TCX_INGRESS, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: reflect INTERFACE OBJECT PROGRAM\n", stderr);
        return 2;
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);

    const int interface = (int)if_nametoindex(argv[1]);
    struct bpf_object *object = bpf_object__open_file(argv[2], NULL);
    if (!interface || !object || bpf_object__load(object) < 0) {
        fprintf(stderr, "reflect: %s cannot be loaded into %s\n", argv[2], argv[1]);
        return 1;
    }
    const struct bpf_program *program = bpf_object__find_program_by_name(object, argv[3]);
    const int link = program ? attach(program, interface) : -ENOENT;
    if (link < 0) {
        fprintf(stderr, "reflect: %s: %s\n", argv[1], strerror(-link));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    int signal_number;
    sigwait(&ends, &signal_number);
    close(link);
    bpf_object__close(object);
    return 0;
}
