/* SPDX-License-Identifier: BSD-2-Clause */
/* A minimal PTP client: elects its master with the rooms' own objects, measures path delay and offset from a
 * free running clock that nobody steers. What it believes of true time is its clock minus that offset. */
#ifndef GMD_SIM_SLAVE_H
#define GMD_SIM_SLAVE_H

#include "bmca/foreign.h"
#include "gmd/ptp/wire.h"
#include "tests/sim/world.h"

#define SLAVE_EXCHANGES 8
#define SLAVE_NAME_MAX  16

struct slave_config {
    struct clock_identity identity;
    double freq_ppb; /* of its clock */
    int64_t offset_ns;
    bool hybrid; /* asks by unicast */
    int8_t log_announce_interval, log_min_delay_req_interval;
    uint8_t announce_receipt_timeout;
    uint8_t domain_number;
};

/* Sync and Follow_Up with one sequenceId, in whichever order they come. */
struct slave_exchange {
    bool has_sync, has_follow_up;
    uint16_t sequence_id;
    int64_t received_ns;   /* t2 */
    int64_t own_error_ns;  /* of its clock then */
    int64_t origin_ns;     /* t1 */
    int64_t correction_ns; /* of both */
};

struct slave_request {
    bool waits;
    uint16_t sequence_id;
    int64_t forward_ns; /* t2 - t1 of the Sync before */
    int64_t sent_ns;    /* t3 */
};

struct slave {
    struct world *world;
    struct slave_config config;
    char name[SLAVE_NAME_MAX];
    unsigned node;
    struct foreign_table foreign;
    bool has_master;
    struct port_identity master;
    uint8_t master_node;
    int64_t selected_ns; /* virtual */
    unsigned changes;    /* of master, from one to another */
    struct slave_exchange exchanges[SLAVE_EXCHANGES];
    struct slave_request request;
    int64_t request_due_ns;
    bool has_delay;
    int64_t delay_ns;
    int64_t measured_ns; /* virtual, of the last complete measurement; INT64_MIN: none of this master */
    int64_t error_ns;    /* what it believes - true time, then */
    int64_t worst_ns;    /* the largest |error_ns| */
    /* called after each measurement, if set */
    void (*judge)(void *ctx, const struct slave *s);
    void *judge_ctx;
};

void slave_init(struct slave *s, struct world *world, const char *name, const struct slave_config *config,
                int64_t link_delay_ns);

#endif
