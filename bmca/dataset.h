/* SPDX-License-Identifier: BSD-2-Clause */
/* Data set comparison (IEEE 1588-2019 clause 9.3.4, figures 34 and 35) and the identities it rests on. */
#ifndef GMD_BMCA_DATASET_H
#define GMD_BMCA_DATASET_H

#include "bmca/ptp.h"

/* Room for "aabbcc.ddee.ffgghh-65535" and its end. */
#define PORT_IDENTITY_STRLEN 32

/* What the comparison looks at: D0 or an Ebest/Erbest, table 21. For D0, sender and receiver are
 * the own clock's with port 0 and steps_removed is 0. */
struct candidate {
    uint8_t priority1;
    uint8_t priority2;
    uint16_t steps_removed;
    struct clock_quality quality;
    struct clock_identity grandmaster;
    struct port_identity sender;
    struct port_identity receiver;
};

/* Result of A against B. */
enum dataset_order {
    DATASET_A_BETTER = -2,
    DATASET_A_BETTER_BY_TOPOLOGY = -1,
    DATASET_EQUAL = 0, /* error-1 (A and B are own messages) and error-2 (the same message) */
    DATASET_B_BETTER_BY_TOPOLOGY = 1,
    DATASET_B_BETTER = 2,
};

/* Figures 34 and 35. A null pointer is an empty set: anything is better than it. */
enum dataset_order dataset_compare(const struct candidate *a, const struct candidate *b);

/* D0 of the own clock. */
struct candidate dataset_own(const struct default_ds *ds);

/* memcmp order of the octets. */
int clock_identity_compare(const struct clock_identity *a, const struct clock_identity *b);
int port_identity_compare(const struct port_identity *a, const struct port_identity *b);

/* "aabbcc.fffe.ddeeff", as pmc writes it; buf of PORT_IDENTITY_STRLEN. Returns buf. */
const char *clock_identity_format(const struct clock_identity *id, char *buf);
/* The same with "-PORT". */
const char *port_identity_format(const struct port_identity *id, char *buf);

#endif
