/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/metrics_table.h"

#include <stddef.h>

#include "gmd/metrics.h"

#define NANO  1e-9
#define MILLI 1e-3

#define PORT   "ports.ports[port,interface]."
#define CLIENT "clients.clients[identity=client,address,port]."
#define PULSE  "gnss.pulses[pulse]."

const char *const metrics_reports[] = {"status",  "clock", "gnss",  "holdover",      "stability", "host",
                                       "process", "rules", "ports", METRICS_CLIENTS, NULL};

/* What clients of the clock are told: FROZEN still announces what LOCKED does, REACQUIRING what holdover did.
 */
static const struct metric_word clock_states[] = {
    {"FREE_RUN", 0},         {"ACQUIRING", 0},
    {"LOCKED", 1},           {"FROZEN", 1},
    {"HOLDOVER_IN_SPEC", 2}, {"HOLDOVER_OUT_OF_SPEC", 2},
    {"REACQUIRING", 2},      {NULL, 0},
};
static const struct metric_word fixes[] = {{"none", 0}, {"2D", 2}, {"3D", 3}, {NULL, 0}};
static const struct metric_word links[] = {{"down", 0}, {"up", 1}, {NULL, 0}};
static const struct metric_word verdicts[] = {{"fail", 0}, {"pass", 1}, {NULL, 0}};

static const char *const discipline_states[] = {
    "FREE_RUN",    "ACQUIRING", "LOCKED", "FROZEN", "HOLDOVER_IN_SPEC", "HOLDOVER_OUT_OF_SPEC",
    "REACQUIRING", NULL};
static const char *const port_states[] = {"INITIALIZING", "FAULTY", "DISABLED", "LISTENING",
                                          "PRE_MASTER",   "MASTER", "PASSIVE",  "UNCALIBRATED",
                                          "SLAVE",        NULL};
static const char *const gnss_trusts[] = {"no receiver",      "no fix", "no pulse", "not to be believed",
                                          "second not known", "good",   NULL};
static const char *const budget_states[] = {"easy", "busy", "shedding", "full", NULL};

const struct metric metric_table[] = {
    {"gmd_alarm", "1 while the alarm is active.", .path = "rules.rules[name=alarm,severity].active"},
    {"gmd_alarm_raised_total", "How often the alarm was raised.",
     .path = "rules.rules[name=alarm,severity].raised"},

    {"gmd_budget_capacity_hertz", "Messages a second that may be spent on answers and unicast.",
     .path = "status.budget.capacity_hz"},
    {"gmd_budget_demand_hertz", "Requests a second within their clients' intervals, answered or not.",
     .path = "status.budget.demand_hz"},
    {"gmd_budget_fair_hertz", "Requests a second that a client may ask where capacity is short.",
     .path = "status.budget.fair_hz"},
    {"gmd_budget_headroom_ratio", "Share of the capacity that is neither used nor reserved.",
     .path = "status.budget.headroom"},
    {"gmd_budget_interval_steps",
     "Announced request intervals are longer than configured by 2 to this power.",
     .path = "status.budget.interval_steps"},
    {"gmd_budget_reserved_hertz", "Messages a second that grants reserve.",
     .path = "status.budget.reserved_hz"},
    {"gmd_budget_state", "How hard the capacity is pressed.", .path = "status.budget.state",
     .states = budget_states},
    {"gmd_budget_used_hertz", "Messages a second that were spent of late.", .path = "status.budget.used_hz"},
    {"gmd_build_info", "1; the version of gmd.", .path = "process[version]"},

    {"gmd_client_answered_total", "Requests of a top client that were answered.", .path = CLIENT "answered"},
    {"gmd_client_jitter_seconds", "Mean deviation of a top client's requests from their interval.",
     .path = CLIENT "jitter_ms", .factor = MILLI},
    {"gmd_client_last_seen_age_seconds", "Since a top client was heard last.", .path = CLIENT "last_seen_s"},
    {"gmd_client_rate_hertz", "Requests a second of a top client, over a minute.",
     .path = CLIENT "rate_60s_hz"},
    {"gmd_client_refused_total", "Requests of a top client that were refused.",
     .path = CLIENT "refused_total"},
    {"gmd_client_requests_total", "Requests of a top client.", .path = CLIENT "requests"},
    {"gmd_clients", "Clients in the table.", .path = "clients.established",
     .label = "standing=\"established\""},
    {.path = "clients.newcomers", .label = "standing=\"newcomer\""},
    {.path = "clients.misfits", .label = "standing=\"misfit\""},
    {"gmd_clients_active", "Clients heard in the last minute.", .path = "status.active_clients"},
    {"gmd_clients_evicted_total", "Clients that gave their place in the table to others.",
     .path = "clients.evicted"},
    {"gmd_clients_max", "Clients that the table has room for.", .path = "clients.room_for"},

    {"gmd_clock_accuracy", "clockAccuracy announced (IEEE 1588, table 5).",
     .path = "status.quality.clock_accuracy"},
    {"gmd_clock_class", "clockClass announced.", .path = "status.quality.clock_class"},
    {"gmd_clock_error_bound_seconds", "Bound on the clock's error, now, that holds with this confidence.",
     .path = "holdover.bound_ns", .factor = NANO, .label = "confidence=\"0.95\""},
    {.path = "holdover.bound999_ns", .factor = NANO, .label = "confidence=\"0.999\""},
    {"gmd_clock_errors_total", "Times that the clock's device failed.", .path = "clock.read_errors",
     .label = "call=\"read\""},
    {.path = "clock.adjust_errors", .label = "call=\"adjust\""},
    {.path = "clock.convert_errors", .label = "call=\"convert\""},
    {"gmd_clock_foreign_steps_total", "Steps of the clock by others than gmd.",
     .path = "clock.foreign_steps"},
    {"gmd_clock_frequency_correction_ratio", "Frequency correction in force.", .path = "holdover.freq_ppb",
     .factor = NANO},
    {"gmd_clock_offset_filtered_seconds", "Estimate of the clock's offset; positive: it is ahead.",
     .path = "holdover.filtered_ns", .factor = NANO},
    {"gmd_clock_offset_seconds", "Last pulse against the clock; positive: the clock is ahead.",
     .path = "holdover.offset_ns", .factor = NANO},
    {"gmd_clock_state", "0 free run, 1 locked, 2 holdover, as clients are told.", .path = "status.state",
     .words = clock_states},
    {"gmd_clock_steps_total", "Steps of the clock by gmd.", .path = "clock.steps"},
    {"gmd_clock_variance", "offsetScaledLogVariance announced.",
     .path = "status.quality.offset_scaled_log_variance"},

    {"gmd_discipline_outliers_total", "Pulses that were too far off to be believed.",
     .path = "holdover.outliers"},
    {"gmd_discipline_samples_total", "Pulses that the discipline was given.", .path = "holdover.samples"},
    {"gmd_discipline_state", "State of the discipline.", .path = "status.state", .states = discipline_states},
    {"gmd_discipline_state_age_seconds", "Since the discipline is in its state.", .path = "holdover.since_s"},
    {"gmd_discipline_unlocked_seconds", "Since lock was lost; only while it is.",
     .path = "holdover.unlocked_s"},

    {"gmd_gnss_fix_dimensions", "Fix of the receiver: 0 none, 2, 3.", .path = "gnss.fix", .words = fixes},
    {"gmd_gnss_link_up", "The receiver is connected.", .path = "gnss.link", .words = links},
    {"gmd_gnss_messages_discarded_total", "Messages of the receiver that were not used.",
     .path = "gnss.messages_late", .label = "reason=\"late\""},
    {.path = "gnss.messages_malformed", .label = "reason=\"malformed\""},
    {"gmd_gnss_messages_total", "Messages of the receiver.", .path = "gnss.messages"},
    {"gmd_gnss_satellites_used", "Satellites in the fix.", .path = "gnss.satellites_used"},
    {"gmd_gnss_satellites_visible", "Satellites in view.", .path = "gnss.satellites_visible"},
    {"gmd_gnss_state", "What is thought of receiver and pulses.", .path = "gnss.trust",
     .states = gnss_trusts},
    {"gmd_gnss_time_accuracy_seconds", "Accuracy that the receiver claims.", .path = "gnss.time_accuracy_ns",
     .factor = NANO},
    {"gmd_grandmaster_info", "1; this clock, the grandmaster of its network, and their domain.",
     .path = "status[clock_identity,grandmaster,domain]"},
    {"gmd_guard_passed_total", "Frames that the guard let pass, to gmd or its workers.",
     .path = PORT "protection.classes.{class}.passed"},
    {"gmd_guard_refused_total", "Frames that the kernel dropped.",
     .path = PORT "protection.classes.{class}.refused"},
    {"gmd_guard_up", "The kernel's guard protects the port.", .path = PORT "protection.guard"},

    {"gmd_holdover_time_left_seconds",
     "If pulses stopped now, or from now on where they have: until this would be announced.",
     .path = "holdover.time_left[clock_class,clock_accuracy].after_s"},
    {"gmd_host_clock_foreign_steps_total", "Steps of CLOCK_REALTIME by others than gmd.",
     .path = "host.foreign_steps"},
    {"gmd_host_clock_offset_seconds", "CLOCK_REALTIME against the served clock; positive: it is ahead.",
     .path = "host.offset_ns", .factor = NANO},
    {"gmd_host_clock_steps_total", "Steps of CLOCK_REALTIME by gmd.", .path = "host.steps"},

    {"gmd_leap_next_timestamp_seconds", "When the next leap second takes effect, UTC; 0: none is known.",
     .path = "gnss.leap.next_leap_utc_s"},
    {"gmd_leap_pending", "1 while a leap second is announced.", .path = "status.time_properties.leap61",
     .label = "kind=\"inserted\""},
    {.path = "status.time_properties.leap59", .label = "kind=\"deleted\""},

    {"gmd_port_announce_timeouts_total",
     "Times that no other master was heard: at start-up, and when one fell silent.",
     .path = PORT "announce_timeouts"},
    {"gmd_port_errors_total", "Errors of the port's sockets.", .path = PORT "rx_errors",
     .label = "direction=\"received\""},
    {.path = PORT "tx_errors", .label = "direction=\"sent\""},
    {"gmd_port_fast_path_answered_total",
     "Requests answered in the daemon's stead, by the kernel or by workers.",
     .path = PORT "protection.fast_answered"},
    {"gmd_port_fast_path_refused_total", "Requests refused before the sockets.",
     .path = PORT "protection.fast_refused"},
    {"gmd_port_messages_total", "Messages by type; Delay_Resp sent are the Delay_Req answered.",
     .path = PORT "rx.{type}", .label = "direction=\"received\""},
    {.path = PORT "tx.{type}", .label = "direction=\"sent\""},
    {"gmd_port_queue_lost_total", "Frames that found the receive queue full.",
     .path = PORT "protection.queue_lost"},
    {"gmd_port_receive_discarded_total", "Messages that were not answered or used.",
     .path = PORT "rx_malformed", .label = "reason=\"malformed\""},
    {.path = PORT "rx_wrong_domain", .label = "reason=\"wrong_domain\""},
    {.path = PORT "rx_no_timestamp", .label = "reason=\"no_timestamp\""},
    {.path = PORT "rx_no_grant", .label = "reason=\"no_grant\""},
    {"gmd_port_state", "State of the port.", .path = PORT "state", .states = port_states},
    {"gmd_port_tx_timestamps_late_total", "Of the missing ones, those that came after all.",
     .path = PORT "tx_timestamp_late"},
    {"gmd_port_tx_timestamps_missing_total", "Transmit time stamps that did not come in time.",
     .path = PORT "tx_timestamp_missing"},

    {"gmd_process_cpu_seconds_total", "Processor time.", .path = "process.processor_s"},
    {"gmd_process_resident_memory_bytes", "Resident memory.", .path = "process.resident_bytes"},
    {"gmd_process_start_time_seconds", "When gmd was started, UTC.", .path = "process.started_utc_s"},

    {"gmd_pulse_age_seconds", "Since the last pulse.", .path = PULSE "last_pulse_s"},
    {"gmd_pulse_in_use", "1 for the source that the clock follows.", .path = PULSE "in_use"},
    {"gmd_pulse_noise_seconds", "Noise of the pulses, expected or measured.", .path = PULSE "noise_ns",
     .factor = NANO},
    {"gmd_pulses_rejected_total", "Pulses that were not used.", .path = PULSE "rejected",
     .label = "reason=\"implausible\""},
    {.path = PULSE "stale", .label = "reason=\"stale\""},
    {.path = PULSE "other_edge", .label = "reason=\"other_edge\""},
    {.path = PULSE "errors", .label = "reason=\"error\""},
    {"gmd_pulses_total", "Pulses that arrived; those refused as implausible are among them.",
     .path = PULSE "pulses"},

    {"gmd_requests_refused_total", "Requests beyond their client's rate, or beyond the capacity.",
     .path = "status.budget.refused_rate", .label = "reason=\"rate\""},
    {.path = "status.budget.refused_budget", .label = "reason=\"budget\""},

    {"gmd_stability_mask_pass", "1: within the mask of G.8272, as far as is known.",
     .path = "stability.masks[mask].verdict", .words = verdicts},
    {"gmd_stability_max_time_error_seconds", "Largest error against the pulses while locked, in a day.",
     .path = "stability.max_abs_te_ns", .factor = NANO},
    {"gmd_stability_mtie_seconds", "MTIE while locked, over tau seconds.",
     .path = "stability.mtie[tau=tau_s].mtie_ns", .factor = NANO},
    {"gmd_stability_tdev_seconds", "TDEV while locked, over tau seconds.",
     .path = "stability.tdev[tau=tau_s].tdev_ns", .factor = NANO},
    {"gmd_strangers_requests_total",
     "Requests of those not in the table: without room there, or refused before they could enter it.",
     .path = "clients.strangers_requests"},
    {"gmd_temperature_celsius", "The sensor near the oscillator.", .path = "holdover.temperature.celsius"},

    {"gmd_unicast_grant_requests_total", "Requests for unicast transmission by what became of them.",
     .path = "clients.grants.requests.{result}"},
    {"gmd_unicast_grants", "Grants in force.", .path = "clients.grants.live.{service}"},
    {"gmd_utc_offset_seconds", "TAI - UTC as announced.",
     .path = "status.time_properties.current_utc_offset"},
    {"gmd_utc_offset_valid", "1: the UTC offset is announced as valid.",
     .path = "status.time_properties.current_utc_offset_valid"},
    {.path = NULL},
};
