/* SPDX-License-Identifier: BSD-2-Clause */
/* A fleet of grandmasters and their slaves on one medium, and the rules that hold for the fleet as a whole.
 */
#ifndef GMD_SIM_FLEET_H
#define GMD_SIM_FLEET_H

#include "tests/sim/machine.h"
#include "tests/sim/slave.h"

#define FLEET_MACHINES_MAX 8
#define FLEET_SLAVES_MAX   12

#define FLEET_GOOD_NS  300 /* a slave of a LOCKED master that has settled knows the time this well */
#define FLEET_SETTLE_S 40  /* a cold start of everything is over, accuracy hysteresis included */

struct fleet_config {
    uint64_t seed;
    unsigned machines, slaves;
    int8_t log_announce_interval, log_sync_interval, log_min_delay_req_interval;
    uint8_t announce_receipt_timeout;
    bool clones; /* identities are not unique: the rules on the number of masters do not apply */
};

/* 3 machines and 5 slaves; announce 4/s, timeout 3, Sync 8/s, Delay_Req 8/s. */
struct fleet_config fleet_config_default(uint64_t seed);

/* One rule on a condition that may last only so long. */
struct fleet_since {
    int64_t since_ns; /* INT64_MAX: does not hold */
};

struct fleet {
    struct world world;
    struct fleet_config config;
    struct machine machines[FLEET_MACHINES_MAX];
    struct slave slaves[FLEET_SLAVES_MAX];
    /* two masters in one group; a machine that may serve in a group without a master */
    struct fleet_since rivals[FLEET_MACHINES_MAX][FLEET_MACHINES_MAX];
    struct fleet_since headless[FLEET_MACHINES_MAX];
    struct clock_quality quality_seen[FLEET_MACHINES_MAX];
    int64_t rivals_limit_ns, headless_limit_ns;
};

/* Identities ascend with the index, everything else is equal; the oscillators are up to 25 ppm and 1.2 s
 * off. Nothing runs yet: change machines[i].config before machine_start. Free with fleet_free. */
struct fleet *fleet_new(const struct fleet_config *config);
void fleet_free(struct fleet *f);

/* The default fleet FLEET_SETTLE_S after a cold start of everything: machine 0 is master, of which
 * fleet_expect was asked. */
struct fleet *fleet_settled(uint64_t seed);

void fleet_start_all(struct fleet *f); /* cold, within a second */
void fleet_run(struct fleet *f, double seconds);
/* Forgets what machines and slaves have counted so far: changes, first Sync, worst error. */
void fleet_watch(struct fleet *f);

/* Loss on each link and so on; widens what the rules allow. */
void fleet_disorder(struct fleet *f, const struct disorder *d);
/* Moves a node; 0 is where all begin. */
void fleet_move_machine(struct fleet *f, unsigned machine, unsigned group);
void fleet_move_slave(struct fleet *f, unsigned slave, unsigned group);
void fleet_heal(struct fleet *f);

#define FLEET_NO_MASTER    (-1)
#define FLEET_MANY_MASTERS (-2)
/* Index of the one MASTER of a group. */
int fleet_master(const struct fleet *f, unsigned group);

/* Nobody has changed its mind for some seconds. */
bool fleet_is_quiet(const struct fleet *f);

/* Complains (world_violate) unless machine is the one master of the group, the others that live are PASSIVE
 * (class up to 127) or LISTENING, and all slaves of the group follow it and have known the time within
 * limit_ns for a second. */
void fleet_expect(struct fleet *f, unsigned group, int machine, double limit_ns);

/* Fails the cmocka test, with the seed, if any rule was broken. */
void fleet_assert_sound(const struct fleet *f);
/* The same unless least <= value <= most. */
void fleet_check(const struct fleet *f, const char *what, int64_t value, int64_t least, int64_t most);
#define fleet_assert_within(f, value, least, most) fleet_check((f), #value, (int64_t)(value), (least), (most))
#define fleet_assert_is(f, value, wanted)          fleet_check((f), #value, (int64_t)(value), (wanted), (wanted))

#endif
