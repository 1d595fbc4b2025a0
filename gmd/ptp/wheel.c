/* SPDX-License-Identifier: BSD-2-Clause */
#include "gmd/ptp/wheel.h"

#include <string.h>

#include "bmca/ptp.h"

/* Instants that are looked at for a new periodic entry. */
#define CANDIDATES 16
#define DUE_MASK   0x7FFFFFFFu /* of wheel_entry.due */
#define GOLDEN     0x9E3779B9u /* 2^32 / golden ratio: its multiples divide any interval evenly */

static uint64_t tick_at(int64_t ns)
{
    return (uint64_t)(ns / NS_PER_S) * WHEEL_TICKS_PER_S +
           (uint64_t)(ns % NS_PER_S) * WHEEL_TICKS_PER_S / NS_PER_S;
}

/* The first instant at which tick_at gives the tick. */
static int64_t tick_ns(uint64_t tick)
{
    int64_t rest = (int64_t)(tick % WHEEL_TICKS_PER_S);
    return (int64_t)(tick / WHEEL_TICKS_PER_S) * NS_PER_S +
           (rest * NS_PER_S + WHEEL_TICKS_PER_S - 1) / WHEEL_TICKS_PER_S;
}

void wheel_init(struct wheel *w, struct wheel_entry *entries, int64_t now_ns)
{
    memset(w, 0, sizeof(*w));
    w->tick = tick_at(now_ns);
    w->entries = entries;
    memset(w->first, 0xFF, sizeof(w->first)); /* WHEEL_NONE */
}

bool wheel_contains(const struct wheel *w, uint16_t id)
{
    return w->entries[id].in;
}

/* ---- putting in and taking out ---- */

static void add(struct wheel *w, uint16_t id, uint64_t tick)
{
    if (tick < w->tick)
        tick = w->tick;
    unsigned slot = tick % WHEEL_SLOTS;
    struct wheel_entry *e = &w->entries[id];
    *e = (struct wheel_entry){
        .next = w->first[slot], .previous = WHEEL_NONE, .in = 1, .due = (uint32_t)tick & DUE_MASK};
    if (e->next != WHEEL_NONE)
        w->entries[e->next].previous = id;
    w->first[slot] = id;
    w->load[slot]++;
    w->occupied[slot / 64] |= 1ULL << slot % 64;
    w->count++;
}

void wheel_add(struct wheel *w, uint16_t id, int64_t due_ns)
{
    uint64_t tick = tick_at(due_ns);
    add(w, id, tick_ns(tick) < due_ns ? tick + 1 : tick);
}

void wheel_add_evenly(struct wheel *w, uint16_t id, uint32_t interval, int64_t now_ns)
{
    uint64_t start = tick_at(now_ns) + 1, best = start;
    unsigned least = UINT16_MAX + 1;
    for (unsigned i = 0; i < CANDIDATES && least > 0; i++) {
        w->phase += GOLDEN;
        uint64_t tick = start + ((uint64_t)w->phase * interval >> 32);
        unsigned load = w->load[tick % WHEEL_SLOTS];
        if (load < least) {
            least = load;
            best = tick;
        }
    }
    add(w, id, best);
}

void wheel_add_again(struct wheel *w, uint16_t id, uint32_t interval, int64_t now_ns)
{
    uint64_t next = tick_at(now_ns) + 1;
    uint32_t late = ((uint32_t)next - w->entries[id].due) & DUE_MASK; /* at least 1 */
    add(w, id, next - late + ((late - 1) / interval + 1) * (uint64_t)interval);
}

void wheel_remove(struct wheel *w, uint16_t id)
{
    if (!wheel_contains(w, id))
        return;
    struct wheel_entry *e = &w->entries[id];
    unsigned slot = e->due % WHEEL_SLOTS;
    if (e->next != WHEEL_NONE)
        w->entries[e->next].previous = e->previous;
    *(e->previous == WHEEL_NONE ? &w->first[slot] : &w->entries[e->previous].next) = e->next;
    if (--w->load[slot] == 0)
        w->occupied[slot / 64] &= ~(1ULL << slot % 64);
    w->count--;
    e->in = 0;
}

/* ---- what is due ---- */

/* Slots from this tick's on until one is occupied; WHEEL_SLOTS: none is. */
static unsigned empty_slots(const struct wheel *w, uint64_t tick)
{
    unsigned from = tick % WHEEL_SLOTS;
    for (unsigned passed = 0; passed < WHEEL_SLOTS;) {
        unsigned slot = (from + passed) % WHEEL_SLOTS;
        uint64_t bits = w->occupied[slot / 64] >> slot % 64;
        if (bits != 0) {
            passed += (unsigned)__builtin_ctzll(bits);
            return passed < WHEEL_SLOTS ? passed : WHEEL_SLOTS;
        }
        passed += 64 - slot % 64;
    }
    return WHEEL_SLOTS;
}

static bool is_due(const struct wheel *w, uint16_t id)
{
    return (((uint32_t)w->tick - w->entries[id].due) & DUE_MASK) <= DUE_MASK / 2;
}

unsigned wheel_due(struct wheel *w, int64_t now_ns, uint16_t *ids, unsigned most)
{
    uint64_t now = tick_at(now_ns);
    if (now >= w->tick + WHEEL_SLOTS) /* after a long pause one turn finds everything */
        w->tick = now - WHEEL_SLOTS + 1;

    unsigned found = 0;
    while (w->tick <= now) {
        uint16_t id = w->first[w->tick % WHEEL_SLOTS];
        while (id != WHEEL_NONE) {
            uint16_t next = w->entries[id].next;
            if (is_due(w, id)) {
                if (found == most)
                    return found;
                wheel_remove(w, id);
                ids[found++] = id;
            }
            id = next;
        }
        w->tick++;
        w->tick += empty_slots(w, w->tick);
    }
    if (w->tick > now + 1) /* nothing may be put behind what was looked at */
        w->tick = now + 1;
    return found;
}

int64_t wheel_deadline(const struct wheel *w)
{
    unsigned passed = empty_slots(w, w->tick);
    return passed == WHEEL_SLOTS ? INT64_MAX : tick_ns(w->tick + passed);
}
