/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>

void world_init(struct world *w, uint64_t seed)
{
    w->seed = seed;
    w->verbose = false;
    w->random.state = seed;
    w->violation[0] = '\0';
    queue_init(&w->queue);
    medium_init(&w->medium, &w->queue, &w->random);
}

int64_t world_now_ns(const struct world *w)
{
    return w->queue.now_ns;
}

int64_t world_tai_ns(void *ctx)
{
    const struct world *w = ctx;
    return WORLD_EPOCH_TAI_S * NS_PER_S + w->queue.now_ns;
}

static double seconds(const struct world *w)
{
    return (double)w->queue.now_ns / NS_PER_S;
}

void world_say(const struct world *w, const char *format, ...)
{
    if (!w->verbose)
        return;
    va_list args;
    va_start(args, format);
    printf("%12.6f ", seconds(w));
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void world_violate(struct world *w, const char *format, ...)
{
    if (w->violation[0])
        return;
    va_list args;
    va_start(args, format);
    const int n = snprintf(w->violation, sizeof w->violation, "at %.6f s: ", seconds(w));
    vsnprintf(w->violation + n, sizeof w->violation - (size_t)n, format, args);
    va_end(args);
    world_say(w, "VIOLATION %s", w->violation);
}
