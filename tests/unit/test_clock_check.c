/* SPDX-License-Identifier: BSD-2-Clause */
/* What the PHC driver finds of what somebody else did to its clock, on a scripted device: looked at twice a
 * second, everything within two. */
#include "tests/unit/phc_rig.h"

#include "gmd/clock/common.h"

#define LOOK_NS (NS_PER_S / 2)

static int fresh(void **state)
{
    (void)state;
    rig_reset();
    rig.oscillator_ppb = -25000;
    return 0;
}

static struct clock *settled(void)
{
    struct clock *c = rig_open();
    struct clock_finding f;
    assert_int_equal(c->ops->adjust(c, 25000), 0);
    for (int i = 0; i < 20; i++) {
        rig_pass(LOOK_NS);
        assert_int_equal(c->ops->check(c, &f), 0);
        assert_int_equal(f.trouble, CLOCK_WELL);
    }
    return c;
}

/* Looks until something is found; after how long, ns; -1: nothing within 10 s. */
static int64_t until_found(struct clock *c, struct clock_finding *f)
{
    for (int i = 1; i <= 20; i++) {
        rig_pass(LOOK_NS);
        if (c->ops->check(c, f) > 0)
            return i * LOOK_NS;
    }
    return -1;
}

static void jumps(void **state)
{
    static const struct {
        int64_t jump_ns;
        enum clock_trouble trouble;
    } cases[] = {
        {37 * NS_PER_S, CLOCK_JUMPED},     {10000, CLOCK_JUMPED},        {-20000, CLOCK_JUMPED},
        {-37 * NS_PER_S, CLOCK_BACKWARDS}, {-START_NS, CLOCK_BACKWARDS}, /* to the epoch */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct clock_finding f;
        fresh(NULL);
        struct clock *c = settled();
        rig_set_phc(rig_phc_ns() + cases[i].jump_ns);
        const int64_t after_ns = until_found(c, &f);
        assert_in_range(after_ns, 1, 2 * NS_PER_S);
        assert_int_equal(f.trouble, cases[i].trouble);
        assert_in_range(llabs(f.displaced_ns - cases[i].jump_ns), 0, 1000);
        assert_int_equal(until_found(c, &f), -1); /* told once */
        c->ops->close(c);
    }
}

/* A driver that was reset: time of the system clock, no correction, and nothing that the kernel would tell.
 */
static void a_reset_of_the_driver(void **state)
{
    struct clock_finding f;
    (void)state;
    struct clock *c = settled();
    rig_set_phc(rig_realtime_ns());
    rig.freq_ppb = 0;
    assert_in_range(until_found(c, &f), 1, 2 * NS_PER_S);
    assert_int_equal(f.trouble, CLOCK_BACKWARDS);
    assert_true(fabs(rig.freq_ppb - 25000) < 0.01); /* set again */
    c->ops->close(c);
}

static void a_lost_correction(void **state)
{
    struct clock_finding f;
    (void)state;
    struct clock *c = settled();
    rig_rebase();
    rig.freq_ppb = 0;
    assert_in_range(until_found(c, &f), 1, 2 * NS_PER_S);
    assert_true(fabs(rig.freq_ppb - 25000) < 0.01);
    assert_true(f.trouble == CLOCK_JUMPED || f.trouble == CLOCK_RATE);
    if (f.trouble == CLOCK_JUMPED) /* what was lost until it was set again */
        assert_in_range(llabs(f.displaced_ns + 12500), 0, 1000);
    c->ops->close(c);
}

static void steered_by_somebody_else(void **state)
{
    struct clock_finding f;
    (void)state;
    struct clock *c = settled();
    rig_rebase();
    rig.freq_ppb = rig.told_ppb = 20000;
    assert_int_equal(until_found(c, &f), LOOK_NS);
    assert_int_equal(f.trouble, CLOCK_STEERED);
    assert_true(fabs(f.rate_ppb + 5000) < 0.02);
    assert_non_null(strstr(f.what, "was +2000"));          /* what was seen */
    assert_in_range(llabs(f.displaced_ns + 2500), 0, 100); /* in half a second */
    assert_in_range(f.uncertainty_ns, 1000, 3000);
    assert_true(fabs(rig.freq_ppb - 25000) < 0.01);
    assert_int_equal(until_found(c, &f), -1);
    c->ops->close(c);
}

static void stopped_and_racing(void **state)
{
    struct clock_finding f;
    (void)state;
    struct clock *c = settled();
    rig_set_phc(rig_phc_ns());
    rig.stopped = true;
    assert_int_equal(until_found(c, &f), LOOK_NS);
    assert_int_equal(f.trouble, CLOCK_STOPPED);
    assert_int_equal(until_found(c, &f), LOOK_NS); /* as long as it lasts */
    rig.at_ns = rig.raw_ns;
    rig.stopped = false;
    rig_pass(LOOK_NS);
    c->ops->check(c, &f);
    if (until_found(c, &f) >= 0)
        fail_msg("%s", f.what);

    rig_rebase();
    rig.oscillator_ppb = 5e8; /* half as fast again */
    assert_in_range(until_found(c, &f), 1, 2 * NS_PER_S);
    assert_int_equal(f.trouble, CLOCK_RATE);
    assert_true(fabs(f.rate_ppb - 5e8) < 1e7);
    c->ops->close(c);
}

/* Our own doing is no finding. */
static void steered_and_stepped_by_us(void **state)
{
    struct clock_finding f;
    (void)state;
    struct clock *c = settled();
    for (int i = 0; i < 200; i++) {
        rig_pass(LOOK_NS / 2);
        if (i % 3 == 0)
            assert_int_equal(c->ops->adjust(c, 25000 + (i % 7 - 3) * 40000), 0);
        if (i % 10 == 9)
            assert_int_equal(c->ops->step(c, (i % 4 - 2) * NS_PER_S), 0);
        rig_pass(LOOK_NS / 2);
        if (c->ops->check(c, &f))
            fail_msg("%d: %s", i, f.what);
    }
    c->ops->close(c);
}

/* Both crystals wander, readings take their time, and now and then one is held up for a millisecond. */
static void no_false_alarms(void **state)
{
    struct clock_finding f;
    const unsigned seed = 20261101;
    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    struct clock *c = settled();
    for (int i = 0; i < 20000; i++) {
        rig_rebase();
        rig.oscillator_ppb += rand() % 41 - 20;
        rig.call_ns = 200 + rand() % 1500;
        if (rand() % 20 == 0)
            rig.call_ns = 1000000;
        rig_pass(LOOK_NS + rand() % 100000000);
        if (c->ops->check(c, &f))
            fail_msg("%d: %s", i, f.what);
    }
    c->ops->close(c);
}

/* A driver that refuses is not asked whose frequency is in force, but told ours until it takes it. */
static void a_refused_correction(void **state)
{
    struct clock_finding f;
    (void)state;
    struct clock *c = settled();
    rig.adjust_error = EIO;
    rig.adjust_failures = -1;
    assert_int_equal(c->ops->adjust(c, 26000), -EIO);
    rig.told_ppb = 26000; /* the kernel has noted it all the same */
    rig_pass(LOOK_NS);
    assert_int_equal(c->ops->check(c, &f), 0);
    assert_true(fabs(c->freq_ppb - 25000) < 0.01);
    rig.adjust_failures = 0;
    rig_pass(LOOK_NS);
    assert_int_equal(c->ops->check(c, &f), 0);
    assert_true(fabs(rig.told_ppb - 25000) < 0.01);
    c->ops->close(c);
}

static int system_found;
static double system_ppb;

static int system_adjtime(clockid_t id, struct timex *tx)
{
    assert_int_equal(id, CLOCK_REALTIME);
    assert_int_equal(tx->modes, 0);
    tx->freq = lround(system_ppb * 65.536);
    return system_found;
}

static void the_kernels_word(void **state)
{
    struct clock_finding f = {0};
    (void)state;
    system_ppb = 1000;
    assert_int_equal(clock_id_check(system_adjtime, CLOCK_REALTIME, 1000.01, &f), 0); /* its unit */
    assert_int_equal(clock_id_check(system_adjtime, CLOCK_REALTIME, 1000.1, &f), 1);
    assert_int_equal(f.trouble, CLOCK_STEERED);
    assert_true(fabs(f.rate_ppb + 0.1) < 0.01);
    system_found = -1;
    errno = EBUSY;
    assert_int_equal(clock_id_check(system_adjtime, CLOCK_REALTIME, 0, &f), -EBUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(jumps, fresh),
        cmocka_unit_test_setup(a_reset_of_the_driver, fresh),
        cmocka_unit_test_setup(a_lost_correction, fresh),
        cmocka_unit_test_setup(steered_by_somebody_else, fresh),
        cmocka_unit_test_setup(stopped_and_racing, fresh),
        cmocka_unit_test_setup(steered_and_stepped_by_us, fresh),
        cmocka_unit_test_setup(no_false_alarms, fresh),
        cmocka_unit_test_setup(a_refused_correction, fresh),
        cmocka_unit_test(the_kernels_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
