/* SPDX-License-Identifier: BSD-2-Clause */
/* Signs that a receiver with a fix is not to be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gnss/integrity.h"

static const struct integrity_config config = {
    .min_satellites = 1, .time_accuracy_ns = 1000, .position_moved_m = 100};

static void expect(const char *found, const char *expected)
{
    if (expected)
        assert_string_equal(found, expected);
    else
        assert_null(found);
}

static void test_words(void **state)
{
    static const struct {
        struct words words;
        int satellites_used;
        const char *suspicion;
    } rows[] = {
        {{.antenna = ANTENNA_UNKNOWN}, -1, NULL},
        {{.antenna = ANTENNA_OK}, 12, NULL},
        {{.antenna = ANTENNA_OPEN}, 12, "the antenna is open"},
        {{.antenna = ANTENNA_SHORT}, 12, "the antenna is shorted"},
        {{.antenna = ANTENNA_FAULT}, 12, "antenna fault"},
        {{.jamming = THREAT_NONE, .spoofing = THREAT_NONE}, 12, NULL},
        {{.jamming = THREAT_WARNING}, 12, NULL},
        {{.jamming = THREAT_CRITICAL}, 12, "the receiver is jammed"},
        {{.spoofing = THREAT_WARNING}, 12, "the receiver reports spoofing"},
        {{.antenna = ANTENNA_OK}, 0, "too few satellites"},
        {{.antenna = ANTENNA_OK}, 1, NULL},
        {{.time_accuracy_ns = 1000}, 12, NULL},
        {{.time_accuracy_ns = 1001}, 12, "the receiver is not sure of its time"},
    };
    struct words good = {.antenna = ANTENNA_OK};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct integrity in;
        integrity_init(&in, &config);
        expect(integrity_suspicion(&in, &good, 12), NULL);
        expect(integrity_suspicion(&in, &rows[i].words, rows[i].satellites_used), rows[i].suspicion);
    }
}

/* Behind a splitter that blocks DC the supervisor reports a fault on perfect reception, from the start. */
static void test_supervisor_that_never_saw_the_antenna(void **state)
{
    const struct words open = {.antenna = ANTENNA_OPEN}, good = {.antenna = ANTENNA_OK};
    struct integrity in;

    (void)state;
    integrity_init(&in, &config);
    expect(integrity_suspicion(&in, &open, 12), NULL);
    expect(integrity_suspicion(&in, &good, 12), NULL);
    expect(integrity_suspicion(&in, &open, 12), "the antenna is open");
}

static void test_nothing_is_looked_at(void **state)
{
    static const struct integrity_config off;
    const struct words w = {.time_accuracy_ns = 1e9};
    const struct receiver_report r = {.has_position = true, .latitude_deg = 80};
    struct integrity in;

    (void)state;
    integrity_init(&in, &off);
    for (int i = 0; i < 10; i++)
        integrity_note(&in, &r);
    expect(integrity_suspicion(&in, &w, 0), NULL);
}

static void stand_at(struct integrity *in, double latitude_deg, double longitude_deg, int fixes)
{
    const struct receiver_report r = {
        .has_position = true, .latitude_deg = latitude_deg, .longitude_deg = longitude_deg};

    for (int i = 0; i < fixes; i++)
        integrity_note(in, &r);
}

static void test_site(void **state)
{
    static const struct {
        double latitude_deg, longitude_deg; /* the site */
        double north_m, east_m;             /* the move */
        bool suspicious;
    } rows[] = {
        {48, 11, 0, 0, false},       {48, 11, 95, 0, false},
        {48, 11, 105, 0, true},      {48, 11, 0, -95, false},
        {48, 11, 0, -105, true},     {0, 179.9999, 0, 95, false}, /* across the date line */
        {0, 179.9999, 0, 105, true}, {-60, 0, 70, 75, true},
    };
    static const struct words w;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct integrity in;
        const double latitude = rows[i].latitude_deg + rows[i].north_m / 111195;
        const double longitude = rows[i].longitude_deg +
                                 rows[i].east_m / 111195 / __builtin_cos(latitude * 3.14159265358979 / 180);
        integrity_init(&in, &config);
        stand_at(&in, rows[i].latitude_deg, rows[i].longitude_deg, 100);
        stand_at(&in, latitude, longitude > 180 ? longitude - 360 : longitude, 2);
        expect(integrity_suspicion(&in, &w, -1), NULL); /* it may be noise */
        stand_at(&in, latitude, longitude > 180 ? longitude - 360 : longitude, 1);
        expect(integrity_suspicion(&in, &w, -1), rows[i].suspicious ? "the antenna has moved" : NULL);
        stand_at(&in, rows[i].latitude_deg, rows[i].longitude_deg, 1);
        expect(integrity_suspicion(&in, &w, -1), NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_supervisor_that_never_saw_the_antenna),
        cmocka_unit_test(test_nothing_is_looked_at),
        cmocka_unit_test(test_site),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
