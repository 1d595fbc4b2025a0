/* SPDX-License-Identifier: BSD-2-Clause */
/* A receiver, its pulses and a clock in virtual time, in front of the gnss room's deciding half. */
#ifndef GMD_TESTS_UNIT_GNSS_RIG_H
#define GMD_TESTS_UNIT_GNSS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gnss/gnss.h"

#define MS          1000000LL
#define TAI_OFFSET  37
#define UTC0        1750000000LL            /* true second 0 of a scene */
#define MONO0       (5000 * NS_PER_S + 333) /* monotonic time of it */
#define LATENCY_NS  (80 * MS)
#define PULSE_DELAY 50
#define AGREEING    4

static const struct gnss_config config = {
    .pulse = {{.offset_ns = PULSE_DELAY, .noise_ns = 20}},
    .sawtooth_wait_ns = SAWTOOTH_WAIT_NS,
    .silent_ns = 3 * NS_PER_S,
    .unvouched_ns = 60 * NS_PER_S,
    .pulse_missing_ns = 2 * NS_PER_S,
    .agreeing_messages = AGREEING,
};

/* One scene: what happens in true second s of it. */
struct scene {
    struct gnss g;
    int64_t s; /* the next second */
    int64_t clock_error_ns;
    bool locked;
    bool numbered; /* the last pulse gave a sample at once */
    struct gnss_sample sample;
    unsigned early_samples; /* that messages released */
};

static inline struct scene begin_with(const struct gnss_config *c)
{
    struct scene sc = {.clock_error_ns = 12345678901LL};

    gnss_init(&sc.g, c, TAI_OFFSET);
    return sc;
}

static inline struct scene begin(void)
{
    return begin_with(&config);
}

static inline int64_t mono(int64_t s)
{
    return MONO0 + s * NS_PER_S;
}

static inline int64_t true_tai(int64_t s)
{
    return UTC0 + s + TAI_OFFSET;
}

static inline bool tick(struct scene *sc, int64_t at_ns)
{
    struct gnss_sample sample;
    bool sampled = gnss_tick(&sc->g, mono(sc->s) + at_ns, true_tai(sc->s), &sample);

    if (sampled)
        sc->sample = sample;
    return sampled;
}

/* A pulse of a source at_ns behind the present second. */
static inline bool pulse_of(struct scene *sc, unsigned source, int64_t at_ns)
{
    int64_t clock_ns = true_tai(sc->s) * NS_PER_S + at_ns + sc->clock_error_ns + PULSE_DELAY;

    sc->numbered =
        gnss_pulse(&sc->g, source, clock_ns, mono(sc->s) + at_ns + PULSE_DELAY, sc->locked, &sc->sample);
    return sc->numbered;
}

static inline bool pulse(struct scene *sc, int64_t at_ns)
{
    return pulse_of(sc, 0, at_ns);
}

/* What a report is before anything is in it. */
static inline struct receiver_report bare_report(int64_t arrival_ns)
{
    return (struct receiver_report){
        .arrival_ns = arrival_ns,
        .link = RECEIVER_LINK_UP,
        .satellites_used = -1,
        .satellites_visible = -1,
    };
}

static inline struct receiver_report report(int64_t utc_s, enum fix_mode fix, int64_t arrival_ns)
{
    struct receiver_report r = bare_report(arrival_ns);

    r.has_fix = true;
    r.fix = fix;
    r.has_time = true;
    r.utc_s = utc_s;
    return r;
}

static inline bool deliver(struct scene *sc, const struct receiver_report *r)
{
    int64_t since_ns = r->arrival_ns - mono(sc->s);
    int64_t clock_ns = true_tai(sc->s) * NS_PER_S + since_ns + sc->clock_error_ns;
    struct gnss_sample sample;
    bool sampled = gnss_message(&sc->g, r, sc->locked, clock_ns, &sample);

    for (bool more = sampled; more; more = gnss_next(&sc->g, &sample)) {
        sc->sample = sample;
        sc->early_samples++;
    }
    return sampled;
}

/* A message labelled with the second s + label_error, at_ns behind the present second. */
static inline void message(struct scene *sc, int64_t at_ns, int64_t label_error, enum fix_mode fix)
{
    struct receiver_report r = report(UTC0 + sc->s + label_error, fix, mono(sc->s) + at_ns);

    deliver(sc, &r);
}

static inline void link_down(struct scene *sc, int64_t at_ns)
{
    struct receiver_report r = bare_report(mono(sc->s) + at_ns);

    r.link = RECEIVER_LINK_DOWN;
    deliver(sc, &r);
}

/* n ordinary seconds. */
static inline void run(struct scene *sc, int n)
{
    for (; n > 0; n--, sc->s++) {
        pulse(sc, 0);
        message(sc, LATENCY_NS, 0, FIX_3D);
        tick(sc, NS_PER_S / 2);
    }
}

static inline void lock(struct scene *sc)
{
    run(sc, 10);
    assert_true(sc->numbered);
    sc->locked = true;
    sc->clock_error_ns = 40;
    gnss_clock_changed(&sc->g);
    run(sc, 2);
    assert_true(sc->numbered);
}

static inline void expect_right_sample(const struct scene *sc, int64_t at_ns)
{
    assert_true(sc->numbered);
    assert_int_equal(sc->sample.tai_s, true_tai(sc->s));
    assert_int_equal(sc->sample.reading_ns, true_tai(sc->s) * NS_PER_S + at_ns + sc->clock_error_ns);
}

static inline void expect_trust(const struct scene *sc, enum gnss_trust trust)
{
    if (sc->g.status.trust != trust)
        fail_msg("second %lld: %s instead of %s", (long long)sc->s, gnss_trust_name(sc->g.status.trust),
                 gnss_trust_name(trust));
}

#endif
