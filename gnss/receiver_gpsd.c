/* SPDX-License-Identifier: BSD-2-Clause */
/* gpsd as a receiver. libgps parses (gps_unpack); the sockets are ours, because libgps's own gps_open waits
 * for name service and connection, and its gps_read hides malformed messages. There are two: reports and raw
 * stream. */
#include "gnss/receiver.h"

#include <errno.h>
#include <gps.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gnss/gpsd_link.h"
#include "gnss/gpsd_raw.h"
#include "gnss/leap.h"

#define PROTOCOL_MAJOR  3
#define READ_BUDGET     64     /* lines, messages, reads in a turn: gpsd sends about 10 a second */
#define SAWTOOTH_MAX_PS 100000 /* more is no quantization error */

struct gpsd_receiver {
    struct receiver base;
    struct gpsd_link link;
    struct gpsd_raw raw;
    uint64_t raw_malformed; /* of these, so many are counted already */
    char device[GPSD_DEVICE_MAX];
    unsigned budget;
    bool more;           /* lines may be left in the buffer, where poll() does not see them */
    int gps_minus_utc_s; /* as gpsd last said; 0: not yet */
    struct gps_data_t gps;
};

static void report_init(struct receiver_report *r, enum receiver_link link, int64_t now_ns)
{
    *r = (struct receiver_report){
        .arrival_ns = now_ns,
        .link = link,
        .satellites_used = -1,
        .satellites_visible = -1,
    };
}

/* True if there was a link to lose: then *report says so. */
static bool lose(struct gpsd_receiver *g, int64_t now_ns, struct receiver_report *report)
{
    bool was_up = g->link.up;

    gpsd_link_lost(&g->link, now_ns);
    gpsd_raw_stop(&g->raw, now_ns);
    g->gps_minus_utc_s = 0;
    report_init(report, RECEIVER_LINK_DOWN, now_ns);
    return was_up;
}

static bool other_device(const struct gpsd_receiver *g)
{
    return g->device[0] && g->gps.dev.path[0] && strcmp(g->device, g->gps.dev.path) != 0;
}

/* TPV: the fix is in its mode, for the time stays when the fix is lost and status is 0 on a normal fix. */
static bool take_fix(struct gpsd_receiver *g, struct receiver_report *r)
{
    const struct gps_fix_t *fix = &g->gps.fix;
    bool has_mode = g->gps.set & MODE_SET, has_time = g->gps.set & TIME_SET;

    if (has_mode && (fix->mode < MODE_NOT_SEEN || fix->mode > MODE_3D)) {
        g->base.malformed++;
        return false;
    }
    if (has_time && (fix->time.tv_sec < RECEIVER_UTC_MIN_S || fix->time.tv_sec > RECEIVER_UTC_MAX_S)) {
        g->base.malformed++;
        has_time = false;
    }
    r->has_fix = has_mode && fix->mode != MODE_NOT_SEEN;
    r->fix = r->has_fix ? (enum fix_mode)fix->mode : FIX_UNKNOWN;
    r->has_time = has_time && fix->time.tv_nsec == 0;
    r->utc_s = r->has_time ? fix->time.tv_sec : 0;
    r->has_position = fix->mode >= MODE_2D && isfinite(fix->latitude) && isfinite(fix->longitude);
    r->latitude_deg = r->has_position ? fix->latitude : 0;
    r->longitude_deg = r->has_position ? fix->longitude : 0;
    if (g->gps.leap_seconds > 0 && g->gps.leap_seconds <= 255)
        r->gps_minus_utc_s = g->gps_minus_utc_s = g->gps.leap_seconds;
    return r->has_fix || r->has_time;
}

/* SKY: without the list it carries only dilutions of precision, and libgps shows no satellites. */
static bool take_sky(struct gpsd_receiver *g, bool has_satellites, struct receiver_report *r)
{
    if (!has_satellites)
        return false;
    r->satellites_used = g->gps.satellites_used;
    r->satellites_visible = g->gps.satellites_visible;
    return true;
}

/* PPS: comes behind its pulse, with qErr if TIM-TP told it of this very second, sign and all as in UBX (see
 * ubx_messages.c). Only where gpsd itself reads the pulse. */
static bool take_pps(struct gpsd_receiver *g, bool has_q_err, struct receiver_report *r)
{
    int64_t utc_s = g->gps.pps.real.tv_sec;

    if (!has_q_err || g->gps_minus_utc_s == 0)
        return false;
    if (utc_s < RECEIVER_UTC_MIN_S || utc_s > RECEIVER_UTC_MAX_S || g->gps.pps.real.tv_nsec != 0 ||
        g->gps.qErr < -SAWTOOTH_MAX_PS || g->gps.qErr > SAWTOOTH_MAX_PS) {
        g->base.malformed++;
        return false;
    }
    r->has_sawtooth = true;
    r->sawtooth_tai_s = utc_s + g->gps_minus_utc_s + LEAP_TAI_MINUS_GPS_S;
    r->sawtooth_ns = (double)-g->gps.qErr / 1000;
    return true;
}

/* gpsd may quote what a device sent: control characters have no place in a complaint. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            *text = '?';
}

/* VERSION comes first, of itself; the answer to ?WATCH makes the link. True if *report is filled. */
static bool greet(struct gpsd_receiver *g, int64_t now_ns, struct receiver_report *report)
{
    char *problem = g->base.problem;
    size_t size = sizeof(g->base.problem);

    if (g->gps.set & VERSION_SET) {
        if (g->gps.version.proto_major != PROTOCOL_MAJOR)
            snprintf(problem, size, "gpsd speaks protocol %d, not %d", g->gps.version.proto_major,
                     PROTOCOL_MAJOR);
        else if (!gpsd_link_watch(&g->link, "\"json\":true", g->device))
            snprintf(problem, size, "gpsd takes no command: %s", strerror(errno));
        else
            return false;
    } else if (g->gps.set & ERROR_SET) {
        snprintf(problem, size, "gpsd says: %.128s", g->gps.error);
        make_printable(problem);
    } else {
        gpsd_link_is_up(&g->link);
        problem[0] = '\0';
        return true;
    }
    return lose(g, now_ns, report);
}

enum line_kind {
    LINE_MALFORMED,
    LINE_OF_NO_INTEREST,
    LINE_WANTED,
};

/* libgps is shown only what is wanted and looks like one whole message: where an object holds or is followed
 * by a second class tag, gps_unpack of 3.22 may never return. */
static enum line_kind kind_of(const char *line, size_t len)
{
    static const char begin[] = "{\"class\":\"";
    static const char *const wanted[] = {"TPV\"", "SKY\"", "PPS\"", "VERSION\"", "WATCH\"", "ERROR\""};
    const size_t begin_len = sizeof(begin) - 1;

    if (len <= begin_len || memcmp(line, begin, begin_len) != 0 || line[len - 1] != '}' ||
        strlen(line) != len)
        return LINE_MALFORMED;
    line += begin_len;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
            return strstr(line, "\"class\":") ? LINE_MALFORMED : LINE_WANTED;
    return LINE_OF_NO_INTEREST;
}

/* One line. True if *report is filled. */
static bool take_line(struct gpsd_receiver *g, char *line, size_t len, int64_t now_ns,
                      struct receiver_report *report)
{
    enum line_kind kind = kind_of(line, len);
    bool has_satellites, has_q_err;

    g->base.malformed += kind == LINE_MALFORMED;
    if (kind != LINE_WANTED)
        return false;
    has_satellites = strstr(line, "\"satellites\":[") != NULL;
    has_q_err = strstr(line, "\"qErr\":") != NULL;
    g->gps.set = 0;
    g->gps.dev.path[0] = '\0';
    gps_unpack(line, &g->gps);
    report_init(report, RECEIVER_LINK_UP, now_ns);
    if (g->gps.set & (VERSION_SET | ERROR_SET | POLICY_SET))
        return greet(g, now_ns, report);
    if (!g->link.up || other_device(g))
        return false;
    if (g->gps.set & STATUS_SET)
        return take_fix(g, report);
    if (g->gps.set & PPS_SET)
        return take_pps(g, has_q_err, report);
    return g->gps.set & SATELLITE_SET && take_sky(g, has_satellites, report);
}

static void gpsd_fds(struct receiver *base, int fds[RECEIVER_FDS])
{
    const struct gpsd_receiver *g = (const struct gpsd_receiver *)base;

    fds[0] = g->link.fd;
    fds[1] = g->raw.link.fd;
}

static int64_t gpsd_deadline(struct receiver *base)
{
    const struct gpsd_receiver *g = (const struct gpsd_receiver *)base;

    if (g->link.fd < 0)
        return g->link.due_ns;
    if (g->more)
        return INT64_MIN;
    return g->link.up ? gpsd_raw_deadline(&g->raw) : g->link.due_ns;
}

/* Lines, and bytes to make lines of, until there are no more or the budget is used up. */
static int take_lines(struct gpsd_receiver *g, int64_t now_ns, struct receiver_report *report)
{
    for (; g->budget > 0; g->budget--) {
        size_t len;
        char *line = gpsd_link_line(&g->link, &len);
        int filled;

        if (line) {
            if (take_line(g, line, len, now_ns, report))
                return 1;
            if (g->link.fd < 0)
                return 0;
            continue;
        }
        filled = gpsd_link_fill(&g->link, g->base.problem, sizeof(g->base.problem));
        g->base.malformed += g->link.overlong;
        g->link.overlong = 0;
        if (filled < 0)
            return lose(g, now_ns, report);
        if (filled == 0)
            return 0;
    }
    return 0;
}

/* What the receiver's own bytes say. */
static int take_raw(struct gpsd_receiver *g, int64_t now_ns, struct receiver_report *report)
{
    uint64_t malformed;
    int result;

    report_init(report, RECEIVER_LINK_UP, now_ns);
    result = gpsd_raw_read(&g->raw, g->device, now_ns, &g->budget, report);
    malformed = g->raw.ubx.checksum_errors + g->raw.ubx.refused;
    g->base.malformed += malformed - g->raw_malformed;
    g->raw_malformed = malformed;
    return result;
}

static int gpsd_read(struct receiver *base, int64_t now_ns, struct receiver_report *report)
{
    struct gpsd_receiver *g = (struct gpsd_receiver *)base;
    int result;

    g->more = false;
    if (g->link.fd < 0)
        gpsd_link_connect(&g->link, now_ns, base->problem, sizeof(base->problem));
    if (g->link.fd < 0)
        return 0;
    result = take_lines(g, now_ns, report);
    if (result == 0 && g->link.up)
        result = take_raw(g, now_ns, report);
    g->more = result == 1 || g->budget == 0;
    if (result == 1) {
        g->budget -= g->budget > 0;
        return 1;
    }
    g->budget = READ_BUDGET;
    if (g->link.fd >= 0 && !g->link.up && now_ns >= g->link.due_ns) {
        snprintf(base->problem, sizeof(base->problem), "gpsd does not answer");
        return lose(g, now_ns, report);
    }
    return 0;
}

static void gpsd_close(struct receiver *base)
{
    struct gpsd_receiver *g = (struct gpsd_receiver *)base;

    gpsd_link_lost(&g->link, 0);
    gpsd_raw_stop(&g->raw, 0);
    free(g);
}

struct receiver *receiver_gpsd_open(const char *host, const char *port, const char *device)
{
    static const struct receiver_ops ops = {"gpsd", gpsd_fds, gpsd_deadline, gpsd_read, gpsd_close};
    struct gpsd_receiver *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->base.ops = &ops;
    snprintf(g->base.description, sizeof(g->base.description), "gpsd at %s:%s%s%s", host, port,
             device[0] ? ", " : "", device);
    snprintf(g->base.problem, sizeof(g->base.problem), "not connected yet");
    snprintf(g->device, sizeof(g->device), "%s", device);
    g->budget = READ_BUDGET;
    gpsd_link_init(&g->link, host, port);
    gpsd_raw_init(&g->raw, &g->link);
    return &g->base;
}
