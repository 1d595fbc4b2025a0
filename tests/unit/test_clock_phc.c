/* SPDX-License-Identifier: BSD-2-Clause */
/* The PHC driver on a scripted device: opening, reading, steering, stepping, the relation to CLOCK_REALTIME.
 * Its proof on a kernel's driver is the test bed's. */
#include "tests/unit/phc_rig.h"

#include <unistd.h>

static int fresh(void **state)
{
    (void)state;
    rig_reset();
    return 0;
}

/* --- opening --- */

static void wrong_devices(void **state)
{
    static const struct {
        const char *device, *error;
        int gone;
    } cases[] = {
        {"/dev/no-such-ptp", "/dev/no-such-ptp: No such file or directory", 0},
        {"/dev/null", "/dev/null: not a PTP hardware clock", ENOTTY},
        {"", ": No such file or directory", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[160] = "";
        rig.gone = cases[i].gone;
        assert_null(clock_phc_open(cases[i].device, error, sizeof(error)));
        assert_string_equal(error, cases[i].error);
        memset(error, 0, sizeof(error));
        assert_null(clock_readonly_phc_open(cases[i].device, error, sizeof(error)));
        assert_string_equal(error, cases[i].error);
    }
    char error[12] = "12345678901";
    rig.gone = ENOTTY;
    assert_null(clock_phc_open("/dev/null", error, 10));
    assert_string_equal(error, "/dev/null");
    assert_int_equal(error[10], '1');
}

static void must_not_be_steered(void **state)
{
    static const struct {
        int max_adj, adjust_error, changes;
        const char *why;
    } cases[] = {
        {0, 0, 0, "/dev/null must not be steered: its max_adj is 0, as of an SR-IOV virtual function"},
        {62500000, EOPNOTSUPP, 1,
         "/dev/null cannot be steered: its driver refuses the frequency that it has: Operation not "
         "supported"},
        {62500000, EPERM, 1,
         "/dev/null cannot be steered: its driver refuses the frequency that it has: Operation not "
         "permitted"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[160];
        rig_reset();
        rig.max_adj = cases[i].max_adj;
        rig.adjust_error = cases[i].adjust_error;
        rig.adjust_failures = -(cases[i].adjust_error != 0);
        assert_null(clock_phc_open("/dev/null", why, sizeof(why)));
        assert_string_equal(why, cases[i].why);
        assert_int_equal(rig.calls_that_change, cases[i].changes);
        assert_false(clock_phc_steerable("/dev/null", why, sizeof(why)));
        assert_string_equal(why, cases[i].why);
    }
    char why[160];
    rig_reset();
    rig.told_ppb = rig.freq_ppb = 25000;
    assert_true(clock_phc_steerable("/dev/null", why, sizeof(why)));
    assert_true(fabs(rig.freq_ppb - 25000) < 0.01); /* as it was */
}

static void opened(void **state)
{
    (void)state;
    rig.told_ppb = rig.freq_ppb = -1234.5;
    rig.adjust_error = EIO;
    rig.adjust_failures = 2; /* passing */
    struct clock *c = rig_open();
    assert_string_equal(c->ops->name, "phc");
    assert_true(c->max_freq_ppb == 62500000.0);
    assert_true(fabs(c->freq_ppb + 1234.5) < 0.01);
    assert_true(c->phc != 0);
    assert_true(c->phc == clock_phc_number("/dev/null"));
    c->ops->close(c);
}

static void read_only(void **state)
{
    char error[160];
    int64_t ns, realtime_ns, uncertainty_ns;
    struct clock_finding f;
    (void)state;
    rig.max_adj = 0;
    struct clock *base = clock_readonly_phc_open("/dev/null", error, sizeof(error));
    assert_non_null(base);
    assert_int_equal(base->ops->adjust(base, 1), -EPERM);
    assert_int_equal(base->ops->step(base, 1), -EPERM);
    struct clock *c = clock_logical_open(base, error, sizeof(error));
    assert_non_null(c);
    assert_int_equal(c->ops->adjust(c, 1000), 0);
    assert_int_equal(c->ops->step(c, 5 * NS_PER_S), 0);
    for (int i = 0; i < 20; i++) { /* it goes back, jumps and stops: reported, never touched */
        rig_set_phc(i == 5 ? START_NS : i == 10 ? rig_phc_ns() + NS_PER_S : rig_phc_ns());
        rig.stopped = i > 15;
        rig_pass(NS_PER_S / 2);
        c->ops->check(c, &f);
    }
    rig.stopped = false;
    assert_int_equal(c->ops->convert(c, STAMP_HARDWARE, rig_phc_ns(), &ns), 0);
    assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, rig_realtime_ns(), &ns), 0);
    assert_int_equal(c->ops->compare(c, &ns, &realtime_ns, &uncertainty_ns), 0);
    assert_int_equal(rig.calls_that_change, 0);
    c->ops->close(c);
}

/* --- errors of the device --- */

static void passing_errors(void **state)
{
    static const int errors[] = {EIO, EBUSY, EAGAIN, EINTR};
    int64_t ns;
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        rig_reset();
        struct clock *c = rig_open();
        rig.read_error = rig.adjust_error = rig.step_error = errors[i];
        rig.read_failures = 2;
        assert_int_equal(c->ops->read(c, &ns), 0);
        assert_int_equal(c->retries, 2);
        rig.adjust_failures = 1;
        assert_int_equal(c->ops->adjust(c, 500), 0);
        assert_int_equal(c->retries, 3);
        rig.read_failures = rig.adjust_failures = -1; /* for good */
        assert_int_equal(c->ops->read(c, &ns), -errors[i]);
        assert_int_equal(c->retries, 5);
        assert_int_equal(c->ops->adjust(c, 900), -errors[i]);
        assert_true(fabs(c->freq_ppb - 500) < 0.01); /* as before */
        assert_int_equal(c->generation, 0);
        c->ops->close(c);
    }
}

static void lasting_errors_are_not_retried(void **state)
{
    int64_t ns;
    (void)state;
    struct clock *c = rig_open();
    rig.read_error = EINVAL;
    rig.read_failures = 1;
    assert_int_equal(c->ops->read(c, &ns), -EINVAL);
    assert_int_equal(c->retries, 0);
    assert_int_equal(c->ops->read(c, &ns), 0);
    c->ops->close(c);
}

static void vanishes_and_comes_back(void **state)
{
    char path[64], error[160];
    int64_t ns;
    struct clock_finding f;
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_clock_phc.%d", (int)getpid());
    assert_int_equal(symlink("/dev/null", path), 0);
    struct clock *c = clock_phc_open(path, error, sizeof(error));
    assert_non_null(c);
    assert_int_equal(c->ops->adjust(c, 25000), 0);
    const dev_t before = c->phc;

    rig.gone = ENODEV;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(c->ops->read(c, &ns), -ENODEV);
    assert_int_equal(c->ops->check(c, &f), 1);
    assert_int_equal(f.trouble, CLOCK_GONE);
    assert_non_null(strstr(f.what, "vanished"));
    assert_int_equal(c->ops->adjust(c, 1), -ENODEV);

    rig.gone = 0; /* another device, as after a re-plug, with nothing of ours */
    rig.freq_ppb = rig.told_ppb = 0;
    assert_int_equal(symlink("/dev/zero", path), 0);
    assert_int_equal(c->ops->read(c, &ns), -ENODEV); /* not before the back-off */
    rig_pass(NS_PER_S);
    assert_int_equal(c->ops->read(c, &ns), 0);
    assert_int_equal(c->generation, 1);
    assert_true(c->phc != before);
    assert_true(c->phc == clock_phc_number("/dev/zero"));
    assert_true(fabs(rig.freq_ppb - 25000) < 0.01); /* set again */
    assert_int_equal(unlink(path), 0);

    c->ops->follow(c, "/dev/null"); /* the interface says so */
    assert_int_equal(c->ops->read(c, &ns), 0);
    assert_true(c->phc == before);
    assert_int_equal(c->generation, 2);
    c->ops->follow(c, "/dev/null");
    assert_int_equal(c->ops->read(c, &ns), 0);
    assert_int_equal(c->generation, 2);
    c->ops->close(c);
}

static void back_off_is_bounded(void **state)
{
    char path[64], error[160];
    int64_t ns;
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_clock_phc.%d", (int)getpid());
    assert_int_equal(symlink("/dev/null", path), 0);
    struct clock *c = clock_phc_open(path, error, sizeof(error));
    assert_non_null(c);
    assert_int_equal(unlink(path), 0);
    rig.gone = ENODEV;
    for (int i = 0; i < 400; i++) {
        assert_int_equal(c->ops->read(c, &ns), -ENODEV);
        rig_pass(NS_PER_S / 4);
    }
    rig.gone = 0;
    assert_int_equal(symlink("/dev/null", path), 0);
    rig_pass(5 * NS_PER_S);
    assert_int_equal(c->ops->read(c, &ns), 0);
    assert_int_equal(unlink(path), 0);
    c->ops->close(c);
}

/* --- steps --- */

static void steps(void **state)
{
    static const struct {
        int64_t delta_ns, loss_ns;
        int error, failures;
        bool done_though;
        int64_t within_ns;
    } cases[] = {
        {37 * NS_PER_S, 0, 0, 0, false, 400}, {-37 * NS_PER_S, 1800, 0, 0, false, 400},
        {1234, 1800, 0, 0, false, 400},       {-500000, 25000, 0, 0, false, 400},
        {NS_PER_S, 0, EIO, 1, false, 400},    /* refused once */
        {NS_PER_S, 0, EBUSY, 1, true, 400},   /* failed, it says, but was carried out */
        {NS_PER_S, 1800, EIO, 1, true, 2200}, /* and with a loss, which then may be left */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rig_reset();
        rig.oscillator_ppb = 30000;
        struct clock *c = rig_open();
        rig.step_loss_ns = cases[i].loss_ns;
        rig.step_error = cases[i].error;
        rig.step_failures = cases[i].failures;
        rig.step_done_though = cases[i].done_though;
        const int64_t error_ns = rig_phc_ns() - rig.raw_ns;
        assert_int_equal(c->ops->step(c, cases[i].delta_ns), 0);
        const int64_t left_ns = rig_phc_ns() - rig.raw_ns - error_ns - cases[i].delta_ns;
        if (llabs(left_ns) > cases[i].within_ns)
            fail_msg("case %zu: %lld ns left", i, (long long)left_ns);
        assert_int_equal(c->retries, cases[i].failures);
        c->ops->close(c);
    }
}

static void a_refused_step(void **state)
{
    (void)state;
    struct clock *c = rig_open();
    const int64_t error_ns = rig_phc_ns() - rig.raw_ns;
    rig.step_error = EOPNOTSUPP;
    rig.step_failures = -1;
    assert_int_equal(c->ops->step(c, NS_PER_S), -EOPNOTSUPP);
    rig.step_error = EIO;
    assert_int_equal(c->ops->step(c, NS_PER_S), -EIO);
    assert_int_equal(rig_phc_ns() - rig.raw_ns, error_ns);
    c->ops->close(c);
}

/* Another program's step in between is not taken for this driver's loss. */
static void an_absurd_loss_is_left_alone(void **state)
{
    (void)state;
    struct clock *c = rig_open();
    const int64_t error_ns = rig_phc_ns() - rig.raw_ns;
    rig.step_loss_ns = 37 * NS_PER_S;
    assert_int_equal(c->ops->step(c, NS_PER_S), 0);
    assert_int_equal(rig_phc_ns() - rig.raw_ns - error_ns, -36 * NS_PER_S);
    c->ops->close(c);
}

/* --- the relation to CLOCK_REALTIME --- */

static void methods(void **state)
{
    static const struct {
        int precise, extended;
        int64_t uncertainty_ns;
        int offsets; /* ioctls of the first comparison */
    } cases[] = {
        {0, 0, 10, 1},
        {EOPNOTSUPP, 0, 200, 2},
        {ENODEV, 0, 200, 2}, /* the system counter is not the one that it can relate */
        {EOPNOTSUPP, ENOTTY, 200, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t phc_ns, realtime_ns, uncertainty_ns;
        rig_reset();
        rig.precise_error = cases[i].precise;
        rig.extended_error = cases[i].extended;
        struct clock *c = rig_open();
        assert_int_equal(c->ops->compare(c, &phc_ns, &realtime_ns, &uncertainty_ns), 0);
        assert_int_equal(uncertainty_ns, cases[i].uncertainty_ns);
        assert_int_equal(phc_ns - realtime_ns, UTC_S * NS_PER_S);
        assert_int_equal(rig.offsets, cases[i].offsets);
        assert_int_equal(c->ops->compare(c, &phc_ns, &realtime_ns, &uncertainty_ns), 0);
        assert_int_equal(rig.offsets, cases[i].offsets + 1); /* it is known now */
        c->ops->close(c);
    }
}

static void a_method_that_always_fails_is_given_up(void **state)
{
    int64_t phc_ns, realtime_ns, uncertainty_ns;
    int failed = 0;
    (void)state;
    rig.precise_error = ETIMEDOUT;
    struct clock *c = rig_open();
    while (c->ops->compare(c, &phc_ns, &realtime_ns, &uncertainty_ns) && failed < 100)
        failed++;
    assert_in_range(failed, 1, 20);
    assert_int_equal(uncertainty_ns, 200);
    c->ops->close(c);
}

/* A pulse a second, read 2 ms or 20 ms later, between clocks that part by 300 ppm. */
static void stamps_between_drifting_clocks(void **state)
{
    static const int64_t late_ns[] = {2000000, 20000000};
    (void)state;
    for (size_t k = 0; k < sizeof(late_ns) / sizeof(late_ns[0]); k++) {
        rig_reset();
        rig.realtime_ppb = -250000;
        rig.oscillator_ppb = 50000;
        struct clock *c = rig_open();
        for (int i = 0; i < 10; i++) {
            int64_t converted_ns = 0;
            rig_pass(NS_PER_S - late_ns[k]);
            const int64_t edge_ns = rig_realtime_ns(), shown_ns = rig_phc_ns();
            rig_pass(late_ns[k]);
            assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, edge_ns, &converted_ns), 0);
            const int64_t error_ns = converted_ns - shown_ns;
            if (i >= 2 && llabs(error_ns) > 20)
                fail_msg("%lld ns", (long long)error_ns);
            if (i == 0)
                assert_in_range(llabs(error_ns), late_ns[k] / 5000, late_ns[k] / 2500); /* not known yet */
        }
        c->ops->close(c);
    }
}

static void a_set_system_clock_is_no_rate(void **state)
{
    (void)state;
    struct clock *c = rig_open();
    for (int i = 0; i < 20; i++) {
        int64_t converted_ns = 0;
        rig_pass(NS_PER_S - 2000000);
        if (i == 10)
            rig.realtime_ns += 30000000;
        const int64_t edge_ns = rig_realtime_ns(), shown_ns = rig_phc_ns();
        rig_pass(2000000);
        assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, edge_ns, &converted_ns), 0);
        assert_in_range(converted_ns - shown_ns + 20, 0, 40);
    }
    c->ops->close(c);
}

static void stamps_that_come_at_once_share_a_measurement(void **state)
{
    (void)state;
    struct clock *c = rig_open();
    for (int i = 0; i < 100; i++) {
        const int64_t edge_ns = rig_realtime_ns(), shown_ns = rig_phc_ns();
        int64_t converted_ns = 0;
        assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, edge_ns, &converted_ns), 0);
        assert_in_range(llabs(converted_ns - shown_ns), 0, 200);
    }
    assert_in_range(rig.offsets, 1, 3);
    assert_int_equal(c->ops->step(c, NS_PER_S), 0); /* but none from before a step */
    int64_t converted_ns = 0;
    assert_int_equal(c->ops->convert(c, STAMP_SYSTEM, rig_realtime_ns(), &converted_ns), 0);
    assert_in_range(llabs(converted_ns - rig_phc_ns()), 0, 10000);
    c->ops->close(c);
}

static void the_logical_clock_compares_too(void **state)
{
    char error[160];
    int64_t clock_ns, realtime_ns, uncertainty_ns;
    (void)state;
    struct clock *c =
        clock_logical_open(clock_readonly_phc_open("/dev/null", error, sizeof(error)), error, sizeof(error));
    assert_non_null(c);
    assert_int_equal(c->ops->step(c, 5 * NS_PER_S), 0);
    rig_pass(1000000);
    assert_int_equal(c->ops->compare(c, &clock_ns, &realtime_ns, &uncertainty_ns), 0);
    assert_int_equal(clock_ns - realtime_ns, (UTC_S + 5) * NS_PER_S);
    assert_int_equal(uncertainty_ns, 200);
    c->ops->close(c);
    c = clock_logical_open(clock_readonly_system_open(UTC_S, error, sizeof(error)), error, sizeof(error));
    assert_non_null(c);
    assert_null(c->ops->compare); /* steering CLOCK_REALTIME by it would move it */
    assert_null(c->ops->follow);
    c->ops->close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(wrong_devices, fresh),
        cmocka_unit_test_setup(must_not_be_steered, fresh),
        cmocka_unit_test_setup(opened, fresh),
        cmocka_unit_test_setup(read_only, fresh),
        cmocka_unit_test_setup(passing_errors, fresh),
        cmocka_unit_test_setup(lasting_errors_are_not_retried, fresh),
        cmocka_unit_test_setup(vanishes_and_comes_back, fresh),
        cmocka_unit_test_setup(back_off_is_bounded, fresh),
        cmocka_unit_test_setup(steps, fresh),
        cmocka_unit_test_setup(a_refused_step, fresh),
        cmocka_unit_test_setup(an_absurd_loss_is_left_alone, fresh),
        cmocka_unit_test_setup(methods, fresh),
        cmocka_unit_test_setup(a_method_that_always_fails_is_given_up, fresh),
        cmocka_unit_test_setup(stamps_between_drifting_clocks, fresh),
        cmocka_unit_test_setup(a_set_system_clock_is_no_rate, fresh),
        cmocka_unit_test_setup(stamps_that_come_at_once_share_a_measurement, fresh),
        cmocka_unit_test_setup(the_logical_clock_compares_too, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
