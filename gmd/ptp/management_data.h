/* SPDX-License-Identifier: BSD-2-Clause */
/* What each managementId shows: one table. Between management.c and management_data.c. */
#ifndef GMD_PTP_MANAGEMENT_DATA_H
#define GMD_PTP_MANAGEMENT_DATA_H

#include "gmd/ptp/management.h"

/* Writes octets up to end; what does not fit is left out and remembered. */
struct management_writer {
    uint8_t *at, *end;
    bool overflow;
};

/* What one answer is made of. */
struct management_subject {
    const struct management_view *view;
    const struct instance *instance;
    const struct port *port;                          /* NULL for what is clock-wide */
    const struct management_port *shown;              /* of the same port */
    const struct management_subscriber *subscription; /* of who asks, or NULL */
    int64_t now_ns;
};

struct management_row {
    uint16_t id;
    bool per_port;
    bool local_only; /* names and numbers of this host: not for the network */
    void (*put)(struct management_writer *w, const struct management_subject *s);
};

/* NULL for what this clock does not show. */
const struct management_row *management_row(uint16_t id);

/* True if the id is one of IEEE 1588's, whether this clock has it or not. */
bool management_id_is_standard(uint16_t id);

/* The low octets of v, most significant first. */
void management_put(struct management_writer *w, unsigned octets, uint64_t v);

#endif
