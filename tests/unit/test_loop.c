/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: deadlines, descriptors, and handles that change inside callbacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "bmca/ptp.h"
#include "gmd/loop.h"

#define MS 1000000LL
#define US 1000LL

/* poll() of a core that others keep for so long when somebody on it is woken. */
static int64_t core_late_ns;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    const int64_t begin_ns = loop_now();
    const int result = (int)syscall(SYS_poll, fds, count, timeout_ms);
    const int64_t woken_ns = loop_now();
    if (woken_ns > begin_ns + 100 * US)
        while (loop_now() < woken_ns + core_late_ns)
            ;
    return result;
}

/* What _FORTIFY_SOURCE may make of it. */
int poll_checked(struct pollfd *fds, nfds_t count, int timeout_ms, size_t size) __asm__("__poll_chk");
int poll_checked(struct pollfd *fds, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return poll(fds, count, timeout_ms);
}

struct bed {
    struct loop *loop;
    int pipes[2][2];
    int watches[2], timers[3];
    int calls[4];
    int64_t fired_ns[3];
    short revents;
};

static int set_up(void **state)
{
    struct bed *b = calloc(1, sizeof(*b));
    b->loop = loop_new();
    for (int i = 0; i < 2; i++)
        assert_int_equal(pipe(b->pipes[i]), 0);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *b = *state;
    for (int i = 0; i < 4; i++)
        close(b->pipes[i / 2][i % 2]);
    loop_free(b->loop);
    free(b);
    return 0;
}

static void put(struct bed *b, int pipe)
{
    assert_int_equal(write(b->pipes[pipe][1], "x", 1), 1);
}

static void stop(void *ctx, int64_t now_ns)
{
    (void)now_ns;
    loop_stop(((struct bed *)ctx)->loop);
}

/* Ends the loop if the test's own way of ending it fails. */
static void run_for(struct bed *b, int64_t ns)
{
    loop_timer_set(b->loop, loop_timer(b->loop, stop, b), loop_now() + ns);
    assert_int_equal(loop_run(b->loop), 0);
}

static void mark0(void *ctx, int64_t now_ns)
{
    struct bed *b = ctx;
    b->fired_ns[0] = now_ns;
    b->calls[0]++;
}

static void mark1(void *ctx, int64_t now_ns)
{
    struct bed *b = ctx;
    b->fired_ns[1] = now_ns;
    b->calls[1]++;
}

static void mark2(void *ctx, int64_t now_ns)
{
    struct bed *b = ctx;
    b->fired_ns[2] = now_ns;
    b->calls[2]++;
}

static void timers_fire_once_and_not_early(void **state)
{
    struct bed *b = *state;
    loop_timer_fn fns[] = {mark0, mark1, mark2};
    int64_t start_ns = loop_now(), due_ns[] = {start_ns + 300000, start_ns + 20 * MS, start_ns + 20 * MS + 1};
    for (int i = 0; i < 3; i++)
        b->timers[i] = loop_timer(b->loop, fns[i], b);
    for (int i = 2; i >= 0; i--)
        loop_timer_set(b->loop, b->timers[i], due_ns[i]);
    run_for(b, 60 * MS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(b->calls[i], 1);
        assert_true(b->fired_ns[i] >= due_ns[i]);
        assert_true(b->fired_ns[i] < due_ns[i] + 1000 * MS);
    }
}

/* Deadlines finer than poll's milliseconds: the best of several is far below one. */
static void deadlines_are_finer_than_ms(void **state)
{
    struct bed *b = *state;
    int64_t best_ns = INT64_MAX;
    b->timers[0] = loop_timer(b->loop, mark0, b);
    int stopper = loop_timer(b->loop, stop, b);
    for (int i = 0; i < 20; i++) {
        int64_t due_ns = loop_now() + 1300000;
        loop_timer_set(b->loop, b->timers[0], due_ns);
        loop_timer_set(b->loop, stopper, due_ns + 100000);
        assert_int_equal(loop_run(b->loop), 0);
        assert_int_equal(b->calls[0], i + 1);
        int64_t late_ns = b->fired_ns[0] - due_ns;
        best_ns = late_ns < best_ns ? late_ns : best_ns;
    }
    assert_in_range(best_ns, 0, 400000);
}

static void past_and_cancelled_deadlines(void **state)
{
    struct bed *b = *state;
    loop_timer_fn fns[] = {mark0, mark1, mark2};
    for (int i = 0; i < 3; i++)
        b->timers[i] = loop_timer(b->loop, fns[i], b);
    loop_timer_set(b->loop, b->timers[0], INT64_MIN);
    loop_timer_set(b->loop, b->timers[1], loop_now() + MS);
    loop_timer_set(b->loop, b->timers[1], INT64_MAX);
    run_for(b, 10 * MS);
    assert_int_equal(b->calls[0], 1);
    assert_int_equal(b->calls[1], 0);
    assert_int_equal(b->calls[2], 0); /* never set */
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

#define WAKES 64

/* How late a timer is that fires every 2 ms on such a core, after a while: of WAKES, the shortest first. */
static const int64_t *lateness(struct bed *b, bool is_punctual, int64_t late_ns)
{
    static int64_t found_ns[WAKES];
    const int timer = loop_timer(b->loop, mark0, b), stopper = loop_timer(b->loop, stop, b);
    if (is_punctual)
        loop_timer_punctual(b->loop, timer);
    core_late_ns = late_ns;
    for (int i = 0; i < 2 * WAKES; i++) {
        const int64_t due_ns = loop_now() + 2 * MS;
        loop_timer_set(b->loop, timer, due_ns);
        loop_timer_set(b->loop, stopper, due_ns);
        assert_int_equal(loop_run(b->loop), 0);
        assert_true(b->fired_ns[0] >= due_ns);
        found_ns[i % WAKES] = b->fired_ns[0] - due_ns;
    }
    core_late_ns = 0;
    qsort(found_ns, WAKES, sizeof found_ns[0], compare);
    return found_ns;
}

static void a_punctual_one_gets_up_ahead(void **state)
{
    assert_in_range(lateness(*state, true, 300 * US)[0], 0, 150 * US);
}

static void others_wait_for_the_core(void **state)
{
    assert_in_range(lateness(*state, false, 300 * US)[WAKES / 2], 300 * US, 1000 * MS);
}

static void drain(void *ctx, int fd, short revents)
{
    struct bed *b = ctx;
    char c;
    assert_int_equal(read(fd, &c, 1), 1);
    b->revents = revents;
    b->calls[3]++;
}

static void always_due(void *ctx, int64_t now_ns)
{
    struct bed *b = ctx;
    b->calls[0]++;
    loop_timer_set(b->loop, b->timers[0], now_ns);
}

static void starving_nobody(void **state)
{
    struct bed *b = *state;
    b->watches[0] = loop_watch(b->loop, b->pipes[0][0], POLLIN, drain, b);
    b->timers[0] = loop_timer(b->loop, always_due, b);
    loop_timer_set(b->loop, b->timers[0], 0);
    for (int i = 0; i < 5; i++)
        put(b, 0);
    run_for(b, 20 * MS);
    assert_int_equal(b->calls[3], 5); /* although the timer is always due */
    assert_int_equal(b->revents, POLLIN);
    assert_true(b->calls[0] > 5);
}

/* A round that lasts until the timer is long due, while something comes. */
static void stand_still(void *ctx, int fd, short revents)
{
    struct bed *b = ctx;
    drain(ctx, fd, revents);
    const int64_t due_ns = loop_now() + MS;
    loop_timer_set(b->loop, b->timers[0], due_ns);
    while (loop_now() < due_ns + MS)
        ;
    put(b, 1);
}

static void drain_before_the_timer(void *ctx, int fd, short revents)
{
    struct bed *b = ctx;
    drain(ctx, fd, revents);
    assert_int_equal(b->calls[0], 0);
}

static void what_came_goes_before_a_deadline(void **state)
{
    struct bed *b = *state;
    b->timers[0] = loop_timer(b->loop, mark0, b);
    b->watches[0] = loop_watch(b->loop, b->pipes[0][0], POLLIN, stand_still, b);
    b->watches[1] = loop_watch(b->loop, b->pipes[1][0], POLLIN, drain_before_the_timer, b);
    put(b, 0);
    run_for(b, 20 * MS);
    assert_int_equal(b->calls[0], 1);
    assert_int_equal(b->calls[3], 2);
}

static void keep_readable(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    ((struct bed *)ctx)->calls[3]++;
}

static void timers_run_beside_a_flood(void **state)
{
    struct bed *b = *state;
    b->watches[0] = loop_watch(b->loop, b->pipes[0][0], POLLIN, keep_readable, b);
    b->timers[0] = loop_timer(b->loop, mark0, b);
    put(b, 0);
    int64_t due_ns = loop_now() + 5 * MS;
    loop_timer_set(b->loop, b->timers[0], due_ns);
    run_for(b, 20 * MS);
    assert_int_equal(b->calls[0], 1);
    assert_true(b->calls[3] > 10);
}

/* Both are readable in the same round; the first that is called removes the other. */
static void remove_other(void *ctx, int fd, short revents)
{
    (void)revents;
    struct bed *b = ctx;
    int me = fd == b->pipes[0][0] ? 0 : 1;
    b->calls[me]++;
    loop_unwatch(b->loop, b->watches[!me]);
    loop_unwatch(b->loop, b->watches[me]);
}

static void unwatch_inside_a_callback(void **state)
{
    struct bed *b = *state;
    for (int i = 0; i < 2; i++) {
        b->watches[i] = loop_watch(b->loop, b->pipes[i][0], POLLIN, remove_other, b);
        put(b, i);
    }
    run_for(b, 10 * MS);
    assert_int_equal(b->calls[0] + b->calls[1], 1);
}

/* The freed handle is given out again at once, for a descriptor that has nothing to read: the old one's
 * revents must not reach it. */
static void replace_other(void *ctx, int fd, short revents)
{
    (void)fd;
    (void)revents;
    struct bed *b = ctx;
    b->calls[0]++;
    loop_unwatch(b->loop, b->watches[0]);
    loop_unwatch(b->loop, b->watches[1]);
    assert_int_equal(loop_watch(b->loop, b->pipes[0][1], 0, keep_readable, b), b->watches[0]);
    assert_int_equal(loop_watch(b->loop, b->pipes[1][1], 0, keep_readable, b), b->watches[1]);
}

static void rewatch_inside_a_callback(void **state)
{
    struct bed *b = *state;
    for (int i = 0; i < 2; i++) {
        b->watches[i] = loop_watch(b->loop, b->pipes[i][0], POLLIN, replace_other, b);
        put(b, i);
    }
    run_for(b, 10 * MS);
    assert_int_equal(b->calls[0], 1);
    assert_int_equal(b->calls[3], 0);
}

static void events_can_change(void **state)
{
    struct bed *b = *state;
    b->watches[0] = loop_watch(b->loop, b->pipes[0][0], 0, drain, b);
    put(b, 0);
    run_for(b, 5 * MS);
    assert_int_equal(b->calls[3], 0);
    loop_watch_events(b->loop, b->watches[0], POLLIN);
    run_for(b, 5 * MS);
    assert_int_equal(b->calls[3], 1);
}

static void count_revents(void *ctx, int fd, short revents)
{
    (void)fd;
    struct bed *b = ctx;
    b->revents = revents;
    b->calls[3]++;
}

static void a_closed_descriptor_is_told_once(void **state)
{
    struct bed *b = *state;
    int fd = dup(b->pipes[0][0]);
    b->watches[0] = loop_watch(b->loop, fd, POLLIN, count_revents, b);
    close(fd);
    run_for(b, 10 * MS);
    assert_int_equal(b->calls[3], 1);
    assert_int_equal(b->revents, POLLNVAL);
}

static void full_tables(void **state)
{
    struct bed *b = *state;
    for (int i = 0; i < LOOP_WATCHES_MAX; i++)
        assert_int_equal(loop_watch(b->loop, b->pipes[0][0], POLLIN, drain, b), i);
    assert_int_equal(loop_watch(b->loop, b->pipes[0][0], POLLIN, drain, b), -1);
    loop_unwatch(b->loop, 17);
    assert_int_equal(loop_watch(b->loop, b->pipes[0][0], POLLIN, drain, b), 17);
    for (int i = 0; i < LOOP_TIMERS_MAX; i++)
        assert_int_equal(loop_timer(b->loop, mark0, b), i);
    assert_int_equal(loop_timer(b->loop, mark0, b), -1);
}

static void on_alarm(int number)
{
    (void)number;
}

static void signals_do_not_end_it(void **state)
{
    struct bed *b = *state;
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval every_ms = {{0, 1000}, {0, 1000}}, off = {0};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every_ms, NULL);
    b->watches[0] = loop_watch(b->loop, b->pipes[0][0], POLLIN, drain, b);
    b->timers[0] = loop_timer(b->loop, mark0, b);
    loop_timer_set(b->loop, b->timers[0], loop_now() + 10 * MS);
    put(b, 0);
    run_for(b, 20 * MS);
    setitimer(ITIMER_REAL, &off, NULL);
    assert_int_equal(b->calls[0], 1);
    assert_int_equal(b->calls[3], 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(timers_fire_once_and_not_early),
        TEST(deadlines_are_finer_than_ms),
        TEST(a_punctual_one_gets_up_ahead),
        TEST(others_wait_for_the_core),
        TEST(past_and_cancelled_deadlines),
        TEST(starving_nobody),
        TEST(what_came_goes_before_a_deadline),
        TEST(timers_run_beside_a_flood),
        TEST(unwatch_inside_a_callback),
        TEST(rewatch_inside_a_callback),
        TEST(events_can_change),
        TEST(a_closed_descriptor_is_told_once),
        TEST(full_tables),
        TEST(signals_do_not_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
