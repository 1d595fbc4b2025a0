/* SPDX-License-Identifier: BSD-2-Clause */
/* The deciding half of the room: pulses and messages in, numbered samples out. Pure.
 *
 * Before lock a pulse is numbered by several agreeing messages; once the clock is locked, by the clock
 * itself. No message, late or wrong, renumbers a locked clock: a lasting disagreement is reported, nothing
 * else. */
#ifndef GMD_GNSS_GNSS_H
#define GMD_GNSS_GNSS_H

#include "gnss/leap.h"
#include "gnss/receiver.h"

struct gnss_config {
    int64_t pulse_offset_ns;    /* the pulse arrives so much after its second (cable, receiver, NIC) */
    int64_t silent_ns;          /* no message for so long: the receiver is silent (alarm) */
    int64_t unvouched_ns;       /* pulses go on being used so long without any word on the fix */
    int64_t pulse_missing_ns;   /* no pulse for so long: pulses are missing */
    unsigned agreeing_messages; /* consecutive agreeing messages that number a pulse, >= 2 */
};

/* One numbered pulse. */
struct gnss_sample {
    int64_t tai_s;      /* the second that the pulse marks */
    int64_t reading_ns; /* what the clock showed at the edge, pulse_offset_ns removed */
};

enum gnss_trust {
    GNSS_NO_RECEIVER, /* no connection or silence, beyond the grace */
    GNSS_NO_FIX,      /* connected and says that it has no fix, or never had one */
    GNSS_NO_PULSE,
    GNSS_NOT_NUMBERED, /* pulses and fix, but which second is not decided yet */
    GNSS_GOOD,
};

struct gnss_status {
    enum gnss_trust trust;
    enum receiver_link link;
    bool silent; /* connected but nothing heard for silent_ns */
    enum fix_mode fix;
    int satellites_used, satellites_visible; /* -1 unknown */
    enum receiver_antenna antenna;
    int64_t last_message_ns, last_pulse_ns; /* monotonic; INT64_MIN: never */
    unsigned agreeing;                      /* messages that agree so far */
    bool numbering_disagrees; /* messages name another second than the locked clock, lastingly */
    int64_t disagreement_s;   /* by so much: positive, the messages are ahead */
    uint64_t messages, pulses, pulses_rejected, messages_late;
    struct leap_status leap; /* as of the last tick */
};

struct gnss {
    struct gnss_config config;
    struct leap leap;
    struct gnss_status status;
    bool clock_locked; /* as last told */
    /* the train of pulses: counted by elapsed time, so that a missing one shifts nothing */
    bool have_pulse;
    int64_t pulse_arrival_ns;
    int64_t pulse_count;
    unsigned strays; /* consecutive pulses off the train but in step with each other */
    int64_t stray_arrival_ns;
    /* the vote on TAI second - count */
    bool have_vote;
    int64_t vote_tai_minus_count;
    int64_t voted_count;
    /* the last sample of a locked clock */
    int64_t sampled_tai_s, sampled_error_ns;
    /* messages against the locked clock */
    unsigned disagreeing; /* seconds in a row */
    int64_t compared_tai_s;
    /* what the receiver says of its fix, by epochs */
    bool fix_trusted, epoch_good;
    unsigned good_epochs, bad_epochs;
    int64_t epoch_ns;
    int64_t vouched_ns; /* last message with a fix */
    int64_t link_up_ns;
};

void gnss_init(struct gnss *g, const struct gnss_config *config, int configured_utc_offset_s);

/* One message. clock_locked: the clock numbers pulses by itself now; clock_ns its reading at the arrival. */
void gnss_message(struct gnss *g, const struct receiver_report *r, bool clock_locked, int64_t clock_ns);

/* One pulse: clock_ns is what the clock showed at the edge, arrival_ns monotonic. clock_locked: number it
 * from clock_ns itself (nearest second, within a quarter of it). True if *sample is a numbered, trusted
 * sample. */
bool gnss_pulse(struct gnss *g, int64_t clock_ns, int64_t arrival_ns, bool clock_locked,
                struct gnss_sample *sample);

/* Re-evaluates trust and leap state at now_ns (monotonic), clock_tai_s. */
void gnss_tick(struct gnss *g, int64_t now_ns, int64_t clock_tai_s);

/* The clock was stepped or set: arrival history stays, readings are void. */
void gnss_clock_changed(struct gnss *g);

const char *gnss_trust_name(enum gnss_trust t); /* "no fix", ... */

#endif
