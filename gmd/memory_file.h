/* SPDX-License-Identifier: BSD-2-Clause */
/* What was learned of the oscillator, kept in a file over a restart. */
#ifndef GMD_MEMORY_FILE_H
#define GMD_MEMORY_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "holdover/discipline.h"

struct memory_file {
    const char *path; /* "": none is kept */
    char owner[192];  /* of which clock: another one's memory is refused */
    int64_t due_ns;   /* the next time to write, monotonic */
    pid_t writer;     /* the process that is writing; 0: none */
    bool trouble;     /* the file was refused, or cannot be written */
    char status[160]; /* what became of it, for people */
};

/* path: lives as long as *m. owner: one line. */
void memory_file_init(struct memory_file *m, const char *path, const char *owner);

/* Fills in what the file knows; tai_s: about now. A file that is absent or refused leaves the discipline as
 * it is; status says why. */
void memory_file_read(struct memory_file *m, struct discipline *d, int64_t tai_s);

/* At every tick: writes now and then, in a process of its own, since disks make wait. */
void memory_file_tick(struct memory_file *m, const struct discipline *d, int64_t now_ns, int64_t tai_s);

/* Writes at once, and waits for it: gmd ends. */
void memory_file_close(struct memory_file *m, const struct discipline *d, int64_t tai_s);

#endif
