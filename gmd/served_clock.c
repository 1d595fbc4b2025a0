/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/served_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_ATTEMPTS 3
#define READ_CLOSE_NS 20000 /* two readings of monotonic time this close are good enough */
#define CHECK_NS      (NS_PER_S / 2)

int served_clock_read(struct daemon *d, int64_t *now_ns, int64_t *clock_ns)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < READ_ATTEMPTS && best > READ_CLOSE_NS; i++) {
        int64_t reading = 0;
        const int64_t before = loop_now();
        const int error = d->clock->ops->read(d->clock, &reading);
        const int64_t after = loop_now();
        if (error) {
            d->clock_counters.read_errors++;
            if (d->clock_counters.failing_since_ns == INT64_MAX)
                d->clock_counters.failing_since_ns = before;
            log_limited(&d->clock_complaint, before, "%s: reading: %s", d->clock->description,
                        strerror(-error));
            return error;
        }
        if (after - before < best) {
            best = after - before;
            d->clock_counters.read_ns = before + best / 2;
            d->clock_counters.clock_ns = reading;
        }
    }
    *now_ns = d->clock_counters.read_ns;
    *clock_ns = d->clock_counters.clock_ns;
    d->clock_counters.failing_since_ns = INT64_MAX;
    return 0;
}

/* True if the clock did as it was told. */
static bool obeyed(struct daemon *d, const char *what, int error)
{
    struct clock_counters *c = &d->clock_counters;
    if (!error) {
        c->refusing_since_ns = INT64_MAX;
        return true;
    }
    const int64_t now_ns = loop_now();
    c->adjust_errors++;
    if (c->refusing_since_ns == INT64_MAX)
        c->refusing_since_ns = now_ns;
    log_limited(&d->clock_complaint, now_ns, "%s: %s: %s", d->clock->description, what, strerror(-error));
    return false;
}

void served_clock_carry_out(struct daemon *d, const struct discipline_action *action)
{
    if (action->step && obeyed(d, "step", d->clock->ops->step(d->clock, action->step_ns))) {
        log_line(LOG_LEVEL_NOTICE, "clock stepped by %+.9f s", (double)action->step_ns / 1e9);
        grandmaster_stepped(&d->gm);
    }
    if (action->adjust) {
        obeyed(d, "frequency", d->clock->ops->adjust(d->clock, action->freq_ppb));
        grandmaster_adjusted(&d->gm, d->clock->freq_ppb);
    }
}

/* What the discipline's own watch over steps would not confirm, or would come too late for. */
static bool is_unsound(const struct daemon *d, const struct clock_finding *f)
{
    if (f->trouble == CLOCK_JUMPED)
        return llabs(f->displaced_ns) >= (int64_t)d->conf.holdover.jump_threshold_ns;
    return f->trouble != CLOCK_WELL && f->trouble != CLOCK_STEERED;
}

static void note_finding(struct daemon *d, const struct clock_finding *f, int64_t now_ns)
{
    struct clock_counters *c = &d->clock_counters;
    const bool steered = f->trouble == CLOCK_STEERED;
    struct clock_notice *n = steered ? &c->steered : &c->disturbed;
    n->count++;
    n->at_ns = now_ns;
    snprintf(n->what, sizeof n->what, "%s", f->what);
    log_limited(&d->clock_complaint, now_ns, "%s: %s", d->clock->description, f->what);
}

bool served_clock_check(struct daemon *d, int64_t now_ns)
{
    struct clock_counters *c = &d->clock_counters;
    struct clock_finding f = {0};
    d->clock_check_due_ns = now_ns + CHECK_NS;
    if (!d->clock->ops->check)
        return false;
    const bool found = d->clock->ops->check(d->clock, &f) > 0;
    c->gone = found && f.trouble == CLOCK_GONE;
    c->unsound = found && is_unsound(d, &f);
    if (found)
        note_finding(d, &f, now_ns);
    if (found && f.trouble == CLOCK_STEERED && f.uncertainty_ns > 0)
        grandmaster_displaced(&d->gm, (double)f.displaced_ns, (double)f.uncertainty_ns);
    if (c->generation != d->clock->generation) {
        c->generation = d->clock->generation;
        log_line(LOG_LEVEL_NOTICE, "%s: opened again", d->clock->description);
    }
    return found && f.trouble != CLOCK_STEERED;
}
