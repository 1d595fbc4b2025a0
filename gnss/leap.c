/* SPDX-License-Identifier: BSD-2-Clause */
/* TAI - UTC from three sources; README.md of this room says how they are weighed. */
#include "gnss/leap.h"

#define ANNOUNCE_AHEAD_S 43200 /* clause 9.4: from 12 h before */
#define DAY_S            86400LL
#define AROUND_S         256                 /* TAI - UTC is less */
#define ANNOUNCED_MAX_S  (2LL * 366 * DAY_S) /* half a year is usual */

/* What one source says. */
struct opinion {
    enum leap_source source;
    int offset_s;
    bool live; /* in force: an unexpired table, a receiver that spoke lately, the configuration */
};

void leap_init(struct leap *l, int configured_s)
{
    *l = (struct leap){.configured_s = configured_s};
}

void leap_set_table(struct leap *l, const struct leap_table *t)
{
    l->table = *t;
    l->has_table = true;
}

/* Seconds are counted, not messages. */
static bool claim(struct leap_claim *c, int value_s, int64_t utc_s, int64_t now_tai_s)
{
    if (c->count == 0 || value_s != c->value_s || utc_s != c->utc_s)
        *c = (struct leap_claim){value_s, utc_s, 1, now_tai_s};
    else if (now_tai_s != c->tai_s)
        c->count++;
    c->tai_s = now_tai_s;
    return c->count >= LEAP_RECEIVER_REPORTS;
}

/* Behind an inserted second, in place of a removed one. */
static int64_t announced_tai_s(const struct leap_announcement *a)
{
    return a->utc_s + a->before_s + a->step_s;
}

/* Around the leap second that it announced a receiver may be early or late with its own offset: either
 * value is then what was to be expected, and changes nothing. */
static bool is_of_announced_leap(const struct leap *l, int offset_s)
{
    return l->announced.step_s &&
           (offset_s == l->announced.before_s || offset_s == l->announced.before_s + l->announced.step_s);
}

/* Known to the end, though not confirmed any more: it is carried out all the same. */
static bool was_announced(const struct leap_announcement *a)
{
    return a->step_s && announced_tai_s(a) - a->said_s < LEAP_RECEIVER_LIVE_S;
}

/* The sky announced a leap second that has come since, and before it offset_s was right. */
static bool is_overtaken(const struct leap_announcement *a, int offset_s, int64_t tai_s)
{
    return was_announced(a) && tai_s >= announced_tai_s(a) && offset_s == a->before_s;
}

void leap_set_receiver(struct leap *l, int gps_minus_utc_s, int64_t now_tai_s)
{
    struct leap_announcement *a = &l->announced;
    int offset_s = LEAP_TAI_MINUS_GPS_S + gps_minus_utc_s;

    if (gps_minus_utc_s < 1 || gps_minus_utc_s > 255)
        return;
    if (offset_s == l->receiver_s) {
        l->receiver_tai_s = now_tai_s;
        l->offset_claim.count = 0;
    } else if (claim(&l->offset_claim, offset_s, 0, now_tai_s)) {
        if (!is_of_announced_leap(l, offset_s))
            a->before_s = offset_s;
        l->receiver_s = offset_s;
        l->receiver_tai_s = now_tai_s;
        l->offset_claim.count = 0;
    }
    if (is_overtaken(a, l->receiver_s, l->receiver_tai_s - LEAP_RECEIVER_SETTLE_S))
        a->step_s = 0; /* it did not take place */
}

void leap_set_announced(struct leap *l, int step_s, int64_t utc_s, int64_t now_tai_s)
{
    struct leap_announcement *a = &l->announced;
    int before_s = l->receiver_s ? l->receiver_s : leap_at(l, now_tai_s).utc_offset_s;

    if (step_s == 0)
        utc_s = 0;
    else if ((step_s != 1 && step_s != -1) || utc_s % DAY_S != 0 || utc_s <= now_tai_s - AROUND_S ||
             utc_s > now_tai_s + ANNOUNCED_MAX_S)
        return;
    if (step_s == a->step_s && utc_s == a->utc_s) {
        a->said_s = now_tai_s;
        l->announcement_claim.count = 0;
    } else if (step_s == 0 && a->step_s && now_tai_s >= announced_tai_s(a) - LEAP_RECEIVER_SETTLE_S) {
        l->announcement_claim.count = 0; /* past, not withdrawn */
    } else if (claim(&l->announcement_claim, step_s, utc_s, now_tai_s)) {
        *a = (struct leap_announcement){step_s, utc_s, before_s, now_tai_s};
        l->announcement_claim.count = 0;
    }
}

/* The TAI second from which on an entry holds: behind an inserted second, in place of a removed one. */
static int64_t entry_tai_s(const struct leap_entry *e)
{
    return e->utc_s + e->tai_minus_utc_s;
}

/* Index of the entry in force at tai_s, or -1 before the first. */
static int entry_at(const struct leap *l, int64_t tai_s)
{
    int i = l->has_table ? (int)l->table.count - 1 : -1;

    while (i >= 0 && entry_tai_s(&l->table.entries[i]) > tai_s)
        i--;
    return i;
}

static bool table_says(const struct leap *l, int64_t tai_s, int offset_s)
{
    int i = entry_at(l, tai_s);

    return i >= 0 && l->table.entries[i].tai_minus_utc_s == offset_s;
}

/* A receiver's word is compared with the table as of when it was given, with room for one that switches
 * early or late: so neither a leap second nor a receiver lost before it makes a contradiction. */
static bool table_confirms_receiver(const struct leap *l)
{
    return table_says(l, l->receiver_tai_s - LEAP_RECEIVER_SETTLE_S, l->receiver_s) ||
           table_says(l, l->receiver_tai_s + LEAP_RECEIVER_SETTLE_S, l->receiver_s);
}

/* Its last word, and the leap second that it announced: at the very second, whether it is heard then or not,
 * early or late. */
static int receiver_offset(const struct leap *l, int64_t tai_s)
{
    const struct leap_announcement *a = &l->announced;

    if (!was_announced(a) || !is_of_announced_leap(l, l->receiver_s) ||
        l->receiver_tai_s >= announced_tai_s(a) + LEAP_RECEIVER_SETTLE_S)
        return l->receiver_s;
    return tai_s < announced_tai_s(a) ? a->before_s : a->before_s + a->step_s;
}

/* What a table that has expired does not know, the receiver may have announced. */
static int expired_offset(const struct leap *l, int offset_s, int64_t tai_s)
{
    const struct leap_announcement *a = &l->announced;
    bool unknown = a->utc_s >= l->table.expires_utc_s;

    return unknown && is_overtaken(a, offset_s, tai_s) ? offset_s + a->step_s : offset_s;
}

/* A configured value that a live table knows as past was overtaken by a leap second: warned of, not weighed.
 */
static bool configured_outdated(const struct leap *l, int in_force)
{
    for (int i = 0; i < in_force; i++)
        if (l->table.entries[i].tai_minus_utc_s == l->configured_s)
            return l->configured_s != l->table.entries[in_force].tai_minus_utc_s;
    return false;
}

/* The opinions at tai_s in the order of trust among equals; at most three. */
static unsigned gather(const struct leap *l, int64_t tai_s, struct opinion *o, struct leap_status *s)
{
    unsigned n = 0;
    int in_force = entry_at(l, tai_s);
    bool table_live = false;

    if (in_force >= 0) {
        int offset_s = l->table.entries[in_force].tai_minus_utc_s;

        /* its last entry's offset: no entry lies behind the expiry */
        s->table_expired =
            tai_s - l->table.entries[l->table.count - 1].tai_minus_utc_s >= l->table.expires_utc_s;
        table_live = !s->table_expired;
        if (s->table_expired)
            offset_s = expired_offset(l, offset_s, tai_s);
        o[n++] = (struct opinion){LEAP_SOURCE_FILE, offset_s, table_live};
    }
    if (l->receiver_s) {
        int64_t age_s = tai_s - l->receiver_tai_s;
        bool confirmed = table_live && table_confirms_receiver(l);

        o[n++] = (struct opinion){LEAP_SOURCE_RECEIVER, confirmed ? o[0].offset_s : receiver_offset(l, tai_s),
                                  age_s > -LEAP_RECEIVER_LIVE_S && age_s < LEAP_RECEIVER_LIVE_S};
    }
    if (l->configured_s && ((table_live && configured_outdated(l, in_force)) ||
                            (!table_live && is_overtaken(&l->announced, l->configured_s, tai_s))))
        s->disagree = true;
    else if (l->configured_s)
        o[n++] = (struct opinion){LEAP_SOURCE_CONFIGURED, l->configured_s, true};
    return n;
}

/* The first live opinion, or else the first. */
static const struct opinion *choose(const struct opinion *o, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (o[i].live)
            return &o[i];
    return n ? &o[0] : NULL;
}

static void weigh(const struct opinion *o, unsigned n, struct leap_status *s)
{
    unsigned live_for = 0, live_against = 0, expired_against = 0;
    bool contradicted;

    for (unsigned i = 0; i < n; i++) {
        bool against = o[i].offset_s != s->utc_offset_s;

        live_for += o[i].live && !against;
        live_against += o[i].live && against;
        expired_against += against && !o[i].live && o[i].source == LEAP_SOURCE_FILE;
    }
    /* An expired table is old, not wrong: it takes two to overrule it. */
    contradicted = live_against > 0 || (expired_against > 0 && live_for < 2);
    s->valid = live_for > 0 && !contradicted;
    s->disagree |= contradicted;
}

/* An unexpired table knows every leap second until it expires; of later ones, and without it, the receiver
 * does. */
static void leap_to_come(const struct leap *l, int64_t tai_s, struct leap_status *s)
{
    const struct leap_announcement *a = &l->announced;
    const struct leap_entry *e = &l->table.entries[entry_at(l, tai_s) + 1];
    bool in_table =
        e > l->table.entries && e < &l->table.entries[l->table.count]; /* never of an expired one */
    bool announced = a->step_s && tai_s < announced_tai_s(a) && tai_s - a->said_s < LEAP_RECEIVER_LIVE_S;
    bool table_covers = l->has_table && announced && a->utc_s < l->table.expires_utc_s;
    int step_s = 0;
    int64_t at_s = 0;

    if (in_table) {
        s->next_leap_utc_s = e->utc_s;
        step_s = e->tai_minus_utc_s - e[-1].tai_minus_utc_s;
        at_s = entry_tai_s(e);
    } else if (announced && !table_covers) {
        s->next_leap_utc_s = a->utc_s;
        step_s = a->step_s;
        at_s = announced_tai_s(a);
    }
    if (table_covers && (a->utc_s != s->next_leap_utc_s || a->step_s != step_s))
        s->disagree = true;
    if (at_s - tai_s <= ANNOUNCE_AHEAD_S) {
        s->leap61 = step_s > 0;
        s->leap59 = step_s < 0;
    }
}

struct leap_status leap_at(const struct leap *l, int64_t tai_s)
{
    struct leap_status s = {.utc_offset_s = LEAP_BEST_GUESS_S};
    struct opinion o[3];
    unsigned n = gather(l, tai_s, o, &s);
    const struct opinion *chosen = choose(o, n);

    if (chosen) {
        s.utc_offset_s = chosen->offset_s;
        s.source = chosen->source;
    }
    weigh(o, n, &s);
    leap_to_come(l, tai_s, &s);
    return s;
}

/* 23:59:60 and the 00:00:00 behind it share a label; a removed 23:59:59 has none. */
static bool label_is_ambiguous(const struct leap_table *t, int i, int64_t utc_s)
{
    const struct leap_entry *e = &t->entries[i];

    if (i > 0 && utc_s == e->utc_s && e->tai_minus_utc_s > e[-1].tai_minus_utc_s)
        return true;
    return i + 1 < (int)t->count && utc_s == e[1].utc_s - 1 && e[1].tai_minus_utc_s < e->tai_minus_utc_s;
}

static bool announced_makes_ambiguous(const struct leap_announcement *a, int64_t utc_s)
{
    return was_announced(a) && utc_s == a->utc_s - (a->step_s < 0);
}

bool leap_utc_to_tai(const struct leap *l, int64_t utc_s, int64_t *tai_s)
{
    int i = l->has_table ? (int)l->table.count - 1 : -1;
    int offset_s = LEAP_BEST_GUESS_S;
    struct leap_status s;

    while (i >= 0 && l->table.entries[i].utc_s > utc_s)
        i--;
    if (i >= 0)
        offset_s = l->table.entries[i].tai_minus_utc_s;
    s = leap_at(l, utc_s + offset_s);
    if (s.source == LEAP_SOURCE_FILE && i >= 0) {
        if (label_is_ambiguous(&l->table, i, utc_s))
            return false;
    } else {
        if (s.source == LEAP_SOURCE_RECEIVER && announced_makes_ambiguous(&l->announced, utc_s))
            return false;
        offset_s = leap_at(l, utc_s + s.utc_offset_s).utc_offset_s; /* the first guess may be a second off */
    }
    *tai_s = utc_s + offset_s;
    return true;
}

const char *leap_source_name(enum leap_source s)
{
    static const char *const names[] = {
        [LEAP_SOURCE_NONE] = "none",
        [LEAP_SOURCE_RECEIVER] = "receiver",
        [LEAP_SOURCE_FILE] = "file",
        [LEAP_SOURCE_CONFIGURED] = "configured",
    };

    return names[s];
}
