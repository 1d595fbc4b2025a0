/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of words.h. */
#include "gnss/words.h"

#include "bmca/ptp.h"

#define WORD_LIVES_NS   (60 * NS_PER_S)
#define THREAT_HOLDS_NS (10 * NS_PER_S) /* against the milder word of another message (MON-RF, SEC-SIG) */

void words_init(struct words *w)
{
    *w = (struct words){0};
    for (unsigned i = 0; i < WORDS; i++)
        w->said_ns[i] = INT64_MIN;
}

static void note_threat(struct words *w, enum word which, enum receiver_threat *standing,
                        const struct receiver_report *r, enum receiver_threat said)
{
    if (said == THREAT_UNKNOWN || (said < *standing && r->arrival_ns - w->said_ns[which] <= THREAT_HOLDS_NS))
        return;
    *standing = said;
    w->said_ns[which] = r->arrival_ns;
}

bool words_note(struct words *w, const struct receiver_report *r)
{
    note_threat(w, WORD_JAMMING, &w->jamming, r, r->jamming);
    note_threat(w, WORD_SPOOFING, &w->spoofing, r, r->spoofing);
    if (r->antenna != ANTENNA_UNKNOWN) {
        w->antenna = r->antenna;
        w->said_ns[WORD_ANTENNA] = r->arrival_ns;
    }
    if (r->time_accuracy_ns > 0) {
        w->time_accuracy_ns = r->time_accuracy_ns;
        w->said_ns[WORD_TIME_ACCURACY] = r->arrival_ns;
    }
    return r->antenna != ANTENNA_UNKNOWN || r->jamming != THREAT_UNKNOWN || r->spoofing != THREAT_UNKNOWN ||
           r->time_accuracy_ns > 0;
}

static void forget(struct words *w, enum word which)
{
    if (which == WORD_ANTENNA)
        w->antenna = ANTENNA_UNKNOWN;
    else if (which == WORD_JAMMING)
        w->jamming = THREAT_UNKNOWN;
    else if (which == WORD_SPOOFING)
        w->spoofing = THREAT_UNKNOWN;
    else
        w->time_accuracy_ns = 0;
}

void words_age(struct words *w, int64_t now_ns)
{
    for (unsigned i = 0; i < WORDS; i++)
        if (w->said_ns[i] != INT64_MIN && now_ns - w->said_ns[i] > WORD_LIVES_NS)
            forget(w, i);
}

void words_forget(struct words *w)
{
    for (unsigned i = 0; i < WORDS; i++)
        forget(w, i);
}
