/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd.conf: one typed table of every option (options.c), the profiles as data (profiles.c), and the values in
 * force with where each came from. */
#ifndef GMD_CONF_CONF_H
#define GMD_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_PORTS_MAX 8
#define CONF_STR_MAX   108
#define CONF_ERROR_MAX 512

/* rows of the option tables, at most (asserted in options.c) */
#define CONF_OPTIONS_MAX      160
#define CONF_PORT_OPTIONS_MAX 32

enum conf_transport { CONF_UDPV4, CONF_UDPV6, CONF_ETHERNET };
enum conf_timestamping { CONF_STAMP_AUTO, CONF_STAMP_HARDWARE, CONF_STAMP_SOFTWARE };
enum conf_clock { CONF_CLOCK_AUTO, CONF_CLOCK_PHC, CONF_CLOCK_SYSTEM, CONF_CLOCK_LOGICAL };
enum conf_receiver { CONF_RECEIVER_GPSD, CONF_RECEIVER_SIMULATED };
enum conf_pulse { CONF_PULSE_EXTTS, CONF_PULSE_PPS, CONF_PULSE_SIMULATED, CONF_PULSE_NONE };
/* as enum oscillator_class of holdover/ numbers them */
enum conf_oscillator {
    CONF_OSCILLATOR_AUTO,
    CONF_OSCILLATOR_NIC,
    CONF_OSCILLATOR_TCXO,
    CONF_OSCILLATOR_OCXO,
    CONF_OSCILLATOR_OCXO_HQ,
    CONF_OSCILLATOR_RUBIDIUM,
};
enum conf_edge { CONF_EDGE_RISING, CONF_EDGE_FALLING };
enum conf_fast_path { CONF_FAST_NONE, CONF_FAST_AUTO, CONF_FAST_XDP };
enum conf_delay_mechanism { CONF_E2E = 1, CONF_P2P = 2 }; /* as IEEE 1588 numbers them */

/* where a value came from */
enum conf_origin { CONF_DEFAULT, CONF_PROFILE, CONF_FILE };

/* A source of pulses: pulse = { ... }; second_pulse = { ... }; */
struct conf_pulse_source {
    int type; /* enum conf_pulse; NONE only of the second */
    char device[CONF_STR_MAX];
    int pin;
    int channel;
    int edge;
    int width_ms; /* 0: not known */
    double offset_ns;
    double cable_m;
    double cable_ns_per_m;
    double noise_ns;
    bool sawtooth;
};

/* ports = ( { interface = "eth1"; ... }, ... ) */
struct conf_port {
    char interface[CONF_STR_MAX];
    int transport;       /* enum conf_transport */
    int timestamping;    /* enum conf_timestamping */
    int delay_mechanism; /* enum conf_delay_mechanism */
    bool two_step;       /* twoStepFlag of Sync; false: the NIC writes the time into it */
    int log_sync_interval;
    int log_min_delay_req_interval;
    int ingress_latency_ns;
    int egress_latency_ns;
    int tx_timestamp_timeout_ms;
    int dscp_event;
    int dscp_general;
    int vlan_priority; /* socket priority, mapped by the VLAN's egress-qos-map; -1: leave */
    int udp_ttl;
};

struct conf {
    struct {
        char profile[CONF_STR_MAX];
        int domain;
        int sdo_id;
        int priority1;
        int priority2;
        char clock_identity[CONF_STR_MAX]; /* "" from the first port's MAC address */
        int log_announce_interval;
        int announce_receipt_timeout;
        bool serve_before_lock;
    } ptp;
    struct {
        int type; /* enum conf_clock */
        char device[CONF_STR_MAX];
    } clock;
    struct {
        int type; /* enum conf_receiver */
        char host[CONF_STR_MAX];
        char port[CONF_STR_MAX];
        char device[CONF_STR_MAX];
        double silent_s;
        double unvouched_s;
        int agreeing_messages;
        int min_satellites;
        double time_accuracy_ns;
        double position_moved_m;
    } receiver;
    struct conf_pulse_source pulse, second_pulse;
    struct {
        double missing_s;
        double disagreement_ns;
    } pulses;
    struct {
        char file[CONF_STR_MAX];
        int utc_offset; /* 0: none configured */
    } leap;
    struct {
        int oscillator; /* enum conf_oscillator */
        double lock_threshold_ns;
        int lock_pulses;
        double unlock_threshold_ns;
        int reacquire_pulses;
        int overrule_pulses;
        double step_above_ns;
        double max_slew_ppb;
        double systematic_ns;
        double jump_threshold_ns;
        double freeze_s;
        double holdover_limit_ns;
        double holdover_limit_s;
        int out_of_spec_class;
        char memory[CONF_STR_MAX];           /* "": none */
        char temperature_file[CONF_STR_MAX]; /* "": no sensor */
    } holdover;
    struct {             /* the receiver and oscillator of `make run`; used where a type is "simulated" */
        bool oscillator; /* put a simulated bad oscillator under the logical clock */
        double oscillator_ppb;
        double oscillator_offset_s;
        double oscillator_wander_ppb;
        double pulse_jitter_ns;
        double pulse_sawtooth_ns;
        int message_latency_ms;
        int seed;
    } simulation;
    struct {
        int max;
        int max_per_address;
        double idle_s;
        int capacity;
        int log_interval_max;
        bool sptp;
        bool guard;
        int fast_path; /* enum conf_fast_path */
        int workers;   /* of each port */
    } clients;
    struct {
        bool negotiate;
        bool only;
        int duration_max_s;
        int log_interval_min;
        bool withdraw_at_handover;
        bool withdraw_out_of_spec;
    } unicast;
    struct {
        char socket[CONF_STR_MAX];
    } control;
    struct {
        bool follow;
        double step_threshold_s;
        double step_later_s;
        double max_slew_ppb;
    } host_clock;
    struct {
        char socket[CONF_STR_MAX]; /* of pmc; "": none */
        bool network;
        char user_description[CONF_STR_MAX];
    } management;
    int port_count;
    struct conf_port ports[CONF_PORTS_MAX];
    /* enum conf_origin of each value, by its row in the option table, ports apart. See conf_print. */
    uint8_t origin[CONF_OPTIONS_MAX];
    uint8_t port_origin[CONF_PORTS_MAX][CONF_PORT_OPTIONS_MAX];
};

/* clockClass while locked, in holdover within specification, and before the first lock. Beyond specification:
 * holdover.out_of_spec_class. */
struct conf_classes {
    uint8_t locked, holdover, free_run;
};

/* Of a profile's name; an unknown one has the usual ones. */
struct conf_classes conf_profile_classes(const char *profile);

/* Every default in force, the default profile, no ports. */
void conf_defaults(struct conf *c);

/* Reads and checks a whole file. 0, or -1 with *all* complaints in errors, one a line (no newline after the
 * last), each
 *   FILE:LINE: KEY: what was found, what was expected
 * and a last line that counts those for which errors_size had no room. *c is untouched on failure. Relative
 * names of @include are looked up beside the file. */
int conf_load(const char *file, struct conf *c, char *errors, size_t errors_size);

/* Every value in force, one a line, as a gmd.conf that loads to the same values, with the origin as a
 * comment: ptp = { domain = 127; # profile st2059-2 */
void conf_print(const struct conf *c, FILE *out);

/* gmd --help-config: every option with type, range, unit, default and its line of help. */
void conf_help(FILE *out);
/* The same as mdoc for the man page gmd.conf(5); make inserts it. */
void conf_help_mdoc(FILE *out);

#endif
