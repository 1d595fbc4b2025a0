/* SPDX-License-Identifier: BSD-2-Clause */
/* The port state machine (IEEE 1588-2019 clause 9.2.5, figure 30 and table 20): pure transitions. */
#ifndef GMD_BMCA_FSM_H
#define GMD_BMCA_FSM_H

#include "bmca/ptp.h"

enum port_event {
    PORT_EVENT_NONE,
    PORT_EVENT_POWERUP,
    PORT_EVENT_INITIALIZE,
    PORT_EVENT_DESIGNATED_ENABLED,
    PORT_EVENT_DESIGNATED_DISABLED,
    PORT_EVENT_FAULT_CLEARED,
    PORT_EVENT_FAULT_DETECTED,
    PORT_EVENT_INIT_COMPLETE,
    PORT_EVENT_ANNOUNCE_RECEIPT_TIMEOUT_EXPIRES,
    PORT_EVENT_QUALIFICATION_TIMEOUT_EXPIRES,
    PORT_EVENT_MASTER_CLOCK_SELECTED,
    PORT_EVENT_SYNCHRONIZATION_FAULT,
    /* recommended states from the state decision */
    PORT_EVENT_RS_MASTER,
    PORT_EVENT_RS_GRANDMASTER,
    PORT_EVENT_RS_SLAVE,
    PORT_EVENT_RS_PASSIVE,
};

/* The state after the event. master_changed: with RS_SLAVE, the recommended master is not the present
 * one (then SLAVE goes back to UNCALIBRATED). A transition that figure 30 does not have keeps the state. */
enum port_state port_fsm(enum port_state state, enum port_event event, bool master_changed);

/* qualificationTimeoutInterval, clause 9.2.6.11, in announce intervals: 0 for M1 and M2 (grandmaster),
 * steps_removed + 1 for M3. */
unsigned port_qualification_intervals(bool grandmaster, uint16_t steps_removed);

const char *port_state_name(enum port_state state); /* "LISTENING", ... */
const char *port_event_name(enum port_event event);

#endif
