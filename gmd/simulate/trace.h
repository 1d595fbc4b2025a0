/* SPDX-License-Identifier: BSD-2-Clause */
/* Recorded values: one number a line, '#' begins a comment line. */
#ifndef GMD_SIMULATE_TRACE_H
#define GMD_SIMULATE_TRACE_H

struct trace {
    double *values;
    long count;
    double interval_s; /* each holds so long */
};

/* Reads a file, each value multiplied by scale. 0, or -1 with *error filled in. */
int trace_read(struct trace *t, const char *path, double scale, char *error, int error_size);

/* Whole seconds that the values last. */
long trace_seconds(const struct trace *t);

/* The value in force in a second, 0 <= second < trace_seconds(). */
double trace_at(const struct trace *t, long second);

void trace_free(struct trace *t);

#endif
