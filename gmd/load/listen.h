/* SPDX-License-Identifier: BSD-2-Clause */
/* What a generator thread receives: answers, grants, Syncs; and what it does with each. */
#ifndef GMD_LOAD_LISTEN_H
#define GMD_LOAD_LISTEN_H

#include "gmd/load/worker.h"

/* One frame that arrived at now_ns, monotonic. */
void listen_frame(struct worker *w, const uint8_t *frame, size_t len, int64_t now_ns);

#endif
