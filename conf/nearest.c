/* SPDX-License-Identifier: BSD-2-Clause */
/* What somebody may have meant by an option that does not exist. */
#include <stdio.h>
#include <string.h>

#include "conf/load.h"

#define NAME_MAX_LEN 40

static int min(int a, int b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string alignment).
 */
static int distance(const char *a, const char *b)
{
    int d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
    int n = (int)strlen(a), m = (int)strlen(b);

    if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            int substitution = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            d[i][j] = min(min(d[i - 1][j], d[i][j - 1]) + 1, substitution);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

struct nearest {
    const char *section, *key;
    int best; /* twice the distance; another section is as far as an edit and a half */
    char *buf;
    size_t size;
};

static void consider(struct nearest *n, const char *section, const char *name, const char *shown)
{
    int d = distance(n->key, name);
    int allowed = (int)strlen(name) / 3;
    bool elsewhere = section && (!n->section || strcmp(n->section, section) != 0);
    int score = 2 * d + 3 * elsewhere;

    if (d > (allowed ? allowed : 1) || score >= n->best)
        return;
    n->best = score;
    snprintf(n->buf, n->size, "%s", shown);
}

/* "ptp" of "ptp.domain"; returns "domain" */
static const char *split(const char *name, char *section, size_t size)
{
    const char *dot = strchr(name, '.');

    snprintf(section, size, "%.*s", (int)(dot - name), name);
    return dot + 1;
}

const char *load_nearest(const char *section, const char *key, char *buf, size_t size)
{
    struct nearest n = {section, key, 2 * NAME_MAX_LEN, buf, size};
    char other[NAME_MAX_LEN + 1], shown[2 * NAME_MAX_LEN];

    buf[0] = '\0';
    for (const struct option *o = conf_options; o->name; o++) {
        const char *name = split(o->name, other, sizeof other);
        consider(&n, other, name, o->name);
        if (!section)
            consider(&n, NULL, other, other);
    }
    for (const struct option *o = conf_port_options; o->name; o++) {
        snprintf(shown, sizeof shown, "%s of a port", o->name);
        consider(&n, "ports", o->name, shown);
    }
    if (!section)
        consider(&n, NULL, "ports", "ports");
    return buf;
}

bool load_is_section(const char *name)
{
    char section[NAME_MAX_LEN + 1];

    for (const struct option *o = conf_options; o->name; o++) {
        split(o->name, section, sizeof section);
        if (strcmp(section, name) == 0)
            return true;
    }
    return false;
}
