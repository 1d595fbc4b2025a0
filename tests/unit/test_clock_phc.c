/* SPDX-License-Identifier: BSD-2-Clause */
/* What opening a PTP hardware clock says when there is none. The driver itself needs a device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gmd/clock/clock.h"

static void wrong_devices(void **state)
{
    (void)state;
    static const struct {
        const char *device, *error;
    } cases[] = {
        {"/dev/no-such-ptp", "/dev/no-such-ptp: No such file or directory"},
        {"/dev/null", "/dev/null: not a PTP hardware clock"},
        {"", ": No such file or directory"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[160] = "";
        assert_null(clock_phc_open(cases[i].device, error, sizeof(error)));
        assert_string_equal(error, cases[i].error);
        memset(error, 0, sizeof(error));
        assert_null(clock_readonly_phc_open(cases[i].device, error, sizeof(error)));
        assert_string_equal(error, cases[i].error);
    }
}

static void a_directory(void **state)
{
    (void)state;
    char error[160] = "";
    assert_null(clock_phc_open("/dev", error, sizeof(error)));
    assert_string_equal(error, "/dev: Is a directory");
    assert_null(clock_readonly_phc_open("/dev", error, sizeof(error)));
    assert_string_equal(error, "/dev: not a PTP hardware clock");
}

static void a_short_error_buffer(void **state)
{
    (void)state;
    char error[12] = "12345678901";
    assert_null(clock_phc_open("/dev/null", error, 10));
    assert_string_equal(error, "/dev/null");
    assert_int_equal(error[10], '1');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_devices),
        cmocka_unit_test(a_directory),
        cmocka_unit_test(a_short_error_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
