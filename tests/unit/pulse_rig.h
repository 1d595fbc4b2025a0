/* SPDX-License-Identifier: BSD-2-Clause */
/* A scripted pulse device: this program's own ioctl() stands for the kernel's. The drivers' proof on kernel
 * devices is the test bed's. */
#ifndef GMD_TESTS_PULSE_RIG_H
#define GMD_TESTS_PULSE_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bmca/ptp.h"
#include "gnss/clock_ns.h"
#include "gnss/pulse.h"

/* The test's own device. */
static int device_ioctl(unsigned long request, void *argument);

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    void *argument;

    (void)fd;
    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return device_ioctl(request, argument);
}

static int answer(int error)
{
    errno = error;
    return error ? -1 : 0;
}

static void expect_complaint(struct pulse *p, const char *error, const char *want)
{
    assert_null(p);
    if (!strstr(error, want))
        fail_msg("\"%s\" does not say \"%s\"", error, want);
}

#endif
