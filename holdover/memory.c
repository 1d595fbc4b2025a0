/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of one head line, one line for each member of the bank, and a checksum. Where there is a temperature
 * sensor the head line ends with the temperature, and the others with the coefficient. */
#include "holdover/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT   "gmd oscillator memory 1"
#define CHECKSUM "checksum "
#define SENSED   " temperature "
#define OLDEST_S (366 * 86400.0)
#define FIRST    KALMAN_FREQUENCY /* phase and the receiver's wander are not worth remembering */
#define LAST     KALMAN_DAILY_90

struct text {
    char *at;
    size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(t->at, t->left, format, args);
    va_end(args);
    const size_t used = n < 0 || (size_t)n >= t->left ? t->left : (size_t)n;
    t->at += used;
    t->left -= used;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo): against accidents, not against forgers */
static uint64_t checksum(const char *text, size_t length)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001B3u;
    return h;
}

static void put_coefficient(struct text *t, const struct kalman_coefficient *c)
{
    put(t, " %.17g %.17g", c->ppb, c->variance);
    for (int i = FIRST; i <= LAST; i++)
        put(t, " %.17g", c->covariance[i]);
}

size_t memory_write(const struct estimator *e, int64_t tai_s, char *text, size_t size)
{
    const struct bank *b = &e->bank;
    struct text t = {text, size};
    if (!e->started || size == 0)
        return 0;
    put(&t, FORMAT "\nat %" PRId64 " noise %.6g members %d", tai_s, e->noise_ns, b->count);
    if (b->sensed)
        put(&t, SENSED "%.4f", e->thermometer.known ? e->thermometer.celsius : NAN);
    put(&t, "\n");
    for (int m = 0; m < b->count; m++) {
        const struct kalman *k = &b->filters[m];
        put(&t, "%.9g %.9g", b->members[m].noise.walk_ppb, b->log_weight[m]);
        for (int i = FIRST; i <= LAST; i++)
            put(&t, " %.17g", k->x[i]);
        for (int i = FIRST; i <= LAST; i++)
            for (int j = i; j <= LAST; j++)
                put(&t, " %.17g", k->P[i][j]);
        if (b->sensed)
            put_coefficient(&t, &k->coefficient);
        put(&t, "\n");
    }
    put(&t, CHECKSUM "%016" PRIx64 "\n", checksum(text, (size_t)(t.at - text)));
    return t.left > 0 ? (size_t)(t.at - text) : 0;
}

/* The next number; NAN if there is none. */
static double number(const char **at)
{
    char *end;
    const double value = strtod(*at, &end);
    if (end == *at)
        return NAN;
    *at = end;
    return value;
}

static bool read_coefficient(struct kalman_coefficient *c, const char **at)
{
    bool sound = isfinite(c->ppb = number(at)) && isfinite(c->variance = number(at)) && c->variance >= 0;
    for (int i = FIRST; i <= LAST; i++)
        sound &= isfinite(c->covariance[i] = number(at)) != 0;
    return sound;
}

/* The temperature that the frequencies are for, where there was a sensor; NAN: it had failed. */
static void read_temperature(struct bank *b, struct thermometer *t, const char **at)
{
    if (strncmp(*at, SENSED, strlen(SENSED)) != 0)
        return;
    *at += strlen(SENSED);
    t->celsius = t->believed = number(at);
    t->known = isfinite(t->celsius);
    bank_sense(b);
}

static const char *read_member(struct bank *b, int m, const char **at)
{
    struct kalman *k = &b->filters[m];
    const double walk_ppb = number(at);
    if (!(fabs(walk_ppb - b->members[m].noise.walk_ppb) <= 1e-6 * walk_ppb))
        return "written by a gmd with other models";
    memset(k, 0, sizeof *k);
    b->log_weight[m] = number(at);
    bool sound = isfinite(b->log_weight[m]);
    for (int i = FIRST; i <= LAST; i++)
        sound &= isfinite(k->x[i] = number(at)) != 0;
    for (int i = FIRST; i <= LAST; i++)
        for (int j = i; j <= LAST; j++)
            sound &= isfinite(k->P[i][j] = k->P[j][i] = number(at)) != 0;
    for (int i = FIRST; i <= LAST; i++)
        sound &= k->P[i][i] >= 0;
    if (b->sensed)
        sound &= read_coefficient(&k->coefficient, at);
    return sound ? NULL : "no numbers where numbers should be";
}

static const char *check_frame(const char *text, size_t length, const char **end)
{
    const size_t head = strlen(FORMAT "\n"), tail = strlen(CHECKSUM) + 17;
    char sum[sizeof CHECKSUM + 17];
    if (length >= MEMORY_SIZE || memchr(text, 0, length) || length < head ||
        memcmp(text, FORMAT "\n", head) != 0)
        return "not an oscillator's memory of this version";
    if (length < head + tail || text[length - 1] != '\n')
        return "cut off";
    *end = text + length - tail;
    snprintf(sum, sizeof sum, CHECKSUM "%016" PRIx64, checksum(text, length - tail));
    if (memcmp(*end, sum, tail - 1) != 0)
        return "damaged: the checksum is wrong";
    return NULL;
}

const char *memory_read(struct estimator *e, const char *text, size_t length, int64_t tai_s,
                        double retrace_ppb)
{
    const char *end, *at = text + strlen(FORMAT "\n"), *wrong = check_frame(text, length, &end);
    int64_t saved_s;
    double noise_ns;
    int members, used = 0;

    if (wrong)
        return wrong;
    if (sscanf(at, "at %" SCNd64 " noise %lf members %d%n", &saved_s, &noise_ns, &members, &used) != 3)
        return "no head line";
    if (members != e->bank.count || !(noise_ns > 0 && isfinite(noise_ns)))
        return "written by a gmd with other models";
    const double age_s = (double)tai_s - (double)saved_s;
    if (!(age_s >= 0))
        return "from the future";
    if (age_s > OLDEST_S)
        return "older than a year";
    struct bank bank = e->bank;
    struct thermometer thermometer = e->thermometer;
    at += used;
    read_temperature(&bank, &thermometer, &at);
    bank.room = ROOM_UNSEEN;
    for (int m = 0; m < members && !wrong; m++)
        wrong = read_member(&bank, m, &at);
    if (wrong)
        return wrong;
    if (at + 1 != end)
        return "longer than it should be";
    bank_remember(&bank, age_s, retrace_ppb);
    e->bank = bank;
    e->thermometer = thermometer;
    e->remembered = true;
    return NULL;
}
