/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: what a row of the option table and of a profile is, and how a value is reached by its row.
 * Nothing else knows how struct conf is laid out. */
#ifndef GMD_CONF_OPTION_H
#define GMD_CONF_OPTION_H

#include <stddef.h>

#include "conf/conf.h"

/* Longest text of one value or of one "expected ..." */
#define OPTION_TEXT_MAX 256

enum option_type { OPTION_BOOL, OPTION_INT, OPTION_DOUBLE, OPTION_STRING, OPTION_ENUM };

struct option {
    const char *name; /* "ptp.domain"; without a dot for the keys of a port */
    enum option_type type;
    size_t offset;            /* in struct conf or struct conf_port */
    double number;            /* default, unless a string's */
    const char *text;         /* default of a string */
    double min, max;          /* of a number; length of a string; an enum's first and last value */
    const char *unit;         /* "" if it has none */
    const char *help;         /* one line */
    const char *const *words; /* of an enum, from value min on, or all that a string may be; ends with NULL */
    bool (*valid)(const char *text); /* syntax of a string ... */
    const char *syntax;              /* ... in words; NULL: any text */
};

extern const struct option conf_options[];      /* of struct conf, ends with name NULL */
extern const struct option conf_port_options[]; /* of struct conf_port, likewise */

const struct option *conf_option_find(const struct option *table, const char *name);

/* Value of o in base (struct conf or struct conf_port). Numbers are those of bool, int, double and enum. */
double conf_option_number(const struct option *o, const void *base);
void conf_option_set_number(const struct option *o, void *base, double value);
const char *conf_option_text(const struct option *o, const void *base);
void conf_option_set_text(const struct option *o, void *base, const char *text); /* fits: see max */
void conf_option_set_default(const struct option *o, void *base);

/* The value as gmd.conf writes it: 127, 0.5, true, "st2059-2". buf of OPTION_TEXT_MAX; returns buf. */
const char *conf_option_format(const struct option *o, const void *base, char *buf);
/* What o takes, for people: an integer 0..255; "e2e" or "p2p". min and max may be narrower than
 * o's own, or open (infinite). */
const char *conf_option_expected(const struct option *o, double min, double max, char *buf);

/* What a profile says about one option, numbers only. */
struct profile_rule {
    const char *option; /* "ptp.domain"; "log_sync_interval" for a key of every port */
    double value;       /* the profile's default */
    double min, max;    /* what it permits; -INFINITY..INFINITY: whatever the option itself does */
    /* > 0: permitted is also only log_sync_interval of the same port .. that + span, and the profile's
     * default is log_sync_interval, brought into min..max */
    int above_sync;
};

#define PROFILE_RULES_MAX 16
struct profile {
    const char *title;
    struct profile_rule rules[PROFILE_RULES_MAX + 1]; /* ends with option NULL */
};

extern const char *const conf_profile_words[]; /* their names; ends with NULL */

const struct profile *conf_profile_find(const char *name); /* NULL: none of that name */
const struct profile *conf_profile_at(unsigned i);         /* of conf_profile_words[i] */
const struct profile_rule *conf_profile_rule(const struct profile *p, const char *option);
/* Default and permitted range of a rule in port (NULL: ptp.* and the like). */
struct profile_range {
    double value, min, max;
};
struct profile_range conf_profile_range(const struct profile_rule *r, const struct conf_port *port);

/* All defaults, then the profile's values, with their origins; ports[0..count) are made. */
void conf_apply(struct conf *c, const char *profile_name, int count);
/* The port's defaults that follow its log_sync_interval, once that is known. */
void conf_apply_sync(struct conf *c, int port);

#endif
