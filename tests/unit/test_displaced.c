/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock that somebody else's frequency has moved, by too little to be stepped back: who is told is right
 * again with the next pulses, LOCKED throughout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tests/unit/discipline_rig.h"

#define SECONDS 60

static struct rig *displaced(const struct oscillator oscillator, uint64_t seed, double by_ns)
{
    struct rig *r = malloc(sizeof *r);
    const struct discipline_config config = discipline_defaults();

    assert_non_null(r);
    rig_init(r, &config, oscillator, seed);
    rig_seconds(r, 1200);
    assert_int_equal(r->d.status.state, DISCIPLINE_LOCKED);
    r->phase_ns += by_ns;
    return r;
}

static void test_told(void **state)
{
    static const struct oscillator *const oscillators[] = {&oscillator_nic, &oscillator_ocxo};
    static const double wrong_ns[] = {-300, 0, 300}; /* of what is told */

    (void)state;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++)
            for (int sign = -1; sign <= 1; sign += 2) {
                struct rig *r = displaced(*oscillators[i], 7, sign * 400);
                const uint64_t outliers = r->d.status.outliers;
                discipline_displaced(&r->d, sign * 400 + wrong_ns[k], 500);
                for (int s = 0; s < SECONDS; s++) {
                    rig_second(r);
                    assert_int_equal(r->d.status.state, DISCIPLINE_LOCKED);
                }
                assert_int_equal(r->d.status.outliers, outliers);
                assert_true(fabs(rig_error(r)) < 100);
                assert_int_equal(r->steps, 1); /* the first, before the lock */
                free(r);
            }
}

/* Without a word, pulses that are all off look like a receiver that leads away. */
static void test_not_told(void **state)
{
    struct rig *r = displaced(oscillator_ocxo, 7, 400);
    const uint64_t outliers = r->d.status.outliers;

    (void)state;
    rig_seconds(r, 10);
    assert_true(r->d.status.outliers > outliers);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
