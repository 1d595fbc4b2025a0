/* SPDX-License-Identifier: BSD-2-Clause */
/* The one table of every option. A row here is all that a new option needs: reading, checking, printing, help
 * and the man page follow from it. */
#include <assert.h>
#include <ctype.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "conf/option.h"

static const char *const clock_words[] = {"auto", "phc", "system", "logical", NULL};
static const char *const receiver_words[] = {"gpsd", "simulated", NULL};
static const char *const first_pulse_words[] = {"extts", "pps", "simulated", NULL};
static const char *const pulse_words[] = {"extts", "pps", "simulated", "none", NULL};
static const char *const oscillator_words[] = {"auto", "nic", "tcxo", "ocxo", "ocxo-hq", "rubidium", NULL};
static const char *const fast_path_words[] = {"none", "auto", "xdp", NULL};
static const char *const edge_words[] = {"rising", "falling", NULL};
static const char *const transport_words[] = {"udpv4", "udpv6", "ethernet", NULL};
static const char *const timestamping_words[] = {"auto", "hardware", "software", NULL};
static const char *const delay_mechanism_words[] = {"e2e", "p2p", NULL};

/* What the kernel takes as the name of an interface (dev_valid_name). */
static bool valid_interface(const char *s)
{
    if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
        return false;
    return strpbrk(s, "/: \t") == NULL;
}

/* "" or 8 octets in hex; the separators of pmc (001122.fffe.334455) and of others are welcome. */
static bool valid_clock_identity(const char *s)
{
    unsigned digits = 0, zeros = 0, ones = 0;

    for (const char *p = s; *p; p++) {
        if (isxdigit((unsigned char)*p)) {
            digits++;
            zeros += *p == '0';
            ones += *p == 'f' || *p == 'F';
        } else if (!strchr(".:-", *p)) {
            return false;
        }
    }
    /* all zeros and all ones are not identities: the latter is the wildcard of management messages */
    return *s == '\0' || (digits == 16 && zeros < 16 && ones < 16);
}

/* S is struct conf or struct conf_port; F the member, which is the option's name too. */
#define ROW(S, F, TYPE) .name = #F, .type = OPTION_##TYPE, .offset = offsetof(struct S, F)
#define BOOL(S, F, DEFAULT, HELP)                                                                            \
    {                                                                                                        \
        ROW(S, F, BOOL), .number = (DEFAULT), .max = 1, .unit = "", .help = (HELP)                           \
    }
#define NUMBER(S, F, TYPE, DEFAULT, MIN, MAX, UNIT, HELP)                                                    \
    {                                                                                                        \
        ROW(S, F, TYPE), .number = (DEFAULT), .min = (MIN), .max = (MAX), .unit = (UNIT), .help = (HELP)     \
    }
#define INT(S, F, DEFAULT, MIN, MAX, UNIT, HELP)    NUMBER(S, F, INT, DEFAULT, MIN, MAX, UNIT, HELP)
#define DOUBLE(S, F, DEFAULT, MIN, MAX, UNIT, HELP) NUMBER(S, F, DOUBLE, DEFAULT, MIN, MAX, UNIT, HELP)
/* an enum's last value: WORDS ends with NULL */
#define LAST(FIRST, WORDS) ((FIRST) + (int)(sizeof(WORDS) / sizeof((WORDS)[0])) - 2)
#define ENUM(S, F, DEFAULT, FIRST, WORDS, HELP)                                                              \
    {                                                                                                        \
        ROW(S, F, ENUM), .number = (DEFAULT), .min = (FIRST), .max = LAST(FIRST, WORDS), .unit = "",         \
                         .words = (WORDS), .help = (HELP)                                                    \
    }
/* A string of MIN..MAX characters; what may follow are .words, .valid and .syntax. */
#define STRING(S, F, DEFAULT, MIN, MAX, HELP, ...)                                                           \
    {                                                                                                        \
        ROW(S, F, STRING), .text = (DEFAULT), .min = (MIN), .max = (MAX), .unit = "", .help = (HELP),        \
                           __VA_ARGS__                                                                       \
    }
#define TEXT_MAX (CONF_STR_MAX - 1)

/* The rows of one struct conf_pulse_source, the member G. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member has none */
#define PULSE_SOURCE(G, TYPE, WORDS, HELP)                                                                   \
    ENUM(conf, G.type, TYPE, CONF_PULSE_EXTTS, WORDS, HELP),                                                 \
        STRING(conf, G.device, "", 0, TEXT_MAX, "empty: the clock's own PHC (extts), /dev/pps0 (pps)"),      \
        INT(conf, G.pin, 0, -1, 255, "",                                                                     \
            "pin of the PHC that takes the pulse (extts); -1: leave the pins alone"),                        \
        INT(conf, G.channel, 0, 0, 255, "", "external time stamp channel of the PHC (extts)"),               \
        ENUM(conf, G.edge, CONF_EDGE_RISING, CONF_EDGE_RISING, edge_words,                                   \
             "the edge that marks the second"),                                                              \
        INT(conf, G.width_ms, 0, 0, 999, "ms",                                                               \
            "width of the pulse, for NICs that stamp both edges; 0: found out where it can be"),             \
        DOUBLE(conf, G.offset_ns, 0, -5e8, 5e8, "ns", "the pulse arrives so much late: receiver, NIC"),      \
        DOUBLE(conf, G.cable_m, 0, 0, 10000, "m", "length of the cables from antenna to pulse input"),       \
        DOUBLE(conf, G.cable_ns_per_m, 5.05, 3.3, 10, "ns/m", "their delay; 5.05: solid polyethylene"),      \
        DOUBLE(conf, G.noise_ns, 20, 0.1, 1e6, "ns", "expected noise of a pulse's time stamp, 1 sigma"),     \
        BOOL(conf, G.sawtooth, true,                                                                         \
             "the receiver's sawtooth corrections (UBX-TIM-TP) are about this pulse")
/* NOLINTEND(bugprone-macro-parentheses) */

const struct option conf_options[] = {
    STRING(conf, ptp.profile, "st2059-2", 1, TEXT_MAX, "PTP profile: its defaults and its limits",
           .words = conf_profile_words),
    INT(conf, ptp.domain, 0, 0, 255, "", "PTP domain number"),
    INT(conf, ptp.sdo_id, 0, 0, 4095, "", "sdoId: majorSdoId * 256 + minorSdoId"),
    INT(conf, ptp.priority1, 128, 0, 255, "", "first rank in the election of the grandmaster, lower wins"),
    INT(conf, ptp.priority2, 128, 0, 255, "", "rank among grandmasters of equal quality, lower wins"),
    STRING(conf, ptp.clock_identity, "", 0, TEXT_MAX,
           "clockIdentity; empty: from the first port's MAC address", .valid = valid_clock_identity,
           .syntax = "8 octets in hex such as \"001122.fffe.334455\""),
    INT(conf, ptp.log_announce_interval, 1, -7, 7, "log2 s",
        "interval of Announce; the same in the whole domain"),
    INT(conf, ptp.announce_receipt_timeout, 3, 2, 255, "intervals",
        "missing Announces until a master is given up"),
    BOOL(conf, ptp.serve_before_lock, false, "announce and serve before the clock was locked once"),

    ENUM(conf, clock.type, CONF_CLOCK_AUTO, CONF_CLOCK_AUTO, clock_words,
         "clock to serve from; auto: the first port's PHC, without one a logical clock"),
    STRING(conf, clock.device, "", 0, TEXT_MAX, "PHC such as /dev/ptp0; empty: the first port's"),

    ENUM(conf, receiver.type, CONF_RECEIVER_GPSD, CONF_RECEIVER_GPSD, receiver_words,
         "who tells the time of day"),
    STRING(conf, receiver.host, "localhost", 1, TEXT_MAX, "host of gpsd"),
    STRING(conf, receiver.port, "2947", 1, 31, "TCP port of gpsd"),
    STRING(conf, receiver.device, "", 0, TEXT_MAX, "the one device of gpsd to listen to; empty: all"),
    DOUBLE(conf, receiver.silent_s, 5, 1, 3600, "s", "no message for so long: the receiver is silent"),
    DOUBLE(conf, receiver.unvouched_s, 60, 0, 86400, "s",
           "pulses are used so long without a word on the fix"),
    INT(conf, receiver.agreeing_messages, 3, 2, 100, "messages",
        "consecutive agreeing messages that number a pulse"),
    INT(conf, receiver.min_satellites, 1, 0, 64, "",
        "with fewer in use the receiver is not believed; 0: not looked at"),
    DOUBLE(conf, receiver.time_accuracy_ns, 1000, 0, 1e9, "ns",
           "beyond this estimate of its own it is not believed; 0: not looked at"),
    DOUBLE(conf, receiver.position_moved_m, 0, 0, 1e7, "m",
           "a fixed site that moves farther is not believed; 0: not a fixed site"),

    PULSE_SOURCE(pulse, CONF_PULSE_EXTTS, first_pulse_words,
                 "who stamps the pulse: extts: a PHC; pps: the kernel (PPSAPI)"),
    PULSE_SOURCE(second_pulse, CONF_PULSE_NONE, pulse_words,
                 "a second source of pulses, which watches the first and stands in for it"),
    DOUBLE(conf, pulses.missing_s, 2, 1, 3600, "s", "no pulse for so long: holdover"),
    DOUBLE(conf, pulses.disagreement_ns, 1000, 10, 1e8, "ns",
           "two sources that differ by more raise an alarm"),

    STRING(conf, leap.file, "/usr/share/zoneinfo/leap-seconds.list", 0, TEXT_MAX,
           "leap second table; empty: none"),
    INT(conf, leap.utc_offset, 0, 0, 255, "s", "TAI - UTC where nothing else tells it; 0: not configured"),

    ENUM(conf, holdover.oscillator, CONF_OSCILLATOR_AUTO, CONF_OSCILLATOR_AUTO, oscillator_words,
         "what keeps time; auto: learned from the pulses"),
    DOUBLE(conf, holdover.lock_threshold_ns, 200, 1, 1e6, "ns", "locked when the offset stays below it"),
    INT(conf, holdover.lock_pulses, 5, 1, 3600, "pulses", "for so many pulses in a row"),
    DOUBLE(conf, holdover.unlock_threshold_ns, 10000, 10, 1e8, "ns",
           "filtered offset above which lock is lost"),
    INT(conf, holdover.reacquire_pulses, 10, 1, 3600, "pulses", "agreeing pulses that end holdover"),
    INT(conf, holdover.overrule_pulses, 60, 3, 3600, "pulses",
        "pulses that agree with each other, not with the clock: then they are believed"),
    DOUBLE(conf, holdover.step_above_ns, 0, 0, 1e9, "ns",
           "coming back, a larger error is stepped away; 0: never, slew"),
    DOUBLE(conf, holdover.max_slew_ppb, 50, 1, 1e5, "ppb", "phase is corrected no faster once locked"),
    DOUBLE(conf, holdover.systematic_ns, 30, 0, 1e6, "ns", "uncertainty that no averaging removes"),
    DOUBLE(conf, holdover.jump_threshold_ns, 100000, 1000, 1e9, "ns",
           "a larger jump of the clock was made by somebody else"),
    DOUBLE(
        conf, holdover.freeze_s, 20, 0, 3600, "s",
        "a receiver suspected for longer is holdover; until then its pulses are not used, the class stays"),
    DOUBLE(conf, holdover.holdover_limit_ns, 1000, 10, 1e9, "ns",
           "error bound that ends holdover in specification"),
    DOUBLE(conf, holdover.holdover_limit_s, 0, 0, 2592000, "s",
           "so long without lock ends it too, whichever comes first; 0: only the error bound does"),
    INT(conf, holdover.out_of_spec_class, 187, 7, 248, "",
        "clockClass from then on: 52 never slaves, 187 may"),
    STRING(conf, holdover.memory, "/var/lib/gmd/oscillator", 0, TEXT_MAX,
           "what was learned of the oscillator, kept over a restart; empty: not kept"),
    STRING(conf, holdover.temperature_file, "", 0, TEXT_MAX,
           "sensor near the oscillator, such as a hwmon's temp1_input (1/1000 degree Celsius); empty: none"),

    BOOL(conf, simulation.oscillator, false, "put a simulated bad oscillator under the logical clock"),
    DOUBLE(conf, simulation.oscillator_ppb, 25000, -5e5, 5e5, "ppb", "its frequency error"),
    DOUBLE(conf, simulation.oscillator_offset_s, 1.2, -86400, 86400, "s", "its error at the start"),
    DOUBLE(conf, simulation.oscillator_wander_ppb, 0.05, 0, 100, "ppb/sqrt(s)",
           "random walk of its frequency"),
    DOUBLE(conf, simulation.pulse_jitter_ns, 20, 0, 1e6, "ns", "white noise of the simulated pulse, 1 sigma"),
    DOUBLE(conf, simulation.pulse_sawtooth_ns, 10, 0, 1e6, "ns", "its sawtooth, plus and minus"),
    INT(conf, simulation.message_latency_ms, 120, 0, 999, "ms",
        "the simulated receiver's message follows its second by"),
    INT(conf, simulation.seed, 1, 0, INT_MAX, "", "seed of all that is random in it"),

    BOOL(conf, host_clock.follow, false,
         "keep CLOCK_REALTIME on the served clock's UTC; run no other time daemon then"),
    DOUBLE(conf, host_clock.step_threshold_s, 0.00002, 0, 1e9, "s",
           "at the start a larger error is stepped away; 0: never"),
    DOUBLE(conf, host_clock.step_later_s, 0, 0, 1e9, "s", "the same at any later time; 0: never, slew"),
    DOUBLE(conf, host_clock.max_slew_ppb, 10000, 1, 400000, "ppb", "its phase is corrected no faster"),

    INT(conf, clients.max, 16384, 16, 65000, "clients", "clients that are remembered, some 250 bytes each"),
    INT(conf, clients.max_per_address, 64, 1, 65000, "clients", "of these, with one source address"),
    DOUBLE(conf, clients.idle_s, 300, 10, 86400, "s",
           "silent for so long, a client gives way to a new one when there is no other room"),
    INT(conf, clients.capacity, 50000, 100, 10000000, "1/s",
        "answers to requests and unicast Sync and Announce, together, that are sent at most, those of "
        "fast_path and workers as well; gmd --calibrate measures the daemon's own"),
    INT(conf, clients.log_interval_max, 5, -7, 7, "log2 s",
        "under load the least interval of Delay_Req may be announced and granted up to here"),
    BOOL(conf, clients.sptp, false,
         "answer the client-driven exchange (SPTP) over UDP, at the port that asked"),
    BOOL(conf, clients.guard, true,
         "where it may, the kernel enforces the clients' rates before the receive queues (needs CAP_BPF, "
         "CAP_PERFMON)"),
    ENUM(
        conf, clients.fast_path, CONF_FAST_AUTO, CONF_FAST_NONE, fast_path_words,
        "known clients' Delay_Req are answered by the kernel; auto: by the guard at the interface's ingress, "
        "unless there are workers; xdp: in the NIC's driver (rights as for guard, and CAP_NET_ADMIN)"),
    INT(conf, clients.workers, 0, 0, 16, "threads",
        "for each port: they answer known clients' Delay_Req over UDP beside the daemon (rights as for "
        "fast_path)"),

    BOOL(conf, unicast.negotiate, false,
         "grant unicast Announce, Sync and Delay_Resp on request (clause 16.1), as the profile permits"),
    BOOL(conf, unicast.only, false,
         "send nothing by multicast and hear nothing that comes so: all by negotiation"),
    INT(conf, unicast.log_interval_min, -7, -7, 4, "log2 s",
        "shortest interval that any client is granted; the profile may have a longer one"),
    INT(conf, unicast.duration_max_s, 3600, 10, 86400, "s",
        "longest grant; none is shorter than 10 s (g8265.1 and g8275.2: 60, custom: 1)"),
    BOOL(conf, unicast.withdraw_at_handover, true,
         "cancel all grants when another grandmaster takes over or time is not served"),
    BOOL(conf, unicast.withdraw_out_of_spec, false, "cancel all grants when out of specification"),

    STRING(conf, control.socket, "/run/gmd/control", 1, TEXT_MAX, "UNIX socket of gmctl"),

    STRING(conf, management.socket, "/var/run/ptp4l", 0, TEXT_MAX,
           "UNIX socket of pmc and phc2sys; empty: none"),
    BOOL(conf, management.network, true, "answer management GETs from the network, some 50 a second"),
    STRING(conf, management.user_description, "", 0, TEXT_MAX,
           "what management calls this clock: \"name;location\""),
    {.name = NULL},
};

const struct option conf_port_options[] = {
    STRING(conf_port, interface, "", 1, IFNAMSIZ - 1, "network interface", .valid = valid_interface,
           .syntax = "the name of an interface, 1..15 characters"),
    ENUM(conf_port, transport, CONF_UDPV4, CONF_UDPV4, transport_words, "what carries PTP"),
    ENUM(conf_port, timestamping, CONF_STAMP_AUTO, CONF_STAMP_AUTO, timestamping_words,
         "auto: hardware where the NIC can"),
    ENUM(conf_port, delay_mechanism, CONF_E2E, CONF_E2E, delay_mechanism_words,
         "delay request-response or peer delay"),
    BOOL(conf_port, two_step, true, "twoStepFlag of Sync; false: the NIC itself writes the time into Sync"),
    INT(conf_port, log_sync_interval, 0, -7, 7, "log2 s", "interval of Sync"),
    INT(conf_port, log_min_delay_req_interval, 0, -7, 7, "log2 s", "least interval of a client's Delay_Req"),
    INT(conf_port, ingress_latency_ns, 0, -1000000, 1000000, "ns", "subtracted from receive time stamps"),
    INT(conf_port, egress_latency_ns, 0, -1000000, 1000000, "ns", "added to transmit time stamps"),
    INT(conf_port, tx_timestamp_timeout_ms, 50, 1, 1000, "ms",
        "a later transmit time stamp is missing: one Follow_Up is not sent"),
    /* EF, AES67's class for all of PTP. AF41 (34), often seen for general messages, is its class for the
     * media: Announce and Follow_Up would queue behind the video. */
    INT(conf_port, dscp_event, 46, 0, 63, "", "DSCP of event messages"),
    INT(conf_port, dscp_general, 46, 0, 63, "", "DSCP of general messages"),
    INT(conf_port, vlan_priority, -1, -1, 7, "", "priority for the VLAN's egress-qos-map; -1: leave"),
    /* PTP ends at each boundary clock; only a plant that routes it to its clients needs more hops. */
    INT(conf_port, udp_ttl, 1, 1, 255, "hops", "time to live of multicast"),
    {.name = NULL},
};

static_assert(sizeof(conf_options) / sizeof(conf_options[0]) - 1 <= CONF_OPTIONS_MAX, "origin[]");
static_assert(sizeof(conf_port_options) / sizeof(conf_port_options[0]) - 1 <= CONF_PORT_OPTIONS_MAX,
              "port_origin[]");

const struct option *conf_option_find(const struct option *table, const char *name)
{
    for (const struct option *o = table; o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

double conf_option_number(const struct option *o, const void *base)
{
    const void *at = (const char *)base + o->offset;

    switch (o->type) {
    case OPTION_BOOL:
        return *(const bool *)at;
    case OPTION_INT:
    case OPTION_ENUM:
        return *(const int *)at;
    case OPTION_DOUBLE:
        return *(const double *)at;
    case OPTION_STRING:
        break;
    }
    return 0;
}

void conf_option_set_number(const struct option *o, void *base, double value)
{
    void *at = (char *)base + o->offset;

    switch (o->type) {
    case OPTION_BOOL:
        *(bool *)at = value != 0;
        break;
    case OPTION_INT:
    case OPTION_ENUM:
        *(int *)at = (int)value;
        break;
    case OPTION_DOUBLE:
        *(double *)at = value;
        break;
    case OPTION_STRING:
        break;
    }
}

const char *conf_option_text(const struct option *o, const void *base)
{
    return (const char *)base + o->offset;
}

void conf_option_set_text(const struct option *o, void *base, const char *text)
{
    snprintf((char *)base + o->offset, CONF_STR_MAX, "%s", text);
}

void conf_option_set_default(const struct option *o, void *base)
{
    if (o->type == OPTION_STRING)
        conf_option_set_text(o, base, o->text);
    else
        conf_option_set_number(o, base, o->number);
}
