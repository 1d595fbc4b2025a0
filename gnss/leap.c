/* SPDX-License-Identifier: BSD-2-Clause */
/* TAI - UTC from three sources; README.md of this room says how they are weighed. */
#include "gnss/leap.h"

#define ANNOUNCE_AHEAD_S 43200 /* clause 9.4: from 12 h before */

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

void leap_set_receiver(struct leap *l, int gps_minus_utc_s, int64_t now_tai_s)
{
    int offset_s = LEAP_TAI_MINUS_GPS_S + gps_minus_utc_s;

    if (gps_minus_utc_s < 1 || gps_minus_utc_s > 255)
        return;
    if (offset_s == l->receiver_s) {
        l->receiver_tai_s = now_tai_s;
        l->claims = 0;
        return;
    }
    if (l->claims == 0 || offset_s != l->claim_s)
        l->claims = 1;
    else if (now_tai_s != l->claim_tai_s)
        l->claims++;
    l->claim_s = offset_s;
    l->claim_tai_s = now_tai_s;
    if (l->claims >= LEAP_RECEIVER_REPORTS) {
        l->receiver_s = offset_s;
        l->receiver_tai_s = now_tai_s;
        l->claims = 0;
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
        o[n++] = (struct opinion){LEAP_SOURCE_FILE, offset_s, table_live};
    }
    if (l->receiver_s) {
        int64_t age_s = tai_s - l->receiver_tai_s;
        bool confirmed = table_live && table_confirms_receiver(l);

        o[n++] = (struct opinion){LEAP_SOURCE_RECEIVER, confirmed ? o[0].offset_s : l->receiver_s,
                                  age_s > -LEAP_RECEIVER_LIVE_S && age_s < LEAP_RECEIVER_LIVE_S};
    }
    if (l->configured_s && table_live && configured_outdated(l, in_force))
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

static void leap_to_come(const struct leap *l, int64_t tai_s, struct leap_status *s)
{
    unsigned next = (unsigned)(entry_at(l, tai_s) + 1);
    const struct leap_entry *e = &l->table.entries[next];
    int64_t ahead_s;

    if (next == 0 || next >= l->table.count) /* always so of an expired table */
        return;
    s->next_leap_utc_s = e->utc_s;
    ahead_s = entry_tai_s(e) - tai_s;
    if (ahead_s <= ANNOUNCE_AHEAD_S) {
        s->leap61 = e->tai_minus_utc_s > e[-1].tai_minus_utc_s;
        s->leap59 = !s->leap61;
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
        offset_s = s.utc_offset_s;
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
