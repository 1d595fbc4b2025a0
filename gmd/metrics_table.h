/* SPDX-License-Identifier: BSD-2-Clause */
/* Every metric that there is: one table, sorted by name. */
#ifndef GMD_METRICS_TABLE_H
#define GMD_METRICS_TABLE_H

/* A word of a report that stands for a number. */
struct metric_word {
    const char *word; /* NULL behind the last */
    double value;
};

/* Where a metric's samples come from. path leads from the reports to values:
 *   name            a member
 *   [label,label]   each row of a table, or an object as it is: these members of it become labels;
 *                   label=member where their names differ
 *   {label}         each member of an object: its name becomes a label
 * as in "ports.ports[port].tx.{type}". A value is a number, true (1) or false (0), a hexadecimal number in a
 * text, a word, or, where the path ends in labels, what they are about, which counts 1. */
struct metric {
    const char *name; /* a counter's ends in "_total"; NULL: more samples of the metric above */
    const char *help;
    const char *path;
    double factor;                   /* from the report's unit to the base unit; 0: the same */
    const char *label;               /* one more, as it is written: reason="rate" */
    const struct metric_word *words; /* the value is a word of these; others have no sample */
    const char *const *states;       /* or one of these: a sample for each, 1 for the one that it is */
};

extern const struct metric metric_table[]; /* the last one has no path */

#endif
