/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the alarms about clients and the budget: what raises each, and what clears it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/alarm_rules.h"
#include "gmd/daemon.h"

#define S        NS_PER_S
#define CAPACITY 100

static struct daemon *d;
static int64_t now;

static int set_up(void **state)
{
    (void)state;
    d = calloc(1, sizeof(*d));
    d->service = calloc(1, service_size(64));
    now = 1000 * S;
    const struct service_config config = {
        .clients = {.capacity = 64, .per_address = 64, .idle_ns = 300 * S, .key = {{1, 2}}},
        .budget = {.capacity_hz = CAPACITY, .log_interval = -3, .log_interval_max = 5, .seed = 1},
        .unicast = {.limits = *unicast_limits_of("custom"), .grants_most_s = 3600, .log_interval_min = -7},
    };
    service_init(d->service, &config, now);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(d->service);
    free(d);
    return 0;
}

static const struct alarm_rule *rule_of(const char *name)
{
    for (size_t i = 0; alarm_rules[i].active; i++)
        if (strcmp(alarm_rules[i].info.name, name) == 0)
            return &alarm_rules[i];
    fail_msg("no alarm %s", name);
    return NULL;
}

static bool is_raised(const char *name, const char *says)
{
    char detail[ALARM_DETAIL_MAX] = "";
    const bool raised = rule_of(name)->active(d, now, detail, sizeof(detail));
    if (raised && !strstr(detail, says))
        fail_msg("%s: %s", name, detail);
    return raised;
}

static struct client_request from(uint8_t identity, uint8_t address, uint16_t sequence_id)
{
    return (struct client_request){.identity = {{{2, 0, 0, 255, 254, 0, 0, identity}}, 1},
                                   .from = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, address}},
                                   .port = 1,
                                   .mode = CLIENT_HYBRID,
                                   .log_interval = 0,
                                   .sequence_id = sequence_id};
}

static void ask(uint8_t identity, uint8_t address, uint16_t sequence_id)
{
    const struct client_request r = from(identity, address, sequence_id);
    struct client *cl = clients_request(d->service->clients, &r, now);
    if (budget_request(&d->service->budget, cl, 1, now) == REFUSED_NOT)
        client_answer(cl);
}

static void each_has_severity_and_end(void **state)
{
    (void)state;
    static const char *const rules[][2] = {{"client-too-fast", "warning"},
                                           {"budget-busy", "minor"},
                                           {"clients-refused", "major"},
                                           {"client-conflict", "minor"},
                                           {"client-misfit", "warning"}};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        assert_string_equal(rule_of(rules[i][0])->info.severity, rules[i][1]);
        assert_true(strlen(rule_of(rules[i][0])->info.cleared_by) > 0);
        assert_false(is_raised(rules[i][0], ""));
    }
}

static void a_client_over_its_rate(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 100; i++, now += S / 20) /* 20/s where 1/s is announced */
        ask(9, 7, i);
    assert_true(is_raised("client-too-fast", "020000.fffe.000009-1 at 192.0.2.7"));
    now += 61 * S;
    assert_false(is_raised("client-too-fast", ""));
}

static void one_identity_twice(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 5; i++, now += S) {
        ask(9, 7, i);
        assert_false(is_raised("client-conflict", ""));
    }
    ask(9, 8, 30000); /* a sequence of its own: another clock */
    assert_true(is_raised("client-conflict", "has the identity of another client"));
    now += 61 * S;
    assert_false(is_raised("client-conflict", ""));
    ask(9, 7, 6);
    now += S;
    ask(9, 8, 7); /* it goes on: one clock, two addresses */
    assert_true(is_raised("client-conflict", "192.0.2.8 also comes from another address"));
}

static void a_misfit(void **state)
{
    (void)state;
    const struct client_request r = from(9, 7, 1);
    clients_misfit(d->service->clients, &r, FAULT_WRONG_DOMAIN, now);
    assert_true(is_raised("client-misfit", "another domain"));
    now += 61 * S;
    assert_false(is_raised("client-misfit", ""));
}

/* Sends so many messages a second for some seconds. */
static void spend(unsigned hz, unsigned seconds)
{
    for (unsigned i = 0; i < hz * seconds; i++, now += S / hz)
        budget_spend(&d->service->budget, 1, now);
}

static void budget_at_80_percent(void **state)
{
    (void)state;
    spend(CAPACITY * 70 / 100, 10);
    assert_false(is_raised("budget-busy", ""));
    spend(CAPACITY * 85 / 100, 10);
    assert_true(is_raised("budget-busy", "of 100 messages/s used"));
    spend(CAPACITY * 70 / 100, 10);
    assert_false(is_raised("budget-busy", ""));
}

static void clients_refused_for_want_of_capacity(void **state)
{
    (void)state;
    spend(CAPACITY * 10, 5); /* grants are promises */
    ask(1, 1, 1);
    assert_true(is_raised("clients-refused", "1 requests, 0 grants"));
    now += 61 * S;
    assert_false(is_raised("clients-refused", ""));
    assert_false(budget_reserve(&d->service->budget, (struct reservation){0},
                                (struct reservation){.rate = 256 * CAPACITY * 2}, now));
    assert_true(is_raised("clients-refused", "1 requests, 1 grants"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_has_severity_and_end), TEST(a_client_over_its_rate),
        TEST(one_identity_twice),        TEST(a_misfit),
        TEST(budget_at_80_percent),      TEST(clients_refused_for_want_of_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
