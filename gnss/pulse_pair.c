/* SPDX-License-Identifier: BSD-2-Clause */
/* The two sources of pulse_pair.h. */
#include "gnss/pulse_pair.h"

#include <math.h>
#include <string.h>

#include "bmca/ptp.h"

#define MISSING_NS                                                                                           \
    1300000000LL /* so that the other's sample is there before the discipline's 2 s are over                 \
                  */
#define TOGETHER_NS     300000000LL      /* both come back: neither stands in for the other */
#define DISTRUST_NS     (600 * NS_PER_S) /* a source that strayed is better than none for longer than this */
#define RESTART_S       5                /* a comparison interrupted for longer begins anew */
#define NOISE_MEMORY    64               /* pulses */
#define NOISE_CLIP      5.0              /* sigma: what is beyond raises the noise, but not at one blow */
#define NOISE_FLOOR     0.1              /* of the expected noise */
#define LIMIT_SIGMAS    3.0              /* 7 sigma of the median of PULSE_PAIR_SECONDS */
#define CALM            0.75             /* of the limit: below, a disagreement is over */
#define USUAL_MEMORY    16               /* seconds */
#define LEAVE_REFERENCE 3.0              /* it has so many times the noise of the other */
#define RETURN_TO_IT    1.5
#define PREFERRED_S     30
#define SHORTEN_NS      0.5 /* a second: an OCXO's estimator follows within its gate and loses no lock */

void pulse_pair_init(struct pulse_pair *p, const struct pulse_pair_config *config)
{
    *p = (struct pulse_pair){.config = *config, .status.strayed = -1, .compared_tai_s = INT64_MIN};
    for (unsigned i = 0; i < PULSE_SOURCES; i++) {
        p->status.noise_ns[i] = config->noise_ns[i];
        p->side[i].variance = config->noise_ns[i] * config->noise_ns[i];
    }
    p->status.in_use = config->noise_ns[1] < config->noise_ns[0];
}

static unsigned reference(const struct pulse_pair *p)
{
    return p->config.noise_ns[1] < p->config.noise_ns[0];
}

static double limit(const struct pulse_pair *p)
{
    return fmax(p->config.threshold_ns, LIMIT_SIGMAS * hypot(p->config.noise_ns[0], p->config.noise_ns[1]));
}

/* difference, of source 1 - source 0, seen from one source: the other one - it */
static double seen_from(unsigned source, double difference_ns)
{
    return source == 0 ? difference_ns : -difference_ns;
}

/* --- what each source does ------------------------------------------------------------------------------ */

/* The locked clock is smooth: what successive pulses differ by is theirs. */
static void measure_noise(struct pulse_pair *p, unsigned source, int64_t step_ns)
{
    const double expected = p->config.noise_ns[source];
    double *variance = &p->side[source].variance;
    const double sample = (double)step_ns * (double)step_ns / 2;

    *variance += (fmin(sample, NOISE_CLIP * NOISE_CLIP * *variance) - *variance) / NOISE_MEMORY;
    *variance = fmax(*variance, NOISE_FLOOR * NOISE_FLOOR * expected * expected);
    p->status.noise_ns[source] = sqrt(*variance);
}

static void note(struct pulse_pair *p, unsigned source, int64_t tai_s, int64_t reading_ns, int64_t arrival_ns)
{
    struct pulse_pair_side *s = &p->side[source];

    if (p->clock_locked && s->numbered && s->tai_s == tai_s - 1)
        measure_noise(p, source, reading_ns - s->reading_ns - NS_PER_S);
    if (arrival_ns - s->arrival_ns > MISSING_NS)
        s->since_ns = arrival_ns;
    s->numbered = true;
    s->tai_s = tai_s;
    s->reading_ns = reading_ns;
    s->arrival_ns = arrival_ns;
}

static void restart_comparison(struct pulse_pair *p)
{
    p->compared = 0;
    p->preferred_s = 0;
}

static void find_missing(struct pulse_pair *p, int64_t now_ns)
{
    for (unsigned i = 0; i < PULSE_SOURCES; i++)
        p->status.missing[i] = now_ns - p->side[i].arrival_ns > MISSING_NS;
    if (p->status.missing[0] || p->status.missing[1]) {
        restart_comparison(p);
        p->status.compared = p->status.disagree = false;
    }
}

/* --- what they say of each other ------------------------------------------------------------------------ */

static double median(double *values)
{
    for (unsigned i = 1; i < PULSE_PAIR_SECONDS; i++)
        for (unsigned at = i; at > 0 && values[at - 1] > values[at]; at--) {
            const double swapped = values[at];

            values[at] = values[at - 1];
            values[at - 1] = swapped;
        }
    return values[PULSE_PAIR_SECONDS / 2];
}

/* The difference left what it used to be. Which of the two moved? The one farther from the clock, which has
 * gone on by what it had learned before. */
static void judge_change(struct pulse_pair *p, double difference_ns, double error_ns)
{
    const double change_ns = difference_ns - p->usual_ns;
    const double other_error_ns = error_ns + seen_from(p->status.in_use, change_ns);

    if (fabs(change_ns) <= limit(p) / 2) {
        p->usual_ns += change_ns / USUAL_MEMORY;
        p->status.strayed = -1;
    } else if (fabs(change_ns) > limit(p) && p->status.strayed < 0 && p->clock_locked) {
        const bool it_moved = fabs(error_ns) > fabs(other_error_ns);
        p->status.strayed = (int)(it_moved ? p->status.in_use : !p->status.in_use);
    }
}

static void judge(struct pulse_pair *p)
{
    double differences[PULSE_PAIR_SECONDS], errors[PULSE_PAIR_SECONDS];

    for (unsigned i = 0; i < PULSE_PAIR_SECONDS; i++) {
        differences[i] = p->seconds[i].difference_ns;
        errors[i] = p->seconds[i].error_ns;
    }
    const double difference_ns = median(differences);
    p->status.compared = true;
    p->status.difference_ns = difference_ns;
    if (fabs(difference_ns) > limit(p))
        p->status.disagree = true;
    else if (fabs(difference_ns) < CALM * limit(p))
        p->status.disagree = false;
    if (p->known) {
        judge_change(p, difference_ns, median(errors));
    } else {
        p->known = true;
        p->usual_ns = difference_ns;
    }
    if (p->status.strayed >= 0)
        p->status.disagree = true;
}

/* True in a second, once, in which both had a pulse. */
static bool compare(struct pulse_pair *p)
{
    const struct pulse_pair_side *s = p->side, *used = &s[p->status.in_use];
    unsigned at;

    if (!s[0].numbered || !s[1].numbered || s[0].tai_s != s[1].tai_s || s[0].tai_s == p->compared_tai_s)
        return false;
    if (p->compared > 0 && s[0].tai_s - p->compared_tai_s > RESTART_S)
        restart_comparison(p);
    p->compared_tai_s = s[0].tai_s;
    at = p->compared++ % PULSE_PAIR_SECONDS;
    p->seconds[at] = (struct pulse_pair_second){
        .difference_ns = (double)(s[1].reading_ns - s[0].reading_ns),
    };
    if (p->clock_locked) /* before lock the number may be any label's: no multiplying */
        p->seconds[at].error_ns = (double)(used->reading_ns - used->tai_s * NS_PER_S) - p->status.bridge_ns;
    if (p->compared >= PULSE_PAIR_SECONDS)
        judge(p);
    return true;
}

/* --- which one is used ---------------------------------------------------------------------------------- */

/* The reference's frame is kept when the other one stands in for it. Back at the reference what is left of a
 * bridge is taken away slowly; if there was no frame to keep (before lock), or if it was a wrong one, at
 * once: then the discipline's rule for a lasting shift applies. */
static void change(struct pulse_pair *p, enum pulse_pair_why why)
{
    struct pulse_pair_status *s = &p->status;

    if (p->known)
        s->bridge_ns += seen_from(s->in_use, p->usual_ns);
    s->in_use = !s->in_use;
    if (s->in_use == reference(p) && (!p->clock_locked || fabs(s->bridge_ns) > limit(p)))
        s->bridge_ns = 0;
    s->why = why;
    s->changes++;
    restart_comparison(p); /* its errors were the former source's */
}

static bool other_is_preferred(const struct pulse_pair *p)
{
    const unsigned best = reference(p);
    const double of_best = fmax(p->config.noise_ns[best], p->status.noise_ns[best]);
    const double of_rest = fmax(p->config.noise_ns[!best], p->status.noise_ns[!best]);

    if (p->status.in_use == best)
        return of_best > LEAVE_REFERENCE * of_rest;
    return of_best < RETURN_TO_IT * of_rest;
}

static void prefer(struct pulse_pair *p)
{
    p->preferred_s = p->status.compared && other_is_preferred(p) ? p->preferred_s + 1 : 0;
    if (p->preferred_s >= PREFERRED_S)
        change(p, p->status.in_use == reference(p) ? PULSE_PAIR_LESS_NOISE : PULSE_PAIR_REFERENCE);
}

/* A source that strayed takes nobody's place, but for the case that the other one never comes back. */
static bool may_stand_in(struct pulse_pair *p, int64_t now_ns)
{
    if (p->status.missing[!p->status.in_use] || now_ns - p->side[!p->status.in_use].since_ns < TOGETHER_NS)
        return false;
    if (p->status.strayed != (int)!p->status.in_use)
        return true;
    if (now_ns - p->side[p->status.in_use].arrival_ns <= DISTRUST_NS)
        return false;
    p->status.strayed = -1;
    p->known = false;
    return true;
}

static void decide(struct pulse_pair *p, int64_t now_ns, bool compared)
{
    const struct pulse_pair_status *s = &p->status;

    if (s->missing[s->in_use]) {
        if (may_stand_in(p, now_ns))
            change(p, PULSE_PAIR_OTHER_MISSING);
    } else if (s->strayed == (int)s->in_use && !s->missing[!s->in_use]) {
        change(p, PULSE_PAIR_OTHER_STRAYED);
    } else if (compared && s->strayed < 0) {
        prefer(p);
    }
}

static void shorten_bridge(struct pulse_pair *p)
{
    double *bridge = &p->status.bridge_ns;

    if (p->status.in_use == reference(p))
        *bridge -= fmax(-SHORTEN_NS, fmin(*bridge, SHORTEN_NS));
}

bool pulse_pair_pulse(struct pulse_pair *p, unsigned source, int64_t tai_s, int64_t reading_ns,
                      int64_t arrival_ns, bool clock_locked)
{
    bool compared;

    if (!p->started) /* both are awaited from now on */
        for (unsigned i = 0; i < PULSE_SOURCES; i++)
            p->side[i].arrival_ns = p->side[i].since_ns = arrival_ns;
    p->started = true;
    p->clock_locked = clock_locked;
    note(p, source, tai_s, reading_ns, arrival_ns);
    find_missing(p, arrival_ns);
    compared = compare(p);
    decide(p, arrival_ns, compared);
    if (source != p->status.in_use)
        return false;
    shorten_bridge(p);
    return true;
}

bool pulse_pair_tick(struct pulse_pair *p, int64_t now_ns)
{
    const unsigned before = p->status.in_use;

    if (!p->started)
        return false;
    find_missing(p, now_ns);
    decide(p, now_ns, false);
    return p->status.in_use != before;
}

void pulse_pair_clock_changed(struct pulse_pair *p)
{
    p->side[0].numbered = p->side[1].numbered = false;
    restart_comparison(p);
}

const char *pulse_pair_why_name(enum pulse_pair_why w)
{
    static const char *const names[] = {
        [PULSE_PAIR_REFERENCE] = "the better one",
        [PULSE_PAIR_LESS_NOISE] = "the other one is noisy",
        [PULSE_PAIR_OTHER_MISSING] = "the other one is missing",
        [PULSE_PAIR_OTHER_STRAYED] = "the other one strayed from the clock",
    };

    return names[w];
}
