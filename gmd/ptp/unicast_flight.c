/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/unicast_flight.h"

static struct flight *at(struct flights *f, uint32_t count)
{
    return &f->ring[count % FLIGHTS];
}

struct flight *flight_begin(struct flights *f, enum flight_kind kind, int64_t now_ns, struct flight *lost)
{
    struct flight *flight = at(f, f->next);
    *lost = *flight;
    if (f->next - f->oldest == FLIGHTS)
        f->oldest++;
    *flight = (struct flight){
        .kind = (uint8_t)kind, .waiting = true, .token = f->next | FLIGHT_TOKEN, .sent_ns = now_ns};
    f->next++;
    return flight;
}

enum pending_result flight_take(struct flights *f, uint32_t token, struct flight *flight)
{
    struct flight *found = at(f, token);
    if (found->token != token)
        return PENDING_UNKNOWN;
    *flight = *found;
    found->waiting = found->given_up = false;
    if (flight->waiting)
        return PENDING_TAKEN;
    return flight->given_up ? PENDING_LATE : PENDING_DUPLICATED;
}

bool flight_forget(struct flights *f, uint32_t token)
{
    struct flight *found = at(f, token);
    bool waiting = found->waiting && found->token == token;
    if (waiting)
        *found = (struct flight){.token = 0};
    return waiting;
}

bool flight_expire(struct flights *f, int64_t now_ns, int64_t timeout_ns, struct flight *flight)
{
    while (f->oldest != f->next) {
        struct flight *oldest = at(f, f->oldest);
        if (oldest->waiting && now_ns - oldest->sent_ns < timeout_ns)
            return false;
        f->oldest++;
        if (!oldest->waiting)
            continue;
        *flight = *oldest;
        oldest->waiting = false;
        oldest->given_up = true;
        return true;
    }
    return false;
}

int64_t flight_deadline(const struct flights *f, int64_t timeout_ns)
{
    const struct flight *oldest = &f->ring[f->oldest % FLIGHTS];
    return f->oldest == f->next ? INT64_MAX : oldest->sent_ns + timeout_ns;
}
