/* SPDX-License-Identifier: BSD-2-Clause */
/* The report process: what gmd itself is and takes of the machine. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gmd/report_parts.h"
#include "gmd/report_value.h"

/* proc(5), statm: the second number, in pages. */
static json_t *resident_bytes(void)
{
    unsigned long pages;
    FILE *f = fopen("/proc/self/statm", "re");
    const bool known_pages = f && fscanf(f, "%*u %lu", &pages) == 1;
    if (f)
        fclose(f);
    return known_pages ? unsigned64((uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE)) : json_null();
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

json_t *report_process(struct daemon *d, int64_t now_ns)
{
    struct rusage used;
    const bool counted = getrusage(RUSAGE_SELF, &used) == 0;
    json_t *o = json_object();
    put(o, "version", json_string(GMD_VERSION));
    put(o, "pid", json_integer(getpid()));
    put(o, "started_utc_s", json_integer(d->started_utc_s));
    put(o, "uptime_s", age(d->started_ns, now_ns));
    put(o, "processor_s", counted ? number(seconds(used.ru_utime) + seconds(used.ru_stime)) : json_null());
    put(o, "resident_bytes", resident_bytes());
    return o;
}
