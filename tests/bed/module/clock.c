// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* A clock as phase and rate over CLOCK_MONOTONIC_RAW; no rounding is lost from one change to the next. */
#include "bed.h"
#include <linux/math64.h>

#define PPM_FRACTION 16 /* the kernel's scaled_ppm: 2^-16 ppm */

static s64 rate(const struct clock_model *c)
{
    s64 both = (s64)(((__int128)c->oscillator * c->adjustment) >> RATE_SHIFT);

    return c->oscillator + c->adjustment + both;
}

static __int128 phase_at(const struct clock_model *c, s64 raw_ns)
{
    __int128 passed = raw_ns - c->raw0;

    return c->phase + (passed << RATE_SHIFT) + passed * rate(c);
}

s64 clock_at(const struct clock_model *c, s64 raw_ns)
{
    return (s64)(phase_at(c, raw_ns) >> RATE_SHIFT);
}

static void advance(struct clock_model *c, s64 raw_ns)
{
    c->phase = phase_at(c, raw_ns);
    c->raw0 = raw_ns;
}

void clock_set(struct clock_model *c, s64 raw_ns, s64 shown_ns)
{
    c->raw0 = raw_ns;
    c->phase = (__int128)shown_ns << RATE_SHIFT;
}

void clock_shift(struct clock_model *c, s64 raw_ns, s64 delta_ns)
{
    advance(c, raw_ns);
    c->phase += (__int128)delta_ns << RATE_SHIFT;
}

static s64 rate_of(s64 value, u64 per_second)
{
    u64 size = value < 0 ? -(u64)value : (u64)value;
    s64 result = (s64)mul_u64_u64_div_u64(size, 1ull << RATE_SHIFT, per_second);

    return value < 0 ? -result : result;
}

s64 rate_of_ppt(s64 ppt)
{
    return rate_of(ppt, 1000000000000ull);
}

void clock_adjust(struct clock_model *c, s64 raw_ns, s64 scaled_ppm)
{
    advance(c, raw_ns);
    c->adjustment = rate_of(scaled_ppm, 1000000ull << PPM_FRACTION);
}

void clock_oscillate(struct clock_model *c, s64 raw_ns, s64 oscillator)
{
    advance(c, raw_ns);
    c->oscillator = oscillator;
}
