/* SPDX-License-Identifier: BSD-2-Clause */
/* The masks of G.8272: values that the standard prints, and what is judged by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "holdover/masks.h"

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        enum mask_quantity quantity;
        double tau_s, a_ns, b_ns;
    } cases[] = {
        {MASK_MTIE, 1, 25.275, 25.275}, {MASK_MTIE, 54.5, 39.9875, 39.9875},
        {MASK_MTIE, 100, 52.5, 40},     {MASK_MTIE, 273, 100.075, 40},
        {MASK_MTIE, 274, 100, 40},      {MASK_MTIE, 1e5, 100, 40},
        {MASK_TDEV, 1, 3, 1},           {MASK_TDEV, 100, 3, 1},
        {MASK_TDEV, 200, 6, 2},         {MASK_TDEV, 500, 15, 5},
        {MASK_TDEV, 1000, 30, 5},       {MASK_TDEV, 10000, 30, 5},
        {MASK_TDEV, 20000, NAN, 5},     {MASK_TDEV, 1e5, NAN, 5},
        {MASK_TDEV, 2e5, NAN, NAN},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const double expected[MASKS] = {[MASK_PRTC_A] = cases[k].a_ns, [MASK_PRTC_B] = cases[k].b_ns};
        for (int m = 0; m < MASKS; m++) {
            const double limit = mask_limit_ns((enum mask_name)m, cases[k].quantity, cases[k].tau_s);
            if (isnan(expected[m]) ? !isnan(limit) : !(fabs(limit - expected[m]) < 1e-9))
                fail_msg("%s, quantity %d, %g s: %g", mask_name((enum mask_name)m), cases[k].quantity,
                         cases[k].tau_s, limit);
        }
    }
    assert_true(mask_max_abs_te_ns(MASK_PRTC_A) == 100 && mask_max_abs_te_ns(MASK_PRTC_B) == 40);
}

/* One point of a table, everything else unknown. */
static struct stability_figures observed(long tau_s, double mtie_ns, double tdev_ns, double te_ns)
{
    struct stability_figures f = {.max_abs_te_ns = te_ns};
    for (int i = 0; i < STABILITY_TAUS; i++)
        f.points[i] = (struct stability_point){.tau_s = 1000000 + i, .mtie_ns = NAN, .tdev_ns = NAN};
    f.points[1] = (struct stability_point){tau_s, mtie_ns, tdev_ns};
    return f;
}

static void test_verdicts(void **state)
{
    (void)state;
    static const struct {
        long tau_s;
        double mtie_ns, tdev_ns, te_ns;
        enum mask_verdict all_a, all_b;
    } cases[] = {
        {1, NAN, NAN, NAN, MASK_UNKNOWN, MASK_UNKNOWN},
        {1, NAN, NAN, 40, MASK_UNKNOWN, MASK_UNKNOWN},
        {1, NAN, NAN, 41, MASK_UNKNOWN, MASK_FAIL},
        {1, 20, 0.9, 41, MASK_PASS, MASK_FAIL},
        {1, 25.2, 0.9, 10, MASK_PASS, MASK_PASS},
        {1, 25.3, 0.9, 10, MASK_FAIL, MASK_FAIL},
        {1, 20, 1.1, 10, MASK_PASS, MASK_FAIL},
        {1, 20, NAN, 10, MASK_UNKNOWN, MASK_UNKNOWN},
        {1, 26, NAN, 10, MASK_FAIL, MASK_FAIL},
        {1000, 99, 5.1, 39, MASK_PASS, MASK_FAIL},
        {1000, 30, 31, 39, MASK_FAIL, MASK_FAIL},
        {50000, 30, 31, 39, MASK_UNKNOWN, MASK_FAIL}, /* PRTC-A demands nothing of TDEV there */
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const struct stability_figures f =
            observed(cases[k].tau_s, cases[k].mtie_ns, cases[k].tdev_ns, cases[k].te_ns);
        const enum mask_verdict a = mask_judge(MASK_PRTC_A, &f).all, b = mask_judge(MASK_PRTC_B, &f).all;
        if (a != cases[k].all_a || b != cases[k].all_b)
            fail_msg("case %zu: %s, %s", k, mask_verdict_name(a), mask_verdict_name(b));
    }
}

static void test_where_it_fails_first(void **state)
{
    (void)state;
    struct stability_figures f = observed(10, 30, 0.5, 20);
    f.points[2] = (struct stability_point){20, 10, 2};
    f.points[3] = (struct stability_point){50, 10, 2};
    const struct mask_judgement a = mask_judge(MASK_PRTC_A, &f), b = mask_judge(MASK_PRTC_B, &f);
    assert_int_equal(a.fails_at_s[MASK_MTIE], 10);
    assert_int_equal(a.fails_at_s[MASK_TDEV], 0);
    assert_int_equal(a.quantity[MASK_TDEV], MASK_PASS);
    assert_int_equal(b.fails_at_s[MASK_TDEV], 20);
    assert_int_equal(b.max_abs_te, MASK_PASS);
    assert_int_equal(a.judged_to_s, 50);
    f.points[3].tdev_ns = NAN;
    assert_int_equal(mask_judge(MASK_PRTC_A, &f).judged_to_s, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_where_it_fails_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
