/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd: command line and signals. */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gmd/calibrate/calibrate.h"
#include "gmd/check.h"
#include "gmd/daemon.h"

#define DEFAULT_FILE "/etc/gmd/gmd.conf"
#define ERRORS_MAX   8192

static const char usage[] =
    "usage: gmd [-f FILE]            serve time, in the foreground\n"
    "       gmd [-f FILE] --check    explain configuration and hardware, print the Announce\n"
    "       gmd [-f FILE] --calibrate[=SECONDS]\n"
    "                                measure what this machine serves, print a clients.capacity\n"
    "       gmd --help-config        every option of gmd.conf\n"
    "       gmd --version | --help\n"
    "FILE is " DEFAULT_FILE " by default.\n";

enum option_code { OPTION_CHECK = 256, OPTION_CALIBRATE, OPTION_HELP_CONFIG, OPTION_VERSION };

static const struct option options[] = {
    {"file", required_argument, NULL, 'f'},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"calibrate", optional_argument, NULL, OPTION_CALIBRATE},
    {"help-config", optional_argument, NULL, OPTION_HELP_CONFIG},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void on_signal(int number)
{
    (void)number;
    daemon_stop();
}

static int serve(const struct conf *conf)
{
    char error[CONF_ERROR_MAX];
    const struct sigaction stop = {.sa_handler = on_signal};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGHUP, &stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct daemon *d = daemon_new(conf, false, error, sizeof error);
    if (!d) {
        log_line(LOG_LEVEL_ERROR, "%s", error);
        return 1;
    }
    const int status = daemon_run(d);
    daemon_free(d);
    return status;
}

/* Seconds, or 0 for what is none. */
static double calibrate_seconds(const char *text)
{
    if (!text)
        return CALIBRATE_SECONDS;
    char *end;
    const double seconds = strtod(text, &end);
    const bool sound =
        end != text && *end == '\0' && seconds >= CALIBRATE_SECONDS_MIN && seconds <= CALIBRATE_SECONDS_MAX;
    return sound ? seconds : 0;
}

int main(int argc, char **argv)
{
    const char *file = NULL;
    bool check = false;
    double seconds = -1;
    int option;
    while ((option = getopt_long(argc, argv, "f:h", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            file = optarg;
            break;
        case OPTION_CHECK:
            check = true;
            break;
        case OPTION_CALIBRATE:
            seconds = calibrate_seconds(optarg);
            if (seconds > 0)
                break;
            fprintf(stderr, "gmd: --calibrate takes %d to %d seconds, not \"%s\"\n", CALIBRATE_SECONDS_MIN,
                    CALIBRATE_SECONDS_MAX, optarg);
            return 2;
        case OPTION_HELP_CONFIG: /* =mdoc is for the manual page */
            if (optarg && strcmp(optarg, "mdoc") == 0)
                conf_help_mdoc(stdout);
            else
                conf_help(stdout);
            return 0;
        case OPTION_VERSION:
            puts("gmd " GMD_VERSION);
            return 0;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (check && seconds > 0) {
        fprintf(stderr, "gmd: --check and --calibrate: one at a time\n%s", usage);
        return 2;
    }
    if (optind < argc) {
        fprintf(stderr, "gmd: unexpected argument \"%s\"\n%s", argv[optind], usage);
        return 2;
    }
    static struct conf conf;
    static char errors[ERRORS_MAX];
    if (seconds > 0 && !file && access(DEFAULT_FILE, F_OK) < 0) {
        conf_defaults(&conf); /* a machine can be measured before it is configured */
        return calibrate_run(&conf, seconds, serve);
    }
    file = file ? file : DEFAULT_FILE;
    if (conf_load(file, &conf, errors, sizeof errors) < 0) {
        fprintf(stderr, "%s\n", errors);
        return 1;
    }
    if (seconds > 0)
        return calibrate_run(&conf, seconds, serve);
    return check ? check_run(file, &conf) : serve(&conf);
}
