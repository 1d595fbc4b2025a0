/* SPDX-License-Identifier: BSD-2-Clause */
/* gmload: how many clients does a grandmaster hold, and who suffers when one of them misbehaves? */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "gmd/load/summary.h"

enum exit_status { PASSED = 0, FAILED = 1, MISUSED = 2, COULD_NOT_RUN = 3 };

static atomic_bool stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    atomic_store(&stop, true);
}

static int run(const struct load_settings *s)
{
    char error[256];
    struct load_result *result = malloc(sizeof *result);
    if (!result)
        abort();
    int status = COULD_NOT_RUN;
    if (load_campaign(s, &stop, result, error, sizeof error) < 0) {
        fprintf(stderr, "gmload: %s: %s\n", s->interface, error);
    } else {
        status = summary_passed(s, result) ? PASSED : FAILED;
        if (s->json)
            summary_print_json(s, result, stdout);
        else
            summary_print(s, result, stdout);
        if (result->vanished) {
            fprintf(stderr, "gmload: %s: the interface vanished after %.1f s\n", s->interface,
                    result->seconds);
            status = COULD_NOT_RUN;
        }
    }
    free(result);
    return status;
}

int main(int argc, char **argv)
{
    struct load_settings settings;
    char error[256];
    switch (settings_read(&settings, argc, argv, error, sizeof error)) {
    case SETTINGS_HELP:
        fputs(settings_usage, stdout);
        return PASSED;
    case SETTINGS_VERSION:
        puts("gmload " GMD_VERSION);
        return PASSED;
    case SETTINGS_WRONG:
        fprintf(stderr, "gmload: %s\ngmload --help tells more\n", error);
        return MISUSED;
    default:
        break;
    }
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return run(&settings);
}
