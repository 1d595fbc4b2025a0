/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/simulate/run.h"

#include <math.h>

#include "holdover/memory.h"

#define START_TAI_S   2000000000LL
#define LATENCY_NS    200000 /* from the edge to its being handled */
#define READ_NOISE_NS 200.0  /* of the clock read by software */
#define START_ERROR_S 2.0

/* The clock has lost its time and its correction; what is known of the oscillator has been kept. */
static bool restart(struct run *r)
{
    char text[MEMORY_SIZE];
    const int64_t tai_s = START_TAI_S + r->now_ns / NS_PER_S;
    const size_t length = memory_write(&r->discipline.estimator, tai_s, text, sizeof text);
    discipline_init(&r->discipline, &r->config.discipline);
    r->whole_ns = 0;
    r->part_ns = START_ERROR_S * 1e9 * (2 * chance_uniform(&r->chance) - 1);
    r->control_ppb = r->free_ns = 0;
    return length > 0 && !memory_read(&r->discipline.estimator, text, length, tai_s, 0);
}

bool run_init(struct run *r, const struct run_config *config)
{
    *r = (struct run){.config = *config, .chance = chance_seed(config->seed, 3), .t_s = -config->warm_s};
    discipline_init(&r->discipline, &config->discipline);
    if (config->oscillator)
        oscillator_start(&r->oscillator, config->oscillator, config->seed);
    if (config->oscillator && config->day >= 0) {
        r->oscillator.phase = 2 * M_PI * config->day;
        r->oscillator.aging_per_s = fabs(r->oscillator.aging_per_s);
    }
    if (config->sensor)
        sensor_start(&r->sensor, oscillator_room(&r->oscillator), config->seed);
    if (config->pulses)
        pulses_start(&r->pulses, config->pulses, config->seed);
    r->part_ns = START_ERROR_S * 1e9 * (2 * chance_uniform(&r->chance) - 1);
    while (r->t_s < 0)
        run_second(r);
    return config->warm_s == 0 || restart(r);
}

long run_total_s(const struct run *r)
{
    return r->config.lock_s + r->config.outage_s + r->config.return_s;
}

static bool outage_at(const struct run *r, long t_s)
{
    return t_s >= r->config.lock_s && t_s < r->config.lock_s + r->config.outage_s;
}

bool run_in_outage(const struct run *r)
{
    return outage_at(r, r->t_s - 1);
}

double run_error_ns(const struct run *r)
{
    return (double)r->whole_ns + r->part_ns;
}

static int64_t clock_ns(const struct run *r)
{
    return START_TAI_S * NS_PER_S + r->now_ns + r->whole_ns + llround(r->part_ns);
}

static void pass(struct run *r, int64_t dt_ns)
{
    const double y = r->oscillator_ppb, u = r->control_ppb, dt_s = (double)dt_ns * 1e-9;
    r->part_ns += (y + u + y * u * 1e-9) * dt_s;
    r->free_ns += y * dt_s;
    r->now_ns += dt_ns;
}

static void act(struct run *r, struct discipline_action a)
{
    if (a.step)
        r->whole_ns += a.step_ns;
    if (a.adjust)
        r->control_ppb = a.freq_ppb;
}

static void pulse(struct run *r, double late_ns, double step_ns)
{
    double reading = (double)r->whole_ns + r->part_ns + late_ns;
    if (step_ns > 0)
        reading = floor(reading / step_ns + 0.5) * step_ns;
    const int64_t edge_ns = START_TAI_S * NS_PER_S + r->now_ns + llround(reading);
    const int64_t true_s = START_TAI_S + r->config.warm_s + r->t_s;
    const int64_t shown_s = (edge_ns + NS_PER_S / 2) / NS_PER_S;
    const int64_t tai_s = discipline_numbers(&r->discipline) ? shown_s : true_s;
    pass(r, LATENCY_NS);
    act(r, discipline_sample(&r->discipline, tai_s, edge_ns, r->now_ns));
}

/* What no sensor can read is what a failing one says: gmd drops it, too. */
static void feel(struct run *r, long since_s)
{
    const struct run_config *c = &r->config;
    if (c->sensor)
        sensor_pass(&r->sensor, oscillator_room(&r->oscillator));
    if (since_s % THERMOMETER_EVERY_S != 0 || (!c->sensor && c->temperature_trace.count == 0))
        return;
    const double celsius = c->sensor ? sensor_reading(&r->sensor) : trace_at(&c->temperature_trace, since_s);
    if (celsius >= THERMOMETER_LEAST && celsius <= THERMOMETER_MOST)
        discipline_temperature(&r->discipline, r->now_ns, celsius);
}

void run_second(struct run *r)
{
    const struct run_config *c = &r->config;
    const long since_s = c->warm_s + r->t_s;
    const int64_t end_ns = (since_s + 1) * NS_PER_S;
    const bool outage = outage_at(r, r->t_s);

    feel(r, since_s);
    r->oscillator_ppb =
        c->oscillator ? oscillator_next(&r->oscillator) : trace_at(&c->oscillator_trace, since_s);
    const double late_ns = c->pulses ? pulses_next(&r->pulses) : trace_at(&c->pulse_trace, since_s);
    r->pulsed = !outage;
    if (r->pulsed)
        pulse(r, late_ns, c->pulses ? c->pulses->stamp_step : 0);
    pass(r, end_ns - NS_PER_S / 2 - r->now_ns);
    const int64_t read_ns = clock_ns(r) + llround(READ_NOISE_NS * fabs(chance_gauss(&r->chance)));
    act(r,
        discipline_tick(&r->discipline, r->now_ns, read_ns, outage ? PULSES_LOST : PULSES_TRUSTED, "no fix"));
    pass(r, end_ns - r->now_ns);
    r->t_s++;
}
