/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver of external time stamps against a scripted device: besides ioctl() this program's own read() and
 * clock_gettime() stand for the kernel's, a FIFO for /dev/ptpN. */
#include "tests/unit/pulse_rig.h"

#include <fcntl.h>
#include <linux/ptp_clock.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What the device can do, was told and answers. */
static struct {
    bool is_ptp;
    struct ptp_clock_caps caps;
    int pin_error, request2_error, request_error;
    struct ptp_pin_desc pin;
    struct ptp_extts_request last;
    int requests, disables;
    int64_t phc_ahead_ns; /* of CLOCK_MONOTONIC; 0: the PHC cannot be read */
    int read_error;
} device;

static int64_t kernel_clock_ns(clockid_t id)
{
    struct timespec t = {0};
    syscall(SYS_clock_gettime, id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    if (id >= 0)
        return (int)syscall(SYS_clock_gettime, id, t);
    if (!device.phc_ahead_ns) {
        errno = EOPNOTSUPP;
        return -1;
    }
    const int64_t ns = kernel_clock_ns(CLOCK_MONOTONIC) + device.phc_ahead_ns;
    *t = (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
    return 0;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    if (size == sizeof(struct ptp_extts_event) && device.read_error) {
        errno = device.read_error;
        return -1;
    }
    return syscall(SYS_read, fd, buffer, size);
}

static int device_ioctl(unsigned long request, void *argument)
{
    if (!device.is_ptp)
        return answer(ENOTTY);
    switch (request) {
    case PTP_CLOCK_GETCAPS:
        *(struct ptp_clock_caps *)argument = device.caps;
        return 0;
    case PTP_PIN_GETFUNC: {
        struct ptp_pin_desc *d = argument;
        d->func = d->index == 1 ? PTP_PF_PEROUT : d->index == 2 ? PTP_PF_EXTTS : PTP_PF_NONE;
        d->chan = d->index == 2;
        snprintf(d->name, sizeof(d->name), "SDP%u", d->index);
        return 0;
    }
    case PTP_PIN_SETFUNC:
        device.pin = *(struct ptp_pin_desc *)argument;
        return answer(device.pin_error);
    case PTP_EXTTS_REQUEST2:
        if (device.request2_error)
            return answer(device.request2_error);
        /* fall through */
    case PTP_EXTTS_REQUEST:
        device.last = *(struct ptp_extts_request *)argument;
        device.requests += (device.last.flags & PTP_ENABLE_FEATURE) != 0;
        device.disables += !(device.last.flags & PTP_ENABLE_FEATURE);
        return answer(device.request_error);
    }
    return answer(ENOTTY);
}

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

/* An edge of so long ago by the PHC, which shows real time. */
static void put_edge(unsigned channel, int64_t age_ns)
{
    const int64_t ns = kernel_clock_ns(CLOCK_MONOTONIC) + device.phc_ahead_ns - age_ns;
    put_event(channel, ns / NS_PER_S, (unsigned)(ns % NS_PER_S));
}

static struct pulse *open_extts(int pin, int channel, enum pulse_edge edge)
{
    char error[200];
    struct pulse *p = pulse_extts_open(fifo, pin, channel, edge, error, sizeof(error));
    assert_non_null(p);
    return p;
}

static void test_extts(void **state)
{
    struct pulse_event e;

    (void)state;
    put_event(1, 100, 0); /* queued before the open */
    put_event(1, 101, 0);
    struct pulse *p = open_extts(3, 1, PULSE_FALLING);
    assert_int_equal(device.pin.index, 3);
    assert_int_equal(device.pin.func, PTP_PF_EXTTS);
    assert_int_equal(device.pin.chan, 1);
    assert_int_equal(device.last.index, 1);
    assert_int_equal(device.last.flags, PTP_ENABLE_FEATURE | PTP_FALLING_EDGE | PTP_STRICT_FLAGS);
    assert_null(strstr(p->description, "enforced"));
    assert_true(p->ops->fd(p) >= 0);
    assert_int_equal(p->ops->read(p, 5, &e), 0);
    put_event(0, 102, 1); /* another channel */
    put_event(1, 103, 2);
    assert_int_equal(p->ops->read(p, 5, &e), 1); /* this PHC cannot be read: it came now */
    assert_int_equal(e.edge_ns, 103 * NS_PER_S + 2);
    assert_int_equal(e.arrival_ns, 5);
    assert_true(e.hardware);
    assert_int_equal(e.sequence, 0);
    put_event(1, 104, 3);
    assert_int_equal(p->ops->read(p, 5 + NS_PER_S, &e), 1);
    assert_int_equal(e.sequence, 1);
    assert_int_equal(p->ops->read(p, 6 + NS_PER_S, &e), 0);
    assert_int_equal(p->errors, 0);
    p->ops->close(p);
    assert_int_equal(device.last.flags & PTP_ENABLE_FEATURE, 0); /* switched off again */
}

/* Before Linux 6.7 all share one queue: what one source takes out for the other is left to it. */
static void test_extts_two_channels(void **state)
{
    struct pulse_event e;

    (void)state;
    struct pulse *a = open_extts(0, 0, PULSE_RISING), *b = open_extts(1, 1, PULSE_RISING);
    for (int s = 0; s < 5; s++) {
        const int64_t now = 1000 * NS_PER_S + s * NS_PER_S;
        put_event(1, 1000 + s, 7);
        put_event(0, 1000 + s, 8);
        struct pulse *first = s % 2 ? a : b, *second = s % 2 ? b : a;
        assert_int_equal(first->ops->read(first, now, &e), 1);
        assert_int_equal(e.edge_ns % NS_PER_S, first == a ? 8 : 7);
        assert_int_equal(first->ops->read(first, now, &e), 0);
        assert_true(second->ops->deadline(second) <= now); /* though its descriptor is not ready any more */
        assert_int_equal(second->ops->read(second, now, &e), 1);
        assert_int_equal(e.edge_ns % NS_PER_S, second == a ? 8 : 7);
        assert_int_equal(second->ops->read(second, now, &e), 0);
    }
    a->ops->close(a);
    for (int i = 0; i < 50; i++) /* nobody's now */
        put_event(0, 2000 + i, 8);
    put_event(1, 2000, 7);
    assert_int_equal(b->ops->read(b, 2000 * NS_PER_S, &e), 1);
    assert_int_equal(e.edge_ns, 2000 * NS_PER_S + 7);
    b->ops->close(b);
}

static void test_extts_stale(void **state)
{
    struct pulse_event e;

    (void)state;
    device.phc_ahead_ns = 1000 * NS_PER_S;
    struct pulse *p = open_extts(-1, 0, PULSE_RISING);
    for (int i = 0; i < 100; i++) /* a flap of the link: what was held back comes at once */
        put_edge(0, (100 - i) * NS_PER_S + 2 * NS_PER_S);
    put_edge(0, -NS_PER_S); /* of before a reset of the PHC */
    put_edge(0, 50000000);
    int got = 0;
    for (int i = 0; i < 10; i++) { /* bounded in one call, but the loop comes again */
        const int64_t now = clock_ns(CLOCK_MONOTONIC);
        if (p->ops->read(p, now, &e) == 1) {
            got++;
            assert_true(llabs(now - e.arrival_ns - 50000000) < 20000000);
        }
    }
    assert_int_equal(got, 1);
    assert_int_equal(p->stale, 101);
    p->ops->close(p);
}

static void test_extts_both_edges(void **state)
{
    struct pulse_event e;

    (void)state;
    device.request2_error = EOPNOTSUPP; /* as igb says when asked for one edge */
    struct pulse *p = open_extts(-1, 0, PULSE_RISING);
    pulse_extts_set_width(p, 100000000);
    for (int s = 0; s < 10; s++) {
        put_event(0, 1000 + s, 0);
        const int leading = p->ops->read(p, (1000 + s) * NS_PER_S, &e);
        assert_int_equal(leading, s > 0);
        put_event(0, 1000 + s, 100000000);
        assert_int_equal(p->ops->read(p, (1000 + s) * NS_PER_S + 100000000, &e), 0);
    }
    assert_int_equal(p->other_edge, 11);
    pulse_extts_set_width(p, 0);
    for (int s = 0; s < 20; s++) {
        if (s < 15)
            assert_int_equal(p->problem[0] != 0, s > 1);
        for (int half = 0; half < 2; half++) {
            put_event(0, 2000 + s, half * 500000000u);
            const int got = p->ops->read(p, (2000 + s) * NS_PER_S + half * NS_PER_S / 2, &e);
            assert_int_equal(got, s >= 15 && half == 0);
        }
        if (s >= 10)
            pulse_hint(p, PULSE_HINT_MESSAGE, (2000 + s) * NS_PER_S + 70000000 + NS_PER_S);
    }
    assert_string_equal(p->problem, "");
    p->ops->close(p);
}

/* No edge for 3 s, or word of a reset: they are asked for again. */
static void test_extts_rearms(void **state)
{
    struct pulse_event e;
    int64_t now = clock_ns(CLOCK_MONOTONIC);

    (void)state;
    struct pulse *p = open_extts(0, 0, PULSE_RISING);
    assert_true(p->ops->deadline(p) >= now + 3 * NS_PER_S);
    assert_int_equal(device.requests, 1);
    put_event(0, 1000, 0);
    assert_int_equal(p->ops->read(p, now + NS_PER_S, &e), 1);
    assert_int_equal(p->ops->deadline(p), now + 4 * NS_PER_S);
    assert_int_equal(p->ops->read(p, now + 3 * NS_PER_S, &e), 0);
    assert_int_equal(device.requests, 1);
    assert_int_equal(p->ops->read(p, now + 4 * NS_PER_S, &e), 0);
    assert_int_equal(device.requests, 2);
    assert_int_equal(device.disables, 1);
    assert_int_equal(p->rearmed, 1);
    assert_int_equal(device.last.flags, PTP_ENABLE_FEATURE | PTP_RISING_EDGE | PTP_STRICT_FLAGS);
    assert_int_equal(p->ops->deadline(p), now + 7 * NS_PER_S);
    pulse_hint(p, PULSE_HINT_RESET, now + 5 * NS_PER_S);
    assert_int_equal(p->ops->deadline(p), now + 5 * NS_PER_S);
    assert_int_equal(p->ops->read(p, now + 5 * NS_PER_S, &e), 0);
    assert_int_equal(device.requests, 3);
    device.request_error = EIO;
    device.request2_error = EIO;
    assert_int_equal(p->ops->read(p, now + 8 * NS_PER_S, &e), -EIO);
    assert_non_null(strstr(p->problem, "Input/output"));
    p->ops->close(p);
}

static void test_extts_vanishes(void **state)
{
    struct pulse_event e;
    int64_t now = clock_ns(CLOCK_MONOTONIC);

    (void)state;
    struct pulse *p = open_extts(2, 1, PULSE_RISING);
    put_event(1, 1000, 0);
    device.read_error = ENODEV;
    assert_int_equal(p->ops->read(p, now, &e), -ENODEV);
    assert_int_equal(p->ops->fd(p), -1); /* nothing that poll would report for ever */
    assert_int_equal(unlink(fifo), 0);
    for (int i = 0; i < 100; i++, now += NS_PER_S / 4)
        p->ops->read(p, now, &e);
    assert_non_null(strstr(p->problem, "No such file"));
    assert_int_equal(p->ops->fd(p), -1);
    close(writer);
    device.read_error = 0;
    device.pin = (struct ptp_pin_desc){0};
    assert_int_equal(mkfifo(fifo, 0600), 0);
    writer = open(fifo, O_RDWR | O_NONBLOCK);
    now = p->ops->deadline(p);
    assert_int_equal(p->ops->read(p, now, &e), 0);
    assert_true(p->ops->fd(p) >= 0);
    assert_int_equal(device.pin.index, 2); /* all of it is set up again */
    assert_int_equal(device.pin.chan, 1);
    assert_int_equal(p->rearmed, 1);
    put_event(1, 2000, 0);
    assert_int_equal(p->ops->read(p, now + NS_PER_S, &e), 1);
    assert_string_equal(p->problem, "");
    p->ops->close(p);
}

static void test_extts_old_kernel(void **state)
{
    (void)state;
    device.request2_error = EOPNOTSUPP;
    struct pulse *p = open_extts(-1, 0, PULSE_RISING);
    assert_int_equal(device.pin.func, 0); /* left as it is */
    assert_int_equal(device.last.flags, PTP_ENABLE_FEATURE | PTP_RISING_EDGE);
    assert_non_null(strstr(p->description, "not enforced"));
    p->ops->close(p);
}

static void test_extts_refused(void **state)
{
    static const struct {
        int pin, channel, pin_error, request2_error, request_error;
        const char *complaint;
    } cases[] = {
        {-1, 2, 0, 0, 0, "no external time stamp channel 2; it has 2"},
        {-1, -1, 0, 0, 0, "no external time stamp channel"},
        {4, 0, 0, 0, 0, "no pin 4; it has 4"},
        {1, 0, EOPNOTSUPP, 0, 0,
         "pin 1 refuses to be the input of channel 0: Operation not supported; pins: 0 SDP0 (unused), 1 SDP1 "
         "(output 0), 2 SDP2 (input 1), 3 SDP3 (unused)"},
        {-1, 0, 0, EBUSY, 0, "in use by another program"},
        {-1, 0, 0, ENOTTY, EINVAL, "refused on channel 0: Invalid argument"},
    };
    char error[300];

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
        cmocka_unit_test_setup_teardown(test_extts, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_two_channels, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_stale, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_both_edges, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_rearms, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_vanishes, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_old_kernel, make_fifo, remove_fifo),
        cmocka_unit_test_setup_teardown(test_extts_refused, make_fifo, remove_fifo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
