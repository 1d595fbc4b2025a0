/* SPDX-License-Identifier: BSD-2-Clause */
/* Which second a pulse marks, and whether it may be believed; README.md of this room has the rules. */
#include "gnss/gnss.h"

#include "bmca/ptp.h"

#define TRAIN_TOLERANCE_NS  (NS_PER_S / 10)  /* a pulse arrives so close to a whole second after the last */
#define TRAIN_GAP_MAX_NS    (100 * NS_PER_S) /* monotonic time at 500 ppm is then half the tolerance off */
#define TRAIN_STRAYS        3                /* so many pulses in step with each other are the train */
#define LOCKED_TOLERANCE_NS (NS_PER_S / 4)   /* a pulse lies so close to a second of the locked clock */
#define EPOCH_NS            (NS_PER_S / 2)   /* messages closer together are one epoch's */
#define EPOCHS_TO_DECIDE    2                /* one glitch decides nothing about the fix */
#define LABEL_MAX_S         100000000000LL   /* far beyond any receiver, and safe to calculate with */
#define DISAGREEING_S       5                /* what is shorter is a late message, not a disagreement */

void gnss_init(struct gnss *g, const struct gnss_config *config, int configured_utc_offset_s)
{
    *g = (struct gnss){
        .config = *config,
        .status = {.satellites_used = -1,
                   .satellites_visible = -1,
                   .last_message_ns = INT64_MIN,
                   .last_pulse_ns = INT64_MIN},
        .sampled_tai_s = INT64_MIN,
        .compared_tai_s = INT64_MIN,
        .epoch_ns = INT64_MIN,
        .vouched_ns = INT64_MIN,
    };
    leap_init(&g->leap, configured_utc_offset_s);
    g->status.leap = leap_at(&g->leap, 0);
}

/* True if at_ns is INT64_MIN (never) or longer ago than limit_ns. */
static bool longer_ago(int64_t at_ns, int64_t now_ns, int64_t limit_ns)
{
    return at_ns == INT64_MIN || now_ns - at_ns > limit_ns;
}

static int64_t whole_seconds(int64_t ns)
{
    return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

static int64_t nearest_second(int64_t ns)
{
    return whole_seconds(ns + NS_PER_S / 2);
}

/* --- trust --- */

static void forget_sky(struct gnss_status *s)
{
    s->fix = FIX_UNKNOWN;
    s->satellites_used = s->satellites_visible = -1;
    s->antenna = ANTENNA_UNKNOWN;
}

static bool heard_lately(const struct gnss *g, int64_t now_ns)
{
    return g->status.link == RECEIVER_LINK_UP &&
           !longer_ago(g->status.last_message_ns, now_ns, g->config.silent_ns);
}

/* Silence is not a loss of fix: what was vouched for holds on for unvouched_ns. */
static void judge_receiver(struct gnss *g, int64_t now_ns)
{
    struct gnss_status *s = &g->status;

    s->silent = s->link == RECEIVER_LINK_UP && !heard_lately(g, now_ns) &&
                longer_ago(g->link_up_ns, now_ns, g->config.silent_ns);
    if (s->silent)
        forget_sky(s);
    if (longer_ago(g->vouched_ns, now_ns, g->config.unvouched_ns)) {
        g->fix_trusted = false;
        g->good_epochs = 0;
    }
}

static enum gnss_trust trust_of(const struct gnss *g, int64_t now_ns)
{
    const struct gnss_status *s = &g->status;

    if (!g->fix_trusted)
        return heard_lately(g, now_ns) ? GNSS_NO_FIX : GNSS_NO_RECEIVER;
    if (longer_ago(s->last_pulse_ns, now_ns, g->config.pulse_missing_ns))
        return GNSS_NO_PULSE;
    if (!g->clock_locked && s->agreeing < g->config.agreeing_messages)
        return GNSS_NOT_NUMBERED;
    return GNSS_GOOD;
}

static void evaluate(struct gnss *g, int64_t now_ns)
{
    judge_receiver(g, now_ns);
    g->status.trust = trust_of(g, now_ns);
}

/* --- messages --- */

static bool fix_is_good(enum fix_mode fix)
{
    return fix >= FIX_2D;
}

/* An epoch is good if any of its messages has a fix: gpsd's first ones of a cycle may not know it yet. */
static void count_epoch(struct gnss *g, bool good, int64_t arrival_ns)
{
    bool begins = longer_ago(g->epoch_ns, arrival_ns, EPOCH_NS - 1);

    if (begins) {
        g->epoch_ns = arrival_ns;
        g->epoch_good = false;
    }
    if (good) {
        g->vouched_ns = arrival_ns;
        g->bad_epochs = 0;
        if (!g->epoch_good)
            g->good_epochs++;
        g->epoch_good = true;
    } else if (begins) {
        g->good_epochs = 0;
        g->bad_epochs++;
    }
    if (g->good_epochs >= EPOCHS_TO_DECIDE)
        g->fix_trusted = true;
    if (g->bad_epochs >= EPOCHS_TO_DECIDE)
        g->fix_trusted = false;
}

/* A receiver that says its leap seconds made its UTC with them: whatever they are, the sum is right. */
static bool message_tai(struct gnss *g, const struct receiver_report *r, int64_t *tai_s)
{
    if (r->utc_s < 0 || r->utc_s > LABEL_MAX_S)
        return false;
    if (r->gps_minus_utc_s < 1 || r->gps_minus_utc_s > 255)
        return leap_utc_to_tai(&g->leap, r->utc_s, tai_s);
    *tai_s = r->utc_s + LEAP_TAI_MINUS_GPS_S + r->gps_minus_utc_s;
    leap_set_receiver(&g->leap, r->gps_minus_utc_s, *tai_s);
    return true;
}

static void restart_vote(struct gnss *g)
{
    g->have_vote = false;
    g->status.agreeing = 0;
}

/* The message belongs to the last pulse that was due before it, whether or not that one was seen. */
static void vote(struct gnss *g, int64_t tai_s, int64_t arrival_ns)
{
    int64_t since_ns = arrival_ns - g->pulse_arrival_ns, count, value;

    if (!g->have_pulse)
        return;
    count = g->pulse_count + whole_seconds(since_ns);
    value = tai_s - count;
    if (g->have_vote && value == g->vote_tai_minus_count) {
        if (count != g->voted_count)
            g->status.agreeing++;
        g->voted_count = count;
        return;
    }
    if (g->have_vote && value < g->vote_tai_minus_count) {
        g->status.messages_late++;
        if (count == g->voted_count)
            return; /* an old label behind a good one: repeated, or held up */
    }
    g->have_vote = true;
    g->vote_tai_minus_count = value;
    g->voted_count = count;
    g->status.agreeing = 1;
}

/* Counts by seconds of the clock, not by messages: a burst of stale ones is one second's. */
static void compare(struct gnss *g, int64_t tai_s, int64_t clock_tai_s)
{
    struct gnss_status *s = &g->status;
    int64_t ahead_s = tai_s - clock_tai_s;
    bool first_of_second = clock_tai_s != g->compared_tai_s;

    g->compared_tai_s = clock_tai_s;
    if (ahead_s == 0) {
        g->disagreeing = 0;
        s->numbering_disagrees = false;
        s->disagreement_s = 0;
        return;
    }
    if (first_of_second)
        g->disagreeing++;
    if (g->disagreeing >= DISAGREEING_S) {
        s->numbering_disagrees = true;
        s->disagreement_s = ahead_s;
    }
}

static void note_link(struct gnss *g, const struct receiver_report *r)
{
    if (r->link == RECEIVER_LINK_UP && g->status.link != RECEIVER_LINK_UP)
        g->link_up_ns = r->arrival_ns;
    if (r->link == RECEIVER_LINK_DOWN)
        forget_sky(&g->status);
    g->status.link = r->link;
}

/* False for a bare "the link is up": it is not the receiver that speaks. */
static bool note_contents(struct gnss_status *s, const struct receiver_report *r)
{
    if (r->satellites_used >= 0)
        s->satellites_used = r->satellites_used;
    if (r->satellites_visible >= 0)
        s->satellites_visible = r->satellites_visible;
    if (r->antenna != ANTENNA_UNKNOWN)
        s->antenna = r->antenna;
    if (r->has_fix)
        s->fix = r->fix;
    return r->has_fix || r->has_time || r->satellites_used >= 0 || r->satellites_visible >= 0 ||
           r->antenna != ANTENNA_UNKNOWN;
}

void gnss_message(struct gnss *g, const struct receiver_report *r, bool clock_locked, int64_t clock_ns)
{
    int64_t tai_s;

    g->clock_locked = clock_locked;
    note_link(g, r);
    if (r->link == RECEIVER_LINK_UP && note_contents(&g->status, r)) {
        g->status.messages++;
        g->status.last_message_ns = r->arrival_ns;
        if (r->has_fix)
            count_epoch(g, fix_is_good(r->fix), r->arrival_ns);
        if (r->has_fix && fix_is_good(r->fix) && r->has_time && message_tai(g, r, &tai_s)) {
            vote(g, tai_s, r->arrival_ns);
            if (clock_locked)
                compare(g, tai_s, whole_seconds(clock_ns));
        }
    }
    evaluate(g, r->arrival_ns);
}

/* --- pulses --- */

static void start_train(struct gnss *g, int64_t arrival_ns)
{
    g->have_pulse = true;
    g->pulse_arrival_ns = arrival_ns;
    g->pulse_count = 0;
    g->strays = 0;
    restart_vote(g);
}

/* Elapsed whole seconds (0: the same one), or -1 if the two are not in step. */
static int64_t steps_between(int64_t from_ns, int64_t to_ns)
{
    int64_t elapsed_ns = to_ns - from_ns, steps = nearest_second(elapsed_ns);
    int64_t off_ns = elapsed_ns - steps * NS_PER_S;

    return off_ns < -TRAIN_TOLERANCE_NS || off_ns > TRAIN_TOLERANCE_NS ? -1 : steps;
}

/* Counts a pulse off the train; true if it is one of enough in a row that are in step with each other. */
static bool stray_is_train(struct gnss *g, int64_t arrival_ns)
{
    int64_t steps = g->strays ? steps_between(g->stray_arrival_ns, arrival_ns) : -1;

    if (steps == 0)
        return false;
    g->strays = steps > 0 ? g->strays + 1 : 1;
    g->stray_arrival_ns = arrival_ns;
    return g->strays >= TRAIN_STRAYS;
}

/* True if the pulse belongs to the train. The first pulse ever may have been a spurious one: so pulses off
 * the train, as long as none on it comes between, become the train themselves. */
static bool join_train(struct gnss *g, int64_t arrival_ns)
{
    int64_t steps;

    if (!g->have_pulse || arrival_ns - g->pulse_arrival_ns > TRAIN_GAP_MAX_NS) {
        start_train(g, arrival_ns);
        return true;
    }
    steps = steps_between(g->pulse_arrival_ns, arrival_ns);
    if (steps >= 1) {
        g->pulse_arrival_ns = arrival_ns;
        g->pulse_count += steps;
        g->strays = 0;
        return true;
    }
    if (!stray_is_train(g, arrival_ns))
        return false;
    start_train(g, arrival_ns);
    return true;
}

/* Of two pulses that claim the same second the one closer to the clock is let through, even as the second. */
static bool number_by_clock(struct gnss *g, struct gnss_sample *sample)
{
    int64_t tai_s = nearest_second(sample->reading_ns), error_ns = sample->reading_ns - tai_s * NS_PER_S;

    if (error_ns < 0)
        error_ns = -error_ns;
    if (error_ns > LOCKED_TOLERANCE_NS || (tai_s == g->sampled_tai_s && error_ns >= g->sampled_error_ns))
        return false;
    g->sampled_tai_s = tai_s;
    g->sampled_error_ns = error_ns;
    sample->tai_s = tai_s;
    return true;
}

bool gnss_pulse(struct gnss *g, int64_t clock_ns, int64_t arrival_ns, bool clock_locked,
                struct gnss_sample *sample)
{
    bool in_train = join_train(g, arrival_ns), accepted;

    g->clock_locked = clock_locked;
    g->status.pulses++;
    sample->reading_ns = clock_ns - g->config.pulse_offset_ns;
    sample->tai_s = g->vote_tai_minus_count + g->pulse_count;
    accepted = clock_locked ? number_by_clock(g, sample) : in_train;
    if (accepted)
        g->status.last_pulse_ns = arrival_ns;
    else
        g->status.pulses_rejected++;
    evaluate(g, arrival_ns);
    return accepted && g->status.trust == GNSS_GOOD;
}

/* --- the rest --- */

void gnss_tick(struct gnss *g, int64_t now_ns, int64_t clock_tai_s)
{
    evaluate(g, now_ns);
    g->status.leap = leap_at(&g->leap, clock_tai_s);
}

void gnss_clock_changed(struct gnss *g)
{
    g->sampled_tai_s = INT64_MIN;
    g->compared_tai_s = INT64_MIN;
    g->disagreeing = 0;
    g->status.numbering_disagrees = false;
    g->status.disagreement_s = 0;
}

const char *gnss_trust_name(enum gnss_trust t)
{
    static const char *const names[] = {
        [GNSS_NO_RECEIVER] = "no receiver",       [GNSS_NO_FIX] = "no fix", [GNSS_NO_PULSE] = "no pulse",
        [GNSS_NOT_NUMBERED] = "second not known", [GNSS_GOOD] = "good",
    };

    return names[t];
}
