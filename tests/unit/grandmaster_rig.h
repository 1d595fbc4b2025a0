/* SPDX-License-Identifier: BSD-2-Clause */
/* A grandmaster whose clock is really steered, by one receiver and its pulses, in virtual time. The truth is
 * known here. */
#ifndef GMD_TESTS_GRANDMASTER_RIG_H
#define GMD_TESTS_GRANDMASTER_RIG_H

#include <math.h>
#include <string.h>

#include "gmd/grandmaster.h"
#include "tests/defaults.h"

#define TAI_S      1795000037LL
#define MS         1000000LL
#define TICK_NS    (NS_PER_S / 4)
#define TICK_AT_NS (90 * MS) /* the first one of a second */
#define JITTER_NS  10.0

struct rig {
    struct grandmaster gm;
    int64_t now_ns; /* monotonic, and true time since TAI_S */
    double error_ns, oscillator_ppb, control_ppb;
    unsigned random;
    unsigned steps;
    double worst_ns, square_ns2;
    unsigned measured;
    struct receiver_report says; /* what the receiver tells beside its fix and its second */
};

static inline double gauss(struct rig *r)
{
    double sum = -6;

    for (int i = 0; i < 12; i++) {
        r->random = r->random * 1664525u + 1013904223u;
        sum += (double)(r->random >> 8) / (1 << 24);
    }
    return sum;
}

static inline void go_to(struct rig *r, int64_t now_ns)
{
    r->error_ns += (r->oscillator_ppb + r->control_ppb) * (double)(now_ns - r->now_ns) * 1e-9;
    r->now_ns = now_ns;
}

static inline int64_t clock_of(const struct rig *r)
{
    return TAI_S * NS_PER_S + r->now_ns + llround(r->error_ns);
}

static inline void carry_out(struct rig *r, struct discipline_action action)
{
    if (action.step) {
        r->error_ns += (double)action.step_ns;
        r->steps++;
        grandmaster_stepped(&r->gm);
    }
    if (action.adjust) {
        r->control_ppb = action.freq_ppb;
        grandmaster_adjusted(&r->gm, action.freq_ppb);
    }
}

/* A pulse off_ns from the present moment, read now; its time of arrival is its own. */
static inline void pulse(struct rig *r, unsigned source, double off_ns)
{
    carry_out(r, grandmaster_pulse(&r->gm, source, clock_of(r) + llround(off_ns), r->now_ns + llround(off_ns),
                                   r->now_ns));
}

static inline struct receiver_report report_of(const struct rig *r)
{
    struct receiver_report report = r->says;

    report.arrival_ns = r->now_ns;
    report.link = RECEIVER_LINK_UP;
    return report;
}

static inline void message(struct rig *r)
{
    struct receiver_report report = report_of(r);

    report.has_fix = true;
    report.fix = r->says.has_fix ? r->says.fix : FIX_3D;
    report.has_tai = true;
    report.tai_s = TAI_S + r->now_ns / NS_PER_S;
    carry_out(r, grandmaster_message(&r->gm, &report, clock_of(r)));
}

/* What is left of a second behind its pulses. */
static inline void finish(struct rig *r)
{
    const int64_t second_ns = r->now_ns / NS_PER_S * NS_PER_S;

    go_to(r, second_ns + 80 * MS);
    message(r);
    for (int64_t t = TICK_AT_NS; t < NS_PER_S; t += TICK_NS) {
        go_to(r, second_ns + t);
        carry_out(r, grandmaster_tick(&r->gm, r->now_ns, clock_of(r), true));
    }
    r->worst_ns = fmax(r->worst_ns, fabs(r->error_ns));
    r->square_ns2 += r->error_ns * r->error_ns;
    r->measured++;
    go_to(r, second_ns + NS_PER_S);
}

static inline void good_second(struct rig *r)
{
    pulse(r, 0, JITTER_NS * gauss(r));
    finish(r);
}

static inline void begin_measuring(struct rig *r)
{
    r->worst_ns = r->square_ns2 = 0;
    r->measured = 0;
}

static inline double rms(const struct rig *r)
{
    return sqrt(r->square_ns2 / r->measured);
}

static inline struct grandmaster_config config_of_one(void)
{
    struct grandmaster_config config = {.gnss = gnss_defaults(), .discipline = discipline_defaults()};

    config.discipline.pulse_noise_ns = config.gnss.pulse[0].noise_ns = JITTER_NS;
    config.gnss.sawtooth_wait_ns = SAWTOOTH_WAIT_NS;
    return config;
}

static inline void begin(struct rig *r, const struct grandmaster_config *config, struct service *service)
{
    memset(r, 0, sizeof *r);
    r->error_ns = 1.2e9;
    r->oscillator_ppb = 2345;
    r->random = 1;
    r->says.satellites_used = r->says.satellites_visible = -1;
    service_init_plain(service, 1);
    grandmaster_init(&r->gm, config, service);
}

#endif
