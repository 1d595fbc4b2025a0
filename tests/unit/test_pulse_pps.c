/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver of /dev/ppsN against a scripted device. */
#include "tests/unit/pulse_rig.h"

#include <linux/pps.h>

/* What the device can do, was told and answers. */
static struct {
    bool is_pps;
    int capable, mode, set_error, fetch_error, sets;
    struct pps_kinfo info;
} device;

static int device_ioctl(unsigned long request, void *argument)
{
    struct pps_fdata *data = argument;
    struct pps_kparams *params = argument;

    if (!device.is_pps)
        return answer(ENOTTY);
    switch (request) {
    case PPS_GETCAP:
        *(int *)argument = device.capable;
        return 0;
    case PPS_GETPARAMS:
        params->mode = device.mode;
        return 0;
    case PPS_SETPARAMS:
        device.sets++;
        device.mode = params->mode;
        return answer(device.set_error);
    case PPS_FETCH:
        assert_int_equal(data->timeout.flags & PPS_TIME_INVALID, 0); /* that would wait for ever */
        assert_int_equal(data->timeout.sec + data->timeout.nsec, 0);
        data->info = device.info;
        return answer(device.fetch_error);
    }
    return answer(ENOTTY);
}

static void pps_edge(uint32_t sequence, int64_t utc_ns)
{
    device.info.assert_sequence = sequence;
    device.info.assert_tu.sec = utc_ns / NS_PER_S;
    device.info.assert_tu.nsec = (int)(utc_ns % NS_PER_S);
}

static void test_pps(void **state)
{
    char error[100];
    struct pulse *p;
    struct pulse_event e;
    int64_t now, utc = clock_ns(CLOCK_REALTIME);

    (void)state;
    memset(&device, 0, sizeof(device));
    device.is_pps = true;
    device.capable = PPS_CAPTUREASSERT | PPS_CANWAIT;
    device.mode = PPS_CAPTUREASSERT;
    device.set_error = EPERM; /* not even asked for */
    pps_edge(7, utc - NS_PER_S);
    p = pulse_pps_open("/dev/null", PULSE_RISING, error, sizeof(error));
    assert_non_null(p);
    assert_int_equal(p->ops->fd(p), -1);
    now = clock_ns(CLOCK_MONOTONIC);
    assert_int_equal(p->ops->read(p, now, &e), 0); /* edge 7 was before us */

    pps_edge(8, utc - 30000000);
    assert_int_equal(p->ops->read(p, now, &e), 0); /* not before the deadline */
    now = p->ops->deadline(p);
    assert_true(now - clock_ns(CLOCK_MONOTONIC) < NS_PER_S / 10);
    assert_int_equal(p->ops->read(p, now, &e), 1);
    assert_int_equal(e.edge_ns, utc - 30000000);
    assert_int_equal(e.sequence, 8);
    assert_false(e.hardware);
    assert_true(llabs(clock_ns(CLOCK_MONOTONIC) - e.arrival_ns - 30000000) < 20000000);
    assert_true(p->ops->deadline(p) > e.arrival_ns + NS_PER_S);
    assert_true(p->ops->deadline(p) < e.arrival_ns + NS_PER_S + NS_PER_S / 100);
    assert_int_equal(p->errors, 0);

    pps_edge(11, utc - 20000000); /* two went by unseen */
    now = p->ops->deadline(p);
    assert_int_equal(p->ops->read(p, now, &e), 1);
    assert_int_equal(p->errors, 2);
    now = p->ops->deadline(p);
    assert_int_equal(p->ops->read(p, now, &e), 0);
    assert_int_equal(p->ops->deadline(p), now + NS_PER_S / 20);

    device.fetch_error = EIO;
    now = p->ops->deadline(p);
    assert_int_equal(p->ops->read(p, now, &e), -EIO);
    assert_int_equal(p->errors, 3);
    assert_non_null(strstr(p->problem, "Input/output"));
    device.fetch_error = 0;
    assert_int_equal(p->ops->read(p, p->ops->deadline(p), &e), 0);
    assert_string_equal(p->problem, "");
    p->ops->close(p);
}

static void test_pps_edges(void **state)
{
    char error[100];
    struct pulse *p;
    struct pulse_event e;

    (void)state;
    memset(&device, 0, sizeof(device));
    device.is_pps = true;
    device.capable = PPS_CAPTUREASSERT | PPS_CAPTURECLEAR;
    device.mode = PPS_CAPTUREASSERT;
    p = pulse_pps_open("/dev/null", PULSE_FALLING, error, sizeof(error));
    assert_non_null(p);
    assert_true(device.mode & PPS_CAPTURECLEAR);
    pps_edge(1, clock_ns(CLOCK_REALTIME));
    assert_int_equal(p->ops->read(p, clock_ns(CLOCK_MONOTONIC), &e), 0); /* the other edge */
    device.info.clear_sequence = 1;
    device.info.clear_tu.sec = clock_ns(CLOCK_REALTIME) / NS_PER_S;
    assert_int_equal(p->ops->read(p, p->ops->deadline(p), &e), 1);
    assert_int_equal(e.edge_ns, device.info.clear_tu.sec * NS_PER_S);
    p->ops->close(p);
}

/* Edges of before CLOCK_REALTIME was set, or seen long after: what they mean now cannot be told. */
static void test_pps_stale(void **state)
{
    static const int64_t age_ns[] = {-NS_PER_S, 3 * NS_PER_S, 86400 * NS_PER_S};
    char error[100];
    struct pulse_event e;

    (void)state;
    memset(&device, 0, sizeof(device));
    device.is_pps = true;
    device.capable = device.mode = PPS_CAPTUREASSERT;
    struct pulse *p = pulse_pps_open("/dev/null", PULSE_RISING, error, sizeof(error));
    assert_non_null(p);
    for (unsigned i = 0; i < 3; i++) {
        pps_edge(i + 1, clock_ns(CLOCK_REALTIME) - age_ns[i]);
        assert_int_equal(p->ops->read(p, clock_ns(CLOCK_MONOTONIC) + (i + 1) * NS_PER_S, &e), 0);
        assert_int_equal(p->stale, i + 1);
    }
    assert_int_equal(p->errors, 0);
    pps_edge(1000000, clock_ns(CLOCK_REALTIME)); /* another device's sequence: none were missed */
    assert_int_equal(p->ops->read(p, clock_ns(CLOCK_MONOTONIC) + 9 * NS_PER_S, &e), 1);
    assert_int_equal(p->errors, 0);
    p->ops->close(p);
}

/* Another program's offset on the edge would be ours. */
static void test_pps_offset(void **state)
{
    char error[100];

    (void)state;
    memset(&device, 0, sizeof(device));
    device.is_pps = true;
    device.capable = PPS_CAPTUREASSERT | PPS_OFFSETASSERT;
    device.mode = PPS_CAPTUREASSERT | PPS_OFFSETASSERT;
    struct pulse *p = pulse_pps_open("/dev/null", PULSE_RISING, error, sizeof(error));
    assert_non_null(p);
    assert_int_equal(device.mode, PPS_CAPTUREASSERT);
    p->ops->close(p);
    device.sets = 0;
    p = pulse_pps_open("/dev/null", PULSE_RISING, error, sizeof(error));
    assert_non_null(p);
    assert_int_equal(device.sets, 0); /* nothing to change: no right is needed */
    p->ops->close(p);
}

/* The old file goes on answering; a new one is at its path. */
static void test_pps_vanishes(void **state)
{
    char path[64], error[100];
    struct pulse_event e;
    int64_t now = clock_ns(CLOCK_MONOTONIC);

    (void)state;
    memset(&device, 0, sizeof(device));
    device.is_pps = true;
    device.capable = device.mode = PPS_CAPTUREASSERT;
    snprintf(path, sizeof(path), "/tmp/test_pulse.%d.pps", (int)getpid());
    assert_int_equal(symlink("/dev/null", path), 0);
    pps_edge(5, clock_ns(CLOCK_REALTIME));
    struct pulse *p = pulse_pps_open(path, PULSE_RISING, error, sizeof(error));
    assert_non_null(p);
    for (int i = 0; i < 50; i++, now += NS_PER_S / 10)
        assert_int_equal(p->ops->read(p, now, &e), 0);
    assert_int_equal(p->rearmed, 0); /* no pulses, but the same device */
    assert_string_equal(p->problem, "");
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < 20; i++, now += NS_PER_S / 10)
        assert_int_equal(p->ops->read(p, now, &e), 0);
    assert_non_null(strstr(p->problem, "vanished"));
    assert_int_equal(symlink("/dev/zero", path), 0);
    pps_edge(1, clock_ns(CLOCK_REALTIME));
    for (int i = 0; i < 20; i++, now += NS_PER_S / 10)
        assert_int_equal(p->ops->read(p, now, &e), 0); /* edge 1 was before us */
    assert_int_equal(p->rearmed, 1);
    assert_string_equal(p->problem, "");
    pps_edge(2, clock_ns(CLOCK_REALTIME));
    assert_int_equal(p->ops->read(p, now, &e), 1);
    assert_int_equal(unlink(path), 0);
    p->ops->close(p);
}

static void test_pps_refused(void **state)
{
    char error[100];

    (void)state;
    memset(&device, 0, sizeof(device));
    expect_complaint(pulse_pps_open("/nonexistent/pps0", PULSE_RISING, error, sizeof(error)), error,
                     "/nonexistent/pps0: No such file");
    expect_complaint(pulse_pps_open("/dev/null", PULSE_RISING, error, sizeof(error)), error,
                     "/dev/null: not a PPS device");
    device.is_pps = true;
    device.capable = PPS_CAPTUREASSERT;
    expect_complaint(pulse_pps_open("/dev/null", PULSE_FALLING, error, sizeof(error)), error,
                     "cannot capture this edge");
    device.set_error = EPERM;
    expect_complaint(pulse_pps_open("/dev/null", PULSE_RISING, error, sizeof(error)), error, "CAP_SYS_TIME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pps),          cmocka_unit_test(test_pps_edges),
        cmocka_unit_test(test_pps_stale),    cmocka_unit_test(test_pps_offset),
        cmocka_unit_test(test_pps_vanishes), cmocka_unit_test(test_pps_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
