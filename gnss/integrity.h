/* SPDX-License-Identifier: BSD-2-Clause */
/* Is the receiver still to be believed? What it says of itself is looked at for signs that its pulses are
 * going wrong while it goes on claiming a fix: a failing antenna, jamming, spoofing. Pure. */
#ifndef GMD_GNSS_INTEGRITY_H
#define GMD_GNSS_INTEGRITY_H

#include <stdbool.h>

#include "gnss/receiver.h"
#include "gnss/words.h"

struct integrity_config {
    int min_satellites;      /* fewer in use than this is suspicious; 0: not looked at */
    double time_accuracy_ns; /* the receiver's own estimate beyond it is suspicious; 0: not looked at */
    double position_moved_m; /* a fixed site that moves farther is suspicious; 0: not a fixed site */
};

#define INTEGRITY_SITE_FIXES 60 /* of which the site's position is the mean */

struct integrity {
    struct integrity_config config;
    bool antenna_was_ok; /* a supervisor that never said so may sit behind a splitter that blocks DC */
    /* the site */
    unsigned fixes;
    double latitude_deg, longitude_deg;
    double moved_m; /* of the last fix from there */
    unsigned moved; /* fixes in a row that are too far from it */
};

void integrity_init(struct integrity *in, const struct integrity_config *config);

/* A message of a receiver that has a fix; it may carry a position. */
void integrity_note(struct integrity *in, const struct receiver_report *r);

/* Why the receiver is not to be believed now, or NULL: "the antenna is open". satellites_used: -1 unknown. */
const char *integrity_suspicion(struct integrity *in, const struct words *w, int satellites_used);

#endif
