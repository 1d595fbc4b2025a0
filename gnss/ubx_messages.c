/* SPDX-License-Identifier: BSD-2-Clause */
/* What each UBX message means. Left out are those that say nothing which gpsd's reports do not (NAV-PVT,
 * NAV-TIMEUTC, NAV-SAT), and SEC-SIGLOG: a history, whose present is in SEC-SIG. */
#include "gnss/ubx.h"

#include <stdlib.h>

#include "bmca/ptp.h"
#include "gnss/leap.h"

#define GPS_EPOCH_UTC_S  315964800LL /* 1980-01-06 */
#define WEEK_S           604800LL
#define DAY_S            86400LL
#define NS_PER_MS        1000000LL
#define TOW_MAX_MS       ((uint32_t)WEEK_S * 1000)
#define WHOLE_SECOND_NS  (2 * NS_PER_MS) /* epochs fall on the receiver's own millisecond ticks */
#define Q_ERR_MAX_PS     100000          /* half a tick of the oldest receivers is some 43 ns */
#define LEAP_MISMATCH_S  60
#define GALILEO_EPOCH_WK 1024

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static int i8(const uint8_t *p)
{
    return p[0] < 128 ? p[0] : p[0] - 256;
}

static int32_t i32(const uint8_t *p)
{
    return (int32_t)u32(p);
}

static bool is_of_this_century(int64_t s)
{
    return s >= RECEIVER_UTC_MIN_S && s <= RECEIVER_UTC_MAX_S;
}

/* The whole second at week, tow_ms, ns, since the beginning of week 0. */
static bool whole_second(unsigned week, uint32_t tow_ms, int64_t ns, int64_t *s)
{
    int64_t tow_ns = tow_ms * NS_PER_MS + ns, tow_s = (tow_ns + NS_PER_S / 2) / NS_PER_S;

    *s = week * WEEK_S + tow_s;
    return llabs(tow_ns - tow_s * NS_PER_S) <= WHOLE_SECOND_NS;
}

static bool refuse(struct ubx *u)
{
    u->refused++;
    return false;
}

/* UTC as the base: the receiver made it with its own leap seconds. Galileo's week, whichever it counts from,
 * is told by the century; of the other systems' time it is not known how it is counted here. */
static bool pulse_to_tai(struct ubx *u, unsigned flags, unsigned reference, int64_t base_s, int64_t *tai_s)
{
    enum { BASE_IS_UTC = 0x01, UTC_AVAILABLE = 0x02, GPS = 0, GALILEO = 3 };

    *tai_s = GPS_EPOCH_UTC_S + LEAP_TAI_MINUS_GPS_S + base_s;
    if (flags & BASE_IS_UTC) {
        *tai_s += u->gps_minus_utc_s;
        return flags & UTC_AVAILABLE && u->gps_minus_utc_s > 0;
    }
    if (reference == GALILEO && !is_of_this_century(*tai_s))
        *tai_s += GALILEO_EPOCH_WK * WEEK_S;
    return reference == GPS || reference == GALILEO;
}

/* TIM-TP: the pulse to come. u-blox does not state qErr's sign. Measured on an F9T against a counter (Wallin,
 * "uBlox F9T qErr correction", 2019: start reference, stop receiver, qErr is added) and against a disciplined
 * kernel clock: a positive qErr means that the pulse comes early by it. */
static bool take_tim_tp(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r)
{
    enum { Q_ERR_INVALID = 0x10 };
    uint32_t tow_ms = u32(p);
    int64_t tow_sub_ns = (u32(p + 4) * NS_PER_MS) >> 32, base_s, tai_s;
    int32_t q_err_ps = i32(p + 8);
    unsigned flags = p[14], reference = p[15] & 0x0F;

    (void)len;
    if (flags & Q_ERR_INVALID)
        return false;
    if (tow_ms > TOW_MAX_MS || q_err_ps < -Q_ERR_MAX_PS || q_err_ps > Q_ERR_MAX_PS)
        return refuse(u);
    if (!whole_second(u16(p + 12), tow_ms, tow_sub_ns, &base_s))
        return false; /* one of several pulses a second */
    if (!pulse_to_tai(u, flags, reference, base_s, &tai_s)) {
        u->undated++;
        return false;
    }
    if (!is_of_this_century(tai_s))
        return refuse(u);
    r->has_sawtooth = true;
    r->sawtooth_tai_s = tai_s;
    r->sawtooth_ns = -q_err_ps / 1000.0;
    return true;
}

/* NAV-TIMEGPS: the navigation epoch that has just passed. */
static bool take_nav_timegps(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r)
{
    enum { TOW_VALID = 0x01, WEEK_VALID = 0x02, LEAP_VALID = 0x04 };
    unsigned valid = p[11];
    uint32_t tow_ms = u32(p);
    int leap_s = i8(p + 10);
    int64_t gps_s, tai_s;
    bool whole;

    (void)len;
    if (!(valid & TOW_VALID) || !(valid & WEEK_VALID))
        return false;
    whole = whole_second(u16(p + 8), tow_ms, i32(p + 4), &gps_s);
    tai_s = GPS_EPOCH_UTC_S + LEAP_TAI_MINUS_GPS_S + gps_s;
    if (tow_ms >= TOW_MAX_MS || !is_of_this_century(tai_s))
        return refuse(u);
    if (valid & LEAP_VALID && leap_s > 0)
        r->gps_minus_utc_s = u->gps_minus_utc_s = leap_s;
    r->has_tai = whole;
    r->tai_s = whole ? tai_s : 0;
    r->time_accuracy_ns = u32(p + 12);
    return true;
}

/* The leap falls on the end of a day of UTC; time to it, as a check, is of GPS time. */
static bool take_leap(struct ubx *u, const uint8_t *p, struct receiver_report *r)
{
    enum { BEIDOU = 4 };
    int step_s = i8(p + 11);
    int64_t left_s = i32(p + 12), day = u16(p + 18) + (p[10] == BEIDOU), event_s, mismatch_s;

    if (step_s < -1 || step_s > 1)
        return refuse(u);
    r->has_leap = true;
    if (step_s == 0 || left_s < 0)
        return true; /* of the last one */
    event_s = GPS_EPOCH_UTC_S + u16(p + 16) * WEEK_S + day * DAY_S;
    mismatch_s = llabs(u32(p) / 1000 + left_s - day * DAY_S) % WEEK_S;
    if (mismatch_s > WEEK_S / 2)
        mismatch_s = WEEK_S - mismatch_s;
    if (day < 1 || day > 7 || mismatch_s > LEAP_MISMATCH_S || !is_of_this_century(event_s)) {
        r->has_leap = false;
        return refuse(u);
    }
    r->leap_step_s = step_s;
    r->leap_utc_s = event_s;
    return true;
}

/* NAV-TIMELS: leap seconds now and to come. */
static bool take_nav_timels(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r)
{
    enum { CURRENT_VALID = 0x01, EVENT_VALID = 0x02, NO_SOURCE = 0 };
    /* not from the sky: 0 the firmware, 6 aiding data, 7 configured, 255 unknown */
    static const bool of_sky[] = {[1] = true, [2] = true, [3] = true, [4] = true, [5] = true, [8] = true};
    unsigned source = p[8], valid = p[23];
    int current_s = i8(p + 9);
    bool says = false;

    (void)len;
    if (p[4] != 0) /* version */
        return refuse(u);
    if (valid & CURRENT_VALID && current_s > 0) {
        u->gps_minus_utc_s = current_s;
        if (source < sizeof(of_sky) / sizeof(of_sky[0]) && of_sky[source]) {
            r->gps_minus_utc_s = current_s;
            says = true;
        }
    }
    if (valid & EVENT_VALID && p[10] != NO_SOURCE)
        says |= take_leap(u, p, r);
    return says;
}

/* Of jamming and spoofing alike. */
static enum receiver_threat threat(unsigned state)
{
    static const enum receiver_threat threats[] = {THREAT_UNKNOWN, THREAT_NONE, THREAT_WARNING,
                                                   THREAT_CRITICAL};
    return threats[state & 3];
}

/* What the supervisor measures while the supply is off says nothing. */
static enum receiver_antenna antenna(unsigned status, unsigned power)
{
    enum { OK = 2, SHORT = 3, OPEN = 4, POWER_OFF = 0 };

    if (status == SHORT)
        return ANTENNA_SHORT; /* this is what switches the supply off */
    if (power == POWER_OFF)
        return ANTENNA_UNKNOWN;
    return status == OK ? ANTENNA_OK : status == OPEN ? ANTENNA_OPEN : ANTENNA_UNKNOWN;
}

static unsigned badness(enum receiver_antenna a)
{
    static const unsigned of[] = {
        [ANTENNA_OK] = 1, [ANTENNA_FAULT] = 2, [ANTENNA_OPEN] = 3, [ANTENNA_SHORT] = 4};
    return of[a];
}

/* MON-RF: the worst of all bands. */
static bool take_mon_rf(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r)
{
    enum { HEADER = 4, BLOCK = 24 };
    size_t blocks = p[1];

    if (p[0] != 0 || len < HEADER + blocks * BLOCK)
        return refuse(u);
    for (p += HEADER; blocks > 0; blocks--, p += BLOCK) {
        enum receiver_threat jamming = threat(p[1]);
        enum receiver_antenna a = antenna(p[2], p[3]);

        if (jamming > r->jamming)
            r->jamming = jamming;
        if (badness(a) > badness(r->antenna))
            r->antenna = a;
    }
    return r->jamming != THREAT_UNKNOWN || r->antenna != ANTENNA_UNKNOWN;
}

/* MON-HW, up to the M8. */
static bool take_mon_hw(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r)
{
    (void)u;
    (void)len;
    r->antenna = antenna(p[20], p[21]);
    r->jamming = threat(p[22] >> 2);
    return r->jamming != THREAT_UNKNOWN || r->antenna != ANTENNA_UNKNOWN;
}

/* NAV-STATUS: the navigation epoch's spoofing detector. */
static bool take_nav_status(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r)
{
    (void)u;
    (void)len;
    r->spoofing = threat(p[7] >> 3);
    return r->spoofing != THREAT_UNKNOWN;
}

/* SEC-SIG: version 1 has a word for each, 2 and 3 (its layout is the same) one for both. */
static bool take_sec_sig(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r)
{
    enum { ENABLED = 1, V1_LEN = 12 };
    unsigned jamming, spoofing;

    if (p[0] == 1 && len >= V1_LEN) {
        jamming = p[4];
        spoofing = p[8];
    } else if (p[0] == 2 || p[0] == 3) {
        jamming = p[1];
        spoofing = p[1] >> 3;
    } else {
        return refuse(u);
    }
    if (jamming & ENABLED)
        r->jamming = threat(jamming >> 1);
    if (spoofing & ENABLED)
        r->spoofing = threat(spoofing >> 1);
    return r->jamming != THREAT_UNKNOWN || r->spoofing != THREAT_UNKNOWN;
}

bool ubx_decode(struct ubx *u, unsigned class_id, unsigned message_id, const uint8_t *payload, size_t len,
                struct receiver_report *report)
{
    static const struct {
        unsigned class_id, message_id;
        size_t min_len;
        bool (*take)(struct ubx *u, const uint8_t *p, size_t len, struct receiver_report *r);
    } kinds[] = {
        {0x01, 0x03, 16, take_nav_status}, {0x01, 0x20, 16, take_nav_timegps},
        {0x01, 0x26, 24, take_nav_timels}, {0x0A, 0x09, 60, take_mon_hw},
        {0x0A, 0x38, 4, take_mon_rf},      {0x0D, 0x01, 16, take_tim_tp},
        {0x27, 0x09, 4, take_sec_sig},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].class_id == class_id && kinds[i].message_id == message_id)
            return len >= kinds[i].min_len ? kinds[i].take(u, payload, len, report) : refuse(u);
    return false;
}
