/* SPDX-License-Identifier: BSD-2-Clause */
/* The two hardware pulse drivers against scripted devices: this program's own ioctl() stands for the
 * kernel's, a FIFO for /dev/ptpN. Their proof on kernel drivers is the test bed's. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pps.h>
#include <linux/ptp_clock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gnss/clock_ns.h"
#include "gnss/pulse.h"

/* What the device can do, was told and answers. */
static struct {
    bool is_pps, is_ptp;
    int capable, mode, set_error, fetch_error;
    struct pps_kinfo info;
    struct ptp_clock_caps caps;
    int pin_error, pins_old_only, request2_error, request_error;
    struct ptp_pin_desc pin;
    struct ptp_extts_request last;
    int requests;
} device;

static int answer(int error)
{
    errno = error;
    return error ? -1 : 0;
}

static int pps_ioctl(unsigned long request, void *argument)
{
    struct pps_fdata *data = argument;
    struct pps_kparams *params = argument;

    switch (request) {
    case PPS_GETCAP:
        *(int *)argument = device.capable;
        return 0;
    case PPS_GETPARAMS:
        params->mode = device.mode;
        return 0;
    case PPS_SETPARAMS:
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

static int ptp_ioctl(unsigned long request, void *argument)
{
    switch (request) {
    case PTP_CLOCK_GETCAPS:
        *(struct ptp_clock_caps *)argument = device.caps;
        return 0;
    case PTP_PIN_SETFUNC2:
        if (device.pins_old_only)
            return answer(ENOTTY);
        /* fall through */
    case PTP_PIN_SETFUNC:
        device.pin = *(struct ptp_pin_desc *)argument;
        return answer(device.pin_error);
    case PTP_EXTTS_REQUEST2:
        if (device.request2_error)
            return answer(device.request2_error);
        /* fall through */
    case PTP_EXTTS_REQUEST:
        device.last = *(struct ptp_extts_request *)argument;
        device.requests++;
        return answer(device.request_error);
    }
    return answer(ENOTTY);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    void *argument;

    (void)fd;
    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (device.is_pps)
        return pps_ioctl(request, argument);
    return device.is_ptp ? ptp_ioctl(request, argument) : answer(ENOTTY);
}

/* --- PPSAPI --- */

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
    device.info.clear_tu.sec = 4711;
    assert_int_equal(p->ops->read(p, p->ops->deadline(p), &e), 1);
    assert_int_equal(e.edge_ns, 4711 * NS_PER_S);
    p->ops->close(p);
}

static void expect_complaint(struct pulse *p, const char *error, const char *want)
{
    assert_null(p);
    if (!strstr(error, want))
        fail_msg("\"%s\" does not say \"%s\"", error, want);
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

/* --- external time stamps --- */

static char fifo[64];
static int writer = -1;

static void put_event(unsigned channel, int64_t s, unsigned ns)
{
    struct ptp_extts_event e = {.t = {.sec = s, .nsec = ns}, .index = channel};

    assert_int_equal(write(writer, &e, sizeof(e)), sizeof(e));
}

static int make_fifo(void **state)
{
    (void)state;
    memset(&device, 0, sizeof(device));
    device.is_ptp = true;
    device.caps = (struct ptp_clock_caps){.n_ext_ts = 2, .n_pins = 4};
    snprintf(fifo, sizeof(fifo), "/tmp/test_pulse.%d", (int)getpid());
    if (mkfifo(fifo, 0600) < 0)
        return -1;
    writer = open(fifo, O_RDWR | O_NONBLOCK);
    return writer < 0 ? -1 : 0;
}

static int remove_fifo(void **state)
{
    (void)state;
    close(writer);
    return unlink(fifo);
}

static void test_extts(void **state)
{
    char error[100];
    struct pulse *p;
    struct pulse_event e;

    (void)state;
    put_event(1, 100, 0); /* queued before the open */
    put_event(1, 101, 0);
    p = pulse_extts_open(fifo, 3, 1, PULSE_FALLING, error, sizeof(error));
    assert_non_null(p);
    assert_int_equal(device.pin.index, 3);
    assert_int_equal(device.pin.func, PTP_PF_EXTTS);
    assert_int_equal(device.pin.chan, 1);
    assert_int_equal(device.last.index, 1);
    assert_int_equal(device.last.flags, PTP_ENABLE_FEATURE | PTP_FALLING_EDGE | PTP_STRICT_FLAGS);
    assert_null(strstr(p->description, "enforced"));
    assert_true(p->ops->fd(p) >= 0);
    assert_int_equal(p->ops->deadline(p), INT64_MAX);
    assert_int_equal(p->ops->read(p, 5, &e), 0);
    put_event(0, 102, 1); /* another channel */
    put_event(1, 103, 2);
    put_event(1, 104, 3);
    assert_int_equal(p->ops->read(p, 5, &e), 1);
    assert_int_equal(e.edge_ns, 103 * NS_PER_S + 2);
    assert_int_equal(e.arrival_ns, 5);
    assert_true(e.hardware);
    assert_int_equal(e.sequence, 0);
    assert_int_equal(p->ops->read(p, 6, &e), 1);
    assert_int_equal(e.sequence, 1);
    assert_int_equal(p->ops->read(p, 7, &e), 0);
    p->ops->close(p);
    assert_int_equal(device.last.flags & PTP_ENABLE_FEATURE, 0); /* switched off again */
}

static void test_extts_old_kernel(void **state)
{
    char error[100];
    struct pulse *p;

    (void)state;
    device.pins_old_only = true;
    device.request2_error = EOPNOTSUPP;
    p = pulse_extts_open(fifo, -1, 0, PULSE_RISING, error, sizeof(error));
    assert_non_null(p);
    assert_int_equal(device.pin.func, 0); /* left as it is */
    assert_int_equal(device.last.flags, PTP_ENABLE_FEATURE | PTP_RISING_EDGE);
    assert_non_null(strstr(p->description, "not enforced"));
    p->ops->close(p);
    p = pulse_extts_open(fifo, 0, 0, PULSE_RISING, error, sizeof(error));
    assert_non_null(p);
    assert_int_equal(device.pin.func, PTP_PF_EXTTS);
    p->ops->close(p);
}

static void test_extts_refused(void **state)
{
    static const struct {
        int pin, channel, pin_error, request2_error, request_error;
        const char *complaint;
    } cases[] = {
        {-1, 2, 0, 0, 0, "no external time stamp channel 2; it has 2"},
        {4, 0, 0, 0, 0, "no pin 4; it has 4"},
        {1, 0, EOPNOTSUPP, 0, 0, "pin 1 refuses"},
        {-1, 0, 0, EBUSY, 0, "in use by another program"},
        {-1, 0, 0, ENOTTY, EINVAL, "refused on channel 0: Invalid argument"},
    };
    char error[200];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        device.pin_error = cases[i].pin_error;
        device.request2_error = cases[i].request2_error;
        device.request_error = cases[i].request_error;
        expect_complaint(
            pulse_extts_open(fifo, cases[i].pin, cases[i].channel, PULSE_RISING, error, sizeof(error)), error,
            cases[i].complaint);
    }
    assert_int_equal(device.requests, 1); /* only the last came so far */
    device.is_ptp = false;
    expect_complaint(pulse_extts_open("/dev/null", -1, 0, PULSE_RISING, error, sizeof(error)), error,
                     "/dev/null: not a PTP hardware clock");
    expect_complaint(pulse_extts_open("/nonexistent/ptp0", -1, 0, PULSE_RISING, error, sizeof(error)), error,
                     "/nonexistent/ptp0: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pps),
        cmocka_unit_test(test_pps_edges),
        cmocka_unit_test(test_pps_refused),
        cmocka_unit_test_setup_teardown(test_extts, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_old_kernel, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_refused, make_fifo, remove_fifo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
