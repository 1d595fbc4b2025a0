/* SPDX-License-Identifier: BSD-2-Clause */
/* Foreign masters of one port: who was heard, who is qualified, who is best. */
#include "bmca/foreign.h"

#include <string.h>

#define STEPS_REMOVED_MAX 254 /* clause 9.3.2.5 d */

void foreign_init(struct foreign_table *t, int64_t announce_interval_ns, unsigned announce_receipt_timeout)
{
    memset(t, 0, sizeof(*t));
    t->window_ns = FOREIGN_MASTER_TIME_WINDOW * announce_interval_ns;
    t->timeout_ns =
        (int64_t)announce_receipt_timeout * announce_interval_ns + FOREIGN_MASTER_GRACE(announce_interval_ns);
}

void foreign_clear(struct foreign_table *t)
{
    memset(t->masters, 0, sizeof(t->masters));
}

static bool silent(const struct foreign_table *t, const struct foreign_master *m, int64_t now_ns)
{
    return now_ns - m->seen_ns[0] >= t->timeout_ns;
}

bool foreign_qualified(const struct foreign_table *t, const struct foreign_master *m, int64_t now_ns)
{
    return m->used && m->qualified && !silent(t, m, now_ns);
}

bool foreign_expire(struct foreign_table *t, int64_t now_ns)
{
    bool lost = false;
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++) {
        struct foreign_master *m = &t->masters[i];
        if (!m->used || !silent(t, m, now_ns))
            continue;
        lost = lost || m->qualified;
        m->used = false;
    }
    return lost;
}

const struct foreign_master *foreign_best(const struct foreign_table *t, int64_t now_ns)
{
    const struct foreign_master *best = NULL;
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++) {
        const struct foreign_master *m = &t->masters[i];
        if (!foreign_qualified(t, m, now_ns))
            continue;
        if (best == NULL || dataset_compare(&m->last.candidate, &best->last.candidate) < DATASET_EQUAL)
            best = m;
    }
    return best;
}

static bool same_quality(const struct clock_quality *a, const struct clock_quality *b)
{
    return a->clock_class == b->clock_class && a->clock_accuracy == b->clock_accuracy &&
           a->offset_scaled_log_variance == b->offset_scaled_log_variance;
}

static bool same_candidate(const struct candidate *a, const struct candidate *b)
{
    return a->priority1 == b->priority1 && a->priority2 == b->priority2 &&
           a->steps_removed == b->steps_removed && same_quality(&a->quality, &b->quality) &&
           clock_identity_compare(&a->grandmaster, &b->grandmaster) == 0 &&
           port_identity_compare(&a->sender, &b->sender) == 0 &&
           port_identity_compare(&a->receiver, &b->receiver) == 0;
}

static bool same_time_properties(const struct time_properties *a, const struct time_properties *b)
{
    return a->current_utc_offset == b->current_utc_offset &&
           a->current_utc_offset_valid == b->current_utc_offset_valid && a->leap59 == b->leap59 &&
           a->leap61 == b->leap61 && a->time_traceable == b->time_traceable &&
           a->frequency_traceable == b->frequency_traceable && a->ptp_timescale == b->ptp_timescale &&
           a->time_source == b->time_source;
}

static bool same_data(const struct foreign_announce *a, const struct foreign_announce *b)
{
    return same_candidate(&a->candidate, &b->candidate) &&
           same_time_properties(&a->time_properties, &b->time_properties);
}

/* A master that is silent and waits for foreign_expire is not found: it begins anew. */
static struct foreign_master *find(struct foreign_table *t, const struct port_identity *sender,
                                   int64_t now_ns)
{
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++) {
        struct foreign_master *m = &t->masters[i];
        if (m->used && !silent(t, m, now_ns) && port_identity_compare(&m->last.candidate.sender, sender) == 0)
            return m;
    }
    return NULL;
}

/* Also takes the evidence of a restart. A repetition of the last message is a duplicate and no evidence. */
static bool sequence_old(struct foreign_master *m, uint16_t sequence_id)
{
    int16_t ahead = (int16_t)(uint16_t)(sequence_id - m->last.sequence_id);
    if (ahead > 0)
        return false;
    if (ahead == 0)
        return true;
    if (m->has_old && sequence_id == (uint16_t)(m->old_sequence + 1))
        return false;
    m->has_old = true;
    m->old_sequence = sequence_id;
    return true;
}

/* Of the masters in use that are qualified, or of those that are not; NULL if there is none. */
static struct foreign_master *worst(struct foreign_table *t, bool qualified)
{
    struct foreign_master *w = NULL;
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++) {
        struct foreign_master *m = &t->masters[i];
        if (!m->used || m->qualified != qualified)
            continue;
        if (w == NULL || dataset_compare(&m->last.candidate, &w->last.candidate) > DATASET_EQUAL)
            w = m;
    }
    return w;
}

static bool full(const struct foreign_table *t)
{
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++) {
        if (!t->masters[i].used)
            return false;
    }
    return true;
}

/* A slot for a newcomer, or NULL when it is the worst itself. */
static struct foreign_master *make_room(struct foreign_table *t, const struct candidate *newcomer)
{
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++) {
        if (!t->masters[i].used)
            return &t->masters[i];
    }

    t->evicted++;
    struct foreign_master *w = worst(t, false);
    return dataset_compare(newcomer, &w->last.candidate) < DATASET_EQUAL ? w : NULL;
}

/* A message of m: true if the state decision has something new to look at. */
static bool store(struct foreign_table *t, struct foreign_master *m, const struct foreign_announce *a,
                  int64_t now_ns)
{
    bool changed = m->qualified && !same_data(&m->last, a);

    m->last = *a;
    m->has_old = false;
    m->announces++;
    memmove(&m->seen_ns[1], &m->seen_ns[0], sizeof(m->seen_ns) - sizeof(m->seen_ns[0]));
    m->seen_ns[0] = now_ns;

    if (m->qualified || m->announces < FOREIGN_MASTER_THRESHOLD ||
        now_ns - m->seen_ns[FOREIGN_MASTER_THRESHOLD - 1] > t->window_ns)
        return changed;

    m->qualified = true;
    if (full(t) && worst(t, false) == NULL) {
        worst(t, true)->used = false;
        t->evicted++;
    }
    return m->used;
}

enum foreign_result foreign_announce(struct foreign_table *t, const struct foreign_announce *a,
                                     const struct clock_identity *own, int64_t now_ns)
{
    const struct candidate *c = &a->candidate;
    if (clock_identity_compare(&c->sender.clock, own) == 0 ||
        clock_identity_compare(&c->grandmaster, own) == 0) {
        t->discarded_own++;
        return FOREIGN_DISCARDED_OWN;
    }
    if (c->steps_removed > STEPS_REMOVED_MAX) {
        t->discarded_steps++;
        return FOREIGN_DISCARDED_STEPS;
    }

    struct foreign_master *m = find(t, &c->sender, now_ns);
    if (m != NULL && sequence_old(m, a->sequence_id)) {
        t->discarded_old++;
        return FOREIGN_DISCARDED_OLD;
    }

    bool changed = foreign_expire(t, now_ns);
    if (m == NULL && (m = make_room(t, c)) != NULL)
        *m = (struct foreign_master){.used = true, .first_seen_ns = now_ns};
    if (m != NULL && store(t, m, a, now_ns))
        changed = true;
    return changed ? FOREIGN_CHANGED : FOREIGN_ACCEPTED;
}
