/* SPDX-License-Identifier: BSD-2-Clause */
/* MTIE and TDEV against their definitions, written out, and against what theory says of known series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "gmd/simulate/random.h"
#include "holdover/stability.h"

#define START_S    1795000037 /* no whole hour */
#define EXACT_TO_S 1000
#define COARSE_S   100

/* --- ITU-T G.810, II.3 and II.5, as they stand there --------------------------------------------------- */

static double tdev_ns(const double *x, long count, long n, long stride)
{
    double sum = 0;
    long terms = 0;
    for (long j = 0; j + 3 * n <= count; j += stride, terms++) {
        double inner = 0;
        for (long i = j; i < j + n; i++)
            inner += x[i + 2 * n] - 2 * x[i + n] + x[i];
        sum += inner * inner;
    }
    return sqrt(sum / (6.0 * (double)n * (double)n * (double)terms));
}

static double mtie_ns(const double *x, long count, long n, long stride)
{
    double widest = 0;
    for (long j = 0; j + n < count; j += stride) {
        double low = x[j], high = x[j];
        for (long i = j; i <= j + n; i++) {
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
        }
        widest = high - low > widest ? high - low : widest;
    }
    return widest;
}

/* --- series -------------------------------------------------------------------------------------------- */

enum kind { RAMP, WHITE, WALK, WALK_OF_FREQUENCY, SINE };

static double *series(enum kind kind, long count, uint64_t seed)
{
    struct chance c = chance_seed(seed, 1);
    double *x = malloc((size_t)count * sizeof *x), phase = 0, freq = 0;
    assert_non_null(x);
    for (long i = 0; i < count; i++) {
        const double g = chance_gauss(&c);
        phase += kind == WALK ? g : freq;
        freq += g * 1e-3;
        x[i] = kind == RAMP    ? 0.125 * (double)i
               : kind == WHITE ? 10 * g
               : kind == SINE  ? 50 * sin((double)i * 2 * M_PI / 4000)
                               : phase;
        x[i] = round(x[i] * 1000) / 1000; /* ps */
    }
    return x;
}

static struct stability *started(void)
{
    struct stability *s = malloc(sizeof *s);
    assert_non_null(s);
    stability_init(s);
    return s;
}

static struct stability_figures figures_of(const double *x, long count)
{
    struct stability *s = started();
    for (long i = 0; i < count; i++)
        stability_add(s, START_S + i, x[i]);
    const struct stability_figures f = stability_figures(s);
    free(s);
    return f;
}

static void close_to(double value, double expected, const char *what, long tau_s)
{
    if (!(fabs(value - expected) <= 1e-6 + 1e-9 * fabs(expected)))
        fail_msg("%s(%ld s): %.9f, expected %.9f", what, tau_s, value, expected);
}

/* --- the definitions ----------------------------------------------------------------------------------- */

static void test_by_definition(void **state)
{
    (void)state;
    for (int kind = RAMP; kind <= SINE; kind++) {
        const long count = 4321;
        double *x = series(kind, count, 7);
        const struct stability_figures f = figures_of(x, count);
        assert_int_equal(f.observed_s, count);
        for (int i = 0; i < STABILITY_TAUS && f.points[i].tau_s <= 2000; i++) {
            const struct stability_point *p = &f.points[i];
            const long stride = p->tau_s <= EXACT_TO_S ? 1 : COARSE_S;
            close_to(p->mtie_ns, mtie_ns(x, count, p->tau_s, stride), "mtie", p->tau_s);
            if (12 * p->tau_s <= count)
                close_to(p->tdev_ns, tdev_ns(x, count, p->tau_s, stride), "tdev", p->tau_s);
            else
                assert_true(isnan(p->tdev_ns));
        }
        free(x);
    }
}

/* Beyond 1000 s not all intervals are looked at: what is missed is what the header says. */
static void test_coarse_within_its_limits(void **state)
{
    (void)state;
    const long count = 30001; /* whole steps, and the end of the last */
    for (int kind = WALK; kind <= SINE; kind++) {
        double *x = series(kind, count, 11);
        const struct stability_figures f = figures_of(x, count);
        for (int i = 10; i < 12; i++) {
            const struct stability_point *p = &f.points[i];
            const double mtie = mtie_ns(x, count, p->tau_s, 1);
            const double shorter = mtie_ns(x, count, p->tau_s - COARSE_S, 1);
            if (p->mtie_ns > mtie + 1e-6 || p->mtie_ns < shorter - 1e-6)
                fail_msg("kind %d, mtie(%ld s): %g, exactly %g, of 100 s less %g", kind, p->tau_s, p->mtie_ns,
                         mtie, shorter);
        }
        const double exact = tdev_ns(x, count, 2000, 1);
        if (fabs(f.points[10].tdev_ns / exact - 1) > 0.01)
            fail_msg("kind %d, tdev(2000 s): %g, exactly %g", kind, f.points[10].tdev_ns, exact);
        free(x);
    }
}

static void test_taus(void **state)
{
    (void)state;
    static const long taus[STABILITY_TAUS] = {1,   2,    5,    10,   20,    50,    100,   200,
                                              500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
    const struct stability_figures f = figures_of(NULL, 0);
    for (int i = 0; i < STABILITY_TAUS; i++) {
        assert_int_equal(f.points[i].tau_s, taus[i]);
        assert_true(isnan(f.points[i].mtie_ns) && isnan(f.points[i].tdev_ns));
    }
    assert_true(isnan(f.max_abs_te_ns));
    assert_int_equal(f.observed_s, 0);
}

/* --- what theory says ---------------------------------------------------------------------------------- */

static void test_ramp(void **state)
{
    (void)state;
    struct stability *s = started();
    for (long i = 0; i < 1300000; i++)
        stability_add(s, START_S + i, 0.125 * (double)i);
    const struct stability_figures f = stability_figures(s);
    for (int i = 0; i < STABILITY_TAUS; i++) {
        close_to(f.points[i].mtie_ns, 0.125 * (double)f.points[i].tau_s, "mtie", f.points[i].tau_s);
        close_to(f.points[i].tdev_ns, 0, "tdev", f.points[i].tau_s);
    }
    free(s);
}

/* White noise of phase: TDEV = sigma / sqrt(tau / s). */
static void test_white_phase(void **state)
{
    (void)state;
    const long count = 86400;
    double *x = series(WHITE, count, 3);
    const struct stability_figures f = figures_of(x, count);
    for (int i = 0; f.points[i].tau_s <= 2000; i++) {
        const double tau_s = (double)f.points[i].tau_s, expected = 10 / sqrt(tau_s);
        if (fabs(f.points[i].tdev_ns / expected - 1) > 0.02 + 2 * sqrt(tau_s / (double)count))
            fail_msg("tdev(%g s): %g, expected %g", tau_s, f.points[i].tdev_ns, expected);
    }
    free(x);
}

/* A random walk of phase: TDEV = sigma sqrt(tau / 6) for a tau of many seconds. */
static void test_walk(void **state)
{
    (void)state;
    const long count = 86400;
    double *x = series(WALK, count, 5);
    const struct stability_figures f = figures_of(x, count);
    for (int i = 4; f.points[i].tau_s <= 500; i++) {
        const double expected = sqrt((double)f.points[i].tau_s * 0.5 / 3);
        if (fabs(f.points[i].tdev_ns / expected - 1) > 0.2)
            fail_msg("tdev(%ld s): %g, expected %g", f.points[i].tau_s, f.points[i].tdev_ns, expected);
    }
    free(x);
}

/* MTIE from the first interval on, TDEV from a measurement of 12 tau on. */
static void test_when_known(void **state)
{
    (void)state;
    struct stability *s = started();
    for (long count = 1; count <= 24; count++) {
        stability_add(s, START_S + count, 0);
        const struct stability_figures f = stability_figures(s);
        assert_int_equal(isnan(f.points[0].mtie_ns), count < 2);
        assert_int_equal(isnan(f.points[2].mtie_ns), count < 6);
        assert_int_equal(isnan(f.points[0].tdev_ns), count < 12);
        assert_int_equal(isnan(f.points[1].tdev_ns), count < 24);
    }
    free(s);
}

/* --- interruptions and gaps ---------------------------------------------------------------------------- */

/* No interval reaches over an interruption; what both sides showed counts together. */
static void test_interruption(void **state)
{
    (void)state;
    const long half = 3000;
    double *x = series(WALK, 2 * half, 13);
    struct stability *s = started();
    for (long i = 0; i < 2 * half; i++) {
        if (i == half)
            stability_interrupt(s);
        stability_add(s, START_S + i, x[i] + (i < half ? 0 : 500));
    }
    stability_interrupt(s);
    stability_interrupt(s); /* nothing runs any more */
    const struct stability_figures f = stability_figures(s);
    for (int i = 0; f.points[i].tau_s <= 200; i++) {
        const long n = f.points[i].tau_s;
        const double a = tdev_ns(x, half, n, 1), b = tdev_ns(x + half, half, n, 1);
        close_to(f.points[i].mtie_ns, fmax(mtie_ns(x, half, n, 1), mtie_ns(x + half, half, n, 1)), "mtie", n);
        close_to(f.points[i].tdev_ns, sqrt((a * a + b * b) / 2), "tdev", n);
    }
    assert_int_equal(s->interruptions, 2);
    assert_int_equal(f.observed_s, 2 * half);
    free(s);
    free(x);
}

static void test_gaps(void **state)
{
    (void)state;
    struct stability *s = started();
    unsigned long added = 0;
    for (long i = 0; i < 600; i++) /* every third second is missing, and once the most that may be */
        if (i % 3 != 2 && (i < 299 || i >= 299 + STABILITY_GAP_S)) {
            stability_add(s, START_S + i, 0.5 * (double)i);
            added++;
        }
    struct stability_figures f = stability_figures(s);
    for (int i = 0; i < 5; i++) {
        close_to(f.points[i].mtie_ns, 0.5 * (double)f.points[i].tau_s, "mtie", f.points[i].tau_s);
        close_to(f.points[i].tdev_ns, 0, "tdev", f.points[i].tau_s);
    }
    assert_int_equal(s->interruptions, 0);
    assert_int_equal(f.observed_s, 599); /* the very last second is a missing one, too */
    assert_int_equal(s->filled, 599 - added);

    stability_add(s, START_S + 598, 1e6); /* old, and once more: ignored */
    stability_add(s, START_S + 100, 1e6);
    stability_add(s, -1, 1e6);
    stability_add(s, START_S + 598 + STABILITY_GAP_S + 2, 2000);
    f = stability_figures(s);
    assert_int_equal(s->interruptions, 1);
    close_to(f.points[0].mtie_ns, 0.5, "mtie", 1);
    close_to(f.max_abs_te_ns, 2000, "max|TE|", 0);
    free(s);
}

/* What no clock in lock shows does not overflow. */
static void test_absurd_errors(void **state)
{
    (void)state;
    static const double absurd[] = {1e30, -1e30, INFINITY, -INFINITY, NAN};
    struct stability *s = started();
    for (long i = 0; i < 250000; i++)
        stability_add(s, START_S + i, absurd[i / 50 % 5]);
    const struct stability_figures f = stability_figures(s);
    for (int i = 0; i < STABILITY_TAUS; i++)
        if (!isnan(f.points[i].mtie_ns))
            close_to(f.points[i].mtie_ns,
                     f.points[i].tau_s < 2 ? f.points[i].mtie_ns : 2 * (INT32_MAX * 1e-3), "mtie",
                     f.points[i].tau_s);
    close_to(f.max_abs_te_ns, INT32_MAX * 1e-3, "max|TE|", 0);
    free(s);
}

/* --- rolling ------------------------------------------------------------------------------------------- */

/* A disturbance is forgotten after 24 hours (23 at least), and after as many days beyond 1000 s. */
static void test_forgets(void **state)
{
    (void)state;
    const long day_s = 86400, bump_s = 5000;
    struct stability *s = started();
    long forgotten_s = -1, forgotten_coarse_s = -1;
    for (long t = 0; t < 26 * day_s; t++) {
        stability_add(s, START_S + t, t == bump_s ? 1000 : 0);
        if (t < bump_s || t % 600 != 0)
            continue;
        const struct stability_figures f = stability_figures(s);
        if (forgotten_s < 0 && f.points[0].mtie_ns == 0) {
            forgotten_s = t - bump_s;
            assert_true(f.points[0].tdev_ns == 0 && f.max_abs_te_ns == 0);
            assert_in_range(f.observed_s, 23 * 3600, 24 * 3600);
        }
        if (forgotten_coarse_s < 0 && f.points[10].mtie_ns == 0)
            forgotten_coarse_s = t - bump_s;
    }
    assert_in_range(forgotten_s, 23 * 3600, 24 * 3600 + 600);
    assert_in_range(forgotten_coarse_s, 23 * day_s, 24 * day_s + 6000);
    free(s);
}

/* A pause lets it forget, too; and a clock that was set back knows nothing of the future. */
static void test_forgets_while_unlocked(void **state)
{
    (void)state;
    static const struct {
        long later_s;
        bool kept;
    } cases[] = {{3 * 3600L, true}, {30 * 3600L, false}, {40 * 86400L, false}, {-400 * 86400L, false}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct stability *s = started();
        for (long t = 0; t < 100; t++)
            stability_add(s, START_S + t, t == 50 ? 1000 : 0);
        stability_interrupt(s);
        stability_add(s, START_S + cases[k].later_s, 0);
        const struct stability_figures f = stability_figures(s);
        assert_true(f.max_abs_te_ns == (cases[k].kept ? 1000 : 0));
        assert_int_equal(f.observed_s, cases[k].kept ? 101 : 1);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_definition), cmocka_unit_test(test_coarse_within_its_limits),
        cmocka_unit_test(test_taus),          cmocka_unit_test(test_ramp),
        cmocka_unit_test(test_white_phase),   cmocka_unit_test(test_walk),
        cmocka_unit_test(test_when_known),    cmocka_unit_test(test_interruption),
        cmocka_unit_test(test_gaps),          cmocka_unit_test(test_absurd_errors),
        cmocka_unit_test(test_forgets),       cmocka_unit_test(test_forgets_while_unlocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
