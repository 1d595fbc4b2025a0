/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial side of a GNSS receiver: once a true second, NMEA sentences and, if asked, UBX frames on a pty.
 *
 *     gnss_pty LINK      LINK becomes the device
 *
 * Knobs are files /run/gnss/NAME with a number, read anew each second:
 *     fix satellites silent latency_ms nmea ubx offset_s (labels wrong by it) accuracy_ns antenna jamming
 * leap */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ubx.h"

#define NS_PER_S        1000000000LL
#define GPS_EPOCH_TAI_S 315964819LL /* 1980-01-06 UTC was TAI - 19 s */
#define TAI_MINUS_GPS_S 19
#define WEEK_S          604800LL

struct moment {
    int64_t tai_ns, leap_tai_ns; /* the latter 0: none known */
    int utc_offset_s;
};

static int64_t number(const char *name, int64_t otherwise)
{
    char path[64];
    long long value = otherwise;
    snprintf(path, sizeof(path), "/run/gnss/%s", name);
    FILE *f = fopen(path, "r");
    if (f) {
        if (fscanf(f, "%lld", &value) != 1)
            value = otherwise;
        fclose(f);
    }
    return value;
}

static struct moment now(void)
{
    struct moment m = {0};
    long long tai = 0, leap = 0;
    FILE *f = fopen("/bed/now", "r");
    if (!f || fscanf(f, "%lld %d %lld", &tai, &m.utc_offset_s, &leap) != 3) {
        perror("/bed/now");
        exit(1);
    }
    fclose(f);
    m.tai_ns = tai;
    m.leap_tai_ns = leap;
    return m;
}

/* Civil time of a TAI second; the leap second is 23:59:60. */
static struct tm civil(const struct moment *m, int64_t tai_s)
{
    int64_t leap_s = m->leap_tai_ns / NS_PER_S;
    bool leap = leap_s && tai_s == leap_s;
    time_t utc = (time_t)(tai_s - m->utc_offset_s);
    struct tm t;
    gmtime_r(&utc, &t);
    t.tm_sec += leap;
    return t;
}

/* --- NMEA --- */

static void sentence(FILE *out, const char *body)
{
    uint8_t sum = 0;
    for (const char *c = body; *c; c++)
        sum ^= (uint8_t)*c;
    fprintf(out, "$%s*%02X\r\n", body, sum);
}

static void nmea(FILE *out, const struct tm *t, bool fix, int satellites)
{
    char body[96], clock[16];
    const char *place = fix ? "5230.0000,N,01322.0000,E" : ",,,";
    snprintf(clock, sizeof(clock), "%02d%02d%02d.00", t->tm_hour, t->tm_min, t->tm_sec);
    snprintf(body, sizeof(body), "GPRMC,%s,%c,%s,0.0,0.0,%02d%02d%02d,,,%c", clock, fix ? 'A' : 'V', place,
             t->tm_mday, t->tm_mon + 1, t->tm_year % 100, fix ? 'A' : 'N');
    sentence(out, body);
    snprintf(body, sizeof(body), "GPGGA,%s,%s,%d,%02d,0.9,%s,M,%s,M,,", clock, place, fix,
             fix ? satellites : 0, fix ? "40.0" : "", fix ? "45.0" : "");
    sentence(out, body);
    int length = snprintf(body, sizeof(body), "GPGSA,A,%d", fix ? 3 : 1);
    for (int i = 1; i <= 12; i++)
        length +=
            snprintf(body + length, sizeof(body) - (size_t)length, fix && i <= satellites ? ",%02d" : ",", i);
    snprintf(body + length, sizeof(body) - (size_t)length, ",1.6,0.9,1.3");
    sentence(out, body);
    snprintf(body, sizeof(body), "GPZDA,%s,%02d,%02d,%04d,00,00", clock, t->tm_mday, t->tm_mon + 1,
             t->tm_year + 1900);
    sentence(out, body);
}

/* --- UBX --- */

static void send_frame(FILE *out, struct ubx *u)
{
    ubx_end(u);
    fwrite(u->bytes, 1, (size_t)u->length, out);
}

static int64_t week_ms(int64_t gps_s)
{
    return gps_s % WEEK_S * 1000;
}

static void nav_pvt(FILE *out, int64_t gps_s, const struct tm *t, bool fix, int satellites)
{
    struct ubx u;
    ubx_begin(&u, 0x01, 0x07);
    ubx_put(&u, 4, week_ms(gps_s));
    ubx_put(&u, 2, t->tm_year + 1900);
    ubx_put(&u, 1, t->tm_mon + 1);
    ubx_put(&u, 1, t->tm_mday);
    ubx_put(&u, 1, t->tm_hour);
    ubx_put(&u, 1, t->tm_min);
    ubx_put(&u, 1, t->tm_sec);
    ubx_put(&u, 1, 0x07); /* date, time, fully resolved */
    ubx_put(&u, 4, number("accuracy_ns", 10));
    ubx_put(&u, 4, 0);
    ubx_put(&u, 1, fix ? 3 : 0);
    ubx_put(&u, 1, fix);
    ubx_put(&u, 1, 0xe0);
    ubx_put(&u, 1, fix ? satellites : 0);
    ubx_put(&u, 4, 133666667); /* 1e-7 degrees */
    ubx_put(&u, 4, 525000000);
    ubx_put(&u, 4, 85000); /* mm */
    ubx_put(&u, 4, 40000);
    ubx_put(&u, 4, 1000);
    ubx_put(&u, 4, 1500);
    u.length = 6 + 92; /* at rest, the rest is zero */
    send_frame(out, &u);
}

static void nav_timegps(FILE *out, const struct moment *m, int64_t gps_s, bool fix)
{
    struct ubx u;
    ubx_begin(&u, 0x01, 0x20);
    ubx_put(&u, 4, week_ms(gps_s));
    ubx_put(&u, 4, 0);
    ubx_put(&u, 2, gps_s / WEEK_S);
    ubx_put(&u, 1, m->utc_offset_s - TAI_MINUS_GPS_S);
    ubx_put(&u, 1, fix ? 0x07 : 0x04);
    ubx_put(&u, 4, number("accuracy_ns", 10));
    send_frame(out, &u);
}

/* What the constellation says of leap seconds: the one to come, or the last one. Its date is that of the day
 * at whose end it comes, 1 Sunday (IS-GPS-200, 20.3.3.5.2.4). */
static void nav_timels(FILE *out, const struct moment *m, int64_t gps_s)
{
    int64_t leap_gps_s = m->leap_tai_ns / NS_PER_S - TAI_MINUS_GPS_S - (GPS_EPOCH_TAI_S - TAI_MINUS_GPS_S);
    int64_t day_gps_s = leap_gps_s - (m->utc_offset_s - TAI_MINUS_GPS_S) - 1; /* within that day */
    int64_t until_s = m->leap_tai_ns ? leap_gps_s + 1 - gps_s : 0;
    bool pending = until_s > 0 && number("leap", 1);
    struct ubx u;
    ubx_begin(&u, 0x01, 0x26);
    ubx_put(&u, 4, week_ms(gps_s));
    ubx_put(&u, 4, 0); /* version 0 */
    ubx_put(&u, 1, 2); /* from GPS */
    ubx_put(&u, 1, m->utc_offset_s - TAI_MINUS_GPS_S);
    ubx_put(&u, 1, pending ? 2 : 0);
    ubx_put(&u, 1, pending);
    ubx_put(&u, 4, pending ? until_s : 0);
    ubx_put(&u, 2, pending ? day_gps_s / WEEK_S : 0);
    ubx_put(&u, 2, pending ? day_gps_s % WEEK_S / 86400 + 1 : 0);
    ubx_put(&u, 3, 0);
    ubx_put(&u, 1, pending ? 0x03 : 0x01);
    send_frame(out, &u);
}

/* The quantization error of the pulse to come, as the module planned it. */
static void tim_tp(FILE *out)
{
    long long tai_s = 0, error_ps = 0;
    FILE *f = fopen("/bed/receiver0/plan", "r");
    if (!f || fscanf(f, "%lld %lld", &tai_s, &error_ps) != 2) {
        perror("/bed/receiver0/plan");
        exit(1);
    }
    fclose(f);
    int64_t gps_s = tai_s - GPS_EPOCH_TAI_S;
    struct ubx u;
    ubx_begin(&u, 0x0d, 0x01);
    ubx_put(&u, 4, week_ms(gps_s));
    ubx_put(&u, 4, 0);
    ubx_put(&u, 4, -error_ps); /* what to add to the measured time of the pulse */
    ubx_put(&u, 2, gps_s / WEEK_S);
    ubx_put(&u, 1, 0x02); /* on the GNSS time base, UTC known */
    ubx_put(&u, 1, 0);
    send_frame(out, &u);
}

static void mon_rf(FILE *out)
{
    struct ubx u;
    ubx_begin(&u, 0x0a, 0x38);
    ubx_put(&u, 1, 0);
    ubx_put(&u, 1, 1); /* one block */
    ubx_put(&u, 2, 0);
    ubx_put(&u, 1, 0);
    ubx_put(&u, 1, number("jamming", 1)); /* 1 ok, 2 warning, 3 critical */
    ubx_put(&u, 1, number("antenna", 2)); /* 2 ok, 3 short, 4 open */
    ubx_put(&u, 1, 1);
    ubx_put(&u, 8, 0);
    ubx_put(&u, 2, 90);
    ubx_put(&u, 2, 4000);
    ubx_put(&u, 1, 10);
    u.length = 6 + 4 + 24;
    send_frame(out, &u);
}

static void nav_eoe(FILE *out, int64_t gps_s)
{
    struct ubx u;
    ubx_begin(&u, 0x01, 0x61);
    ubx_put(&u, 4, week_ms(gps_s));
    send_frame(out, &u);
}

/* --- once a second --- */

static void second(int master, const struct moment *m, int64_t tai_s)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int64_t labelled_s = tai_s + number("offset_s", 0), gps_s = labelled_s - GPS_EPOCH_TAI_S;
    bool fix = number("fix", 1) != 0;
    int satellites = (int)number("satellites", 8);
    struct tm t = civil(m, labelled_s);

    if (number("nmea", 1))
        nmea(out, &t, fix, satellites);
    if (number("ubx", 0)) {
        nav_pvt(out, gps_s, &t, fix, satellites);
        nav_timegps(out, m, gps_s, fix);
        nav_timels(out, m, gps_s);
        tim_tp(out);
        mon_rf(out);
        nav_eoe(out, gps_s);
    }
    fclose(out);
    /* what does not fit is lost, as on a serial line */
    if (!number("silent", 0) && write(master, text, size) < 0)
        perror("write");
    free(text);
}

static void sleep_ns(int64_t ns)
{
    struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    if (ns > 0)
        nanosleep(&t, NULL);
}

/* The slave's descriptor stays open: a pty without one refuses bytes. */
static int open_pty(const char *link)
{
    struct termios raw;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return -1;
    const char *name = ptsname(master);
    int slave = name ? open(name, O_RDWR | O_NOCTTY) : -1;
    if (slave < 0 || tcgetattr(slave, &raw) < 0)
        return -1;
    cfmakeraw(&raw);
    unlink(link);
    if (tcsetattr(slave, TCSANOW, &raw) < 0 || symlink(name, link) < 0)
        return -1;
    return master;
}

int main(int argc, char **argv)
{
    int master = argc == 2 ? open_pty(argv[1]) : -1;
    if (master < 0) {
        perror(argc == 2 ? argv[1] : "usage: gnss_pty LINK");
        return 1;
    }
    int64_t last_s = now().tai_ns / NS_PER_S;
    for (;;) {
        struct moment m = now();
        int64_t due_ns = (last_s + 1) * NS_PER_S + number("latency_ms", 50) * 1000000;
        if (m.tai_ns < due_ns) {
            sleep_ns(due_ns - m.tai_ns);
            continue;
        }
        last_s++;
        second(master, &m, last_s);
    }
}
