/* SPDX-License-Identifier: BSD-2-Clause */
/* The port state machine as one table: figure 30, a row a state. */
#include "bmca/fsm.h"

#define STATES (PORT_SLAVE + 1)
#define EVENTS (PORT_EVENT_RS_PASSIVE + 1)

/* clang-format off */
#define FROM_ANY_STATE \
    [PORT_EVENT_POWERUP] = PORT_INITIALIZING, \
    [PORT_EVENT_INITIALIZE] = PORT_INITIALIZING

#define FROM_ENABLED_STATES \
    FROM_ANY_STATE, \
    [PORT_EVENT_DESIGNATED_DISABLED] = PORT_DISABLED, \
    [PORT_EVENT_FAULT_DETECTED] = PORT_FAULTY

/* The next state; 0 keeps the present one. Both kinds of master pass through PRE_MASTER: for a grandmaster
 * the qualification timeout is 0. */
static const uint8_t transitions[STATES][EVENTS] = {
    [PORT_INITIALIZING] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_INIT_COMPLETE] = PORT_LISTENING,
    },
    [PORT_FAULTY] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_FAULT_CLEARED] = PORT_INITIALIZING,
    },
    [PORT_DISABLED] = {
        FROM_ANY_STATE,
        [PORT_EVENT_DESIGNATED_ENABLED] = PORT_INITIALIZING,
    },
    [PORT_LISTENING] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES] = PORT_MASTER,
        [PORT_EVENT_RS_MASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_GRANDMASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_SLAVE] = PORT_UNCALIBRATED,
        [PORT_EVENT_RS_PASSIVE] = PORT_PASSIVE,
    },
    [PORT_PRE_MASTER] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_QUALIFICATION_TIMEOUT_EXPIRES] = PORT_MASTER,
        [PORT_EVENT_RS_SLAVE] = PORT_UNCALIBRATED,
        [PORT_EVENT_RS_PASSIVE] = PORT_PASSIVE,
    },
    [PORT_MASTER] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_RS_SLAVE] = PORT_UNCALIBRATED,
        [PORT_EVENT_RS_PASSIVE] = PORT_PASSIVE,
    },
    [PORT_PASSIVE] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES] = PORT_MASTER,
        [PORT_EVENT_RS_MASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_GRANDMASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_SLAVE] = PORT_UNCALIBRATED,
    },
    [PORT_UNCALIBRATED] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES] = PORT_MASTER,
        [PORT_EVENT_MASTER_CLOCK_SELECTED] = PORT_SLAVE,
        [PORT_EVENT_RS_MASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_GRANDMASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_PASSIVE] = PORT_PASSIVE,
    },
    [PORT_SLAVE] = {
        FROM_ENABLED_STATES,
        [PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES] = PORT_MASTER,
        [PORT_EVENT_SYNCHRONIZATION_FAULT] = PORT_UNCALIBRATED,
        [PORT_EVENT_RS_MASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_GRANDMASTER] = PORT_PRE_MASTER,
        [PORT_EVENT_RS_SLAVE] = PORT_UNCALIBRATED, /* only if the master changed */
        [PORT_EVENT_RS_PASSIVE] = PORT_PASSIVE,
    },
};
/* clang-format on */

enum port_state port_fsm(enum port_state state, enum port_event event, bool master_changed)
{
    if ((unsigned)state >= STATES || (unsigned)event >= EVENTS)
        return state;
    if (state == PORT_SLAVE && event == PORT_EVENT_RS_SLAVE && !master_changed)
        return state;

    enum port_state next = transitions[state][event];
    return next != 0 ? next : state;
}

unsigned port_qualification_intervals(bool grandmaster, uint16_t steps_removed)
{
    return grandmaster ? 0 : steps_removed + 1u;
}

const char *port_state_name(enum port_state state)
{
    static const char *const names[STATES] = {
        [PORT_INITIALIZING] = "INITIALIZING",
        [PORT_FAULTY] = "FAULTY",
        [PORT_DISABLED] = "DISABLED",
        [PORT_LISTENING] = "LISTENING",
        [PORT_PRE_MASTER] = "PRE_MASTER",
        [PORT_MASTER] = "MASTER",
        [PORT_PASSIVE] = "PASSIVE",
        [PORT_UNCALIBRATED] = "UNCALIBRATED",
        [PORT_SLAVE] = "SLAVE",
    };
    return (unsigned)state < STATES && names[state] ? names[state] : "?";
}

const char *port_event_name(enum port_event event)
{
    static const char *const names[EVENTS] = {
        [PORT_EVENT_NONE] = "NONE",
        [PORT_EVENT_POWERUP] = "POWERUP",
        [PORT_EVENT_INITIALIZE] = "INITIALIZE",
        [PORT_EVENT_DESIGNATED_ENABLED] = "DESIGNATED_ENABLED",
        [PORT_EVENT_DESIGNATED_DISABLED] = "DESIGNATED_DISABLED",
        [PORT_EVENT_FAULT_CLEARED] = "FAULT_CLEARED",
        [PORT_EVENT_FAULT_DETECTED] = "FAULT_DETECTED",
        [PORT_EVENT_INIT_COMPLETE] = "INIT_COMPLETE",
        [PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES] = "ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES",
        [PORT_EVENT_QUALIFICATION_TIMEOUT_EXPIRES] = "QUALIFICATION_TIMEOUT_EXPIRES",
        [PORT_EVENT_MASTER_CLOCK_SELECTED] = "MASTER_CLOCK_SELECTED",
        [PORT_EVENT_SYNCHRONIZATION_FAULT] = "SYNCHRONIZATION_FAULT",
        [PORT_EVENT_RS_MASTER] = "RS_MASTER",
        [PORT_EVENT_RS_GRANDMASTER] = "RS_GRANDMASTER",
        [PORT_EVENT_RS_SLAVE] = "RS_SLAVE",
        [PORT_EVENT_RS_PASSIVE] = "RS_PASSIVE",
    };
    return (unsigned)event < EVENTS ? names[event] : "?";
}
