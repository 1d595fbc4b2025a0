/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/grandmaster.h"

#include <math.h>
#include <string.h>

static struct time_properties time_properties(const struct leap_status *leap,
                                              const struct discipline_quality *q)
{
    return (struct time_properties){
        .current_utc_offset = (int16_t)leap->utc_offset_s,
        .current_utc_offset_valid = leap->valid && q->may_serve,
        .leap59 = leap->leap59,
        .leap61 = leap->leap61,
        .time_traceable = q->time_traceable,
        .frequency_traceable = q->frequency_traceable,
        .ptp_timescale = true,
        .time_source = q->time_source,
    };
}

/* The last stretch of the way: what the discipline knows becomes what the instance announces. */
static void announce_quality(struct grandmaster *gm, int64_t now_ns)
{
    gm->quality = discipline_quality(&gm->discipline);
    const struct time_properties tp = time_properties(&gm->gnss.status.leap, &gm->quality);
    instance_set_quality(&gm->instance, &gm->quality.clock_quality, &tp,
                         gm->quality.may_serve || gm->serve_before_lock, now_ns);
}

void grandmaster_init(struct grandmaster *gm, const struct grandmaster_config *config,
                      struct service *service)
{
    memset(gm, 0, sizeof *gm);
    gm->serve_before_lock = config->serve_before_lock;
    gnss_init(&gm->gnss, &config->gnss, config->configured_utc_offset_s);
    discipline_init(&gm->discipline, &config->discipline);
    stability_init(&gm->stability);
    gm->quality = discipline_quality(&gm->discipline);
    struct default_ds ds = config->default_ds;
    ds.clock_quality = gm->quality.clock_quality;
    instance_init(&gm->instance, &ds, service);
}

/* MTIE and TDEV are of the locked clock (G.8272, clause 6): not of its way there, which ends where the
 * estimate says, nor of pulses that were rejected. sample: the one just taken, or NULL. */
static void observe(struct grandmaster *gm, const struct gnss_sample *sample)
{
    const struct discipline *d = &gm->discipline;
    const bool arrived = fabs(d->status.filtered_ns) <= d->config.pulse_noise_ns;
    if (d->status.state != DISCIPLINE_LOCKED)
        stability_interrupt(&gm->stability);
    else if (sample && sample->tai_s == d->last_tai_s && (gm->stability.running || arrived))
        stability_add(&gm->stability, sample->tai_s, d->status.offset_ns);
}

static struct discipline_action take_sample(struct grandmaster *gm, const struct gnss_sample *sample,
                                            int64_t now_ns)
{
    const struct discipline_action action =
        discipline_sample(&gm->discipline, sample->tai_s, sample->reading_ns, now_ns);
    observe(gm, sample);
    announce_quality(gm, now_ns);
    return action;
}

/* What comes later in one event goes on from what came before, which did not step. */
static void add_action(struct discipline_action *action, const struct discipline_action *then)
{
    action->step = then->step;
    action->step_ns = then->step_ns;
    if (then->adjust) {
        action->adjust = true;
        action->freq_ppb = then->freq_ppb;
    }
}

struct discipline_action grandmaster_message(struct grandmaster *gm, const struct receiver_report *r,
                                             int64_t clock_ns)
{
    struct discipline_action action = {0};
    struct gnss_sample sample;
    bool more = gnss_message(&gm->gnss, r, discipline_numbers(&gm->discipline), clock_ns, &sample);
    for (; more && !action.step; more = gnss_next(&gm->gnss, &sample)) {
        const struct discipline_action then = take_sample(gm, &sample, r->arrival_ns);
        add_action(&action, &then);
    }
    return action;
}

struct discipline_action grandmaster_pulse(struct grandmaster *gm, unsigned source, int64_t clock_ns,
                                           int64_t arrival_ns, int64_t now_ns)
{
    struct gnss_sample sample;
    if (!gnss_pulse(&gm->gnss, source, clock_ns, arrival_ns, discipline_numbers(&gm->discipline), &sample))
        return (struct discipline_action){0};
    return take_sample(gm, &sample, now_ns);
}

static enum pulse_trust pulse_trust(const struct gnss_status *s)
{
    if (s->trust == GNSS_SUSPECT)
        return PULSES_SUSPECT;
    return s->trust == GNSS_GOOD ? PULSES_TRUSTED : PULSES_LOST;
}

static const char *why_not(const struct gnss_status *s)
{
    return s->trust == GNSS_SUSPECT ? s->suspicion : gnss_trust_name(s->trust);
}

struct discipline_action grandmaster_tick(struct grandmaster *gm, int64_t now_ns, int64_t clock_ns,
                                          bool clock_answers)
{
    struct gnss_sample sample;
    const bool sampled = gnss_tick(&gm->gnss, now_ns, clock_ns / NS_PER_S, &sample);
    const enum pulse_trust trust = clock_answers ? pulse_trust(&gm->gnss.status) : PULSES_LOST;
    const char *why = clock_answers ? why_not(&gm->gnss.status) : "the clock does not answer";
    struct discipline_action action = discipline_tick(&gm->discipline, now_ns, clock_ns, trust, why);
    observe(gm, NULL);
    if (sampled && !action.step) { /* a step makes its reading void */
        const struct discipline_action then = take_sample(gm, &sample, now_ns);
        add_action(&action, &then);
    }
    announce_quality(gm, now_ns);
    return action;
}

void grandmaster_stepped(struct grandmaster *gm)
{
    gnss_clock_changed(&gm->gnss);
}

void grandmaster_displaced(struct grandmaster *gm, double delta_ns, double sigma_ns)
{
    discipline_displaced(&gm->discipline, delta_ns, sigma_ns);
}

void grandmaster_adjusted(struct grandmaster *gm, double freq_ppb)
{
    discipline_adjusted(&gm->discipline, freq_ppb);
}
