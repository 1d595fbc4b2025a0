/* SPDX-License-Identifier: BSD-2-Clause */
/* Small values as JSON, for the reports. Each returns a new reference. */
#ifndef GMD_REPORT_VALUE_H
#define GMD_REPORT_VALUE_H

#include <jansson.h>

#include "gmd/daemon.h"

/* Adds a member to an object, null for what JSON cannot hold; takes value over. */
void put(json_t *object, const char *key, json_t *value);

/* Text that names or quotes what is foreign: JSON refuses what is not UTF-8. */
json_t *printable(const char *text);

/* JSON has no infinity: what is unknown is null. */
json_t *number(double value);
json_t *unsigned64(uint64_t value);

/* The discipline has no bound before its first pulses. */
json_t *bound(const struct discipline_status *s);

/* Seconds since a monotonic time; null if it never was. */
json_t *age(int64_t then_ns, int64_t now_ns);

/* null for -1: the receiver did not say. */
json_t *known(int value);
json_t *hex8(unsigned value); /* "0x20" */
json_t *identity(const struct clock_identity *id);
json_t *port_id(const struct port_identity *id);
json_t *quality(const struct clock_quality *q);

uint64_t sum(const uint64_t *counts, int n);

#endif
