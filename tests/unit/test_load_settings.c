/* SPDX-License-Identifier: BSD-2-Clause */
/* gmload's command line: what is understood, what is refused and how; what is said when nobody answers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gmd/load/heard.h"
#include "gmd/load/settings.h"

#define WORDS_MAX 16

static enum settings_result read_line(struct load_settings *s, const char *line, char *error)
{
    char text[256], *words[WORDS_MAX] = {"gmload"}, *rest;
    int count = 1;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok_r(text, " ", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    *error = '\0';
    return settings_read(s, count, words, error, 256);
}

static void test_values(void **state)
{
    (void)state;
    struct load_settings s;
    char error[256];
    assert_int_equal(read_line(&s, "eth1", error), SETTINGS_RUN);
    assert_string_equal(s.interface, "eth1");
    assert_int_equal(s.mode, LOAD_MULTICAST);
    assert_int_equal(s.clients, 100);
    assert_int_equal(s.domain, 127);
    assert_int_equal(s.timeout_ns, NS_PER_S);

    assert_int_equal(
        read_line(&s, "--mode negotiated --clients 4000 --rate 16 --from 10.77.3.9/16 eth0 --domain 44",
                  error),
        SETTINGS_RUN);
    assert_int_equal(s.mode, LOAD_NEGOTIATED);
    assert_int_equal(s.first_address, 0x0A4D0001);
    assert_int_equal(s.address_count, 65534);
    assert_int_equal(s.grants.log_interval[GRANT_DELAY_RESP], -4);
    assert_int_equal(s.grants.log_interval[GRANT_SYNC], -3);
    assert_int_equal(s.domain, 44);

    assert_int_equal(read_line(&s, "--abuse max --threads 4 --expect 99.9 eth0", error), SETTINGS_RUN);
    assert_true(isinf(s.abuse_hz));
    assert_int_equal(s.threads, 4);
    assert_true(fabs(s.expect - 0.999) < 1e-12);
    assert_int_equal(read_line(&s, "--forged 5 eth0", error), SETTINGS_RUN);
    assert_true(s.abuse_hz > 9999 && s.abuse_hz < 10001);
    assert_int_equal(read_line(&s, "--mode sptp --clients 4536 eth0", error), SETTINGS_RUN);
    assert_int_equal(s.mode, LOAD_SPTP);
    assert_int_equal(read_line(&s, "--mode sptp --clients 60000 --from 10.77.0.0/16 eth0", error),
                     SETTINGS_RUN);
    assert_int_equal(read_line(&s, "--help", error), SETTINGS_HELP);
    assert_int_equal(read_line(&s, "--version", error), SETTINGS_VERSION);
}

static const struct {
    const char *line, *error;
} wrong[] = {
    {"", "expected the name of one interface"},
    {"eth0 eth1", "expected the name of one interface"},
    {"an-interface-name-too-long", "expected the name of one interface"},
    {"--bogus eth0", "--bogus: unknown option"},
    {"eth0 --clients", "--clients: needs a value"},
    {"--clients 0 eth0", "--clients: found 0, expected a number 1..65536"},
    {"--clients 1.5 eth0", "--clients: found 1.5, expected a whole number"},
    {"--clients many eth0", "--clients: found many, expected a number 1..65536"},
    {"--rate nan eth0", "--rate: found nan, expected a number 0.01..10000"},
    {"--domain 256 eth0", "--domain: found 256, expected a number 0..255"},
    {"--in-flight 4 eth0", "--in-flight needs --closed-loop"},
    {"--threads 3 eth0", "--threads: found 3, expected 1, 2, 4 or 8"},
    {"--mode unicast eth0", "--mode: found unicast, expected multicast, hybrid, negotiated, sptp"},
    {"--server gm.example eth0", "--server: found gm.example, expected an IPv4 address"},
    {"--from 10.0.0.0 eth0",
     "--from: found 10.0.0.0, expected an IPv4 network such as 10.77.0.0/16, of 8 to 30 bits"},
    {"--from 10.0.0.0/31 eth0",
     "--from: found 10.0.0.0/31, expected an IPv4 network such as 10.77.0.0/16, of 8 to 30 bits"},
    {"--from 10.0.0.0/24 --clients 254 --abuse 5 eth0", "--from: 254 addresses are too few for 255 clients"},
    {"--mode negotiated eth0", "--mode negotiated needs an address for each client: --from NETWORK"},
    {"--mode sptp --transport ethernet eth0", "--mode negotiated and sptp need --transport udpv4"},
    {"--mode sptp --clients 4536 --abuse 5 eth0",
     "--mode sptp has 4536 UDP ports for clients of one address: --from NETWORK"},
    {"--transport ethernet --server 192.0.2.1 eth0",
     "--transport ethernet has no IPv4 addresses: no --server, no --from"},
    {"--gateway 192.0.2.1 eth0", "--gateway needs --server"},
};

static void test_complaints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct load_settings s;
        char error[256];
        assert_int_equal(read_line(&s, wrong[i].line, error), SETTINGS_WRONG);
        assert_string_equal(error, wrong[i].error);
    }
}

static void hear(struct heard *h, enum message_type type, uint8_t domain)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    const struct packet packet = {.source_mac = mac, .source = 0xC0000201, .multicast = true};
    const struct ptp_message m = {
        .header = {.message_type = type, .domain_number = domain, .source = {.port = 1}}};
    heard_message(h, &m, &packet, false, 1);
}

static void test_explanations(void **state)
{
    (void)state;
    static struct heard h;
    char text[160];
    assert_non_null(strstr(heard_explain(&h, 127, text, sizeof text), "no Announce was heard, in no domain"));
    h.malformed = 3;
    assert_non_null(strstr(heard_explain(&h, 127, text, sizeof text), "3 malformed"));
    hear(&h, MSG_ANNOUNCE, 0);
    assert_non_null(strstr(heard_explain(&h, 127, text, sizeof text), "--domain 0?"));
    hear(&h, MSG_SYNC, 127);
    assert_null(heard_find(&h, 127)); /* Sync alone is no announcement */
    hear(&h, MSG_ANNOUNCE, 127);
    assert_non_null(strstr(heard_explain(&h, 127, text, sizeof text),
                           "announces itself in domain 127, but does not answer"));
    assert_int_equal(heard_find(&h, 127)->address, 0xC0000201);
    for (int i = 0; i < 20; i++)
        hear(&h, MSG_ANNOUNCE, (uint8_t)i);
    assert_int_equal(h.count, HEARD_MASTERS);
}

static void test_intervals(void **state)
{
    (void)state;
    assert_int_equal(interval_of(0), NS_PER_S);
    assert_int_equal(interval_of(-3), 125000000);
    assert_int_equal(interval_of(4), 16 * NS_PER_S);
    assert_int_equal(interval_of(LOG_INTERVAL_NONE), 0);
    assert_int_equal(interval_of(-128), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_explanations),
        cmocka_unit_test(test_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
