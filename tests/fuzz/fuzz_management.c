/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target of management requests, from the UNIX socket and from the network: whatever is answered is
 * a well-formed answer to who asked, and nothing but subscriptions changes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bmca/dataset.h"
#include "gmd/ptp/management.h"
#include "tests/fuzz/samples.h"

#define PORTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_management: %s\n", what);
    abort();
}

static struct instance instance;
static struct outbox boxes[PORTS];
static struct management_subscribers subscribers;
static const struct management_port ports[PORTS] = {
    {.interface = "eth0", .address.family = ADDRESS_IPV4, .phc_index = -1},
    {.interface = "eth1", .address.family = ADDRESS_IPV6, .phc_index = 0},
    {.interface = "a-long-name-123", .address.family = ADDRESS_NONE, .phc_index = 1},
};
static const struct management_view view = {.instance = &instance,
                                            .ports = ports,
                                            .product = ";gmd;",
                                            .revision = ";;1",
                                            .user_description = "name;place"};

static void set_up(void)
{
    const struct default_ds ds = {.clock_identity = sample_gm.clock, .domain_number = 127};
    const struct port_config config = {.delay_mechanism = DELAY_MECHANISM_E2E, .announce_receipt_timeout = 3};
    struct service *service = calloc(1, service_size(SERVICE_PLAIN_CLIENTS));
    require(service != NULL, "no memory");
    service_init_plain(service, 1);
    instance_init(&instance, &ds, service);
    for (unsigned i = 0; i < PORTS; i++)
        instance_add_port(&instance, &config, &boxes[i], i, 0);
}

/* The id that an answer is about. */
static unsigned id_of(const struct ptp_message *m)
{
    const unsigned at = m->suffix[1] == TLV_MANAGEMENT ? 4 : 6;
    require(m->suffix_len >= at + 2, "an answer without an id");
    return (unsigned)(m->suffix[at] << 8 | m->suffix[at + 1]);
}

static void check_answer(const struct management_request *r, const uint8_t *bytes, size_t len)
{
    struct ptp_message m;
    const uint8_t action = r->message.body.management.action;
    require(len % 2 == 0, "odd length");
    require(wire_decode(bytes, len, &m) == WIRE_OK, "the answer does not decode");
    require(m.header.message_type == MSG_MANAGEMENT, "not a management message");
    require(m.header.sequence_id == r->message.header.sequence_id, "another sequenceId");
    require(port_identity_compare(&m.body.management.target, &r->message.header.source) == 0,
            "not to who asked");
    require(clock_identity_compare(&m.header.source.clock, &sample_gm.clock) == 0, "not from us");
    require(m.header.source.port <= PORTS, "from a port that is not there");
    require(m.body.management.action ==
                (action == MANAGEMENT_COMMAND ? MANAGEMENT_ACKNOWLEDGE : MANAGEMENT_RESPONSE),
            "action");
    require(id_of(&m) == r->id, "about another id");
}

static void answer(const uint8_t *data, size_t size, const struct management_source *source)
{
    struct management_request r;
    struct management_counters c = {0};
    uint8_t bytes[MANAGEMENT_BYTES_MAX];
    size_t len, count = 0;
    const bool open = management_open(&r, data, size, source, &view, &subscribers, &c);
    require(c.received == 1, "not counted");
    require(c.malformed + c.not_for_us + c.not_request == !open, "not counted by its reason");
    while (open && (len = management_next(&r, &view, bytes, sizeof bytes)) > 0) {
        check_answer(&r, bytes, len);
        require(++count <= PORTS, "too many answers");
    }
    require(open == (count > 0), "open, but no answer");
}

static bool unchanged(const void *before, const void *now, size_t size)
{
    return memcmp(before, now, size) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct management_peer peer = {.len = 4, .name = "/tmp"};
    static struct instance before;
    static struct management_subscribers subscribed;
    static int64_t now_ns;
    if (instance.port_count == 0)
        set_up();
    uint8_t *exact = malloc(size + !size);
    require(exact != NULL, "no memory");
    memcpy(exact, data, size);
    memcpy(&before, &instance, sizeof before);
    now_ns += NS_PER_S / 4;
    answer(exact, size, &(struct management_source){.local = &peer, .now_ns = now_ns});
    memcpy(&subscribed, &subscribers, sizeof subscribed);
    answer(exact, size, &(struct management_source){.port = 1, .unicast = true, .now_ns = now_ns});
    require(unchanged(&before, &instance, sizeof before), "the instance changed");
    require(unchanged(&subscribed, &subscribers, sizeof subscribed), "the network subscribed");
    free(exact);
    return 0;
}
