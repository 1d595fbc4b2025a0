/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/unicast.h"

#include "gmd/ptp/interval.h"
#include "gmd/ptp/wire.h"

/* Ids that one call of wheel_due gives. */
#define BATCH 64

/* What a newcomer is granted at first, unless the profile's shortest is longer. */
#define FIRST_DURATION_S 60

size_t unicast_size(unsigned capacity)
{
    return capacity * (sizeof(struct unicast_client) + 3 * sizeof(struct wheel_entry));
}

void unicast_init(struct unicast *u, void *memory, const struct unicast_config *config,
                  struct clients *clients, struct budget *budget, int64_t now_ns)
{
    unsigned capacity = clients_capacity(clients);
    *u = (struct unicast){.config = *config, .clients = clients, .budget = budget, .all = memory};
    struct wheel_entry *entries = (struct wheel_entry *)(u->all + capacity);
    wheel_init(&u->announce, entries, now_ns);
    wheel_init(&u->sync, entries += capacity, now_ns);
    wheel_init(&u->timer, entries + capacity, now_ns);
}

static uint16_t number_of(const struct unicast *u, const struct client *cl)
{
    return (uint16_t)clients_index(u->clients, cl);
}

const struct unicast_client *unicast_of(const struct unicast *u, const struct client *cl)
{
    return &u->all[number_of(u, cl)];
}

/* ---- our own addresses ---- */

void unicast_set_local(struct unicast *u, struct client *cl, const struct address *local)
{
    unsigned i = 0;
    while (i < u->local_count && !address_same(&u->locals[i], local))
        i++;
    if (i == u->local_count && i < UNICAST_LOCAL_MAX)
        u->locals[u->local_count++] = *local;
    u->all[number_of(u, cl)].local = (uint8_t)i;
}

static struct address local_of(const struct unicast *u, const struct unicast_client *uc)
{
    return uc->local < u->local_count ? u->locals[uc->local] : (struct address){.family = ADDRESS_NONE};
}

/* ---- one grant ---- */

/* Of a message of ours: with its Follow_Up. */
static uint32_t rate_of(const struct unicast *u, enum unicast_service service, int8_t log_interval)
{
    bool two = (service == UNICAST_SYNC && !u->config.one_step) || service == UNICAST_PDELAY_RESP;
    return (two ? 2u : 1u) << (8 - log_interval);
}

static struct wheel *wheel_of(struct unicast *u, enum unicast_service service)
{
    switch (service) {
    case UNICAST_ANNOUNCE:
        return &u->announce;
    case UNICAST_SYNC:
        return &u->sync;
    default:
        return NULL;
    }
}

static struct reservation reserved(const struct unicast *u, enum unicast_service service,
                                   const struct unicast_grant *g)
{
    return (struct reservation){.rate = g->live ? rate_of(u, service, g->granted) : 0,
                                .newcomer = g->newcomer};
}

/* After any change: whether the client table must keep the client, and how fast it may ask. */
static void settle(struct unicast *u, struct client *cl)
{
    uint16_t i = number_of(u, cl);
    const struct unicast_grant *grants = u->all[i].grants;
    bool held = false;
    for (unsigned s = 0; s < UNICAST_SERVICES; s++)
        held = held || grants[s].live || grants[s].cancelling;
    if (!held)
        wheel_remove(&u->timer, i);
    const struct unicast_grant *g = &grants[UNICAST_DELAY_RESP];
    if (!g->live)
        g = &grants[UNICAST_PDELAY_RESP];
    clients_set_grant(u->clients, cl, held, g->live ? g->granted : LOG_INTERVAL_NONE);
}

static int64_t expiry_ns(const struct unicast_grant *g)
{
    return (int64_t)g->expiry_s * NS_PER_S;
}

static void set_timer(struct unicast *u, struct client *cl, int64_t at_least_ns)
{
    uint16_t i = number_of(u, cl);
    int64_t first = INT64_MAX;
    for (unsigned s = 0; s < UNICAST_SERVICES; s++) {
        const struct unicast_grant *g = &u->all[i].grants[s];
        if (g->live && expiry_ns(g) < first)
            first = expiry_ns(g);
        if (g->cancelling && at_least_ns < first)
            first = at_least_ns;
    }
    wheel_remove(&u->timer, i);
    if (first < INT64_MAX)
        wheel_add(&u->timer, i, first);
}

/* The interval that is granted for the requested one, or why none is. What is in force stays when it is
 * renewed: some clients (ptp4l) take the interval of the first grant only. */
static enum unicast_refusal choose_interval(struct unicast *u, enum unicast_service service,
                                            const struct unicast_grant *g, int8_t requested, int8_t *granted,
                                            int64_t now_ns)
{
    const struct unicast_range *range = &u->config.limits.services[service];
    if (!range->allowed)
        return UNICAST_NOT_SERVED;
    if (requested > range->log_max || requested < CLIENT_LOG_MIN)
        return UNICAST_INTERVAL;
    if (g->live && requested == g->requested) {
        *granted = g->granted;
        return UNICAST_GRANTED;
    }
    int8_t shortest =
        range->log_min > u->config.log_interval_min ? range->log_min : u->config.log_interval_min;
    /* Announce is never slower than asked for: its receiver counts on the interval that it knows. */
    int8_t least = service == UNICAST_ANNOUNCE ? shortest : budget_log_interval(u->budget, shortest, now_ns);
    if (least > range->log_max)
        least = range->log_max;
    *granted = requested < least ? least : requested;
    if (*granted == requested)
        return UNICAST_GRANTED;
    if (u->config.limits.exact)
        return requested < shortest ? UNICAST_INTERVAL : UNICAST_BUDGET;
    return service == UNICAST_ANNOUNCE ? UNICAST_INTERVAL : UNICAST_GRANTED;
}

/* A newcomer gets the shortest grant that there is: to have more it must come back. */
static uint32_t choose_duration(const struct unicast *u, const struct client *cl, uint32_t requested_s)
{
    const struct unicast_limits *l = &u->config.limits;
    uint32_t most = l->duration_max_s < u->config.grants_most_s ? l->duration_max_s : u->config.grants_most_s;
    if (cl->standing != CLIENT_ESTABLISHED && l->duration_min_s < most)
        most = l->duration_min_s > FIRST_DURATION_S ? l->duration_min_s : FIRST_DURATION_S;
    return requested_s < most ? requested_s : most;
}

static void start(struct unicast *u, struct client *cl, enum unicast_service service, int8_t granted,
                  int64_t now_ns)
{
    uint16_t i = number_of(u, cl);
    struct unicast_grant *g = &u->all[i].grants[service];
    struct wheel *wheel = wheel_of(u, service);
    if (wheel != NULL && !(g->live && g->granted == granted)) {
        wheel_remove(wheel, i);
        wheel_add_evenly(wheel, i, wheel_interval(granted), now_ns);
    }
    if (!g->live)
        u->counters.live[service]++;
    g->live = true;
    g->granted = granted;
}

enum unicast_refusal unicast_grant(struct unicast *u, struct client *cl, enum unicast_service service,
                                   int8_t log_interval, uint32_t *duration_s, int8_t *granted, int64_t now_ns)
{
    if (u->withdrawn)
        return UNICAST_WITHDRAWN;
    if (cl->standing == CLIENT_STRANGER)
        return UNICAST_NO_ROOM;
    if (*duration_s < u->config.limits.duration_min_s || *duration_s == 0)
        return UNICAST_DURATION;

    struct unicast_grant *g = &u->all[number_of(u, cl)].grants[service];
    enum unicast_refusal why = choose_interval(u, service, g, log_interval, granted, now_ns);
    if (why != UNICAST_GRANTED)
        return why;
    struct reservation wanted = {.rate = rate_of(u, service, *granted),
                                 .newcomer = cl->standing != CLIENT_ESTABLISHED};
    if (!budget_reserve(u->budget, reserved(u, service, g), wanted, now_ns))
        return UNICAST_BUDGET;

    *duration_s = choose_duration(u, cl, *duration_s);
    start(u, cl, service, *granted, now_ns);
    g->requested = log_interval;
    g->newcomer = wanted.newcomer;
    g->expiry_s = (uint32_t)(now_ns / NS_PER_S) + *duration_s + 1; /* not sooner than it was promised */
    unicast_acknowledged(u, cl, service);
    settle(u, cl);
    set_timer(u, cl, now_ns + NS_PER_S);
    return UNICAST_GRANTED;
}

/* ---- ending ---- */

static bool any_cancelling(const struct unicast_client *uc)
{
    bool any = false;
    for (unsigned i = 0; i < UNICAST_SERVICES; i++)
        any = any || uc->grants[i].cancelling;
    return any;
}

static void end(struct unicast *u, uint16_t i, enum unicast_service service)
{
    struct unicast_grant *g = &u->all[i].grants[service];
    if (!g->live)
        return;
    budget_release(u->budget, reserved(u, service, g));
    g->live = false;
    u->counters.live[service]--;
    if (wheel_of(u, service) != NULL)
        wheel_remove(wheel_of(u, service), i);
}

void unicast_end(struct unicast *u, struct client *cl, enum unicast_service service)
{
    end(u, number_of(u, cl), service);
    settle(u, cl);
}

void unicast_acknowledged(struct unicast *u, struct client *cl, enum unicast_service service)
{
    struct unicast_client *uc = &u->all[number_of(u, cl)];
    if (!uc->grants[service].cancelling)
        return;
    uc->grants[service].cancelling = false;
    u->counters.cancelling -= !any_cancelling(uc);
    settle(u, cl);
}

void unicast_withdraw(struct unicast *u, int64_t now_ns)
{
    u->withdrawn = true;
    for (unsigned i = 0; i < clients_capacity(u->clients); i++) {
        struct unicast_client *uc = &u->all[i];
        bool had = any_cancelling(uc), has = had;
        for (unsigned s = 0; s < UNICAST_SERVICES; s++) {
            bool live = uc->grants[s].live;
            end(u, (uint16_t)i, s);
            uc->grants[s].cancelling |= live;
            has = has || live;
        }
        if (!has)
            continue;
        uc->tries = UNICAST_CANCEL_TRIES;
        u->counters.cancelling += !had;
        settle(u, clients_at(u->clients, i));
        wheel_remove(&u->timer, (uint16_t)i);
        wheel_add_evenly(&u->timer, (uint16_t)i, WHEEL_TICKS_PER_S, now_ns);
    }
}

void unicast_resume(struct unicast *u)
{
    u->withdrawn = false;
}

bool unicast_settled(const struct unicast *u)
{
    return u->counters.cancelling == 0;
}

/* ---- what is due ---- */

static struct unicast_event *event(const struct unicast *u, struct unicast_event *e, uint16_t i,
                                   enum unicast_action action)
{
    const struct client *cl = clients_at(u->clients, i);
    *e = (struct unicast_event){.action = (uint8_t)action,
                                .identity = cl->identity,
                                .port = cl->port,
                                .to = cl->address,
                                .from = local_of(u, &u->all[i])};
    return e;
}

static unsigned due_messages(struct unicast *u, enum unicast_service service, int64_t now_ns,
                             struct unicast_event *events, unsigned most)
{
    struct wheel *wheel = wheel_of(u, service);
    bool sync = service == UNICAST_SYNC;
    uint16_t ids[BATCH];
    unsigned count = wheel_due(wheel, now_ns, ids, most < BATCH ? most : BATCH);
    for (unsigned n = 0; n < count; n++) {
        struct unicast_client *uc = &u->all[ids[n]];
        struct unicast_event *e =
            event(u, &events[n], ids[n], sync ? UNICAST_SEND_SYNC : UNICAST_SEND_ANNOUNCE);
        e->log_interval = uc->grants[service].granted;
        e->sequence_id = uc->sequence_id[service]++;
        wheel_add_again(wheel, ids[n], wheel_interval(e->log_interval), now_ns);
        budget_spend(u->budget, sync && !u->config.one_step ? 2 : 1, now_ns);
    }
    return count;
}

static void expire(struct unicast *u, uint16_t i, int64_t now_ns)
{
    for (unsigned s = 0; s < UNICAST_SERVICES; s++) {
        const struct unicast_grant *g = &u->all[i].grants[s];
        if (!g->live || now_ns < expiry_ns(g))
            continue;
        end(u, i, s);
        u->counters.expired++;
    }
}

/* Bits of the services whose end the client is to be told, or to be told again. */
static uint8_t cancel(struct unicast *u, uint16_t i)
{
    struct unicast_client *uc = &u->all[i];
    if (!any_cancelling(uc))
        return 0;
    uint8_t services = 0;
    for (unsigned s = 0; s < UNICAST_SERVICES; s++) {
        if (!uc->grants[s].cancelling)
            continue;
        services |= (uint8_t)(1u << s);
        if (uc->tries == 0) {
            uc->grants[s].cancelling = false;
            u->counters.unacknowledged++;
        }
    }
    if (uc->tries == 0) {
        u->counters.cancelling--;
        return 0;
    }
    uc->tries--;
    return services;
}

static unsigned due_timers(struct unicast *u, int64_t now_ns, struct unicast_event *events, unsigned most)
{
    uint16_t ids[BATCH];
    unsigned count = wheel_due(&u->timer, now_ns, ids, most < BATCH ? most : BATCH), sent = 0;
    for (unsigned n = 0; n < count; n++) {
        struct client *cl = clients_at(u->clients, ids[n]);
        expire(u, ids[n], now_ns);
        uint8_t services = cancel(u, ids[n]);
        settle(u, cl);
        set_timer(u, cl, now_ns + NS_PER_S);
        if (services == 0)
            continue;
        event(u, &events[sent++], ids[n], UNICAST_SEND_CANCEL)->services = services;
        budget_spend(u->budget, 1, now_ns);
        u->counters.cancels_sent++;
    }
    return sent;
}

unsigned unicast_due(struct unicast *u, int64_t now_ns, struct unicast_event *events, unsigned most)
{
    unsigned count = 0, more;
    do {
        more = due_messages(u, UNICAST_SYNC, now_ns, events + count, most - count);
        count += more;
    } while (more > 0);
    do {
        more = due_messages(u, UNICAST_ANNOUNCE, now_ns, events + count, most - count);
        count += more;
    } while (more > 0);
    while (count < most && wheel_deadline(&u->timer) <= now_ns)
        count += due_timers(u, now_ns, events + count, most - count);
    return count;
}

int64_t unicast_deadline(const struct unicast *u)
{
    int64_t first = wheel_deadline(&u->sync);
    const struct wheel *others[] = {&u->announce, &u->timer};
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        int64_t deadline = wheel_deadline(others[i]);
        if (deadline < first)
            first = deadline;
    }
    return first;
}

/* ---- names ---- */

const char *unicast_service_name(enum unicast_service service)
{
    static const char *const names[] = {"announce", "sync", "delay_resp", "pdelay_resp"};
    return (unsigned)service < UNICAST_SERVICES ? names[service] : "?";
}

const char *unicast_refusal_name(enum unicast_refusal why)
{
    static const char *const names[] = {"granted", "not_served", "interval", "duration",
                                        "budget",  "no_room",    "withdrawn"};
    return (unsigned)why < UNICAST_REFUSALS ? names[why] : "?";
}
