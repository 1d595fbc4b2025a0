/* SPDX-License-Identifier: BSD-2-Clause */
/* Which second a pulse marks, and whether it may be believed; README.md of this room has the rules. */
#include "gnss/gnss_internal.h"

#include <math.h>
#include <string.h>

#define LOCKED_TOLERANCE_NS (NS_PER_S / 4)   /* a pulse lies so close to a second of the locked clock */
#define SAMPLE_GAP_MAX_NS   (100 * NS_PER_S) /* monotonic time and the clock go the same way for so long */
#define ODDS_ARE_RIGHT      3                /* so many pulses of another second, in step with each other */

void gnss_init(struct gnss *g, const struct gnss_config *config, int configured_utc_offset_s)
{
    struct pulse_pair_config pair = {.threshold_ns = config->pair_threshold_ns};

    *g = (struct gnss){
        .config = *config,
        .status = {.satellites_used = -1,
                   .satellites_visible = -1,
                   .last_message_ns = INT64_MIN,
                   .last_pulse_ns = INT64_MIN},
        .given_tai_s = INT64_MIN,
        .tai_label_ns = INT64_MIN,
        .numbers.compared_tai_s = INT64_MIN,
        .labels.compared_tai_s = INT64_MIN,
        .epoch_ns = INT64_MIN,
        .vouched_ns = INT64_MIN,
    };
    words_init(&g->status.words);
    integrity_init(&g->integrity, &config->integrity);
    for (unsigned i = 0; i < PULSE_SOURCES; i++) {
        g->status.source[i].last_pulse_ns = INT64_MIN;
        g->source[i].sampled.tai_s = INT64_MIN;
        pair.noise_ns[i] = config->pulse[i].noise_ns;
    }
    if (config->second_pulse)
        pulse_pair_init(&g->pair, &pair);
    sawtooth_init(&g->sawtooth, config->sawtooth_wait_ns);
    leap_init(&g->leap, configured_utc_offset_s);
    g->status.leap = leap_at(&g->leap, 0);
}

static int64_t nearest_second(int64_t ns)
{
    return numbering_whole_seconds(ns + NS_PER_S / 2);
}

/* --- trust --- */

static bool heard_lately(const struct gnss *g, int64_t now_ns)
{
    return g->status.link == RECEIVER_LINK_UP &&
           !gnss_longer_ago(g->status.last_message_ns, now_ns, g->config.silent_ns);
}

/* Silence is not a loss of fix: what was vouched for holds on for unvouched_ns. */
static void judge_receiver(struct gnss *g, int64_t now_ns)
{
    struct gnss_status *s = &g->status;

    s->silent = s->link == RECEIVER_LINK_UP && !heard_lately(g, now_ns) &&
                gnss_longer_ago(g->link_up_ns, now_ns, g->config.silent_ns);
    if (s->silent)
        gnss_forget_sky(s);
    words_age(&s->words, now_ns);
    if (gnss_longer_ago(g->vouched_ns, now_ns, g->config.unvouched_ns)) {
        g->fix_trusted = false;
        g->good_epochs = 0;
    }
}

static enum gnss_trust trust_of(const struct gnss *g, int64_t now_ns)
{
    const struct gnss_status *s = &g->status;

    if (!g->fix_trusted)
        return heard_lately(g, now_ns) ? GNSS_NO_FIX : GNSS_NO_RECEIVER;
    if (gnss_longer_ago(s->last_pulse_ns, now_ns, g->config.pulse_missing_ns))
        return GNSS_NO_PULSE;
    if (s->suspicion)
        return GNSS_SUSPECT;
    if (!g->clock_locked && s->agreeing < g->config.agreeing_messages)
        return GNSS_NOT_NUMBERED;
    return GNSS_GOOD;
}

static void evaluate(struct gnss *g, int64_t now_ns)
{
    g->status.last_pulse_ns = g->status.source[g->pair.status.in_use].last_pulse_ns;
    g->status.agreeing = gnss_in_use(g)->numbering.agreeing;
    judge_receiver(g, now_ns);
    g->status.suspicion = integrity_suspicion(&g->integrity, &g->status.words, g->status.satellites_used);
    g->status.trust = trust_of(g, now_ns);
}

/* --- samples on their way out --- */

static bool correct(struct gnss *g, struct gnss_sample *sample, int64_t arrival_ns)
{
    if (g->config.pulse[sample->source].foreign || g->status.numbering_disagrees ||
        !sawtooth_find(&g->sawtooth, sample->tai_s, arrival_ns, &sample->sawtooth_ns))
        return false;
    sample->corrected = true;
    sample->reading_ns -= llround(sample->sawtooth_ns);
    return true;
}

/* One that is still held is overtaken: both are of one second, or this process was stopped for a while. */
static void hold(struct gnss *g, const struct gnss_sample *sample, int64_t arrival_ns)
{
    int64_t wait_ns = 0;

    if (!g->config.pulse[sample->source].foreign)
        wait_ns = sawtooth_pulse(&g->sawtooth, sample->tai_s, arrival_ns);
    g->held = (struct gnss_held){true, *sample, arrival_ns, wait_ns};
}

static void note_given(struct gnss *g, const struct gnss_sample *sample)
{
    g->given_tai_s = sample->tai_s;
    g->status.corrected = sample->corrected;
    g->status.samples++;
    g->status.samples_corrected += sample->corrected;
}

/* The end of every event. */
static bool give(struct gnss *g, int64_t now_ns, struct gnss_sample *sample)
{
    struct gnss_held *h = &g->held;

    if (!h->there)
        return false;
    if (g->status.trust == GNSS_GOOD && !h->sample.corrected && !correct(g, &h->sample, h->arrival_ns)) {
        if (h->wait_ns > 0 && now_ns < h->arrival_ns + h->wait_ns)
            return false;
        if (h->wait_ns > 0)
            sawtooth_missed(&g->sawtooth);
    }
    h->there = false;
    if (g->status.trust != GNSS_GOOD)
        return false;
    *sample = h->sample;
    note_given(g, sample);
    return true;
}

/* Until the vote is decided, pulses are kept: a lock need not wait for new ones. */
static void keep_early(struct gnss_source *s, const struct gnss_sample *pulse, int64_t arrival_ns)
{
    struct gnss_early *e = &s->early;
    const int64_t count = s->numbering.pulse_count;

    if (e->count > 0 && count <= e->pulses[e->count - 1].pulse_count)
        e->count = 0; /* the train began anew */
    if (e->count == GNSS_EARLY_PULSES)
        memmove(&e->pulses[0], &e->pulses[1], --e->count * sizeof(e->pulses[0]));
    e->pulses[e->count++] = (struct gnss_early_pulse){count, pulse->reading_ns, arrival_ns};
}

bool gnss_next(struct gnss *g, struct gnss_sample *sample)
{
    const unsigned source = g->pair.status.in_use;
    struct gnss_source *s = &g->source[source];

    while (!g->clock_locked && g->status.trust == GNSS_GOOD && s->early.count > 0) {
        const struct gnss_early_pulse p = s->early.pulses[0];

        memmove(&s->early.pulses[0], &s->early.pulses[1], --s->early.count * sizeof(p));
        *sample = (struct gnss_sample){
            .tai_s = s->numbering.vote_tai_minus_count + p.pulse_count,
            .reading_ns = p.reading_ns,
            .source = source,
            .noise_ns = g->config.pulse[source].noise_ns,
        };
        if (sample->tai_s <= g->given_tai_s) /* given out already */
            continue;
        correct(g, sample, p.arrival_ns);
        note_given(g, sample);
        return true;
    }
    return false;
}

bool gnss_message(struct gnss *g, const struct receiver_report *r, bool clock_locked, int64_t clock_ns,
                  struct gnss_sample *sample)
{
    g->clock_locked = clock_locked;
    gnss_hear(g, r, clock_ns);
    evaluate(g, r->arrival_ns);
    return give(g, r->arrival_ns, sample) || gnss_next(g, sample);
}

/* --- pulses --- */

static bool in_step(const struct gnss_mark *from, const struct gnss_mark *to)
{
    int64_t steps = numbering_steps(from->arrival_ns, to->arrival_ns);

    return steps >= 0 && steps == to->tai_s - from->tai_s;
}

/* Since the last pulse as much time must have passed by the clock as by monotonic time: one of a burst that
 * was held up is of another second than it comes in. Enough of them in step with each other are right. */
static bool comes_in_its_second(struct gnss_source *s, const struct gnss_mark *now)
{
    if (s->sampled.tai_s == INT64_MIN || now->arrival_ns - s->sampled.arrival_ns > SAMPLE_GAP_MAX_NS ||
        in_step(&s->sampled, now)) {
        s->odds = 0;
        return true;
    }
    if (s->odds > 0 && now->tai_s == s->odd.tai_s)
        return false;
    s->odds = s->odds > 0 && in_step(&s->odd, now) ? s->odds + 1 : 1;
    s->odd = *now;
    return s->odds >= ODDS_ARE_RIGHT;
}

/* Of two pulses that claim the same second the one closer to the clock is let through, even as the second. */
static bool number_by_clock(struct gnss_source *s, struct gnss_sample *sample, int64_t arrival_ns)
{
    int64_t tai_s = nearest_second(sample->reading_ns), error_ns = sample->reading_ns - tai_s * NS_PER_S;
    struct gnss_mark now = {tai_s, arrival_ns};

    if (error_ns < 0)
        error_ns = -error_ns;
    if (error_ns > LOCKED_TOLERANCE_NS || !comes_in_its_second(s, &now) ||
        (tai_s == s->sampled.tai_s && error_ns >= s->sampled_error_ns))
        return false;
    s->sampled = now;
    s->sampled_error_ns = error_ns;
    sample->tai_s = tai_s;
    return true;
}

/* The other source has become the one that is in use: its last pulse is given out, unless it is of a second
 * that the former one has served. */
static void use_spare(struct gnss *g)
{
    struct gnss_held *h = &g->spare;

    if (!h->there || h->sample.source != g->pair.status.in_use || h->sample.tai_s <= g->given_tai_s)
        return;
    h->sample.reading_ns -= llround(g->pair.status.bridge_ns);
    g->held = *h;
    h->there = false;
}

/* True if the pulse is to be given out: of two sources only the one in use is, and a second only once. */
static bool choose(struct gnss *g, struct gnss_sample *sample, int64_t arrival_ns)
{
    const struct pulse_pair_status *s = &g->pair.status;
    const unsigned before = s->in_use;

    if (!g->config.second_pulse)
        return true;
    sample->noise_ns = fmax(sample->noise_ns, s->noise_ns[sample->source]);
    if (!pulse_pair_pulse(&g->pair, sample->source, sample->tai_s, sample->reading_ns, arrival_ns,
                          g->clock_locked)) {
        use_spare(g);
        g->spare = (struct gnss_held){true, *sample, arrival_ns, 0};
        return false;
    }
    sample->reading_ns -= llround(s->bridge_ns);
    return s->in_use == before || sample->tai_s > g->given_tai_s;
}

bool gnss_pulse(struct gnss *g, unsigned source, int64_t clock_ns, int64_t arrival_ns, bool clock_locked,
                struct gnss_sample *sample)
{
    const struct gnss_pulse_config *config = &g->config.pulse[source];
    struct gnss_source_status *status = &g->status.source[source];
    struct gnss_source *s = &g->source[source];
    /* messages are to be later than their second, not than an edge that comes long after it */
    bool in_train = numbering_pulse(&s->numbering, arrival_ns - config->offset_ns), accepted;
    struct gnss_sample pulse = {
        .tai_s = numbering_last(&s->numbering),
        .reading_ns = clock_ns - config->offset_ns,
        .source = source,
        .noise_ns = config->noise_ns,
    };

    g->clock_locked = clock_locked;
    accepted = clock_locked ? number_by_clock(s, &pulse, arrival_ns) : in_train;
    status->pulses++;
    status->rejected += !accepted;
    if (accepted)
        status->last_pulse_ns = arrival_ns;
    if (accepted && (clock_locked || s->numbering.agreeing >= g->config.agreeing_messages)) {
        correct(g, &pulse, arrival_ns);
        if (choose(g, &pulse, arrival_ns))
            hold(g, &pulse, arrival_ns);
    } else if (accepted) {
        keep_early(s, &pulse, arrival_ns);
    }
    evaluate(g, arrival_ns);
    return give(g, arrival_ns, sample);
}

/* --- the rest --- */

bool gnss_tick(struct gnss *g, int64_t now_ns, int64_t clock_tai_s, struct gnss_sample *sample)
{
    if (g->config.second_pulse && pulse_pair_tick(&g->pair, now_ns))
        use_spare(g);
    evaluate(g, now_ns);
    g->status.leap = leap_at(&g->leap, clock_tai_s);
    if (g->status.labels_disagree) {
        g->status.leap.disagree = true;
        g->status.leap.valid = false;
    }
    return give(g, now_ns, sample);
}

void gnss_clock_changed(struct gnss *g)
{
    for (unsigned i = 0; i < PULSE_SOURCES; i++) {
        g->source[i].sampled.tai_s = INT64_MIN;
        g->source[i].early.count = 0;
    }
    g->held.there = g->spare.there = false;
    g->given_tai_s = INT64_MIN;
    if (g->config.second_pulse)
        pulse_pair_clock_changed(&g->pair);
    g->numbers = (struct gnss_comparison){.compared_tai_s = INT64_MIN};
    g->status.numbering_disagrees = false;
    g->status.disagreement_s = 0;
}

const char *gnss_trust_name(enum gnss_trust t)
{
    static const char *const names[] = {
        [GNSS_NO_RECEIVER] = "no receiver",
        [GNSS_NO_FIX] = "no fix",
        [GNSS_NO_PULSE] = "no pulse",
        [GNSS_SUSPECT] = "not to be believed",
        [GNSS_NOT_NUMBERED] = "second not known",
        [GNSS_GOOD] = "good",
    };

    return names[t];
}
