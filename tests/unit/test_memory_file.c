/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that keeps what was learned, on a real file system: replaced whole or not at all, whatever happens
 * to the writer; and nothing but this clock's own, whole memory is used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gmd/memory_file.h"
#include "holdover/memory.h"
#include "tests/unit/discipline_rig.h"

#define OWNER   "0200.00fffe.0001, logical clock"
#define SAVED_S 2000001000LL
#define READ_S  (SAVED_S + 3600)
#define SIZE    ((size_t)2 * MEMORY_SIZE)

static struct {
    char directory[32], path[64], new[80];
    struct rig *rig; /* that has learned */
    char good[SIZE]; /* its file */
    size_t good_len;
    bool killed_at_rename, killed_at_1000_bytes;
} t;

/* In place of the C library's, so that the writer can be lost at the worst moment. */
int rename(const char *from, const char *to)
{
    if (t.killed_at_rename)
        raise(SIGKILL);
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* In the writer alone: a log of this test's may be longer. */
static void limit_writer(void)
{
    if (t.killed_at_1000_bytes)
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 1000});
}

static size_t file(const char *path, char *text)
{
    const int fd = open(path, O_RDONLY);
    const ssize_t len = fd < 0 ? 0 : read(fd, text, SIZE);

    if (fd >= 0)
        close(fd);
    assert_true(len >= 0);
    return (size_t)len;
}

static void put_file(const char *text, size_t len)
{
    const int fd = open(t.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
}

static void expect_file_unchanged(void)
{
    static char found[SIZE];

    assert_int_equal(file(t.path, found), t.good_len);
    assert_memory_equal(found, t.good, t.good_len);
}

static struct memory_file begin(void)
{
    struct memory_file m;

    memory_file_init(&m, t.path, OWNER);
    return m;
}

static int setup(void **state)
{
    const struct discipline_config config = discipline_defaults();

    (void)state;
    strcpy(t.directory, "/tmp/gmd-memory-XXXXXX");
    if (!mkdtemp(t.directory))
        return -1;
    snprintf(t.path, sizeof t.path, "%s/oscillator", t.directory);
    snprintf(t.new, sizeof t.new, "%s.new", t.path);
    t.rig = malloc(sizeof *t.rig);
    assert_non_null(t.rig);
    rig_init(t.rig, &config, oscillator_ocxo, 5);
    rig_seconds(t.rig, 1800);
    struct memory_file m = begin();
    memory_file_close(&m, &t.rig->d, SAVED_S);
    assert_string_equal(m.status, "kept");
    t.good_len = file(t.path, t.good);
    return t.good_len > 1000 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    unlink(t.path);
    unlink(t.new);
    free(t.rig);
    return rmdir(t.directory);
}

static struct discipline *started(void)
{
    const struct discipline_config config = discipline_defaults();
    struct discipline *d = malloc(sizeof *d);

    assert_non_null(d);
    discipline_init(d, &config);
    return d;
}

/* A discipline that has just started reads the file at tai_s. */
static struct discipline *reads(struct memory_file *m, int64_t tai_s)
{
    struct discipline *d = started();
    memory_file_read(m, d, tai_s);
    return d;
}

static void expect_refused(const char *name, const char *why, int64_t tai_s)
{
    struct memory_file m = begin();
    struct discipline *d = started(), *cold = started();

    memcpy(cold, d, sizeof *d); /* what lies between the members, too */
    memory_file_read(&m, d, tai_s);
    if (!m.trouble || strncmp(m.status, "refused: ", 9) != 0 || !strstr(m.status, why))
        fail_msg("%s: \"%s\" instead of refused: %s", name, m.status, why);
    assert_memory_equal(d, cold, sizeof *d);
    free(d);
    free(cold);
}

static void test_read_again(void **state)
{
    struct memory_file m = begin();
    struct discipline *d = reads(&m, READ_S);

    (void)state;
    assert_string_equal(m.status, "in use");
    assert_false(m.trouble);
    assert_true(d->estimator.remembered);
    assert_true(fabs(d->estimator.bank.freq_ppb - t.rig->d.estimator.bank.freq_ppb) < 0.1);
    free(d);
}

/* Only its own boot knows that the oscillator was not switched off. */
static void test_after_a_reboot(void **state)
{
    static char text[SIZE];
    struct memory_file same = begin(), other = begin();
    struct discipline *warm = reads(&same, READ_S), *cold;

    (void)state;
    memcpy(text, t.good, t.good_len);
    char *boot = strstr(text, "\nboot ");
    assert_non_null(boot);
    boot[6] = boot[6] == '0' ? '1' : '0';
    put_file(text, t.good_len);
    cold = reads(&other, READ_S);
    assert_string_equal(other.status, "in use, with allowance for a cold start");
    assert_true(cold->estimator.bank.freq_variance > warm->estimator.bank.freq_variance + 0.5);
    put_file(t.good, t.good_len);
    free(warm);
    free(cold);
}

static void test_none(void **state)
{
    static const char *const paths[] = {"/nonexistent/oscillator", ""};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct memory_file m;
        memory_file_init(&m, paths[i], OWNER);
        struct discipline *d = reads(&m, READ_S);
        assert_false(m.trouble || d->estimator.remembered);
        assert_string_equal(m.status, i ? "not kept" : "nothing learned yet");
        free(d);
    }
}

/* Each made of the good file. */
static size_t other_owner(char *text, size_t len)
{
    text[strlen("gmd memory of ")] ^= 1;
    return len;
}

static size_t later_version(char *text, size_t len)
{
    char *version = strstr(text, "oscillator memory 1");

    assert_non_null(version);
    version[strlen("oscillator memory ")] = '2';
    return len;
}

static size_t flipped_bit(char *text, size_t len)
{
    text[len / 2] ^= 1;
    return len;
}

static size_t zeros(char *text, size_t len)
{
    memset(text + 200, 0, len - 200);
    return len;
}

static size_t garbage(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(i * 2654435761u >> 7);
    return len;
}

static size_t cut(char *text, size_t len)
{
    (void)text;
    return len * 2 / 3;
}

static size_t only_the_head(char *text, size_t len)
{
    (void)len;
    return (size_t)(strchr(text, '\n') - text);
}

static size_t nothing(char *text, size_t len)
{
    (void)text;
    (void)len;
    return 0;
}

static size_t appended(char *text, size_t len)
{
    memset(text + len, '\n', 6);
    return len + 6;
}

static size_t too_large(char *text, size_t len)
{
    memset(text + len, ' ', SIZE - len);
    return SIZE;
}

static void test_refused(void **state)
{
    static const struct {
        const char *name;
        size_t (*make)(char *text, size_t len);
        const char *why;
    } rows[] = {
        {"another clock's", other_owner, "another clock's"},
        {"a later version's", later_version, "not an oscillator's memory of this version"},
        {"one bit", flipped_bit, "damaged"},
        {"zeros", zeros, "not an oscillator's memory"},
        {"garbage", garbage, "no memory of gmd's"},
        {"cut off", cut, "cut off"},
        {"only the head", only_the_head, "no memory of gmd's"},
        {"empty", nothing, "no memory of gmd's"},
        {"appended", appended, "damaged"},
        {"too large", too_large, "File too large"},
    };
    static char text[SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(text, t.good, sizeof text);
        put_file(text, rows[i].make(text, t.good_len));
        expect_refused(rows[i].name, rows[i].why, READ_S);
    }
    for (size_t len = 1; len < t.good_len; len += 4999) {
        put_file(t.good, len);
        expect_refused("cut off anywhere", "", READ_S);
    }
    put_file(t.good, t.good_len);
    expect_refused("from the future", "from the future", SAVED_S - 1);
    expect_refused("too old", "older than a year", SAVED_S + 400LL * 86400);
    if (geteuid() != 0) {
        chmod(t.path, 0);
        expect_refused("not readable", "Permission denied", READ_S);
        chmod(t.path, 0644);
    }
}

static void test_a_directory_in_its_place(void **state)
{
    struct memory_file m = begin();

    (void)state;
    assert_int_equal(unlink(t.path), 0);
    assert_int_equal(mkdir(t.path, 0755), 0);
    expect_refused("directory", "Is a directory", READ_S);
    memory_file_close(&m, &t.rig->d, SAVED_S);
    assert_string_equal(m.status, "cannot be written: Is a directory");
    assert_true(m.trouble);
    assert_int_equal(access(t.new, F_OK), -1); /* nothing is left lying about */
    assert_int_equal(rmdir(t.path), 0);
    put_file(t.good, t.good_len);
}

static void test_nowhere_to_write(void **state)
{
    struct memory_file m;

    (void)state;
    memory_file_init(&m, "/nonexistent/oscillator", OWNER);
    memory_file_close(&m, &t.rig->d, SAVED_S);
    assert_string_equal(m.status, "cannot be written: No such file or directory");
    assert_true(m.trouble);
}

/* The writer dies with the new file half written, or written and not yet in place. */
static void test_killed_while_writing(void **state)
{
    const struct rlimit none = {0};
    static char found[SIZE];

    (void)state;
    assert_int_equal(pthread_atfork(NULL, NULL, limit_writer), 0);
    setrlimit(RLIMIT_CORE, &none);
    for (int at_rename = 0; at_rename <= 1; at_rename++) {
        struct memory_file m = begin(), after = begin();
        t.killed_at_rename = at_rename;
        t.killed_at_1000_bytes = !at_rename;
        memory_file_close(&m, &t.rig->d, SAVED_S + 60);
        t.killed_at_rename = t.killed_at_1000_bytes = false;
        assert_string_equal(m.status, "cannot be written: the writer died");
        assert_true(m.trouble);
        const size_t left = file(t.new, found);
        assert_true(at_rename ? left > t.good_len / 2 : left == 1000);
        expect_file_unchanged();
        struct discipline *d = reads(&after, READ_S);
        assert_string_equal(after.status, "in use");
        free(d);
    }
    struct memory_file m = begin(); /* what was left is no obstacle */
    memory_file_close(&m, &t.rig->d, SAVED_S);
    assert_string_equal(m.status, "kept");
    expect_file_unchanged();
}

static void tick_until_written(struct memory_file *m, int64_t now_ns)
{
    for (int i = 0; m->writer && i < 5000; i++) {
        usleep(1000);
        memory_file_tick(m, &t.rig->d, now_ns, SAVED_S);
    }
    assert_int_equal(m->writer, 0);
}

/* Every ten minutes, while it is locked: what is learned without pulses is nothing. */
static void test_written_now_and_then(void **state)
{
    struct memory_file m = begin();
    int64_t now_ns = 77 * NS_PER_S;

    (void)state;
    assert_int_equal(unlink(t.path), 0);
    memory_file_tick(&m, &t.rig->d, now_ns, SAVED_S);
    memory_file_tick(&m, &t.rig->d, now_ns + 599 * NS_PER_S, SAVED_S);
    assert_int_equal(m.writer, 0);
    now_ns += 600 * NS_PER_S;
    t.rig->d.status.state = DISCIPLINE_FROZEN;
    memory_file_tick(&m, &t.rig->d, now_ns, SAVED_S);
    assert_int_equal(m.writer, 0);
    t.rig->d.status.state = DISCIPLINE_LOCKED;
    memory_file_tick(&m, &t.rig->d, now_ns, SAVED_S);
    assert_true(m.writer > 0);
    tick_until_written(&m, now_ns);
    assert_string_equal(m.status, "kept");
    expect_file_unchanged();
    assert_int_equal(unlink(t.path), 0);
    memory_file_tick(&m, &t.rig->d, now_ns + 599 * NS_PER_S, SAVED_S);
    assert_int_equal(m.writer, 0);
    put_file(t.good, t.good_len);
}

/* What was never locked has nothing worth keeping, and leaves alone what is there. */
static void test_nothing_learned(void **state)
{
    const struct discipline_config config = discipline_defaults();
    struct discipline *d = malloc(sizeof *d);
    struct memory_file m = begin();

    (void)state;
    assert_non_null(d);
    discipline_init(d, &config);
    memory_file_close(&m, d, SAVED_S);
    assert_false(m.trouble);
    expect_file_unchanged();
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_again),
        cmocka_unit_test(test_after_a_reboot),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_directory_in_its_place),
        cmocka_unit_test(test_nowhere_to_write),
        cmocka_unit_test(test_killed_while_writing),
        cmocka_unit_test(test_written_now_and_then),
        cmocka_unit_test(test_nothing_learned),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
