/* SPDX-License-Identifier: BSD-2-Clause */
/* MTIE and TDEV against the masks of G.8272 as JSON, the same from the daemon and from gmsim. */
#ifndef GMD_REPORT_STABILITY_H
#define GMD_REPORT_STABILITY_H

#include <jansson.h>

#include "holdover/stability.h"

/* Adds to object: observed_s, max_abs_te_ns, masks (a row for each), mtie and tdev (a row for each tau
 * known).
 */
void put_stability(json_t *object, const struct stability_figures *f);

#endif
