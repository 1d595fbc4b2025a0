/* SPDX-License-Identifier: BSD-2-Clause */
/* Buckets are kept as the time until which they are busy: a message makes that later by its interval, and
 * what would make it later than now by more than the burst is refused (the virtual scheduling form of the
 * generic cell rate algorithm, ITU-T I.371). */
#include "gmd/ptp/budget.h"

#include <math.h>

#include "gmd/ptp/interval.h"

/* How far the capacity's bucket may run ahead: requests come in bunches. Those further behind leave the
 * larger part to those before them. */
#define BURST_NS           (NS_PER_S / 10)
#define BURST_MESSAGES_MIN 256

/* What the established and the grants leave of it to newcomers, without whom nobody would get in: half as
 * much again as they use, within these. */
#define NEWCOMERS_LEAST 0.03
#define NEWCOMERS_MOST  0.1
#define NEWCOMERS_MORE  1.5

#define GRANT_SHARE    0.8 /* what grants and requests without may use for a new grant to be made */
#define NEWCOMER_SHARE 0.5 /* what grants to newcomers may use */
#define BUSY_SHARE     0.8

#define WINDOWS_PER_S 4
#define WINDOW_NS     (NS_PER_S / WINDOWS_PER_S)
#define WEIGHT        0.25 /* of a window in what is smoothed */

/* However much others answer, this share of the capacity stays the daemon's: for newcomers, who are its own
 * to answer. */
#define OWN_SHARE 0.05

#define FAIR_GROWTH    1.1 /* of the fair share, a window ... */
#define FAIR_BELOW     0.9 /* ... while less than this of what is open is used */
#define FAIR_TOLERANCE 1.2 /* of a client's rate, which is only measured */

/* Who was silent for so long, and a second more, does not count in a survey. */
#define SILENT_INTERVALS 2

/* So long the demand must have been within what is open, and a client have been here, for seniority. */
#define QUIET_NS (10 * NS_PER_S)

#define STEP_UP_NS      (4 * NS_PER_S)
#define STEP_DOWN_NS    (60 * NS_PER_S)
#define STEP_DOWN_BELOW 0.45 /* of what is open: half the interval must not bring the pressure back */

void budget_init(struct budget *b, const struct budget_config *config, int64_t now_ns)
{
    *b = (struct budget){
        .config = *config,
        .busy_until_ns = now_ns,
        .message_ns = NS_PER_S / config->capacity_hz,
        .random = config->seed,
        .window_end_ns = now_ns + WINDOW_NS,
        .pressed_since_ns = INT64_MAX,
        .relaxed_since_ns = INT64_MAX,
        .quiet_since_ns = INT64_MAX,
        .last_refused_ns = INT64_MIN,
    };
    b->burst_ns = BURST_MESSAGES_MIN * b->message_ns;
    if (b->burst_ns < BURST_NS)
        b->burst_ns = BURST_NS;
}

/* ---- control, once a window ---- */

static double granted_hz(const struct budget *b)
{
    return (double)b->reserved * RATE_UNIT_HZ;
}

/* What is left for requests of the established without a grant. */
static double open_hz(const struct budget *b)
{
    const double capacity = b->config.capacity_hz;
    const double newcomers =
        fmin(fmax(NEWCOMERS_MORE * b->newcomers_hz, NEWCOMERS_LEAST * capacity), NEWCOMERS_MOST * capacity);
    double open = capacity - newcomers - granted_hz(b);
    return open > 1 ? open : 1;
}

/* And by seniors. */
static double juniors_hz(const struct budget *b)
{
    return fmax(1, open_hz(b) - b->classes[CLASS_SENIOR].smooth.used);
}

static double demand_hz(const struct budget *b)
{
    return b->classes[CLASS_SENIOR].smooth.demand + b->classes[CLASS_JUNIOR].smooth.demand;
}

static double open_used_hz(const struct budget *b)
{
    return b->classes[CLASS_SENIOR].smooth.used + b->classes[CLASS_JUNIOR].smooth.used;
}

static void smooth(double *mean, double *count, double elsewhere_hz, double windows)
{
    double hz = *count * WINDOWS_PER_S / windows + elsewhere_hz;
    *mean += (hz - *mean) * (1 - pow(1 - WEIGHT, windows));
    *count = 0;
}

static void smooth_all(struct budget *b, double windows)
{
    smooth(&b->used_hz, &b->window_used, b->elsewhere_hz, windows);
    smooth(&b->newcomers_hz, &b->window_newcomers, 0, windows);
    for (unsigned i = 0; i < BUDGET_CLASSES; i++) {
        struct budget_share *s = &b->classes[i];
        smooth(&s->smooth.demand, &s->window.demand, s->elsewhere.load.demand, windows);
        smooth(&s->smooth.used, &s->window.used, s->elsewhere.load.used, windows);
    }
}

/* One of Newton's steps: what those below it ask stays, and the rest is shared. From above it may lead too
 * far down. */
static double solved_fair_share(const struct budget_share *s, double open)
{
    const struct budget_part *e = &s->elsewhere;
    return fmax(s->fair_hz / 2, e->above > 0 ? (open - e->below_hz) / e->above : 0);
}

/* Comes down from what the fastest asks until no more is used than is open, and grows again while less is.
 * What others answer is held to it with delay, which such a search does not bear; but there it is known who
 * asks how much. */
static void control_fair_share(struct budget_share *s, double open)
{
    if (s->smooth.demand <= open)
        s->fair_hz = 0;
    else if (s->fair_hz == 0)
        s->fair_hz = fmax(s->fastest_hz, s->elsewhere.fastest_hz) * open / s->smooth.demand;
    else if (s->elsewhere.load.demand > 0)
        s->fair_hz = solved_fair_share(s, open);
    else if (s->smooth.used > open)
        s->fair_hz *= open / s->smooth.used;
    else if (s->smooth.used < FAIR_BELOW * open)
        s->fair_hz *= FAIR_GROWTH;
    s->fastest_hz = 0;
}

static unsigned most_steps(const struct budget *b)
{
    return b->config.log_interval_max > b->config.log_interval
               ? (unsigned)(b->config.log_interval_max - b->config.log_interval)
               : 0;
}

/* The condition has held since *since_ns: for so long? Then count anew. */
static bool lasted(int64_t *since_ns, bool holds, int64_t duration_ns, int64_t now_ns)
{
    if (!holds)
        *since_ns = INT64_MAX;
    else if (*since_ns == INT64_MAX)
        *since_ns = now_ns;
    else if (now_ns - *since_ns >= duration_ns) {
        *since_ns = now_ns;
        return true;
    }
    return false;
}

static void control_steps(struct budget *b, double open, int64_t now_ns)
{
    double demand = demand_hz(b);
    if (lasted(&b->pressed_since_ns, demand > open, STEP_UP_NS, now_ns) && b->steps < most_steps(b))
        b->steps++;
    if (lasted(&b->relaxed_since_ns, demand < STEP_DOWN_BELOW * open, STEP_DOWN_NS, now_ns) && b->steps > 0)
        b->steps--;
}

static void update(struct budget *b, int64_t now_ns)
{
    if (now_ns < b->window_end_ns)
        return;
    int64_t windows = (now_ns - b->window_end_ns) / WINDOW_NS + 1;
    b->window_end_ns += windows * WINDOW_NS;
    smooth_all(b, (double)windows);

    double open = open_hz(b);
    if (demand_hz(b) > open)
        b->quiet_since_ns = INT64_MAX;
    else if (b->quiet_since_ns == INT64_MAX)
        b->quiet_since_ns = now_ns;
    control_fair_share(&b->classes[CLASS_SENIOR], open);
    control_fair_share(&b->classes[CLASS_JUNIOR], juniors_hz(b));
    control_steps(b, open, now_ns);
}

/* ---- the capacity ---- */

static void spend(struct budget *b, unsigned messages, int64_t now_ns)
{
    if (b->busy_until_ns < now_ns)
        b->busy_until_ns = now_ns;
    b->busy_until_ns += messages * b->message_ns;
    b->window_used += messages;
}

/* All of the burst is there for the first, a half for the second, a fourth for the last. */
static bool has_room(const struct budget *b, enum client_rank rank, int64_t now_ns)
{
    return b->busy_until_ns - now_ns < b->burst_ns >> rank;
}

static void note_refusal(struct budget *b, int64_t now_ns)
{
    b->refused_budget++;
    b->last_refused_ns = now_ns;
}

/* ---- requests ---- */

/* The client's own bucket, for requests that came since then, one by one or all now: how many it holds. */
static uint32_t take_tokens(struct client *cl, uint32_t wanted, int64_t since_ns, int64_t now_ns)
{
    const int64_t interval_ns =
        (NS_PER_S * 256 / client_allowance(CLIENT_LOG_MAX)) >> (CLIENT_LOG_MAX - cl->log_interval);
    if (cl->busy_until_ns < since_ns)
        cl->busy_until_ns = since_ns;
    const int64_t room_ns = now_ns + CLIENT_BURST * interval_ns - cl->busy_until_ns;
    const int64_t held = room_ns > 0 ? room_ns / interval_ns : 0;
    const uint32_t taken = held < wanted ? (uint32_t)held : wanted;
    cl->busy_until_ns += taken * interval_ns;
    return taken;
}

/* SplitMix64 (Steele, Lea, Flood 2014): 0 <= x < 1 */
static double chance(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Who asks k times its fair share is answered one time in k (core-stateless fair queueing, Stoica, Shenker,
 * Zhang 1998): no second bucket, and whoever stays below loses nothing. */
static bool within_fair_share(struct budget *b, const struct budget_share *s, double asked_hz)
{
    return s->fair_hz == 0 || asked_hz <= FAIR_TOLERANCE * s->fair_hz ||
           chance(&b->random) * asked_hz < s->fair_hz;
}

/* Requests per second, those beyond its interval left out. */
static double asked_hz(const struct client *cl)
{
    double allowed_hz = client_allowed_hz(cl);
    return allowed_hz * (double)cl->interval_s > 1 ? 1 / (double)cl->interval_s : allowed_hz;
}

/* What was asked while all could be served can be served: who took part in that becomes a senior. */
static void review_seniority(const struct budget *b, struct client *cl, int64_t now_ns)
{
    if (!cl->senior && b->quiet_since_ns <= now_ns - QUIET_NS && cl->first_seen_ns <= now_ns - QUIET_NS)
        cl->senior = true;
}

static enum budget_class class_of(const struct client *cl)
{
    return cl->senior ? CLASS_SENIOR : CLASS_JUNIOR;
}

static enum client_refusal judge_open(struct budget *b, struct client *cl, unsigned messages, int64_t now_ns)
{
    review_seniority(b, cl, now_ns);
    struct budget_share *s = &b->classes[class_of(cl)];
    double hz = asked_hz(cl);
    s->window.demand += messages;
    s->fastest_hz = hz > s->fastest_hz ? hz : s->fastest_hz;
    if (!within_fair_share(b, s, hz) || !has_room(b, client_rank(cl), now_ns))
        return REFUSED_BUDGET;
    s->window.used += messages;
    return REFUSED_NOT;
}

static enum client_refusal judge(struct budget *b, struct client *cl, unsigned messages, int64_t now_ns)
{
    if (cl->standing != CLIENT_STRANGER && take_tokens(cl, 1, now_ns, now_ns) == 0)
        return REFUSED_RATE;
    if (cl->standing == CLIENT_ESTABLISHED && !cl->granted)
        return judge_open(b, cl, messages, now_ns);
    return has_room(b, client_rank(cl), now_ns) ? REFUSED_NOT : REFUSED_BUDGET;
}

enum client_refusal budget_request(struct budget *b, struct client *cl, unsigned messages, int64_t now_ns)
{
    update(b, now_ns);
    enum client_refusal why = judge(b, cl, messages, now_ns);
    if (why == REFUSED_NOT)
        spend(b, messages, now_ns);
    if (why == REFUSED_NOT && client_rank(cl) == CLIENT_LAST)
        b->window_newcomers += messages;
    if (why == REFUSED_RATE)
        b->refused_rate++;
    if (why == REFUSED_BUDGET)
        note_refusal(b, now_ns);
    client_refuse(cl, why);
    return why;
}

bool budget_courtesy(struct budget *b, const struct client *cl, int64_t now_ns)
{
    update(b, now_ns);
    if (!has_room(b, cl->senior ? CLIENT_FIRST : CLIENT_LAST, now_ns)) {
        note_refusal(b, now_ns);
        return false;
    }
    spend(b, 1, now_ns);
    return true;
}

void budget_spend(struct budget *b, unsigned messages, int64_t now_ns)
{
    update(b, now_ns);
    spend(b, messages, now_ns);
}

/* ---- what others answer ---- */

double budget_client_hz(const struct budget *b, const struct client *cl)
{
    const double fair_hz = b->classes[class_of(cl)].fair_hz;
    return !cl->granted && fair_hz > 0 && asked_hz(cl) > fair_hz ? fair_hz : client_allowed_hz(cl);
}

void budget_book_elsewhere(struct budget *b, struct budget_elsewhere *e, struct client *cl,
                           struct client_elsewhere *done, uint32_t held_back, int64_t since_ns,
                           int64_t now_ns)
{
    const uint32_t known = done->answered + done->refused_budget;
    const uint32_t within = take_tokens(cl, done->requests, since_ns, now_ns);
    const uint32_t more = within > known ? within - known : 0;
    const uint32_t entitled = more < held_back ? more : held_back;
    b->refused_budget += entitled;
    b->refused_rate += held_back - entitled;
    done->refused_budget += entitled;
    if (done->refused_budget > 0)
        b->last_refused_ns = now_ns;
    e->answered += done->answered;
    if (cl->granted)
        return;
    review_seniority(b, cl, now_ns);
    struct budget_load *load = &e->classes[class_of(cl)].load;
    load->demand += (double)done->answered + done->refused_budget;
    load->used += done->answered;
}

void budget_survey(const struct budget *b, struct budget_elsewhere *e, const struct client *cl,
                   int64_t now_ns)
{
    const int64_t silent_ns = now_ns - cl->last_seen_ns - NS_PER_S;
    if (cl->granted || cl->standing != CLIENT_ESTABLISHED ||
        (double)silent_ns > SILENT_INTERVALS * (double)cl->interval_s * NS_PER_S)
        return;
    const double fair_hz = b->classes[class_of(cl)].fair_hz, hz = asked_hz(cl);
    struct budget_part *part = &e->classes[class_of(cl)];
    part->fastest_hz = fmax(part->fastest_hz, hz);
    if (fair_hz > 0 && hz > fair_hz)
        part->above++;
    else
        part->below_hz += hz;
}

void budget_take_elsewhere(struct budget *b, struct budget_elsewhere *e, int64_t now_ns)
{
    const int64_t elapsed_ns = now_ns - e->since_ns;
    if (elapsed_ns < WINDOW_NS / 2) {
        for (unsigned i = 0; i < BUDGET_CLASSES; i++)
            e->classes[i] = (struct budget_part){.load = e->classes[i].load}; /* the survey begins anew */
        return;
    }
    update(b, now_ns);
    const double per_s = (double)NS_PER_S / (double)elapsed_ns, capacity = b->config.capacity_hz;
    for (unsigned i = 0; i < BUDGET_CLASSES; i++) {
        b->classes[i].elsewhere = e->classes[i];
        b->classes[i].elsewhere.load.demand *= per_s;
        b->classes[i].elsewhere.load.used *= per_s;
    }
    b->elsewhere_hz = e->answered * per_s;
    b->message_ns = (int64_t)((double)NS_PER_S / fmax(capacity - b->elsewhere_hz, OWN_SHARE * capacity));
    *e = (struct budget_elsewhere){.since_ns = now_ns};
}

/* ---- grants ---- */

bool budget_reserve(struct budget *b, struct reservation before, struct reservation wanted, int64_t now_ns)
{
    update(b, now_ns);
    uint64_t total = b->reserved - before.rate + wanted.rate;
    uint64_t newcomers =
        b->reserved_newcomers - (before.newcomer ? before.rate : 0) + (wanted.newcomer ? wanted.rate : 0);
    double capacity = b->config.capacity_hz;
    bool more = wanted.rate > before.rate;
    if (more && ((double)total * RATE_UNIT_HZ + open_used_hz(b) > GRANT_SHARE * capacity ||
                 (wanted.newcomer && (double)newcomers * RATE_UNIT_HZ > NEWCOMER_SHARE * capacity))) {
        b->refused_grants++;
        b->last_refused_ns = now_ns;
        return false;
    }
    b->reserved = total;
    b->reserved_newcomers = newcomers;
    return true;
}

void budget_release(struct budget *b, struct reservation before)
{
    b->reserved -= before.rate;
    b->reserved_newcomers -= before.newcomer ? before.rate : 0;
}

int8_t budget_log_interval(struct budget *b, int8_t log_interval, int64_t now_ns)
{
    update(b, now_ns);
    int longer = log_interval + (int)b->steps;
    if (longer <= b->config.log_interval_max)
        return (int8_t)longer;
    return b->config.log_interval_max > log_interval ? b->config.log_interval_max : log_interval;
}

/* ---- looking at it ---- */

static double least_fair_hz(const struct budget *b)
{
    double senior = b->classes[CLASS_SENIOR].fair_hz, junior = b->classes[CLASS_JUNIOR].fair_hz;
    return junior == 0 || (senior > 0 && senior < junior) ? senior : junior;
}

static enum budget_state state_of(const struct budget *b, double load)
{
    if (least_fair_hz(b) > 0)
        return b->steps >= most_steps(b) ? BUDGET_FULL : BUDGET_SHEDDING;
    return load >= BUSY_SHARE * b->config.capacity_hz ? BUDGET_BUSY : BUDGET_EASY;
}

void budget_status(struct budget *b, int64_t now_ns, struct budget_status *status)
{
    update(b, now_ns);
    double load = fmax(b->used_hz, granted_hz(b) + open_used_hz(b));
    *status = (struct budget_status){
        .state = state_of(b, load),
        .capacity_hz = b->config.capacity_hz,
        .used_hz = b->used_hz,
        .demand_hz = demand_hz(b),
        .reserved_hz = granted_hz(b),
        .headroom = fmax(0, 1 - load / b->config.capacity_hz),
        .fair_hz = least_fair_hz(b),
        .juniors_hz = juniors_hz(b),
        .steps = b->steps,
        .refused_rate = b->refused_rate,
        .refused_budget = b->refused_budget,
        .refused_grants = b->refused_grants,
        .last_refused_ns = b->last_refused_ns,
    };
}

const char *budget_state_name(enum budget_state state)
{
    static const char *const names[] = {"easy", "busy", "shedding", "full"};
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}
