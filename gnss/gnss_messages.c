/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiver's messages say: of its fix, of the second it is, of leap seconds. */
#include "gnss/gnss_internal.h"

#define EPOCH_NS         (NS_PER_S / 2) /* messages closer together are one epoch's */
#define EPOCHS_TO_DECIDE 2              /* one glitch decides nothing about the fix */
#define LABEL_MAX_S      100000000000LL /* far beyond any receiver, and safe to calculate with */
#define DISAGREEING_S    5              /* what is shorter is a late message, not a disagreement */

void gnss_forget_sky(struct gnss_status *s)
{
    s->fix = FIX_UNKNOWN;
    s->satellites_used = s->satellites_visible = -1;
    words_forget(&s->words);
}

static bool fix_is_good(enum fix_mode fix)
{
    return fix >= FIX_2D;
}

/* An epoch is good if any of its messages has a fix: gpsd's first ones of a cycle may not know it yet. */
static void count_epoch(struct gnss *g, bool good, int64_t arrival_ns)
{
    bool begins = gnss_longer_ago(g->epoch_ns, arrival_ns, EPOCH_NS - 1);

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

/* A message that says nothing of the fix speaks for as long as the fix is trusted. */
static bool speaks_with_fix(const struct gnss *g, const struct receiver_report *r)
{
    return r->has_fix ? fix_is_good(r->fix) : g->fix_trusted;
}

static bool says_leap_seconds(const struct receiver_report *r)
{
    return r->gps_minus_utc_s >= 1 && r->gps_minus_utc_s <= 255;
}

static bool label_in_range(int64_t label_s)
{
    return label_s >= 0 && label_s <= LABEL_MAX_S;
}

static bool has_tai_label(const struct receiver_report *r)
{
    return r->has_tai && label_in_range(r->tai_s);
}

/* Of a message that carries its fix and its UTC. A receiver that says its leap seconds made its UTC with
 * them: whatever they are, the sum is right. */
static bool utc_label(const struct gnss *g, const struct receiver_report *r, int64_t *tai_s)
{
    if (!r->has_fix || !r->has_time || !label_in_range(r->utc_s))
        return false;
    if (!says_leap_seconds(r))
        return leap_utc_to_tai(&g->leap, r->utc_s, tai_s);
    *tai_s = r->utc_s + LEAP_TAI_MINUS_GPS_S + r->gps_minus_utc_s;
    return true;
}

/* The TAI second that a message was sent in, by itself or by what is known. */
static bool second_of(struct gnss *g, const struct receiver_report *r, int64_t clock_ns, int64_t *tai_s)
{
    const struct numbering *n = &gnss_in_use(g)->numbering;

    if (has_tai_label(r))
        *tai_s = r->tai_s;
    else if (says_leap_seconds(r) && utc_label(g, r, tai_s))
        return true;
    else if (g->clock_locked)
        *tai_s = numbering_whole_seconds(clock_ns);
    else if (n->agreeing >= g->config.agreeing_messages)
        *tai_s = numbering_due(n, r->arrival_ns);
    else
        return false;
    return true;
}

static void note_leap(struct gnss *g, const struct receiver_report *r, int64_t clock_ns)
{
    int64_t tai_s;

    if (!(says_leap_seconds(r) || r->has_leap) || !second_of(g, r, clock_ns, &tai_s))
        return;
    if (says_leap_seconds(r))
        leap_set_receiver(&g->leap, r->gps_minus_utc_s, tai_s);
    if (r->has_leap)
        leap_set_announced(&g->leap, r->leap_step_s, r->leap_utc_s, tai_s);
}

/* Counts by seconds, not by messages: a burst of stale ones is one second's. */
static void compare(struct gnss_comparison *c, int64_t label_tai_s, int64_t tai_s, bool *lasting,
                    int64_t *ahead_s)
{
    bool first_of_second = tai_s != c->compared_tai_s;

    c->compared_tai_s = tai_s;
    if (label_tai_s == tai_s) {
        c->disagreeing = 0;
        *lasting = false;
        *ahead_s = 0;
        return;
    }
    if (first_of_second)
        c->disagreeing++;
    if (c->disagreeing >= DISAGREEING_S) {
        *lasting = true;
        *ahead_s = label_tai_s - tai_s;
    }
}

/* The label that numbers: each source's pulses before lock; afterwards it is only compared. */
static void take_label(struct gnss *g, int64_t tai_s, int64_t arrival_ns, int64_t clock_ns)
{
    struct gnss_status *s = &g->status;
    bool late = false;

    for (unsigned i = 0; i < PULSE_SOURCES; i++)
        late |= !numbering_vote(&g->source[i].numbering, tai_s, arrival_ns);
    s->messages_late += late;
    if (g->clock_locked)
        compare(&g->numbers, tai_s, numbering_whole_seconds(clock_ns), &s->numbering_disagrees,
                &s->disagreement_s);
}

/* TAI needs no leap seconds: while the receiver tells it, its UTC is only compared with it. */
static void take_labels(struct gnss *g, const struct receiver_report *r, int64_t clock_ns)
{
    const struct numbering *n = &gnss_in_use(g)->numbering;
    struct gnss_status *s = &g->status;
    bool has_tai = has_tai_label(r);
    int64_t utc_tai_s;

    if (has_tai) {
        g->tai_label_ns = r->arrival_ns;
        take_label(g, r->tai_s, r->arrival_ns, clock_ns);
    }
    if (!utc_label(g, r, &utc_tai_s))
        return;
    if (gnss_longer_ago(g->tai_label_ns, r->arrival_ns, g->config.silent_ns)) {
        s->labels_disagree = false;
        take_label(g, utc_tai_s, r->arrival_ns, clock_ns);
    } else if (has_tai || n->agreeing >= g->config.agreeing_messages) {
        compare(&g->labels, utc_tai_s, has_tai ? r->tai_s : numbering_due(n, r->arrival_ns),
                &s->labels_disagree, &s->labels_differ_s);
    }
}

static void note_link(struct gnss *g, const struct receiver_report *r)
{
    if (r->link == RECEIVER_LINK_UP && g->status.link != RECEIVER_LINK_UP)
        g->link_up_ns = r->arrival_ns;
    if (r->link == RECEIVER_LINK_DOWN)
        gnss_forget_sky(&g->status);
    g->status.link = r->link;
}

/* False for a bare "the link is up": it is not the receiver that speaks. */
static bool note_contents(struct gnss_status *s, const struct receiver_report *r)
{
    bool words = words_note(&s->words, r);

    if (r->satellites_used >= 0)
        s->satellites_used = r->satellites_used;
    if (r->satellites_visible >= 0)
        s->satellites_visible = r->satellites_visible;
    if (r->has_fix)
        s->fix = r->fix;
    return words || r->has_fix || r->has_time || r->has_tai || r->has_sawtooth || r->has_leap ||
           r->satellites_used >= 0 || r->satellites_visible >= 0 || r->gps_minus_utc_s > 0;
}

void gnss_hear(struct gnss *g, const struct receiver_report *r, int64_t clock_ns)
{
    note_link(g, r);
    if (r->link != RECEIVER_LINK_UP || !note_contents(&g->status, r))
        return;
    g->status.messages++;
    g->status.last_message_ns = r->arrival_ns;
    if (r->has_sawtooth)
        sawtooth_message(&g->sawtooth, r->sawtooth_tai_s, r->sawtooth_ns, r->arrival_ns);
    if (r->has_fix)
        count_epoch(g, fix_is_good(r->fix), r->arrival_ns);
    if (speaks_with_fix(g, r)) {
        integrity_note(&g->integrity, r);
        note_leap(g, r, clock_ns);
        take_labels(g, r, clock_ns);
    }
}
