/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of UBX frames and of UBX messages share. Include it behind cmocka.h. */
#ifndef GMD_TESTS_UBX_RIG_H
#define GMD_TESTS_UBX_RIG_H

#include "tests/fuzz/ubx_samples.h"

#define WEEK     2446
#define TOW_MS   8060000
#define TAI_S    1795313679 /* of WEEK and TOW_MS: 2026-11-22 02:14:02 UTC and 37 s */
#define LEAP_S   18
#define UTC_2027 1798761600

static const struct receiver_report nothing = {
    .link = RECEIVER_LINK_UP, .satellites_used = -1, .satellites_visible = -1};

static inline void assert_same(const struct receiver_report *a, const struct receiver_report *b)
{
    assert_int_equal(a->antenna, b->antenna);
    assert_int_equal(a->jamming, b->jamming);
    assert_int_equal(a->spoofing, b->spoofing);
    assert_int_equal(a->gps_minus_utc_s, b->gps_minus_utc_s);
    assert_int_equal(a->has_tai, b->has_tai);
    assert_int_equal(a->tai_s, b->tai_s);
    assert_true(a->time_accuracy_ns == b->time_accuracy_ns);
    assert_int_equal(a->has_sawtooth, b->has_sawtooth);
    assert_int_equal(a->sawtooth_tai_s, b->sawtooth_tai_s);
    assert_true(a->sawtooth_ns == b->sawtooth_ns);
    assert_int_equal(a->has_leap, b->has_leap);
    assert_int_equal(a->leap_step_s, b->leap_step_s);
    assert_int_equal(a->leap_utc_s, b->leap_utc_s);
    assert_false(a->has_fix || a->has_time);
    assert_int_equal(a->satellites_used, -1);
}

#endif
