/* SPDX-License-Identifier: BSD-2-Clause */
/* The port state machine against figure 30, written out in full: every state by every event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "bmca/fsm.h"

/* clang-format off */
enum {
    INI = PORT_INITIALIZING, FLT = PORT_FAULTY, DIS = PORT_DISABLED, LIS = PORT_LISTENING, PRE = PORT_PRE_MASTER,
    MAS = PORT_MASTER, PAS = PORT_PASSIVE, UNC = PORT_UNCALIBRATED, SLV = PORT_SLAVE,
};

static const uint8_t states[] = {INI, FLT, DIS, LIS, PRE, MAS, PAS, UNC, SLV};
#define STATES (sizeof(states) / sizeof(states[0]))

static const struct {
    enum port_event event;
    bool master_changed;
    uint8_t next[STATES];
} matrix[] = {
    /*                                             from  INI  FLT  DIS  LIS  PRE  MAS  PAS  UNC  SLV */
    {PORT_EVENT_NONE,                            false, {INI, FLT, DIS, LIS, PRE, MAS, PAS, UNC, SLV}},
    {PORT_EVENT_POWERUP,                         false, {INI, INI, INI, INI, INI, INI, INI, INI, INI}},
    {PORT_EVENT_INITIALIZE,                      false, {INI, INI, INI, INI, INI, INI, INI, INI, INI}},
    {PORT_EVENT_DESIGNATED_ENABLED,              false, {INI, FLT, INI, LIS, PRE, MAS, PAS, UNC, SLV}},
    {PORT_EVENT_DESIGNATED_DISABLED,             false, {DIS, DIS, DIS, DIS, DIS, DIS, DIS, DIS, DIS}},
    {PORT_EVENT_FAULT_CLEARED,                   false, {INI, INI, DIS, LIS, PRE, MAS, PAS, UNC, SLV}},
    {PORT_EVENT_FAULT_DETECTED,                  false, {FLT, FLT, DIS, FLT, FLT, FLT, FLT, FLT, FLT}},
    {PORT_EVENT_INIT_COMPLETE,                   false, {LIS, FLT, DIS, LIS, PRE, MAS, PAS, UNC, SLV}},
    {PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES,false, {INI, FLT, DIS, MAS, PRE, MAS, MAS, MAS, MAS}},
    {PORT_EVENT_QUALIFICATION_TIMEOUT_EXPIRES,   false, {INI, FLT, DIS, LIS, MAS, MAS, PAS, UNC, SLV}},
    {PORT_EVENT_MASTER_CLOCK_SELECTED,           false, {INI, FLT, DIS, LIS, PRE, MAS, PAS, SLV, SLV}},
    {PORT_EVENT_SYNCHRONIZATION_FAULT,           false, {INI, FLT, DIS, LIS, PRE, MAS, PAS, UNC, UNC}},
    {PORT_EVENT_RS_MASTER,                       false, {INI, FLT, DIS, PRE, PRE, MAS, PRE, PRE, PRE}},
    {PORT_EVENT_RS_GRANDMASTER,                  false, {INI, FLT, DIS, PRE, PRE, MAS, PRE, PRE, PRE}},
    {PORT_EVENT_RS_SLAVE,                        false, {INI, FLT, DIS, UNC, UNC, UNC, UNC, UNC, SLV}},
    {PORT_EVENT_RS_SLAVE,                        true,  {INI, FLT, DIS, UNC, UNC, UNC, UNC, UNC, UNC}},
    {PORT_EVENT_RS_PASSIVE,                      false, {INI, FLT, DIS, PAS, PAS, PAS, PAS, PAS, PAS}},
};
#define ROWS (sizeof(matrix) / sizeof(matrix[0]))
/* clang-format on */

static void every_transition(void **state)
{
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t column = 0; column < STATES; column++) {
            enum port_state next =
                port_fsm((enum port_state)states[column], matrix[row].event, matrix[row].master_changed);
            if (next != matrix[row].next[column])
                print_error("%s with %s: %s\n", port_state_name((enum port_state)states[column]),
                            port_event_name(matrix[row].event), port_state_name(next));
            assert_int_equal(next, matrix[row].next[column]);
        }
    }
}

/* A changed master means something to RS_SLAVE only. */
static void master_changed_elsewhere(void **state)
{
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        if (matrix[row].event == PORT_EVENT_RS_SLAVE)
            continue;
        for (size_t column = 0; column < STATES; column++)
            assert_int_equal(port_fsm((enum port_state)states[column], matrix[row].event, true),
                             matrix[row].next[column]);
    }
}

static void matrix_has_every_event(void **state)
{
    (void)state;
    for (int event = PORT_EVENT_NONE; event <= PORT_EVENT_RS_PASSIVE; event++) {
        bool found = false;
        for (size_t row = 0; row < ROWS; row++)
            found = found || (int)matrix[row].event == event;
        assert_true(found);
    }
}

static void out_of_range(void **state)
{
    (void)state;
    assert_int_equal(port_fsm((enum port_state)0, PORT_EVENT_POWERUP, false), 0);
    assert_int_equal(port_fsm((enum port_state)10, PORT_EVENT_POWERUP, false), 10);
    assert_true(port_fsm((enum port_state) - 1, PORT_EVENT_POWERUP, false) == (enum port_state) - 1);
    assert_int_equal(port_fsm(PORT_MASTER, (enum port_event)16, false), PORT_MASTER);
    assert_int_equal(port_fsm(PORT_MASTER, (enum port_event) - 1, false), PORT_MASTER);
}

static void qualification(void **state)
{
    (void)state;
    assert_int_equal(port_qualification_intervals(true, 0), 0);
    assert_int_equal(port_qualification_intervals(true, 7), 0);
    assert_int_equal(port_qualification_intervals(false, 0), 1);
    assert_int_equal(port_qualification_intervals(false, 3), 4);
    assert_int_equal(port_qualification_intervals(false, 65535), 65536);
}

static void names(void **state)
{
    (void)state;
    static const char *const state_names[STATES] = {"INITIALIZING", "FAULTY",       "DISABLED",
                                                    "LISTENING",    "PRE_MASTER",   "MASTER",
                                                    "PASSIVE",      "UNCALIBRATED", "SLAVE"};
    for (size_t i = 0; i < STATES; i++)
        assert_string_equal(port_state_name((enum port_state)states[i]), state_names[i]);
    assert_string_equal(port_state_name((enum port_state)0), "?");
    assert_string_equal(port_state_name((enum port_state)10), "?");
    for (int a = 0; a <= PORT_EVENT_RS_PASSIVE; a++) {
        assert_true(strlen(port_event_name((enum port_event)a)) > 1);
        for (int b = 0; b < a; b++)
            assert_string_not_equal(port_event_name((enum port_event)a), port_event_name((enum port_event)b));
    }
    assert_string_equal(port_event_name(PORT_EVENT_RS_GRANDMASTER), "RS_GRANDMASTER");
    assert_string_equal(port_event_name((enum port_event)16), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transition),       cmocka_unit_test(master_changed_elsewhere),
        cmocka_unit_test(matrix_has_every_event), cmocka_unit_test(out_of_range),
        cmocka_unit_test(qualification),          cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
