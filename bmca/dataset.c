/* SPDX-License-Identifier: BSD-2-Clause */
/* Data set comparison: which of two clocks is the better master. */
#include "bmca/dataset.h"

#include <stdio.h>
#include <string.h>

int clock_identity_compare(const struct clock_identity *a, const struct clock_identity *b)
{
    return memcmp(a->id, b->id, sizeof(a->id));
}

int port_identity_compare(const struct port_identity *a, const struct port_identity *b)
{
    int clocks = clock_identity_compare(&a->clock, &b->clock);
    return clocks != 0 ? clocks : (int)a->port - (int)b->port;
}

const char *clock_identity_format(const struct clock_identity *id, char *buf)
{
    const uint8_t *o = id->id;
    snprintf(buf, PORT_IDENTITY_STRLEN, "%02x%02x%02x.%02x%02x.%02x%02x%02x", o[0], o[1], o[2], o[3], o[4],
             o[5], o[6], o[7]);
    return buf;
}

const char *port_identity_format(const struct port_identity *id, char *buf)
{
    clock_identity_format(&id->clock, buf);
    size_t len = strlen(buf);
    snprintf(buf + len, PORT_IDENTITY_STRLEN - len, "-%u", id->port);
    return buf;
}

struct candidate dataset_own(const struct default_ds *ds)
{
    struct port_identity self = {.clock = ds->clock_identity, .port = 0};
    return (struct candidate){
        .priority1 = ds->priority1,
        .priority2 = ds->priority2,
        .steps_removed = 0,
        .quality = ds->clock_quality,
        .grandmaster = ds->clock_identity,
        .sender = self,
        .receiver = self,
    };
}

/* For sets of different grandmasters. The first difference decides, the lower value wins. */
static enum dataset_order compare_grandmasters(const struct candidate *a, const struct candidate *b)
{
    const int differences[] = {
        a->priority1 - b->priority1,
        a->quality.clock_class - b->quality.clock_class,
        a->quality.clock_accuracy - b->quality.clock_accuracy,
        a->quality.offset_scaled_log_variance - b->quality.offset_scaled_log_variance,
        a->priority2 - b->priority2,
        clock_identity_compare(&a->grandmaster, &b->grandmaster),
    };

    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
        if (differences[i] != 0)
            return differences[i] < 0 ? DATASET_A_BETTER : DATASET_B_BETTER;
    }
    return DATASET_EQUAL;
}

/* The farther set is one step longer. Its port and the one that sent to it both see this link: the one with
 * the higher identity calls it a matter of topology, so that exactly one of the two goes PASSIVE.
 * Returns how much the nearer set is better: 2, 1 by topology, or 0 when the farther set is a port's own
 * message (error-1). */
static int margin_over_farther(const struct candidate *farther)
{
    int receiver_to_sender = port_identity_compare(&farther->receiver, &farther->sender);
    if (receiver_to_sender == 0)
        return 0;
    return receiver_to_sender < 0 ? 2 : 1;
}

/* Figure 35: two paths to one grandmaster. */
static enum dataset_order compare_topology(const struct candidate *a, const struct candidate *b)
{
    int steps = (int)a->steps_removed - (int)b->steps_removed;
    if (steps > 1)
        return DATASET_B_BETTER;
    if (steps < -1)
        return DATASET_A_BETTER;
    if (steps == 1)
        return (enum dataset_order)margin_over_farther(a);
    if (steps == -1)
        return (enum dataset_order)(-margin_over_farther(b));

    int order = port_identity_compare(&a->sender, &b->sender);
    if (order == 0)
        order = (int)a->receiver.port - (int)b->receiver.port;
    if (order == 0)
        return DATASET_EQUAL;
    return order < 0 ? DATASET_A_BETTER_BY_TOPOLOGY : DATASET_B_BETTER_BY_TOPOLOGY;
}

enum dataset_order dataset_compare(const struct candidate *a, const struct candidate *b)
{
    if (a == NULL || b == NULL) {
        if (a == b)
            return DATASET_EQUAL;
        return a != NULL ? DATASET_A_BETTER : DATASET_B_BETTER;
    }
    if (clock_identity_compare(&a->grandmaster, &b->grandmaster) == 0)
        return compare_topology(a, b);
    return compare_grandmasters(a, b);
}
