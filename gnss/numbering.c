/* SPDX-License-Identifier: BSD-2-Clause */
/* The train and the vote of numbering.h. */
#include "gnss/numbering.h"

#include "bmca/ptp.h"

#define TRAIN_TOLERANCE_NS (NS_PER_S / 10)  /* a pulse arrives so close to a whole second after the last */
#define TRAIN_GAP_MAX_NS   (100 * NS_PER_S) /* monotonic time at 500 ppm is then half the tolerance off */
#define TRAIN_STRAYS       3                /* so many pulses in step with each other are the train */

int64_t numbering_whole_seconds(int64_t ns)
{
    return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

int64_t numbering_steps(int64_t from_ns, int64_t to_ns)
{
    int64_t elapsed_ns = to_ns - from_ns, steps = numbering_whole_seconds(elapsed_ns + NS_PER_S / 2);
    int64_t off_ns = elapsed_ns - steps * NS_PER_S;

    return off_ns < -TRAIN_TOLERANCE_NS || off_ns > TRAIN_TOLERANCE_NS ? -1 : steps;
}

static void start_train(struct numbering *n, int64_t arrival_ns)
{
    *n = (struct numbering){.have_pulse = true, .pulse_arrival_ns = arrival_ns};
}

/* Counts a pulse off the train; true if it is one of enough in a row that are in step with each other. */
static bool stray_is_train(struct numbering *n, int64_t arrival_ns)
{
    int64_t steps = n->strays ? numbering_steps(n->stray_arrival_ns, arrival_ns) : -1;

    if (steps == 0)
        return false;
    n->strays = steps > 0 ? n->strays + 1 : 1;
    n->stray_arrival_ns = arrival_ns;
    return n->strays >= TRAIN_STRAYS;
}

bool numbering_pulse(struct numbering *n, int64_t arrival_ns)
{
    int64_t steps;

    if (!n->have_pulse || arrival_ns - n->pulse_arrival_ns > TRAIN_GAP_MAX_NS) {
        start_train(n, arrival_ns);
        return true;
    }
    steps = numbering_steps(n->pulse_arrival_ns, arrival_ns);
    if (steps >= 1) {
        n->pulse_arrival_ns = arrival_ns;
        n->pulse_count += steps;
        n->strays = 0;
        return true;
    }
    if (!stray_is_train(n, arrival_ns))
        return false;
    start_train(n, arrival_ns);
    return true;
}

static int64_t count_due(const struct numbering *n, int64_t at_ns)
{
    return n->pulse_count + numbering_whole_seconds(at_ns - n->pulse_arrival_ns);
}

bool numbering_vote(struct numbering *n, int64_t tai_s, int64_t arrival_ns)
{
    int64_t count, value;
    bool late;

    if (!n->have_pulse)
        return true;
    count = count_due(n, arrival_ns);
    value = tai_s - count;
    if (n->have_vote && value == n->vote_tai_minus_count) {
        if (count != n->voted_count)
            n->agreeing++;
        n->voted_count = count;
        return true;
    }
    late = n->have_vote && value < n->vote_tai_minus_count;
    if (late && count == n->voted_count)
        return false; /* an old label behind a good one of the same epoch */
    n->have_vote = true;
    n->vote_tai_minus_count = value;
    n->voted_count = count;
    n->agreeing = 1;
    return !late;
}

int64_t numbering_last(const struct numbering *n)
{
    return n->vote_tai_minus_count + n->pulse_count;
}

int64_t numbering_due(const struct numbering *n, int64_t at_ns)
{
    return n->vote_tai_minus_count + count_due(n, at_ns);
}
