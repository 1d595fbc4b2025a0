/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiver says of its antenna, its sky and its time, each now and then: the last word, and when it
 * was said, so that an old one is not taken for the present. Pure. */
#ifndef GMD_GNSS_WORDS_H
#define GMD_GNSS_WORDS_H

#include "gnss/receiver.h"

enum word {
    WORD_ANTENNA,
    WORD_JAMMING,
    WORD_SPOOFING,
    WORD_TIME_ACCURACY,
    WORDS,
};

struct words {
    enum receiver_antenna antenna;
    enum receiver_threat jamming, spoofing;
    double time_accuracy_ns; /* 1 sigma; 0: unknown */
    int64_t said_ns[WORDS];  /* monotonic: when each of these was said last; INT64_MIN: never */
};

void words_init(struct words *w);

/* True if the report says any of it. A threat stands for 10 s against a milder word. */
bool words_note(struct words *w, const struct receiver_report *r);

/* What was not repeated for a minute is unknown again. */
void words_age(struct words *w, int64_t now_ns);

/* All is unknown; when it was said is not forgotten. */
void words_forget(struct words *w);

#endif
