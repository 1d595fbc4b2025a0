/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints what the gpsd driver reports, one line each, until its input ends:
 *   up | down PROBLEM | report fix=F utc=S used=N visible=N leap=N antenna=N jamming=N spoofing=N tai=S
 *   accuracy=NS sawtooth_tai=S sawtooth_ps=PS leap_known=B leap_step=N leap_utc=S at=NS malformed=N
 * fix -1, utc and tai 0 where the message says none; at is CLOCK_REALTIME. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "gnss/clock_ns.h"
#include "gnss/receiver.h"

static bool says_something(const struct receiver_report *r)
{
    return r->has_fix || r->has_time || r->satellites_used >= 0 || r->gps_minus_utc_s > 0 || r->antenna ||
           r->jamming || r->spoofing || r->has_tai || r->time_accuracy_ns > 0 || r->has_sawtooth ||
           r->has_leap;
}

static void print(const struct receiver *receiver, const struct receiver_report *r)
{
    if (r->link == RECEIVER_LINK_DOWN)
        printf("down %s\n", receiver->problem);
    else if (!says_something(r))
        printf("up\n");
    else
        printf("report fix=%d utc=%" PRId64 " used=%d visible=%d leap=%d antenna=%d jamming=%d spoofing=%d "
               "tai=%" PRId64 " accuracy=%.0f sawtooth_tai=%" PRId64 " sawtooth_ps=%.0f leap_known=%d "
               "leap_step=%d leap_utc=%" PRId64 " at=%" PRId64 " malformed=%" PRIu64 "\n",
               r->has_fix ? (int)r->fix : -1, r->has_time ? r->utc_s : 0, r->satellites_used,
               r->satellites_visible, r->gps_minus_utc_s, (int)r->antenna, (int)r->jamming, (int)r->spoofing,
               r->has_tai ? r->tai_s : 0, r->time_accuracy_ns, r->has_sawtooth ? r->sawtooth_tai_s : 0,
               r->sawtooth_ns * 1000, r->has_leap, r->leap_step_s, r->leap_utc_s, clock_ns(CLOCK_REALTIME),
               receiver->malformed);
    fflush(stdout);
}

static int timeout_ms(struct receiver *r)
{
    int64_t due = r->ops->deadline(r), now = clock_ns(CLOCK_MONOTONIC);

    if (due == INT64_MAX)
        return -1;
    return due <= now ? 0 : (int)((due - now) / 1000000 + 1);
}

int main(int argc, char **argv)
{
    struct receiver *r;
    struct receiver_report report;
    struct pollfd polled[1 + RECEIVER_FDS] = {
        {.fd = 0, .events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};
    int fds[RECEIVER_FDS];

    if (argc < 3) {
        fprintf(stderr, "usage: receiver_probe HOST PORT [DEVICE]\n");
        return 2;
    }
    r = receiver_gpsd_open(argv[1], argv[2], argc > 3 ? argv[3] : "");
    if (!r)
        return 1;
    while (!polled[0].revents) {
        while (r->ops->read(r, clock_ns(CLOCK_MONOTONIC), &report))
            print(r, &report);
        r->ops->fds(r, fds);
        for (int i = 0; i < RECEIVER_FDS; i++)
            polled[1 + i].fd = fds[i];
        poll(polled, 1 + RECEIVER_FDS, timeout_ms(r));
    }
    r->ops->close(r);
    return 0;
}
