/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "gmd/discipline_settings.h"

#define LEAP_FILE_MAX 65536
#define S_TO_NS(s)    ((int64_t)((s)*1e9))

static int64_t realtime_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* TAI-UTC for what CLOCK_REALTIME shows now. */
static int utc_offset_now(const struct daemon *d)
{
    const int64_t utc_s = realtime_ns() / NS_PER_S;
    int64_t tai_s = utc_s;
    leap_utc_to_tai(&d->gm.gnss.leap, utc_s, &tai_s);
    return leap_at(&d->gm.gnss.leap, tai_s).utc_offset_s;
}

/* What the simulated receiver calls true time: the host's. */
static int64_t host_time(void *ctx)
{
    return realtime_ns() + utc_offset_now(ctx) * NS_PER_S;
}

static struct clock *simulated_oscillator(struct daemon *d, char *error, int error_size)
{
    const struct oscillator_model model = {
        .offset_ns = S_TO_NS(d->conf.simulation.oscillator_offset_s),
        .freq_ppb = d->conf.simulation.oscillator_ppb,
        .wander_ppb = d->conf.simulation.oscillator_wander_ppb,
        .seed = (uint64_t)d->conf.simulation.seed,
    };
    d->oscillator = clock_simulated_open(&model, host_time, d, utc_offset_now(d), error, error_size);
    return d->oscillator;
}

bool setup_phc_device(const struct daemon *d, char *device, int size)
{
    if (d->conf.clock.device[0])
        snprintf(device, size, "%s", d->conf.clock.device);
    else if (d->ports[0].info.phc_index >= 0)
        snprintf(device, size, "/dev/ptp%d", d->ports[0].info.phc_index);
    else
        return false;
    return true;
}

static dev_t interface_phc(const struct interface_info *info)
{
    char device[32];
    snprintf(device, sizeof device, "/dev/ptp%d", info->phc_index);
    return info->phc_index < 0 ? 0 : clock_phc_number(device);
}

static struct clock *logical_clock(struct daemon *d, bool on_hardware, const char *device, char *error,
                                   int error_size)
{
    struct clock *base;
    if (d->conf.simulation.oscillator)
        base = simulated_oscillator(d, error, error_size);
    else if (on_hardware)
        base = clock_readonly_phc_open(device, error, error_size);
    else
        base = clock_readonly_system_open(utc_offset_now(d), error, error_size);
    return base ? clock_logical_open(base, error, error_size) : NULL;
}

int setup_clock(struct daemon *d, char *error, int error_size)
{
    char device[CONF_STR_MAX + 16] = "";
    const bool has_phc = setup_phc_device(d, device, sizeof device);
    const bool wants_hardware = d->conf.ports[0].timestamping != CONF_STAMP_SOFTWARE;
    const bool on_hardware = has_phc && wants_hardware && !d->conf.simulation.oscillator;
    switch ((enum conf_clock)d->conf.clock.type) {
    case CONF_CLOCK_SYSTEM:
        d->clock = clock_system_open(utc_offset_now(d), error, error_size);
        break;
    case CONF_CLOCK_PHC:
        if (has_phc)
            d->clock = clock_phc_open(device, error, error_size);
        else
            snprintf(error, error_size, "clock.type is \"phc\", but %s has no hardware clock: %s",
                     d->conf.ports[0].interface, d->ports[0].info.why_not_hardware);
        break;
    case CONF_CLOCK_AUTO:
        if (on_hardware) {
            d->clock = clock_phc_open(device, error, error_size);
            if (d->clock)
                break;
            log_line(LOG_LEVEL_NOTICE, "%s cannot be steered (%s): using the logical clock on it", device,
                     error);
        }
        /* fallthrough */
    case CONF_CLOCK_LOGICAL:
        d->clock = logical_clock(d, on_hardware, device, error, error_size);
        break;
    }
    if (!d->clock)
        return -1;
    d->gm.discipline.config.max_freq_ppb = d->clock->max_freq_ppb; /* only the opened device knows */
    return 0;
}

int setup_host_clock(struct daemon *d, char *error, int error_size)
{
    const struct host_clock_config config = {
        .step_threshold_ns = d->conf.host_clock.step_threshold_s * 1e9,
        .step_later_ns = d->conf.host_clock.step_later_s * 1e9,
        .max_slew_ppb = d->conf.host_clock.max_slew_ppb,
    };
    const char *unfit = d->conf.host_clock.follow ? host_clock_unfit(d->clock) : NULL;
    host_clock_init(&d->host.clock, &config);
    if (!unfit)
        return 0;
    snprintf(error, error_size, "host_clock.follow: %s", unfit);
    return -1;
}

static int parse_clock_identity(const char *text, struct clock_identity *id)
{
    for (int i = 0; i < 8; i++, text += 2) {
        while (*text == '.' || *text == ':' || *text == '-')
            text++;
        unsigned octet;
        if (sscanf(text, "%2x", &octet) != 1)
            return -1;
        id->id[i] = (uint8_t)octet;
    }
    return 0;
}

/* EUI-64 from a MAC address (clause 7.5.2.2.2.2 of IEEE 1588-2008, still what the field expects). */
static struct clock_identity identity_of_mac(const uint8_t *mac)
{
    return (struct clock_identity){{mac[0], mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]}};
}

_Static_assert((int)CONF_OSCILLATOR_RUBIDIUM == (int)OSCILLATOR_RUBIDIUM, "the same order");

static struct gnss_pulse_config pulse_config(const struct conf_pulse_source *c)
{
    return (struct gnss_pulse_config){
        .offset_ns = (int64_t)(c->offset_ns + c->cable_m * c->cable_ns_per_m),
        .noise_ns = c->noise_ns,
        .foreign = !c->sawtooth,
    };
}

static struct gnss_config gnss_config(const struct conf *c)
{
    return (struct gnss_config){
        .pulse = {pulse_config(&c->pulse), pulse_config(&c->second_pulse)},
        .second_pulse = c->second_pulse.type != CONF_PULSE_NONE,
        .pair_threshold_ns = c->pulses.disagreement_ns,
        .sawtooth_wait_ns = SAWTOOTH_WAIT_NS,
        .silent_ns = S_TO_NS(c->receiver.silent_s),
        .unvouched_ns = S_TO_NS(c->receiver.unvouched_s),
        .pulse_missing_ns = S_TO_NS(c->pulses.missing_s),
        .agreeing_messages = (unsigned)c->receiver.agreeing_messages,
        .integrity =
            {
                .min_satellites = c->receiver.min_satellites,
                .time_accuracy_ns = c->receiver.time_accuracy_ns,
                .position_moved_m = c->receiver.position_moved_m,
            },
    };
}

static struct port_config port_config(const struct conf *c, const struct conf_port *p)
{
    return (struct port_config){
        .delay_mechanism = (enum delay_mechanism)p->delay_mechanism,
        .log_announce_interval = (int8_t)c->ptp.log_announce_interval,
        .log_sync_interval = (int8_t)p->log_sync_interval,
        .log_min_delay_req_interval = (int8_t)p->log_min_delay_req_interval,
        .announce_receipt_timeout = (uint8_t)c->ptp.announce_receipt_timeout,
        .ingress_latency_ns = p->ingress_latency_ns,
        .egress_latency_ns = p->egress_latency_ns,
        .tx_timestamp_timeout_ns = p->tx_timestamp_timeout_ms * 1000000LL,
        .one_step_sync = !p->two_step,
        .unicast_only = c->unicast.only,
    };
}

/* Unpredictable, for the keyed client table and the randomised timeouts. */
static uint64_t random_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uint64_t)realtime_ns();
    return seed;
}

/* Ports may differ; what all of them may announce under load is bounded by the profile. */
static struct budget_config budget_config(const struct conf *c)
{
    int shortest = CLIENT_LOG_MAX;
    for (int i = 0; i < c->port_count; i++)
        if (c->ports[i].log_min_delay_req_interval < shortest)
            shortest = c->ports[i].log_min_delay_req_interval;
    return (struct budget_config){
        .capacity_hz = (uint32_t)c->clients.capacity,
        .log_interval = (int8_t)shortest,
        .log_interval_max = (int8_t)c->clients.log_interval_max,
        .seed = random_seed(),
    };
}

static bool all_one_step(const struct conf *c)
{
    for (int i = 0; i < c->port_count; i++)
        if (c->ports[i].two_step)
            return false;
    return true;
}

static struct service_config service_config(const struct conf *c)
{
    return (struct service_config){
        .clients = {.capacity = (unsigned)c->clients.max,
                    .per_address = (unsigned)c->clients.max_per_address,
                    .idle_ns = (int64_t)(c->clients.idle_s * NS_PER_S),
                    .key = {{random_seed(), random_seed()}}},
        .budget = budget_config(c),
        .unicast = {.limits = *unicast_limits_of(c->ptp.profile),
                    .one_step = all_one_step(c),
                    .grants_most_s = (uint32_t)c->unicast.duration_max_s,
                    .log_interval_min = (int8_t)c->unicast.log_interval_min},
        .negotiate = c->unicast.negotiate,
        .sptp = c->clients.sptp,
        .withdraw_at_handover = c->unicast.withdraw_at_handover,
        .withdraw_out_of_spec = c->unicast.withdraw_out_of_spec,
    };
}

int setup_grandmaster(struct daemon *d, char *error, int error_size)
{
    const struct conf *c = &d->conf;
    struct grandmaster_config config = {
        .gnss = gnss_config(c),
        .discipline = discipline_settings(c),
        .default_ds =
            {
                .priority1 = (uint8_t)c->ptp.priority1,
                .priority2 = (uint8_t)c->ptp.priority2,
                .domain_number = (uint8_t)c->ptp.domain,
                .sdo_id = (uint16_t)c->ptp.sdo_id,
            },
        .configured_utc_offset_s = c->leap.utc_offset,
        .serve_before_lock = c->ptp.serve_before_lock,
    };
    if (!c->ptp.clock_identity[0]) {
        static const uint8_t none[6];
        if (memcmp(d->ports[0].info.mac, none, sizeof none) == 0) {
            snprintf(error, error_size, "%s: without a MAC address ptp.clock_identity must be set",
                     d->ports[0].problem[0] ? d->ports[0].problem : c->ports[0].interface);
            return -1;
        }
        config.default_ds.clock_identity = identity_of_mac(d->ports[0].info.mac);
    } else if (parse_clock_identity(c->ptp.clock_identity, &config.default_ds.clock_identity) < 0) {
        snprintf(error, error_size, "ptp.clock_identity: \"%s\" is not 8 octets", c->ptp.clock_identity);
        return -1;
    }
    const int64_t now_ns = loop_now();
    const struct service_config service = service_config(c);
    service_init(d->service, &service, now_ns);
    grandmaster_init(&d->gm, &config, d->service);
    d->gm.discipline.status.since_ns = now_ns;
    for (int i = 0; i < c->port_count; i++) {
        const struct port_config port = port_config(c, &c->ports[i]);
        instance_add_port(&d->gm.instance, &port, &d->ports[i].outbox, random_seed(), now_ns);
    }
    return 0;
}

static int software_stamping(const struct daemon_port *port, const char *interface, char *error,
                             int error_size)
{
    if (port->info.software_stamping)
        return 0;
    snprintf(error, error_size, "%s: its driver makes no software time stamps either", interface);
    return -1;
}

/* Why a NIC with this clock's PHC cannot send one-step Sync, or NULL: it writes its own clock's time. */
static const char *no_one_step(const struct daemon *d, const struct daemon_port *port)
{
    if (!port->info.one_step_sync)
        return "it cannot write the time into Sync (two_step = false)";
    if (strcmp(d->clock->ops->name, "phc") != 0)
        return "it would write its hardware clock's time into Sync (two_step = false), not the served one";
    return NULL;
}

/* Why the port cannot stamp in hardware as its configuration asks, or NULL: it can, and does unless this is a
 * mere look. */
static const char *no_hardware_stamping(const struct daemon *d, const struct daemon_port *port, char *why,
                                        int why_size)
{
    const struct conf_port *c = &d->conf.ports[port->number];
    const struct hwtstamp_need need = {.ethernet = c->transport == CONF_ETHERNET, .one_step = !c->two_step};
    if (!port->info.hardware_stamping)
        return port->info.why_not_hardware;
    if (interface_phc(&port->info) != d->clock->phc) {
        snprintf(why, why_size, "its hardware clock /dev/ptp%d is not what the served time counts by (%.60s)",
                 port->info.phc_index, d->clock->description);
        return why;
    }
    if (!c->two_step && no_one_step(d, port))
        return no_one_step(d, port);
    if (d->probe || interface_stamp_in_hardware(c->interface, &need, why, why_size) >= 0)
        return NULL;
    return why;
}

int setup_stamping(struct daemon *d, struct daemon_port *port, char *error, int error_size)
{
    const struct conf_port *c = &d->conf.ports[port->number];
    char buffer[160];
    port->problem[0] = '\0';
    port->stamping = STAMPING_SOFTWARE;
    if (c->timestamping == CONF_STAMP_SOFTWARE && c->two_step)
        return software_stamping(port, c->interface, error, error_size);
    const char *why = c->timestamping == CONF_STAMP_SOFTWARE
                          ? "timestamping = \"software\" and two_step = false"
                          : no_hardware_stamping(d, port, buffer, sizeof buffer);
    if (!why) {
        port->stamping = STAMPING_HARDWARE;
        return 0;
    }
    if (c->timestamping == CONF_STAMP_HARDWARE || !c->two_step) {
        snprintf(error, error_size, "%s: no hardware time stamps: %s", c->interface, why);
        return -1;
    }
    snprintf(port->problem, sizeof port->problem, "%.150s", why);
    return software_stamping(port, c->interface, error, error_size);
}

void setup_leap_table(struct daemon *d)
{
    const char *file = d->conf.leap.file;
    static char text[LEAP_FILE_MAX];
    struct leap_table table;
    char error[120];
    if (!file[0])
        return;
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold the loop */
    const ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (len < 0)
        snprintf(d->leap_problem, sizeof d->leap_problem, "%.100s: %s", file, strerror(errno));
    else if ((size_t)len == sizeof text)
        snprintf(d->leap_problem, sizeof d->leap_problem, "%.100s: too long for a leap-second table", file);
    else if (leap_table_parse(text, (size_t)len, &table, error, sizeof error) < 0)
        snprintf(d->leap_problem, sizeof d->leap_problem, "%.60s: %.90s", file, error);
    else {
        leap_set_table(&d->gm.gnss.leap, &table);
        d->leap_problem[0] = '\0';
    }
    if (fd >= 0)
        close(fd);
}

/* A look changes nothing, and a simulated oscillator has no business in the real one's file. */
static bool keeps_memory(const struct daemon *d)
{
    struct conf usual;
    conf_defaults(&usual);
    return !d->probe &&
           !(d->conf.simulation.oscillator && strcmp(d->conf.holdover.memory, usual.holdover.memory) == 0);
}

void setup_memory(struct daemon *d)
{
    char owner[sizeof d->memory.owner], id[PORT_IDENTITY_STRLEN];
    const char *path = keeps_memory(d) ? d->conf.holdover.memory : "";
    clock_identity_format(&d->gm.instance.default_ds.clock_identity, id);
    snprintf(owner, sizeof owner, "%s, %s", id, d->clock->description);
    memory_file_init(&d->memory, path, owner);
    memory_file_read(&d->memory, &d->gm.discipline, realtime_ns() / NS_PER_S + utc_offset_now(d));
}
