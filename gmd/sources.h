/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the daemon's time comes from: the receiver and one or two sources of pulses, opened as configured,
 * read when they have something, handed to the grandmaster. */
#ifndef GMD_SOURCES_H
#define GMD_SOURCES_H

#include "gmd/daemon.h"

/* Opens them all. With d->probe a PHC's pins are left alone, and that source stays closed. 0, or -1 with
 * error filled. */
int sources_open(struct daemon *d, char *error, int error_size);

/* From now on the loop reads them. */
void sources_start(struct daemon *d);

/* Several times a second: a locked clock tells the pulse sources its second, for what they cannot see. */
void sources_hint_second(struct daemon *d, int64_t now_ns, int64_t clock_ns);

/* A link or a device was reset: time stamps may have to be asked for anew. */
void sources_reset(struct daemon *d, int64_t now_ns);

void sources_close(struct daemon *d);

#endif
