/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON for people: an object is a list of names, an array of objects a table. */
#ifndef GMD_DISPLAY_H
#define GMD_DISPLAY_H

#include <jansson.h>
#include <stdio.h>

/* Prints an answer of gmd, one member a line. A table wider than width (characters) stands upright: one line
 * a name, one column a row. */
void display(const json_t *answer, int width, FILE *out);

#endif
