/* SPDX-License-Identifier: BSD-2-Clause */
/* The abuse and the good clients kept off each other's processor cores: whom the abuse keeps waiting shall be
 * the server. */
#ifndef GMD_LOAD_CORES_H
#define GMD_LOAD_CORES_H

#include <stdbool.h>

/* For the calling thread and those it starts later: of the cores that the process may use
 * (sched_setaffinity(2)) the last for the abuse, the rest for the good clients. All of them where there are
 * less than two. */
void cores_take(bool abuse);

#endif
