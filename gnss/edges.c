/* SPDX-License-Identifier: BSD-2-Clause */
/* The leading edge of a pulse. */
#include "gnss/edges.h"

#include "bmca/ptp.h"

#define BOUNCE_NS    (NS_PER_S / 100) /* behind the last edge: it bounces, or ends a short pulse */
#define TOLERANCE_NS (NS_PER_S / 100) /* of what is to be a second: monotonic time, and when it was read */
#define HALF_NS      (NS_PER_S / 25)  /* widths so close together are one */
#define CLOSE_NS     (NS_PER_S / 10)  /* to where an edge is expected */
#define STRAYS_MAX   4                /* in a row: the pattern is another one */
#define ALIKE_MAX    6                /* in a row: the other edge is not stamped any more */
#define MATCHING     6                /* in a row: a single edge has become both; spurious pulses are fewer */
#define VOTES        5
#define EPOCH_NS     (3 * NS_PER_S / 10) /* messages closer together are one epoch's: the first one counts */

static int64_t distance(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns;
}

/* How far apart two moments are within the second: 0 .. NS_PER_S / 2. */
static int64_t apart(int64_t a_ns, int64_t b_ns)
{
    const int64_t part_ns = distance(a_ns, b_ns) % NS_PER_S;
    return part_ns > NS_PER_S / 2 ? NS_PER_S - part_ns : part_ns;
}

void edges_init(struct edges *e, int64_t width_ns, bool enforced)
{
    *e = (struct edges){
        .width_ns = width_ns,
        .enforced = enforced,
        .state = enforced ? EDGES_SINGLE : EDGES_LEARNING,
        .message_ns = INT64_MIN,
    };
}

/* Of the two intervals that alternate the pulse's width is the one that is as configured, or the shorter. */
static bool newest_is_width(const struct edges *e, int64_t newest_ns, int64_t before_ns)
{
    if (e->width_ns)
        return distance(newest_ns, e->width_ns) < distance(before_ns, e->width_ns);
    return newest_ns < before_ns;
}

/* The last three edges are those of one pulse and the beginning or end of the next. */
static void find_pattern(struct edges *e)
{
    const int64_t newest_ns = e->last_ns[0] - e->last_ns[1], before_ns = e->last_ns[1] - e->last_ns[2];
    const bool ends = newest_is_width(e, newest_ns, before_ns);

    e->strays = e->alike = 0;
    e->votes = 0;
    e->found_width_ns = ends ? newest_ns : before_ns;
    e->leading_ns = ends ? e->last_ns[1] : e->last_ns[0];
    e->state = distance(newest_ns, before_ns) < HALF_NS ? EDGES_HALF : EDGES_BOTH;
}

static bool is_pattern(const struct edges *e)
{
    return e->count == EDGES_HISTORY && distance(e->last_ns[0] - e->last_ns[2], NS_PER_S) < TOLERANCE_NS &&
           apart(e->last_ns[0], e->last_ns[1]) > TOLERANCE_NS;
}

static bool is_second(const struct edges *e)
{
    return e->count >= 2 && apart(e->last_ns[0], e->last_ns[1]) < TOLERANCE_NS;
}

static void remember(struct edges *e, int64_t edge_ns)
{
    for (int i = EDGES_HISTORY - 1; i > 0; i--)
        e->last_ns[i] = e->last_ns[i - 1];
    e->last_ns[0] = edge_ns;
    if (e->count < EDGES_HISTORY)
        e->count++;
}

static void relearn(struct edges *e)
{
    e->state = EDGES_LEARNING;
    e->count = 1;
    e->matching = 0;
}

/* What edges that come one a second, or in a pattern, show. */
static bool learn(struct edges *e)
{
    e->matching = is_pattern(e) ? e->matching + 1 : 0;
    if (e->matching >= (e->state == EDGES_SINGLE ? MATCHING : 1))
        find_pattern(e);
    else if (is_second(e))
        e->state = EDGES_SINGLE;
    return e->state == EDGES_SINGLE || (e->state == EDGES_BOTH && e->leading_ns == e->last_ns[0]);
}

/* Both edges are known: the one that is nearer to where it is expected. */
static bool leads(struct edges *e, int64_t edge_ns)
{
    const int64_t leading_ns = apart(edge_ns, e->leading_ns);
    const int64_t trailing_ns = apart(edge_ns, e->leading_ns + e->found_width_ns);
    const bool leading = leading_ns <= trailing_ns;

    if ((leading ? leading_ns : trailing_ns) > CLOSE_NS) {
        if (++e->strays >= STRAYS_MAX)
            relearn(e);
        return false;
    }
    e->strays = 0;
    e->alike = leading == e->last_led ? e->alike + 1 : 1;
    e->last_led = leading;
    if (leading)
        e->leading_ns = edge_ns;
    if (e->alike >= ALIKE_MAX && !(leading && e->state == EDGES_BOTH))
        relearn(e);
    return leading && e->state == EDGES_BOTH;
}

bool edges_event(struct edges *e, int64_t edge_ns)
{
    bool passes = false;

    if (e->count && distance(edge_ns, e->last_ns[0]) < BOUNCE_NS) {
        e->dropped++;
        return false;
    }
    remember(e, edge_ns);
    switch (e->state) {
    case EDGES_LEARNING:
    case EDGES_SINGLE:
        passes = learn(e);
        break;
    case EDGES_BOTH:
    case EDGES_HALF:
        passes = leads(e, edge_ns);
        break;
    }
    e->dropped += !passes;
    return passes;
}

static void decide(struct edges *e, bool other)
{
    if (other)
        e->leading_ns += e->found_width_ns;
    if (other)
        e->found_width_ns = NS_PER_S - e->found_width_ns;
    e->state = EDGES_BOTH;
}

void edges_message(struct edges *e, int64_t arrival_ns)
{
    const bool first = e->message_ns == INT64_MIN || arrival_ns - e->message_ns > EPOCH_NS;

    e->message_ns = arrival_ns;
    if (e->state != EDGES_HALF || !first)
        return;
    /* since the last edge that might lead, as if it had come in this second */
    const int64_t since_ns = ((arrival_ns - e->leading_ns) % NS_PER_S + NS_PER_S) % NS_PER_S;
    const int vote = since_ns < e->found_width_ns ? 1 : -1;
    e->votes = vote * e->votes > 0 ? e->votes + vote : vote;
    if (e->votes >= VOTES || e->votes <= -VOTES)
        decide(e, e->votes < 0);
}

void edges_second(struct edges *e, int64_t second_ns)
{
    if (e->state == EDGES_HALF)
        decide(e, apart(second_ns, e->leading_ns) > NS_PER_S / 4);
}
