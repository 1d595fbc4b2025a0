/* SPDX-License-Identifier: BSD-2-Clause */
/* A scripted PHC, for tests of what drives one: this program's own ioctl(), clock_gettime() and
 * clock_adjtime() stand for the kernel's; the device file is one that every system has. Time is virtual. */
#ifndef GMD_TESTS_PHC_RIG_H
#define GMD_TESTS_PHC_RIG_H

#include <errno.h>
#include <linux/ptp_clock.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <time.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gmd/clock/clock.h"

#define START_NS 1795303460891028434LL /* a TAI time of 2026 */
#define UTC_S    37

static struct {
    int64_t raw_ns;      /* CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW */
    int64_t call_ns;     /* every reading of a clock takes so long */
    int64_t realtime_ns; /* what CLOCK_REALTIME is ahead of raw */
    double realtime_ppb; /* and gains on it, from raw 0 on */
    /* the PHC */
    int64_t at_ns, shown_ns; /* what it showed at a raw time */
    double fraction_ns;
    double oscillator_ppb, freq_ppb;
    double told_ppb;      /* what the kernel says is in force */
    int64_t step_loss_ns; /* of each step */
    bool stopped;
    int max_adj;
    int gone, read_error, adjust_error, step_error;    /* errno; gone: every call */
    int read_failures, adjust_failures, step_failures; /* so many calls fail; -1: all */
    bool step_done_though;                             /* a failed step was carried out all the same */
    int precise_error, extended_error, plain_error;
    int calls_that_change, offsets;
} rig;

static inline int64_t rig_phc_ns(void)
{
    const double elapsed = (double)(rig.raw_ns - rig.at_ns);
    const double gained = rig.fraction_ns + elapsed * (rig.oscillator_ppb + rig.freq_ppb) * 1e-9;
    return rig.stopped ? rig.shown_ns : rig.shown_ns + (rig.raw_ns - rig.at_ns) + (int64_t)floor(gained);
}

static inline void rig_rebase(void)
{
    const double elapsed = (double)(rig.raw_ns - rig.at_ns);
    const double gained = rig.fraction_ns + elapsed * (rig.oscillator_ppb + rig.freq_ppb) * 1e-9;
    rig.shown_ns = rig_phc_ns();
    rig.fraction_ns = rig.stopped ? 0 : gained - floor(gained);
    rig.at_ns = rig.raw_ns;
}

static inline void rig_set_phc(int64_t shown_ns)
{
    rig_rebase();
    rig.shown_ns = shown_ns;
}

static inline int64_t rig_realtime_ns(void)
{
    return rig.raw_ns + rig.realtime_ns + llround((double)rig.raw_ns * rig.realtime_ppb * 1e-9);
}

static inline void rig_pass(int64_t ns)
{
    rig.raw_ns += ns;
}

static inline void rig_reset(void)
{
    memset(&rig, 0, sizeof(rig));
    rig.raw_ns = rig.at_ns = 1000 * NS_PER_S;
    rig.shown_ns = START_NS;
    rig.realtime_ns = START_NS - UTC_S * NS_PER_S - rig.raw_ns;
    rig.call_ns = 200;
    rig.max_adj = 62500000;
    rig.precise_error = EOPNOTSUPP;
}

/* One call of those that are to fail. */
static inline bool rig_fails(int *failures, int error)
{
    if (rig.gone || *failures) {
        errno = rig.gone ? rig.gone : error;
        if (!rig.gone && *failures > 0)
            --*failures;
        return true;
    }
    return false;
}

static inline struct ptp_clock_time rig_time(int64_t ns)
{
    return (struct ptp_clock_time){.sec = ns / NS_PER_S, .nsec = (uint32_t)(ns % NS_PER_S)};
}

/* The n-th window is n times as long as the shortest, and the PHC is not read in its middle. */
static inline void rig_window(unsigned n, struct ptp_clock_time *before, struct ptp_clock_time *phc,
                              struct ptp_clock_time *after)
{
    *before = rig_time(rig_realtime_ns());
    rig_pass((n == 2 ? 1 : 5 + n) * rig.call_ns);
    *phc = rig_time(rig_phc_ns());
    rig_pass((n == 2 ? 1 : 1 + n) * rig.call_ns);
    *after = rig_time(rig_realtime_ns());
}

static inline int rig_answer(int error)
{
    errno = rig.gone ? rig.gone : error;
    return errno ? -1 : 0;
}

static inline int rig_offset(unsigned long request, void *argument)
{
    struct ptp_sys_offset_precise *p = argument;
    struct ptp_sys_offset_extended *e = argument;
    struct ptp_sys_offset *o = argument;
    rig.offsets++;
    if (request == PTP_SYS_OFFSET_PRECISE) {
        p->device = rig_time(rig_phc_ns());
        p->sys_realtime = rig_time(rig_realtime_ns());
        return rig_answer(rig.precise_error);
    }
    if (request == PTP_SYS_OFFSET_EXTENDED) {
        for (unsigned i = 0; i < e->n_samples; i++)
            rig_window(i, &e->ts[i][0], &e->ts[i][1], &e->ts[i][2]);
        return rig_answer(rig.extended_error);
    }
    for (unsigned i = 0; i < o->n_samples; i++)
        rig_window(i, &o->ts[2 * i], &o->ts[2 * i + 1], &o->ts[2 * i + 2]);
    return rig_answer(rig.plain_error);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    (void)fd;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    switch (request) {
    case PTP_CLOCK_GETCAPS:
        if (!rig.gone)
            *(struct ptp_clock_caps *)argument = (struct ptp_clock_caps){.max_adj = rig.max_adj};
        return rig_answer(0);
    case PTP_SYS_OFFSET_PRECISE:
    case PTP_SYS_OFFSET_EXTENDED:
    case PTP_SYS_OFFSET:
        return rig_offset(request, argument);
    }
    errno = ENOTTY;
    return -1;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    int64_t ns = rig.raw_ns;
    if (id < 0 && rig_fails(&rig.read_failures, rig.read_error))
        return -1;
    if (id < 0)
        ns = rig_phc_ns();
    else if (id == CLOCK_REALTIME)
        ns = rig_realtime_ns();
    rig_pass(rig.call_ns);
    *t = (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
    return 0;
}

static inline int rig_step(const struct timex *tx)
{
    const bool fails = rig_fails(&rig.step_failures, rig.step_error);
    assert_true(tx->modes & ADJ_NANO);
    assert_in_range(tx->time.tv_usec, 0, NS_PER_S - 1);
    if (!fails || rig.step_done_though)
        rig_set_phc(rig_phc_ns() + tx->time.tv_sec * NS_PER_S + tx->time.tv_usec - rig.step_loss_ns);
    return fails ? -1 : 0;
}

int clock_adjtime(clockid_t id, struct timex *tx)
{
    assert_true(id < 0); /* never the host's clock */
    if (tx->modes == 0) {
        tx->freq = lround(rig.told_ppb * 65.536);
        return rig_answer(0);
    }
    rig.calls_that_change++;
    if (tx->modes & ADJ_SETOFFSET)
        return rig_step(tx);
    assert_int_equal(tx->modes, ADJ_FREQUENCY);
    if (rig_fails(&rig.adjust_failures, rig.adjust_error))
        return -1;
    rig_rebase();
    rig.freq_ppb = rig.told_ppb = (double)tx->freq / 65.536;
    return 0;
}

static inline struct clock *rig_open(void)
{
    char error[160];
    struct clock *c = clock_phc_open("/dev/null", error, sizeof(error));
    assert_non_null(c);
    return c;
}

#endif
