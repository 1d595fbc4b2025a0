/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/fast_path.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/net/bpf_objects.h"
#include "gmd/net/ethtool.h"

#ifndef BPF_F_XDP_DEV_BOUND_ONLY /* Linux 6.3 */
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6)
#endif

/* Of so many answers that were sent one more may get lost. */
#define A_FEW 4

struct fast_path {
    struct bpf_object *object;
    int link; /* closing it takes the program off; -1: none */
    int program, ifindex;
    bool is_veth;
    char interface[IFNAMSIZ];
    struct ethtool_answers answers; /* at the last check */
};

static int load(struct fast_path *f, const struct guard *g, const struct fast_path_config *c)
{
    static const char *const programs[] = {
        [STAMPING_SOFTWARE] = "fast_software",
        [STAMPING_HARDWARE] = "fast_hardware",
    };
    f->object = bpf_file_open(&bpf_fast_path);
    if (!f->object)
        return -errno;
    int error = guard_share(g, f->object);
    for (int i = STAMPING_SOFTWARE; !error && i <= STAMPING_HARDWARE; i++) {
        struct bpf_program *p = bpf_object__find_program_by_name(f->object, programs[i]);
        error = bpf_program__set_autoload(p, i == (int)c->stamping);
        if (!error && i == STAMPING_HARDWARE && c->stamping == STAMPING_HARDWARE) {
            bpf_program__set_ifindex(p, (uint32_t)c->ifindex);
            error = bpf_program__set_flags(p, BPF_F_XDP_DEV_BOUND_ONLY);
        }
    }
    error = error ? error : bpf_object__load(f->object);
    if (!error)
        f->program = bpf_program__fd(bpf_object__find_program_by_name(f->object, programs[c->stamping]));
    return error;
}

static int attach(struct fast_path *f)
{
    const struct bpf_link_create_opts options = {.sz = sizeof(options), .flags = XDP_FLAGS_DRV_MODE};
    const int link = bpf_link_create(f->program, f->ifindex, BPF_XDP, &options);
    f->link = link < 0 ? -1 : link;
    return link < 0 ? link : 0;
}

struct fast_path *fast_path_open(const struct guard *g, const struct fast_path_config *c, char *why,
                                 int why_size)
{
    struct fast_path *f = calloc(1, sizeof(*f));
    if (!f) {
        snprintf(why, (size_t)why_size, "%s: %s", c->interface, strerror(ENOMEM));
        return NULL;
    }
    f->link = -1;
    f->ifindex = c->ifindex;
    snprintf(f->interface, sizeof(f->interface), "%s", c->interface);
    int error = load(f, g, c);
    error = error ? error : attach(f);
    if (!error) {
        f->is_veth = ethtool_is_veth(c->interface);
        f->answers = ethtool_answers(c->interface);
        return f;
    }
    snprintf(why, (size_t)why_size, "%s: %s%s", c->interface, bpf_reason(error),
             c->stamping == STAMPING_HARDWARE ? " (receive time stamps for XDP need Linux 6.3 and a driver)"
                                              : "");
    fast_path_close(f);
    return NULL;
}

void fast_path_close(struct fast_path *f)
{
    if (!f)
        return;
    if (f->link >= 0)
        close(f->link);
    bpf_object__close(f->object);
    free(f);
}

bool fast_path_is_on(const struct fast_path *f)
{
    return f && f->link >= 0;
}

bool fast_path_check(struct fast_path *f)
{
    if (!f->is_veth || f->link < 0)
        return false;
    const struct ethtool_answers before = f->answers;
    f->answers = ethtool_answers(f->interface);
    if (f->answers.lost - before.lost <= (f->answers.sent - before.sent) / A_FEW)
        return false;
    close(f->link);
    f->link = -1;
    return true;
}
