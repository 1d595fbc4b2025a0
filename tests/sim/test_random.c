/* SPDX-License-Identifier: BSD-2-Clause */
/* A thousand fleets through two random minutes each; GMD_SIM_SEEDS=n for fewer, GMD_SIM_SEED=n for one of
 * them, told line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/scenario.h"

#define SEEDS       1000
#define WORKERS_MAX 16

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static bool sound(uint64_t seed)
{
    struct fleet *f = scenario_run(seed);
    const bool good = !f->world.violation[0];
    if (!good)
        fprintf(stderr, "seed %" PRIu64 ", %s\n  repeat: GMD_SIM_SEED=%" PRIu64 " %s\n", seed,
                f->world.violation, seed, program_invocation_name);
    fleet_free(f);
    return good;
}

static int work(uint64_t first, uint64_t step, uint64_t last)
{
    int failed = 0;
    for (uint64_t seed = first; seed <= last; seed += step)
        failed |= !sound(seed);
    return failed;
}

static void test_seeds(void **state)
{
    (void)state;
    const uint64_t seeds = number_from("GMD_SIM_SEEDS", SEEDS);
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const int workers = cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : (int)cpus;
    pid_t pids[WORKERS_MAX];
    int failed = 0;
    fflush(NULL);
    for (int i = 0; i < workers; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(work(1 + (uint64_t)i, (uint64_t)workers, seeds));
    }
    for (int i = 0; i < workers; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    assert_int_equal(failed, 0);
}

static void test_one_seed(void **state)
{
    (void)state;
    setenv("GMD_SIM_VERBOSE", "1", 1);
    assert_true(sound(number_from("GMD_SIM_SEED", 1)));
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(test_seeds)};
    const struct CMUnitTest one[] = {cmocka_unit_test(test_one_seed)};
    return getenv("GMD_SIM_SEED") ? cmocka_run_group_tests(one, NULL, NULL)
                                  : cmocka_run_group_tests(all, NULL, NULL);
}
