/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory for the files that the tests of conf/ write, load and remove. */
#ifndef GMD_TESTS_CONF_RIG_H
#define GMD_TESTS_CONF_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/option.h"

#define PORT      "ports = ( { interface = \"eth1\"; } );\n"
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* libconfig 1.5 loses the token in hand when it gives up on a syntax error. */
const char *__lsan_default_suppressions(void); /* NOLINT: the sanitizer's name */
const char *__lsan_default_suppressions(void)  /* NOLINT */
{
    return "leak:libconfig.so";
}

static char directory[] = "/tmp/test_conf.XXXXXX";

static inline const char *path_of(const char *name, char *buf, size_t size)
{
    snprintf(buf, size, "%s/%s", directory, name);
    return buf;
}

static inline void write_file(const char *name, const char *bytes, size_t len)
{
    char path[256];
    FILE *f = fopen(path_of(name, path, sizeof path), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

/* Complaints name files with our directory in front: taken away. */
static inline void strip_directory(char *text)
{
    char prefix[64];
    size_t n = (size_t)snprintf(prefix, sizeof prefix, "%s/", directory);

    for (char *p; (p = strstr(text, prefix)) != NULL;)
        memmove(p, p + n, strlen(p + n) + 1);
}

static inline int load_file(const char *name, struct conf *c, char *errors, size_t size)
{
    char path[256];
    int rc = conf_load(path_of(name, path, sizeof path), c, errors, size);

    strip_directory(errors);
    return rc;
}

static inline int load_text(const char *text, struct conf *c, char *errors, size_t size)
{
    write_file("gmd.conf", text, strlen(text));
    return load_file("gmd.conf", c, errors, size);
}

static inline void load_good(const char *text, struct conf *c)
{
    char errors[4096];

    if (load_text(text, c, errors, sizeof errors))
        fail_msg("%s\ncomplaints: %s", text, errors);
}

static inline int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static inline int tear_down(void **state)
{
    static const char *const names[] = {"gmd.conf", "included.conf", "big.conf"};
    char path[256];

    (void)state;
    for (size_t i = 0; i < LENGTH(names); i++)
        unlink(path_of(names[i], path, sizeof path));
    return rmdir(directory);
}

#endif
