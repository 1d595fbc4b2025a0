/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads a program of reflect.bpf.o into an interface's driver, and takes it off again when it is terminated.
 *
 *     reflect INTERFACE reflect.bpf.o reflect|again|pass */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

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
    const int program = bpf_program__fd(bpf_object__find_program_by_name(object, argv[3]));
    const int error = bpf_xdp_attach(interface, program, XDP_FLAGS_DRV_MODE, NULL);
    if (error < 0) {
        fprintf(stderr, "reflect: %s: %s\n", argv[1], strerror(-error));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    int signal_number;
    sigwait(&ends, &signal_number);
    bpf_xdp_detach(interface, XDP_FLAGS_DRV_MODE, NULL);
    bpf_object__close(object);
    return 0;
}
