/* SPDX-License-Identifier: BSD-2-Clause */
/* gmsim: the discipline alone in virtual time, on modelled or recorded oscillators and pulses. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/discipline_settings.h"
#include "gmd/report_stability.h"
#include "gmd/simulate/figures.h"
#include "gmd/simulate/run.h"
#include "holdover/masks.h"

#define RETURN_S   3600
#define TIME_MAX_S (366L * 86400)
#define PPB        1e9 /* of a fractional frequency */
#define NS_OF_S    1e9

#define MAX_FREQ_PPB      500000
#define HOLDOVER_LIMIT_NS 1000 /* the default of most profiles */

static const char usage[] =
    "usage: gmsim --oscillator tcxo|ocxo|ocxo-hq|rubidium|nic|FILE[:INTERVAL_S]\n"
    "             --pulses f9t|m8t|plain|reference|FILE --lock SECONDS --outage SECONDS\n"
    "             [--sensor | --temperature FILE[:INTERVAL_S]]\n"
    "             [--warm SECONDS] [--seed N] [--class auto|tcxo|ocxo|ocxo-hq|rubidium|nic] [--steady]\n"
    "             [--day FRACTION] [--csv FILE|-] [--json]\n";

struct request {
    struct run_config run;
    struct oscillator_figures steady; /* of the named oscillator in a room of constant temperature */
    const char *oscillator, *pulses, *temperature, *csv;
    bool json, keep_temperature;
};

/* --- the command line ------------------------------------------------------------------------------ */

static bool whole_number(const char *text, long least, long most, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return !errno && end != text && !*end && *value >= least && *value <= most;
}

static bool fraction(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= 0 && *value <= 1;
}

static bool class_named(const char *name, enum oscillator_class *c)
{
    static const char *const names[] = {
        [OSCILLATOR_AUTO] = "auto", [OSCILLATOR_NIC] = "nic",         [OSCILLATOR_TCXO] = "tcxo",
        [OSCILLATOR_OCXO] = "ocxo", [OSCILLATOR_OCXO_HQ] = "ocxo-hq", [OSCILLATOR_RUBIDIUM] = "rubidium",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *c = (enum oscillator_class)i;
            return true;
        }
    return false;
}

/* FILE[:INTERVAL_S], in t the interval where there is none. */
static bool timed_file(struct trace *t, const char *text, double scale)
{
    char path[4096], error[4200], *end;
    snprintf(path, sizeof path, "%s", text);
    char *colon = strrchr(path, ':');
    if (colon) {
        const double interval_s = strtod(colon + 1, &end);
        if (end == colon + 1 || *end || !(interval_s > 0)) {
            fprintf(stderr, "gmsim: %s: after the colon stands no interval in seconds\n", text);
            return false;
        }
        *colon = 0;
        t->interval_s = interval_s;
    }
    if (trace_read(t, path, scale, error, sizeof error) == 0)
        return true;
    fprintf(stderr, "gmsim: %s\n", error);
    return false;
}

static bool oscillator_file(struct request *q)
{
    q->run.oscillator_trace.interval_s = 1;
    return timed_file(&q->run.oscillator_trace, q->oscillator, PPB);
}

static bool pulse_file(struct request *q, const char *path)
{
    char error[4200];
    q->run.pulse_trace.interval_s = 1;
    if (trace_read(&q->run.pulse_trace, path, NS_OF_S, error, sizeof error) == 0)
        return true;
    fprintf(stderr, "gmsim: %s\n", error);
    return false;
}

/* As often as the oscillator's file, unless it says itself how often. */
static bool temperature_file(struct request *q)
{
    q->run.temperature_trace.interval_s = q->run.oscillator ? 1 : q->run.oscillator_trace.interval_s;
    return timed_file(&q->run.temperature_trace, q->temperature, 1);
}

static bool find_sources(struct request *q)
{
    q->run.oscillator = oscillator_named(q->oscillator);
    q->run.pulses = pulses_named(q->pulses);
    if (q->run.oscillator && !q->keep_temperature) {
        q->steady = *q->run.oscillator;
        q->steady.per_kelvin = 0;
        q->run.oscillator = &q->steady;
    }
    if (q->run.sensor && !q->run.oscillator) {
        fprintf(stderr, "gmsim: --sensor is in a model's room; for a file's there is --temperature\n");
        return false;
    }
    return (q->run.oscillator || oscillator_file(q)) && (q->run.pulses || pulse_file(q, q->pulses)) &&
           (!q->temperature || temperature_file(q));
}

/* Files must last for lock and outage; as long as they go on, the return is simulated, too. */
static bool fit_to_files(struct request *q)
{
    const struct {
        const struct trace *trace; /* NULL: no file */
        const char *name;
    } files[] = {{q->run.oscillator ? NULL : &q->run.oscillator_trace, q->oscillator},
                 {q->run.pulses ? NULL : &q->run.pulse_trace, q->pulses},
                 {q->temperature ? &q->run.temperature_trace : NULL, q->temperature}};
    const long needed_s = q->run.warm_s + q->run.lock_s + q->run.outage_s;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!files[i].trace)
            continue;
        const long seconds = trace_seconds(files[i].trace);
        if (seconds < needed_s) {
            fprintf(stderr, "gmsim: %s: has values for %ld s, the run needs %ld s\n", files[i].name, seconds,
                    needed_s);
            return false;
        }
        if (seconds - needed_s < q->run.return_s)
            q->run.return_s = seconds - needed_s;
    }
    return true;
}

static struct discipline_config discipline_as_installed(void)
{
    static struct conf c;
    conf_defaults(&c);
    struct discipline_config d = discipline_settings(&c);
    d.max_freq_ppb = MAX_FREQ_PPB;
    d.holdover_limit_ns = HOLDOVER_LIMIT_NS;
    d.systematic_ns = 0; /* the simulated receiver and cable have no error that does not average out */
    return d;
}

enum {
    OPTION_OSCILLATOR = 256,
    OPTION_PULSES,
    OPTION_LOCK,
    OPTION_OUTAGE,
    OPTION_WARM,
    OPTION_SEED,
    OPTION_CLASS,
    OPTION_STEADY,
    OPTION_SENSOR,
    OPTION_TEMPERATURE,
    OPTION_DAY,
    OPTION_CSV,
    OPTION_JSON,
    OPTION_HELP
};

static bool take_option(struct request *q, int option)
{
    long number;
    switch (option) {
    case OPTION_OSCILLATOR:
        q->oscillator = optarg;
        return true;
    case OPTION_PULSES:
        q->pulses = optarg;
        return true;
    case OPTION_LOCK:
        return whole_number(optarg, 1, TIME_MAX_S, &q->run.lock_s);
    case OPTION_OUTAGE:
        return whole_number(optarg, 0, TIME_MAX_S, &q->run.outage_s);
    case OPTION_WARM:
        return whole_number(optarg, 1, TIME_MAX_S, &q->run.warm_s);
    case OPTION_SEED:
        if (!whole_number(optarg, 0, INT32_MAX, &number))
            return false;
        q->run.seed = (uint64_t)number;
        return true;
    case OPTION_CLASS:
        return class_named(optarg, &q->run.discipline.oscillator);
    case OPTION_STEADY:
        q->keep_temperature = false;
        return true;
    case OPTION_SENSOR:
        q->run.sensor = true;
        return true;
    case OPTION_TEMPERATURE:
        q->temperature = optarg;
        return true;
    case OPTION_DAY:
        return fraction(optarg, &q->run.day);
    case OPTION_CSV:
        q->csv = optarg;
        return true;
    case OPTION_JSON:
        q->json = true;
        return true;
    default:
        return false;
    }
}

static bool parse(struct request *q, int argc, char **argv)
{
    static const struct option options[] = {
        {"oscillator", required_argument, NULL, OPTION_OSCILLATOR},
        {"pulses", required_argument, NULL, OPTION_PULSES},
        {"lock", required_argument, NULL, OPTION_LOCK},
        {"outage", required_argument, NULL, OPTION_OUTAGE},
        {"warm", required_argument, NULL, OPTION_WARM},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"class", required_argument, NULL, OPTION_CLASS},
        {"steady", no_argument, NULL, OPTION_STEADY},
        {"sensor", no_argument, NULL, OPTION_SENSOR},
        {"temperature", required_argument, NULL, OPTION_TEMPERATURE},
        {"day", required_argument, NULL, OPTION_DAY},
        {"csv", required_argument, NULL, OPTION_CSV},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},
        {0},
    };
    int option, index = 0;
    *q = (struct request){.keep_temperature = true};
    q->run.discipline = discipline_as_installed();
    q->run.lock_s = q->run.outage_s = -1;
    q->run.seed = 1;
    q->run.day = -1;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option == OPTION_HELP) {
            fputs(usage, stdout);
            exit(0);
        }
        if (!take_option(q, option)) {
            if (option != '?')
                fprintf(stderr, "gmsim: --%s %s: not possible\n", options[index].name, optarg);
            return false;
        }
    }
    q->run.return_s = q->run.outage_s > 0 ? RETURN_S : 0;
    return optind == argc && !(q->run.sensor && q->temperature) && q->oscillator && q->pulses &&
           q->run.lock_s >= 0 && q->run.outage_s >= 0;
}

/* --- results --------------------------------------------------------------------------------------- */

static void csv_line(FILE *csv, const struct run *r)
{
    struct discipline d = r->discipline;
    const struct discipline_quality q = discipline_quality(&d);
    fprintf(csv, "%ld,%s,%.3f,%.3f,%.3f,%u,0x%02X,%.6f,", r->t_s, discipline_state_name(d.status.state),
            run_error_ns(r), d.status.bound_ns, d.status.bound999_ns, q.clock_quality.clock_class,
            q.clock_quality.clock_accuracy, d.status.freq_ppb);
    if (r->pulsed)
        fprintf(csv, "%.3f", d.status.offset_ns);
    fputc('\n', csv);
}

static json_t *time_or_null(long s)
{
    return s < 0 ? json_null() : json_integer(s);
}

static json_t *fits_json(const struct figures_horizon *h)
{
    json_t *all = json_array();
    for (int i = 0; i < h->fits; i++)
        json_array_append_new(all, json_real(h->fits_ns[i]));
    return all;
}

static json_t *horizons_json(const struct figures *f)
{
    json_t *all = json_object();
    for (int i = 0; i < FIGURES_HORIZONS; i++) {
        const struct figures_horizon *h = &f->horizons[i];
        char name[16];
        if (!h->reached)
            continue;
        snprintf(name, sizeof name, "%ld", h->after_s);
        json_object_set_new(all, name,
                            json_pack("{s:f, s:f, s:f, s:f, s:o}", "error_ns", h->error_ns, "max_error_ns",
                                      h->max_error_ns, "line_ns", h->line_ns, "hindsight_ns", h->hindsight_ns,
                                      "fits_ns", fits_json(h)));
    }
    return all;
}

static json_t *outage_json(const struct figures *f)
{
    if (f->outage_seconds == 0)
        return json_null();
    return json_pack("{s:o, s:f, s:f, s:f, s:f, s:o, s:o}", "after_s", horizons_json(f), "share_bound95",
                     f->share95, "share_bound999", f->share999, "median_bound95_per_error", f->median_ratio95,
                     "return_error_ns", f->return_error_ns, "relock_s", time_or_null(f->relocked_after_s),
                     "relock_error_ns",
                     f->relocked_after_s < 0 ? json_null() : json_real(f->relock_error_ns));
}

static json_t *stability_json(const struct figures *f)
{
    json_t *o = json_object();
    put_stability(o, &f->stability);
    return o;
}

static json_t *coefficient_json(const struct figures *f)
{
    return f->sensed ? json_pack("{s:f, s:f}", "ppb_per_k", f->coefficient, "sigma", f->coefficient_sigma)
                     : json_null();
}

static void print_json(const struct request *q, const struct figures *f)
{
    json_t *o =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "oscillator",
                  q->oscillator, "pulses", q->pulses, "seed", (json_int_t)q->run.seed, "lock_s",
                  (json_int_t)q->run.lock_s, "outage_s", (json_int_t)q->run.outage_s, "time_to_lock_s",
                  time_or_null(f->locked_at_s), "time_to_100ns_s", time_or_null(f->within_100ns_s),
                  "locked_rms_ns", f->locked_seconds ? json_real(f->locked_rms_ns) : json_null(),
                  "locked_max_ns", f->locked_seconds ? json_real(f->locked_max_ns) : json_null(), "stability",
                  stability_json(f), "temperature_coefficient", coefficient_json(f), "steps_after_lock",
                  (json_int_t)f->steps, "outage", outage_json(f));
    if (!o || json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) < 0)
        abort();
    putchar('\n');
    json_decref(o);
}

static void print_time(const char *what, long s)
{
    if (s < 0)
        printf("%-28s never\n", what);
    else
        printf("%-28s %ld s\n", what, s);
}

static void print_judgement(enum mask_name m, const struct stability_figures *f)
{
    static const char *const names[MASK_QUANTITIES] = {"MTIE", "TDEV"};
    const struct mask_judgement j = mask_judge(m, f);
    printf("%-28s %s", mask_name(m), mask_verdict_name(j.all));
    if (j.judged_to_s)
        printf(", judged up to %ld s", j.judged_to_s);
    if (j.max_abs_te == MASK_FAIL)
        printf(", max|TE| fails: %.1f ns of %.0f", f->max_abs_te_ns, mask_max_abs_te_ns(m));
    for (int q = 0; q < MASK_QUANTITIES; q++)
        if (j.fails_at_s[q])
            printf(", %s fails at %ld s", names[q], j.fails_at_s[q]);
    putchar('\n');
}

static void print_stability(const struct stability_figures *f)
{
    if (f->observed_s == 0)
        return;
    printf("%-28s %14s %14s\n", "locked, interval", "MTIE", "TDEV");
    for (int i = 0; i < STABILITY_TAUS && !isnan(f->points[i].mtie_ns); i++) {
        const struct stability_point *p = &f->points[i];
        printf("%25ld s %13.2f ns", p->tau_s, p->mtie_ns);
        if (!isnan(p->tdev_ns))
            printf(" %11.3f ns", p->tdev_ns);
        putchar('\n');
    }
    for (enum mask_name m = 0; m < MASKS; m++)
        print_judgement(m, f);
}

static void print_text(const struct request *q, const struct figures *f)
{
    printf("%s, %s, seed %llu, %ld s with pulses, %ld s without\n", q->oscillator, q->pulses,
           (unsigned long long)q->run.seed, q->run.lock_s, q->run.outage_s);
    print_time("time to lock", f->locked_at_s);
    print_time("time to |error| < 100 ns", f->within_100ns_s);
    if (f->locked_seconds)
        printf("%-28s %.2f ns rms, %.1f ns largest\n", "locked", f->locked_rms_ns, f->locked_max_ns);
    print_stability(&f->stability);
    if (f->sensed)
        printf("%-28s %.4g +- %.2g ppb/K\n", "temperature coefficient", f->coefficient, f->coefficient_sigma);
    if (!f->outage_seconds)
        return;
    printf("%-28s %14s %14s %14s\n", "outage", "error", "largest so far", "hindsight");
    for (int i = 0; i < FIGURES_HORIZONS; i++) {
        const struct figures_horizon *h = &f->horizons[i];
        if (h->reached)
            printf("%23ld min %11.1f ns %11.1f ns %11.1f ns\n", h->after_s / 60, h->error_ns, h->max_error_ns,
                   h->hindsight_ns);
    }
    printf("%-28s %.2f %% of the outage, 99.9 %% bound: %.2f %%\n", "within the 95 % bound", f->share95 * 100,
           f->share999 * 100);
    printf("%-28s %.2f\n", "median 95 % bound / |error|", f->median_ratio95);
    print_time("locked again after", f->relocked_after_s);
    if (f->relocked_after_s >= 0)
        printf("%-28s %.1f ns (%.1f ns when the pulses came back)\n", "error then", f->relock_error_ns,
               f->return_error_ns);
    printf("%-28s %llu\n", "steps after the first lock", f->steps);
}

/* What is wrong, or NULL. */
static const char *simulate(const struct request *q, FILE *csv, struct figures *figures)
{
    struct figures_collector c;
    struct run *r = malloc(sizeof *r);
    if (!r)
        return "out of memory";
    const char *wrong = !run_init(r, &q->run)   ? "--warm: too short to learn anything"
                        : !figures_begin(&c, r) ? "out of memory"
                                                : NULL;
    if (wrong) {
        free(r);
        return wrong;
    }
    if (csv)
        fprintf(csv, "t_s,state,true_error_ns,bound95_ns,bound999_ns,clock_class,clock_accuracy,freq_ppb,"
                     "measured_offset_ns\n");
    const long outage_end_s = q->run.lock_s + q->run.outage_s;
    while (r->t_s < run_total_s(r) && (r->t_s < outage_end_s || c.figures.relocked_after_s < 0)) {
        run_second(r);
        figures_add(&c, r);
        if (csv)
            csv_line(csv, r);
    }
    figures_end(&c, r);
    *figures = c.figures;
    free(r);
    return NULL;
}

static FILE *open_csv(const char *path)
{
    FILE *csv = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!csv)
        fprintf(stderr, "gmsim: %s: %s\n", path, strerror(errno));
    return csv;
}

int main(int argc, char **argv)
{
    static struct request q;
    struct figures figures;
    FILE *csv = NULL;
    int status = 1;

    if (!parse(&q, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    if (find_sources(&q) && fit_to_files(&q) && (!q.csv || (csv = open_csv(q.csv)))) {
        const char *wrong = simulate(&q, csv, &figures);
        if (wrong)
            fprintf(stderr, "gmsim: %s\n", wrong);
        else if (csv && csv != stdout && (ferror(csv) | fclose(csv)))
            fprintf(stderr, "gmsim: %s: %s\n", q.csv, strerror(errno));
        else
            status = 0;
        if (status == 0 && q.json)
            print_json(&q, &figures);
        else if (status == 0 && csv != stdout)
            print_text(&q, &figures);
    }
    trace_free(&q.run.oscillator_trace);
    trace_free(&q.run.pulse_trace);
    trace_free(&q.run.temperature_trace);
    return status;
}
