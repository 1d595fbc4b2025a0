/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine that runs gmd: an oscillator, a receiver and a port around struct grandmaster. It does what the
 * daemon does, in virtual time: carries out actions, empties the outbox after each event, keeps the timers.
 */
#ifndef GMD_SIM_MACHINE_H
#define GMD_SIM_MACHINE_H

#include "gmd/clock/clock.h"
#include "gmd/grandmaster.h"
#include "gnss/simulated.h"
#include "tests/sim/conduct.h"
#include "tests/sim/world.h"

#define MACHINE_NAME_MAX 16

struct machine_config {
    struct clock_identity identity;
    uint8_t priority1, priority2;
    struct port_config port;
    struct oscillator_model oscillator; /* at power-on; each gets a seed of its own */
    bool logical;                       /* the logical clock on an oscillator that is only read */
    double stamp_lost, stamp_late;      /* probability that a transmit timestamp never comes, comes late */
};

struct machine {
    struct world *world;
    struct machine_config config;
    char name[MACHINE_NAME_MAX];
    unsigned node;
    bool alive;
    uint32_t life;   /* number of the present one */
    int64_t boot_ns; /* its monotonic time at virtual time 0: no two machines agree on "now" */
    struct simulated_gnss *sky;
    struct clock *oscillator, *clock; /* what is disturbed, what is served; may be the same */
    struct service *service;
    struct grandmaster gm;
    struct outbox outbox;
    struct conduct conduct;
    int64_t armed_ns;   /* virtual, of the timer for instance_deadline */
    int64_t departs_ns; /* virtual, of the latest frame: they keep their order */
    enum port_state state_seen;
    enum discipline_state discipline_seen;
    unsigned became_master; /* times, over all lives */
    uint64_t stamps_lost;   /* this life */
};

/* Attached to the medium, not running. */
void machine_init(struct machine *m, struct world *world, const char *name,
                  const struct machine_config *config, int64_t link_delay_ns);
void machine_free(struct machine *m);

/* Starts gmd. cold: the power was off too, the clock is wrong again. */
void machine_start(struct machine *m, bool cold);
/* SIGKILL: what has left is on its way, nothing else follows. */
void machine_kill(struct machine *m);

void machine_switch(struct machine *m, enum simulated_switch which, bool on);
/* Somebody sets the clock behind gmd's back; it may serve wrong time for excuse_ns, or until it has lost lock
 * and found it again. */
#define MACHINE_EXCUSE_UNTIL_LOCK INT64_MAX
void machine_disturb(struct machine *m, int64_t delta_ns, int64_t excuse_ns);
/* The carrier of its link. */
void machine_link(struct machine *m, bool up);

enum port_state machine_state(const struct machine *m); /* PORT_DISABLED when dead */
/* Clock - true time, now. */
double machine_error_ns(struct machine *m);

#endif
