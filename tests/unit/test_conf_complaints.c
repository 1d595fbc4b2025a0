/* SPDX-License-Identifier: BSD-2-Clause */
/* gmd.conf: every kind of complaint word for word; files that cannot be read, @include, small buffers. */
#include "tests/unit/conf_rig.h"

/* --- complaints ------------------------------------------------------------------------------------ */

static const struct {
    const char *text, *expected;
} complaints[] = {
    /* range and type, one a type of option */
    {"ptp = {\n  domain = 300;\n};\n" PORT,
     "gmd.conf:2: ptp.domain: found 300, expected an integer 0..255 (PTP domain number)"},
    {"ptp = { domain = \"127\"; };\n" PORT,
     "gmd.conf:1: ptp.domain: found \"127\", expected an integer 0..255 (PTP domain number)"},
    {"ptp = { domain = 1.5; };\n" PORT,
     "gmd.conf:1: ptp.domain: found 1.5, expected an integer 0..255 (PTP domain number)"},
    {"clients = { capacity = 1e4; };\n" PORT, "gmd.conf:1: clients.capacity: found 10000.0, expected an "
                                              "integer 100..10000000 1/s (answers to requests "
                                              "and unicast Sync and Announce, together, that are sent at "
                                              "most, those of fast_path and workers as well; gmd "
                                              "--calibrate measures the daemon's own)"},
    {"ptp = { domain = { x = 1; }; };\n" PORT,
     "gmd.conf:1: ptp.domain: found a group, expected an integer 0..255 (PTP domain number)"},
    {"ptp = { domain = [ 1, 2 ]; };\n" PORT,
     "gmd.conf:1: ptp.domain: found an array, expected an integer 0..255 (PTP domain number)"},
    {"ptp = { domain = ( 1 ); };\n" PORT,
     "gmd.conf:1: ptp.domain: found a list, expected an integer 0..255 (PTP domain number)"},
    {"ptp = { domain = 3000000000L; };\n" PORT,
     "gmd.conf:1: ptp.domain: found 3000000000, expected an integer 0..255 (PTP domain number)"},
    {"ptp = { serve_before_lock = 1; };\n" PORT, "gmd.conf:1: ptp.serve_before_lock: found 1, expected true "
                                                 "or false (announce and serve before the clock "
                                                 "was locked once)"},
    {"\npulse = { noise_ns = \"20\"; };\n" PORT, "gmd.conf:2: pulse.noise_ns: found \"20\", expected a "
                                                 "number 0.1..1000000 ns (expected noise of a pulse's "
                                                 "time stamp, 1 sigma)"},
    {"pulse = { noise_ns = -2.5; };\n" PORT,
     "gmd.conf:1: pulse.noise_ns: found -2.5, expected a number 0.1..1000000 ns (expected noise of a pulse's "
     "time stamp, 1 sigma)"},
    {"pulses = { missing_s = 1e999; };\n" PORT,
     "gmd.conf:1: pulses.missing_s: found inf, expected a number 1..3600 s (no pulse for so long: holdover)"},
    {"pulse = { edge = \"up\"; };\n" PORT,
     "gmd.conf:1: pulse.edge: found \"up\", expected \"rising\" or \"falling\" (the edge that marks the "
     "second)"},
    {"pulse = { edge = true; };\n" PORT, "gmd.conf:1: pulse.edge: found true, expected \"rising\" or "
                                         "\"falling\" (the edge that marks the second)"},
    {"receiver = { port = 2947; };\n" PORT,
     "gmd.conf:1: receiver.port: found 2947, expected a string of 1..31 characters (TCP port of gpsd)"},
    {"receiver = { host = \"\"; };\n" PORT,
     "gmd.conf:1: receiver.host: found \"\", expected a string of 1..107 characters (host of gpsd)"},
    {"receiver = { host = \"a\\nb\"; };\n" PORT,
     "gmd.conf:1: receiver.host: found \"a\\x0ab\", expected a string of 1..107 characters (host of gpsd)"},
    {"receiver = { port = \"12345678901234567890123456789012\"; };\n" PORT,
     "gmd.conf:1: receiver.port: found \"12345678901234567890123456789012\", expected a string of 1..31 "
     "characters (TCP port of gpsd)"},
    /* 108 characters would not fit sun_path */
    {"control = { socket = "
     "\"/"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
     "3456\"; };\n" PORT,
     "gmd.conf:1: control.socket: found "
     "\"/0123456789012345678901234567890123456789012345678901234567890123456789...\", expected a string of "
     "1..107 "
     "characters (UNIX socket of gmctl)"},
    {"ptp = { clock_identity = \"001122.fffe.33445\"; };\n" PORT,
     "gmd.conf:1: ptp.clock_identity: found \"001122.fffe.33445\", expected 8 octets in hex such as "
     "\"001122.fffe.334455\" (clockIdentity; empty: from the first port's MAC address)"},
    {"ptp = { clock_identity = \"ffffff.ffff.ffffff\"; };\n" PORT,
     "gmd.conf:1: ptp.clock_identity: found \"ffffff.ffff.ffffff\", expected 8 octets in hex such as "
     "\"001122.fffe.334455\" (clockIdentity; empty: from the first port's MAC address)"},
    /* libconfig would read 127 */
    {"ptp = {\n  domain = 4294967423;\n};\n" PORT,
     "gmd.conf:2: domain: found 4294967423, expected an integer of 32 bits, or a decimal point in a number"},
    {"ptp = { domain = 0x10000007F; priority1 = 99999999999999999999; };\n" PORT,
     "gmd.conf:1: domain: found 0x10000007F, expected an integer of 32 bits, or a decimal point in a number\n"
     "gmd.conf:1: priority1: found 99999999999999999999, expected an integer of 32 bits, or a decimal point "
     "in a "
     "number"},

    /* names */
    {"ptp = {\n  priority1 = 1;\n  domian = 3;\n};\n" PORT,
     "gmd.conf:3: ptp.domian: found an unknown option, expected ptp.domain?"},
    {"ptp = { oscillator_ppb = 3; };\n" PORT,
     "gmd.conf:1: ptp.oscillator_ppb: found an unknown option, expected simulation.oscillator_ppb?"},
    {"ptp = { log_sync_interval = -3; };\n" PORT,
     "gmd.conf:1: ptp.log_sync_interval: found an unknown option, expected log_sync_interval of a port?"},
    {"ports = ( { interface = \"eth1\"; domain = 3; } );\n",
     "gmd.conf:1: ports[0].domain: found an unknown option, expected ptp.domain?"},
    {"ports = ( { interface = \"eth1\"; utp_ttl = 3; } );\n",
     "gmd.conf:1: ports[0].utp_ttl: found an unknown option, expected udp_ttl of a port?"},
    {"ptp = { colour = 3; };\n" PORT,
     "gmd.conf:1: ptp.colour: found an unknown option, expected one of gmd --help-config"},
    {"domain = 3;\n" PORT, "gmd.conf:1: domain: found an unknown option, expected ptp.domain?"},
    {"reciever = { host = \"a\"; };\n" PORT,
     "gmd.conf:1: reciever: found an unknown option, expected receiver?"},
    {"port = ();\n" PORT, "gmd.conf:1: port: found an unknown option, expected ports?"},
    {"ptp = 3;\n" PORT, "gmd.conf:1: ptp: found 3, expected a group: ptp = { ... };"},

    /* ports */
    {"ptp = { domain = 1; };\n",
     "gmd.conf: ports: found none, expected ports = ( { interface = \"eth1\"; } );"},
    {"", "gmd.conf: ports: found none, expected ports = ( { interface = \"eth1\"; } );"},
    {"\nports = ();\n", "gmd.conf:2: ports: found none, expected ports = ( { interface = \"eth1\"; } );"},
    {"ports = { interface = \"eth1\"; };\n",
     "gmd.conf:1: ports: found a group, expected a list: ports = ( { interface = \"eth1\"; } );"},
    {"ports = [ \"eth1\" ];\n",
     "gmd.conf:1: ports: found an array, expected a list: ports = ( { interface = \"eth1\"; } );"},
    {"ports = ( \"eth1\" );\n",
     "gmd.conf:1: ports[0].interface: found \"eth1\", expected { interface = \"eth1\"; }"},
    {"ports = (\n  { interface = \"eth1\"; },\n  { udp_ttl = 2; }\n);\n",
     "gmd.conf:3: ports[1].interface: found none, expected the interface of this port"},
    {"ports = (\n  { interface = \"eth1\"; },\n  { udp_ttl = 2;\n    interface = \"eth1\"; }\n);\n",
     "gmd.conf:4: ports[1].interface: found \"eth1\" again, expected an interface of its own (first in line "
     "2)"},
    {"ports = ( { interface = \"abcdefghijklmnop\"; } );\n",
     "gmd.conf:1: ports[0].interface: found \"abcdefghijklmnop\", expected the name of an interface, 1..15 "
     "characters (network interface)"},
    {"ports = ( { interface = \"../eth1\"; } );\n",
     "gmd.conf:1: ports[0].interface: found \"../eth1\", expected the name of an interface, 1..15 characters "
     "(network interface)"},
    {"ports = ( {interface=\"a\";}, {interface=\"b\";}, {interface=\"c\";}, {interface=\"d\";}, "
     "{interface=\"e\";},"
     "{interface=\"f\";}, {interface=\"g\";}, {interface=\"h\";}, {interface=\"i\";} );",
     "gmd.conf:1: ports: found 9, expected at most 8 ports"},
    {"ports = ( { interface = \"eth1\"; transport = \"udp\"; } );\n",
     "gmd.conf:1: ports[0].transport: found \"udp\", expected \"udpv4\", \"udpv6\" or \"ethernet\" (what "
     "carries "
     "PTP)"},

    /* profiles */
    {"ptp = { profile = \"st2059\"; domain = 200; };\n" PORT,
     "gmd.conf:1: ptp.profile: found \"st2059\", expected \"default-e2e\", \"default-p2p\", \"aes67\", "
     "\"st2059-2\", \"st2059-2-2015\", \"aes-r16\", \"enterprise\", \"g8275.2\", \"g8265.1\" or "
     "\"custom\" (PTP profile: its defaults and its limits)"},
    {"ptp = { profile = \"g8275.2\"; domain = 43; };\n" PORT,
     "gmd.conf:1: ptp.domain: found 43, expected an integer 44..63 (profile g8275.2: PTP domain number)"},
    {"ptp = { profile = \"g8265.1\"; domain = 24; priority1 = 1; };\n" PORT,
     "gmd.conf:1: ptp.domain: found 24, expected an integer 4..23 (profile g8265.1: PTP domain number)\n"
     "gmd.conf:1: ptp.priority1: found 1, expected an integer 128..128 (profile g8265.1: first rank in the "
     "election of the grandmaster, lower wins)"},
    {"ptp = { profile = \"g8275.2\"; };\nunicast = { negotiate = false; duration_max_s = 1001; };\n" PORT,
     "gmd.conf:2: unicast.negotiate: found false, expected true (profile g8275.2: grant unicast Announce, "
     "Sync and Delay_Resp on request (clause 16.1), as the profile permits)\n"
     "gmd.conf:2: unicast.duration_max_s: found 1001, expected an integer 60..1000 s (profile g8275.2: "
     "longest grant; none is shorter than 10 s (g8265.1 and g8275.2: 60, custom: 1))"},
    {"ptp = { profile = \"g8275.2\"; };\nholdover = { out_of_spec_class = 187; };\n" PORT,
     "gmd.conf:2: holdover.out_of_spec_class: found 187, expected an integer 140..160 (profile g8275.2: "
     "clockClass from then on: 52 never slaves, 187 may)"},
    {"ptp = { domain = 128; };\n" PORT,
     "gmd.conf:1: ptp.domain: found 128, expected an integer 0..127 (profile st2059-2: PTP domain number)"},
    {"ports = (\n {\n interface = \"eth1\";\n log_sync_interval = 3;\n log_min_delay_req_interval = 3;\n} "
     ");\n"
     "ptp = { profile = \"st2059-2\"; };\n",
     "gmd.conf:4: ports[0].log_sync_interval: found 3, expected an integer -7..-1 log2 s (profile st2059-2: "
     "interval of Sync)"},
    {"ports = ( { interface = \"eth1\";\n log_min_delay_req_interval = -5;\n log_sync_interval = -4; } );\n",
     "gmd.conf:2: ports[0].log_min_delay_req_interval: found -5, expected an integer -4..1 log2 s (profile "
     "st2059-2: least interval of a client's Delay_Req)"},
    {"ptp = { profile = \"aes-r16\"; };\n"
     "ports = ( { interface = \"eth1\"; log_sync_interval = -4; log_min_delay_req_interval = -4; } );\n",
     "gmd.conf:2: ports[0].log_min_delay_req_interval: found -4, expected an integer -3..1 log2 s (profile "
     "aes-r16: least interval of a client's Delay_Req)"},
    {"ptp = { profile = \"default-p2p\"; };\nports = ( { interface = \"eth1\"; delay_mechanism = \"e2e\"; } "
     ");\n",
     "gmd.conf:2: ports[0].delay_mechanism: found \"e2e\", expected \"p2p\" (profile default-p2p: delay "
     "request-response or peer delay)"},
    {"ptp = { profile = \"enterprise\"; };\nports = ( { interface = \"eth1\"; transport = \"ethernet\"; } "
     ");\n",
     "gmd.conf:2: ports[0].transport: found \"ethernet\", expected \"udpv4\" or \"udpv6\" (profile "
     "enterprise: "
     "what carries PTP)"},
    {"ptp = { profile = \"st2059-2\"; announce_receipt_timeout = 11; };\n" PORT,
     "gmd.conf:1: ptp.announce_receipt_timeout: found 11, expected an integer 2..10 intervals (profile "
     "st2059-2: missing Announces until a master is given up)"},

    /* values against each other */
    {"simulation = { oscillator = true; };\npulse = { type = \"simulated\"; };\nclock = { type = \"phc\"; "
     "};\n" PORT,
     "gmd.conf:3: clock.type: found \"phc\", expected \"auto\" or \"logical\" with simulation.oscillator = "
     "true"},
    {"simulation = { oscillator = true; };\n" PORT, "gmd.conf:1: pulse.type: found \"extts\", expected "
                                                    "\"simulated\" or \"pps\" with simulation.oscillator = "
                                                    "true: a PHC's stamps are of another clock"},
    {"clock = { type = \"system\"; };\n" PORT, "gmd.conf:1: pulse.type: found \"extts\", expected \"pps\" or "
                                               "\"simulated\" with clock.type = \"system\": a "
                                               "PHC's stamps are of another clock"},
    {"pulse = { type = \"pps\"; };\nclock = { type = \"system\"; device = \"/dev/ptp0\"; };\n" PORT,
     "gmd.conf:2: clock.device: found \"/dev/ptp0\", expected \"\" with clock.type = \"system\""},
    {"pulse = { type = \"pps\"; };\nclock = { type = \"system\"; };\n"
     "ports = ( { interface = \"eth1\"; timestamping = \"hardware\"; } );\n",
     "gmd.conf:3: ports[0].timestamping: found \"hardware\", expected \"auto\" or \"software\" with "
     "clock.type = "
     "\"system\""},
    {"pulse = { type = \"simulated\"; device = \"/dev/pps0\"; };\n" PORT,
     "gmd.conf:1: pulse.device: found \"/dev/pps0\", expected \"\" with pulse.type = \"simulated\""},
    {"holdover = {\n lock_threshold_ns = 500;\n unlock_threshold_ns = 400; };\n" PORT,
     "gmd.conf:3: holdover.unlock_threshold_ns: found 400, expected more than holdover.lock_threshold_ns"},
    {"unicast = { only = true; };\n" PORT,
     "gmd.conf:1: unicast.only: found true, expected false without unicast.negotiate"},
    {"ptp = { profile = \"g8275.2\"; };\nholdover = { out_of_spec_class = 145; };\n" PORT,
     "gmd.conf:2: holdover.out_of_spec_class: found 145, expected a class that the profile knows: 140, 150, "
     "160 (g8275.2); an even one, 90 to 110 (g8265.1)"},
    {"ptp = { profile = \"g8265.1\"; };\nholdover = { out_of_spec_class = 95; };\n" PORT,
     "gmd.conf:2: holdover.out_of_spec_class: found 95, expected a class that the profile knows: 140, 150, "
     "160 (g8275.2); an even one, 90 to 110 (g8265.1)"},
    {"holdover = { lock_threshold_ns = 20000; };\n" PORT,
     "gmd.conf:1: holdover.unlock_threshold_ns: found 10000, expected more than holdover.lock_threshold_ns"},
    {"holdover = { systematic_ns = 500; };\n" PORT,
     "gmd.conf:1: holdover.holdover_limit_ns: found 500, expected more than holdover.systematic_ns"},
    {"clients = { sptp = true; };\nports = ( { interface = \"eth1\"; transport = \"ethernet\"; } );\n",
     "gmd.conf:1: clients.sptp: found true, expected false without a port over UDP"},

    /* syntax */
    {"ptp = {\n  domain = ;\n};\n", "gmd.conf:2: syntax error: found \"domain = ;\", expected NAME = VALUE; "
                                    "with all quotes and brackets closed, "
                                    "here and above"},
    {"ptp = {\n  domain = 1;\n", "gmd.conf:3: syntax error: found the end, expected NAME = VALUE; with all "
                                 "quotes and brackets closed, here "
                                 "and above"},
    {"ptp = { domain = 1;\n domain = 2; };\n" PORT,
     "gmd.conf:2: duplicate setting name: found \"domain = 2; };\", expected each section, and in it each "
     "option, once"},
    {PORT PORT,
     "gmd.conf:2: duplicate setting name: found \"ports = ( { interface = \"eth1\"; } );\", expected "
     "each section, and in it each option, once"},
    {"ptp.domain = 1;\n", "gmd.conf:1: syntax error: found \"ptp.domain = 1;\", expected NAME = VALUE; with "
                          "all quotes and brackets "
                          "closed, here and above"},

    /* all of them at once, in the order of the file */
    {"ptp = {\n  domain = 300;\n  priority3 = 1;\n  priority1 = -1;\n};\n" PORT,
     "gmd.conf:2: ptp.domain: found 300, expected an integer 0..255 (PTP domain number)\n"
     "gmd.conf:3: ptp.priority3: found an unknown option, expected ptp.priority1?\n"
     "gmd.conf:4: ptp.priority1: found -1, expected an integer 0..255 (first rank in the election of the "
     "grandmaster, lower wins)"},
};

static void test_complaints(void **state)
{
    char errors[4096];

    (void)state;
    for (size_t i = 0; i < LENGTH(complaints); i++) {
        struct conf c;
        memset(&c, 0x5A, sizeof c);
        if (load_text(complaints[i].text, &c, errors, sizeof errors) == 0)
            fail_msg("accepted: %s", complaints[i].text);
        assert_string_equal(errors, complaints[i].expected);
        for (size_t k = 0; k < sizeof c; k++)
            assert_int_equal(((unsigned char *)&c)[k], 0x5A);
    }
}

static void test_unreadable(void **state)
{
    char errors[4096];
    struct conf c;

    (void)state;
    assert_int_equal(load_file("absent.conf", &c, errors, sizeof errors), -1);
    assert_string_equal(errors, "absent.conf: found nothing to read (No such file or directory), expected a "
                                "configuration file");
    assert_int_equal(conf_load("/", &c, errors, sizeof errors), -1);
    assert_string_equal(errors,
                        "/: found nothing to read (not a regular file), expected a configuration file");

    char *big = malloc((1 << 20) + 1);
    memset(big, ' ', (1 << 20) + 1);
    write_file("big.conf", big, (1 << 20) + 1);
    free(big);
    assert_int_equal(load_file("big.conf", &c, errors, sizeof errors), -1);
    assert_string_equal(errors,
                        "big.conf: found nothing to read (larger than 1 MiB), expected a configuration file");
}

static void test_include(void **state)
{
    static const char good[] = "ptp = { domain = 5; };\n", bad[] = "\nptp = { domain = 500; };\n",
                      broken[] = "\n\nptp = { domain = };\n", wide[] = "ptp = { domain = 5000000000; };\n",
                      endless[] = "@include \"included.conf\"\n";
    static const char text[] = "@include \"included.conf\"\n" PORT;
    char errors[8192];
    struct conf c;

    (void)state;
    write_file("included.conf", good, strlen(good));
    load_good(text, &c);
    assert_int_equal(c.ptp.domain, 5);

    write_file("included.conf", bad, strlen(bad));
    assert_int_equal(load_text(text, &c, errors, sizeof errors), -1);
    assert_string_equal(
        errors, "included.conf:2: ptp.domain: found 500, expected an integer 0..255 (PTP domain number)");

    write_file("included.conf", broken, strlen(broken));
    assert_int_equal(load_text(text, &c, errors, sizeof errors), -1);
    assert_string_equal(errors,
                        "included.conf:3: syntax error: found \"ptp = { domain = };\", expected NAME = "
                        "VALUE; with all quotes and brackets closed, here and above");

    write_file("included.conf", wide, strlen(wide));
    assert_int_equal(load_text(text, &c, errors, sizeof errors), -1);
    assert_string_equal(errors,
                        "included.conf:1: domain: found 5000000000, expected an integer of 32 bits, or a "
                        "decimal point in a number");

    write_file("included.conf", endless, strlen(endless));
    assert_int_equal(load_text(text, &c, errors, sizeof errors), -1);
    assert_string_equal(errors, "included.conf:1: @include: found an endless chain, expected at most 64");

    assert_int_equal(load_text(PORT "@include \"absent.conf\"\n@include \".\"\n", &c, errors, sizeof errors),
                     -1);
    assert_string_equal(
        errors,
        "gmd.conf:2: @include: found \"absent.conf\" (No such file or directory), expected the name of a "
        "readable file beside the first\n"
        "gmd.conf:3: @include: found \".\" (not a regular file), expected the name of a readable file "
        "beside the first");
}

/* Whole lines as long as there is room, then how many are missing; never a byte beyond the end. */
static void test_small_buffers(void **state)
{
    static const char text[] = "ptp = { domain = 300; priority1 = 300; priority2 = 300; };\n" PORT;
    static const char line[] = ": ptp.domain: found 300, expected an integer 0..255 (PTP domain number)\n";
    struct conf c;

    (void)state;
    write_file("gmd.conf", text, strlen(text));
    for (size_t size = 0; size < 600; size++) {
        char path[256], *errors = malloc(size + 1);
        assert_int_equal(conf_load(path_of("gmd.conf", path, sizeof path), &c, errors, size), -1);
        if (size)
            assert_true(strlen(errors) < size);
        free(errors);
    }
    char errors[180], *tail;
    assert_int_equal(load_file("gmd.conf", &c, errors, sizeof errors), -1);
    tail = strstr(errors, line);
    assert_non_null(tail);
    assert_string_equal(tail + strlen(line), "and 2 more");
}

/* Comments, strings and numbers that the look before libconfig must let pass. */
static void test_scan_lets_pass(void **state)
{
    static const char text[] =
        "# 99999999999\n// 99999999999\n/* 99999999999\n \" */\n"
        "ptp = { clock_identity = \"0011223344556677\"; priority1 = 0x7F; };\n"
        "receiver = { host = \"a \\\" 99999999999 @include \\\"x\\\"\"; };\n"
        "pulse = { offset_ns = -.5e1; noise_ns = 1e1; }; pulses = { missing_s = 1e+2; };\n"
        "holdover = { lock_threshold_ns = +300; };\n" PORT;
    struct conf c;

    (void)state;
    load_good(text, &c);
    assert_int_equal(c.ptp.priority1, 127);
    assert_string_equal(c.receiver.host, "a \" 99999999999 @include \"x\"");
    assert_true(c.pulse.offset_ns == -5 && c.pulse.noise_ns == 10 && c.pulses.missing_s == 100);
    assert_true(c.holdover.lock_threshold_ns == 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complaints),     cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_include),        cmocka_unit_test(test_small_buffers),
        cmocka_unit_test(test_scan_lets_pass),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
