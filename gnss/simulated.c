/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated receiver: one antenna, one sky. This file is the pure half; its drivers are in
 * simulated_drivers.c. */
#include "gnss/simulated_drivers.h"

#include <stdlib.h>

#include "gnss/leap.h"

#define LOSE_FIX_S         3 /* a receiver lives on its last measurements for a while */
#define GAIN_FIX_S         2 /* a warm start */
#define SATELLITES_USED    12
#define SATELLITES_VISIBLE 17

struct simulated_gnss *simulated_gnss_new(const struct simulated_config *config)
{
    struct simulated_gnss *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->config = *config;
    s->random = config->seed;
    for (int i = 0; i < SIMULATED_SWITCHES; i++)
        s->on[i] = true;
    s->sky = true;
    return s;
}

void simulated_gnss_free(struct simulated_gnss *s)
{
    free(s);
}

void simulated_gnss_switch(struct simulated_gnss *s, enum simulated_switch which, bool on)
{
    s->on[which] = on;
}

bool simulated_gnss_is_on(const struct simulated_gnss *s, enum simulated_switch which)
{
    return s->on[which];
}

const char *simulated_switch_name(enum simulated_switch s)
{
    static const char *const names[SIMULATED_SWITCHES] = {
        [SIMULATED_ANTENNA] = "antenna",
        [SIMULATED_FIX] = "fix",
        [SIMULATED_PULSE] = "pulse",
        [SIMULATED_LINK] = "link",
    };

    return names[s];
}

/* Whether the receiver navigates at utc_s: it follows the antenna with a delay. */
static bool sees_sky(struct simulated_gnss *s, int64_t utc_s)
{
    if (s->on[SIMULATED_ANTENNA] == s->sky) {
        s->changing = false;
    } else if (!s->changing) {
        s->changing = true;
        s->changing_since_s = utc_s;
    } else if (utc_s - s->changing_since_s >= (s->sky ? LOSE_FIX_S : GAIN_FIX_S)) {
        s->changing = false;
        s->sky = !s->sky;
    }
    return s->sky;
}

/* Uniform in [0, 1): Weyl sequence and a 64-bit finalizer (splitmix64, public domain). */
static double uniform(struct simulated_gnss *s)
{
    uint64_t z = s->random += 0x9E3779B97F4A7C15ULL;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Normal enough, sigma 1, never beyond 6: the sum of twelve uniforms. */
static double normal(struct simulated_gnss *s)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += uniform(s);
    return sum;
}

bool simulated_gnss_edge(struct simulated_gnss *s, int64_t utc_s, int64_t *edge_utc_ns)
{
    double error_ns;

    if (!sees_sky(s, utc_s) || !s->on[SIMULATED_PULSE])
        return false;
    error_ns = normal(s) * s->config.jitter_ns + (2 * uniform(s) - 1) * s->config.sawtooth_ns;
    *edge_utc_ns = utc_s * NS_PER_S + (int64_t)(error_ns < 0 ? error_ns - 0.5 : error_ns + 0.5);
    return true;
}

/* A real receiver derives UTC from GPS time by the leap seconds it believes in. */
static int64_t label_of(const struct simulated_gnss *s, int64_t utc_s)
{
    if (s->config.gps_minus_utc_s == 0)
        return utc_s;
    return utc_s + (LEAP_BEST_GUESS_S - LEAP_TAI_MINUS_GPS_S) - s->config.gps_minus_utc_s;
}

bool simulated_gnss_report(struct simulated_gnss *s, int64_t utc_s, struct receiver_report *report)
{
    bool sky = sees_sky(s, utc_s), fix = sky && s->on[SIMULATED_FIX];

    *report =
        (struct receiver_report){.link = RECEIVER_LINK_DOWN, .satellites_used = -1, .satellites_visible = -1};
    if (!s->on[SIMULATED_LINK])
        return true;
    report->link = RECEIVER_LINK_UP;
    report->has_fix = true;
    report->fix = fix ? FIX_3D : FIX_NONE;
    report->has_time = true; /* without a fix too, as real ones do: from their own clock */
    report->utc_s = label_of(s, utc_s);
    report->satellites_used = fix ? SATELLITES_USED : 0;
    report->satellites_visible = sky ? SATELLITES_VISIBLE : 0;
    report->gps_minus_utc_s = s->config.gps_minus_utc_s;
    report->antenna = s->on[SIMULATED_ANTENNA] ? ANTENNA_OK : ANTENNA_OPEN;
    return true;
}
