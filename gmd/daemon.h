/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon: one machine's clock, receiver, pulses and interfaces around one grandmaster. */
#ifndef GMD_DAEMON_H
#define GMD_DAEMON_H

#include "conf/conf.h"
#include "gmd/alarms.h"
#include "gmd/clock/clock.h"
#include "gmd/grandmaster.h"
#include "gmd/host_clock_kernel.h"
#include "gmd/log.h"
#include "gmd/loop.h"
#include "gmd/memory_file.h"
#include "gmd/net/interface.h"
#include "gmd/net/transport.h"
#include "gmd/temperature.h"
#include "gnss/pulse.h"
#include "gnss/simulated.h"

/* One PTP port's foot in the network. */
struct daemon_port {
    struct daemon *daemon;
    unsigned number; /* index of conf.ports and of the instance's ports */
    struct interface_info info;
    struct transport *transport; /* NULL while there is no such interface */
    enum stamping stamping;
    char problem[160]; /* why it does not serve, or not as asked; empty when all is well */
    int watches[TRANSPORT_FDS];
    int64_t last_stamp_ns; /* monotonic: when a transmit stamp last came and could be converted */
    int64_t retry_ns;      /* next attempt to open, monotonic; INT64_MAX: none */
    struct log_limit complaint;
    struct outbox outbox;
};

/* What was done to the clock behind gmd's back. */
struct clock_notice {
    uint64_t count;
    int64_t at_ns; /* monotonic: the last one */
    char what[128];
};

/* What the clock's device answered, beyond the times it showed. */
struct clock_counters {
    uint64_t read_errors, adjust_errors, convert_errors;
    int64_t failing_since_ns;  /* monotonic; INT64_MAX while it answers */
    int64_t refusing_since_ns; /* the same for steering it */
    int64_t read_ns, clock_ns; /* the last good reading */
    /* what clock_ops.check found */
    struct clock_notice steered, disturbed;
    bool unsound; /* it does not keep time just now */
    bool gone;
    unsigned generation;
};

/* How the loop watches a receiver or a pulse source, whose descriptors may change. */
struct source_watch {
    int fd[RECEIVER_FDS], handle[RECEIVER_FDS], timer;
};

struct pulse_input {
    struct daemon *daemon;
    unsigned number;
    struct pulse *driver; /* NULL: not configured */
    struct source_watch watch;
    struct log_limit complaint;
};

/* The host's CLOCK_REALTIME, kept on the served clock where host_clock.follow asks for it. */
struct host {
    struct host_clock clock;
    int64_t refusing_since_ns; /* monotonic; INT64_MAX while the kernel does as it is told */
    int64_t off_since_ns;      /* monotonic; INT64_MAX while it is where it should be */
    int64_t idle_since_ns;     /* monotonic; INT64_MAX while it is kept */
    struct log_limit complaint;
};

struct daemon {
    struct conf conf;
    bool probe; /* gmd --check: look at everything, take nothing from a gmd that runs */
    struct loop *loop;
    struct clock *clock;
    struct clock *oscillator; /* the simulated one under the clock, or NULL */
    struct clock_counters clock_counters;
    struct simulated_gnss *simulated; /* or NULL */
    struct receiver *receiver;
    struct pulse_input pulses[PULSE_SOURCES];
    struct service *service;
    struct protection *protection; /* what the kernel does for the ports; NULL: nothing */
    struct host host;
    struct memory_file memory;
    struct temperature temperature;
    struct grandmaster gm;
    struct daemon_port ports[CONF_PORTS_MAX];
    struct alarms alarms;
    struct control *control;
    struct manage *manage;    /* NULL when probing */
    int64_t started_ns;       /* monotonic */
    int64_t started_utc_s;    /* the same for people, seconds since 1970 */
    int64_t leap_file_due_ns; /* next look at the leap-second table */
    int64_t clock_check_due_ns;
    int64_t stop_by_ns;     /* once grants are being withdrawn */
    char leap_problem[160]; /* why the table cannot be used; empty when it can */
    int tick_timer, instance_timer, sync_timer, port_timer, collect_timer;
    struct source_watch receiver_watch;
    int link_fd;
    uint64_t transitions_logged;
    enum discipline_state state_logged;
    uint8_t class_logged;
    struct log_limit clock_complaint;
    char receiver_problem_logged[160];
};

/* NULL and error filled. The daemon does not run yet; gmd --check (probe) stops here, and has no pulse source
 * where looking at it would disturb a gmd that runs. */
struct daemon *daemon_new(const struct conf *conf, bool probe, char *error, int error_size);

/* Serves until daemon_stop. Exit status. */
int daemon_run(struct daemon *d);

/* Async-signal-safe. */
void daemon_stop(void);

void daemon_free(struct daemon *d);

/* After any event: frames out, logs, next deadline. */
void daemon_settle(struct daemon *d);

#endif
