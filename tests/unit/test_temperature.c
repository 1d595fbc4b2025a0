/* SPDX-License-Identifier: BSD-2-Clause */
/* A sensor's file: only a temperature is taken for one, each other content is named, and trouble ends when
 * the sensor is back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gmd/temperature.h"
#include "tests/defaults.h"

#define EVERY_NS (THERMOMETER_EVERY_S * NS_PER_S)

static char directory[64], path[96];

static int set_up(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/temperature.XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/temp1_input", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void write_bytes(const char *bytes, size_t size)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static void write_text(const char *text)
{
    write_bytes(text, strlen(text));
}

static void test_temperatures(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double celsius;
    } cases[] = {{"41250\n", 41.25}, {"0", 0},          {"-5000\n", -5}, {" 23000 \n", 23},
                 {"+7\n", 0.007},    {"-55000\n", -55}, {"150000", 150}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double celsius = 1e9;
        char why[160] = "";
        write_text(cases[i].text);
        if (!temperature_read(path, &celsius, why, sizeof why) || celsius != cases[i].celsius)
            fail_msg("%s: %g, %s", cases[i].text, celsius, why);
    }
}

static void assert_refused(const char *what)
{
    double celsius;
    char why[160] = "";
    if (temperature_read(path, &celsius, why, sizeof why) || !strstr(why, what))
        fail_msg("\"%s\" where \"%s\" was expected", why, what);
}

static void test_what_is_none(void **state)
{
    (void)state;
    static const char *const no_integer[] = {
        "",
        "\n",
        "warm",
        "23.5\n",
        "2e4",
        "0x5000",
        "23000 24000\n",
        "99999999999999999999\n",
        "23000                                                        \n"};
    for (size_t i = 0; i < sizeof no_integer / sizeof no_integer[0]; i++) {
        write_text(no_integer[i]);
        assert_refused("no integer");
    }
    write_bytes("23000\0", 6);
    assert_refused("no integer");
    write_text("-55001\n");
    assert_refused("found -55001, expected -55000..150000");
    write_text("150001\n");
    assert_refused("found 150001");
    unlink(path);
    assert_refused("No such file");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused("no file of a sensor");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
    assert_refused("no file of a sensor");
}

static struct discipline *new_discipline(void)
{
    struct discipline *d = malloc(sizeof *d);
    const struct discipline_config config = discipline_defaults();
    assert_non_null(d);
    discipline_init(d, &config);
    return d;
}

static bool troubled(const struct temperature *t, const struct discipline *d, const char *what)
{
    char detail[160];
    return temperature_trouble(t, &d->estimator.thermometer, detail, sizeof detail) && strstr(detail, what);
}

static void test_trouble_and_return(void **state)
{
    (void)state;
    struct discipline *d = new_discipline();
    struct temperature t;
    temperature_init(&t, path);
    int64_t now_ns = EVERY_NS;
    write_text("25000\n");
    for (int i = 0; i < 4; i++, now_ns += EVERY_NS / 2) /* half of them: not yet */
        temperature_tick(&t, d, now_ns);
    assert_int_equal(t.readings, 2);
    assert_false(troubled(&t, d, ""));
    assert_true(d->estimator.thermometer.celsius == 25);

    write_text("garbled");
    temperature_tick(&t, d, now_ns);
    assert_false(troubled(&t, d, "")); /* once is nothing */
    temperature_tick(&t, d, now_ns += EVERY_NS);
    assert_true(troubled(&t, d, "no integer"));
    unlink(path);
    temperature_tick(&t, d, now_ns += EVERY_NS);
    assert_true(troubled(&t, d, "No such file"));
    assert_int_equal(t.errors, 3);

    write_text("45000\n");
    temperature_tick(&t, d, now_ns += EVERY_NS);
    assert_true(troubled(&t, d, "45.0 C after 25.0 C"));
    write_text("25500\n");
    temperature_tick(&t, d, now_ns + EVERY_NS);
    assert_false(troubled(&t, d, ""));
    assert_int_equal(t.readings, 4);
    free(d);
}

static void test_no_sensor(void **state)
{
    (void)state;
    struct discipline *d = new_discipline();
    struct temperature t;
    temperature_init(&t, "");
    temperature_tick(&t, d, EVERY_NS);
    assert_false(troubled(&t, d, ""));
    assert_int_equal(t.readings + t.errors, 0);
    assert_false(d->estimator.bank.sensed);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_temperatures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trouble_and_return, set_up, tear_down),
        cmocka_unit_test(test_no_sensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
