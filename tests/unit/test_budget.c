/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the budget: buckets, who gives way under pressure, reservations. In virtual time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gmd/ptp/wire.h"
#include "tests/unit/clients_rig.h"

static double chance(void)
{
    return (double)rand() / ((double)RAND_MAX + 1);
}

/* Requests of one interval, at random about their mean or evenly; share of them answered. */
static double answered_share(int8_t log_interval, double speed, bool random, unsigned seconds)
{
    struct clients_rig r = rig_of(16, 8, 100000);
    struct client_request q = request_of(1, log_interval);
    double mean_ns = ldexp((double)S, log_interval) / speed;
    uint64_t asked = 0, answered = 0;
    for (int64_t end = r.now + seconds * S; r.now < end; asked++) {
        answered += rig_serve(&r, &q);
        r.now += (int64_t)(random ? 2 * chance() * mean_ns : mean_ns);
    }
    rig_end(&r);
    return (double)answered / (double)asked;
}

static void answers_within_the_interval(void **state)
{
    (void)state;
    srand(1);
    for (int8_t log_interval = -7; log_interval <= 2; log_interval++) {
        assert_true(answered_share(log_interval, 1, false, 3000) == 1);
        assert_true(answered_share(log_interval, 1, true, 3000) >= 0.9999); /* as clause 9.5.11.2 has them */
        assert_true(answered_share(log_interval, 1.2, true, 3000) >= 0.999);
    }
}

static void refuses_what_is_faster(void **state)
{
    (void)state;
    assert_float_equal(answered_share(-3, 3, false, 1000), 0.5, 0.01);
    assert_float_equal(answered_share(-3, 1000, false, 100), 1.5 / 1000, 1e-3);
    assert_float_equal(answered_share(0, 50000, false, 60), 1.5 / 50000, 1e-5);
}

static void a_burst_is_answered_once(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(16, 8, 100000);
    struct client_request q = request_of(1, 0);
    unsigned answered = 0;
    for (unsigned i = 0; i < 100; i++)
        answered += rig_serve(&r, &q);
    assert_int_equal(answered, CLIENT_BURST);
    r.now += 10 * S;
    for (unsigned i = 0; i < 100; i++)
        answered += rig_serve(&r, &q);
    assert_int_equal(answered, CLIENT_BURST + 15);
    struct budget_status s;
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.refused_rate, 200 - answered);
    assert_int_equal(s.refused_budget, 0);
    assert_true(s.last_refused_ns == INT64_MIN); /* nobody was refused for want of budget */
    struct client *cl = clients_find(r.clients, &q.identity, &q.from, 1);
    assert_int_equal(client_refused(cl, REFUSED_RATE), 200 - answered);
    rig_end(&r);
}

/* ---- many at once, as steps of a millisecond ---- */

struct crowd {
    uint32_t first, count;
    double hz; /* of each */
    int8_t log_interval;
    bool obeys;  /* asks no faster than is announced */
    bool forged; /* a new identity each time, from a new address */
    uint64_t asked, answered;
    double due;
};

static void crowd_step(struct clients_rig *r, struct crowd *c)
{
    double hz = c->hz;
    if (c->obeys)
        hz = fmin(hz, ldexp(1, -budget_log_interval(&r->budget, c->log_interval, r->now)));
    for (c->due += hz * c->count / 1000; c->due >= 1; c->due--) {
        uint32_t n = c->forged ? (uint32_t)rand() : c->first + (uint32_t)(c->asked % c->count);
        struct client_request q = request_of(n, c->log_interval);
        c->asked++;
        c->answered += rig_serve(r, &q);
    }
}

static void crowds_run(struct clients_rig *r, struct crowd *crowds, unsigned count, unsigned seconds)
{
    for (unsigned i = 0; i < count; i++)
        crowds[i].asked = crowds[i].answered = 0;
    for (unsigned step = 0; step < seconds * 1000; step++, r->now += MS)
        for (unsigned i = 0; i < count; i++)
            crowd_step(r, &crowds[i]);
}

static double share(const struct crowd *c)
{
    return (double)c->answered / (double)c->asked;
}

static void newcomers_get_what_is_left(void **state)
{
    (void)state;
    srand(2);
    struct clients_rig r = rig_of(4096, 64, 4000);
    struct crowd crowds[] = {{.first = 1, .count = 400, .hz = 8, .log_interval = -3},
                             {.hz = 50000, .count = 1, .log_interval = -3, .forged = true}};
    crowds_run(&r, crowds, 1, 10);
    assert_true(share(&crowds[0]) == 1);
    crowds_run(&r, crowds, 2, 20); /* 3200 of 4000 are used: strangers have the rest */
    assert_true(share(&crowds[0]) >= 0.999);
    assert_float_equal((double)crowds[1].answered / 20, 800, 80);
    struct budget_status s;
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.state, BUDGET_BUSY);
    assert_int_equal(s.steps, 0); /* strangers do not slow the others down */
    assert_float_equal(s.used_hz, 4000, 80);
    rig_end(&r);
}

/* 100 small and 100 large consumers, twice too much in all: the small lose nothing. */
static void who_asks_most_loses_first(void **state)
{
    (void)state;
    srand(3);
    struct clients_rig r = rig_of(4096, 64, 2000);
    r.budget.config.log_interval_max = -7; /* no longer intervals: shedding alone */
    struct crowd crowds[] = {{.first = 1, .count = 100, .hz = 2, .log_interval = -5},
                             {.first = 1001, .count = 100, .hz = 32, .log_interval = -5}};
    crowds_run(&r, crowds, 2, 10);
    crowds_run(&r, crowds, 2, 60);
    struct budget_status s;
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.state, BUDGET_FULL);
    assert_true(share(&crowds[0]) >= 0.999);
    assert_float_equal((double)crowds[1].answered / 60, 0.97 * 2000 - 200, 150);
    assert_float_equal(s.used_hz, 1940, 150);
    assert_true(s.fair_hz > 4 && s.fair_hz < 32);

    crowds[1].hz = 4; /* and it is over as soon as the demand is */
    crowds_run(&r, crowds, 2, 10);
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.state, BUDGET_EASY);
    crowds_run(&r, crowds, 2, 10);
    assert_true(share(&crowds[1]) == 1);
    rig_end(&r);
}

static void intervals_grow_and_shrink(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(4096, 64, 2000);
    struct crowd crowd = {.first = 1, .count = 1000, .hz = 16, .log_interval = -4, .obeys = true};
    r.budget.config.log_interval = -4;
    crowds_run(&r, &crowd, 1, 40);
    struct budget_status s;
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(budget_log_interval(&r.budget, -4, r.now), -4 + 4); /* 1 request a second of each */
    assert_int_equal(s.steps, 4);
    assert_int_equal(s.state, BUDGET_EASY);
    crowds_run(&r, &crowd, 1, 200);
    assert_true(share(&crowd) == 1);
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.steps, 4); /* half of it would be too much again */

    crowd.count = 100; /* the others go home: one step a minute */
    crowds_run(&r, &crowd, 1, 70);
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.steps, 3);
    crowds_run(&r, &crowd, 1, 300);
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.steps, 0);
    rig_end(&r);
}

static void intervals_stay_within_the_profile(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(4096, 64, 200);
    r.budget.config.log_interval = -3;
    r.budget.config.log_interval_max = -1;
    struct crowd crowd = {.first = 1, .count = 1000, .hz = 8, .log_interval = -3};
    crowds_run(&r, &crowd, 1, 60);
    for (int8_t log_interval = -7; log_interval <= 4; log_interval++) {
        int8_t announced = budget_log_interval(&r.budget, log_interval, r.now);
        assert_int_equal(announced, log_interval >= -1 ? log_interval : (int)fmin(log_interval + 2, -1));
    }
    struct budget_status s;
    budget_status(&r.budget, r.now, &s);
    assert_int_equal(s.state, BUDGET_FULL);
    assert_true(s.headroom < 0.3);
    rig_end(&r);
}

/* ---- grants ---- */

static void granted_requests_are_safe(void **state)
{
    (void)state;
    srand(4);
    struct clients_rig r = rig_of(4096, 64, 2000);
    r.budget.config.log_interval_max = -7;
    struct crowd crowds[] = {{.first = 1, .count = 50, .hz = 16, .log_interval = -4},
                             {.first = 1001, .count = 200, .hz = 64, .log_interval = -6}};
    for (uint32_t n = 1; n <= 50; n++) {
        struct client *cl = rig_ask(&r, n);
        clients_set_grant(r.clients, cl, true, -4);
        assert_true(budget_reserve(&r.budget, (struct reservation){0},
                                   (struct reservation){.rate = 256 * 16, .newcomer = true}, r.now));
    }
    crowds_run(&r, crowds, 2, 5);
    crowds_run(&r, crowds, 2, 60);
    assert_true(share(&crowds[0]) >= 0.999);
    assert_float_equal((double)crowds[1].answered / 60, 0.97 * 2000 - 800, 100);
    rig_end(&r);
}

static void reserves_no_more_than_there_is(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(64, 8, 1000);
    const struct reservation none = {0}, newcomer = {.rate = 256 * 100, .newcomer = true},
                             known = {.rate = 256 * 100};
    unsigned granted = 0;
    while (budget_reserve(&r.budget, none, newcomer, r.now))
        granted++;
    assert_int_equal(granted, 5); /* half of it for newcomers ... */
    while (budget_reserve(&r.budget, none, known, r.now))
        granted++;
    assert_int_equal(granted, 8);                                   /* ... and four fifths in all */
    assert_true(budget_reserve(&r.budget, newcomer, known, r.now)); /* what one has one keeps */
    assert_true(budget_reserve(&r.budget, known, known, r.now));
    struct budget_status s;
    budget_status(&r.budget, r.now, &s);
    assert_float_equal(s.reserved_hz, 800, 1e-9);
    assert_float_equal(s.headroom, 0.2, 1e-9);
    assert_int_equal(s.state, BUDGET_BUSY);
    assert_int_equal(s.refused_grants, 2);
    assert_true(s.last_refused_ns == r.now);
    for (unsigned i = 0; i < 4; i++)
        budget_release(&r.budget, newcomer);
    for (unsigned i = 0; i < 4; i++)
        budget_release(&r.budget, known);
    budget_status(&r.budget, r.now, &s);
    assert_true(s.reserved_hz == 0 && r.budget.reserved_newcomers == 0);
    rig_end(&r);
}

static void sends_count(void **state)
{
    (void)state;
    struct clients_rig r = rig_of(64, 8, 1000);
    for (unsigned i = 0; i < 10000; i++, r.now += MS)
        if (i % 4 == 0)
            budget_spend(&r.budget, 2, r.now);
    struct budget_status s;
    budget_status(&r.budget, r.now, &s);
    assert_float_equal(s.used_hz, 500, 10);
    budget_status(&r.budget, r.now + 100 * S, &s);
    assert_true(s.used_hz < 1);
    assert_string_equal(budget_state_name(BUDGET_SHEDDING), "shedding");
    assert_string_equal(budget_state_name((enum budget_state)9), "?");
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_within_the_interval),       cmocka_unit_test(refuses_what_is_faster),
        cmocka_unit_test(a_burst_is_answered_once),          cmocka_unit_test(newcomers_get_what_is_left),
        cmocka_unit_test(who_asks_most_loses_first),         cmocka_unit_test(intervals_grow_and_shrink),
        cmocka_unit_test(intervals_stay_within_the_profile), cmocka_unit_test(granted_requests_are_safe),
        cmocka_unit_test(reserves_no_more_than_there_is),    cmocka_unit_test(sends_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
