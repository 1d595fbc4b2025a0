/* SPDX-License-Identifier: BSD-2-Clause */
/* How time comes in and is kept: the reports clock, gnss, holdover, stability, host. */
#include <math.h>

#include "gmd/report_parts.h"
#include "gmd/report_stability.h"
#include "gmd/report_value.h"
#include "holdover/forecast.h"

#define FORECAST_STEPS_MAX 12
#include "gmd/served_clock.h"

json_t *report_clock(struct daemon *d, int64_t now_ns)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    const struct clock_counters *c = &d->clock_counters;
    int64_t read_ns, clock_ns;
    json_t *time = json_null();
    if (served_clock_read(d, &read_ns, &clock_ns) == 0)
        time = json_integer(clock_ns);
    json_t *o = json_object();
    put(o, "clock", printable(d->clock->description));
    put(o, "type", json_string(d->clock->ops->name));
    put(o, "tai_ns", time);
    put(o, "freq_ppb", number(d->clock->freq_ppb));
    put(o, "max_freq_ppb", number(d->clock->max_freq_ppb));
    put(o, "offset_ns", number(s->offset_ns));
    put(o, "bound_ns", bound(s));
    put(o, "steps", unsigned64(s->steps));
    put(o, "foreign_steps", unsigned64(s->jumps));
    put(o, "read_errors", unsigned64(c->read_errors));
    put(o, "adjust_errors", unsigned64(c->adjust_errors));
    put(o, "convert_errors", unsigned64(c->convert_errors));
    put(o, "retries", unsigned64(d->clock->retries));
    put(o, "reopened", json_integer(d->clock->generation));
    put(o, "disturbed", unsigned64(c->disturbed.count));
    put(o, "steered_by_others", unsigned64(c->steered.count));
    put(o, "uptime_s", age(d->started_ns, now_ns));
    return o;
}

static json_t *report_leap(const struct leap_status *l)
{
    json_t *o = json_object();
    put(o, "utc_offset_s", json_integer(l->utc_offset_s));
    put(o, "valid", json_boolean(l->valid));
    put(o, "source", json_string(leap_source_name(l->source)));
    put(o, "table_expired", json_boolean(l->table_expired));
    put(o, "sources_disagree", json_boolean(l->disagree));
    put(o, "leap59", json_boolean(l->leap59));
    put(o, "leap61", json_boolean(l->leap61));
    put(o, "next_leap_utc_s", json_integer(l->next_leap_utc_s));
    return o;
}

json_t *report_switches(const struct daemon *d)
{
    json_t *o = json_object();
    for (int i = 0; i < SIMULATED_SWITCHES; i++)
        json_object_set_new(o, simulated_switch_name(i),
                            json_string(simulated_gnss_is_on(d->simulated, i) ? "on" : "off"));
    return o;
}

static json_t *report_pulse(const struct daemon *d, unsigned i, int64_t now_ns)
{
    const struct pulse *p = d->pulses[i].driver;
    const struct gnss_source_status *g = &d->gm.gnss.status.source[i];
    const struct pulse_pair_status *pair = &d->gm.gnss.pair.status;
    json_t *o = json_object();
    put(o, "pulse", printable(p->description));
    put(o, "in_use", json_boolean(pair->in_use == i));
    put(o, "missing", json_boolean(pair->missing[i]));
    put(o, "last_pulse_s", age(g->last_pulse_ns, now_ns));
    put(o, "noise_ns", pair->noise_ns[i] > 0 ? number(pair->noise_ns[i]) : json_null());
    put(o, "pulses", unsigned64(g->pulses));
    put(o, "rejected", unsigned64(g->rejected));
    put(o, "errors", unsigned64(p->errors));
    put(o, "stale", unsigned64(p->stale));
    put(o, "other_edge", unsigned64(p->other_edge));
    put(o, "rearmed", unsigned64(p->rearmed));
    put(o, "problem", printable(p->problem));
    return o;
}

static json_t *report_pulses(const struct daemon *d, int64_t now_ns)
{
    json_t *pulses = json_array();
    for (unsigned i = 0; i < PULSE_SOURCES; i++)
        if (d->pulses[i].driver)
            json_array_append_new(pulses, report_pulse(d, i, now_ns));
    return pulses;
}

/* What two sources say of each other. */
static json_t *report_pair(const struct pulse_pair_status *pair)
{
    json_t *o = json_object();
    put(o, "in_use_because", json_string(pulse_pair_why_name(pair->why)));
    put(o, "difference_ns", pair->compared ? number(pair->difference_ns) : json_null());
    put(o, "disagree", json_boolean(pair->disagree));
    put(o, "bridge_ns", number(pair->bridge_ns));
    put(o, "changes", unsigned64(pair->changes));
    return o;
}

static json_t *report_sawtooth(const struct gnss_status *g)
{
    json_t *o = json_object();
    put(o, "corrected", json_boolean(g->corrected));
    put(o, "samples", unsigned64(g->samples));
    put(o, "samples_corrected", unsigned64(g->samples_corrected));
    return o;
}

json_t *report_gnss(struct daemon *d, int64_t now_ns)
{
    static const char *const fixes[] = {"unknown", "none", "2D", "3D"};
    const struct gnss_status *g = &d->gm.gnss.status;
    const struct words *w = &g->words;
    json_t *o = json_object();
    put(o, "receiver", printable(d->receiver->description));
    put(o, "link", json_string(g->link == RECEIVER_LINK_UP ? "up" : "down"));
    put(o, "problem", printable(d->receiver->problem));
    put(o, "trust", json_string(gnss_trust_name(g->trust)));
    put(o, "suspicion", g->suspicion ? json_string(g->suspicion) : json_null());
    put(o, "fix", json_string(fixes[g->fix & 3]));
    put(o, "satellites_used", known(g->satellites_used));
    put(o, "satellites_visible", known(g->satellites_visible));
    put(o, "antenna", json_string(receiver_antenna_name(w->antenna)));
    put(o, "jamming", json_string(receiver_threat_name(w->jamming)));
    put(o, "spoofing", json_string(receiver_threat_name(w->spoofing)));
    put(o, "time_accuracy_ns", w->time_accuracy_ns > 0 ? number(w->time_accuracy_ns) : json_null());
    put(o, "last_message_s", age(g->last_message_ns, now_ns));
    put(o, "messages", unsigned64(g->messages));
    put(o, "messages_late", unsigned64(g->messages_late));
    put(o, "messages_malformed", unsigned64(d->receiver->malformed));
    put(o, "numbering_disagrees", json_boolean(g->numbering_disagrees));
    put(o, "labels_disagree", json_boolean(g->labels_disagree));
    put(o, "last_pulse_s", age(g->last_pulse_ns, now_ns));
    put(o, "pulses", report_pulses(d, now_ns));
    if (d->pulses[1].driver)
        put(o, "pair", report_pair(&d->gm.gnss.pair.status));
    put(o, "sawtooth", report_sawtooth(g));
    put(o, "leap", report_leap(&g->leap));
    if (d->simulated)
        put(o, "simulation", report_switches(d));
    return o;
}

/* For people: "7 h 20 min". */
static json_t *duration(double seconds)
{
    const long s = lround(seconds), minutes = lround(seconds / 60), hours = lround(seconds / 3600);
    if (seconds >= FORECAST_MAX_S)
        return json_sprintf("over %.0f d", FORECAST_MAX_S / 86400);
    if (s < 600)
        return json_sprintf("%ld s", s);
    if (minutes < 24L * 60)
        return json_sprintf("%ld h %ld min", minutes / 60, minutes % 60);
    return json_sprintf("%ld d %ld h", hours / 24, hours % 24);
}

/* If the antenna failed now: which step down comes after how long. */
static json_t *report_steps(const struct discipline *discipline)
{
    struct forecast_step steps[FORECAST_STEPS_MAX];
    const unsigned count = forecast_steps(discipline, steps, FORECAST_STEPS_MAX);
    json_t *rows = json_array();
    for (unsigned i = 0; i < count; i++) {
        json_t *o = json_object();
        put(o, "bound_ns", number(steps[i].limit_ns));
        put(o, "after", duration(steps[i].after_s));
        put(o, "after_s", steps[i].after_s < FORECAST_MAX_S ? number(steps[i].after_s) : json_null());
        put(o, "clock_accuracy", hex8(steps[i].clock_accuracy));
        put(o, "clock_class", json_integer(steps[i].clock_class));
        json_array_append_new(rows, o);
    }
    return rows;
}

/* What the sensor says, what of it is believed, and what the oscillator makes of it. */
static json_t *report_temperature(const struct temperature *t, const struct estimator *e, int64_t now_ns)
{
    double sigma;
    const double coefficient = bank_coefficient(&e->bank, &sigma);
    json_t *o = json_object();
    put(o, "celsius", t->read_ns == INT64_MIN ? json_null() : number(t->celsius));
    put(o, "read_s", age(t->read_ns, now_ns));
    put(o, "in_use", json_boolean(!thermometer_lost(&e->thermometer, now_ns)));
    put(o, "coefficient_ppb_per_k", number(coefficient));
    put(o, "coefficient_sigma", number(sigma));
    put(o, "errors", unsigned64(t->errors));
    put(o, "problem", printable(t->problem));
    return o;
}

/* Seconds since lock was lost; null while there is one, and before the first. */
static json_t *unlocked(const struct discipline *d, int64_t now_ns)
{
    const bool lost = d->status.locked_first_ns != INT64_MIN && d->status.state != DISCIPLINE_LOCKED;
    return lost ? age(d->unlocked_ns, now_ns) : json_null();
}

json_t *report_holdover(struct daemon *d, int64_t now_ns)
{
    const struct discipline_status *s = &d->gm.discipline.status;
    json_t *o = json_object();
    put(o, "state", json_string(discipline_state_name(s->state)));
    put(o, "since_s", age(s->since_ns, now_ns));
    put(o, "unlocked_s", unlocked(&d->gm.discipline, now_ns));
    put(o, "previous", json_string(discipline_state_name(s->previous)));
    put(o, "why", printable(s->why));
    put(o, "offset_ns", number(s->offset_ns));
    put(o, "filtered_ns", number(s->filtered_ns));
    put(o, "freq_ppb", number(s->freq_ppb));
    put(o, "drift_ppb_per_day", number(s->drift_ppb_per_day));
    put(o, "bound_ns", bound(s));
    put(o, "bound999_ns", s->bound999_ns < BOUND_UNKNOWN_NS ? json_real(s->bound999_ns) : json_null());
    put(o, "time_left", report_steps(&d->gm.discipline));
    put(o, "limit_ns", number(d->conf.holdover.holdover_limit_ns));
    put(o, "limit_s",
        d->conf.holdover.holdover_limit_s > 0 ? number(d->conf.holdover.holdover_limit_s) : json_null());
    put(o, "last_sample_s", age(s->last_sample_ns, now_ns));
    put(o, "samples", unsigned64(s->samples));
    put(o, "outliers", unsigned64(s->outliers));
    put(o, "rewinds", unsigned64(s->rewinds));
    put(o, "memory", printable(d->memory.status));
    if (d->temperature.path[0])
        put(o, "temperature", report_temperature(&d->temperature, &d->gm.discipline.estimator, now_ns));
    put(o, "quality", quality(&d->gm.quality.clock_quality));
    put(o, "time_to_lock_s",
        s->locked_first_ns == INT64_MIN ? json_null() : age(d->started_ns, s->locked_first_ns));
    return o;
}

json_t *report_stability(struct daemon *d, int64_t now_ns)
{
    const struct stability *s = &d->gm.stability;
    const struct discipline_status *status = &d->gm.discipline.status;
    json_t *o = json_object();
    put(o, "measured", json_string("the clock against its pulses, with their noise and errors"));
    put(o, "state", json_string(discipline_state_name(status->state)));
    put(o, "since_s", age(status->since_ns, now_ns));
    put(o, "measuring", json_boolean(s->running));
    put(o, "interruptions", unsigned64(s->interruptions));
    put(o, "filled_s", unsigned64(s->filled));
    const struct stability_figures figures = stability_figures(s);
    put_stability(o, &figures);
    return o;
}

json_t *report_host(struct daemon *d, int64_t now_ns)
{
    const struct host_clock_status *s = &d->host.clock.status;
    const bool known_offset = s->state == HOST_CLOCK_FOLLOWING || s->state == HOST_CLOCK_COASTING;
    json_t *o = json_object();
    put(o, "follow", json_boolean(d->conf.host_clock.follow));
    if (!d->conf.host_clock.follow)
        return o;
    put(o, "state", json_string(host_clock_state_name(s->state)));
    put(o, "offset_ns", known_offset ? number(s->offset_ns) : json_null());
    put(o, "sigma_ns", known_offset ? number(s->sigma_ns) : json_null());
    put(o, "freq_ppb", number(s->freq_ppb));
    put(o, "samples", unsigned64(s->samples));
    put(o, "outliers", unsigned64(s->outliers));
    put(o, "restarts", unsigned64(s->restarts));
    put(o, "steps", unsigned64(s->steps));
    put(o, "foreign_steps", unsigned64(s->foreign_steps));
    put(o, "foreign_frequencies", unsigned64(s->foreign_freqs));
    put(o, "last_foreign_s", age(s->foreign_ns, now_ns));
    return o;
}
