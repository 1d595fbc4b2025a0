/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/net/workers.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gmd/loop.h"
#include "gmd/net/answer.h"
#include "gmd/net/bpf/response.h"
#include "gmd/net/bpf_objects.h"
#include "gmd/net/ingress.h"

struct worker {
    struct workers *all;
    struct transport *transport;
    pthread_t thread;
    bool runs;
    uint64_t unanswered;                            /* other threads read it */
    struct kernel_client *clients[TRANSPORT_BATCH]; /* of the answers */
    struct frame_out answers[TRANSPORT_BATCH];
};

struct workers {
    struct guard *guard;
    struct kernel_port *port;
    struct bpf_object *object;
    struct ingress ingress;
    int stop; /* is readable when the threads are to end; -1: none */
    bool stopping;
    unsigned count;
    struct worker workers[];
};

/* --- a thread ------------------------------------------------------------------------------------------ */

static bool is_request(const struct received *r)
{
    return r->frame.len >= REQUEST_BYTES && (r->frame.bytes[0] & 0x0F) == DELAY_REQ;
}

/* False: there is no time to answer with. */
static bool to_clock(const struct kernel_answer *a, const struct received *r, __u64 *clock_ns)
{
    __s64 shown_ns;
    if (!r->stamp.present || !kernel_line_at(&a->line, r->stamp.ns + a->socket_lag_ns, &shown_ns))
        return false;
    *clock_ns = (__u64)(shown_ns - a->ingress_latency_ns);
    return true;
}

static bool compose(const struct kernel_port *p, const struct kernel_answer *a, const struct kernel_client *c,
                    const struct received *r, struct frame_out *out)
{
    struct message_head request;
    __u64 clock_ns;
    if (!c || !is_request(r) || !to_clock(a, r, &clock_ns))
        return false;
    memcpy(&request, r->frame.bytes, sizeof(request));
    const __s8 log_interval = r->frame.multicast
                                  ? (__s8)a->log_min_delay_req_interval
                                  : __atomic_load_n(&c->log_message_interval, __ATOMIC_RELAXED);
    const struct response m = respond(p, &request, r->frame.multicast, log_interval, clock_ns);
    out->channel = CHANNEL_GENERAL;
    out->destination = r->frame.multicast ? DEST_PRIMARY_MULTICAST : DEST_UNICAST;
    out->to = r->frame.from;
    out->from = r->frame.to;
    out->len = RESPONSE_BYTES;
    memcpy(out->bytes, &m, RESPONSE_BYTES);
    return true;
}

static void conclude(struct worker *w, unsigned received, unsigned composed, const int *results)
{
    unsigned answered = 0;
    for (unsigned i = 0; i < composed; i++)
        if (results[i] == 0) {
            __atomic_fetch_add(&w->clients[i]->answered, 1, __ATOMIC_RELAXED);
            answered++;
        }
    __atomic_fetch_add(&w->all->port->counts.answered, answered, __ATOMIC_RELAXED);
    __atomic_store_n(&w->unanswered, w->unanswered + received - answered, __ATOMIC_RELAXED);
}

static void serve(struct worker *w, const struct received *frames, unsigned count)
{
    const struct workers *all = w->all;
    struct kernel_answer answer;
    int results[TRANSPORT_BATCH];
    unsigned n = 0;
    const bool may = answer_get(all->port, loop_now(), &answer);
    for (unsigned i = 0; may && i < count; i++) {
        w->clients[n] = guard_kernel_client(all->guard, frames[i].mark - 1);
        n += compose(all->port, &answer, w->clients[n], &frames[i], &w->answers[n]);
    }
    if (n > 0)
        w->transport->ops->send(w->transport, w->answers, n, results);
    conclude(w, count, n, results);
}

#define NICER 5

/* The daemon sends Sync and Announce: where they share a core, no flood of requests may keep it from that. On
 * Linux, all of this is the calling thread's. */
static void give_way(void)
{
    struct sched_param p = {.sched_priority = 0};
    sched_getparam(0, &p);
    if (p.sched_priority-- > sched_get_priority_min(sched_getscheduler(0)))
        sched_setparam(0, &p);
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER);
}

static void *run(void *ctx)
{
    struct worker *w = ctx;
    struct received *frames;
    struct pollfd waits[] = {{.fd = w->transport->fds[FD_EVENT], .events = POLLIN},
                             {.fd = w->all->stop, .events = POLLIN}};
    give_way();
    while (!__atomic_load_n(&w->all->stopping, __ATOMIC_RELAXED)) {
        const unsigned count = w->transport->ops->receive(w->transport, TRANSPORT_BATCH, &frames);
        if (count > 0)
            serve(w, frames, count);
        else
            poll(waits, 2, -1);
    }
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------------- */

/* Signals are the daemon's. */
static int start(struct worker *w)
{
    sigset_t all, before;
    char name[16];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->runs = error == 0;
    snprintf(name, sizeof(name), "gmd-worker-%u", (unsigned)(w - w->all->workers));
    if (w->runs)
        pthread_setname_np(w->thread, name);
    return -error;
}

static int load(struct workers *w, const struct guard *g)
{
    w->object = bpf_file_open(&bpf_workers);
    if (!w->object)
        return -errno;
    const int error = guard_share(g, w->object);
    return error ? error : bpf_object__load(w->object);
}

static int hire(struct workers *w, const struct transport *t, char *why, int why_size)
{
    const int sockets = bpf_object__find_map_fd_by_name(w->object, "sockets");
    for (uint32_t i = 0; i < w->count; i++) {
        struct worker *one = &w->workers[i];
        one->all = w;
        one->transport = t->ops->open_worker(t, why, why_size);
        if (!one->transport)
            return -1;
        const uint64_t fd = (uint64_t)one->transport->fds[FD_EVENT];
        int error = bpf_map_update_elem(sockets, &i, &fd, BPF_ANY) < 0 ? -errno : 0;
        error = error ? error : start(one);
        if (error) {
            snprintf(why, (size_t)why_size, "%s", bpf_reason(error));
            return error;
        }
    }
    return 0;
}

/* Last, when there is somebody to hand out to. */
static int attach(struct workers *w, int ifindex, char *why, int why_size)
{
    const int program = bpf_program__fd(bpf_object__find_program_by_name(w->object, "hand_out"));
    w->port->workers = (uint8_t)w->count;
    const int error = ingress_attach(&w->ingress, program, ifindex, INGRESS_WORKERS);
    if (error)
        snprintf(why, (size_t)why_size, "%s", bpf_reason(error));
    return error;
}

struct workers *workers_open(struct guard *g, const struct workers_config *c, const struct transport *t,
                             char *why, int why_size)
{
    if (!t->ops->open_worker) {
        snprintf(why, (size_t)why_size, "only over UDP");
        return NULL;
    }
    struct workers *w = calloc(1, sizeof(*w) + c->count * sizeof(w->workers[0]));
    if (!w) {
        snprintf(why, (size_t)why_size, "%s", strerror(ENOMEM));
        return NULL;
    }
    w->guard = g;
    w->port = guard_kernel_port(g, c->port);
    w->count = c->count;
    w->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int error = w->stop < 0 ? -errno : load(w, g);
    if (error)
        snprintf(why, (size_t)why_size, "%s", bpf_reason(error));
    if (!error && hire(w, t, why, why_size) == 0 && attach(w, c->ifindex, why, why_size) == 0)
        return w;
    workers_close(w);
    return NULL;
}

void workers_close(struct workers *w)
{
    if (!w)
        return;
    ingress_detach(&w->ingress);
    __atomic_store_n(&w->stopping, true, __ATOMIC_RELAXED);
    if (w->stop >= 0)
        eventfd_write(w->stop, 1);
    for (unsigned i = 0; i < w->count; i++) {
        if (w->workers[i].runs)
            pthread_join(w->workers[i].thread, NULL);
        if (w->workers[i].transport)
            w->workers[i].transport->ops->close(w->workers[i].transport);
    }
    if (w->stop >= 0)
        close(w->stop);
    bpf_object__close(w->object);
    free(w);
}

struct workers_counts workers_count(struct workers *w)
{
    struct workers_counts n = {0};
    for (unsigned i = 0; i < w->count; i++) {
        struct transport *t = w->workers[i].transport;
        t->ops->count_drops(t);
        n.queue_lost += t->counters.rx_dropped;
        n.unanswered += __atomic_load_n(&w->workers[i].unanswered, __ATOMIC_RELAXED);
    }
    return n;
}
