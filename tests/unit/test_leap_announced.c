/* SPDX-License-Identifier: BSD-2-Clause */
/* Leap seconds that the receiver announces, beside the table and without it. */
#include "tests/unit/leap_rig.h"

static void receiver_announces(struct leap *l, int step, int64_t utc_s, int64_t tai_s)
{
    for (int i = 0; i < LEAP_RECEIVER_REPORTS; i++)
        leap_set_announced(l, step, utc_s, tai_s + i);
}

/* No table, or an expired one, and a receiver that says what it knows in every second; never late, or by so
 * much late or early; lost, or not. Offset and flags change at the very second, and are valid throughout. */
static void test_announced(void **state)
{
    static const struct {
        int before, after;
        bool expired_table, lost;
    } cases[] = {
        {37, 38, false, false}, {37, 36, false, false}, {37, 38, true, false}, {37, 36, true, false},
        {37, 38, false, true},  {37, 36, true, true},   {41, 42, false, true}, {41, 40, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int lag = -50; lag <= 50; lag += 5) {
            const int before = cases[i].before, after = cases[i].after, step = after - before;
            const int64_t leap = U + after;
            struct leap l;

            leap_init(&l, 0);
            if (cases[i].expired_table) {
                struct leap_table t = table(before - 1, before, U + DAY);

                for (unsigned k = 0; k < t.count; k++)
                    t.entries[k].utc_s -= 2000 * DAY;
                t.expires_utc_s = U - 10 * DAY;
                leap_set_table(&l, &t);
            }
            for (int64_t tai = leap - 43300; tai < leap + 600; tai++) {
                const bool flagged = tai >= leap - 43200 && tai < leap;
                struct leap_status s;

                if (tai == leap - 43000)
                    tai = leap - 700;
                if (!cases[i].lost || tai < leap - 650) {
                    leap_set_receiver(&l, (tai < leap + lag ? before : after) - LEAP_TAI_MINUS_GPS_S, tai);
                    leap_set_announced(&l, tai < leap + lag ? step : 0, tai < leap + lag ? U : 0, tai);
                }
                if (tai < leap - 43290)
                    continue;
                s = leap_at(&l, tai);
                if (!s.valid || s.disagree || s.utc_offset_s != (tai < leap ? before : after) ||
                    s.leap61 != (flagged && step > 0) || s.leap59 != (flagged && step < 0) ||
                    s.next_leap_utc_s != (tai < leap ? U : 0))
                    fail_msg("case %zu, lag %d, second %lld: %d, valid %d, disagree %d, leap61 %d, leap59 %d",
                             i, lag, (long long)(tai - leap), s.utc_offset_s, s.valid, s.disagree, s.leap61,
                             s.leap59);
            }
        }
    }
}

/* An unexpired table knows better than the receiver what comes before it expires. */
static void test_announced_against_table(void **state)
{
    static const struct {
        const char *what;
        int after; /* the table's, 37 before */
        int64_t expiry;
        int step; /* the receiver's */
        int64_t utc_s;
        bool leap61, leap59, disagree;
        int64_t next_utc_s;
    } cases[] = {
        {"the same", 38, U + 300 * DAY, 1, U, true, false, false, U},
        {"another sign", 38, U + 300 * DAY, -1, U, true, false, true, U},
        {"another day", 38, U + 300 * DAY, 1, U + DAY, true, false, true, U},
        {"silence", 38, U + 300 * DAY, 0, 0, true, false, false, U},
        {"one more, which the table excludes", 38, U + 300 * DAY, 1, U + 181 * DAY, true, false, true, U},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leap l = with_table(37, cases[i].after, cases[i].expiry, 0);
        struct leap_status s;

        receiver_says(&l, 37, U - 1000);
        receiver_announces(&l, cases[i].step, cases[i].utc_s, U - 1000);
        s = leap_at(&l, U - 900);
        if (s.leap61 != cases[i].leap61 || s.leap59 != cases[i].leap59 || s.disagree != cases[i].disagree ||
            !s.valid || s.next_leap_utc_s != cases[i].next_utc_s)
            fail_msg("%s: leap61 %d, leap59 %d, disagree %d, valid %d", cases[i].what, s.leap61, s.leap59,
                     s.disagree, s.valid);
        assert_int_equal(leap_at(&l, U + 38).utc_offset_s, 38);
    }
}

/* The table excludes what the receiver announces: told, not followed. When the receiver carries it out, the
 * two contradict each other about the present. */
static void test_announced_but_excluded(void **state)
{
    struct leap l = with_table(36, 37, EXPIRY, 0);
    const int64_t day = U + 100 * DAY;

    (void)state;
    receiver_says(&l, 37, day - 1000);
    receiver_announces(&l, 1, day, day - 1000);
    assert_true(leap_at(&l, day - 900).disagree);
    assert_true(leap_at(&l, day - 900).valid);
    assert_false(leap_at(&l, day - 900).leap61);
    assert_int_equal(leap_at(&l, day + 38).utc_offset_s, 37);
    assert_int_equal(leap_at(&l, EXPIRY + DAY).utc_offset_s, 37); /* nor when the table has expired */
    receiver_says(&l, 38, day + 100);
    assert_int_equal(leap_at(&l, day + 110).utc_offset_s, 37);
    assert_false(leap_at(&l, day + 110).valid);
    assert_true(leap_at(&l, day + 110).disagree);
}

/* The table is in force, but expires before the leap second: of that only the receiver can know. */
static void test_announced_behind_expiry(void **state)
{
    struct leap l = with_table(36, 37, U + 100 * DAY, 0);
    const int64_t day = U + 100 * DAY;
    struct leap_status s;

    (void)state;
    receiver_says(&l, 37, day - 1000);
    receiver_announces(&l, 1, day, day - 1000);
    s = leap_at(&l, day - 900);
    assert_true(s.leap61 && s.valid && !s.disagree && !s.table_expired);
    s = leap_at(&l, day + 37);
    assert_true(s.leap61 && s.valid && !s.disagree && s.table_expired);
    assert_int_equal(s.utc_offset_s, 37);
    s = leap_at(&l, day + 38);
    assert_true(!s.leap61 && s.valid && !s.disagree && s.table_expired);
    assert_int_equal(s.utc_offset_s, 38);
}

/* A configured value is overtaken by an announced leap second as by a table's. */
static void test_announced_and_configured(void **state)
{
    struct leap l;

    (void)state;
    leap_init(&l, 37);
    receiver_says(&l, 37, U - 1000);
    receiver_announces(&l, 1, U, U - 1000);
    assert_false(leap_at(&l, U + 37).disagree);
    assert_int_equal(leap_at(&l, U + 38).utc_offset_s, 38);
    assert_true(leap_at(&l, U + 38).valid);
    assert_true(leap_at(&l, U + 38).disagree);
}

/* Lost for longer than a day before it, the receiver's word is too old to act on. */
static void test_announced_too_long_ago(void **state)
{
    struct leap l;

    (void)state;
    leap_init(&l, 0);
    receiver_says(&l, 37, U - DAY - 1000);
    receiver_announces(&l, 1, U, U - DAY - 1000);
    assert_true(leap_at(&l, U - 43000).leap61);
    assert_false(leap_at(&l, U - 900).leap61);
    assert_false(leap_at(&l, U + 38).valid);
    assert_int_equal(leap_at(&l, U + 38).utc_offset_s, 37);
}

static void test_announcement_withdrawn(void **state)
{
    struct leap l;

    (void)state;
    leap_init(&l, 0);
    receiver_says(&l, 37, U - 1000);
    receiver_announces(&l, 1, U, U - 1000);
    leap_set_announced(&l, 0, 0, U - 800); /* twice is not enough */
    leap_set_announced(&l, 0, 0, U - 799);
    leap_set_announced(&l, 1, U, U - 798);
    leap_set_announced(&l, 0, 0, U - 797);
    assert_true(leap_at(&l, U - 700).leap61);
    receiver_announces(&l, 0, 0, U - 600);
    assert_false(leap_at(&l, U - 500).leap61);
    assert_int_equal(leap_at(&l, U + 38).utc_offset_s, 37);
}

/* What the receiver thought of the present when it announced was outdated: the leap second is its next one.
 */
static void test_announced_by_an_outdated_receiver(void **state)
{
    struct leap l;

    (void)state;
    leap_init(&l, 0);
    receiver_says(&l, 35, U - 2000);
    receiver_announces(&l, 1, U, U - 2000);
    receiver_says(&l, 37, U - 1000);
    assert_int_equal(leap_at(&l, U + 37).utc_offset_s, 37);
    assert_true(leap_at(&l, U + 37).leap61);
    assert_int_equal(leap_at(&l, U + 38).utc_offset_s, 38);
}

/* Announced, carried out here, and never done by the receiver: its own word rules a minute later. */
static void test_announced_and_not_done(void **state)
{
    struct leap l;

    (void)state;
    leap_init(&l, 0);
    receiver_says(&l, 37, U - 1000);
    receiver_announces(&l, 1, U, U - 1000);
    for (int64_t tai = U + 20; tai < U + 300; tai++) {
        leap_set_receiver(&l, 18, tai);
        assert_int_equal(leap_at(&l, tai).utc_offset_s, tai >= U + 38 && tai < U + 98 ? 38 : 37);
    }
    assert_int_equal(l.announced.step_s, 0);
}

static void test_announcement_garbage(void **state)
{
    static const struct {
        int step;
        int64_t utc_s;
    } cases[] = {
        {2, U},         {-2, U},        {INT32_MIN, U},     {1, U + 1}, {1, U - DAY},
        {1, INT64_MIN}, {1, INT64_MAX}, {1, U + 800 * DAY}, {-1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leap l;

        leap_init(&l, 37);
        receiver_announces(&l, cases[i].step, cases[i].utc_s, U - 1000);
        assert_int_equal(l.announced.step_s, 0);
        assert_int_equal(leap_at(&l, U - 900).next_leap_utc_s, 0);
    }
    struct leap l;

    leap_init(&l, 37);
    for (int i = 0; i < 10; i++) /* ten times in one second */
        leap_set_announced(&l, 1, U, U - 1000);
    assert_false(leap_at(&l, U - 900).leap61);
}

/* Plain UTC labels through an announced leap second. */
static void test_announced_labels(void **state)
{
    (void)state;
    for (int before = 35; before <= 39; before++)
        for (int step = -1; step <= 1; step += 2) {
            const int64_t none = step > 0 ? U : U - 1;
            struct leap l;

            leap_init(&l, 0);
            receiver_says(&l, before, U - 1000);
            receiver_announces(&l, step, U, U - 1000);
            for (int64_t utc = U - 100; utc < U + 100; utc++) {
                int64_t tai_s = 0;

                assert_int_equal(leap_utc_to_tai(&l, utc, &tai_s), utc != none);
                if (utc != none)
                    assert_int_equal(tai_s - utc, utc < U ? before : before + step);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_announced),
        cmocka_unit_test(test_announced_against_table),
        cmocka_unit_test(test_announced_but_excluded),
        cmocka_unit_test(test_announced_behind_expiry),
        cmocka_unit_test(test_announced_and_configured),
        cmocka_unit_test(test_announced_too_long_ago),
        cmocka_unit_test(test_announcement_withdrawn),
        cmocka_unit_test(test_announced_by_an_outdated_receiver),
        cmocka_unit_test(test_announced_and_not_done),
        cmocka_unit_test(test_announcement_garbage),
        cmocka_unit_test(test_announced_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
