/* SPDX-License-Identifier: BSD-2-Clause */
/* The one event loop: poll on descriptors and deadlines. Nothing that it calls may wait. */
#ifndef GMD_LOOP_H
#define GMD_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#define LOOP_WATCHES_MAX 64
#define LOOP_TIMERS_MAX  32

struct loop;
typedef void (*loop_io_fn)(void *ctx, int fd, short revents);
typedef void (*loop_timer_fn)(void *ctx, int64_t now_ns);

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* CLOCK_MONOTONIC in ns. */
int64_t loop_now(void);

/* Watches fd for events (POLLIN ...). Returns a handle >= 0 or -1 when full. */
int loop_watch(struct loop *l, int fd, short events, loop_io_fn fn, void *ctx);
void loop_watch_events(struct loop *l, int handle, short events);
void loop_unwatch(struct loop *l, int handle);

/* A timer; off until set. Handle >= 0 or -1. Fires once at due_ns (monotonic); INT64_MAX turns it off. What
 * came before due_ns has been dispatched by then: a process that stood still does not take what waits for it,
 * a transmit timestamp or a master's Announce, for missing. */
int loop_timer(struct loop *l, loop_timer_fn fn, void *ctx);
void loop_timer_set(struct loop *l, int handle, int64_t due_ns);

/* From now on this timer's deadlines are kept on a busy core, too: the loop gets up ahead of them, by what it
 * lately waited for the core (gmd/lead.h), and until then it goes round without sleeping. */
void loop_timer_punctual(struct loop *l, int handle);

/* Runs until loop_stop. Returns 0, or -errno if poll itself fails. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
