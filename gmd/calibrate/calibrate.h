/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd --calibrate: how many messages a second one core of this machine sends, for clients.capacity. */
#ifndef GMD_CALIBRATE_CALIBRATE_H
#define GMD_CALIBRATE_CALIBRATE_H

#include "conf/conf.h"

#define CALIBRATE_SECONDS     10 /* unless told otherwise */
#define CALIBRATE_SECONDS_MIN 8
#define CALIBRATE_SECONDS_MAX 600

/* Measures during some seconds, serving as conf tells as far as it matters to the cost of a message, in a
 * network of its own, and prints what is to be known to standard output. serve: what runs a daemon until
 * SIGTERM. Exit status: 0, or 1 if nothing could be measured. */
int calibrate_run(const struct conf *conf, double seconds, int (*serve)(const struct conf *conf));

#endif
