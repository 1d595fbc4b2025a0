/* SPDX-License-Identifier: BSD-2-Clause */
/* PTP profiles as data: which options they set and within which limits. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conf/option.h"

/* in the order of profiles[] */
const char *const conf_profile_words[] = {
    "default-e2e", "default-p2p", "aes67",  "st2059-2", "st2059-2-2015", "aes-r16", "enterprise",
    "g8275.2",     "g8265.1",     "custom", NULL,
};

/* clang-format off */
#define DOMAIN(value)                        DOMAIN_IN(value, 0, 127)
#define DOMAIN_IN(value, min, max)           {"ptp.domain", value, min, max, 0}
#define PRIORITY1(only)                      {"ptp.priority1", only, only, only, 0}
#define PRIORITY2(only)                      {"ptp.priority2", only, only, only, 0}
#define ANNOUNCE(value, min, max)            {"ptp.log_announce_interval", value, min, max, 0}
#define TIMEOUT(min, max)                    {"ptp.announce_receipt_timeout", 3, min, max, 0}
#define SYNC(value, min, max)                {"log_sync_interval", value, min, max, 0}
#define DELAY_REQ(value, min, max)           {"log_min_delay_req_interval", value, min, max, 0}, UNDER_LOAD(max)
#define DELAY_REQ_ABOVE_SYNC(min, max, span) {"log_min_delay_req_interval", 0, min, max, span}, UNDER_LOAD(max)
#define UNDER_LOAD(max)                      {"clients.log_interval_max", max, -INFINITY, max, 0}
#define MECHANISM(only)                      {"delay_mechanism", only, only, only, 0}
#define TRANSPORT(value, min, max)           {"transport", value, min, max, 0}
#define OUT_OF_SPEC(value, min, max)         {"holdover.out_of_spec_class", value, min, max, 0}
/* Nothing by multicast, all by negotiation; grants of 60..1000 s, as gmd/ptp/unicast_limits.c has it. */
#define UNICAST_ONLY                         {"unicast.negotiate", 1, 1, 1, 0}, {"unicast.only", 1, 1, 1, 0}, \
                                             {"unicast.duration_max_s", 1000, 60, 1000, 0}
#define HOLDOVER_LIMIT(ns)                   {"holdover.holdover_limit_ns", ns, -INFINITY, INFINITY, 0}
/* clang-format on */

static const struct profile profiles[] = {
    /* clauses I.3 and I.4 */
    {"IEEE 1588 default, delay request-response",
     {DOMAIN(0), ANNOUNCE(1, 0, 4), TIMEOUT(2, 10), SYNC(0, -1, 1), DELAY_REQ(0, 0, 5), MECHANISM(CONF_E2E)}},
    {"IEEE 1588 default, peer delay",
     {DOMAIN(0), ANNOUNCE(1, 0, 4), TIMEOUT(2, 10), SYNC(0, -1, 1), DELAY_REQ(0, 0, 5), MECHANISM(CONF_P2P)}},
    /* The media profiles default to UDPv4 but do not forbid a lab another transport. Their holdover limit is
     * what ST 2059-2 allows a follower: within 500 ns of the truth. */
    {"AES67 media profile",
     {DOMAIN(0), ANNOUNCE(1, 0, 4), TIMEOUT(2, 10), SYNC(-3, -4, 1), DELAY_REQ(0, -3, 5)}},
    {"SMPTE ST 2059-2:2021",
     {DOMAIN(127), ANNOUNCE(0, -3, 1), TIMEOUT(2, 10), SYNC(-3, -7, -1), DELAY_REQ_ABOVE_SYNC(-7, 4, 5),
      HOLDOVER_LIMIT(500)}},
    {"SMPTE ST 2059-2:2015",
     {DOMAIN(127), ANNOUNCE(-2, -3, 1), TIMEOUT(2, 10), SYNC(-3, -7, -1), DELAY_REQ_ABOVE_SYNC(-7, 4, 5),
      HOLDOVER_LIMIT(500)}},
    /* what AES67 and ST 2059-2 both permit */
    {"AES-R16, AES67 and ST 2059-2 together",
     {DOMAIN(0), ANNOUNCE(0, 0, 1), TIMEOUT(2, 10), SYNC(-3, -4, -1), DELAY_REQ_ABOVE_SYNC(-3, 4, 5),
      HOLDOVER_LIMIT(500)}},
    /* RFC 9760: UDP (section 5), E2E (6), one Announce a second, the others 128/s..1/128 s (7); a timeout of
     * 3 for preferred masters, 4 for others (8) */
    {"Enterprise, RFC 9760",
     {DOMAIN(0), ANNOUNCE(0, 0, 0), TIMEOUT(3, 4), SYNC(0, -7, 7), DELAY_REQ(0, -7, 7), MECHANISM(CONF_E2E),
      TRANSPORT(CONF_UDPV4, CONF_UDPV4, CONF_UDPV6)}},
    /* G.8275.2 annex A: domains and attributes (tables A.1, A.2), clock classes of a T-GM (table 2): out of
     * specification 140, 150 or 160, by the oscillator's category. Intervals have ranges, but no defaults. */
    {"G.8275.2, time by unicast, partial timing support",
     {DOMAIN_IN(44, 44, 63), PRIORITY1(128), ANNOUNCE(0, -3, 0), TIMEOUT(2, 10), SYNC(-4, -7, 0),
      DELAY_REQ(-4, -7, 0), MECHANISM(CONF_E2E), TRANSPORT(CONF_UDPV4, CONF_UDPV4, CONF_UDPV6),
      OUT_OF_SPEC(160, 140, 160), UNICAST_ONLY}},
    /* G.8265.1 annex A; out of specification by default QL-EEC1, 104 */
    {"G.8265.1, frequency by unicast",
     {DOMAIN_IN(4, 4, 23), PRIORITY1(128), PRIORITY2(128), ANNOUNCE(1, -3, 4), TIMEOUT(2, 10),
      SYNC(-4, -7, 4), DELAY_REQ(-4, -7, 4), MECHANISM(CONF_E2E),
      TRANSPORT(CONF_UDPV4, CONF_UDPV4, CONF_UDPV6), OUT_OF_SPEC(104, 90, 110), UNICAST_ONLY}},
    /* the defaults of conf_options */
    {.title = "any mixture: no limits but the options' own"},
};

static_assert(sizeof(conf_profile_words) / sizeof(conf_profile_words[0]) ==
                  sizeof(profiles) / sizeof(profiles[0]) + 1,
              "a profile without a name");

const struct profile *conf_profile_at(unsigned i)
{
    return &profiles[i];
}

const struct profile *conf_profile_find(const char *name)
{
    for (unsigned i = 0; conf_profile_words[i]; i++)
        if (strcmp(conf_profile_words[i], name) == 0)
            return &profiles[i];
    return NULL;
}

struct conf_classes conf_profile_classes(const char *name)
{
    /* G.8265.1 table 1, option I: clockClass is the quality level, QL-PRC while locked, QL-SSU-A in holdover,
     * QL-DNU before the first lock. Others: IEEE 1588 table 4. */
    static const struct conf_classes quality_levels = {84, 90, 110}, usual = {6, 7, 248};

    return strcmp(name, "g8265.1") == 0 ? quality_levels : usual;
}

const struct profile_rule *conf_profile_rule(const struct profile *p, const char *option)
{
    for (const struct profile_rule *r = p->rules; r->option; r++)
        if (strcmp(r->option, option) == 0)
            return r;
    return NULL;
}

struct profile_range conf_profile_range(const struct profile_rule *r, const struct conf_port *port)
{
    struct profile_range range = {r->value, r->min, r->max};

    if (r->above_sync) {
        int sync = port->log_sync_interval;
        range.min = fmax(range.min, sync);
        range.max = fmin(range.max, sync + r->above_sync);
        range.value = fmin(fmax(sync, range.min), range.max);
    }
    return range;
}

/* The values of base, whose options are those of table, and their origins. */
static void apply(const struct option *table, void *base, uint8_t *origin, const struct profile *p)
{
    for (const struct option *o = table; o->name; o++) {
        const struct profile_rule *r = conf_profile_rule(p, o->name);
        conf_option_set_default(o, base);
        origin[o - table] = r ? CONF_PROFILE : CONF_DEFAULT;
        if (r)
            conf_option_set_number(o, base, r->value);
    }
}

void conf_apply(struct conf *c, const char *profile_name, int count)
{
    const struct profile *p = conf_profile_find(profile_name);

    memset(c, 0, sizeof *c);
    apply(conf_options, c, c->origin, p);
    snprintf(c->ptp.profile, sizeof c->ptp.profile, "%s", profile_name);
    c->port_count = count;
    for (int i = 0; i < count; i++) {
        apply(conf_port_options, &c->ports[i], c->port_origin[i], p);
        conf_apply_sync(c, i);
    }
}

void conf_apply_sync(struct conf *c, int port)
{
    const struct profile *p = conf_profile_find(c->ptp.profile);

    for (const struct profile_rule *r = p->rules; r->option; r++) {
        if (!r->above_sync)
            continue;
        const struct option *o = conf_option_find(conf_port_options, r->option);
        if (c->port_origin[port][o - conf_port_options] == CONF_PROFILE)
            conf_option_set_number(o, &c->ports[port], conf_profile_range(r, &c->ports[port]).value);
    }
}

void conf_defaults(struct conf *c)
{
    conf_apply(c, conf_option_find(conf_options, "ptp.profile")->text, 0);
}
