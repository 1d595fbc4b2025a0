/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configuration says of the discipline, in its own terms: for the daemon and for gmsim. Pure. */
#ifndef GMD_DISCIPLINE_SETTINGS_H
#define GMD_DISCIPLINE_SETTINGS_H

#include "conf/conf.h"
#include "holdover/discipline.h"

/* But max_freq_ppb, which is the clock's to say. */
struct discipline_config discipline_settings(const struct conf *c);

#endif
