/* SPDX-License-Identifier: BSD-2-Clause */
/* Values against each other: each right for itself, wrong together. */
#include <string.h>

#include "conf/load.h"

static bool oscillator_under_real_clock(const struct conf *c)
{
    return c->simulation.oscillator &&
           (c->clock.type == CONF_CLOCK_PHC || c->clock.type == CONF_CLOCK_SYSTEM);
}

static bool extts_for_system_clock(const struct conf *c)
{
    return c->pulse.type == CONF_PULSE_EXTTS && c->clock.type == CONF_CLOCK_SYSTEM;
}

static bool extts_for_simulated_clock(const struct conf *c)
{
    return c->pulse.type == CONF_PULSE_EXTTS && c->simulation.oscillator;
}

static bool second_extts_for_system_clock(const struct conf *c)
{
    return c->second_pulse.type == CONF_PULSE_EXTTS && c->clock.type == CONF_CLOCK_SYSTEM;
}

static bool second_extts_for_simulated_clock(const struct conf *c)
{
    return c->second_pulse.type == CONF_PULSE_EXTTS && c->simulation.oscillator;
}

/* It would vouch for itself. */
static bool one_pulse_twice(const struct conf *c)
{
    const struct conf_pulse_source *a = &c->pulse, *b = &c->second_pulse;

    return a->type == b->type && strcmp(a->device, b->device) == 0 &&
           (a->type != CONF_PULSE_EXTTS || a->channel == b->channel);
}

static bool host_clock_follows_itself(const struct conf *c)
{
    return c->host_clock.follow && c->clock.type == CONF_CLOCK_SYSTEM;
}

static bool device_for_system_clock(const struct conf *c)
{
    return c->clock.type == CONF_CLOCK_SYSTEM && *c->clock.device;
}

/* A profile that asks for the one asks for the other, and complains itself. */
static bool only_unicast_without_grants(const struct conf *c)
{
    const struct profile *p = conf_profile_find(c->ptp.profile);

    return c->unicast.only && !c->unicast.negotiate && p && !conf_profile_rule(p, "unicast.only");
}

/* Between the ends of the telecom profiles' ranges not every class stands for something. */
static bool class_of_no_quality(const struct conf *c)
{
    const int class = c->holdover.out_of_spec_class;

    if (strcmp(c->ptp.profile, "g8275.2") == 0)
        return class > 140 && class < 160 && class != 150;
    return strcmp(c->ptp.profile, "g8265.1") == 0 && class > 90 && class < 110 && class % 2 != 0;
}

static bool unlock_below_lock(const struct conf *c)
{
    return c->holdover.unlock_threshold_ns <= c->holdover.lock_threshold_ns;
}

/* The bound never falls below it: holdover would be out of specification from its first second. */
static bool limit_below_systematic(const struct conf *c)
{
    return c->holdover.holdover_limit_ns <= c->holdover.systematic_ns;
}

static bool sptp_without_udp(const struct conf *c)
{
    for (int i = 0; i < c->port_count; i++)
        if (c->ports[i].transport != CONF_ETHERNET)
            return false;
    return c->clients.sptp && c->port_count > 0;
}

static bool device_for_simulated_pulse(const struct conf *c)
{
    return c->pulse.type == CONF_PULSE_SIMULATED && *c->pulse.device;
}

/* Any receiver goes with any pulse: a simulated pulse tests a real gpsd, a simulated receiver a real pulse.
 */
static const struct {
    bool (*wrong)(const struct conf *c);
    const char *key, *other; /* the complaint is about key; at other's line if the file does not have key */
    const char *expected;
} checks[] = {
    {oscillator_under_real_clock, "clock.type", "simulation.oscillator",
     "\"auto\" or \"logical\" with simulation.oscillator = true"},
    {extts_for_system_clock, "pulse.type", "clock.type",
     "\"pps\" or \"simulated\" with clock.type = \"system\": a PHC's stamps are of another clock"},
    {extts_for_simulated_clock, "pulse.type", "simulation.oscillator",
     "\"simulated\" or \"pps\" with simulation.oscillator = true: a PHC's stamps are of another clock"},
    {second_extts_for_system_clock, "second_pulse.type", "clock.type",
     "\"pps\" or \"none\" with clock.type = \"system\": a PHC's stamps are of another clock"},
    {second_extts_for_simulated_clock, "second_pulse.type", "simulation.oscillator",
     "\"pps\" or \"none\" with simulation.oscillator = true: a PHC's stamps are of another clock"},
    {one_pulse_twice, "second_pulse.type", "second_pulse.device",
     "another type, device or channel than pulse has: a source cannot watch itself"},
    {host_clock_follows_itself, "host_clock.follow", "clock.type",
     "false with clock.type = \"system\": the host's clock is what is served"},
    {device_for_system_clock, "clock.device", "clock.type", "\"\" with clock.type = \"system\""},
    {device_for_simulated_pulse, "pulse.device", "pulse.type", "\"\" with pulse.type = \"simulated\""},
    {only_unicast_without_grants, "unicast.only", "unicast.negotiate", "false without unicast.negotiate"},
    {class_of_no_quality, "holdover.out_of_spec_class", "ptp.profile",
     "a class that the profile knows: 140, 150, 160 (g8275.2); an even one, 90 to 110 (g8265.1)"},
    {unlock_below_lock, "holdover.unlock_threshold_ns", "holdover.lock_threshold_ns",
     "more than holdover.lock_threshold_ns"},
    {limit_below_systematic, "holdover.holdover_limit_ns", "holdover.systematic_ns",
     "more than holdover.systematic_ns"},
    {sptp_without_udp, "clients.sptp", "ports", "false without a port over UDP"},
};

static void check_together(struct load *l)
{
    char found[OPTION_TEXT_MAX];

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (!checks[i].wrong(&l->conf))
            continue;
        const config_setting_t *at = config_lookup(&l->config, checks[i].key);
        const struct option *o = conf_option_find(conf_options, checks[i].key);
        load_complain(l, at ? at : config_lookup(&l->config, checks[i].other), checks[i].key,
                      "found %s, expected %s", conf_option_format(o, &l->conf, found), checks[i].expected);
    }
}

/* Hardware stamps are a PHC's time; only a clock that is or stands on that PHC can make use of them. */
static void check_timestamping(struct load *l, const config_setting_t *port, int i)
{
    char key[LOAD_KEY_MAX];

    if (l->conf.clock.type == CONF_CLOCK_SYSTEM && l->conf.ports[i].timestamping == CONF_STAMP_HARDWARE)
        load_complain(l, config_setting_get_member(port, "timestamping"),
                      load_port_key(key, i, "timestamping"),
                      "found \"hardware\", expected \"auto\" or \"software\" with clock.type = \"system\"");
}

static void check_interface(struct load *l, const config_setting_t *ports, int i)
{
    const char *name = l->conf.ports[i].interface;
    char key[LOAD_KEY_MAX];

    for (int j = 0; *name && j < i; j++) {
        if (strcmp(name, l->conf.ports[j].interface) != 0)
            continue;
        const config_setting_t *first = config_setting_get_elem(ports, (unsigned)j);
        load_complain(l, config_setting_get_member(config_setting_get_elem(ports, (unsigned)i), "interface"),
                      load_port_key(key, i, "interface"),
                      "found \"%s\" again, expected an interface of its own (first in line %d)", name,
                      (int)config_setting_source_line(config_setting_get_member(first, "interface")));
        return;
    }
}

void load_check(struct load *l)
{
    const config_setting_t *ports = config_lookup(&l->config, "ports");

    check_together(l);
    for (int i = 0; i < l->conf.port_count; i++) {
        check_interface(l, ports, i);
        check_timestamping(l, config_setting_get_elem(ports, (unsigned)i), i);
    }
}
