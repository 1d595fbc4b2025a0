/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/check.h"
#include "gmd/served_clock.h"

#include <stdio.h>

#include "gmd/daemon.h"
#include "gmd/setup.h"

static void print_interface(struct daemon *d, unsigned i, int *faults)
{
    struct daemon_port *p = &d->ports[i];
    const struct conf_port *c = &d->conf.ports[i];
    char error[160];
    if (p->info.index == 0) {
        printf("  port %u: %s: FAULT: %s\n", i + 1, c->interface, p->problem);
        ++*faults;
        return;
    }
    printf("  port %u: %s, link %s, ", i + 1, c->interface, p->info.up ? "up" : "DOWN");
    if (setup_stamping(d, p, error, sizeof error) < 0) {
        printf("FAULT: %s\n", error);
        ++*faults;
        return;
    }
    printf("%s time stamps", p->stamping == STAMPING_HARDWARE ? "hardware" : "software");
    if (p->problem[0])
        printf(" (%s)", p->problem);
    printf("\n");
}

static void print_temperature(const char *path)
{
    char why[160];
    double celsius;
    if (path[0] && temperature_read(path, &celsius, why, sizeof why))
        printf("  temperature: %.3f C (%s)\n", celsius, path);
    else if (path[0])
        printf("  temperature: WARNING: %s: %s\n", path, why);
}

static void print_flags(uint16_t flags)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = {
        {FLAG_LEAP61, "leap61"},
        {FLAG_LEAP59, "leap59"},
        {FLAG_UTC_OFFSET_VALID, "currentUtcOffsetValid"},
        {FLAG_PTP_TIMESCALE, "ptpTimescale"},
        {FLAG_TIME_TRACEABLE, "timeTraceable"},
        {FLAG_FREQUENCY_TRACEABLE, "frequencyTraceable"},
    };
    printf("    flagField 0x%04X:", flags);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (flags & names[i].flag)
            printf(" %s", names[i].name);
    printf("\n");
}

static void print_announce(const struct daemon *d, const struct port *p)
{
    struct ptp_message m;
    char id[PORT_IDENTITY_STRLEN];
    instance_announce(&d->gm.instance, p, &m);
    const struct announce_body *a = &m.body.announce;
    printf("  port %u:\n", p->identity.port);
    printf("    sourcePortIdentity %s, domainNumber %u, logMessageInterval %d\n",
           port_identity_format(&m.header.source, id), m.header.domain_number, m.header.log_message_interval);
    printf("    grandmasterIdentity %s, priority1 %u, priority2 %u, stepsRemoved %u\n",
           clock_identity_format(&a->grandmaster_identity, id), a->grandmaster_priority1,
           a->grandmaster_priority2, a->steps_removed);
    printf("    clockClass %u, clockAccuracy 0x%02X, offsetScaledLogVariance 0x%04X\n",
           a->grandmaster_clock_quality.clock_class, a->grandmaster_clock_quality.clock_accuracy,
           a->grandmaster_clock_quality.offset_scaled_log_variance);
    printf("    currentUtcOffset %d, timeSource 0x%02X\n", a->current_utc_offset, a->time_source);
    print_flags(m.header.flags);
}

int check_run(const char *file, const struct conf *conf)
{
    char error[CONF_ERROR_MAX];
    int faults = 0;
    printf("# values in force, %s\n", file);
    conf_print(conf, stdout);
    printf("\n# this machine\n");
    fflush(stdout);
    struct daemon *d = daemon_new(conf, true, error, sizeof error);
    if (!d) {
        printf("  FAULT: %s\n", error);
        return 1;
    }
    printf("  clock: %s\n  receiver: %s\n  pulses: %s\n", d->clock->description, d->receiver->description,
           d->pulses[0].driver ? d->pulses[0].driver->description : "external time stamps of that clock");
    print_temperature(conf->holdover.temperature_file);
    if (d->leap_problem[0])
        printf("  leap seconds: WARNING: %s\n", d->leap_problem);
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        print_interface(d, i, &faults);
    int64_t now_ns, clock_ns;
    if (served_clock_read(d, &now_ns, &clock_ns) == 0) {
        grandmaster_tick(&d->gm, now_ns, clock_ns,
                         true); /* what it wants done to the clock is not done here */
    } else {
        printf("  FAULT: the %s does not answer\n", d->clock->description);
        faults++;
    }
    printf("\n# the Announce that gmd would send now");
    if (!conf->ptp.serve_before_lock)
        printf(" (it is silent until the first lock, then clockClass is %u)",
               d->gm.discipline.config.locked_class);
    printf("\n");
    for (unsigned i = 0; i < d->gm.instance.port_count; i++)
        print_announce(d, &d->gm.instance.ports[i]);
    daemon_free(d);
    printf("\n%s\n", faults ? "gmd would not serve as asked: see FAULT above" : "gmd would serve as asked");
    return faults ? 1 : 0;
}
