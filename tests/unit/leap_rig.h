/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and words for the tests of leap seconds. */
#ifndef GMD_TESTS_UNIT_LEAP_RIG_H
#define GMD_TESTS_UNIT_LEAP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gnss/leap.h"

#define NTP(unix_s) ((unix_s) + 2208988800LL)
#define DAY         86400LL
#define U           (20000 * DAY) /* a day in 2024 that a leap second precedes, in these tables */
#define EXPIRY      (U + 300 * DAY)

/* 36 before, then at U one more or one less. */
static inline struct leap_table table(int before, int after, int64_t expiry)
{
    struct leap_table t;
    char text[200], error[100];

    snprintf(text, sizeof(text), "#@ %lld\n%lld %d # before\n%lld\t%d\n", (long long)NTP(expiry),
             (long long)NTP(U - 1000 * DAY), before, (long long)NTP(U), after);
    assert_int_equal(leap_table_parse(text, strlen(text), &t, error, sizeof(error)), 0);
    return t;
}

static inline struct leap with_table(int before, int after, int64_t expiry, int configured)
{
    struct leap_table t = table(before, after, expiry);
    struct leap l;

    leap_init(&l, configured);
    leap_set_table(&l, &t);
    return l;
}

static inline void receiver_says(struct leap *l, int tai_minus_utc, int64_t tai_s)
{
    for (int i = 0; i < LEAP_RECEIVER_REPORTS; i++)
        leap_set_receiver(l, tai_minus_utc - LEAP_TAI_MINUS_GPS_S, tai_s + i);
}

#endif
