/* SPDX-License-Identifier: BSD-2-Clause */
/* What a temperature sensor near the oscillator says, believed as far as a room can do it: smoothed, and by
 * how much it has changed. Where the sensor's zero lies does not matter. Pure. */
#ifndef GMD_HOLDOVER_THERMOMETER_H
#define GMD_HOLDOVER_THERMOMETER_H

#include <stdbool.h>
#include <stdint.h>

/* What sensors measure; degrees Celsius. */
#define THERMOMETER_LEAST (-55.0)
#define THERMOMETER_MOST  150.0

/* Seconds from reading to reading. A room needs minutes for a tenth of a kelvin; that readings come more
 * often is for their noise, which the mean of many is to take away. */
#define THERMOMETER_EVERY_S 5

struct thermometer {
    bool known;         /* celsius means something ... */
    double celsius;     /* smoothed twice: the temperature that the estimate of the frequency is for */
    double once;        /* smoothed once */
    double believed;    /* the last reading that was believed, */
    int64_t at_ns;      /* its monotonic time; INT64_MIN: none */
    double wild;        /* the last one that was not, */
    unsigned wild_seen; /* and how many agree with it */
};

void thermometer_init(struct thermometer *t);

/* Takes a reading, within the limits above. Returns by how much celsius changed, K; 0 if the reading is not
 * believed or if there was nothing to compare with. */
double thermometer_read(struct thermometer *t, int64_t now_ns, double celsius);

/* No reading was believed for a minute. */
bool thermometer_lost(const struct thermometer *t, int64_t now_ns);

#endif
