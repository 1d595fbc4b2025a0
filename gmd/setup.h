/* SPDX-License-Identifier: BSD-2-Clause */
/* From the configuration to opened devices and pure objects' settings. Each returns NULL (or -1) with error
 * filled in plain words. */
#ifndef GMD_SETUP_H
#define GMD_SETUP_H

#include "gmd/daemon.h"

/* d->clock (and d->oscillator), chosen by clock.type; needs d->ports[].info and d->gm, which learns the
 * clock's range. */
int setup_clock(struct daemon *d, char *error, int error_size);

/* clock.device, or the PHC of the first port; false if it has none. */
bool setup_phc_device(const struct daemon *d, char *device, int size);

/* d->host, where host_clock.follow asks for it; needs d->clock. */
int setup_host_clock(struct daemon *d, char *error, int error_size);

/* d->gm and its ports (without network). */
int setup_grandmaster(struct daemon *d, char *error, int error_size);

/* Hardware or software stamps for a port, and the reason in port->problem where hardware was wanted in vain.
 * -1 where timestamping = "hardware" cannot be had. */
int setup_stamping(struct daemon *d, struct daemon_port *port, char *error, int error_size);

/* d->memory, and what it knows; needs d->clock and d->gm. */
void setup_memory(struct daemon *d);

/* (Re)reads the leap-second table; trouble goes to d->leap_problem and leaves the table in force. */
void setup_leap_table(struct daemon *d);

#endif
