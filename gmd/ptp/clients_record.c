/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/clients_record.h"

#include <math.h>

#define SECOND NS_PER_S
#define MINUTE (60 * NS_PER_S)

/* Of the means of interval and jitter: one request weighs so much. */
#define WEIGHT 0.0625f

/* So long and more intervals than this, or the end of it: a pause, no jitter. */
#define PAUSE_S         10.0f
#define PAUSE_INTERVALS 16.0f

/* FAULT_TOO_FAST: clients spread their requests at random about the mean interval (clause 9.5.11.2), so a
 * minute must show both a quarter and so many requests more than it should. */
#define TOO_FAST_SHARE 1.25
#define TOO_FAST_EXTRA 30

/* How many windows of this length lie between the two instants. */
static int64_t windows_between(int64_t then_ns, int64_t now_ns, int64_t window)
{
    return now_ns / window - then_ns / window;
}

static void roll(uint32_t counts[2], int64_t passed)
{
    if (passed <= 0)
        return;
    counts[1] = passed == 1 ? counts[0] : 0;
    counts[0] = 0;
}

static void roll_minute(struct client *cl, int64_t passed)
{
    roll(cl->minute, passed);
    if (passed <= 0)
        return;
    cl->faults_before = passed == 1 ? cl->faults : 0;
    cl->faults = 0;
}

/* True in the first message of a second. */
static bool seen(struct client *cl, int64_t now_ns)
{
    int64_t seconds = windows_between(cl->last_seen_ns, now_ns, SECOND);
    if (seconds > 0) {
        roll(cl->second, seconds);
        roll_minute(cl, windows_between(cl->last_seen_ns, now_ns, MINUTE));
    }
    if ((seconds > 0 || cl->seconds_seen == 0) && cl->seconds_seen < CLIENT_PROBATION)
        cl->seconds_seen++;
    cl->last_seen_ns = now_ns;
    return seconds > 0;
}

enum client_rank client_rank(const struct client *cl)
{
    if (cl->granted || cl->senior)
        return CLIENT_FIRST;
    return cl->standing == CLIENT_ESTABLISHED ? CLIENT_SECOND : CLIENT_LAST;
}

void client_set_mode(struct client *cl, enum client_mode mode)
{
    cl->mode = (uint8_t)(mode == CLIENT_HYBRID && cl->granted ? CLIENT_NEGOTIATED : mode);
}

void client_seen(struct client *cl, int64_t now_ns)
{
    seen(cl, now_ns);
}

/* ---- one request ---- */

static bool is_pause(const struct client *cl, float interval_s)
{
    return cl->requests < 2 || interval_s > PAUSE_S + PAUSE_INTERVALS * cl->interval_s ||
           cl->interval_s > PAUSE_S + PAUSE_INTERVALS * interval_s;
}

static void measure_interval(struct client *cl, int64_t now_ns)
{
    float interval_s = (float)(now_ns - cl->last_seen_ns) / (float)NS_PER_S;
    if (is_pause(cl, interval_s)) {
        cl->interval_s = interval_s;
        return;
    }
    cl->jitter_s += WEIGHT * (fabsf(interval_s - cl->interval_s) - cl->jitter_s);
    cl->interval_s += WEIGHT * (interval_s - cl->interval_s);
}

static void take_intervals(struct client *cl, const struct client_elsewhere *e)
{
    if (e->interval_s == 0)
        return;
    cl->interval_s = e->interval_s;
    cl->jitter_s = e->jitter_s;
}

/* This minute and the last, against what they should have been. */
static bool asks_too_fast(const struct client *cl, int64_t now_ns)
{
    int64_t since_ns = now_ns - now_ns % MINUTE - MINUTE;
    if (since_ns < cl->first_seen_ns)
        since_ns = cl->first_seen_ns;
    double expected = ldexp((double)(now_ns - since_ns) / NS_PER_S, -cl->log_interval);
    double asked = (double)cl->minute[0] + cl->minute[1];
    return asked > expected * TOO_FAST_SHARE && asked > expected + TOO_FAST_EXTRA;
}

uint8_t client_asked(struct client *cl, uint16_t sequence_id, int64_t now_ns)
{
    if (cl->requests > 0)
        measure_interval(cl, now_ns);
    bool new_second = seen(cl, now_ns);
    cl->requests++;
    cl->second[0]++;
    cl->minute[0]++;
    cl->sequence_id = sequence_id;
    return new_second && asks_too_fast(cl, now_ns) ? FAULT_TOO_FAST : 0;
}

/* Those refused for their rate may be billions; they are what is left of all requests. */
static void refuse(struct client *cl, enum client_refusal why, uint32_t count)
{
    if (why < REFUSED_BUDGET)
        return;
    uint32_t *refused = &cl->refused[why - REFUSED_BUDGET];
    *refused = count < UINT32_MAX - *refused ? *refused + count : UINT32_MAX;
}

uint8_t client_asked_elsewhere(struct client *cl, const struct client_elsewhere *e, int64_t now_ns)
{
    take_intervals(cl, e);
    if (e->answered > 0) {
        client_set_mode(cl, e->mode);
        cl->sequence_id = e->sequence_id;
    }
    bool new_second = seen(cl, now_ns);
    cl->requests += e->requests;
    cl->answered += e->answered;
    refuse(cl, REFUSED_BUDGET, e->refused_budget);
    cl->second[0] += e->requests;
    cl->minute[0] += e->requests;
    return new_second && asks_too_fast(cl, now_ns) ? FAULT_TOO_FAST : 0;
}

void client_answer(struct client *cl)
{
    cl->answered++;
}

void client_refuse(struct client *cl, enum client_refusal why)
{
    refuse(cl, why, 1);
}

uint64_t client_refused(const struct client *cl, enum client_refusal why)
{
    if (why >= REFUSED_BUDGET)
        return cl->refused[why - REFUSED_BUDGET];
    uint64_t rest = cl->requests - cl->answered;
    for (unsigned i = 0; i < CLIENT_REFUSALS - REFUSED_BUDGET; i++)
        rest -= cl->refused[i];
    return why == REFUSED_RATE ? rest : 0;
}

/* ---- looking at it ---- */

/* The last window counts as far as it lies within one length of now. */
static double rate(const struct client *cl, const uint32_t counts[2], int64_t window, int64_t now_ns)
{
    int64_t passed = windows_between(cl->last_seen_ns, now_ns, window);
    double present = passed == 0 ? counts[0] : 0;
    double last = passed == 0 ? counts[1] : passed == 1 ? counts[0] : 0;
    int64_t age = now_ns - cl->first_seen_ns;
    if (age < window)
        return (present + last) / ((double)(age > SECOND ? age : SECOND) / NS_PER_S);
    double gone = (double)(now_ns % window) / (double)window;
    return (present + last * (1 - gone)) * NS_PER_S / (double)window;
}

double client_rate_1s(const struct client *cl, int64_t now_ns)
{
    return rate(cl, cl->second, SECOND, now_ns);
}

double client_rate_60s(const struct client *cl, int64_t now_ns)
{
    return rate(cl, cl->minute, MINUTE, now_ns);
}

uint8_t client_faults(const struct client *cl, int64_t now_ns)
{
    switch (windows_between(cl->last_seen_ns, now_ns, MINUTE)) {
    case 0:
        return cl->faults | cl->faults_before;
    case 1:
        return cl->faults;
    default:
        return 0;
    }
}

#define NAME(names, i) ((unsigned)(i) < sizeof(names) / sizeof((names)[0]) ? (names)[i] : "?")

const char *client_mode_name(enum client_mode mode)
{
    static const char *const names[] = {"multicast", "hybrid", "negotiated", "peer", "sptp"};
    return NAME(names, mode);
}

const char *client_standing_name(enum client_standing standing)
{
    static const char *const names[] = {"misfit", "newcomer", "established", "stranger"};
    return NAME(names, standing);
}

const char *client_refusal_name(enum client_refusal why)
{
    static const char *const names[] = {"none", "rate", "budget", "no_grant", "no_timestamp", "misfit"};
    return NAME(names, why);
}

const char *client_fault_name(enum client_fault fault)
{
    static const char *const names[] = {"too_fast", "wrong_domain", "wrong_version", "cloned",
                                        "two_addresses"};
    return NAME(names, __builtin_ctz((unsigned)fault | 1u << 31));
}
