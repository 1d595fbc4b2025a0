/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd.conf: profiles, origins, print and reload, help, the examples, and files mutilated at random. */
#include "tests/unit/conf_rig.h"

/* --- values in force ------------------------------------------------------------------------------- */

static uint8_t origin_of(const struct conf *c, const char *name)
{
    const struct option *o = conf_option_find(conf_options, name);

    return o ? c->origin[o - conf_options]
             : c->port_origin[0][conf_option_find(conf_port_options, name) - conf_port_options];
}

static void test_profiles(void **state)
{
    /* the standards' values, written down again rather than read from the table under test */
    static const struct {
        const char *name;
        int domain, announce, sync, delay_req, mechanism;
        double limit;
    } rows[] = {
        {"default-e2e", 0, 1, 0, 0, CONF_E2E, 1000},
        {"default-p2p", 0, 1, 0, 0, CONF_P2P, 1000},
        {"aes67", 0, 1, -3, 0, CONF_E2E, 1000},
        {"st2059-2", 127, 0, -3, -3, CONF_E2E, 500},
        {"st2059-2-2015", 127, -2, -3, -3, CONF_E2E, 500},
        {"aes-r16", 0, 0, -3, -3, CONF_E2E, 500},
        {"enterprise", 0, 0, 0, 0, CONF_E2E, 1000},
        {"g8275.2", 44, 0, -4, -4, CONF_E2E, 1000},
        {"g8265.1", 4, 1, -4, -4, CONF_E2E, 1000},
        {"custom", 0, 1, 0, 0, CONF_E2E, 1000},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[256];
        struct conf c;
        assert_string_equal(conf_profile_words[i], rows[i].name);
        snprintf(text, sizeof text,
                 "ptp = { profile = \"%s\"; };\nports = ( {interface=\"a\";}, {interface=\"b\";} );\n",
                 rows[i].name);
        load_good(text, &c);
        assert_string_equal(c.ptp.profile, rows[i].name);
        assert_int_equal(c.ptp.domain, rows[i].domain);
        assert_int_equal(c.ptp.log_announce_interval, rows[i].announce);
        assert_int_equal(c.ptp.announce_receipt_timeout, 3);
        assert_true(c.holdover.holdover_limit_ns == rows[i].limit);
        assert_int_equal(c.port_count, 2);
        for (int p = 0; p < 2; p++) {
            assert_int_equal(c.ports[p].log_sync_interval, rows[i].sync);
            assert_int_equal(c.ports[p].log_min_delay_req_interval, rows[i].delay_req);
            assert_int_equal(c.ports[p].delay_mechanism, rows[i].mechanism);
            assert_int_equal(c.ports[p].transport, CONF_UDPV4);
        }
    }
    assert_null(conf_profile_words[LENGTH(rows)]);
}

/* What a telecom grandmaster announces, to whom, and for how long it grants. */
static void test_telecom_profiles(void **state)
{
    static const struct {
        const char *name;
        int domain_last, out_of_spec;
        struct conf_classes classes;
    } rows[] = {
        {"g8275.2", 63, 160, {6, 7, 248}},
        {"g8265.1", 23, 104, {84, 90, 110}},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[256];
        struct conf c;
        snprintf(text, sizeof text, "ptp = { profile = \"%s\"; domain = %d; };\n" PORT, rows[i].name,
                 rows[i].domain_last);
        load_good(text, &c);
        assert_true(c.unicast.negotiate && c.unicast.only);
        assert_int_equal(c.unicast.duration_max_s, 1000);
        assert_int_equal(c.ptp.priority1, 128);
        assert_int_equal(c.holdover.out_of_spec_class, rows[i].out_of_spec);
        const struct conf_classes classes = conf_profile_classes(rows[i].name);
        assert_memory_equal(&classes, &rows[i].classes, sizeof classes);
    }
    const struct conf_classes usual = conf_profile_classes("st2059-2");
    assert_int_equal(usual.locked, 6);
    struct conf c;
    load_good(PORT, &c);
    assert_false(c.unicast.negotiate || c.unicast.only);
}

/* Each rule of each profile names an option, and its default is within its own limits and the option's. */
static void test_profile_table(void **state)
{
    (void)state;
    for (unsigned i = 0; conf_profile_words[i]; i++) {
        struct conf c;
        conf_apply(&c, conf_profile_words[i], 1);
        for (const struct profile_rule *r = conf_profile_at(i)->rules; r->option; r++) {
            const struct option *o = conf_option_find(conf_options, r->option);
            const void *base = o ? (void *)&c : (void *)&c.ports[0];
            if (!o)
                o = conf_option_find(conf_port_options, r->option);
            assert_non_null(o);
            struct profile_range range = conf_profile_range(r, &c.ports[0]);
            double value = conf_option_number(o, base);
            assert_true(value == range.value);
            assert_true(value >= range.min && value <= range.max && value >= o->min && value <= o->max);
        }
    }
}

/* The profile's Delay_Req interval follows the port's Sync interval, unless the file says otherwise. */
static void test_delay_req_follows_sync(void **state)
{
    static const struct {
        const char *profile, *port;
        int delay_req;
    } rows[] = {
        {"st2059-2", "log_sync_interval = -4;", -4},
        {"st2059-2", "log_sync_interval = -4; log_min_delay_req_interval = 1;", 1},
        {"aes-r16", "log_sync_interval = -4;", -3},
        {"aes-r16", "log_sync_interval = -1;", -1},
        {"aes67", "log_sync_interval = -4;", 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[256];
        struct conf c;
        snprintf(text, sizeof text, "ptp = { profile = \"%s\"; };\nports = ( { interface = \"a\"; %s } );\n",
                 rows[i].profile, rows[i].port);
        load_good(text, &c);
        assert_int_equal(c.ports[0].log_min_delay_req_interval, rows[i].delay_req);
    }
}

static void test_origins(void **state)
{
    struct conf c;

    (void)state;
    conf_defaults(&c);
    assert_string_equal(c.ptp.profile, "st2059-2");
    assert_int_equal(origin_of(&c, "ptp.profile"), CONF_DEFAULT);
    assert_int_equal(origin_of(&c, "ptp.domain"), CONF_PROFILE);
    assert_int_equal(c.ptp.domain, 127);
    assert_int_equal(c.port_count, 0);

    load_good("ptp = { priority1 = 128; domain = 5; };\nports = ( { interface = \"a\"; udp_ttl = 1; } );\n",
              &c);
    assert_int_equal(c.ptp.domain, 5);
    assert_int_equal(origin_of(&c, "ptp.domain"), CONF_FILE);
    assert_int_equal(origin_of(&c, "ptp.priority1"), CONF_FILE); /* though it equals the default */
    assert_int_equal(origin_of(&c, "ptp.priority2"), CONF_DEFAULT);
    assert_int_equal(origin_of(&c, "ptp.log_announce_interval"), CONF_PROFILE);
    assert_int_equal(origin_of(&c, "interface"), CONF_FILE);
    assert_int_equal(origin_of(&c, "udp_ttl"), CONF_FILE);
    assert_int_equal(origin_of(&c, "transport"), CONF_DEFAULT);
    assert_int_equal(origin_of(&c, "log_min_delay_req_interval"), CONF_PROFILE);
}

/* Each default is a value that the row itself accepts. */
static void test_defaults_in_range(void **state)
{
    static const struct option *const tables[] = {conf_options, conf_port_options};

    (void)state;
    for (size_t t = 0; t < LENGTH(tables); t++)
        for (const struct option *o = tables[t]; o->name; o++) {
            if (o->type == OPTION_STRING)
                assert_true(strlen(o->text) <= o->max && o->max < CONF_STR_MAX &&
                            (!o->valid || o->valid(o->text)));
            else
                assert_true(o->number >= o->min && o->number <= o->max);
            assert_true(strlen(o->help) > 0 && strchr(o->help, '\n') == NULL);
            assert_ptr_equal(conf_option_find(tables[t], o->name), o); /* no name twice */
        }
}

/* --- show ------------------------------------------------------------------------------------------ */

static void assert_same_values(const struct conf *a, const struct conf *b)
{
    char x[OPTION_TEXT_MAX], y[OPTION_TEXT_MAX];

    for (const struct option *o = conf_options; o->name; o++)
        assert_string_equal(conf_option_format(o, a, x), conf_option_format(o, b, y));
    assert_int_equal(a->port_count, b->port_count);
    for (int i = 0; i < a->port_count; i++)
        for (const struct option *o = conf_port_options; o->name; o++)
            assert_string_equal(conf_option_format(o, &a->ports[i], x),
                                conf_option_format(o, &b->ports[i], y));
}

static char *print(const struct conf *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    conf_print(c, f);
    fclose(f);
    return text;
}

static void test_print_reloads(void **state)
{
    static const char text[] =
        "ptp = { profile = \"aes67\"; domain = 3; clock_identity = \"00:11:22:ff:fe:33:44:55\"; "
        "serve_before_lock = true; };\n"
        "clock = { type = \"logical\"; device = \"/dev/\\\"odd\\\\\"; };\n"
        "pulse = { offset_ns = -123456.789012345678; noise_ns = 0.1; edge = \"falling\"; };\n"
        "holdover = { oscillator = \"ocxo-hq\"; jump_threshold_ns = 1e9; };\n"
        "ports = ( { interface = \"eth1\"; transport = \"udpv6\"; ingress_latency_ns = -7; },\n"
        "          { interface = \"eth2.100\"; transport = \"ethernet\"; delay_mechanism = \"p2p\"; } );\n";
    struct conf a, b;

    (void)state;
    load_good(text, &a);
    assert_string_equal(a.clock.device, "/dev/\"odd\\");
    char *printed = print(&a);
    assert_non_null(strstr(printed, "    domain = 3; # file\n"));
    assert_non_null(strstr(printed, "    log_announce_interval = 1; # profile aes67\n"));
    assert_non_null(strstr(printed, "    priority1 = 128; # default\n"));
    load_good(printed, &b);
    assert_same_values(&a, &b);
    assert_true(a.pulse.offset_ns == b.pulse.offset_ns && a.pulse.offset_ns == -123456.789012345678);
    free(printed);
}

static void test_help_names_all(void **state)
{
    static void (*const helps[])(FILE *) = {conf_help, conf_help_mdoc};
    static const char *const forms[] = {"  %s\n", ".It Cm %s\n"};

    (void)state;
    for (size_t h = 0; h < LENGTH(helps); h++) {
        char *text = NULL, expected[128];
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        helps[h](f);
        fclose(f);
        for (const struct option *o = conf_options; o->name; o++) {
            snprintf(expected, sizeof expected, forms[h], o->name);
            assert_non_null(strstr(text, expected));
        }
        for (const struct option *o = conf_port_options; o->name; o++) {
            snprintf(expected, sizeof expected, forms[h], o->name);
            assert_non_null(strstr(text, expected));
        }
        assert_null(strstr(text, "-2147483648")); /* of a profile's open range: the option's own bound */
        for (unsigned i = 0; conf_profile_words[i]; i++) {
            snprintf(expected, sizeof expected, forms[h], conf_profile_words[i]);
            assert_non_null(strstr(text, expected));
        }
        assert_non_null(
            strstr(text, "unicast.negotiate = true, permitted true\n")); /* the profiles' values */
        assert_non_null(strstr(text, "ptp.domain = 127, permitted an integer 0..127\n"));
        free(text);
    }
}

/* --- files ----------------------------------------------------------------------------------------- */

static void test_examples(void **state)
{
    static const struct {
        const char *file, *profile;
        int clock, receiver, pulse;
    } rows[] = {
        {"conf/examples/gmd.conf", "st2059-2", CONF_CLOCK_AUTO, CONF_RECEIVER_GPSD, CONF_PULSE_EXTTS},
        {"conf/examples/demo.conf", "st2059-2", CONF_CLOCK_LOGICAL, CONF_RECEIVER_SIMULATED,
         CONF_PULSE_SIMULATED},
        {"conf/examples/aes67.conf", "aes67", CONF_CLOCK_AUTO, CONF_RECEIVER_GPSD, CONF_PULSE_EXTTS},
        {"conf/examples/vm-sriov.conf", "st2059-2", CONF_CLOCK_LOGICAL, CONF_RECEIVER_GPSD, CONF_PULSE_PPS},
    };
    char errors[4096];

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct conf c;
        if (conf_load(rows[i].file, &c, errors, sizeof errors))
            fail_msg("%s", errors);
        assert_string_equal(c.ptp.profile, rows[i].profile);
        assert_int_equal(c.clock.type, rows[i].clock);
        assert_int_equal(c.receiver.type, rows[i].receiver);
        assert_int_equal(c.pulse.type, rows[i].pulse);
        assert_int_equal(c.port_count, 1);
    }
}

static uint64_t next_random(uint64_t *s) /* xorshift64 */
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static size_t mutate(char *bytes, size_t len, uint64_t *s)
{
    static const char tokens[] = "{}()[]=;:\"\\#/*@,.-+0123456789eELx\n\0\377";

    for (uint64_t n = 1 + next_random(s) % 8; n; n--) {
        size_t at = next_random(s) % len;
        switch (next_random(s) % 4) {
        case 0:
            bytes[at] = (char)next_random(s);
            break;
        case 1:
            bytes[at] = tokens[next_random(s) % (sizeof tokens - 1)];
            break;
        case 2: /* cut off */
            if (next_random(s) % 8 == 0 && at > 0)
                len = at;
            break;
        case 3: { /* one part over another */
            size_t from = next_random(s) % len, n_bytes = next_random(s) % 40;
            size_t room = len - (from > at ? from : at);
            memmove(bytes + at, bytes + from, n_bytes < room ? n_bytes : room);
            break;
        }
        }
    }
    return len;
}

/* Whatever the file holds: values in range or a complaint, and never a crash. */
static void test_mutilated(void **state)
{
    const uint64_t seed = 20592;
    uint64_t s = seed;
    char text[8192], bytes[8192], errors[4096];
    struct conf c;
    unsigned accepted = 0, refused = 0;

    (void)state;
    assert_int_equal(conf_load("conf/examples/gmd.conf", &c, errors, sizeof errors), 0);
    char *printed = print(&c);
    size_t len = (size_t)snprintf(text, sizeof text, "%s", printed);
    free(printed);
    assert_true(len < sizeof text);

    for (int i = 0; i < 2000; i++) {
        memcpy(bytes, text, len);
        write_file("gmd.conf", bytes, mutate(bytes, len, &s));
        if (load_file("gmd.conf", &c, errors, sizeof errors)) {
            if (strncmp(errors, "gmd.conf:", 9) != 0 && strncmp(errors, "and ", 4) != 0)
                fail_msg("seed %llu, file %d: %s", (unsigned long long)seed, i, errors);
            refused++;
            continue;
        }
        accepted++;
        for (const struct option *o = conf_options; o->name; o++) {
            double v = conf_option_number(o, &c);
            if (o->type != OPTION_STRING && !(v >= o->min && v <= o->max))
                fail_msg("seed %llu, file %d: %s = %g", (unsigned long long)seed, i, o->name, v);
        }
    }
    print_message("seed %llu: %u accepted, %u refused\n", (unsigned long long)seed, accepted, refused);
    assert_true(accepted > 50 && refused > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles),      cmocka_unit_test(test_telecom_profiles),
        cmocka_unit_test(test_profile_table), cmocka_unit_test(test_delay_req_follows_sync),
        cmocka_unit_test(test_origins),       cmocka_unit_test(test_defaults_in_range),
        cmocka_unit_test(test_print_reloads), cmocka_unit_test(test_help_names_all),
        cmocka_unit_test(test_examples),      cmocka_unit_test(test_mutilated),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
