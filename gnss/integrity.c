/* SPDX-License-Identifier: BSD-2-Clause */
#include "gnss/integrity.h"

#include <math.h>
#include <stddef.h>

#define METRES_PER_DEGREE 111195.0 /* of latitude, on a sphere of 6371 km: good to 1 % */
#define RADIANS           (M_PI / 180)
#define MOVED_FIXES       3 /* a single wild fix is noise */

void integrity_init(struct integrity *in, const struct integrity_config *config)
{
    *in = (struct integrity){.config = *config};
}

static double distance_m(const struct integrity *in, double latitude_deg, double longitude_deg)
{
    const double north = latitude_deg - in->latitude_deg;
    const double east = remainder(longitude_deg - in->longitude_deg, 360) * cos(latitude_deg * RADIANS);

    return METRES_PER_DEGREE * hypot(north, east);
}

/* The first fixes tell where the site is. */
static void survey(struct integrity *in, double latitude_deg, double longitude_deg)
{
    const double weight = 1.0 / ++in->fixes;

    in->latitude_deg += weight * (latitude_deg - in->latitude_deg);
    in->longitude_deg += weight * remainder(longitude_deg - in->longitude_deg, 360);
}

void integrity_note(struct integrity *in, const struct receiver_report *r)
{
    if (in->config.position_moved_m <= 0 || !r->has_position)
        return;
    if (in->fixes == 0) {
        in->fixes = 1;
        in->latitude_deg = r->latitude_deg;
        in->longitude_deg = r->longitude_deg;
        return;
    }
    in->moved_m = distance_m(in, r->latitude_deg, r->longitude_deg);
    in->moved = in->moved_m > in->config.position_moved_m ? in->moved + 1 : 0;
    if (in->fixes < INTEGRITY_SITE_FIXES && in->moved == 0)
        survey(in, r->latitude_deg, r->longitude_deg);
}

static const char *antenna_suspicion(struct integrity *in, enum receiver_antenna antenna)
{
    if (antenna == ANTENNA_OK)
        in->antenna_was_ok = true;
    if (!in->antenna_was_ok || antenna <= ANTENNA_OK)
        return NULL;
    return antenna == ANTENNA_OPEN ? "the antenna is open"
                                   : (antenna == ANTENNA_SHORT ? "the antenna is shorted" : "antenna fault");
}

const char *integrity_suspicion(struct integrity *in, const struct words *w, int satellites_used)
{
    const struct integrity_config *c = &in->config;
    const char *antenna = antenna_suspicion(in, w->antenna);

    if (antenna)
        return antenna;
    if (w->spoofing > THREAT_NONE)
        return "the receiver reports spoofing";
    if (w->jamming == THREAT_CRITICAL)
        return "the receiver is jammed";
    if (satellites_used >= 0 && satellites_used < c->min_satellites)
        return "too few satellites";
    if (c->time_accuracy_ns > 0 && w->time_accuracy_ns > c->time_accuracy_ns)
        return "the receiver is not sure of its time";
    if (in->moved >= MOVED_FIXES)
        return "the antenna has moved";
    return NULL;
}
