/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run has shown, for people and for programs. */
#ifndef GMD_LOAD_SUMMARY_H
#define GMD_LOAD_SUMMARY_H

#include <stdio.h>

#include "gmd/load/campaign.h"

/* Whether as many of the good clients' requests were answered as expected, and some at all. */
bool summary_passed(const struct load_settings *s, const struct load_result *r);

void summary_print(const struct load_settings *s, const struct load_result *r, FILE *out);
void summary_print_json(const struct load_settings *s, const struct load_result *r, FILE *out);

#endif
