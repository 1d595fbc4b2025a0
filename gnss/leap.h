/* SPDX-License-Identifier: BSD-2-Clause */
/* TAI - UTC: three sources weighed against each other, and the leap second to come. Pure but for the loader,
 * which is given the file's text. */
#ifndef GMD_GNSS_LEAP_H
#define GMD_GNSS_LEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEAP_ENTRIES_MAX     64
#define LEAP_TAI_MINUS_GPS_S 19 /* constant since 1980 */
#define LEAP_BEST_GUESS_S                                                                                    \
    37 /* TAI - UTC since 2017 and in 2026; used, never as valid, without any source                         \
        */
#define LEAP_RECEIVER_REPORTS  3     /* consecutive seconds that a receiver must say the same */
#define LEAP_RECEIVER_LIVE_S   86400 /* a receiver's word is in force for so long */
#define LEAP_RECEIVER_SETTLE_S 60    /* how far a receiver may be early or late around a leap second */

struct leap_entry {
    int64_t utc_s; /* first second (1970, UTC) with the new offset */
    int tai_minus_utc_s;
};

/* A leap-seconds.list. */
struct leap_table {
    unsigned count;
    struct leap_entry entries[LEAP_ENTRIES_MAX];
    int64_t expires_utc_s;
};

/* Parses the text of a leap-seconds.list (NTP's format, "#@" the expiry, "#h" the SHA-1 which is not
 * checked). 0, or -1 with a complaint that names the line if it is one line's fault; *t is untouched then. */
int leap_table_parse(const char *text, size_t len, struct leap_table *t, char *error, int error_size);

enum leap_source {
    LEAP_SOURCE_NONE,
    LEAP_SOURCE_RECEIVER,
    LEAP_SOURCE_FILE,
    LEAP_SOURCE_CONFIGURED,
};

/* What a receiver says now, until it has said so in LEAP_RECEIVER_REPORTS seconds. */
struct leap_claim {
    int value_s;
    int64_t utc_s;
    unsigned count;
    int64_t tai_s; /* said last */
};

/* The leap second that a receiver heard the sky announce. */
struct leap_announcement {
    int step_s;     /* +1, -1; 0: none */
    int64_t utc_s;  /* first second (1970, UTC) after it */
    int before_s;   /* TAI-UTC before it */
    int64_t said_s; /* TAI: when it was said last */
};

struct leap {
    struct leap_table table;
    bool has_table;
    int configured_s;       /* TAI-UTC of the configuration; 0: none */
    int receiver_s;         /* TAI-UTC of the receiver; 0: none */
    int64_t receiver_tai_s; /* when it last said so */
    struct leap_announcement announced;
    struct leap_claim offset_claim, announcement_claim;
};

/* What is known at a moment. */
struct leap_status {
    int utc_offset_s;    /* TAI - UTC; the best guess even when not valid */
    bool valid;          /* a source in force stands behind it and none contradicts */
    bool leap59, leap61; /* at the end of the present UTC day; from 12 h before on (clause 9.4) */
    enum leap_source source;
    bool table_expired;
    bool disagree;           /* sources contradict each other, now or about a leap second to come, or the
                                configured value is outdated */
    int64_t next_leap_utc_s; /* 0: none known */
};

void leap_init(struct leap *l, int configured_s);
void leap_set_table(struct leap *l, const struct leap_table *t);
/* gps_minus_utc_s as the receiver says it at now_tai_s; ignored unless 1..255, and until it was said in
 * LEAP_RECEIVER_REPORTS seconds without another word between. */
void leap_set_receiver(struct leap *l, int gps_minus_utc_s, int64_t now_tai_s);
/* The receiver announces at now_tai_s a leap second of step_s (+1, -1) before utc_s, the beginning of a day
 * of UTC (1970); 0: none that it knows of. Anything else is ignored. In force once it was said in
 * LEAP_RECEIVER_REPORTS seconds without another word between. */
void leap_set_announced(struct leap *l, int step_s, int64_t utc_s, int64_t now_tai_s);
/* The table's offset is switched by the table at its second, the receiver's at the second it announced,
 * others when they say so. */
struct leap_status leap_at(const struct leap *l, int64_t tai_s);
/* TAI second of a UTC label, for numbering; ambiguous within the leap second itself (false). */
bool leap_utc_to_tai(const struct leap *l, int64_t utc_s, int64_t *tai_s);
const char *leap_source_name(enum leap_source s);

#endif
