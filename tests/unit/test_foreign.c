/* SPDX-License-Identifier: BSD-2-Clause */
/* Foreign masters: qualification at its boundaries, sequence numbers, silence, change, and a flood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "bmca/foreign.h"

#define INTERVAL NS_PER_S
#define TIMEOUT  3
#define SILENCE  (TIMEOUT * INTERVAL + FOREIGN_MASTER_GRACE(INTERVAL)) /* forgets a master */

static const struct clock_identity own = {{0xff, 0, 0, 0, 0, 0, 0, 1}};

/* From clock number n (its own grandmaster): the lower n, the better. */
static struct foreign_announce announce(uint32_t n, uint16_t sequence_id)
{
    struct clock_identity id = {
        {0, 0x1b, 0x19, 0xff, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
    return (struct foreign_announce){
        .candidate =
            {
                .priority1 = 128,
                .priority2 = 128,
                .quality = {6, 0x21, 0x4E5D},
                .grandmaster = id,
                .sender = {id, 1},
                .receiver = {own, 1},
            },
        .time_properties = {.current_utc_offset = 37,
                            .current_utc_offset_valid = true,
                            .ptp_timescale = true},
        .sequence_id = sequence_id,
    };
}

static enum foreign_result hear(struct foreign_table *t, uint32_t n, uint16_t sequence_id, int64_t now_ns)
{
    struct foreign_announce a = announce(n, sequence_id);
    return foreign_announce(t, &a, &own, now_ns);
}

static const struct foreign_master *entry(const struct foreign_table *t, uint32_t n)
{
    struct foreign_announce a = announce(n, 0);
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++) {
        if (t->masters[i].used &&
            !port_identity_compare(&t->masters[i].last.candidate.sender, &a.candidate.sender))
            return &t->masters[i];
    }
    return NULL;
}

static size_t used(const struct foreign_table *t)
{
    size_t count = 0;
    for (size_t i = 0; i < FOREIGN_MASTERS_MAX; i++)
        count += t->masters[i].used;
    return count;
}

static bool best_is(const struct foreign_table *t, uint32_t n, int64_t now_ns)
{
    const struct foreign_master *best = foreign_best(t, now_ns);
    return best != NULL && best == entry(t, n);
}

static struct foreign_table fresh(void)
{
    struct foreign_table t;
    foreign_init(&t, INTERVAL, TIMEOUT);
    return t;
}

/* A master that is qualified at time 0, its last sequenceId 100. */
static struct foreign_table with_qualified(uint32_t n)
{
    struct foreign_table t = fresh();
    assert_int_equal(hear(&t, n, 99, -INTERVAL), FOREIGN_ACCEPTED);
    assert_int_equal(hear(&t, n, 100, 0), FOREIGN_CHANGED);
    return t;
}

static void intervals(void **state)
{
    (void)state;
    struct foreign_table t;
    foreign_init(&t, INTERVAL / 4, 5);
    assert_int_equal(t.window_ns, INTERVAL);
    assert_int_equal(t.timeout_ns, 5 * INTERVAL / 4 + INTERVAL / 16);
    assert_null(foreign_best(&t, 0));
    assert_false(foreign_expire(&t, INTERVAL));
}

/* Two Announces so far apart: is their sender qualified? */
static const struct {
    int64_t gap_ns;
    bool qualified;
} windows[] = {
    {1, true},
    {INTERVAL, true},
    {4 * INTERVAL - 1, true},
    {4 * INTERVAL, true},
    {4 * INTERVAL + 1, false},
    {9 * INTERVAL, false},
};

static void qualification_window(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        struct foreign_table t;
        foreign_init(&t, INTERVAL, 20); /* the timeout must not interfere */
        assert_int_equal(hear(&t, 1, 1, 0), FOREIGN_ACCEPTED);
        assert_null(foreign_best(&t, 0));
        assert_int_equal(hear(&t, 1, 2, windows[i].gap_ns),
                         windows[i].qualified ? FOREIGN_CHANGED : FOREIGN_ACCEPTED);
        assert_int_equal(foreign_best(&t, windows[i].gap_ns) != NULL, windows[i].qualified);
        /* a third message right behind makes two in any case, and is news only to the latter */
        assert_int_equal(hear(&t, 1, 3, windows[i].gap_ns + 1),
                         windows[i].qualified ? FOREIGN_ACCEPTED : FOREIGN_CHANGED);
        assert_true(best_is(&t, 1, windows[i].gap_ns + 1));
    }
}

static void record_of_a_master(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(1);
    hear(&t, 1, 101, INTERVAL);
    const struct foreign_master *m = entry(&t, 1);
    assert_int_equal(m->first_seen_ns, -INTERVAL);
    assert_int_equal(m->seen_ns[0], INTERVAL);
    assert_int_equal(m->seen_ns[1], 0);
    assert_int_equal(m->announces, 3);
    assert_int_equal(m->last.sequence_id, 101);
}

static void two_ports_of_a_clock_are_two_masters(void **state)
{
    (void)state;
    struct foreign_table t = fresh();
    struct foreign_announce a = announce(1, 5);
    foreign_announce(&t, &a, &own, 0);
    a.candidate.sender.port = 2;
    assert_int_equal(foreign_announce(&t, &a, &own, 1), FOREIGN_ACCEPTED);
    assert_null(foreign_best(&t, 1));
    assert_int_equal(used(&t), 2);
}

static void silence_expires(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(1);
    int64_t last = SILENCE - 1;
    assert_false(foreign_expire(&t, last));
    assert_true(best_is(&t, 1, last));
    assert_null(foreign_best(&t, last + 1)); /* even before foreign_expire */
    assert_false(foreign_qualified(&t, entry(&t, 1), last + 1));
    assert_true(foreign_expire(&t, last + 1));
    assert_int_equal(used(&t), 0);
    assert_false(foreign_expire(&t, last + 1));

    t = fresh();
    hear(&t, 1, 1, 0);
    assert_false(foreign_expire(&t, SILENCE)); /* one that was not qualified is no loss */
    assert_int_equal(used(&t), 0);
}

/* Lost messages do not take the qualification away: the window would, at a long timeout. */
static void qualified_until_silent(void **state)
{
    (void)state;
    struct foreign_table t;
    foreign_init(&t, INTERVAL, 10);
    hear(&t, 1, 1, 0);
    hear(&t, 1, 2, INTERVAL);
    const int64_t grace = FOREIGN_MASTER_GRACE(INTERVAL);
    assert_true(best_is(&t, 1, 11 * INTERVAL + grace - 1));
    assert_int_equal(hear(&t, 1, 11, 10 * INTERVAL), FOREIGN_ACCEPTED);
    assert_true(best_is(&t, 1, 20 * INTERVAL + grace - 1));
    assert_true(foreign_expire(&t, 20 * INTERVAL + grace));
}

/* Back after the timeout, though nobody called foreign_expire: begins anew, and its loss is told. */
static void return_after_silence(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(1);
    int64_t back = SILENCE;
    assert_int_equal(hear(&t, 1, 50, back), FOREIGN_CHANGED);
    assert_null(foreign_best(&t, back));
    assert_int_equal(entry(&t, 1)->announces, 1);
    assert_int_equal(hear(&t, 1, 51, back + 1), FOREIGN_CHANGED);
    assert_true(best_is(&t, 1, back + 1));
}

/* The loss of one master is told by the message of another. */
static void loss_told_by_another(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(1);
    assert_int_equal(hear(&t, 2, 1, SILENCE - 1), FOREIGN_ACCEPTED);
    assert_int_equal(hear(&t, 3, 1, SILENCE), FOREIGN_CHANGED);
    assert_null(entry(&t, 1));
}

static void own_messages(void **state)
{
    (void)state;
    struct foreign_table t = fresh();
    struct foreign_announce a = announce(1, 1);
    a.candidate.sender.clock = own;
    a.candidate.sender.port = 2;
    assert_int_equal(foreign_announce(&t, &a, &own, 0), FOREIGN_DISCARDED_OWN);
    a = announce(1, 1);
    a.candidate.grandmaster = own;
    a.candidate.steps_removed = 1;
    assert_int_equal(foreign_announce(&t, &a, &own, 0), FOREIGN_DISCARDED_OWN);
    assert_int_equal(t.discarded_own, 2);
    assert_int_equal(used(&t), 0);
}

static void steps_removed(void **state)
{
    (void)state;
    static const struct {
        uint16_t steps;
        enum foreign_result result;
    } cases[] = {{0, FOREIGN_ACCEPTED},
                 {254, FOREIGN_ACCEPTED},
                 {255, FOREIGN_DISCARDED_STEPS},
                 {256, FOREIGN_DISCARDED_STEPS},
                 {65535, FOREIGN_DISCARDED_STEPS}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct foreign_table t = fresh();
        struct foreign_announce a = announce(1, 1);
        a.candidate.steps_removed = cases[i].steps;
        assert_int_equal(foreign_announce(&t, &a, &own, 0), cases[i].result);
        assert_int_equal(t.discarded_steps, cases[i].result == FOREIGN_DISCARDED_STEPS);
        assert_int_equal(used(&t), cases[i].result == FOREIGN_ACCEPTED);
    }
}

/* After 'last' comes 'next': is it newer? */
static void sequence_order(void **state)
{
    (void)state;
    static const struct {
        uint16_t last, next;
        bool newer;
    } cases[] = {
        {100, 101, true},           {100, 100, false},  {100, 99, false},      {100, 100 + 32767, true},
        {100, 100 + 32768u, false}, {65535, 0, true},   {65535, 65535, false}, {0, 65535, false},
        {65530, 20, true},          {20, 65530, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct foreign_table t = fresh();
        hear(&t, 1, cases[i].last, 0);
        enum foreign_result r = hear(&t, 1, cases[i].next, INTERVAL);
        assert_int_equal(r, cases[i].newer ? FOREIGN_CHANGED : FOREIGN_DISCARDED_OLD);
        assert_int_equal(t.discarded_old, !cases[i].newer);
        assert_int_equal(entry(&t, 1)->last.sequence_id, cases[i].newer ? cases[i].next : cases[i].last);
    }
}

/* Every number once around, and a bit: never one lost. */
static void sequence_wraps(void **state)
{
    (void)state;
    struct foreign_table t = fresh();
    for (uint32_t i = 0; i < 70000; i++)
        assert_int_equal(hear(&t, 1, (uint16_t)i, i * INTERVAL), i == 1 ? FOREIGN_CHANGED : FOREIGN_ACCEPTED);
    assert_int_equal(t.discarded_old, 0);
    assert_int_equal(entry(&t, 1)->announces, 70000);
}

/* A sequence of sequenceIds after 100; in 'expected', A is accepted and o is old. */
static void restarts_and_stragglers(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint16_t sequence[6];
        const char *expected;
    } cases[] = {
        {"restart at 0", {0, 1, 2, 3}, "oAAA"},
        {"restart at 0, the second lost", {0, 2, 3, 4}, "ooAA"},
        {"restart at the same number", {100, 101, 102}, "oAA"},
        {"restart around the wrap", {65535, 0, 1}, "oAA"},
        {"every message twice", {100, 101, 101, 102, 102}, "oAoAo"},
        {"late stragglers between", {99, 101, 100, 102, 101, 103}, "oAoAoA"},
        {"a straggler, then the last again", {99, 100, 101}, "ooA"},
        {"stragglers out of order", {99, 98, 97, 101}, "oooA"},
        {"the same old one again and again", {50, 50, 50, 101}, "oooA"},
        {"restarted, each message twice", {0, 0, 1, 1, 2, 2}, "ooAoAo"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct foreign_table t = with_qualified(1);
        for (size_t k = 0; cases[i].expected[k] != '\0'; k++) {
            enum foreign_result r = hear(&t, 1, cases[i].sequence[k], (int64_t)k + 1);
            enum foreign_result expected =
                cases[i].expected[k] == 'A' ? FOREIGN_ACCEPTED : FOREIGN_DISCARDED_OLD;
            if (r != expected)
                print_error("%s: message %zu\n", cases[i].what, k);
            assert_int_equal(r, expected);
        }
    }
}

/* Old messages do not keep a master alive, so nothing can lock one out for longer than the timeout. */
static void old_messages_do_not_keep_alive(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(1);
    for (int64_t now = INTERVAL; now < TIMEOUT * INTERVAL; now += INTERVAL)
        assert_int_equal(hear(&t, 1, 7, now), FOREIGN_DISCARDED_OLD);
    assert_true(foreign_expire(&t, SILENCE));
    assert_int_equal(hear(&t, 1, 7, SILENCE), FOREIGN_ACCEPTED);
}

/* Each field that a decision or the parent data look at. */
static void every_change_is_told(void **state)
{
    (void)state;
    enum { FIELDS = 17 };
    for (int field = -1; field < FIELDS; field++) {
        struct foreign_table t = with_qualified(1);
        struct foreign_announce a = announce(1, 101);
        struct candidate *c = &a.candidate;
        struct time_properties *tp = &a.time_properties;
        switch (field) {
        case 0:
            c->priority1++;
            break;
        case 1:
            c->priority2++;
            break;
        case 2:
            c->steps_removed++;
            break;
        case 3:
            c->quality.clock_class++;
            break;
        case 4:
            c->quality.clock_accuracy++;
            break;
        case 5:
            c->quality.offset_scaled_log_variance++;
            break;
        case 6:
            c->grandmaster.id[7]++;
            break;
        case 7:
            c->receiver.port++;
            break;
        case 8:
            tp->current_utc_offset++;
            break;
        case 9:
            tp->current_utc_offset_valid = !tp->current_utc_offset_valid;
            break;
        case 10:
            tp->leap59 = !tp->leap59;
            break;
        case 11:
            tp->leap61 = !tp->leap61;
            break;
        case 12:
            tp->time_traceable = !tp->time_traceable;
            break;
        case 13:
            tp->frequency_traceable = !tp->frequency_traceable;
            break;
        case 14:
            tp->ptp_timescale = !tp->ptp_timescale;
            break;
        case 15:
            tp->time_source++;
            break;
        case 16:
            c->receiver.clock.id[7]++;
            break;
        }
        if (field < 0) {
            assert_int_equal(foreign_announce(&t, &a, &own, 1), FOREIGN_ACCEPTED);
            continue;
        }
        assert_int_equal(foreign_announce(&t, &a, &own, 1), FOREIGN_CHANGED);
        a.sequence_id++;
        assert_int_equal(foreign_announce(&t, &a, &own, 2), FOREIGN_ACCEPTED);
    }
}

static void change_of_an_unqualified_is_no_news(void **state)
{
    (void)state;
    struct foreign_table t;
    foreign_init(&t, INTERVAL, 20);
    hear(&t, 1, 1, 0);
    struct foreign_announce a = announce(1, 2);
    a.candidate.priority1 = 1;
    assert_int_equal(foreign_announce(&t, &a, &own, 5 * INTERVAL), FOREIGN_ACCEPTED);
}

static void best_of_the_qualified(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(5);
    hear(&t, 9, 1, 0);
    hear(&t, 9, 2, 1);
    assert_true(best_is(&t, 5, 1));
    hear(&t, 3, 1, 2);
    assert_true(best_is(&t, 5, 2)); /* 3 is better but was heard once */
    hear(&t, 3, 2, 3);
    assert_true(best_is(&t, 3, 3));
    struct foreign_announce worse = announce(3, 3);
    worse.candidate.quality.clock_class = 248;
    assert_int_equal(foreign_announce(&t, &worse, &own, 4), FOREIGN_CHANGED);
    assert_true(best_is(&t, 5, 4));
}

static void clear_forgets(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(1);
    hear(&t, 1, 5, 1);
    foreign_clear(&t);
    assert_int_equal(used(&t), 0);
    assert_null(foreign_best(&t, 1));
    assert_int_equal(t.discarded_old, 1);
    assert_int_equal(t.window_ns, 4 * INTERVAL);
    assert_int_equal(hear(&t, 1, 5, 2), FOREIGN_ACCEPTED);
}

/* n clocks from 'first' on, all qualified at time 1. */
static void qualify(struct foreign_table *t, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        hear(t, i, 1, 0);
        hear(t, i, 2, 1);
    }
}

/* Identities that come once, each better than all before and than every real master. */
static void flood_pushes_out_no_qualified_master(void **state)
{
    (void)state;
    enum { MASTERS = FOREIGN_MASTERS_MAX - 1 };
    struct foreign_table t = fresh();
    qualify(&t, 1000000, MASTERS);
    uint32_t attackers = 10000;
    int64_t now = 1;
    for (uint32_t i = 0; i < attackers; i++) {
        now += INTERVAL / 20000; /* all within half an interval */
        assert_int_equal(hear(&t, attackers - i, 1, now), FOREIGN_ACCEPTED);
    }
    for (uint32_t i = 0; i < MASTERS; i++)
        assert_true(foreign_qualified(&t, entry(&t, 1000000 + i), now));
    assert_true(best_is(&t, 1000000, now));
    assert_int_equal(t.evicted, attackers - 1);
    assert_false(foreign_expire(&t, now));
}

/* Worse than a real newcomer, they cannot keep it out either. */
static void flood_does_not_keep_a_better_one_out(void **state)
{
    (void)state;
    struct foreign_table t = with_qualified(500);
    int64_t now = 1;
    enum foreign_result r = FOREIGN_ACCEPTED;
    for (uint32_t i = 0; i < 10000; i++) {
        hear(&t, 1000 + i * 7919 % 10000, 1, now++);
        if (i == 100)
            assert_int_equal(hear(&t, 5, 1, now), FOREIGN_ACCEPTED);
        if (i == 9900)
            r = hear(&t, 5, 2, now);
    }
    assert_int_equal(r, FOREIGN_CHANGED);
    assert_true(best_is(&t, 5, now));
    assert_true(foreign_qualified(&t, entry(&t, 500), now));
}

/* As many qualified masters as the table could ever hold, and more: the best stay, a slot stays open. */
static void qualified_crowd(void **state)
{
    (void)state;
    enum { CROWD = 100, KEPT = FOREIGN_MASTERS_MAX - 1 };
    struct foreign_table t = fresh();
    for (uint32_t i = 0; i < CROWD; i++)
        qualify(&t, 1 + i * 37 % CROWD, 1); /* in mixed order */
    assert_int_equal(used(&t), KEPT);
    for (uint32_t n = 1; n <= KEPT; n++)
        assert_true(foreign_qualified(&t, entry(&t, n), 1));
    assert_true(best_is(&t, 1, 1));
    assert_int_equal(hear(&t, 0, 1, 2), FOREIGN_ACCEPTED);
    assert_int_equal(hear(&t, 0, 2, 3), FOREIGN_CHANGED);
    assert_true(best_is(&t, 0, 3));
    /* the worst of all qualifies and is gone at once: nothing to decide */
    assert_int_equal(hear(&t, 99, 1, 4), FOREIGN_ACCEPTED);
    assert_int_equal(hear(&t, 99, 2, 5), FOREIGN_ACCEPTED);
    assert_null(entry(&t, 99));
}

/* Random traffic: whatever happens, the invariants hold and the best is the best of what is there. */
static void invariants_under_random_traffic(void **state)
{
    (void)state;
    unsigned seed = 3435;
    print_message("seed %u\n", seed);
    struct foreign_table t = fresh();
    int64_t now = 0;
    unsigned changes = 0;
    for (int i = 0; i < 200000; i++) {
        now += rand_r(&seed) % (INTERVAL / 4);
        uint32_t n = (uint32_t)rand_r(&seed) % 24;
        struct foreign_announce a =
            announce(n, (uint16_t)(rand_r(&seed) % 8 ? now / INTERVAL : rand_r(&seed)));
        a.candidate.priority2 = (uint8_t)(rand_r(&seed) % 50 == 0);
        const struct foreign_master *before = foreign_best(&t, now);
        struct foreign_master was = before ? *before : (struct foreign_master){.used = false};
        enum foreign_result r = foreign_announce(&t, &a, &own, now);
        const struct foreign_master *best = foreign_best(&t, now);
        /* another best without a word would leave the port in the wrong state */
        if (best == NULL ? was.used
                         : !was.used || port_identity_compare(&was.last.candidate.sender,
                                                              &best->last.candidate.sender))
            assert_int_equal(r, FOREIGN_CHANGED);
        changes += r == FOREIGN_CHANGED;
        unsigned qualified = 0;
        for (size_t k = 0; k < FOREIGN_MASTERS_MAX; k++) {
            const struct foreign_master *m = &t.masters[k];
            if (!foreign_qualified(&t, m, now))
                continue;
            qualified++;
            assert_true(dataset_compare(&best->last.candidate, &m->last.candidate) <= DATASET_EQUAL);
        }
        assert_true(qualified < FOREIGN_MASTERS_MAX);
        assert_int_equal(best != NULL, qualified > 0);
    }
    assert_true(changes > 1000);
    assert_true(t.evicted > 0 && t.discarded_old > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals),
        cmocka_unit_test(qualification_window),
        cmocka_unit_test(record_of_a_master),
        cmocka_unit_test(two_ports_of_a_clock_are_two_masters),
        cmocka_unit_test(silence_expires),
        cmocka_unit_test(qualified_until_silent),
        cmocka_unit_test(return_after_silence),
        cmocka_unit_test(loss_told_by_another),
        cmocka_unit_test(own_messages),
        cmocka_unit_test(steps_removed),
        cmocka_unit_test(sequence_order),
        cmocka_unit_test(sequence_wraps),
        cmocka_unit_test(restarts_and_stragglers),
        cmocka_unit_test(old_messages_do_not_keep_alive),
        cmocka_unit_test(every_change_is_told),
        cmocka_unit_test(change_of_an_unqualified_is_no_news),
        cmocka_unit_test(best_of_the_qualified),
        cmocka_unit_test(clear_forgets),
        cmocka_unit_test(flood_pushes_out_no_qualified_master),
        cmocka_unit_test(flood_does_not_keep_a_better_one_out),
        cmocka_unit_test(qualified_crowd),
        cmocka_unit_test(invariants_under_random_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
