/* SPDX-License-Identifier: BSD-2-Clause */
/* State decision: every leaf of figure 33, and what it recommends to a whole fleet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "bmca/decision.h"

enum { OWN = 50 };

static struct clock_identity clock_id(uint8_t last)
{
    return (struct clock_identity){{0, 0x1b, 0x19, 0xff, 0xfe, 0, 0, last}};
}

static struct candidate own_of_class(uint8_t clock_class)
{
    struct default_ds ds = {
        .clock_identity = clock_id(OWN),
        .clock_quality = {clock_class, 0x21, 0x4E5D},
        .priority1 = 128,
        .priority2 = 128,
    };
    return dataset_own(&ds);
}

/* Heard on our port 'receiver' from clock 'sender', whose grandmaster is g of that priority1. */
struct heard {
    bool any;
    uint8_t grandmaster, priority1;
    uint16_t steps;
    uint8_t sender, receiver;
};

static struct candidate heard_set(const struct heard *h)
{
    return (struct candidate){
        .priority1 = h->priority1,
        .priority2 = 128,
        .steps_removed = h->steps,
        .quality = {6, 0x21, 0x4E5D},
        .grandmaster = clock_id(h->grandmaster),
        .sender = {clock_id(h->sender), 1},
        .receiver = {clock_id(OWN), h->receiver},
    };
}

#define NOTHING                                                                                              \
    {                                                                                                        \
        0                                                                                                    \
    }
#define BETTER(port)                                                                                         \
    {                                                                                                        \
        true, 1, 100, 0, 1, port                                                                             \
    }
#define WORSE(port)                                                                                          \
    {                                                                                                        \
        true, 9, 200, 0, 9, port                                                                             \
    }

static const struct {
    const char *what;
    uint8_t own_class;
    enum port_state state;
    bool ebest_port;
    struct heard ebest, erbest;
    enum decision_code expected;
} cases[] = {
    {"silence, listening", 6, PORT_LISTENING, false, NOTHING, NOTHING, DECISION_LISTENING},
    {"silence, listening, may slave", 248, PORT_LISTENING, false, NOTHING, NOTHING, DECISION_LISTENING},
    {"silence here, a master elsewhere", 248, PORT_LISTENING, false, BETTER(2), NOTHING, DECISION_LISTENING},
    {"silence, already master", 6, PORT_MASTER, false, NOTHING, NOTHING, DECISION_M1},
    {"silence after passive", 6, PORT_PASSIVE, false, NOTHING, NOTHING, DECISION_M1},
    {"silence after slave", 248, PORT_SLAVE, false, NOTHING, NOTHING, DECISION_M2},

    {"class 6 beats", 6, PORT_LISTENING, true, WORSE(1), WORSE(1), DECISION_M1},
    {"class 6 loses", 6, PORT_MASTER, true, BETTER(1), BETTER(1), DECISION_P1},
    {"class 6 looks at its own port only", 6, PORT_MASTER, false, BETTER(2), WORSE(1), DECISION_M1},
    {"class 6, nothing on this port", 6, PORT_MASTER, false, BETTER(2), NOTHING, DECISION_M1},
    {"class 1 is bound", 1, PORT_MASTER, true, BETTER(1), BETTER(1), DECISION_P1},
    {"class 127 is bound", 127, PORT_MASTER, true, BETTER(1), BETTER(1), DECISION_P1},
    {"class 128 is free", 128, PORT_MASTER, true, BETTER(1), BETTER(1), DECISION_S1},

    {"class 187 beats", 187, PORT_LISTENING, true, WORSE(1), WORSE(1), DECISION_M2},
    {"class 187 loses, best is here", 187, PORT_MASTER, true, BETTER(1), BETTER(1), DECISION_S1},
    {"class 187 loses, best elsewhere, silence here", 187, PORT_MASTER, false, BETTER(2), NOTHING,
     DECISION_M3},
    {"class 187 loses, best elsewhere, worse here", 187, PORT_MASTER, false, BETTER(2), WORSE(1),
     DECISION_M3},

    /* two paths to one grandmaster: figure 35 decides between M3 and P2 */
    {"other path longer by two",
     187,
     PORT_MASTER,
     false,
     {true, 1, 100, 1, 2, 2},
     {true, 1, 100, 3, 3, 1},
     DECISION_M3},
    {"other path longer, sender above us",
     187,
     PORT_MASTER,
     false,
     {true, 1, 100, 1, 2, 2},
     {true, 1, 100, 2, 60, 1},
     DECISION_M3},
    {"other path longer, sender below us",
     187,
     PORT_MASTER,
     false,
     {true, 1, 100, 1, 2, 2},
     {true, 1, 100, 2, 40, 1},
     DECISION_P2},
    {"equal paths, other sender",
     187,
     PORT_MASTER,
     false,
     {true, 1, 100, 1, 2, 2},
     {true, 1, 100, 1, 3, 1},
     DECISION_P2},
    {"two ports on one segment",
     187,
     PORT_MASTER,
     false,
     {true, 1, 100, 0, 1, 1},
     {true, 1, 100, 0, 1, 2},
     DECISION_P2},
};

static void figure_33(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct candidate d0 = own_of_class(cases[i].own_class);
        struct candidate ebest = heard_set(&cases[i].ebest), erbest = heard_set(&cases[i].erbest);
        enum decision_code code = decide_state(&d0, cases[i].ebest.any ? &ebest : NULL, cases[i].ebest_port,
                                               cases[i].erbest.any ? &erbest : NULL, cases[i].state);
        if (code != cases[i].expected)
            print_error("%s: %s\n", cases[i].what, decision_name(code));
        assert_int_equal(code, cases[i].expected);
    }
}

/* Only LISTENING may stay: in every other state silence makes a master. */
static void only_listening_waits(void **state)
{
    (void)state;
    struct candidate d0 = own_of_class(6);
    for (int s = PORT_INITIALIZING; s <= PORT_SLAVE; s++) {
        enum decision_code expected = s == PORT_LISTENING ? DECISION_LISTENING : DECISION_M1;
        assert_int_equal(decide_state(&d0, NULL, false, NULL, (enum port_state)s), expected);
    }
}

/* One segment, clocks of one port, ties in quality: one master, all others S1 or P1 by their class. */
static void one_master_on_a_segment(void **state)
{
    (void)state;
    enum { FLEET = 8 };
    static const uint8_t classes[] = {6, 7, 127, 128, 187, 248};
    unsigned seed = 1588;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 5000; round++) {
        struct candidate d0[FLEET];
        for (int i = 0; i < FLEET; i++) {
            d0[i] = own_of_class(classes[(unsigned)rand_r(&seed) % sizeof(classes)]);
            d0[i].priority2 = (uint8_t)((unsigned)rand_r(&seed) % 2);
            d0[i].grandmaster = d0[i].sender.clock = d0[i].receiver.clock = clock_id(i);
        }
        unsigned masters = 0;
        for (int i = 0; i < FLEET; i++) {
            struct candidate best;
            bool any = false;
            for (int j = 0; j < FLEET; j++) {
                struct candidate heard = d0[j];
                heard.sender.port = 1;
                heard.receiver = (struct port_identity){d0[i].sender.clock, 1};
                if (j != i && (!any || dataset_compare(&heard, &best) < DATASET_EQUAL)) {
                    best = heard;
                    any = true;
                }
            }
            enum decision_code code = decide_state(&d0[i], &best, true, &best, PORT_MASTER);
            bool bound = d0[i].quality.clock_class <= 127;
            if (code == (bound ? DECISION_M1 : DECISION_M2))
                masters++;
            else
                assert_int_equal(code, bound ? DECISION_P1 : DECISION_S1);
        }
        assert_int_equal(masters, 1);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(decision_name(DECISION_LISTENING), "LISTENING");
    assert_string_equal(decision_name(DECISION_M1), "M1");
    assert_string_equal(decision_name(DECISION_P2), "P2");
    assert_string_equal(decision_name((enum decision_code)99), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figure_33),
        cmocka_unit_test(only_listening_waits),
        cmocka_unit_test(one_master_on_a_segment),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
