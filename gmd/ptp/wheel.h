/* SPDX-License-Identifier: BSD-2-Clause */
/* A timing wheel (Varghese, Lauck 1987): what is due when, for many clients, each operation in constant time.
 * One turn is a second; what is due later stays for some turns. Pure. */
#ifndef GMD_PTP_WHEEL_H
#define GMD_PTP_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2^-11 s: 16 of them are the shortest interval of a profile, 2^-7 s. Ticks are counted from monotonic 0. */
#define WHEEL_TICKS_PER_S 2048
#define WHEEL_SLOTS       2048
#define WHEEL_NONE        UINT16_MAX

struct wheel_entry {
    uint16_t next, previous;
    uint32_t in : 1;
    uint32_t due : 31; /* tick, modulo 2^31: some 12 days */
};

struct wheel {
    uint64_t tick; /* the first one that was not looked at yet */
    uint32_t count;
    uint32_t phase;
    uint64_t occupied[WHEEL_SLOTS / 64];
    uint16_t first[WHEEL_SLOTS];
    uint16_t load[WHEEL_SLOTS]; /* entries */
    struct wheel_entry *entries;
};

/* entries: the caller's, zeroed; ids are their numbers, below WHEEL_NONE. */
void wheel_init(struct wheel *w, struct wheel_entry *entries, int64_t now_ns);

/* Puts id in, which must not be in; it is due at the first tick not before due_ns. */
void wheel_add(struct wheel *w, uint16_t id, int64_t due_ns);

/* The same for something periodic that starts within its first interval, where least is due so far. Interval
 * in ticks. */
void wheel_add_evenly(struct wheel *w, uint16_t id, uint32_t interval, int64_t now_ns);

/* One interval after it was due last, for an id that wheel_due gave; intervals that are over are skipped. */
void wheel_add_again(struct wheel *w, uint16_t id, uint32_t interval, int64_t now_ns);

/* Takes it out, if it is in. */
void wheel_remove(struct wheel *w, uint16_t id);
bool wheel_contains(const struct wheel *w, uint16_t id);

/* Takes out what is due, `most` at most, the longest due first. Fewer: nothing more is due. */
unsigned wheel_due(struct wheel *w, int64_t now_ns, uint16_t *ids, unsigned most);

/* When to call wheel_due next: never too late, sometimes too early; INT64_MAX for never. */
int64_t wheel_deadline(const struct wheel *w);

/* 2^log2_s seconds in ticks, log2_s -11..20 */
static inline uint32_t wheel_interval(int8_t log2_s)
{
    return log2_s >= 0 ? (uint32_t)WHEEL_TICKS_PER_S << log2_s : (uint32_t)WHEEL_TICKS_PER_S >> -log2_s;
}

#endif
