/* SPDX-License-Identifier: BSD-2-Clause */
/* CLOCK_REALTIME as somebody else's hands and as the kernel's own words.
 *
 *     realtime              what the kernel says of it: synchronised, TAI-UTC, leap second, frequency
 *     realtime step NS      moves it
 *     realtime freq PPB     sets its frequency */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

static struct timex stepped_by(long long ns)
{
    struct timex t = {.modes = ADJ_SETOFFSET | ADJ_NANO};
    t.time.tv_sec = ns / 1000000000;
    t.time.tv_usec = ns % 1000000000;
    if (t.time.tv_usec < 0) {
        t.time.tv_sec--;
        t.time.tv_usec += 1000000000;
    }
    return t;
}

int main(int argc, char **argv)
{
    struct timex t = {0};
    if (argc == 3 && strcmp(argv[1], "step") == 0)
        t = stepped_by(atoll(argv[2]));
    else if (argc == 3 && strcmp(argv[1], "freq") == 0)
        t = (struct timex){.modes = ADJ_FREQUENCY, .freq = (long)(atof(argv[2]) * 65.536)};
    const int state = clock_adjtime(CLOCK_REALTIME, &t);
    if (state < 0) {
        perror("clock_adjtime");
        return 1;
    }
    printf("unsync %d\ntai %d\ninsert %d\nstate %d\nfreq_ppb %.3f\nmaxerror_us %ld\n",
           !!(t.status & STA_UNSYNC), t.tai, !!(t.status & STA_INS), state, (double)t.freq / 65.536,
           t.maxerror);
    return 0;
}
