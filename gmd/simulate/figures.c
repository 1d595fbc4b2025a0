/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/simulate/figures.h"

#include <math.h>
#include <stdlib.h>

#define GOOD_NS         100.0
#define GOOD_FOR_S      60
#define LOCKED_SETTLE_S 600
#define LINE_S          1024 /* what programs that fit lines use at most */
#define SHORTEST_FIT_S  16
#define RATIO_LEAST_NS  1e-3

static const long horizons_s[FIGURES_HORIZONS] = {60, 600, 3600, 4 * 3600L, 8 * 3600L, 24 * 3600L};

bool figures_begin(struct figures_collector *c, const struct run *r)
{
    const long total_s = run_total_s(r);
    *c = (struct figures_collector){.good_since_s = -1};
    stability_init(&c->stability);
    c->figures.locked_at_s = c->figures.within_100ns_s = c->figures.relocked_after_s = -1;
    for (int i = 0; i < FIGURES_HORIZONS; i++)
        c->figures.horizons[i].after_s = horizons_s[i];
    c->free_ns = calloc((size_t)total_s + 1, sizeof *c->free_ns);
    c->ratios = calloc((size_t)r->config.outage_s + 1, sizeof *c->ratios);
    if (c->free_ns && c->ratios)
        return true;
    free(c->free_ns);
    free(c->ratios);
    return false;
}

static void add_lock(struct figures_collector *c, const struct run *r, double error_ns)
{
    struct figures *f = &c->figures;
    if (f->locked_at_s < 0 && r->discipline.status.state == DISCIPLINE_LOCKED) {
        f->locked_at_s = r->t_s;
        c->steps_at_lock = r->discipline.status.steps;
    }
    if (error_ns >= GOOD_NS)
        c->good_since_s = -1;
    else if (c->good_since_s < 0)
        c->good_since_s = r->t_s;
    if (f->within_100ns_s < 0 && c->good_since_s >= 0 && r->t_s - c->good_since_s >= GOOD_FOR_S)
        f->within_100ns_s = c->good_since_s;
    if (f->locked_at_s < 0 || r->t_s < f->locked_at_s + LOCKED_SETTLE_S)
        return;
    f->locked_seconds++;
    c->locked_sum += error_ns * error_ns;
    f->locked_max_ns = fmax(f->locked_max_ns, error_ns);
    if (r->discipline.status.state == DISCIPLINE_LOCKED)
        stability_add(&c->stability, r->t_s, run_error_ns(r));
    else
        stability_interrupt(&c->stability);
}

static void add_outage(struct figures_collector *c, const struct run *r, double error_ns)
{
    const struct discipline_status *s = &r->discipline.status;
    const long after_s = r->t_s - r->config.lock_s;
    c->outage_max = fmax(c->outage_max, error_ns);
    c->within95 += error_ns <= s->bound_ns;
    c->within999 += error_ns <= s->bound999_ns;
    c->ratios[c->figures.outage_seconds++] = s->bound_ns / fmax(error_ns, RATIO_LEAST_NS);
    for (int i = 0; i < FIGURES_HORIZONS; i++) {
        struct figures_horizon *h = &c->figures.horizons[i];
        if (h->after_s != after_s)
            continue;
        h->reached = true;
        h->error_ns = error_ns;
        h->max_error_ns = c->outage_max;
    }
}

static void add_return(struct figures_collector *c, const struct run *r)
{
    if (c->figures.relocked_after_s >= 0 || r->discipline.status.state != DISCIPLINE_LOCKED)
        return;
    c->figures.relocked_after_s = r->t_s - r->config.lock_s - r->config.outage_s;
    c->figures.relock_error_ns = run_error_ns(r);
}

void figures_add(struct figures_collector *c, const struct run *r)
{
    const double error_ns = fabs(run_error_ns(r));
    c->free_ns[r->t_s] = r->free_ns;
    if (r->t_s <= r->config.lock_s)
        add_lock(c, r, error_ns);
    else if (run_in_outage(r))
        add_outage(c, r, error_ns);
    else
        add_return(c, r);
    if (r->t_s == r->config.lock_s) {
        const struct bank *b = &r->discipline.estimator.bank;
        c->figures.sensed = b->sensed;
        c->figures.coefficient = bank_coefficient(b, &c->figures.coefficient_sigma);
    }
    if (r->t_s == r->config.lock_s + r->config.outage_s)
        c->figures.return_error_ns = run_error_ns(r);
}

/* Extrapolates a straight line through the last window_s seconds; |error| after so many seconds more. */
static double fit_error(const double *free_ns, long now_s, long window_s, long after_s)
{
    const double n = (double)window_s + 1, mean_t = -(double)window_s / 2;
    double mean = 0, products = 0;
    for (long i = 0; i <= window_s; i++)
        mean += (free_ns[now_s - window_s + i] - free_ns[now_s]) / n;
    for (long i = 0; i <= window_s; i++) {
        const double t = (double)(i - window_s) - mean_t;
        products += t * (free_ns[now_s - window_s + i] - free_ns[now_s] - mean);
    }
    const double slope = products / (n * (n * n - 1) / 12);
    const double predicted = mean + slope * ((double)after_s - mean_t);
    return fabs(free_ns[now_s + after_s] - free_ns[now_s] - predicted);
}

static void fit_windows(const struct figures_collector *c, const struct run *r, struct figures_horizon *h)
{
    const long lock_s = r->config.lock_s;
    h->hindsight_ns = INFINITY;
    for (long window_s = SHORTEST_FIT_S; window_s <= lock_s && h->fits < FIGURES_FITS; window_s *= 2) {
        h->fits_ns[h->fits] = fit_error(c->free_ns, lock_s, window_s, h->after_s);
        h->hindsight_ns = fmin(h->hindsight_ns, h->fits_ns[h->fits++]);
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void figures_end(struct figures_collector *c, const struct run *r)
{
    struct figures *f = &c->figures;
    const long lock_s = r->config.lock_s;
    if (f->locked_seconds > 0)
        f->locked_rms_ns = sqrt(c->locked_sum / (double)f->locked_seconds);
    f->stability = stability_figures(&c->stability);
    if (f->outage_seconds > 0) {
        f->share95 = (double)c->within95 / (double)f->outage_seconds;
        f->share999 = (double)c->within999 / (double)f->outage_seconds;
        qsort(c->ratios, (size_t)f->outage_seconds, sizeof *c->ratios, by_size);
        f->median_ratio95 = c->ratios[f->outage_seconds / 2];
    }
    for (int i = 0; i < FIGURES_HORIZONS; i++)
        if (f->horizons[i].reached) {
            fit_windows(c, r, &f->horizons[i]);
            f->horizons[i].line_ns =
                fit_error(c->free_ns, lock_s, LINE_S < lock_s ? LINE_S : lock_s, f->horizons[i].after_s);
        }
    if (f->locked_at_s >= 0)
        f->steps = r->discipline.status.steps - c->steps_at_lock;
    free(c->free_ns);
    free(c->ratios);
    c->free_ns = c->ratios = NULL;
}
