/* SPDX-License-Identifier: BSD-2-Clause */
/* gpsd's raw stream; see gpsd_raw.h. gpsd 3.22 passes whole packets of a protocol it knows, byte for byte;
 * its greeting goes before them, in which there is no UBX. */
#include "gnss/gpsd_raw.h"

void gpsd_raw_init(struct gpsd_raw *r, const struct gpsd_link *like)
{
    r->link = *like;
    r->asked = false;
    ubx_init(&r->ubx);
}

void gpsd_raw_stop(struct gpsd_raw *r, int64_t now_ns)
{
    gpsd_link_lost(&r->link, now_ns);
    r->asked = false;
    r->ubx.len = 0;
    r->ubx.gps_minus_utc_s = 0; /* it may be another receiver next time */
}

/* Parses what has been read. */
static bool next_message(struct gpsd_raw *r, struct receiver_report *report)
{
    const uint8_t *data = (const uint8_t *)r->link.buffer + r->link.start;
    size_t len = r->link.end - r->link.start;
    bool says = ubx_next(&r->ubx, &data, &len, report);

    r->link.start = r->link.end - len;
    return says;
}

/* gpsd speaks first; what it says after the request makes the link. */
static bool answered(struct gpsd_raw *r, const char *device)
{
    if (r->asked) {
        gpsd_link_is_up(&r->link);
        return true;
    }
    r->asked = gpsd_link_watch(&r->link, "\"json\":false,\"raw\":2", device);
    return r->asked;
}

int gpsd_raw_read(struct gpsd_raw *r, const char *device, int64_t now_ns, unsigned *budget,
                  struct receiver_report *report)
{
    char problem[160];

    gpsd_link_connect(&r->link, now_ns, problem, sizeof(problem));
    for (; r->link.fd >= 0 && *budget > 0; (*budget)--) {
        int filled;

        if (next_message(r, report))
            return 1;
        filled = gpsd_link_fill(&r->link, problem, sizeof(problem));
        if (filled == 0)
            break;
        if (filled < 0 || !answered(r, device))
            gpsd_raw_stop(r, now_ns);
    }
    if (r->link.fd >= 0 && !r->link.up && now_ns >= r->link.due_ns)
        gpsd_raw_stop(r, now_ns);
    return 0;
}

int64_t gpsd_raw_deadline(const struct gpsd_raw *r)
{
    return r->link.up ? INT64_MAX : r->link.due_ns;
}
