/* SPDX-License-Identifier: BSD-2-Clause */
/* Parser of leap-seconds.list, as the IERS and tzdata publish it: lines of NTP seconds and TAI - UTC. */
#include "gnss/leap.h"

#include <stdio.h>

#define NTP_MINUS_UNIX_S 2208988800LL
#define NTP_SECONDS_MAX  100000000000LL /* the year 5068: everything up to here fits any arithmetic */
#define DAY_S            86400

/* One line, or what is left of it. */
struct cursor {
    const char *at, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

static bool take_number(struct cursor *c, int64_t max, int64_t *value)
{
    const char *start;

    skip_blanks(c);
    start = c->at;
    for (*value = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        *value = *value * 10 + (*c->at - '0');
        if (*value > max)
            return false;
    }
    return c->at > start;
}

static bool at_end(struct cursor *c)
{
    skip_blanks(c);
    return c->at == c->end || *c->at == '#';
}

static const char *parse_expiry(struct cursor *c, struct leap_table *t)
{
    int64_t ntp_s;

    if (!take_number(c, NTP_SECONDS_MAX, &ntp_s) || !at_end(c))
        return "the expiry (#@) is not a number of seconds";
    t->expires_utc_s = ntp_s - NTP_MINUS_UNIX_S;
    return NULL;
}

static const char *parse_entry(struct cursor *c, struct leap_table *t)
{
    const struct leap_entry *last = t->count ? &t->entries[t->count - 1] : NULL;
    int64_t ntp_s, offset_s;

    if (!take_number(c, NTP_SECONDS_MAX, &ntp_s) || !take_number(c, 255, &offset_s) || !at_end(c))
        return "expected seconds since 1900 and TAI - UTC";
    if (ntp_s % DAY_S != 0)
        return "the offset changes within a day";
    if (last && ntp_s - NTP_MINUS_UNIX_S <= last->utc_s)
        return "not later than the line before";
    if (last && offset_s != last->tai_minus_utc_s + 1 && offset_s != last->tai_minus_utc_s - 1)
        return "the offset changes by other than one second";
    if (t->count == LEAP_ENTRIES_MAX)
        return "too many leap seconds";
    t->entries[t->count].utc_s = ntp_s - NTP_MINUS_UNIX_S;
    t->entries[t->count].tai_minus_utc_s = (int)offset_s;
    t->count++;
    return NULL;
}

static const char *parse_line(struct cursor c, struct leap_table *t, bool *has_expiry)
{
    if (c.end - c.at >= 2 && c.at[0] == '#' && c.at[1] == '@') {
        c.at += 2;
        *has_expiry = true;
        return parse_expiry(&c, t);
    }
    return at_end(&c) ? NULL : parse_entry(&c, t);
}

/* What no single line shows. */
static const char *check_whole(const struct leap_table *t, bool has_expiry)
{
    if (t->count == 0)
        return "no offset in it";
    if (!has_expiry)
        return "no expiry (#@) in it";
    if (t->entries[t->count - 1].utc_s > t->expires_utc_s)
        return "it expires before its last leap second";
    return NULL;
}

int leap_table_parse(const char *text, size_t len, struct leap_table *t, char *error, int error_size)
{
    struct leap_table table = {0};
    struct cursor line = {text, text};
    const char *end = text + len, *complaint = NULL;
    bool has_expiry = false;
    unsigned number = 0;

    while (!complaint && line.at < end) {
        line.end = line.at;
        while (line.end < end && *line.end != '\n')
            line.end++;
        number++;
        complaint = parse_line(line, &table, &has_expiry);
        line.at = line.end < end ? line.end + 1 : end;
    }
    if (complaint) {
        snprintf(error, (size_t)error_size, "line %u: %s", number, complaint);
        return -1;
    }
    complaint = check_whole(&table, has_expiry);
    if (complaint) {
        snprintf(error, (size_t)error_size, "%s", complaint);
        return -1;
    }
    *t = table;
    return 0;
}
