/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/temperature.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gmd/loop.h"

/* A sensor on I2C is asked over the bus while the reader waits, some milliseconds: nothing else in the loop
 * may wait, and this may because it is rare. */
#define EVERY_NS (THERMOMETER_EVERY_S * NS_PER_S)
#define SLOW_NS  50000000LL
#define TEXT_MAX 32 /* longer is no integer */
#define PATIENCE 2  /* readings: a bus may fail once */

void temperature_init(struct temperature *t, const char *path)
{
    *t = (struct temperature){.path = path, .due_ns = INT64_MIN, .read_ns = INT64_MIN};
}

/* Length, or -1 with why. */
static ssize_t read_text(const char *path, char *text, size_t size, char *why, size_t why_size)
{
    struct stat s = {0};
    ssize_t len = -1;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold the loop */
    const bool plain = fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    if (plain)
        len = read(fd, text, size - 1);
    if (len < 0)
        snprintf(why, why_size, "%s", fd < 0 || plain ? strerror(errno) : "it is no file of a sensor");
    if (fd >= 0)
        close(fd);
    text[len < 0 ? 0 : len] = '\0';
    return len;
}

/* One integer and nothing else but blanks. */
static bool parse(const char *text, size_t len, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    if (errno || end == text)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    return end == text + len;
}

bool temperature_read(const char *path, double *celsius, char *why, size_t size)
{
    char text[TEXT_MAX + 2];
    long thousandths;
    const ssize_t len = read_text(path, text, sizeof text, why, size);
    if (len < 0)
        return false;
    if (len > TEXT_MAX || !parse(text, (size_t)len, &thousandths)) {
        snprintf(why, size, "found no integer (thousandths of a degree Celsius)");
        return false;
    }
    *celsius = (double)thousandths / 1000;
    if (*celsius >= THERMOMETER_LEAST && *celsius <= THERMOMETER_MOST)
        return true;
    snprintf(why, size, "found %ld, expected %.0f..%.0f (thousandths of a degree Celsius)", thousandths,
             THERMOMETER_LEAST * 1000, THERMOMETER_MOST * 1000);
    return false;
}

void temperature_tick(struct temperature *t, struct discipline *d, int64_t now_ns)
{
    if (!t->path[0] || now_ns < t->due_ns)
        return;
    t->due_ns = now_ns + EVERY_NS;
    const int64_t started_ns = loop_now();
    const bool good = temperature_read(t->path, &t->celsius, t->problem, sizeof t->problem);
    t->took_ns = loop_now() - started_ns;
    if (!good) {
        t->errors++;
        t->errors_in_a_row++;
        return;
    }
    t->problem[0] = '\0';
    t->errors_in_a_row = 0;
    t->readings++;
    t->read_ns = now_ns;
    discipline_temperature(d, now_ns, t->celsius);
}

bool temperature_trouble(const struct temperature *t, const struct thermometer *believed, char *detail,
                         size_t size)
{
    if (t->errors_in_a_row >= PATIENCE)
        snprintf(detail, size, "%.70s: %.80s", t->path, t->problem);
    else if (believed->wild_seen > 0)
        snprintf(detail, size, "%.70s: %.1f C after %.1f C, which no room does: not believed", t->path,
                 believed->wild, believed->believed);
    else if (t->took_ns > SLOW_NS)
        snprintf(detail, size, "%.70s: a reading takes %.0f ms, and everything waits for it", t->path,
                 (double)t->took_ns * 1e-6);
    else
        return false;
    return true;
}
