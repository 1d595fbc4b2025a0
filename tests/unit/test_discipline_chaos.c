/* SPDX-License-Identifier: BSD-2-Clause */
/* The discipline under random events, thousands of seeds: what may never happen, and what must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tests/unit/discipline_rig.h"

#ifdef SANITIZED
#define SEEDS 50 /* for memory, not for luck */
#else
#define SEEDS 200
#endif
#define EVENTS     40
#define RECOVERY_S 1800
#define SLEW_PPB   5000

#define CHECK(seed, r, condition)                                                                            \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail_msg("seed %d, %lld s, %s (%s): %s", (int)(seed), (long long)((r)->now_ns / NS_PER_S),       \
                     discipline_state_name((r)->d.status.state), (r)->d.status.why, #condition);             \
    } while (0)

static double between(struct rig *r, double low, double high)
{
    return low + (high - low) * rig_uniform(r);
}

/* One random event. */
static void disturb(struct rig *r)
{
    switch ((int)between(r, 0, 11)) {
    case 0:
        r->pulses = !r->pulses;
        break;
    case 1:
        r->usable = !r->usable;
        break;
    case 2:
        r->outlier_ns = (int64_t)between(r, -5e8, 5e8);
        break;
    case 3:
        r->outlier_ns = (int64_t)between(r, -3e5, 3e5);
        break;
    case 4: /* somebody sets the clock */
        r->whole_ns += (int64_t)between(r, -100e9, 100e9);
        break;
    case 5:
        r->whole_ns += (int64_t)between(r, 10, 1000) * (rig_uniform(r) < 0.5 ? -1 : 1) * 1000;
        break;
    case 6:
        r->misread_ns = (int64_t)between(r, 0, 3e7);
        break;
    case 7: /* another receiver delay */
        r->shift_ns = (int64_t)between(r, -5e3, 5e3);
        break;
    case 8:
        r->freq_ppb += between(r, -1000, 1000);
        break;
    case 9:
        r->suspect = !r->suspect;
        break;
    default: /* all well for a while */
        r->pulses = r->usable = true;
        r->suspect = false;
        r->shift_ns = 0;
    }
}

static void check_quality(struct rig *r, int seed, bool locked_before)
{
    const struct discipline_quality q = discipline_quality(&r->d);
    const uint8_t clock_class = q.clock_quality.clock_class;
    const bool in_spec = clock_class == 6 || clock_class == 7;
    static const struct {
        uint8_t one, other;
    } allowed[] = {
        [DISCIPLINE_FREE_RUN] = {248, 248},  [DISCIPLINE_ACQUIRING] = {248, 248},
        [DISCIPLINE_LOCKED] = {6, 6},        [DISCIPLINE_FROZEN] = {6, 6},
        [DISCIPLINE_HOLDOVER_IN] = {7, 7},   [DISCIPLINE_HOLDOVER_OUT] = {187, 187},
        [DISCIPLINE_REACQUIRING] = {7, 187},
    };
    const enum discipline_state s = r->d.status.state;

    CHECK(seed, r, clock_class == allowed[s].one || clock_class == allowed[s].other);
    CHECK(seed, r, q.time_traceable == in_spec && q.frequency_traceable == in_spec);
    CHECK(seed, r, (q.clock_quality.offset_scaled_log_variance != 0xFFFF) == in_spec);
    CHECK(seed, r, !locked_before || q.may_serve);
    CHECK(seed, r, !locked_before || (s != DISCIPLINE_FREE_RUN && s != DISCIPLINE_ACQUIRING));
}

/* One second and all that must hold after it. */
static void checked_second(struct rig *r, int seed)
{
    const bool locked_before = r->d.status.locked_first_ns != INT64_MIN;
    const unsigned steps = r->steps;
    const uint64_t jumps = r->d.status.jumps;
    const bool undoing = r->d.undo_pulses > 0;

    rig_second(r);
    /* after the first lock a step is the inverse of somebody else's, or the little that was left of it */
    if (locked_before && r->steps > steps) {
        const uint64_t jumped = r->d.status.jumps - jumps;
        const bool inverse = r->last_step_ns == -r->d.status.last_jump_ns;
        const bool rest = llabs(r->last_step_ns) <= r->d.config.jump_threshold_ns;
        CHECK(seed, r, r->steps - steps <= jumped + undoing);
        CHECK(seed, r, (jumped && inverse) || (undoing && rest));
    }
    CHECK(seed, r, fabs(r->control_ppb) <= r->d.config.max_freq_ppb);
    CHECK(seed, r, isfinite(r->control_ppb) && isfinite(r->d.status.bound_ns) && r->d.status.bound_ns > 0);
    CHECK(seed, r, isfinite(estimator_phase(&r->d.estimator)) && isfinite(estimator_freq(&r->d.estimator)));
    CHECK(seed, r, !r->d.estimator.started || r->d.estimator.bank.phase_variance > 0);
    CHECK(seed, r, r->d.status.bound999_ns >= r->d.status.bound_ns);
    CHECK(seed, r, r->d.status.freq_ppb == r->control_ppb);
    check_quality(r, seed, locked_before);
}

/* All is well again. Seconds until locked: soon, or, where several events within a second or two hid a step
 * of milliseconds from the watch, as long as slewing takes. Whole seconds are never lost. */
static int recover(struct rig *r, int seed)
{
    r->pulses = r->usable = true;
    r->suspect = false;
    r->shift_ns = 0;
    for (int t = 0; t < 60; t++)
        checked_second(r, seed);
    CHECK(seed, r, fabs(rig_error(r)) < 3e8);
    const int limit = 1000 + (int)(fabs(rig_error(r)) / (SLEW_PPB * 0.95));
    int t = 0;
    while (t < limit && (r->d.status.state != DISCIPLINE_LOCKED || t < 300)) {
        checked_second(r, seed);
        t++;
    }
    CHECK(seed, r, r->d.status.state == DISCIPLINE_LOCKED);
    CHECK(seed, r, fabs(rig_error(r)) < 300);
    return t + 60;
}

static void test_chaos(void **state)
{
    (void)state;
    unsigned entered[DISCIPLINE_REACQUIRING + 1] = {0}, slow = 0;
    for (int seed = 1; seed <= SEEDS; seed++) {
        struct rig r;
        struct discipline_config config = discipline_defaults();
        config.max_slew_ppb = SLEW_PPB;
        rig_init(&r, &config, seed % 2 ? oscillator_nic : oscillator_ocxo, (uint64_t)seed);
        r.ticks = seed % 3 ? 1 : 5;
        for (int event = 0; event < EVENTS; event++) {
            disturb(&r);
            for (int t = (int)between(&r, 0, 40); t > 0; t--) {
                checked_second(&r, seed);
                entered[r.d.status.state]++;
            }
        }
        slow += recover(&r, seed) > RECOVERY_S;
    }
    assert_true(slow <= SEEDS / 100);
    for (int s = 0; s <= DISCIPLINE_REACQUIRING; s++) /* or the events were too tame */
        assert_true(entered[s] > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chaos)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
