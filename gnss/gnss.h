/* SPDX-License-Identifier: BSD-2-Clause */
/* The deciding half of the room: pulses and messages in, numbered samples out. Pure.
 *
 * Before lock a pulse is numbered by several agreeing messages; once the clock is locked, by the clock
 * itself. No message, late or wrong, renumbers a locked clock: a lasting disagreement is reported, nothing
 * else. */
#ifndef GMD_GNSS_GNSS_H
#define GMD_GNSS_GNSS_H

#include "gnss/integrity.h"
#include "gnss/leap.h"
#include "gnss/numbering.h"
#include "gnss/pulse_pair.h"
#include "gnss/receiver.h"
#include "gnss/sawtooth.h"
#include "gnss/words.h"

struct gnss_pulse_config {
    int64_t offset_ns; /* the pulse arrives so much after its second (cable, receiver, NIC) */
    double noise_ns;   /* expected, 1 sigma */
    bool foreign;      /* not the receiver's own pulse: its sawtooth corrections are about another one */
};

struct gnss_config {
    struct gnss_pulse_config pulse[PULSE_SOURCES];
    bool second_pulse;          /* source 1 is there, too */
    double pair_threshold_ns;   /* the two disagree beyond it */
    int64_t sawtooth_wait_ns;   /* a pulse waits so long for a correction that comes after it; < 0.9 s */
    int64_t silent_ns;          /* no message for so long: the receiver is silent (alarm) */
    int64_t unvouched_ns;       /* pulses go on being used so long without any word on the fix */
    int64_t pulse_missing_ns;   /* no pulse for so long: pulses are missing */
    unsigned agreeing_messages; /* consecutive agreeing messages that number a pulse, >= 2 */
    struct integrity_config integrity;
};

/* One numbered pulse. */
struct gnss_sample {
    int64_t tai_s;      /* the second that the pulse marks */
    int64_t reading_ns; /* what the clock showed at the edge; offset, bridge and sawtooth removed */
    unsigned source;
    double noise_ns;    /* of this source, 1 sigma: expected, or measured if that is more */
    bool corrected;     /* the sawtooth is removed ... */
    double sawtooth_ns; /* ... which was this much */
};

enum gnss_trust {
    GNSS_NO_RECEIVER, /* no connection or silence, beyond the grace */
    GNSS_NO_FIX,      /* connected and says that it has no fix, or never had one */
    GNSS_NO_PULSE,
    GNSS_SUSPECT, /* claims a fix, but there are signs that it is not to be believed: suspicion says which */
    GNSS_NOT_NUMBERED, /* pulses and fix, but which second is not decided yet */
    GNSS_GOOD,
};

struct gnss_source_status {
    int64_t last_pulse_ns; /* accepted; monotonic; INT64_MIN: never */
    uint64_t pulses, rejected;
};

struct gnss_status {
    enum gnss_trust trust;
    enum receiver_link link;
    const char *suspicion; /* NULL: none */
    bool silent;           /* connected but nothing heard for silent_ns */
    enum fix_mode fix;
    int satellites_used, satellites_visible; /* -1 unknown */
    struct words words;                      /* antenna, jamming, spoofing, time accuracy */
    int64_t last_message_ns;                 /* monotonic; INT64_MIN: never */
    int64_t last_pulse_ns;                   /* of the source in use */
    unsigned agreeing;                       /* messages that agree so far */
    bool numbering_disagrees; /* messages name another second than the locked clock, lastingly */
    int64_t disagreement_s;   /* by so much: positive, the messages are ahead */
    bool labels_disagree;     /* the receiver's UTC and TAI are not of one second, lastingly */
    int64_t labels_differ_s;  /* by so much: positive, its UTC is ahead */
    uint64_t messages, messages_late;
    struct gnss_source_status source[PULSE_SOURCES];
    bool corrected;                      /* the last sample was */
    uint64_t samples, samples_corrected; /* given out */
    struct leap_status leap;             /* as of the last tick */
};

/* Labels against what they should say. */
struct gnss_comparison {
    unsigned disagreeing; /* seconds in a row */
    int64_t compared_tai_s;
};

#define GNSS_EARLY_PULSES 3 /* as many as the discipline wants for a first phase and frequency */

/* The last pulses before the vote was decided. */
struct gnss_early {
    unsigned count;
    struct gnss_early_pulse {
        int64_t pulse_count, reading_ns, arrival_ns;
    } pulses[GNSS_EARLY_PULSES]; /* oldest first */
};

/* A pulse that the clock numbered. */
struct gnss_mark {
    int64_t tai_s, arrival_ns;
};

struct gnss_source {
    struct numbering numbering;
    /* of a locked clock: the last pulse accepted and what it was off; the last one of another second */
    struct gnss_mark sampled, odd;
    int64_t sampled_error_ns;
    unsigned odds; /* in a row, in step with each other */
    struct gnss_early early;
};

struct gnss {
    struct gnss_config config;
    struct leap leap;
    struct sawtooth sawtooth;
    struct pulse_pair pair;
    struct integrity integrity;
    struct gnss_status status; /* what sawtooth and pair know stands in their own */
    bool clock_locked;         /* as last told */
    struct gnss_source source[PULSE_SOURCES];
    /* a sample on its way out, and the last one of the source that is not in use */
    struct gnss_held {
        bool there;
        struct gnss_sample sample;
        int64_t arrival_ns;
        int64_t wait_ns; /* for its correction */
    } held, spare;
    int64_t given_tai_s;                    /* of the last sample */
    int64_t tai_label_ns;                   /* when one came last */
    struct gnss_comparison numbers, labels; /* messages against the locked clock; UTC against TAI */
    /* what the receiver says of its fix, by epochs */
    bool fix_trusted, epoch_good;
    unsigned good_epochs, bad_epochs;
    int64_t epoch_ns;
    int64_t vouched_ns; /* last message with a fix */
    int64_t link_up_ns;
};

void gnss_init(struct gnss *g, const struct gnss_config *config, int configured_utc_offset_s);

/* The three that follow return true if *sample is a numbered, trusted sample: of this pulse, or of an earlier
 * one that waited for its correction or stands in for a source that went missing. */

/* One message. clock_locked: the clock numbers pulses by itself now; clock_ns its reading at the arrival. */
bool gnss_message(struct gnss *g, const struct receiver_report *r, bool clock_locked, int64_t clock_ns,
                  struct gnss_sample *sample);

/* One pulse of source 0, or 1 if there is a second: clock_ns is what the clock showed at the edge, arrival_ns
 * monotonic. clock_locked: number it from clock_ns itself (nearest second, within a quarter of it). */
bool gnss_pulse(struct gnss *g, unsigned source, int64_t clock_ns, int64_t arrival_ns, bool clock_locked,
                struct gnss_sample *sample);

/* Several times a second: re-evaluates trust and leap state at now_ns (monotonic), clock_tai_s. */
bool gnss_tick(struct gnss *g, int64_t now_ns, int64_t clock_tai_s, struct gnss_sample *sample);

/* Another sample of the same event: when the vote is decided, the pulses before it are numbered, too, and
 * come out one by one, oldest first. To be called until it says false, or the clock is stepped. */
bool gnss_next(struct gnss *g, struct gnss_sample *sample);

/* The clock was stepped or set: arrival history stays, readings are void. */
void gnss_clock_changed(struct gnss *g);

const char *gnss_trust_name(enum gnss_trust t); /* "no fix", ... */

#endif
