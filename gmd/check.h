/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd --check: what would happen if the daemon were started with this configuration on this machine. */
#ifndef GMD_CHECK_H
#define GMD_CHECK_H

#include "conf/conf.h"

/* Prints to standard output; 0 if the daemon would serve as asked, 1 if not. */
int check_run(const char *file, const struct conf *conf);

#endif
