/* SPDX-License-Identifier: BSD-2-Clause */
/* What the log prints: one line an event, and nothing foreign that could pass for another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gmd/log.h"

static void test_make_printable(void **state)
{
    static const struct {
        const char *text, *printable;
    } cases[] = {
        {"", ""},
        {"/dev/ttyS0: 100 %, \"ok\" ~", "/dev/ttyS0: 100 %, \"ok\" ~"},
        {"a\nb\tc\r", "a?b?c?"},
        {"\x1b[31mred\x7f", "?[31mred?"},
        {"\x01\x1f\x20\x7e\x7f\x80\xff", "?? ~???"},
        {"\xc3\xa9t\xc3", "??t?"}, /* a character, and the half of one */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].text);
        text_make_printable(text);
        assert_string_equal(text, cases[i].printable);
    }
}

/* Standard error goes to a file between these two. */
static FILE *file;
static int standard_error;

static int capture(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1); /* priorities in place of times, which are never the same */
    file = tmpfile();
    standard_error = dup(STDERR_FILENO);
    return file && standard_error >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int release(void **state)
{
    (void)state;
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    return fclose(file);
}

static void assert_logged(const char *expected)
{
    char text[2048];
    const ssize_t n = pread(fileno(file), text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static void test_line(void **state)
{
    (void)state;
    log_line(LOG_LEVEL_ERROR, "receiver: %s", "gone\n<6>all is well\x1b[2J");
    log_line(LOG_LEVEL_INFO, "port %d", 2);
    assert_logged("<3>receiver: gone?<6>all is well?[2J\n<6>port 2\n");
}

static void test_long_line(void **state)
{
    char text[1024], expected[1024];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_line(LOG_LEVEL_NOTICE, "%s", text);
    snprintf(expected, sizeof expected, "<5>%.511s\n", text);
    assert_logged(expected);
}

static void test_limited(void **state)
{
    struct log_limit limit = {0};
    (void)state;
    for (int i = 0; i < 10; i++)
        log_limited(&limit, 100 * NS_PER_S + i, "bad \"%s\"", "\xff");
    log_limited(&limit, 160 * NS_PER_S - 1, "still within the minute");
    assert_logged("<4>bad \"?\"\n");
    log_limited(&limit, 160 * NS_PER_S, "worse");
    log_limited(&limit, 220 * NS_PER_S, "again");
    assert_logged("<4>bad \"?\"\n<4>worse (and 10 like it before)\n<4>again\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make_printable),
        cmocka_unit_test_setup_teardown(test_line, capture, release),
        cmocka_unit_test_setup_teardown(test_long_line, capture, release),
        cmocka_unit_test_setup_teardown(test_limited, capture, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
