/* SPDX-License-Identifier: BSD-2-Clause */
/* Leap seconds: the parser, the crossing itself, the weighing of sources. */
#include "tests/unit/leap_rig.h"

#include <stdlib.h>
#include <time.h>

static void test_parse_good(void **state)
{
    static const char text[] =
        "# a comment\r\n#$\t3676924800\n#@\t3692217600\n\n  2272060800  10 # 1 Jan 1972\n"
        "2287785600\t11\n#h 1 2 3 4 5";
    struct leap_table t;
    char error[100];

    (void)state;
    assert_int_equal(leap_table_parse(text, sizeof(text) - 1, &t, error, sizeof(error)), 0);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.entries[0].utc_s, 63072000);
    assert_int_equal(t.entries[1].tai_minus_utc_s, 11);
    assert_int_equal(t.expires_utc_s, 1483228800);
}

static void test_parse_bad(void **state)
{
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        {"", "no offset"},
        {"# nothing\n#@ 3692217600\n", "no offset"},
        {"2272060800 10\n", "no expiry"},
        {"#@ soon\n", "line 1: the expiry"},
        {"#@ 3692217600 x\n", "line 1: the expiry"},
        {"#@ 3692217600\nhello\n", "line 2: expected"},
        {"#@ 3692217600\n2272060800\n", "line 2: expected"},
        {"#@ 3692217600\n2272060800 10 11\n", "line 2: expected"},
        {"#@ 3692217600\n2272060800 -10\n", "line 2: expected"},
        {"#@ 3692217600\n2272060800 256\n", "line 2: expected"},
        {"#@ 3692217600\n99999999999999999999 10\n", "line 2: expected"},
        {"#@ 3692217600\n2272060801 10\n", "line 2: the offset changes within a day"},
        {"#@ 3692217600\n2272060800 10\n2272060800 11\n", "line 3: not later"},
        {"#@ 3692217600\n2272060800 10\n2287785600 12\n", "line 3: the offset changes by other"},
        {"#@ 3692217600\n2272060800 10\n2287785600 10\n", "line 3: the offset changes by other"},
        {"#@ 2272060800\n2272060800 10\n2287785600 11\n", "it expires before"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leap_table t = {.count = 4711};
        char error[100] = "";

        assert_int_equal(leap_table_parse(cases[i].text, strlen(cases[i].text), &t, error, sizeof(error)),
                         -1);
        if (strncmp(error, cases[i].complaint, strlen(cases[i].complaint)) != 0)
            fail_msg("case %zu: \"%s\"", i, error);
        assert_int_equal(t.count, 4711);
    }
}

static void test_parse_too_many(void **state)
{
    char text[8192], error[100];
    int n = sprintf(text, "#@ 9999936000\n");
    struct leap_table t;

    (void)state;
    for (int i = 0; i <= LEAP_ENTRIES_MAX; i++)
        n += sprintf(text + n, "%lld %d\n", 2272060800 + i * DAY, 10 + i);
    assert_int_equal(leap_table_parse(text, (size_t)n, &t, error, sizeof(error)), -1);
    assert_non_null(strstr(error, "too many"));
}

static size_t read_system_table(char *text, size_t size)
{
    FILE *f = fopen("/usr/share/zoneinfo/leap-seconds.list", "r");
    size_t n = f ? fread(text, 1, size, f) : 0;

    if (f)
        fclose(f);
    return n;
}

static void test_parse_system(void **state)
{
    char text[32768], error[100];
    size_t n = read_system_table(text, sizeof(text));
    struct leap_table t;

    (void)state;
    if (n == 0)
        skip();
    assert_int_equal(leap_table_parse(text, n, &t, error, sizeof(error)), 0);
    assert_true(t.count >= 28);
    assert_int_equal(t.entries[27].utc_s, 1483228800); /* 2017-01-01 */
    assert_int_equal(t.entries[27].tai_minus_utc_s, 37);
}

/* Mutated text either parses to a table that keeps its promises or is refused. */
static void test_parse_mutations(void **state)
{
    static const char original[] = "#@\t3692217600\n2272060800 10 # a\n2287785600 11\n2303683200\t12\n#h 1 2";
    unsigned seed = (unsigned)time(NULL);

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 20000; round++) {
        size_t len = sizeof(original) - 1 - (size_t)(rand() % 20);
        char *text = malloc(len), error[100]; /* exact, so that the sanitizer sees an overrun */
        struct leap_table t;

        memcpy(text, original, len);
        for (int i = rand() % 6; i >= 0; i--)
            text[(size_t)rand() % len] = rand() % 2 ? (char)rand() : "0123456789#@\n\t -"[rand() % 16];
        if (leap_table_parse(text, len, &t, error, sizeof(error)) == 0) {
            assert_in_range(t.count, 1, LEAP_ENTRIES_MAX);
            for (unsigned i = 1; i < t.count; i++)
                assert_true(t.entries[i].utc_s > t.entries[i - 1].utc_s);
        } else {
            assert_true(strlen(error) > 0);
        }
        free(text);
    }
}

struct moment {
    int64_t tai_s;
    int offset;
    bool leap59, leap61;
};

static void check_moments(const struct leap *l, const struct moment *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct leap_status s = leap_at(l, m[i].tai_s);

        if (s.utc_offset_s != m[i].offset || s.leap59 != m[i].leap59 || s.leap61 != m[i].leap61 || !s.valid)
            fail_msg("moment %zu: offset %d, leap59 %d, leap61 %d, valid %d", i, s.utc_offset_s, s.leap59,
                     s.leap61, s.valid);
    }
}

static void test_positive_leap(void **state)
{
    struct leap l = with_table(37, 38, EXPIRY, 0);
    static const struct moment m[] = {
        {U + 38 - 43201, 37, false, false}, {U + 38 - 43200, 37, false, true},
        {U + 36, 37, false, true}, /* 23:59:59 */
        {U + 37, 37, false, true}, /* 23:59:60 */
        {U + 38, 38, false, false},         {U + 39, 38, false, false},
    };

    (void)state;
    check_moments(&l, m, sizeof(m) / sizeof(m[0]));
    assert_int_equal(leap_at(&l, U).next_leap_utc_s, U);
    assert_int_equal(leap_at(&l, U + 38).next_leap_utc_s, 0);
}

static void test_negative_leap(void **state)
{
    struct leap l = with_table(37, 36, EXPIRY, 0);
    static const struct moment m[] = {
        {U + 36 - 43201, 37, false, false},
        {U + 36 - 43200, 37, true, false},
        {U + 35, 37, true, false},  /* 23:59:58 */
        {U + 36, 36, false, false}, /* 00:00:00 */
    };

    (void)state;
    check_moments(&l, m, sizeof(m) / sizeof(m[0]));
}

static void test_labels(void **state)
{
    struct leap plus = with_table(37, 38, EXPIRY, 0), minus = with_table(37, 36, EXPIRY, 0);
    int64_t tai_s;

    (void)state;
    assert_true(leap_utc_to_tai(&plus, U - 1, &tai_s));
    assert_int_equal(tai_s, U + 36);
    assert_false(leap_utc_to_tai(&plus, U, &tai_s)); /* 23:59:60 or 00:00:00 */
    assert_true(leap_utc_to_tai(&plus, U + 1, &tai_s));
    assert_int_equal(tai_s, U + 39);
    assert_true(leap_utc_to_tai(&minus, U - 2, &tai_s));
    assert_int_equal(tai_s, U + 35);
    assert_false(leap_utc_to_tai(&minus, U - 1, &tai_s)); /* does not exist */
    assert_true(leap_utc_to_tai(&minus, U, &tai_s));
    assert_int_equal(tai_s, U + 36);
}

static void test_no_source(void **state)
{
    struct leap l;
    struct leap_status s;
    int64_t tai_s;

    (void)state;
    leap_init(&l, 0);
    s = leap_at(&l, U);
    assert_int_equal(s.utc_offset_s, LEAP_BEST_GUESS_S);
    assert_false(s.valid);
    assert_false(s.disagree);
    assert_int_equal(s.source, LEAP_SOURCE_NONE);
    assert_true(leap_utc_to_tai(&l, 1000000, &tai_s));
    assert_int_equal(tai_s, 1000000 + LEAP_BEST_GUESS_S);
}

/* Long after the table's leap second to `table`; 0 is a source that is not there. */
static void test_weighing(void **state)
{
    static const struct {
        int table, receiver, configured, offset;
        enum leap_source source;
        bool expired, receiver_old, valid, disagree;
    } cases[] = {
        {38, 0, 0, 38, LEAP_SOURCE_FILE, false, false, true, false},
        {38, 38, 38, 38, LEAP_SOURCE_FILE, false, false, true, false},
        {38, 37, 0, 38, LEAP_SOURCE_FILE, false, false, false, true},
        {38, 37, 0, 38, LEAP_SOURCE_FILE, false, true, true, false}, /* not in force any more */
        {38, 0, 37, 38, LEAP_SOURCE_FILE, false, false, true, true}, /* outdated: warned of, not weighed */
        {38, 0, 39, 38, LEAP_SOURCE_FILE, false, false, false, true},
        {38, 0, 0, 38, LEAP_SOURCE_FILE, true, false, false, false}, /* expired: keeps its offset */
        {38, 38, 0, 38, LEAP_SOURCE_RECEIVER, true, false, true, false},
        {38, 0, 38, 38, LEAP_SOURCE_CONFIGURED, true, false, true, false},
        {38, 39, 0, 39, LEAP_SOURCE_RECEIVER, true, false, false, true}, /* one against one */
        {38, 0, 39, 39, LEAP_SOURCE_CONFIGURED, true, false, false, true},
        {38, 39, 39, 39, LEAP_SOURCE_RECEIVER, true, false, true, false}, /* two overrule an expired one */
        {0, 37, 0, 37, LEAP_SOURCE_RECEIVER, false, false, true, false},
        {0, 37, 0, 37, LEAP_SOURCE_RECEIVER, false, true, false, false},
        {0, 0, 36, 36, LEAP_SOURCE_CONFIGURED, false, false, true, false},
        {0, 37, 38, 37, LEAP_SOURCE_RECEIVER, false, false, false, true},
        {0, 37, 38, 38, LEAP_SOURCE_CONFIGURED, false, true, true, false},
    };
    const int64_t now = U + 200 * DAY;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leap l;
        struct leap_status s;

        leap_init(&l, cases[i].configured);
        if (cases[i].table) {
            struct leap_table t =
                table(cases[i].table - 1, cases[i].table, cases[i].expired ? now - DAY : EXPIRY);

            leap_set_table(&l, &t);
        }
        if (cases[i].receiver)
            receiver_says(&l, cases[i].receiver, cases[i].receiver_old ? now - 2 * DAY : now - 10);
        s = leap_at(&l, now);
        if (s.utc_offset_s != cases[i].offset || s.source != cases[i].source || s.valid != cases[i].valid ||
            s.disagree != cases[i].disagree || s.table_expired != cases[i].expired)
            fail_msg("case %zu: offset %d of %s, valid %d, disagree %d, expired %d", i, s.utc_offset_s,
                     leap_source_name(s.source), s.valid, s.disagree, s.table_expired);
    }
}

static void test_expiry_boundary(void **state)
{
    struct leap l = with_table(36, 37, EXPIRY, 0);

    (void)state;
    assert_true(leap_at(&l, EXPIRY + 37 - 1).valid);
    assert_false(leap_at(&l, EXPIRY + 37).valid);
    assert_true(leap_at(&l, EXPIRY + 37).table_expired);
    assert_int_equal(leap_at(&l, EXPIRY + 37).utc_offset_s, 37);
}

/* An expired table announces no leap second; a table that expires with its last one still does. */
static void test_expiry_and_leap(void **state)
{
    struct leap l = with_table(36, 37, U, 0);

    (void)state;
    assert_true(leap_at(&l, U + 36).leap61);
    assert_int_equal(leap_at(&l, U + 37).utc_offset_s, 37);
}

/* Every second around a leap second, the receiver late or early by what is allowed: flags do not flicker. */
static void test_receiver_through_leap(void **state)
{
    (void)state;
    for (int lag = -50; lag <= 50; lag += 5) {
        struct leap l = with_table(37, 38, EXPIRY, 37); /* and nobody updates the configuration */

        for (int64_t tai = U - 200; tai < U + 300; tai++) {
            struct leap_status s;

            leap_set_receiver(&l, tai < U + 38 + lag ? 18 : 19, tai);
            s = leap_at(&l, tai);
            if (!s.valid || s.utc_offset_s != (tai < U + 38 ? 37 : 38))
                fail_msg("lag %d, second %lld", lag, (long long)(tai - U));
        }
    }
}

/* Lost some hours before the leap second: what it said is past, not contradiction. */
static void test_receiver_lost_before_leap(void **state)
{
    struct leap l = with_table(37, 38, EXPIRY, 0);

    (void)state;
    receiver_says(&l, 37, U - 3600);
    assert_true(leap_at(&l, U + 3600).valid);
    assert_int_equal(leap_at(&l, U + 3600).utc_offset_s, 38);
}

static void test_receiver_garbage(void **state)
{
    struct leap l = with_table(36, 37, EXPIRY, 0);
    int64_t now = U + 1000;

    (void)state;
    receiver_says(&l, 37, now);
    leap_set_receiver(&l, 15, now + 10); /* twice is not enough */
    leap_set_receiver(&l, 15, now + 11);
    assert_true(leap_at(&l, now + 12).valid);
    for (int i = 0; i < 10; i++) /* nor is ten times in one second */
        leap_set_receiver(&l, 15, now + 11);
    assert_true(leap_at(&l, now + 12).valid);
    leap_set_receiver(&l, 18, now + 12); /* a good word between starts the count anew */
    leap_set_receiver(&l, 15, now + 13);
    leap_set_receiver(&l, 15, now + 14);
    assert_true(leap_at(&l, now + 15).valid);
    leap_set_receiver(&l, 15, now + 15);
    assert_false(leap_at(&l, now + 16).valid);
    assert_true(leap_at(&l, now + 16).disagree);
    leap_set_receiver(&l, 0, now + 16); /* absent, negative, absurd */
    leap_set_receiver(&l, -1, now + 17);
    leap_set_receiver(&l, 256, now + 18);
    assert_int_equal(l.receiver_s, 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_good),
        cmocka_unit_test(test_parse_bad),
        cmocka_unit_test(test_parse_too_many),
        cmocka_unit_test(test_parse_system),
        cmocka_unit_test(test_parse_mutations),
        cmocka_unit_test(test_positive_leap),
        cmocka_unit_test(test_negative_leap),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_no_source),
        cmocka_unit_test(test_weighing),
        cmocka_unit_test(test_expiry_boundary),
        cmocka_unit_test(test_expiry_and_leap),
        cmocka_unit_test(test_receiver_through_leap),
        cmocka_unit_test(test_receiver_lost_before_leap),
        cmocka_unit_test(test_receiver_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
