/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd.conf through libconfig: every value checked against its row, every complaint collected. */
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/load.h"

#define FOUND_MAX 80

/* libconfig 1.5 names an included file as @include does, without the directory. */
static void source_file(const struct load *l, const char *source, char *buf, size_t size)
{
    size_t dir_len = strlen(l->dir);

    if (!source || strcmp(source, l->file) == 0)
        snprintf(buf, size, "%s", l->file);
    else if (*source == '/' || (strncmp(source, l->dir, dir_len) == 0 && source[dir_len] == '/'))
        snprintf(buf, size, "%s", source);
    else
        snprintf(buf, size, "%s/%s", l->dir, source);
}

void load_complain(struct load *l, const config_setting_t *at, const char *key, const char *format, ...)
{
    char file[4096], what[640];
    va_list args;

    source_file(l, at ? config_setting_source_file(at) : NULL, file, sizeof file);
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    conf_complain(&l->complaints, file, at ? (int)config_setting_source_line(at) : 0, key, "%s", what);
}

/* 10000.0, not 10000: it is no integer, although its value is. */
static const char *describe_float(double value, char *buf)
{
    snprintf(buf, FOUND_MAX, "%.9g", value);
    if (!strpbrk(buf, ".en"))
        snprintf(buf, FOUND_MAX, "%.1f", value);
    return buf;
}

static const char *describe(const config_setting_t *s, char *buf)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_INT:
        snprintf(buf, FOUND_MAX, "%d", config_setting_get_int(s));
        return buf;
    case CONFIG_TYPE_INT64:
        snprintf(buf, FOUND_MAX, "%lld", config_setting_get_int64(s));
        return buf;
    case CONFIG_TYPE_FLOAT:
        return describe_float(config_setting_get_float(s), buf);
    case CONFIG_TYPE_BOOL:
        return config_setting_get_bool(s) ? "true" : "false";
    case CONFIG_TYPE_STRING:
        return conf_quote(config_setting_get_string(s), buf, FOUND_MAX);
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_ARRAY:
        return "an array";
    default:
        return "a list";
    }
}

static bool is_integer(const config_setting_t *s)
{
    return config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64;
}

/* An int64 beyond 2^53 loses digits here, not its being out of every range. */
static double number_of(const config_setting_t *s)
{
    if (is_integer(s))
        return (double)config_setting_get_int64(s);
    return config_setting_get_float(s);
}

static int word_index(const char *const *words, const char *text)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return -1;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static bool string_fits(const struct option *o, const char *text)
{
    size_t len = strlen(text);

    if (len < (size_t)o->min || len > (size_t)o->max || has_control(text))
        return false;
    if (o->words && word_index(o->words, text) < 0)
        return false;
    return !o->valid || o->valid(text);
}

static bool set_number(const struct option *o, void *base, double value)
{
    if (!(value >= o->min && value <= o->max))
        return false;
    conf_option_set_number(o, base, value);
    return true;
}

static bool set_word(const struct option *o, void *base, const char *text)
{
    int i = word_index(o->words, text);

    return i >= 0 && set_number(o, base, o->min + i);
}

/* False if it is not what the row asks for; base is unchanged then. */
static bool set(const struct option *o, void *base, const config_setting_t *s)
{
    int type = config_setting_type(s);

    switch (o->type) {
    case OPTION_BOOL:
        return type == CONFIG_TYPE_BOOL && set_number(o, base, config_setting_get_bool(s));
    case OPTION_INT:
        return is_integer(s) && set_number(o, base, number_of(s));
    case OPTION_DOUBLE:
        return config_setting_is_number(s) && set_number(o, base, number_of(s));
    case OPTION_ENUM:
        return type == CONFIG_TYPE_STRING && set_word(o, base, config_setting_get_string(s));
    case OPTION_STRING:
        if (type != CONFIG_TYPE_STRING || !string_fits(o, config_setting_get_string(s)))
            return false;
        conf_option_set_text(o, base, config_setting_get_string(s));
        return true;
    }
    return false;
}

/* port: the port that base is, NULL if it is struct conf. */
static void check_profile(struct load *l, const struct option *o, const void *base,
                          const struct conf_port *port, const config_setting_t *s, const char *key)
{
    const struct profile_rule *r = l->profile ? conf_profile_rule(l->profile, o->name) : NULL;
    char found[FOUND_MAX], expected[OPTION_TEXT_MAX];

    if (!r)
        return;
    struct profile_range range = conf_profile_range(r, port);
    double value = conf_option_number(o, base);
    if (value >= range.min && value <= range.max)
        return;
    load_complain(l, s, key, "found %s, expected %s (profile %s: %s)", describe(s, found),
                  conf_option_expected(o, range.min, range.max, expected), l->conf.ptp.profile, o->help);
}

static void read_value(struct load *l, const struct option *o, void *base, uint8_t *origin,
                       const config_setting_t *s, const char *key)
{
    char found[FOUND_MAX], expected[OPTION_TEXT_MAX];

    if (set(o, base, s))
        *origin = CONF_FILE;
    else
        load_complain(l, s, key, "found %s, expected %s (%s)", describe(s, found),
                      conf_option_expected(o, o->min, o->max, expected), o->help);
}

static void complain_unknown(struct load *l, const config_setting_t *s, const char *section, const char *key)
{
    char nearest[LOAD_KEY_MAX];

    load_nearest(section, config_setting_name(s), nearest, sizeof nearest);
    if (*nearest)
        load_complain(l, s, key, "found an unknown option, expected %s?", nearest);
    else
        load_complain(l, s, key, "found an unknown option, expected one of gmd --help-config");
}

static void read_section(struct load *l, const config_setting_t *group)
{
    const char *section = config_setting_name(group);
    char key[LOAD_KEY_MAX], found[FOUND_MAX];

    if (!config_setting_is_group(group)) {
        load_complain(l, group, section, "found %s, expected a group: %s = { ... };", describe(group, found),
                      section);
        return;
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        snprintf(key, sizeof key, "%s.%s", section, config_setting_name(s));
        const struct option *o = conf_option_find(conf_options, key);
        if (!o) {
            complain_unknown(l, s, section, key);
            continue;
        }
        uint8_t *origin = &l->conf.origin[o - conf_options];
        read_value(l, o, &l->conf, origin, s, key);
        if (*origin == CONF_FILE)
            check_profile(l, o, &l->conf, NULL, s, key);
    }
}

const char *load_port_key(char *buf, int port, const char *name)
{
    snprintf(buf, LOAD_KEY_MAX, "ports[%d].%s", port, name);
    return buf;
}

static void read_port(struct load *l, const config_setting_t *group, int n)
{
    struct conf_port *port = &l->conf.ports[n];
    uint8_t *origin = l->conf.port_origin[n];
    char key[LOAD_KEY_MAX], found[FOUND_MAX];

    if (!config_setting_is_group(group)) {
        load_complain(l, group, load_port_key(key, n, "interface"),
                      "found %s, expected { interface = \"eth1\"; }", describe(group, found));
        return;
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const struct option *o = conf_option_find(conf_port_options, config_setting_name(s));
        load_port_key(key, n, config_setting_name(s));
        if (o)
            read_value(l, o, port, &origin[o - conf_port_options], s, key);
        else
            complain_unknown(l, s, "ports", key);
    }
    conf_apply_sync(&l->conf, n);
    /* only now: some ranges hang on the port's log_sync_interval */
    for (const struct option *o = conf_port_options; o->name; o++) {
        load_port_key(key, n, o->name);
        if (origin[o - conf_port_options] == CONF_FILE)
            check_profile(l, o, port, port, config_setting_get_member(group, o->name), key);
    }
    if (!config_setting_get_member(group, "interface"))
        load_complain(l, group, load_port_key(key, n, "interface"),
                      "found none, expected the interface of this port");
}

static void read_ports(struct load *l)
{
    const config_setting_t *list = config_lookup(&l->config, "ports");
    char found[FOUND_MAX];
    int count = list ? config_setting_length(list) : 0;

    if (!list || (config_setting_is_list(list) && count == 0))
        load_complain(l, list, "ports", "found none, expected ports = ( { interface = \"eth1\"; } );");
    else if (!config_setting_is_list(list))
        load_complain(l, list, "ports", "found %s, expected a list: ports = ( { interface = \"eth1\"; } );",
                      describe(list, found));
    else if (count > CONF_PORTS_MAX)
        load_complain(l, list, "ports", "found %d, expected at most %d ports", count, CONF_PORTS_MAX);
    for (int i = 0; i < l->conf.port_count; i++)
        read_port(l, config_setting_get_elem(list, (unsigned)i), i);
}

/* How many ports can be read at all. */
static int countable_ports(const struct load *l)
{
    const config_setting_t *list = config_lookup(&l->config, "ports");
    int count = list && config_setting_is_list(list) ? config_setting_length(list) : 0;

    return count < CONF_PORTS_MAX ? count : CONF_PORTS_MAX;
}

/* default < profile: both are in force before the file's own values are. */
static void start_from_profile(struct load *l)
{
    const char *name = conf_option_find(conf_options, "ptp.profile")->text;
    const config_setting_t *s = config_lookup(&l->config, "ptp.profile");

    l->profile = NULL;
    if (s && config_setting_type(s) == CONFIG_TYPE_STRING && conf_profile_find(config_setting_get_string(s)))
        name = config_setting_get_string(s);
    else if (s)
        return conf_apply(&l->conf, name, countable_ports(l));
    l->profile = conf_profile_find(name);
    conf_apply(&l->conf, name, countable_ports(l));
}

static void read_tree(struct load *l)
{
    const config_setting_t *root = config_root_setting(&l->config);

    start_from_profile(l);
    for (int i = 0; i < config_setting_length(root); i++) {
        const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
        if (strcmp(config_setting_name(s), "ports") == 0)
            continue;
        if (load_is_section(config_setting_name(s)))
            read_section(l, s);
        else
            complain_unknown(l, s, NULL, config_setting_name(s));
    }
    read_ports(l);
    load_check(l);
}

/* libconfig's own complaint, which names a line but neither the option nor what is wrong with it. */
static void complain_syntax(struct load *l)
{
    char file[4096], line[256], found[FOUND_MAX];
    const char *what = config_error_text(&l->config);
    bool duplicate = what && strstr(what, "duplicate");

    source_file(l, config_error_file(&l->config), file, sizeof file);
    conf_scan_line(file, config_error_line(&l->config), line, sizeof line);
    conf_complain(&l->complaints, file, config_error_line(&l->config), what ? what : "syntax error",
                  "found %s, expected %s", *line ? conf_quote(line, found, sizeof found) : "the end",
                  duplicate ? "each section, and in it each option, once"
                            : "NAME = VALUE; with all quotes and brackets closed, here and above");
}

static void load(struct load *l)
{
    conf_scan(l->file, l->dir, &l->complaints);
    if (l->complaints.count)
        return;
    config_init(&l->config);
    config_set_include_dir(&l->config, l->dir);
    if (config_read_file(&l->config, l->file))
        read_tree(l);
    else
        complain_syntax(l);
    config_destroy(&l->config);
}

int conf_load(const char *file, struct conf *c, char *errors, size_t errors_size)
{
    struct load l = {.file = file, .complaints = {.text = errors, .size = errors_size}};
    char path[4096];

    if (errors_size)
        errors[0] = '\0';
    snprintf(path, sizeof path, "%s", file);
    l.dir = dirname(path);
    load(&l);
    conf_complaints_end(&l.complaints);
    if (l.complaints.count)
        return -1;
    *c = l.conf;
    return 0;
}
