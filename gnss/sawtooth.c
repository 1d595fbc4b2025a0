/* SPDX-License-Identifier: BSD-2-Clause */
/* The corrections of sawtooth.h. Whether to wait is learned from each one: those that come before their
 * pulses delay nothing, and when they stop coming, nothing is delayed for long either. */
#include "gnss/sawtooth.h"

#include <math.h>

#include "bmca/ptp.h"

#define PLAUSIBLE_NS 1000.0 /* receivers' clocks run at 16 MHz and more: a period is 63 ns at most */
#define APART_NS     (3 * NS_PER_S / 2) /* a correction and its pulse: what is farther is of another time */
#define PATIENCE     3

void sawtooth_init(struct sawtooth *s, int64_t wait_ns)
{
    *s = (struct sawtooth){.wait_ns = wait_ns, .pulse_tai_s = INT64_MIN};
}

static bool near_each_other(int64_t a_ns, int64_t b_ns)
{
    return a_ns - b_ns <= APART_NS && b_ns - a_ns <= APART_NS;
}

bool sawtooth_find(const struct sawtooth *s, int64_t tai_s, int64_t arrival_ns, double *late_ns)
{
    for (unsigned i = 0; i < SAWTOOTH_RING; i++) {
        const struct sawtooth_correction *c = &s->ring[i];

        if (c->valid && c->tai_s == tai_s && near_each_other(c->arrival_ns, arrival_ns)) {
            *late_ns = c->late_ns;
            return true;
        }
    }
    return false;
}

void sawtooth_message(struct sawtooth *s, int64_t tai_s, double late_ns, int64_t arrival_ns)
{
    double known_ns;

    if (!(fabs(late_ns) <= PLAUSIBLE_NS)) { /* nor is what is not a number */
        s->status.implausible++;
        return;
    }
    if (sawtooth_find(s, tai_s, arrival_ns, &known_ns))
        return; /* said twice, by TIM-TP and by gpsd: the first word served the pulse, or will */
    if (tai_s == s->pulse_tai_s && near_each_other(arrival_ns, s->pulse_arrival_ns)) {
        if (arrival_ns - s->pulse_arrival_ns <= s->wait_ns)
            s->patience = PATIENCE;
        else
            s->status.too_late++;
    }
    s->ring[s->next] = (struct sawtooth_correction){true, tai_s, arrival_ns, late_ns};
    s->next = (s->next + 1) % SAWTOOTH_RING;
}

int64_t sawtooth_pulse(struct sawtooth *s, int64_t tai_s, int64_t arrival_ns)
{
    double late_ns;

    s->pulse_tai_s = tai_s;
    s->pulse_arrival_ns = arrival_ns;
    if (sawtooth_find(s, tai_s, arrival_ns, &late_ns))
        s->patience = 0;
    return s->patience > 0 ? s->wait_ns : 0;
}

void sawtooth_missed(struct sawtooth *s)
{
    if (s->patience > 0)
        s->patience--;
}
