/* SPDX-License-Identifier: BSD-2-Clause */
/* One capacity, in messages sent per second, for all answers and all unicast Sync and Announce, whoever in
 * this process or in the kernel sends them. Each client
 * has a token bucket of its own, filled by its interval; what lies beyond is refused before any work is
 * spent. Under pressure, in this order:
 *   1. strangers and newcomers get what the established leave;
 *   2. those who ask most lose what is above their fair share (granted requests are reserved and keep
 * theirs);
 *   3. announced and newly granted intervals grow, step by step, and shrink again slowly;
 *   4. new grants are refused. */
#ifndef GMD_PTP_BUDGET_H
#define GMD_PTP_BUDGET_H

#include "gmd/ptp/clients.h"

struct budget_config {
    uint32_t capacity_hz;    /* messages per second, at least BUDGET_CAPACITY_MIN */
    int8_t log_interval;     /* shortest announced interval of requests, log2 s ... */
    int8_t log_interval_max; /* ... and the longest that may be announced (the profile's) */
    uint64_t seed;
};
#define BUDGET_CAPACITY_MIN 100

enum budget_state {
    BUDGET_EASY,
    BUDGET_BUSY,     /* 80 % of the capacity are used */
    BUDGET_SHEDDING, /* there is a fair share, and who asks more loses the rest */
    BUDGET_FULL,     /* and intervals are as long as they may get */
};

/* For gmctl status and alarms. */
struct budget_status {
    enum budget_state state;
    double capacity_hz;
    double used_hz;     /* messages sent, over the last second or so */
    double demand_hz;   /* requests within their clients' intervals, answered or not; without granted ones */
    double reserved_hz; /* by grants */
    double headroom;    /* 0..1 of the capacity, by what is used or reserved, whichever is more */
    double fair_hz;     /* requests per second and client, where it is least; 0: no limit */
    double juniors_hz;  /* that grants and seniors leave to the rest of the established */
    unsigned steps;     /* by which announced intervals are longer than configured, log2 */
    uint64_t refused_rate, refused_budget; /* requests */
    uint64_t refused_grants;
    int64_t last_refused_ns; /* for want of budget, request or grant; INT64_MIN: never */
};

/* The established without a grant, those first that are served first. */
enum budget_class {
    CLASS_SENIOR,
    CLASS_JUNIOR,
};
#define BUDGET_CLASSES 2

/* One class in one window of time. */
struct budget_load {
    double demand, used; /* messages */
};

/* What is asked and answered in the daemon's stead by clients of one class. */
struct budget_part {
    struct budget_load load;
    double fastest_hz; /* of its clients */
    double below_hz;   /* what those ask who ask no more than the fair share, together ... */
    unsigned above;    /* ... and how many ask more */
};

struct budget_share {
    struct budget_load window, smooth; /* smooth: per second */
    double fair_hz;                    /* requests per second and client; 0: no limit */
    double fastest_hz;                 /* of the clients that asked in this window */
    struct budget_part elsewhere;      /* per second */
};

/* All that is asked and answered in the daemon's stead, as it is being counted. */
struct budget_elsewhere {
    int64_t since_ns;
    double answered;
    struct budget_part classes[BUDGET_CLASSES];
};

struct budget {
    struct budget_config config;
    int64_t message_ns, burst_ns; /* of the bucket of what others leave of the capacity */
    int64_t busy_until_ns;
    int64_t window_end_ns;
    double window_used, used_hz; /* all messages */
    double window_newcomers, newcomers_hz;
    double elsewhere_hz; /* of these, answers in the daemon's stead */
    struct budget_share classes[BUDGET_CLASSES];
    uint64_t random;
    unsigned steps;
    /* INT64_MAX: not so now */
    int64_t pressed_since_ns, relaxed_since_ns, quiet_since_ns;
    uint64_t reserved, reserved_newcomers; /* RATE_UNIT_HZ */
    uint64_t refused_rate, refused_budget, refused_grants;
    int64_t last_refused_ns;
};

void budget_init(struct budget *b, const struct budget_config *config, int64_t now_ns);

/* May this client's request be answered with so many messages? If not, that is booked in its record. */
enum client_refusal budget_request(struct budget *b, struct client *cl, unsigned messages, int64_t now_ns);

/* The same for what is no request of time and has no bucket of its own: an answer to Signaling. */
bool budget_courtesy(struct budget *b, const struct client *cl, int64_t now_ns);

/* Messages sent under a grant: they were promised, and are only accounted for. */
void budget_spend(struct budget *b, unsigned messages, int64_t now_ns);

/* Reserves for a grant, instead of what was reserved for it before; RATE_UNIT_HZ. newcomer: whether the
 * client is (was) one when the reservation is (was) made. More is refused if the capacity does not hold it.
 */
struct reservation {
    uint32_t rate;
    bool newcomer;
};
bool budget_reserve(struct budget *b, struct reservation before, struct reservation wanted, int64_t now_ns);
void budget_release(struct budget *b, struct reservation before);

/* Requests per second that this client may ask now, where somebody else enforces it: what its own rate is, or
 * its fair share if it asks more than that. Held to that it may ask so many at once: a burst as long as its
 * own would keep slow clients from being held for minutes. */
double budget_client_hz(const struct budget *b, const struct client *cl);
#define CLIENT_BURST_HELD 2

/* One established client's requests that were dealt with in the daemon's stead since then. held_back: so many
 * were refused while it was held to less than its own rate. Those to which that would have entitled it are
 * added to done->refused_budget. */
void budget_book_elsewhere(struct budget *b, struct budget_elsewhere *e, struct client *cl,
                           struct client_elsewhere *done, uint32_t held_back, int64_t since_ns,
                           int64_t now_ns);

/* One established client, whoever answers it: its part in what a fair share is. */
void budget_survey(const struct budget *b, struct budget_elsewhere *e, const struct client *cl,
                   int64_t now_ns);

/* When all clients were booked and surveyed: from now on so much of the capacity is theirs. Several times a
 * second; what was counted in too short a time stays for the next call. */
void budget_take_elsewhere(struct budget *b, struct budget_elsewhere *e, int64_t now_ns);

/* The interval to announce or to grant at least, log2 s, for a configured one. */
int8_t budget_log_interval(struct budget *b, int8_t log_interval, int64_t now_ns);

void budget_status(struct budget *b, int64_t now_ns, struct budget_status *status);
const char *budget_state_name(enum budget_state state);

#endif
