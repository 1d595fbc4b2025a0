/* SPDX-License-Identifier: BSD-2-Clause */
/* The UNIX datagram socket: what it replaces, what it leaves alone, and answers to their senders. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "gmd/net/uds.h"

struct place {
    char directory[32], path[64], client[64];
    char error[256];
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->directory, sizeof p->directory, "/tmp/gmd-uds-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    snprintf(p->path, sizeof p->path, "%s/ptp4l", p->directory);
    snprintf(p->client, sizeof p->client, "%s/pmc", p->directory);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    unlink(p->path);
    unlink(p->client);
    assert_int_equal(rmdir(p->directory), 0);
    free(p);
    return 0;
}

static int bound(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, type, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void open_well(struct uds *u, struct place *p)
{
    if (uds_open(u, p->path, p->error, sizeof p->error) != 0)
        fail_msg("%s", p->error);
}

static void open_refused(struct place *p, const char *why)
{
    struct uds u;
    assert_int_equal(uds_open(&u, p->path, p->error, sizeof p->error), -1);
    assert_int_equal(u.fd, -1);
    assert_non_null(strstr(p->error, why));
    uds_close(&u);
}

static void test_mode_and_removal(void **state)
{
    struct place *p = *state;
    struct uds u;
    struct stat file;
    open_well(&u, p);
    assert_int_equal(stat(p->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0660);
    assert_true(uds_in_place(&u));
    uds_close(&u);
    assert_int_equal(stat(p->path, &file), -1);
    uds_close(&u); /* twice does no harm */
}

static void test_stale_socket_is_replaced(void **state)
{
    struct place *p = *state;
    struct uds u;
    close(bound(p->path, SOCK_DGRAM));
    open_well(&u, p);
    uds_close(&u);
}

static void test_live_socket_is_refused(void **state)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const int other = bound(p->path, types[i]);
        if (types[i] == SOCK_STREAM)
            assert_int_equal(listen(other, 1), 0);
        open_refused(p, "another program answers there");
        assert_int_equal(access(p->path, F_OK), 0);
        close(other);
        unlink(p->path);
    }
}

static void test_file_is_left_alone(void **state)
{
    struct place *p = *state;
    close(open(p->path, O_CREAT | O_WRONLY, 0600));
    open_refused(p, "not a socket");
    assert_int_equal(access(p->path, F_OK), 0);
}

static void test_impossible_paths(void **state)
{
    struct place *p = *state;
    struct uds u;
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(uds_open(&u, longest, p->error, sizeof p->error), -1);
    assert_non_null(strstr(p->error, "longer than"));
    assert_int_equal(uds_open(&u, "/nowhere/at/all", p->error, sizeof p->error), -1);
    assert_non_null(strstr(p->error, "No such file or directory"));
}

static void test_another_takes_the_place(void **state)
{
    struct place *p = *state;
    struct uds u;
    open_well(&u, p);
    unlink(p->path);
    assert_false(uds_in_place(&u));
    const int other = bound(p->path, SOCK_DGRAM);
    assert_false(uds_in_place(&u));
    uds_close(&u);
    assert_int_equal(access(p->path, F_OK), 0); /* its file is not ours to remove */
    close(other);
}

static void test_exchange(void **state)
{
    struct place *p = *state;
    struct uds u;
    struct management_peer from;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t buf[64];
    size_t len;
    open_well(&u, p);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", p->path);
    assert_int_equal(uds_receive(&u, buf, sizeof buf, &len, &from), 0);

    const int client = bound(p->client, SOCK_DGRAM);
    assert_int_equal(sendto(client, "question", 8, 0, (struct sockaddr *)&address, sizeof address), 8);
    assert_int_equal(uds_receive(&u, buf, sizeof buf, &len, &from), 1);
    assert_int_equal(len, 8);
    assert_memory_equal(buf, "question", 8);
    assert_int_equal(uds_send(&u, &from, (const uint8_t *)"answer", 6), 0);
    assert_int_equal(recv(client, buf, sizeof buf, MSG_DONTWAIT), 6);
    assert_memory_equal(buf, "answer", 6);

    uint8_t big[65];
    memset(big, 1, sizeof big);
    assert_int_equal(sendto(client, big, sizeof big, 0, (struct sockaddr *)&address, sizeof address), 65);
    assert_int_equal(uds_receive(&u, buf, sizeof buf, &len, &from), -EMSGSIZE);

    /* who does not read is not waited for, and who is gone is known to be */
    int result = 0;
    for (int i = 0; i < 100000 && result == 0; i++)
        result = uds_send(&u, &from, buf, sizeof buf);
    assert_int_equal(result, -EAGAIN);
    close(client);
    assert_int_equal(uds_send(&u, &from, buf, sizeof buf), -ECONNREFUSED);
    unlink(p->client);
    assert_int_equal(uds_send(&u, &from, buf, sizeof buf), -ENOENT);

    /* without a name there is nowhere to answer */
    const int nameless = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(sendto(nameless, "x", 1, 0, (struct sockaddr *)&address, sizeof address), 1);
    assert_int_equal(uds_receive(&u, buf, sizeof buf, &len, &from), 1);
    assert_int_equal(from.len, 0);
    assert_int_equal(uds_send(&u, &from, buf, 1), -EDESTADDRREQ);
    close(nameless);
    uds_close(&u);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_mode_and_removal),
        TEST(test_stale_socket_is_replaced),
        TEST(test_live_socket_is_refused),
        TEST(test_file_is_left_alone),
        TEST(test_impossible_paths),
        TEST(test_another_takes_the_place),
        TEST(test_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
