/* SPDX-License-Identifier: BSD-2-Clause */
/* Three processes. This one enters a network of its own, starts the daemon there and the clients in another
 * one at the other end of a veth pair, and reads processor times. All is gone when they are: neither the
 * host's network nor a gmd that serves on it sees anything of this, but for the load. */
#include "gmd/calibrate/calibrate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gmd/calibrate/crowd.h"

#define SERVER_ADDRESS 0xC0000201 /* 192.0.2.1 */
#define DOMAIN         127
#define CONF_PATH      "/run/gmd.conf" /* of the mount namespace, as what it names */

#define ANSWERING_ROUNDS 5
#define SYNCING_ROUNDS   3
/* Until all clients have been seen in CLIENT_PROBATION seconds, and are served as those of long standing. */
#define INTRODUCTION_S 3.2
#define SET_UP_S       1.5 /* of everything, together */
/* of the time that is left, each round */
#define ANSWERING_SHARE 0.1
#define SYNCING_SHARE   0.16

/* As many as together may ask 400,000 times a second, each within its interval of 2^-7 s. */
#define ANSWERED_CLIENTS 2048
/* Unicast Sync to so many that it takes some half of the core. */
#define SYNCING_LOAD        0.5
#define SYNCING_CLIENTS_MIN 20

#define BUSY      0.7  /* share of the core below which the clients may have been the limit */
#define LOG_SHOWN 1000 /* octets of the daemon's last words */

struct calibration {
    const struct conf *conf;
    double seconds;
    int (*serve)(const struct conf *conf);
    char near[IFNAMSIZ], far[IFNAMSIZ];
    struct stage_cores cores;
    struct crowd crowd;
    pid_t server, receiver; /* receiver: the kernel's thread */
    int log;                /* what the daemon says */
    char error[320];
};

/* --- the daemon ------------------------------------------------------------------------------------ */

static bool over_ethernet(const struct conf *c)
{
    return c->port_count > 0 && c->ports[0].transport == CONF_ETHERNET;
}

/* Serves at once, from nothing but the system's clock, which it does not touch. */
static int write_conf(const struct calibration *c)
{
    FILE *out = fopen(CONF_PATH, "we");
    if (!out)
        return -1;
    fprintf(out,
            "ptp: { profile = \"custom\"; domain = %d; log_announce_interval = -3;\n"
            "       announce_receipt_timeout = 2; serve_before_lock = true; };\n"
            "clock: { type = \"logical\"; };\n"
            "receiver: { type = \"simulated\"; };\n"
            "pulse: { type = \"simulated\"; };\n"
            "holdover: { memory = \"\"; };\n"
            "clients: { capacity = 10000000; max_per_address = 65000; guard = %s; fast_path = \"none\"; };\n"
            "unicast: { negotiate = true; };\n"
            "management: { socket = \"\"; network = false; };\n"
            "control: { socket = \"/run/control\"; };\n"
            "ports: ( { interface = \"%s\"; transport = \"%s\"; timestamping = \"software\";\n"
            "           log_min_delay_req_interval = -7; } );\n",
            DOMAIN, c->conf->clients.guard ? "true" : "false", c->near,
            over_ethernet(c->conf) ? "ethernet" : "udpv4");
    return fclose(out);
}

static _Noreturn void be_server(const struct calibration *c)
{
    static struct conf conf;
    char errors[CONF_ERROR_MAX];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    unsetenv("NOTIFY_SOCKET"); /* not the service that a service manager waits for */
    sched_setaffinity(0, sizeof c->cores.server, &c->cores.server);
    dup2(c->log, STDERR_FILENO);
    if (conf_load(CONF_PATH, &conf, errors, sizeof errors) == 0)
        _exit(c->serve(&conf));
    fprintf(stderr, "%s\n", errors);
    _exit(1);
}

static int start_server(struct calibration *c)
{
    c->log = memfd_create("gmd-log", MFD_CLOEXEC);
    if (c->log < 0 || write_conf(c) < 0 || (c->server = fork()) < 0) {
        snprintf(c->error, sizeof c->error, "the daemon: %s", strerror(errno));
        return -1;
    }
    if (c->server == 0)
        be_server(c);
    return 0;
}

static void show_log(const struct calibration *c)
{
    char text[LOG_SHOWN + 1] = "";
    const off_t end = lseek(c->log, 0, SEEK_END);
    const ssize_t len = pread(c->log, text, LOG_SHOWN, end > LOG_SHOWN ? end - LOG_SHOWN : 0);
    if (len > 0)
        fprintf(stderr, "the daemon's log:\n%.*s\n", (int)len, text);
}

/* --- the stage ------------------------------------------------------------------------------------- */

static int set_stage(struct calibration *c)
{
    char *error = c->error;
    const int size = sizeof c->error;
    struct crowd_config crowd = {.transport = over_ethernet(c->conf) ? PACKET_ETHERNET : PACKET_UDPV4,
                                 .domain = DOMAIN,
                                 .cores = c->cores.clients};
    /* by their names their threads are told from all others on this machine */
    snprintf(c->near, sizeof c->near, "gs%x", (unsigned)getpid());
    snprintf(c->far, sizeof c->far, "gc%x", (unsigned)getpid());
    memcpy(crowd.interface, c->far, sizeof c->far);
    if (stage_enter(error, size) < 0)
        return -1;
    if (crowd_start(&crowd, &c->crowd, error, size) < 0)
        return -1;
    const struct stage_network own = {SERVER_ADDRESS, CROWD_MASK};
    const struct stage_network clients = {CROWD_NETWORK, ~(CROWD_SIZE - 1u)};
    const struct stage_far far = {c->far, c->crowd.process, {0x02, 0, 0, 0, 0, 0x02}};
    if (stage_cable(c->near, &far, error, size) < 0 ||
        stage_interface(c->near, own, &c->cores.server, &c->receiver, error, size) < 0 ||
        stage_route(clients, CROWD_ADDRESS, far.mac, error, size) < 0)
        return -1;
    return crowd_set_up(&c->crowd, error, size);
}

static void clear_stage(struct calibration *c)
{
    if (c->crowd.process > 0)
        crowd_stop(&c->crowd);
    if (c->server > 0) {
        kill(c->server, SIGKILL); /* there is nothing that it would have to leave in order */
        waitpid(c->server, NULL, 0);
    }
    if (c->log >= 0)
        close(c->log);
}

/* --- rounds ---------------------------------------------------------------------------------------- */

/* Of a process, or of a thread of the kernel. */
static double processor_s(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_round(struct calibration *c, const struct crowd_load *load, struct round *r)
{
    *r = (struct round){.gmd_s = -processor_s(c->server), .receive_s = -processor_s(c->receiver)};
    if (crowd_run(&c->crowd, load, r, c->error, sizeof c->error) < 0)
        return -1;
    r->gmd_s += processor_s(c->server);
    r->receive_s += processor_s(c->receiver);
    if (waitpid(c->server, NULL, WNOHANG) == 0)
        return 0;
    c->server = 0;
    snprintf(c->error, sizeof c->error, "the daemon has ended");
    return -1;
}

static unsigned syncing_clients(const struct figures *f)
{
    const double clients = SYNCING_LOAD * f->answers_hz.median / CROWD_SYNC_MESSAGES_HZ;
    if (clients < SYNCING_CLIENTS_MIN)
        return SYNCING_CLIENTS_MIN;
    return clients < ANSWERED_CLIENTS ? (unsigned)clients : ANSWERED_CLIENTS;
}

static int run_rounds(struct calibration *c, const struct crowd_load *load, struct round *rounds,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (run_round(c, load, &rounds[i]) < 0)
            return -1;
    return 0;
}

static int measure(struct calibration *c, struct figures *f)
{
    struct round answering[ANSWERING_ROUNDS], syncing[SYNCING_ROUNDS];
    const double time_s = c->seconds - INTRODUCTION_S - SET_UP_S;
    struct crowd_load load = {CROWD_INTRODUCES_ITSELF, ANSWERED_CLIENTS, INTRODUCTION_S};
    if (run_round(c, &load, &answering[0]) < 0)
        return -1;
    load = (struct crowd_load){CROWD_ASKS, ANSWERED_CLIENTS, ANSWERING_SHARE * time_s};
    if (run_rounds(c, &load, answering, ANSWERING_ROUNDS) < 0)
        return -1;
    if (!figures_of(answering, ANSWERING_ROUNDS, NULL, 0, f)) {
        snprintf(c->error, sizeof c->error, "the daemon does not answer");
        return -1;
    }
    if (over_ethernet(c->conf)) /* unicast negotiation is UDP's */
        return 0;
    load = (struct crowd_load){CROWD_TAKES_SYNC, syncing_clients(f), SYNCING_SHARE * time_s};
    if (run_rounds(c, &load, syncing, SYNCING_ROUNDS) < 0)
        return -1;
    figures_of(answering, ANSWERING_ROUNDS, syncing, SYNCING_ROUNDS, f);
    return 0;
}

/* --- what is said ---------------------------------------------------------------------------------- */

static void print_start(const struct calibration *c)
{
    printf("gmd --calibrate: some %.0f s in a network of its own, the daemon on core %d, ", c->seconds,
           c->cores.server_core);
    if (c->cores.count == 1)
        printf("its clients on the same,\nthe only one: they disturb each other, and the result is low\n");
    else
        printf("its clients on %d other%s\n", c->cores.count - 1, c->cores.count > 2 ? "s" : "");
    fflush(stdout);
}

static void print_notes(const struct calibration *c, const struct figures *f)
{
    double load;
    if (f->busy < BUSY)
        printf(
            "note: the core was busy with it only %.0f %% of the time: the clients were too slow, or other\n"
            "programs had it%s; the result is the less exact\n",
            100 * f->busy,
            getloadavg(&load, 1) == 1 && load > c->cores.count ? " (this machine is loaded)" : "");
    if (c->conf->port_count > 0 && c->conf->ports[0].transport == CONF_UDPV6)
        printf("note: measured over IPv4, configured is IPv6\n");
    if (c->conf->clients.fast_path != CONF_FAST_NONE)
        printf("note: what the kernel answers by itself costs less; this is what gmd answers\n");
}

static void print_figures(const struct calibration *c, const struct figures *f)
{
    printf("\nDelay_Req answered  %.0f a second of one core's time (median of %d rounds, %.0f to %.0f)\n",
           f->answers_hz.median, ANSWERING_ROUNDS, f->answers_hz.least, f->answers_hz.most);
    printf("one answer          %.1f us: %.1f in gmd, %.1f in the kernel's receive path\n",
           1e6 / f->answers_hz.median, f->answer_gmd_us, f->answer_receive_us);
    if (f->sync_us > 0)
        printf("unicast Sync        %.1f us with its Follow_Up, as much as %.1f answers (two messages)\n",
               f->sync_us, f->sync_us * f->answers_hz.median / 1e6);
    print_notes(c, f);
    printf("\nclients = { capacity = %u; };\n\n", figures_capacity(f, c->conf->unicast.negotiate));
    printf(
        "That is %.0f %% of %s, to be put into gmd.conf; nothing was\n"
        "written. The rest is left to other work on the core. Measured over a veth pair with software time\n"
        "stamps: what a NIC's driver and interrupts cost, hardware time stamps and the host's firewall are\n"
        "not in it. To be sure, load gmd from a second machine: gmload(8).\n",
        100 * FIGURES_SHARE,
        c->conf->unicast.negotiate ? "the slower of both (unicast.negotiate is on)" : "the answers");
}

int calibrate_run(const struct conf *conf, double seconds, int (*serve)(const struct conf *conf))
{
    struct calibration c = {.conf = conf, .seconds = seconds, .serve = serve, .log = -1};
    struct figures f;
    int result = stage_cores(&c.cores, c.error, sizeof c.error);
    if (result == 0)
        result = set_stage(&c);
    if (result == 0) {
        print_start(&c);
        result = start_server(&c);
    }
    if (result == 0)
        result = measure(&c, &f);
    if (result == 0)
        print_figures(&c, &f);
    else
        fprintf(stderr, "gmd --calibrate: %s\n", c.error);
    if (result < 0 && c.log >= 0)
        show_log(&c);
    clear_stage(&c);
    return result == 0 ? 0 : 1;
}
