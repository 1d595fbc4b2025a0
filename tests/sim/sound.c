/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the rules of a simulation meet the test framework. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "tests/sim/fleet.h"

void fleet_assert_sound(const struct fleet *f)
{
    if (f->world.violation[0])
        fail_msg("seed %" PRIu64 ", %s", f->world.seed, f->world.violation);
}

void fleet_check(const struct fleet *f, const char *what, int64_t value, int64_t least, int64_t most)
{
    if (value < least || value > most)
        fail_msg("seed %" PRIu64 ", at %.6f s: %s is %" PRId64 ", not within %" PRId64 "..%" PRId64,
                 f->world.seed, (double)world_now_ns(&f->world) / NS_PER_S, what, value, least, most);
}
