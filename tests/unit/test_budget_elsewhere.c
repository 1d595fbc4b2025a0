/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the budget where others answer known clients in the daemon's stead, from buckets that it fills
 * four times a second. In virtual time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/ptp/wire.h"
#include "tests/unit/clients_rig.h"

#define CLIENTS 4096
#define TICK_MS 250

/* As the kernel has them. */
struct bucket {
    double hz, tokens;
    int64_t filled_ns;
    bool held;
    uint32_t asked, answered;
    int64_t asked_ns;  /* last */
    double interval_s; /* mean */
};

struct crowd {
    uint32_t first, count;
    double hz; /* of each */
    int8_t log_interval;
    uint64_t asked, answered;
    double due;
};

struct bed {
    struct clients_rig base;
    struct budget_elsewhere elsewhere;
    struct bucket buckets[CLIENTS];
    uint64_t answered_elsewhere;
};

static struct bed *bed_of(uint32_t capacity_hz)
{
    struct bed *b = calloc(1, sizeof(*b));
    b->base = rig_of(CLIENTS, 64, capacity_hz);
    b->base.budget.config.log_interval_max = -7; /* no longer intervals: shedding alone */
    b->elsewhere.since_ns = b->base.now;
    return b;
}

static void bed_end(struct bed *b)
{
    rig_end(&b->base);
    free(b);
}

static void fill(struct bucket *k, int64_t now_ns)
{
    const double since_s = (double)(now_ns - k->filled_ns) / 1e9;
    k->tokens = fmin(k->held ? CLIENT_BURST_HELD : CLIENT_BURST, k->tokens + k->hz * since_s);
    k->filled_ns = now_ns;
}

static bool answer_elsewhere(struct bed *b, unsigned i)
{
    struct bucket *k = &b->buckets[i];
    fill(k, b->base.now);
    if (k->asked_ns > 0)
        k->interval_s +=
            ((double)(b->base.now - k->asked_ns) / 1e9 - k->interval_s) / (k->interval_s > 0 ? 16 : 1);
    k->asked_ns = b->base.now;
    k->asked++;
    if (k->tokens < 1)
        return false;
    k->tokens--;
    k->answered++;
    b->answered_elsewhere++;
    return true;
}

/* Whoever is known is answered elsewhere. */
static bool serve(struct bed *b, const struct client_request *q)
{
    const struct client *cl = clients_find(b->base.clients, &q->identity, &q->from, 1);
    if (cl == NULL || client_rank(cl) == CLIENT_LAST)
        return rig_serve(&b->base, q);
    return answer_elsewhere(b, clients_index(b->base.clients, cl));
}

static void tick(struct bed *b)
{
    struct clients_rig *r = &b->base;
    for (unsigned i = 0; i < clients_used(r->clients); i++) {
        struct client *cl = clients_at(r->clients, i);
        struct bucket *k = &b->buckets[i];
        struct client_elsewhere e = {
            .requests = k->asked, .answered = k->answered, .interval_s = (float)k->interval_s};
        if (k->asked > 0)
            budget_book_elsewhere(&r->budget, &b->elsewhere, cl, &e, k->held ? k->asked - k->answered : 0,
                                  r->now - TICK_MS * MS, r->now);
        clients_asked_elsewhere(r->clients, i, &e, r->now);
        budget_survey(&r->budget, &b->elsewhere, cl, r->now);
        fill(k, r->now);
        *k = (struct bucket){.hz = budget_client_hz(&r->budget, cl),
                             .tokens = k->hz > 0 ? k->tokens : CLIENT_BURST,
                             .filled_ns = r->now,
                             .asked_ns = k->asked_ns,
                             .interval_s = k->interval_s};
        k->held = k->hz < client_allowed_hz(cl);
    }
    budget_take_elsewhere(&r->budget, &b->elsewhere, r->now);
}

static void step(struct bed *b, struct crowd *c)
{
    for (c->due += c->hz * c->count / 1000; c->due >= 1; c->due--) {
        struct client_request q = request_of(c->first + (uint32_t)(c->asked % c->count), c->log_interval);
        c->asked++;
        c->answered += serve(b, &q);
    }
}

static void run(struct bed *b, struct crowd *crowds, unsigned count, unsigned seconds)
{
    for (unsigned i = 0; i < count; i++)
        crowds[i].asked = crowds[i].answered = 0;
    for (unsigned ms = 0; ms < seconds * 1000; ms++, b->base.now += MS) {
        for (unsigned i = 0; i < count; i++)
            step(b, &crowds[i]);
        if (ms % TICK_MS == TICK_MS - 1)
            tick(b);
    }
}

static double share(const struct crowd *c)
{
    return (double)c->answered / (double)c->asked;
}

static struct budget_status status_of(struct bed *b)
{
    struct budget_status s;
    budget_status(&b->base.budget, b->base.now, &s);
    return s;
}

/* ---- one budget ---- */

static void what_others_answer_is_used(void **state)
{
    (void)state;
    struct bed *b = bed_of(2000);
    struct crowd crowd = {.first = 1, .count = 210, .hz = 8, .log_interval = -3};
    run(b, &crowd, 1, 30);
    assert_true(share(&crowd) == 1);
    assert_true(b->answered_elsewhere >
                0.8 * (double)crowd.answered); /* but for the newcomers' first seconds */
    struct budget_status s = status_of(b);
    assert_float_equal(s.used_hz, 1680, 20);
    assert_float_equal(s.demand_hz, 1680, 20);
    assert_float_equal(s.headroom, 0.16, 0.01);
    assert_int_equal(s.state, BUDGET_BUSY);
    const struct reservation none = {0}, one = {.rate = 256 * 16};
    assert_false(budget_reserve(&b->base.budget, none, one, b->base.now)); /* 4/5 are used up */
    run(b, NULL, 0, 10);
    s = status_of(b);
    assert_true(s.used_hz < 1 && s.state == BUDGET_EASY);
    assert_true(budget_reserve(&b->base.budget, none, one, b->base.now));
    bed_end(b);
}

static void who_is_answered_elsewhere_becomes_a_senior(void **state)
{
    (void)state;
    struct bed *b = bed_of(2000);
    struct crowd crowd = {.first = 1, .count = 10, .hz = 8, .log_interval = -3};
    run(b, &crowd, 1, 30);
    for (unsigned i = 0; i < 10; i++)
        assert_true(clients_at(b->base.clients, i)->senior);
    bed_end(b);
}

static void the_daemon_has_what_others_leave(void **state)
{
    (void)state;
    struct bed *b = bed_of(4000);
    struct crowd known = {.first = 1, .count = 400, .hz = 8, .log_interval = -3};
    run(b, &known, 1, 15);
    uint64_t answered = 0;
    for (unsigned ms = 0; ms < 20000; ms++, b->base.now += MS) {
        step(b, &known);
        for (unsigned i = 0; i < 50; i++) { /* made-up identities, each but once */
            struct client_request q = request_of(0x40000000 + ms * 50 + i, -3);
            answered += serve(b, &q);
        }
        if (ms % TICK_MS == TICK_MS - 1)
            tick(b);
    }
    assert_float_equal((double)answered / 20, 800, 80); /* 3200 of 4000 are used elsewhere */
    assert_true(share(&known) == 1);
    bed_end(b);
}

/* As test_budget.c has it of the daemon's own answers. */
static void who_asks_most_loses_first(void **state)
{
    (void)state;
    struct bed *b = bed_of(2000);
    struct crowd crowds[] = {{.first = 1, .count = 100, .hz = 2, .log_interval = -5},
                             {.first = 1001, .count = 100, .hz = 32, .log_interval = -5}};
    run(b, crowds, 2, 10);
    run(b, crowds, 2, 60);
    struct budget_status s = status_of(b);
    print_message("small %.4f, large %.1f/s, used %.1f, fair %.2f\n", share(&crowds[0]),
                  (double)crowds[1].answered / 60, s.used_hz, s.fair_hz);
    assert_int_equal(s.state, BUDGET_FULL);
    assert_true(share(&crowds[0]) >= 0.999);
    assert_float_equal((double)crowds[1].answered / 60, 0.97 * 2000 - 200, 150);
    assert_float_equal(s.used_hz, 1940, 150);
    assert_float_equal(s.demand_hz, 3400, 200);
    assert_true(s.fair_hz > 4 && s.fair_hz < 32);

    crowds[1].hz = 4; /* and it is over as soon as the demand is */
    run(b, crowds, 2, 10);
    assert_int_equal(status_of(b).state, BUDGET_EASY);
    run(b, crowds, 2, 10);
    assert_true(share(&crowds[1]) == 1);
    bed_end(b);
}

static void never_much_beyond_the_capacity(void **state)
{
    (void)state;
    struct bed *b = bed_of(2000);
    struct crowd crowd = {.first = 1, .count = 1000, .hz = 2, .log_interval = -5};
    run(b, &crowd, 1, 15);
    crowd.hz = 32; /* at once sixteen times as much, all by seniors */
    run(b, &crowd, 1, 10);
    print_message("first 10 s: %.0f/s\n", (double)crowd.answered / 10);
    run(b, &crowd, 1, 60);
    print_message("then: %.0f/s\n", (double)crowd.answered / 60);
    assert_float_equal((double)crowd.answered / 60, 1940, 150);
    bed_end(b);
}

/* Those of one request in four seconds are held as soon as others. */
static void slow_ones_are_held_too(void **state)
{
    (void)state;
    struct bed *b = bed_of(400);
    struct crowd crowds[] = {{.first = 1, .count = 1000, .hz = 0.25, .log_interval = 2},
                             {.first = 2001, .count = 1000, .hz = 0.25, .log_interval = 2}};
    run(b, crowds, 1, 60);
    assert_true(share(&crowds[0]) == 1);
    run(b, crowds, 2, 40);
    run(b, crowds, 2, 60);
    print_message("old %.3f, new %.3f\n", share(&crowds[0]), share(&crowds[1]));
    assert_true(share(&crowds[0]) >= 0.999); /* they were here before */
    assert_float_equal((double)(crowds[0].answered + crowds[1].answered) / 60, 388, 20);
    bed_end(b);
}

/* ---- reasons ---- */

static void refusals_have_their_reason(void **state)
{
    (void)state;
    struct bed *b = bed_of(200);
    struct crowd crowd = {.first = 1, .count = 20, .hz = 100, .log_interval = -4}; /* allowed 24/s each */
    run(b, &crowd, 1, 60);
    const struct budget_status s = status_of(b);
    const struct client *cl = clients_at(b->base.clients, 3);
    assert_int_equal(cl->requests,
                     cl->answered + client_refused(cl, REFUSED_RATE) + client_refused(cl, REFUSED_BUDGET));
    print_message("rate %.0f budget %.0f of %.0f\n", (double)client_refused(cl, REFUSED_RATE),
                  (double)client_refused(cl, REFUSED_BUDGET), (double)cl->requests);
    assert_float_equal((double)client_refused(cl, REFUSED_RATE), 60 * (100 - 24), 60 * 5);
    assert_float_equal((double)client_refused(cl, REFUSED_BUDGET), 60 * (24 - 9), 60 * 5);
    assert_true(s.refused_budget > 0 && s.refused_rate > 0);
    assert_true(s.last_refused_ns > b->base.now - S);
    bed_end(b);
}

static void grants_are_kept(void **state)
{
    (void)state;
    struct bed *b = bed_of(2000);
    struct crowd crowds[] = {{.first = 1, .count = 50, .hz = 16, .log_interval = -4},
                             {.first = 1001, .count = 200, .hz = 64, .log_interval = -6}};
    for (uint32_t n = 1; n <= 50; n++) {
        struct client *cl = rig_ask(&b->base, n);
        clients_set_grant(b->base.clients, cl, true, -4);
        assert_true(budget_reserve(&b->base.budget, (struct reservation){0},
                                   (struct reservation){.rate = 256 * 16, .newcomer = true}, b->base.now));
    }
    run(b, crowds, 2, 10);
    run(b, crowds, 2, 60);
    assert_true(share(&crowds[0]) >= 0.999);
    assert_float_equal((double)crowds[1].answered / 60, 0.97 * 2000 - 800, 100);
    bed_end(b);
}

/* A longer interval is called for by what is asked elsewhere, too. */
static void intervals_grow(void **state)
{
    (void)state;
    struct bed *b = bed_of(2000);
    b->base.budget.config.log_interval = -4;
    b->base.budget.config.log_interval_max = 0;
    struct crowd crowd = {.first = 1, .count = 1000, .hz = 16, .log_interval = -4};
    run(b, &crowd, 1, 12);
    assert_true(budget_log_interval(&b->base.budget, -4, b->base.now) > -4);
    run(b, &crowd, 1, 20);
    assert_int_equal(budget_log_interval(&b->base.budget, -4, b->base.now), 0);
    bed_end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_answer_is_used),
        cmocka_unit_test(who_is_answered_elsewhere_becomes_a_senior),
        cmocka_unit_test(the_daemon_has_what_others_leave),
        cmocka_unit_test(who_asks_most_loses_first),
        cmocka_unit_test(never_much_beyond_the_capacity),
        cmocka_unit_test(slow_ones_are_held_too),
        cmocka_unit_test(refusals_have_their_reason),
        cmocka_unit_test(grants_are_kept),
        cmocka_unit_test(intervals_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
