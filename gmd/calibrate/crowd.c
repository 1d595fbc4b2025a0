/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/calibrate/crowd.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmd/load/campaign.h"

#define PATIENCE_S 15 /* beyond a round's own time: a server is looked for during five seconds at most */

/* Some answers find no room in the veth's short queue: who lost one asks again soon. */
#define TIMEOUT_NS 20000000

/* One task at a time, and one outcome of each. */
struct task {
    bool set_up; /* instead of a load */
    struct crowd_load load;
};

struct outcome {
    bool failed;
    char error[256];
    struct round round;
};

/* --- in the process -------------------------------------------------------------------------------- */

static int set_up(const struct crowd_config *config, char *error, int error_size)
{
    pid_t thread;
    const struct stage_network own = {CROWD_ADDRESS, CROWD_MASK};
    return stage_interface(config->interface, own, &config->cores, &thread, error, error_size);
}

static void settings_of(const struct crowd_config *config, const struct crowd_load *load,
                        struct load_settings *s)
{
    char name[] = "gmload", interface[IFNAMSIZ], error[64];
    char *words[] = {name, interface, NULL};
    memcpy(interface, config->interface, sizeof interface);
    settings_read(s, 2, words, error, sizeof error); /* defaults */
    s->mode = load->manner == CROWD_TAKES_SYNC ? LOAD_NEGOTIATED : LOAD_HYBRID;
    s->transport = config->transport;
    s->domain = config->domain;
    s->clients = load->clients;
    s->seconds = load->seconds;
    s->quiet = true;
    if (config->transport == PACKET_UDPV4) {
        s->first_address = CROWD_NETWORK;
        s->address_count = CROWD_SIZE;
    }
    s->closed_loop = load->manner == CROWD_ASKS;
    s->rate_hz = load->manner == CROWD_TAKES_SYNC ? 1 : 2;
    s->timeout_ns = TIMEOUT_NS;
    s->grants.log_interval[GRANT_SYNC] = -6; /* CROWD_SYNC_MESSAGES_HZ */
    s->grants.log_interval[GRANT_DELAY_RESP] = 0;
}

static uint64_t received(const struct stream_counts *c)
{
    return c->expected > c->missing ? c->expected - c->missing : 0;
}

static int run(const struct crowd_config *config, const struct crowd_load *load, struct round *round,
               char *error, int error_size)
{
    static const atomic_bool stop;
    struct load_settings s;
    struct load_result *r = malloc(sizeof *r);
    if (!r)
        abort();
    settings_of(config, load, &s);
    const int result = load_campaign(&s, &stop, r, error, error_size);
    if (result == 0) {
        const bool unicast = load->manner == CROWD_TAKES_SYNC;
        *round = (struct round){
            .seconds = r->seconds,
            .answers = r->good.answered + r->good.late,
            .syncs = unicast ? received(&r->sync.counts) : 0,
            .announces = unicast ? received(&r->announce.counts) : 0,
        };
    }
    free(r);
    return result;
}

static void serve(const struct crowd_config *config, int fd)
{
    struct task task;
    while (recv(fd, &task, sizeof task, 0) == sizeof task) {
        struct outcome out = {.failed = false};
        const int result = task.set_up ? set_up(config, out.error, sizeof out.error)
                                       : run(config, &task.load, &out.round, out.error, sizeof out.error);
        out.failed = result < 0;
        if (send(fd, &out, sizeof out, MSG_NOSIGNAL) < 0)
            return;
    }
}

static _Noreturn void be_crowd(const struct crowd_config *config, int fd)
{
    struct outcome out = {.failed = false};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sched_setaffinity(0, sizeof config->cores, &config->cores);
    out.failed = stage_enter(out.error, sizeof out.error) < 0;
    if (send(fd, &out, sizeof out, MSG_NOSIGNAL) == sizeof out && !out.failed)
        serve(config, fd);
    _exit(0);
}

/* --- its owner ------------------------------------------------------------------------------------- */

static int await(struct crowd *c, double patience_s, struct round *round, char *error, int error_size)
{
    struct outcome out;
    const struct timeval patience = {.tv_sec = (time_t)patience_s};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const ssize_t len = recv(c->fd, &out, sizeof out, 0);
    if (len == sizeof out && !out.failed) {
        *round = out.round;
        return 0;
    }
    snprintf(error, (size_t)error_size, "clients: %s", len == sizeof out ? out.error : "no sign of life");
    return -1;
}

static int command(struct crowd *c, const struct task *task, struct round *round, char *error, int error_size)
{
    if (send(c->fd, task, sizeof *task, MSG_NOSIGNAL) < 0) {
        snprintf(error, (size_t)error_size, "clients: %s", strerror(errno));
        return -1;
    }
    return await(c, PATIENCE_S + task->load.seconds, round, error, error_size);
}

int crowd_start(const struct crowd_config *config, struct crowd *c, char *error, int error_size)
{
    int fds[2];
    struct round none;
    *c = (struct crowd){.fd = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 || (c->process = fork()) < 0) {
        snprintf(error, (size_t)error_size, "clients: %s", strerror(errno));
        return -1;
    }
    if (c->process == 0) {
        close(fds[0]);
        be_crowd(config, fds[1]);
    }
    close(fds[1]);
    c->fd = fds[0];
    if (await(c, PATIENCE_S, &none, error, error_size) == 0)
        return 0;
    crowd_stop(c);
    return -1;
}

int crowd_set_up(struct crowd *c, char *error, int error_size)
{
    struct round none;
    const struct task task = {.set_up = true};
    return command(c, &task, &none, error, error_size);
}

int crowd_run(struct crowd *c, const struct crowd_load *load, struct round *round, char *error,
              int error_size)
{
    struct round counted;
    const struct task task = {.load = *load};
    if (command(c, &task, &counted, error, error_size) < 0)
        return -1;
    round->seconds = counted.seconds;
    round->answers = counted.answers;
    round->syncs = counted.syncs;
    round->announces = counted.announces;
    return 0;
}

void crowd_stop(struct crowd *c)
{
    close(c->fd);
    kill(c->process, SIGKILL);
    waitpid(c->process, NULL, 0);
    c->process = 0;
}
