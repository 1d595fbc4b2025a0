/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of gmd --calibrate: gmload's, in a process and a network of their own. */
#ifndef GMD_CALIBRATE_CROWD_H
#define GMD_CALIBRATE_CROWD_H

#include "gmd/calibrate/figures.h"
#include "gmd/calibrate/stage.h"
#include "gmd/load/settings.h"

#define CROWD_ADDRESS 0xC0000202 /* 192.0.2.2, for documentation only (RFC 5737) */
#define CROWD_MASK    0xFFFFFF00
#define CROWD_NETWORK 0xC6120000 /* the clients': 198.18.0.0/16, for measurements (RFC 2544) */
#define CROWD_SIZE    0x10000

struct crowd_config {
    char interface[IFNAMSIZ];
    enum packet_transport transport;
    uint8_t domain;
    cpu_set_t cores;
};

struct crowd {
    pid_t process;
    int fd; /* to it */
};

/* Starts the process; its network is there on return, the interface is not yet. -1 with error, as the others
 * below; nothing is left behind then. */
int crowd_start(const struct crowd_config *config, struct crowd *c, char *error, int error_size);
/* The interface has come: it is set up. */
int crowd_set_up(struct crowd *c, char *error, int error_size);
void crowd_stop(struct crowd *c);

/* One round of it. */
enum crowd_manner {
    CROWD_INTRODUCES_ITSELF, /* two requests a second each */
    CROWD_ASKS,              /* each as soon as it was answered */
    CROWD_TAKES_SYNC,        /* by unicast negotiation */
};

struct crowd_load {
    enum crowd_manner manner;
    unsigned clients;
    double seconds;
};
/* What the clients were sent goes to round; its processor times are not touched. */
int crowd_run(struct crowd *c, const struct crowd_load *load, struct round *round, char *error,
              int error_size);

/* Sync and Follow_Up that each takes, messages a second. */
#define CROWD_SYNC_MESSAGES_HZ 128

#endif
