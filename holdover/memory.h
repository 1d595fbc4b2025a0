/* SPDX-License-Identifier: BSD-2-Clause */
/* What was learned of the oscillator, as text to be kept over a restart. Pure. */
#ifndef GMD_HOLDOVER_MEMORY_H
#define GMD_HOLDOVER_MEMORY_H

#include <stddef.h>

#include "holdover/estimator.h"

#define MEMORY_SIZE 65536 /* enough for any */

/* Writes the text of at most size bytes, 0 at the end included, at TAI second tai_s. Its length, or 0:
 * nothing learned yet, or it does not fit. */
size_t memory_write(const struct estimator *e, int64_t tai_s, char *text, size_t size);

/* Fills in an estimator that was just initialised; the model is aged to tai_s. retrace_ppb: how far the
 * oscillator may have gone while it had no power, 1 sigma; 0 if it had. Returns NULL, or why the text is
 * refused, with *e unchanged. */
const char *memory_read(struct estimator *e, const char *text, size_t length, int64_t tai_s,
                        double retrace_ppb);

#endif
