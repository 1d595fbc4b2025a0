/* SPDX-License-Identifier: BSD-2-Clause */
/* The watch of watch.h. */
#include "holdover/watch.h"

#include <math.h>

#include "bmca/ptp.h"

#define SLEW_MAX    0.1
#define CONFIRM_NS  900000000LL /* between two agreeing readings a pulse may object */
#define PATIENCE_NS 5000000000LL
#define GAP_NS      5000000000LL
#define RATE_ERROR  20e-6
#define LEARN_S     16.0
#define DISTURBED_S 4.0
#define AGE_MAX_NS  2000000000LL
#define SECOND_NS   1e9

void watch_advance(struct watch *w, int64_t now_ns, double control_ppb)
{
    if (w->valid) {
        const int64_t dt = now_ns > w->now_ns ? now_ns - w->now_ns : 0;
        w->clock_ns += dt + llround((double)dt * (w->rate_ppb + control_ppb) * 1e-9);
        w->now_ns += dt;
    } else {
        w->now_ns = now_ns;
    }
}

void watch_stepped(struct watch *w, int64_t delta_ns)
{
    w->clock_ns += delta_ns;
}

static void rebase(struct watch *w, int64_t clock_ns)
{
    w->clock_ns = clock_ns;
    w->based_ns = w->now_ns;
}

/* Takes the displacement for an error of the rate, to be corrected with time constant tau_s. */
static void learn(struct watch *w, int64_t displaced_ns, double tau_s)
{
    const double dt = (double)(w->now_ns - w->based_ns) * 1e-9;
    if (dt > 0)
        w->rate_ppb += (double)displaced_ns / fmax(dt, tau_s);
    w->rate_ppb = fmin(fmax(w->rate_ppb, -SLEW_MAX * 1e9), SLEW_MAX * 1e9);
}

static void suspect(struct watch *w, int64_t displaced_ns)
{
    w->state = WATCH_SUSPICIOUS;
    w->suspect_ns = displaced_ns;
    w->suspect_at_ns = w->now_ns;
    w->vouched = false;
}

static bool slew_explains(const struct watch *w, double change_ns, int64_t since_ns)
{
    return fabs(change_ns) <= SLEW_MAX * (double)(w->now_ns - since_ns);
}

/* Further displaced than before, by no more than a slew of monotonic time explains. */
static bool looks_like_slew(const struct watch *w, int64_t displaced_ns)
{
    const double change = (double)displaced_ns - (double)w->suspect_ns;
    return (change > 0) == (displaced_ns > 0) && (w->suspect_ns > 0) == (displaced_ns > 0) &&
           slew_explains(w, change, w->suspect_at_ns) && slew_explains(w, (double)displaced_ns, w->based_ns);
}

static int64_t below_a_second(int64_t displaced_ns)
{
    const int64_t part = displaced_ns % NS_PER_S;
    return part > NS_PER_S / 2 ? part - NS_PER_S : part < -NS_PER_S / 2 ? part + NS_PER_S : part;
}

/* The same displacement as before. Where the learned rate is wrong it moves: a large one is not for that
 * reason doubted for ever. */
static bool agrees(const struct watch *w, int64_t displaced_ns, int64_t threshold_ns)
{
    const double change = (double)displaced_ns - (double)w->suspect_ns;
    const bool patience_over = w->now_ns - w->based_ns > PATIENCE_NS;

    return fabs(change) <= (double)threshold_ns ||
           (patience_over && slew_explains(w, change, w->suspect_at_ns) &&
            !slew_explains(w, (double)displaced_ns, w->based_ns));
}

/* A displaced reading after another. */
static int64_t confirm(struct watch *w, int64_t clock_ns, int64_t displaced_ns, int64_t threshold_ns)
{
    if (agrees(w, displaced_ns, threshold_ns)) {
        if (w->now_ns - w->suspect_at_ns < CONFIRM_NS)
            return 0;
        const int64_t step = w->vouched ? displaced_ns - below_a_second(displaced_ns) : displaced_ns;
        w->state = WATCH_QUIET;
        rebase(w, clock_ns);
        return step;
    }
    if (looks_like_slew(w, displaced_ns)) {
        w->state = WATCH_DISTURBED;
        learn(w, displaced_ns, DISTURBED_S);
        rebase(w, clock_ns);
        return 0;
    }
    suspect(w, displaced_ns);
    return 0;
}

/* A process that was stopped for long has only the learned rate to go by. */
static int64_t tolerance(const struct watch *w, int64_t threshold_ns)
{
    const int64_t gap = w->now_ns - w->based_ns - GAP_NS;
    return threshold_ns + (gap > 0 ? (int64_t)((double)gap * RATE_ERROR) : 0);
}

int64_t watch_check(struct watch *w, int64_t clock_ns, int64_t threshold_ns)
{
    int64_t displaced;
    if (!w->valid || __builtin_sub_overflow(clock_ns, w->clock_ns, &displaced) || displaced == INT64_MIN) {
        w->valid = true;
        w->state = WATCH_QUIET;
        rebase(w, clock_ns);
        return 0;
    }
    const int64_t limit = tolerance(w, threshold_ns);
    if (displaced >= -limit && displaced <= limit) {
        learn(w, displaced, w->state == WATCH_DISTURBED ? DISTURBED_S : LEARN_S);
        w->state = WATCH_QUIET;
        rebase(w, clock_ns);
    } else if (w->state == WATCH_DISTURBED && slew_explains(w, (double)displaced, w->based_ns)) {
        learn(w, displaced, DISTURBED_S);
        rebase(w, clock_ns);
    } else if (w->state == WATCH_SUSPICIOUS) {
        return confirm(w, clock_ns, displaced, threshold_ns);
    } else {
        suspect(w, displaced);
    }
    return 0;
}

void watch_vouch(struct watch *w, int64_t age_ns, double residual_ns, int64_t threshold_ns)
{
    if (w->state != WATCH_SUSPICIOUS || w->now_ns - age_ns < w->suspect_at_ns)
        return;
    const double part = (double)below_a_second(w->suspect_ns);
    if (fabs(part) > (double)threshold_ns && fabs(residual_ns - part) > fabs(part) / 2)
        w->vouched = true;
}

int64_t watch_age(const struct watch *w, int64_t reading_ns)
{
    int64_t age;
    if (!w->valid || __builtin_sub_overflow(w->clock_ns, reading_ns, &age) || age < 0 || age > AGE_MAX_NS)
        return 0;
    return age;
}
