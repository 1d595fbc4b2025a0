/* SPDX-License-Identifier: BSD-2-Clause */
/* Data set comparison: every branch of figures 34 and 35, and the properties an election rests on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "bmca/dataset.h"

#define SEED 20190616u

static struct clock_identity clock_id(uint8_t last)
{
    return (struct clock_identity){{0, 0x1b, 0x19, 0xff, 0xfe, 0, 0, last}};
}

static struct port_identity port_id(uint8_t clock, uint16_t port)
{
    return (struct port_identity){clock_id(clock), port};
}

/* A set that says: grandmaster g, sent by clock s port 1, received by clock 50 port 1. */
static struct candidate set_of(uint8_t g, uint8_t s, uint16_t steps)
{
    return (struct candidate){
        .priority1 = 128,
        .priority2 = 128,
        .steps_removed = steps,
        .quality = {6, 0x21, 0x4E5D},
        .grandmaster = clock_id(g),
        .sender = port_id(s, 1),
        .receiver = port_id(50, 1),
    };
}

/* Both ways round: the answer must mirror. */
static void assert_order(const struct candidate *a, const struct candidate *b, enum dataset_order expected)
{
    assert_int_equal(dataset_compare(a, b), expected);
    assert_int_equal(dataset_compare(b, a), -(int)expected);
}

static void empty_set_loses(void **state)
{
    (void)state;
    struct candidate a = set_of(1, 1, 0);
    a.priority1 = 255;
    assert_order(&a, NULL, DATASET_A_BETTER);
    assert_int_equal(dataset_compare(NULL, NULL), DATASET_EQUAL);
}

/* Each comparand outweighs all those below it: A is better by one, B is best in all that follow. */
static void comparands_in_order(void **state)
{
    (void)state;
    enum { COMPARANDS = 6 };
    for (int decider = 0; decider < COMPARANDS; decider++) {
        struct candidate a = set_of(10, 10, 0), b = set_of(20, 20, 0);
        uint16_t low = 100, high = 101;
        for (int i = decider; i < COMPARANDS; i++) {
            struct candidate *better = i == decider ? &a : &b;
            struct candidate *worse = i == decider ? &b : &a;
            switch (i) {
            case 0:
                better->priority1 = (uint8_t)low;
                worse->priority1 = (uint8_t)high;
                break;
            case 1:
                better->quality.clock_class = (uint8_t)low;
                worse->quality.clock_class = (uint8_t)high;
                break;
            case 2:
                better->quality.clock_accuracy = (uint8_t)low;
                worse->quality.clock_accuracy = (uint8_t)high;
                break;
            case 3: /* differ in the high octet, the low one says the contrary */
                better->quality.offset_scaled_log_variance = 0x01FF;
                worse->quality.offset_scaled_log_variance = 0x0200;
                break;
            case 4:
                better->priority2 = (uint8_t)low;
                worse->priority2 = (uint8_t)high;
                break;
            case 5:
                better->grandmaster = clock_id(10);
                worse->grandmaster = clock_id(20);
                break;
            }
        }
        assert_order(&a, &b, DATASET_A_BETTER);
    }
}

static void extremes_do_not_wrap(void **state)
{
    (void)state;
    struct candidate a = set_of(1, 1, 0), b = set_of(2, 2, 0);
    a.priority1 = 255;
    b.priority1 = 0;
    assert_order(&b, &a, DATASET_A_BETTER);
    a = set_of(1, 1, 0);
    b = set_of(2, 2, 0);
    a.quality.offset_scaled_log_variance = 0xFFFF;
    b.quality.offset_scaled_log_variance = 0;
    assert_order(&b, &a, DATASET_A_BETTER);
    a = set_of(1, 1, 0);
    a.grandmaster.id[0] = 0xFF;
    assert_order(&b, &a, DATASET_A_BETTER);
    a = set_of(2, 1, 0);
    b = set_of(2, 1, 65535);
    assert_order(&a, &b, DATASET_A_BETTER);
}

/* The path does not matter as long as the grandmasters differ. */
static void steps_do_not_matter_between_grandmasters(void **state)
{
    (void)state;
    struct candidate far = set_of(1, 40, 200), near = set_of(2, 2, 0);
    assert_order(&far, &near, DATASET_A_BETTER);
}

/* Figure 35. Both sets: grandmaster 1. R and S are clock.port of receiver and sender. */
static const struct {
    const char *what;
    struct {
        uint16_t steps;
        uint8_t sender, sender_port, receiver, receiver_port;
    } a, b;
    enum dataset_order expected;
} topology[] = {
    {"A nearer by 2", {1, 90, 1, 50, 1}, {3, 60, 1, 50, 2}, DATASET_A_BETTER},
    {"A nearer by 2 to the own message", {1, 9, 1, 50, 1}, {3, 50, 2, 50, 2}, DATASET_A_BETTER},
    {"A nearer by many", {0, 90, 1, 50, 1}, {254, 60, 1, 50, 2}, DATASET_A_BETTER},
    {"A nearer by 1, B: R < S", {1, 90, 1, 50, 1}, {2, 60, 1, 50, 2}, DATASET_A_BETTER},
    {"A nearer by 1, B: R > S", {1, 90, 1, 50, 1}, {2, 40, 1, 50, 2}, DATASET_A_BETTER_BY_TOPOLOGY},
    {"A nearer by 1, B: R = S", {1, 90, 1, 50, 1}, {2, 50, 2, 50, 2}, DATASET_EQUAL},
    {"A nearer by 1, B: R < S by port", {1, 90, 1, 50, 1}, {2, 50, 3, 50, 2}, DATASET_A_BETTER},
    {"A nearer by 1, B: R > S by port", {1, 90, 1, 50, 1}, {2, 50, 1, 50, 2}, DATASET_A_BETTER_BY_TOPOLOGY},
    {"A nearer by 1, A's own R and S do not matter", {1, 40, 1, 50, 1}, {2, 60, 1, 50, 2}, DATASET_A_BETTER},
    {"equal steps, sender A < B", {1, 40, 1, 50, 2}, {1, 60, 1, 50, 1}, DATASET_A_BETTER_BY_TOPOLOGY},
    {"equal steps, sender port A < B", {1, 40, 1, 50, 2}, {1, 40, 2, 50, 1}, DATASET_A_BETTER_BY_TOPOLOGY},
    {"equal steps and sender, receiver A < B",
     {1, 40, 1, 50, 1},
     {1, 40, 1, 50, 2},
     DATASET_A_BETTER_BY_TOPOLOGY},
    {"the same message", {1, 40, 1, 50, 1}, {1, 40, 1, 50, 1}, DATASET_EQUAL},
};

static void figure_35(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(topology) / sizeof(topology[0]); i++) {
        struct candidate a = set_of(1, 1, topology[i].a.steps), b = set_of(1, 1, topology[i].b.steps);
        a.sender = port_id(topology[i].a.sender, topology[i].a.sender_port);
        a.receiver = port_id(topology[i].a.receiver, topology[i].a.receiver_port);
        b.sender = port_id(topology[i].b.sender, topology[i].b.sender_port);
        b.receiver = port_id(topology[i].b.receiver, topology[i].b.receiver_port);
        if (dataset_compare(&a, &b) != topology[i].expected)
            print_error("%s\n", topology[i].what);
        assert_order(&a, &b, topology[i].expected);
    }
}

/* Of one grandmaster two values may be around while they change: the path decides, not the quality. */
static void quality_does_not_matter_within_a_grandmaster(void **state)
{
    (void)state;
    struct candidate a = set_of(1, 40, 1), b = set_of(1, 60, 1);
    b.priority1 = 0;
    b.quality.clock_class = 1;
    assert_order(&a, &b, DATASET_A_BETTER_BY_TOPOLOGY);
}

static unsigned random_state = SEED;

static unsigned rnd(unsigned below)
{
    return (unsigned)rand_r(&random_state) % below;
}

/* Small ranges, so that ties are frequent on each level. A clock has one quality. */
static struct candidate random_set(void)
{
    uint8_t g = (uint8_t)rnd(12);
    struct candidate c = set_of(g, (uint8_t)rnd(5), (uint16_t)rnd(4));
    c.priority1 = (uint8_t)(g % 2);
    c.quality.clock_class = (uint8_t)(6 + g / 6);
    c.priority2 = (uint8_t)(g % 3);
    c.sender.port = (uint16_t)(1 + rnd(3));
    c.receiver = port_id((uint8_t)rnd(5), (uint16_t)(1 + rnd(3)));
    return c;
}

static void antisymmetric(void **state)
{
    (void)state;
    print_message("seed %u\n", SEED);
    unsigned orders[5] = {0};
    for (int i = 0; i < 200000; i++) {
        struct candidate a = random_set(), b = random_set();
        int ab = dataset_compare(&a, &b);
        assert_int_equal(ab, -(int)dataset_compare(&b, &a));
        assert_int_equal(dataset_compare(&a, &a), DATASET_EQUAL);
        orders[ab + 2]++;
    }
    for (int i = 0; i < 5; i++)
        assert_true(orders[i] > 100); /* every outcome was drawn */
}

static void transitive_between_grandmasters(void **state)
{
    (void)state;
    unsigned tried = 0;
    for (int i = 0; i < 200000; i++) {
        struct candidate a = random_set(), b = random_set(), c = random_set();
        if (!clock_identity_compare(&a.grandmaster, &b.grandmaster) ||
            !clock_identity_compare(&b.grandmaster, &c.grandmaster) ||
            !clock_identity_compare(&a.grandmaster, &c.grandmaster))
            continue;
        if (dataset_compare(&a, &b) < 0 && dataset_compare(&b, &c) < 0) {
            assert_int_equal(dataset_compare(&a, &c), DATASET_A_BETTER);
            tried++;
        }
    }
    assert_true(tried > 1000);
}

/* Each clock of a fleet compares its own set with what it hears: exactly one may think itself best. */
static void one_winner(void **state)
{
    (void)state;
    enum { FLEET = 20 };
    for (int round = 0; round < 2000; round++) {
        struct default_ds fleet[FLEET];
        for (int i = 0; i < FLEET; i++) {
            fleet[i] = (struct default_ds){
                .clock_identity = clock_id((uint8_t)i),
                .clock_quality = {(uint8_t)(6 + rnd(2)), (uint8_t)(0x20 + rnd(2)), (uint16_t)rnd(2)},
                .priority1 = (uint8_t)rnd(2),
                .priority2 = (uint8_t)rnd(2),
            };
        }
        unsigned winners = 0;
        for (int i = 0; i < FLEET; i++) {
            struct candidate own = dataset_own(&fleet[i]);
            bool best = true;
            for (int j = 0; j < FLEET; j++) {
                struct candidate heard = dataset_own(&fleet[j]);
                heard.sender.port = 1;
                heard.receiver = (struct port_identity){fleet[i].clock_identity, 1};
                if (j != i && dataset_compare(&own, &heard) > DATASET_EQUAL)
                    best = false;
            }
            winners += best;
        }
        assert_int_equal(winners, 1);
    }
}

static void own_set(void **state)
{
    (void)state;
    struct default_ds ds = {
        .clock_identity = clock_id(7),
        .clock_quality = {6, 0x21, 0x4E5D},
        .number_ports = 2,
        .priority1 = 3,
        .priority2 = 4,
    };
    struct candidate d0 = dataset_own(&ds);
    assert_int_equal(d0.priority1, 3);
    assert_int_equal(d0.priority2, 4);
    assert_int_equal(d0.steps_removed, 0);
    assert_int_equal(d0.quality.clock_class, 6);
    assert_int_equal(d0.quality.clock_accuracy, 0x21);
    assert_int_equal(d0.quality.offset_scaled_log_variance, 0x4E5D);
    assert_int_equal(clock_identity_compare(&d0.grandmaster, &ds.clock_identity), 0);
    struct port_identity self = {ds.clock_identity, 0};
    assert_int_equal(port_identity_compare(&d0.sender, &self), 0);
    assert_int_equal(port_identity_compare(&d0.receiver, &self), 0);
}

static void identities(void **state)
{
    (void)state;
    struct port_identity a = port_id(1, 65535), b = port_id(2, 1);
    assert_true(port_identity_compare(&a, &b) < 0);
    b = port_id(1, 1);
    assert_true(port_identity_compare(&a, &b) > 0);
    assert_int_equal(port_identity_compare(&a, &a), 0);
    struct clock_identity high = clock_id(0);
    high.id[0] = 0x80; /* octets are unsigned */
    assert_true(clock_identity_compare(&high, &a.clock) > 0);

    char buf[PORT_IDENTITY_STRLEN];
    struct port_identity id = {{{0x00, 0x1b, 0x19, 0xff, 0xfe, 0xab, 0x0c, 0xde}}, 65535};
    assert_string_equal(clock_identity_format(&id.clock, buf), "001b19.fffe.ab0cde");
    assert_string_equal(port_identity_format(&id, buf), "001b19.fffe.ab0cde-65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_set_loses),
        cmocka_unit_test(comparands_in_order),
        cmocka_unit_test(extremes_do_not_wrap),
        cmocka_unit_test(steps_do_not_matter_between_grandmasters),
        cmocka_unit_test(figure_35),
        cmocka_unit_test(quality_does_not_matter_within_a_grandmaster),
        cmocka_unit_test(antisymmetric),
        cmocka_unit_test(transitive_between_grandmasters),
        cmocka_unit_test(one_winner),
        cmocka_unit_test(own_set),
        cmocka_unit_test(identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
