/* SPDX-License-Identifier: BSD-2-Clause */
#include "holdover/thermometer.h"

#include <math.h>

/* Twice, because noise looks like changes of temperature that the oscillator does not care for: what is left
 * of it after smoothing once would hide the coefficient. An oscillator lags behind the air by minutes, too.
 */
#define SMOOTHED_S 200.0
#define LOST_NS    60000000000LL
#define JUMP_K     5.0  /* no room does this from reading to reading */
#define AWAY_K     15.0 /* and hardly this while nobody looked */
#define INSISTS    12   /* readings that stay there: the sensor was moved or exchanged */

void thermometer_init(struct thermometer *t)
{
    *t = (struct thermometer){.at_ns = INT64_MIN};
}

bool thermometer_lost(const struct thermometer *t, int64_t now_ns)
{
    return t->at_ns == INT64_MIN || now_ns - t->at_ns > LOST_NS;
}

static bool believable(const struct thermometer *t, bool lost, double celsius)
{
    return !t->known || fabs(celsius - t->believed) <= (lost ? AWAY_K : JUMP_K);
}

/* A reading that no room can do. True once it insists. */
static bool insists(struct thermometer *t, double celsius)
{
    if (t->wild_seen == 0 || fabs(celsius - t->wild) > JUMP_K)
        t->wild_seen = 0;
    t->wild = celsius;
    return ++t->wild_seen >= INSISTS;
}

double thermometer_read(struct thermometer *t, int64_t now_ns, double celsius)
{
    const bool lost = thermometer_lost(t, now_ns);
    if (!believable(t, lost, celsius)) {
        if (!insists(t, celsius))
            return 0;
        t->known = false;
    }
    if (!t->known)
        t->celsius = celsius;
    const double before = t->celsius;
    /* after a pause the past says nothing about the present */
    const double kept = lost || !t->known ? 0 : exp(-(double)(now_ns - t->at_ns) * 1e-9 / SMOOTHED_S);
    t->once = celsius + kept * (t->once - celsius);
    t->celsius = t->once + kept * (t->celsius - t->once);
    t->known = true;
    t->believed = celsius;
    t->at_ns = now_ns;
    t->wild_seen = 0;
    return t->celsius - before;
}
