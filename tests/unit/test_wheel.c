/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the timing wheel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gmd/ptp/wheel.h"

#define S  NS_PER_S
#define MS (NS_PER_S / 1000)

#define IDS 4096
static struct wheel wheel;
static struct wheel_entry entries[IDS];

static void begin(int64_t now_ns)
{
    memset(entries, 0, sizeof(entries));
    wheel_init(&wheel, entries, now_ns);
}

/* One tick, rounded up. */
#define TICK_NS (S / WHEEL_TICKS_PER_S + 1)

static void gives_each_at_its_time(void **state)
{
    (void)state;
    const int64_t start = 12345 * S + 6789;
    const int64_t delays[] = {0, 1, MS, 20 * MS, S - 1, S, S + 1, 3 * S, 1000 * S, 86400 * S};
    for (unsigned i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        uint16_t id;
        begin(start);
        assert_true(wheel_deadline(&wheel) == INT64_MAX);
        wheel_add(&wheel, 7, start + delays[i]);
        assert_true(wheel_contains(&wheel, 7));
        int64_t now = start;
        unsigned calls = 0;
        while (wheel_due(&wheel, now, &id, 1) == 0) {
            assert_true(wheel_deadline(&wheel) > now);
            now = wheel_deadline(&wheel);
            calls++;
        }
        assert_int_equal(id, 7);
        assert_true(now >= start + delays[i] && now <= start + delays[i] + TICK_NS);
        assert_true(calls <= (unsigned)(delays[i] / S) + 2); /* one look a turn */
        assert_false(wheel_contains(&wheel, 7));
        assert_true(wheel_deadline(&wheel) == INT64_MAX);
    }
}

static void spreads_evenly(void **state)
{
    (void)state;
    const struct {
        uint32_t ids;
        int8_t log_interval;
    } rows[] = {{4096, 0}, {2000, -3}, {100, -3}, {64, -7}, {4096, 2}, {1, -4}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t interval = wheel_interval(rows[i].log_interval), most = 0;
        begin(0);
        for (uint32_t id = 0; id < rows[i].ids; id++)
            wheel_add_evenly(&wheel, (uint16_t)id, interval, 0);
        uint16_t ids[IDS];
        uint32_t ticks = interval < 2048 ? interval : 2048, seen = 0;
        for (uint32_t tick = 1; tick <= interval; tick++) {
            unsigned due = wheel_due(&wheel, tick * S / WHEEL_TICKS_PER_S + 1, ids, IDS);
            most = due > most ? due : most;
            seen += due;
        }
        assert_int_equal(seen, rows[i].ids);
        assert_true(most <= (rows[i].ids + ticks - 1) / ticks + 1); /* the mean, and one more */
    }
}

/* Spread over seconds, with others leaving and coming, intervals are kept to the tick. */
static void keeps_intervals(void **state)
{
    (void)state;
    const uint32_t interval = wheel_interval(-3);
    static int64_t last[IDS];
    memset(last, 0, sizeof(last));
    int64_t now = 5 * S;
    uint16_t ids[64];
    begin(now);
    for (uint16_t id = 0; id < 1000; id++)
        wheel_add_evenly(&wheel, id, interval, now);
    uint64_t sent = 0;
    while (now < 65 * S) {
        now = wheel_deadline(&wheel);
        unsigned count;
        while ((count = wheel_due(&wheel, now, ids, 64)) > 0)
            for (unsigned i = 0; i < count; i++, sent++) {
                if (last[ids[i]] != 0)
                    assert_true(llabs(now - last[ids[i]] - 125 * MS) <= 2);
                last[ids[i]] = now;
                wheel_add_again(&wheel, ids[i], interval, now);
            }
    }
    assert_true(sent >= 8 * 60 * 1000 - 1000 && sent <= 8 * 60 * 1000 + 1000);
}

static void skips_what_a_pause_missed(void **state)
{
    (void)state;
    const int64_t pauses[] = {30 * MS, S, 10 * S, 5000 * S};
    for (unsigned i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        uint16_t ids[8];
        int64_t now = 100 * S;
        begin(now);
        for (uint16_t id = 0; id < 8; id++)
            wheel_add_evenly(&wheel, id, 16, now);
        now += pauses[i];
        unsigned sent = 0, count;
        while ((count = wheel_due(&wheel, now, ids, 3)) > 0)
            for (unsigned k = 0; k < count; k++, sent++)
                wheel_add_again(&wheel, ids[k], 16, now);
        assert_int_equal(sent, 8); /* each once, though many intervals are over */
        assert_true(wheel_deadline(&wheel) > now && wheel_deadline(&wheel) <= now + 8 * MS);
    }
}

/* Against plain arrays. */
static void agrees_with_a_plain_model(void **state)
{
    (void)state;
    const unsigned seed = 20240611;
    print_message("seed %u\n", seed);
    srand(seed);
    static int64_t due[IDS];
    memset(due, 0xFF, sizeof(due)); /* -1: not in */
    int64_t now = 77 * S;
    unsigned held = 0;
    begin(now);
    for (unsigned step = 0; step < 300000; step++) {
        uint16_t id = (uint16_t)(rand() % IDS), ids[16];
        if (rand() % 3 == 0 && due[id] >= 0) {
            wheel_remove(&wheel, id);
            due[id] = -1;
            held--;
        } else if (due[id] < 0) {
            due[id] = now + (rand() % 100 == 0 ? rand() % 100 * S : rand() % 300 * MS);
            wheel_add(&wheel, id, due[id]);
            held++;
        }
        now += rand() % 1000 == 0 ? rand() % 3000 * MS : rand() % 100000;
        unsigned count = wheel_due(&wheel, now, ids, 16);
        for (unsigned i = 0; i < count; i++) {
            assert_true(due[ids[i]] >= 0 && due[ids[i]] <= now);
            due[ids[i]] = -1;
            held--;
        }
        if (count == 16)
            continue; /* more is to come */
        if (step % 500 == 0)
            for (unsigned k = 0; k < IDS; k++)
                assert_true(due[k] < 0 || due[k] > now - TICK_NS);
        assert_int_equal(wheel.count, held);
        assert_true(wheel_deadline(&wheel) > now - TICK_NS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_each_at_its_time),    cmocka_unit_test(spreads_evenly),
        cmocka_unit_test(keeps_intervals),           cmocka_unit_test(skips_what_a_pause_missed),
        cmocka_unit_test(agrees_with_a_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
