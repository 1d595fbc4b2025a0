/* SPDX-License-Identifier: BSD-2-Clause */
/* A temperature sensor near the oscillator, as a file with one integer in thousandths of a degree Celsius: a
 * hwmon's temp1_input, an IIO device's in_temp_input, a thermal zone's temp. */
#ifndef GMD_TEMPERATURE_H
#define GMD_TEMPERATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "holdover/discipline.h"

struct temperature {
    const char *path; /* "": there is no sensor */
    int64_t due_ns;   /* next reading, monotonic */
    int64_t read_ns;  /* the last good one; INT64_MIN: never */
    int64_t took_ns;  /* so long did the last one keep everything waiting */
    double celsius;
    uint64_t readings;
    uint64_t errors, errors_in_a_row;
    char problem[160]; /* why the last reading is none; empty: it is one */
};

/* path: lives as long as *t. */
void temperature_init(struct temperature *t, const char *path);

/* Reads the file. False, and why, where there is no sensible temperature in it. */
bool temperature_read(const char *path, double *celsius, char *why, size_t size);

/* At every tick: now and then reads the sensor and tells the discipline. */
void temperature_tick(struct temperature *t, struct discipline *d, int64_t now_ns);

/* What is wrong with the sensor by now, or false. */
bool temperature_trouble(const struct temperature *t, const struct thermometer *believed, char *detail,
                         size_t size);

#endif
