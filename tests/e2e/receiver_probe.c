/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints what the gpsd driver reports, one line each, until its input ends:
 *   up | down PROBLEM | report fix=F utc=S used=N visible=N leap=N antenna=N at=NS malformed=N
 * fix -1 and utc 0 where the message says none; at is CLOCK_REALTIME. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "gnss/clock_ns.h"
#include "gnss/receiver.h"

static void print(const struct receiver *r, const struct receiver_report *report)
{
    if (report->link == RECEIVER_LINK_DOWN)
        printf("down %s\n", r->problem);
    else if (!report->has_fix && !report->has_time && report->satellites_used < 0)
        printf("up\n");
    else
        printf("report fix=%d utc=%" PRId64 " used=%d visible=%d leap=%d antenna=%d at=%" PRId64
               " malformed=%" PRIu64 "\n",
               report->has_fix ? (int)report->fix : -1, report->has_time ? report->utc_s : 0,
               report->satellites_used, report->satellites_visible, report->gps_minus_utc_s,
               (int)report->antenna, clock_ns(CLOCK_REALTIME), r->malformed);
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
    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.events = POLLIN}};

    if (argc < 3) {
        fprintf(stderr, "usage: receiver_probe HOST PORT [DEVICE]\n");
        return 2;
    }
    r = receiver_gpsd_open(argv[1], argv[2], argc > 3 ? argv[3] : "");
    if (!r)
        return 1;
    while (!fds[0].revents) {
        while (r->ops->read(r, clock_ns(CLOCK_MONOTONIC), &report))
            print(r, &report);
        fds[1].fd = r->ops->fd(r);
        poll(fds, 2, timeout_ms(r));
    }
    r->ops->close(r);
    return 0;
}
