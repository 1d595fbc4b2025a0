/* SPDX-License-Identifier: BSD-2-Clause */
/* Sawtooth corrections: a receiver puts its pulse on the nearest edge of its own clock and says in a message
 * by how much that is off. Each correction names the TAI second of its pulse; a pulse gets exactly its own or
 * none. UBX-TIM-TP comes up to a second before its pulse, gpsd's PPS report some 100 ms after it. Pure. */
#ifndef GMD_GNSS_SAWTOOTH_H
#define GMD_GNSS_SAWTOOTH_H

#include <stdbool.h>
#include <stdint.h>

#define SAWTOOTH_WAIT_NS 300000000LL /* the usual wait_ns */

struct sawtooth_status {
    uint64_t implausible; /* dropped: more than a receiver's clock period can be */
    uint64_t too_late;    /* came when its pulse had gone on without it */
};

/* A ring: one from before the pulse, one from after it, and room for a repetition. */
#define SAWTOOTH_RING 4

struct sawtooth {
    int64_t wait_ns; /* a pulse waits so long for a correction that comes after it; below 0.9 s */
    struct sawtooth_status status;
    struct sawtooth_correction {
        bool valid;
        int64_t tai_s, arrival_ns;
        double late_ns;
    } ring[SAWTOOTH_RING];
    unsigned next;
    unsigned patience; /* corrections come after their pulses: so many more may fail to come */
    int64_t pulse_tai_s, pulse_arrival_ns; /* the last numbered pulse */
};

void sawtooth_init(struct sawtooth *s, int64_t wait_ns);

/* The pulse of tai_s comes late_ns late (negative: early); the message came at arrival_ns (monotonic). */
void sawtooth_message(struct sawtooth *s, int64_t tai_s, double late_ns, int64_t arrival_ns);

/* The correction of the pulse of tai_s that came at arrival_ns, if it is there. */
bool sawtooth_find(const struct sawtooth *s, int64_t tai_s, int64_t arrival_ns, double *late_ns);

/* A numbered pulse. How long (ns) it is worth to wait for its correction: 0 if it is there, or is not
 * expected any more. */
int64_t sawtooth_pulse(struct sawtooth *s, int64_t tai_s, int64_t arrival_ns);

/* The wait was in vain. */
void sawtooth_missed(struct sawtooth *s);

#endif
