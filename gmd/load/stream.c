/* SPDX-License-Identifier: BSD-2-Clause */
/* A window slides over the sequenceIds; what leaves it is judged. */
#include "gmd/load/stream.h"

#include <stdlib.h>

#define RESTART_JUMP 4096 /* no loss explains such a gap */
#define SILENT       3    /* intervals without a message: no longer the sender's freedom (clause 9.5.9.2) */

static void judge(struct stream *s, uint64_t leaving)
{
    struct stream_counts *c = &s->counts;
    c->expected += (unsigned)__builtin_popcountll(s->valid & leaving);
    c->missing += (unsigned)__builtin_popcountll(s->valid & leaving & ~s->received);
    c->follow_ups_missing +=
        (unsigned)__builtin_popcountll(s->received & leaving & s->two_step & ~s->followed);
}

/* Makes sequence the newest, step after the present one. */
static void slide(struct stream *s, unsigned step)
{
    if (step < STREAM_WINDOW) {
        judge(s, ~0ull << (STREAM_WINDOW - step));
        s->valid = s->valid << step | ((1ull << step) - 1);
        s->received <<= step;
        s->two_step <<= step;
        s->followed <<= step;
    } else {
        judge(s, ~0ull);
        s->counts.expected += step - STREAM_WINDOW;
        s->counts.missing += step - STREAM_WINDOW;
        s->valid = ~0ull;
        s->received = s->two_step = s->followed = 0;
    }
    s->newest = (uint16_t)(s->newest + step);
}

static void start(struct stream *s, uint16_t sequence)
{
    s->newest = sequence;
    s->valid = 1;
    s->received = s->two_step = s->followed = 0;
    if (!s->shared_sequence)
        s->messages = 0;
}

/* The bit of sequence; 0 where it is too old to matter. */
static uint64_t place(struct stream *s, uint16_t sequence)
{
    if (!s->valid)
        start(s, sequence);
    const int ahead = (int16_t)(sequence - s->newest);
    if (abs(ahead) > RESTART_JUMP) {
        judge(s, ~0ull);
        s->counts.restarts += !s->shared_sequence;
        start(s, sequence);
    } else if (ahead > 0) {
        slide(s, (unsigned)ahead);
    }
    const unsigned behind = (uint16_t)(s->newest - sequence);
    return behind < STREAM_WINDOW ? (1ull << behind) & s->valid : 0;
}

/* How many are missing between two messages by the time between them. Less than none: one that had been given
 * up was late, no more, and has come now, right behind the last. */
static int64_t missed(int64_t apart_ns, int64_t interval_ns)
{
    return apart_ns < interval_ns / 2 ? -1 : (apart_ns - interval_ns / 2) / interval_ns;
}

/* How many are missing behind the last message. */
static uint64_t missed_at_end(int64_t silence_ns, int64_t interval_ns)
{
    return silence_ns > SILENT * interval_ns ? (uint64_t)missed(silence_ns, interval_ns) : 0;
}

/* Whether the message is the next after the last one. */
static bool is_next(struct stream *s, uint16_t sequence, int64_t now_ns)
{
    if (!s->interval_ns || !s->messages)
        return false;
    if (!s->shared_sequence)
        return (uint16_t)(s->last_sequence + 1) == sequence;
    const int64_t gap = missed(now_ns - s->last_ns, s->interval_ns);
    if (gap > 0 || s->gaps)
        s->gaps += (uint64_t)gap;
    return gap <= 0;
}

void stream_message(struct stream *s, uint16_t sequence, bool two_step, int64_t interval_ns, int64_t now_ns,
                    struct histogram *errors)
{
    const uint64_t bit = place(s, sequence);
    s->received |= bit;
    if (two_step)
        s->two_step |= bit;
    s->interval_ns = interval_ns;
    if (is_next(s, sequence, now_ns))
        histogram_add(errors, llabs(now_ns - s->last_ns - interval_ns));
    s->last_sequence = sequence;
    s->last_ns = now_ns;
    s->messages++;
}

void stream_follow_up(struct stream *s, uint16_t sequence, bool completing)
{
    /* one whose Sync came before the stream was listened to belongs to nothing either */
    if (s->valid && !(completing && (int16_t)(sequence - s->newest) > 0))
        s->followed |= place(s, sequence);
}

void stream_finish(struct stream *s, int64_t end_ns)
{
    if (s->interval_ns && s->messages) {
        const uint64_t gap = missed_at_end(end_ns - s->last_ns, s->interval_ns);
        s->counts.expected += gap;
        s->counts.missing += gap;
    }
    judge(s, ~0ull);
    s->valid = s->received = 0;
}

void stream_finish_shared(struct stream *s, int64_t end_ns, int64_t held_ns, int64_t interval_ns)
{
    judge(s, ~0ull);
    s->valid = s->received = 0;
    if (interval_ns)
        s->gaps += missed_at_end(s->messages ? end_ns - s->last_ns : held_ns, interval_ns);
    s->counts.expected = s->messages + s->gaps;
    s->counts.missing = s->gaps;
}

void stream_counts_add(struct stream_counts *into, const struct stream_counts *from)
{
    into->expected += from->expected;
    into->missing += from->missing;
    into->follow_ups_missing += from->follow_ups_missing;
    into->restarts += from->restarts;
}
