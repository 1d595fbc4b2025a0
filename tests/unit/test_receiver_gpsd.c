/* SPDX-License-Identifier: BSD-2-Clause */
/* The gpsd driver against a scripted server: the edges that a real gpsd does not show on demand. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gnss/clock_ns.h"
#include "gnss/receiver.h"
#include "tests/fuzz/ubx_samples.h"

#define VERSION                                                                                              \
    "{\"class\":\"VERSION\",\"release\":\"3.22\",\"rev\":\"3.22\",\"proto_major\":3,\"proto_minor\":14}\r\n"
#define WATCH "{\"class\":\"DEVICES\",\"devices\":[]}\n{\"class\":\"WATCH\",\"enable\":true,\"json\":true}\n"
#define TPV                                                                                                  \
    "{\"class\":\"TPV\",\"device\":\"/dev/"                                                                  \
    "a\",\"status\":0,\"mode\":3,\"time\":\"2025-11-21T22:57:01.000Z\"}\n"
#define TPV_UTC     1763765821
#define RAW_COMMAND "?WATCH={\"enable\":true,\"json\":false,\"raw\":2};\n"

struct server {
    int listener, client, raw;
    char port[8];
};

static struct server serve(void)
{
    struct server s = {.client = -1, .raw = -1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);

    s.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(s.listener, 5), 0);
    getsockname(s.listener, (struct sockaddr *)&address, &len);
    snprintf(s.port, sizeof(s.port), "%u", ntohs(address.sin_port));
    return s;
}

static void put(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void say(struct server *s, const char *text)
{
    put(s->client, text, strlen(text));
}

static void hang_up(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void stop(struct server *s)
{
    hang_up(&s->client);
    hang_up(&s->raw);
    close(s->listener);
}

/* That of the reports; the raw stream's is the other. */
static int report_fd(struct receiver *r)
{
    int fds[RECEIVER_FDS];

    r->ops->fds(r, fds);
    return fds[0];
}

/* The next report within 60 ms of real time at the virtual time now_ns; 0 if none. */
static int next(struct receiver *r, int64_t now_ns, struct receiver_report *report)
{
    for (int i = 0; i < 30; i++) {
        struct pollfd p[RECEIVER_FDS] = {{.events = POLLIN}, {.events = POLLIN}};
        int fds[RECEIVER_FDS];

        if (r->ops->read(r, now_ns, report))
            return 1;
        if (r->ops->deadline(r) > now_ns) {
            r->ops->fds(r, fds);
            p[0].fd = fds[0];
            p[1].fd = fds[1];
            poll(p, RECEIVER_FDS, 2);
        }
    }
    return 0;
}

static void expect_command(int fd, const char *expected)
{
    char command[300];
    ssize_t n = recv(fd, command, sizeof(command) - 1, MSG_DONTWAIT);

    assert_true(n > 0);
    command[n] = '\0';
    assert_string_equal(command, expected);
}

/* The raw stream's connection, which follows the first one by itself; up to where it carries bytes. */
static void connect_raw(struct server *s, struct receiver *r, int64_t now_ns, const char *expected_command)
{
    struct receiver_report report;

    assert_int_equal(next(r, now_ns, &report), 0);
    s->raw = accept(s->listener, NULL, NULL);
    assert_true(s->raw >= 0);
    put(s->raw, VERSION, sizeof(VERSION) - 1);
    assert_int_equal(next(r, now_ns, &report), 0);
    expect_command(s->raw, expected_command);
    put(s->raw, WATCH, sizeof(WATCH) - 1);
    assert_int_equal(next(r, now_ns, &report), 0);
}

/* Connects and shakes hands; leaves what the driver said in command. */
static void connect_up(struct server *s, struct receiver *r, int64_t now_ns, char *command, size_t size)
{
    struct receiver_report report;
    ssize_t n;

    assert_int_equal(r->ops->read(r, now_ns, &report), 0);
    s->client = accept(s->listener, NULL, NULL);
    assert_true(s->client >= 0);
    say(s, VERSION);
    assert_int_equal(next(r, now_ns, &report), 0);
    n = recv(s->client, command, size - 1, 0);
    assert_true(n > 0);
    command[n] = '\0';
    say(s, WATCH);
    assert_int_equal(next(r, now_ns, &report), 1);
    assert_int_equal(report.link, RECEIVER_LINK_UP);
    assert_false(report.has_fix || report.has_time);
    assert_string_equal(r->problem, "");
}

static void test_messages(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    char command[300];

    (void)state;
    assert_true(strlen(r->problem) > 0);
    assert_int_equal(report_fd(r), -1);
    connect_up(&s, r, 1000, command, sizeof(command));
    assert_string_equal(command, "?WATCH={\"enable\":true,\"json\":true};\n");
    assert_true(r->ops->deadline(r) < 1000); /* "call again", for one who does not do so at once */
    connect_raw(&s, r, 1000, RAW_COMMAND);
    assert_int_equal(r->ops->deadline(r), INT64_MAX);

    say(&s, TPV);
    assert_int_equal(next(r, 4711, &report), 1);
    assert_true(report.has_fix && report.has_time);
    assert_int_equal(report.arrival_ns, 4711);
    assert_int_equal(report.fix, FIX_3D); /* by mode: status is 0 */
    assert_int_equal(report.utc_s, TPV_UTC);
    assert_int_equal(report.gps_minus_utc_s, 0);
    assert_int_equal(report.satellites_used, -1);
    assert_int_equal(report.antenna, ANTENNA_UNKNOWN);

    say(&s, "{\"class\":\"TPV\",\"mode\":1,\"time\":\"2025-11-21T22:57:02.000Z\",\"leapseconds\":18}\n");
    assert_int_equal(next(r, 1, &report), 1);
    assert_int_equal(report.fix, FIX_NONE); /* time is kept, the fix is not */
    assert_true(report.has_time);
    assert_int_equal(report.gps_minus_utc_s, 18);

    say(&s, "{\"class\":\"TPV\",\"mode\":2,\"time\":\"2025-11-21T22:57:02.200Z\"}\n"); /* 5 Hz */
    assert_int_equal(next(r, 1, &report), 1);
    assert_int_equal(report.fix, FIX_2D);
    assert_false(report.has_time);

    say(&s, "{\"class\":\"SKY\",\"satellites\":[{\"PRN\":1,\"used\":true},{\"PRN\":2,\"used\":false}]}\n");
    assert_int_equal(next(r, 1, &report), 1);
    assert_false(report.has_fix || report.has_time);
    assert_int_equal(report.satellites_used, 1);
    assert_int_equal(report.satellites_visible, 2);

    /* nothing of interest in these, the last one from a gpsd of the future */
    say(&s, "{\"class\":\"SKY\",\"hdop\":1.0}\n"
            "{\"class\":\"TOFF\",\"real_sec\":1763765821,\"real_nsec\":0,\"clock_sec\":1,\"clock_nsec\":0}\n"
            "{\"class\":\"PPS\",\"real_sec\":1763765821,\"real_nsec\":0,\"clock_sec\":1,\"clock_nsec\":0}\n"
            "{\"class\":\"DEVICES\",\"devices\":[{\"class\":\"DEVICE\",\"path\":\"/dev/a\"}]}\n"
            "{\"class\":\"TPV\"}\n"
            "{\"class\":\"TPV\",\"mode\":0}\n"
            "{\"class\":\"FUTURE\",\"mode\":3}\n");
    assert_int_equal(next(r, 1, &report), 0);
    assert_int_equal(r->malformed, 0);
    r->ops->close(r);
    stop(&s);
}

static void test_malformed(void **state)
{
    static const char *const lines[] = {
        "garbage\n",
        "\n",
        "{}\n",
        "{\"class\":\"TPV\",\"mode\":3,\"time\":\"2025-11-21T22:57\n", /* cut off */
        "{\"class\":\"TPV\",\"mode\":3}|{\"class\":\"TPV\",\"mode\":3}\n",
        "{\"class\":\"SKY\",\"status\":[[{\"class\":\"TPV\"}]]}\n", /* on these two libgps loops for ever */
        "{\"class\":\"TPV\",\"mode\":3} x\n",
        "{\"class\":\"TPV\",\"mode\":77}\n",
        "{\"class\":\"TPV\",\"mode\":-1}\n",
    };
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("localhost", s.port, "");
    struct receiver_report report;
    char text[40000];

    (void)state;
    connect_up(&s, r, 0, text, sizeof(text));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        say(&s, lines[i]);
        assert_int_equal(next(r, 1, &report), 0);
        assert_int_equal(r->malformed, i + 1);
    }
    /* the fix counts, the label does not: a lost week count, nonsense */
    say(&s, "{\"class\":\"TPV\",\"mode\":3,\"time\":\"2006-04-07T22:57:01.000Z\"}\n");
    assert_int_equal(next(r, 1, &report), 1);
    assert_true(report.has_fix && !report.has_time);
    say(&s, "{\"class\":\"TPV\",\"mode\":3,\"time\":\"garbage\",\"leapseconds\":4711}\n");
    assert_int_equal(next(r, 1, &report), 1);
    assert_true(report.has_fix && !report.has_time);
    assert_int_equal(report.gps_minus_utc_s, 0);
    assert_int_equal(r->malformed, 11);

    assert_int_equal(send(s.client, "{\"class\":\"TPV\"\0}\n", 17, 0), 17);
    assert_int_equal(next(r, 1, &report), 0);
    assert_int_equal(r->malformed, 12);

    memset(text, 'x', sizeof(text) - 1); /* a line without end */
    text[sizeof(text) - 1] = '\0';
    say(&s, text);
    assert_int_equal(next(r, 1, &report), 0);
    say(&s, "still it\n" TPV);
    assert_int_equal(next(r, 1, &report), 1);
    assert_int_equal(report.utc_s, TPV_UTC);
    assert_int_equal(r->malformed, 13);
    r->ops->close(r);
    stop(&s);
}

/* One TPV byte by byte, and two in one piece. */
static void test_pieces(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    char command[300];

    (void)state;
    connect_up(&s, r, 0, command, sizeof(command));
    for (const char *c = TPV; *c; c++) {
        assert_int_equal(r->ops->read(r, 1, &report), 0);
        assert_int_equal(send(s.client, c, 1, 0), 1);
    }
    assert_int_equal(next(r, 1, &report), 1);
    say(&s, TPV TPV);
    assert_int_equal(next(r, 1, &report), 1);
    assert_int_equal(next(r, 1, &report), 1);
    assert_int_equal(next(r, 1, &report), 0);
    r->ops->close(r);
    stop(&s);
}

static void test_device(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "/dev/a\"\\");
    struct receiver_report report;
    char command[300];

    (void)state;
    connect_up(&s, r, 0, command, sizeof(command));
    assert_string_equal(command, "?WATCH={\"enable\":true,\"json\":true,\"device\":\"/dev/a\\\"\\\\\"};\n");
    connect_raw(&s, r, 0,
                "?WATCH={\"enable\":true,\"json\":false,\"raw\":2,\"device\":\"/dev/a\\\"\\\\\"};\n");
    say(&s, TPV); /* of /dev/a */
    assert_int_equal(next(r, 1, &report), 0);
    r->ops->close(r);
    stop(&s);
}

/* A server that floods: the event loop gets its turn after a bounded number of messages, and again at once.
 */
static void test_flood(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    char command[300];
    int reports = 0, turns = 0, cut_short = 0;

    (void)state;
    connect_up(&s, r, 0, command, sizeof(command));
    for (int i = 0; i < 500; i++)
        say(&s, TPV "junk\n");
    for (int in_turn = 0; reports < 500 && turns < 1000; turns++, in_turn = 0) {
        while (r->ops->read(r, 1, &report))
            in_turn++;
        reports += in_turn;
        if (r->ops->deadline(r) > 1)
            poll(NULL, 0, 1);
        assert_in_range(in_turn, 0, 64);
        cut_short += r->ops->deadline(r) <= 1;
    }
    assert_int_equal(reports, 500);
    assert_true(cut_short >= 5); /* unless the stream itself made a pause */
    r->ops->close(r);
    stop(&s);
}

static void test_gone_and_back(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    char command[300];
    int64_t now = 100 * NS_PER_S;

    (void)state;
    for (int i = 0; i < 2; i++) {
        connect_up(&s, r, now, command, sizeof(command));
        connect_raw(&s, r, now, RAW_COMMAND);
        hang_up(&s.client);
        assert_int_equal(next(r, now, &report), 1);
        assert_int_equal(report.link, RECEIVER_LINK_DOWN);
        assert_string_equal(r->problem, "gpsd has closed the connection");
        assert_int_equal(report_fd(r), -1);
        assert_int_equal(r->ops->deadline(r), now + NS_PER_S / 2);
        assert_int_equal(r->ops->read(r, now + NS_PER_S / 2 - 1, &report), 0);
        assert_int_equal(report_fd(r), -1);
        assert_int_equal(recv(s.raw, command, sizeof(command), MSG_DONTWAIT), 0); /* closed with it */
        hang_up(&s.raw);
        now += NS_PER_S / 2;
    }
    r->ops->close(r);
    stop(&s);
}

/* The receiver's own bytes, among others: as reports, beside those of gpsd. */
static void test_raw(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    uint8_t frame[UBX_SAMPLE_MAX];
    char command[300];
    size_t len;

    (void)state;
    connect_up(&s, r, 0, command, sizeof(command));
    connect_raw(&s, r, 0, RAW_COMMAND);

    put(s.raw, "$GPZDA,235959.00,21,11,2025,00,00*68\r\n", 38);
    len = ubx_sample_frame(frame, &ubx_samples[5]);
    put(s.raw, frame, len - 1);
    assert_int_equal(next(r, 1, &report), 0);
    say(&s, TPV); /* between two halves of a frame */
    assert_int_equal(next(r, 2, &report), 1);
    assert_true(report.has_time && !report.has_sawtooth);
    put(s.raw, frame + len - 1, 1);
    assert_int_equal(next(r, 3, &report), 1);
    assert_int_equal(report.arrival_ns, 3);
    assert_int_equal(report.link, RECEIVER_LINK_UP);
    assert_true(report.has_sawtooth && report.sawtooth_ns == 4.321);
    assert_int_equal(report.satellites_used, -1);
    assert_false(report.has_fix || report.has_time);

    for (size_t i = 0; i < UBX_SAMPLES; i++) /* several at once */
        put(s.raw, frame, ubx_sample_frame(frame, &ubx_samples[i]));
    for (size_t i = 0; i < UBX_SAMPLES; i++)
        assert_int_equal(next(r, 4, &report), 1);
    assert_int_equal(report.spoofing, THREAT_NONE);
    assert_int_equal(next(r, 4, &report), 0);
    assert_int_equal(r->malformed, 0);

    frame[10] ^= 1;
    put(s.raw, frame, ubx_samples[UBX_SAMPLES - 1].len + UBX_OVERHEAD);
    put(s.raw, frame, ubx_frame(frame, 0x27, 0x09, ubx_samples[7].payload, 3));
    assert_int_equal(next(r, 5, &report), 0);
    assert_int_equal(r->malformed, 2);
    assert_int_equal(r->ops->deadline(r), INT64_MAX);
    r->ops->close(r);
    stop(&s);
}

/* Refused, lost, or never answered: the reports go on, nobody is told, and it is tried again with back-off.
 */
static void test_raw_refused(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    char command[300];
    int64_t now = 7 * NS_PER_S;

    (void)state;
    connect_up(&s, r, now, command, sizeof(command));
    for (int halves = 1; halves <= 64; halves *= 2) {
        bool refused = halves % 3 == 1;

        assert_int_equal(next(r, now, &report), 0);
        s.raw = accept(s.listener, NULL, NULL);
        assert_int_equal(r->ops->deadline(r), now + 5 * NS_PER_S);
        if (refused)
            hang_up(&s.raw);
        else
            now += 5 * NS_PER_S;
        assert_int_equal(next(r, now, &report), 0);
        assert_int_equal(r->ops->deadline(r), now + (halves < 16 ? halves : 16) * NS_PER_S / 2);
        hang_up(&s.raw);
        say(&s, TPV);
        assert_int_equal(next(r, now, &report), 1);
        assert_true(report.has_time);
        now += 8 * NS_PER_S;
    }
    connect_raw(&s, r, now, RAW_COMMAND); /* at last */
    assert_int_equal(r->ops->deadline(r), INT64_MAX);
    hang_up(&s.raw);
    assert_int_equal(next(r, now, &report), 0);
    assert_int_equal(r->ops->deadline(r), now + NS_PER_S / 2);
    assert_string_equal(r->problem, "");
    assert_int_equal(r->malformed, 0);
    r->ops->close(r);
    stop(&s);
}

/* gpsd's own reading of the pulse: with the receiver's qErr for it, which 0 is not the absence of. */
static void test_pps(void **state)
{
#define PPS(real, more)                                                                                      \
    "{\"class\":\"PPS\",\"device\":\"/dev/a\",\"real_sec\":" real                                            \
    ",\"real_nsec\":0,\"clock_sec\":1763765821,\"clock_nsec\":9,\"precision\":-20" more "}\n"
    static const struct {
        const char *line;
        bool says;
        double sawtooth_ns;
        unsigned malformed;
    } cases[] = {
        {PPS("1763765821", ",\"qErr\":-4321"), false, 0, 0}, /* the leap seconds are not known yet */
        {"{\"class\":\"TPV\",\"mode\":3,\"leapseconds\":18}\n", true, 0, 0},
        {PPS("1763765821", ",\"qErr\":-4321"), true, 4.321, 0},
        {PPS("1763765821", ",\"qErr\":7900"), true, -7.9, 0},
        {PPS("1763765821", ",\"qErr\":0"), true, 0, 0},
        {PPS("1763765821", ""), false, 0, 0},
        {PPS("1763765821", ",\"qErr\":100001"), false, 0, 1},
        {PPS("1763765821", ",\"qErr\":-100001"), false, 0, 2},
        {PPS("1", ",\"qErr\":1"), false, 0, 3},
    };
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    char command[300];

    (void)state;
    connect_up(&s, r, 0, command, sizeof(command));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        say(&s, cases[i].line);
        assert_int_equal(next(r, 1, &report), cases[i].says);
        assert_int_equal(r->malformed, cases[i].malformed);
        if (!cases[i].says || i == 1)
            continue;
        assert_true(report.has_sawtooth && !report.has_fix && !report.has_time);
        assert_int_equal(report.sawtooth_tai_s, TPV_UTC + 37);
        assert_true(report.sawtooth_ns == cases[i].sawtooth_ns);
    }
    r->ops->close(r);
    stop(&s);
}

static void test_back_off(void **state)
{
    static const int halves[] = {1, 2, 4, 8, 16, 16, 16};
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    int64_t now = 7 * NS_PER_S;

    (void)state;
    stop(&s); /* nobody listens */
    for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
        assert_int_equal(next(r, now, &report), 0); /* it was never up: no report of its loss */
        assert_string_equal(r->problem, "connection refused: gpsd is not running there");
        assert_int_equal(r->ops->deadline(r), now + halves[i] * NS_PER_S / 2);
        now = r->ops->deadline(r);
    }
    r->ops->close(r);
}

static void test_bad_greetings(void **state)
{
    static const struct {
        const char *greeting, *problem;
        int64_t wait_ns;
    } cases[] = {
        {"{\"class\":\"VERSION\",\"release\":\"9\",\"rev\":\"9\",\"proto_major\":9,\"proto_minor\":1}\n",
         "gpsd speaks protocol 9, not 3", 0},
        {VERSION "{\"class\":\"ERROR\",\"message\":\"No such device\"}\n", "gpsd says: No such device", 0},
        {"", "gpsd does not answer", 5 * NS_PER_S},
        {VERSION, "gpsd does not answer", 5 * NS_PER_S},
        {"220 mail.example ESMTP\r\n", "gpsd does not answer", 5 * NS_PER_S},
        {TPV, "gpsd does not answer", 5 * NS_PER_S},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server s = serve();
        struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
        struct receiver_report report;
        int64_t now = 3 * NS_PER_S;

        assert_int_equal(r->ops->read(r, now, &report), 0);
        s.client = accept(s.listener, NULL, NULL);
        say(&s, cases[i].greeting);
        assert_int_equal(next(r, now + cases[i].wait_ns, &report), 0);
        assert_string_equal(r->problem, cases[i].problem);
        r->ops->close(r);
        stop(&s);
    }
}

static void test_unknown_host(void **state)
{
    struct receiver *r = receiver_gpsd_open("127.0.0.1", "no-such-service", "");
    struct receiver_report report;

    (void)state;
    assert_int_equal(r->ops->read(r, 1, &report), 0);
    assert_non_null(strstr(r->problem, "host or port not known"));
    assert_int_equal(r->ops->deadline(r), INT64_MAX);
    r->ops->close(r);
}

/* Messages mutated at random: nothing breaks, and no label outside of this century comes through. */
static void test_mutations(void **state)
{
    struct server s = serve();
    struct receiver *r = receiver_gpsd_open("127.0.0.1", s.port, "");
    struct receiver_report report;
    unsigned seed = (unsigned)time(NULL);
    char command[300];

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    connect_up(&s, r, 0, command, sizeof(command));
    for (int i = 0; i < 3000; i++) {
        char text[] = TPV "{\"class\":\"SKY\",\"satellites\":[{\"PRN\":1,\"used\":true},{\"PRN\":2}]}\n";

        for (int n = rand() % 5; n >= 0; n--)
            text[10 + (size_t)rand() % (sizeof(text) - 12)] =
                rand() % 2 ? (char)(32 + rand() % 95) : "\"{}[]:,09\n"[rand() % 10];
        say(&s, text);
        while (r->ops->read(r, 1, &report))
            if (report.has_time)
                assert_in_range(report.utc_s, 1704067200, 4102444800);
        if (report_fd(r) < 0)
            fail_msg("connection lost: %s", r->problem);
    }
    r->ops->close(r);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),     cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_pieces),       cmocka_unit_test(test_device),
        cmocka_unit_test(test_flood),        cmocka_unit_test(test_gone_and_back),
        cmocka_unit_test(test_back_off),     cmocka_unit_test(test_bad_greetings),
        cmocka_unit_test(test_unknown_host), cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_raw),          cmocka_unit_test(test_raw_refused),
        cmocka_unit_test(test_pps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
