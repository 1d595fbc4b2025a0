/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target of the UBX parser: the same is said however the stream is cut, and nothing that a reader
 * could not bear. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "gnss/ubx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_ubx: %s\n", what);
    abort();
}

static void require_bearable(const struct receiver_report *r)
{
    require(!r->has_fix && !r->has_time && r->satellites_used == -1 && r->satellites_visible == -1,
            "what gpsd says is said");
    require(r->antenna <= ANTENNA_FAULT && r->jamming <= THREAT_CRITICAL && r->spoofing <= THREAT_CRITICAL,
            "not of the enumeration");
    require(r->gps_minus_utc_s >= 0 && r->gps_minus_utc_s <= 127, "leap seconds");
    require(r->has_tai ? r->tai_s >= RECEIVER_UTC_MIN_S && r->tai_s <= RECEIVER_UTC_MAX_S : r->tai_s == 0,
            "TAI");
    require(r->time_accuracy_ns >= 0 && r->time_accuracy_ns <= UINT32_MAX, "accuracy");
    require(fabs(r->sawtooth_ns) <= 100, "sawtooth");
    require(r->has_sawtooth || (r->sawtooth_tai_s == 0 && r->sawtooth_ns == 0), "sawtooth is not said");
    require(r->leap_step_s >= -1 && r->leap_step_s <= 1, "leap step");
    require((r->leap_step_s != 0) == (r->leap_utc_s != 0) && r->leap_utc_s % 86400 == 0,
            "leap at no midnight");
    require(r->has_leap || r->leap_step_s == 0, "leap is not said");
}

/* Every field of every report, so that two runs can be compared. */
struct digest {
    uint64_t reports, hash;
};

static void add(struct digest *d, int64_t value)
{
    d->hash = (d->hash ^ (uint64_t)value) * 1099511628211u; /* FNV-1a's prime */
}

static void digest(struct digest *d, const struct receiver_report *r)
{
    const int64_t values[] = {r->antenna,
                              r->jamming,
                              r->spoofing,
                              r->gps_minus_utc_s,
                              r->has_tai,
                              r->tai_s,
                              r->has_leap,
                              r->leap_step_s,
                              r->leap_utc_s,
                              r->has_sawtooth,
                              r->sawtooth_tai_s,
                              llround(r->sawtooth_ns * 1000),
                              llround(r->time_accuracy_ns)};

    d->reports++;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        add(d, values[i]);
}

/* In pieces of 1 to most bytes. */
static struct digest run(struct ubx *u, const uint8_t *data, size_t size, size_t most)
{
    static const struct receiver_report nothing = {
        .link = RECEIVER_LINK_UP, .satellites_used = -1, .satellites_visible = -1};
    struct receiver_report report = nothing;
    struct digest d = {0};

    ubx_init(u);
    for (size_t at = 0, piece; at < size; at += piece) {
        const uint8_t *next = data + at;
        size_t left;

        piece = 1 + data[at] % most;
        piece = piece < size - at ? piece : size - at;
        for (left = piece; ubx_next(u, &next, &left, &report); report = nothing) {
            require_bearable(&report);
            digest(&d, &report);
        }
        require(left == 0 && next == data + at + piece, "bytes are left over");
        require(u->len < sizeof(u->frame), "the frame is full");
    }
    require(u->frames >= d.reports, "more is said than was whole");
    return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ubx whole, pieces;
    struct digest a = run(&whole, data, size, 256), b = run(&pieces, data, size, 3);

    require(a.reports == b.reports && a.hash == b.hash, "what is said depends on the cut");
    require(whole.frames == pieces.frames && whole.overlong == pieces.overlong &&
                whole.checksum_errors == pieces.checksum_errors && whole.refused == pieces.refused &&
                whole.undated == pieces.undated && whole.len == pieces.len,
            "counters depend on the cut");
    return 0;
}
