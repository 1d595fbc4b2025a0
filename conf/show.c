/* SPDX-License-Identifier: BSD-2-Clause */
/* The table and the values in force for people: gmd --check, gmd --help-config, gmd.conf(5). */
#include <stdio.h>
#include <string.h>

#include "conf/option.h"

/* "ptp" of "ptp.domain" */
static int section_length(const char *name)
{
    return (int)strcspn(name, ".");
}

static bool same_section(const struct option *a, const struct option *b)
{
    int n = section_length(a->name);

    return b->name && n == section_length(b->name) && strncmp(a->name, b->name, (size_t)n) == 0;
}

static const char *origin_text(uint8_t origin, const struct conf *c, char *buf, size_t size)
{
    snprintf(buf, size,
             origin == CONF_PROFILE ? "profile %s"
             : origin == CONF_FILE  ? "file"
                                    : "default",
             c->ptp.profile);
    return buf;
}

static void print_value(FILE *out, const char *indent, const char *key, const struct option *o,
                        const void *base, uint8_t origin, const struct conf *c)
{
    char value[OPTION_TEXT_MAX], from[CONF_STR_MAX + 16];

    fprintf(out, "%s%s = %s; # %s\n", indent, key, conf_option_format(o, base, value),
            origin_text(origin, c, from, sizeof from));
}

static void print_port(const struct conf *c, int i, FILE *out)
{
    fprintf(out, "    {\n");
    for (const struct option *o = conf_port_options; o->name; o++)
        print_value(out, "        ", o->name, o, &c->ports[i], c->port_origin[i][o - conf_port_options], c);
    fprintf(out, "    }%s\n", i + 1 < c->port_count ? "," : "");
}

void conf_print(const struct conf *c, FILE *out)
{
    for (const struct option *o = conf_options; o->name; o++) {
        int n = section_length(o->name);
        if (o == conf_options || !same_section(o, o - 1))
            fprintf(out, "%.*s = {\n", n, o->name);
        print_value(out, "    ", o->name + n + 1, o, c, c->origin[o - conf_options], c);
        if (!same_section(o, o + 1))
            fprintf(out, "};\n");
    }
    fprintf(out, "ports = (\n");
    for (int i = 0; i < c->port_count; i++)
        print_port(c, i, out);
    fprintf(out, ");\n");
}

static bool set_by_profile(const struct option *o)
{
    for (unsigned i = 0; conf_profile_words[i]; i++)
        if (conf_profile_rule(conf_profile_at(i), o->name))
            return true;
    return false;
}

/* "required", "by the profile, else 0", "\"st2059-2\"" */
static const char *default_text(const struct option *o, char *buf, size_t size)
{
    union {
        struct conf conf;
        struct conf_port port;
    } base;
    char value[OPTION_TEXT_MAX];

    if (o->type == OPTION_STRING && o->min > 0 && !*o->text)
        return "required";
    conf_option_set_default(o, &base);
    snprintf(buf, size, "%s%s", set_by_profile(o) ? "by the profile, else " : "",
             conf_option_format(o, &base, value));
    return buf;
}

static void help_option(const struct option *o, FILE *out)
{
    char expected[OPTION_TEXT_MAX], value[OPTION_TEXT_MAX + 32];

    fprintf(out, "  %s\n      %s\n      %s; default: %s\n", o->name, o->help,
            conf_option_expected(o, o->min, o->max, expected), default_text(o, value, sizeof value));
}

/* "domain 127 (0..127)", "log_min_delay_req_interval = log_sync_interval (up to + 5)" */
static void rule_text(const struct profile_rule *r, char *buf, size_t size)
{
    const struct option *o = conf_option_find(conf_options, r->option);
    char range[OPTION_TEXT_MAX], value[OPTION_TEXT_MAX];
    union {
        struct conf conf;
        struct conf_port port;
    } base;

    if (!o)
        o = conf_option_find(conf_port_options, r->option);
    if (r->above_sync) {
        snprintf(buf, size, "%s = log_sync_interval, at most %d more, within %d..%d", r->option,
                 r->above_sync, (int)r->min, (int)r->max);
        return;
    }
    conf_option_set_number(o, &base, r->value);
    const char *set = conf_option_format(o, &base, value);
    if (r->min < o->min && r->max > o->max)
        snprintf(buf, size, "%s = %s", r->option, set);
    else
        snprintf(buf, size, "%s = %s, permitted %s", r->option, set,
                 conf_option_expected(o, r->min, r->max, range));
}

static void help_profile(unsigned i, FILE *out)
{
    const struct profile *p = conf_profile_at(i);
    char text[3 * OPTION_TEXT_MAX];

    fprintf(out, "  %s\n      %s\n", conf_profile_words[i], p->title);
    for (const struct profile_rule *r = p->rules; r->option; r++) {
        rule_text(r, text, sizeof text);
        fprintf(out, "      %s\n", text);
    }
}

void conf_help(FILE *out)
{
    fprintf(out, "Options of gmd.conf: SECTION = { NAME = VALUE; ... };\n");
    for (const struct option *o = conf_options; o->name; o++)
        help_option(o, out);
    fprintf(out, "\nOptions of a port: ports = ( { NAME = VALUE; ... }, ... );\n");
    for (const struct option *o = conf_port_options; o->name; o++)
        help_option(o, out);
    fprintf(out, "\nProfiles (ptp.profile): what they set and permit\n");
    for (unsigned i = 0; conf_profile_words[i]; i++)
        help_profile(i, out);
}

/* Text of an mdoc line: a backslash, and a control character at its start, would be taken as markup. */
static void mdoc_text(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++)
        fputs(*text == '\\' ? "\\e" : *text == '-' ? "\\-" : (char[]){*text, '\0'}, out);
}

static void mdoc_line(const char *text, FILE *out)
{
    mdoc_text(text, out);
    fputc('\n', out);
}

static void mdoc_option(const struct option *o, FILE *out)
{
    char expected[OPTION_TEXT_MAX], value[OPTION_TEXT_MAX + 32];

    fprintf(out, ".It Cm %s\n", o->name);
    mdoc_line(o->help, out);
    fprintf(out, ".br\n");
    mdoc_text(conf_option_expected(o, o->min, o->max, expected), out);
    fprintf(out, "; default: ");
    mdoc_line(default_text(o, value, sizeof value), out);
}

static void mdoc_profile(unsigned i, FILE *out)
{
    const struct profile *p = conf_profile_at(i);
    char text[3 * OPTION_TEXT_MAX];

    fprintf(out, ".It Cm %s\n", conf_profile_words[i]);
    mdoc_line(p->title, out);
    for (const struct profile_rule *r = p->rules; r->option; r++) {
        rule_text(r, text, sizeof text);
        fprintf(out, ".br\n");
        mdoc_line(text, out);
    }
}

void conf_help_mdoc(FILE *out)
{
    fprintf(out, ".Ss Options\n.Bl -tag -width Ds\n");
    for (const struct option *o = conf_options; o->name; o++)
        mdoc_option(o, out);
    fprintf(out, ".El\n.Ss Options of a port\n.Bl -tag -width Ds\n");
    for (const struct option *o = conf_port_options; o->name; o++)
        mdoc_option(o, out);
    fprintf(out, ".El\n.Ss Profiles\n.Bl -tag -width Ds\n");
    for (unsigned i = 0; conf_profile_words[i]; i++)
        mdoc_profile(i, out);
    fprintf(out, ".El\n");
}
