/* SPDX-License-Identifier: BSD-2-Clause */
/* One pulse source's train of pulses, counted by elapsed time so that a missing one shifts nothing, and the
 * vote of labels on which TAI second the count is. Pure. */
#ifndef GMD_GNSS_NUMBERING_H
#define GMD_GNSS_NUMBERING_H

#include <stdbool.h>
#include <stdint.h>

struct numbering {
    bool have_pulse;
    int64_t pulse_arrival_ns; /* monotonic, of the last pulse of the train */
    int64_t pulse_count;
    unsigned strays; /* consecutive pulses off the train but in step with each other */
    int64_t stray_arrival_ns;
    /* the vote on TAI second - count */
    bool have_vote;
    int64_t vote_tai_minus_count;
    int64_t voted_count;
    unsigned agreeing; /* epochs in a row whose labels agree */
};

/* Two moments that are whole seconds apart: how many (0: the same one), or -1 if they are not, or in the
 * wrong order. */
int64_t numbering_steps(int64_t from_ns, int64_t to_ns);

/* True if the pulse belongs to the train. The first pulse ever may have been a spurious one: pulses off the
 * train, as long as none on it comes between, become the train themselves, and the vote begins anew. */
bool numbering_pulse(struct numbering *n, int64_t arrival_ns);

/* A label for the last pulse that was due before arrival_ns, whether or not that one was seen. False if it is
 * older than what was voted so far: repeated, or held up. */
bool numbering_vote(struct numbering *n, int64_t tai_s, int64_t arrival_ns);

/* By the vote so far: the last pulse's second; the second that was due last at at_ns. Without a vote they
 * mean nothing. */
int64_t numbering_last(const struct numbering *n);
int64_t numbering_due(const struct numbering *n, int64_t at_ns);

/* Whole seconds in ns, rounded down. */
int64_t numbering_whole_seconds(int64_t ns);

#endif
