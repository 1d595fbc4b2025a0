/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target of the leap-second table: what is accepted can be asked about any moment around it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gnss/leap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_leap: %s\n", what);
    abort();
}

/* The offset never moves but at an entry, and a label's TAI second has that label's offset. */
static void ask_around(const struct leap *l, const struct leap_entry *e)
{
    for (int64_t utc_s = e->utc_s - 3; utc_s <= e->utc_s + 3; utc_s++) {
        int64_t tai_s;

        if (!leap_utc_to_tai(l, utc_s, &tai_s))
            continue;
        require(tai_s - utc_s >= 0 && tai_s - utc_s <= 255, "offset out of range");
        if (utc_s > e->utc_s)
            require(tai_s - utc_s == e->tai_minus_utc_s, "offset is not the entry's");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + !size), error[64] = "";
    struct leap l;
    struct leap_table t;

    require(text != NULL, "no memory");
    memcpy(text, data, size);
    leap_init(&l, 0);
    if (leap_table_parse(text, size, &t, error, sizeof(error)) == 0) {
        require(t.count >= 1 && t.count <= LEAP_ENTRIES_MAX, "count");
        leap_set_table(&l, &t);
        for (unsigned i = 0; i < t.count; i++)
            ask_around(&l, &t.entries[i]);
    } else {
        require(error[0] != '\0', "refused without a word");
    }
    free(text);
    return 0;
}
