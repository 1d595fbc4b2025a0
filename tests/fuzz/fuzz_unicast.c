/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer target of unicast negotiation: the input is a chain of messages, each behind an octet that says
 * from whom and after how long. Nothing may be granted beyond the profile, and nothing be left. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gmd/ptp/unicast_negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAPACITY CLIENTS_CAPACITY_MIN
#define EVENTS   8

static struct clients *clients;
static struct budget budget;
static struct unicast unicast;
static void *memory;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "fuzz_unicast: %s\n", what);
    abort();
}

static void begin(int64_t now_ns)
{
    if (clients == NULL) {
        clients = calloc(1, clients_size(CAPACITY));
        memory = calloc(1, unicast_size(CAPACITY));
    }
    require(clients != NULL && memory != NULL, "no memory");
    memset(clients, 0, clients_size(CAPACITY));
    memset(memory, 0, unicast_size(CAPACITY));
    clients_init(clients,
                 &(struct clients_config){
                     .capacity = CAPACITY, .per_address = 8, .idle_ns = 300 * NS_PER_S, .key = {{1, 2}}});
    budget_init(&budget,
                &(struct budget_config){.capacity_hz = 1000, .log_interval = -7, .log_interval_max = 4},
                now_ns);
    const struct unicast_config config = {
        .limits = *unicast_limits_of("st2059-2"), .grants_most_s = 3600, .log_interval_min = -7};
    unicast_init(&unicast, memory, &config, clients, &budget, now_ns);
}

static void check_reply(const uint8_t *reply, size_t len)
{
    size_t at = 0;
    struct tlv tlv;
    int more;
    while ((more = tlv_next(reply, len, &at, &tlv)) > 0) {
        if (tlv.type != TLV_GRANT_UNICAST_TRANSMISSION)
            continue;
        uint32_t duration_s = (uint32_t)tlv.value[2] << 24 | (uint32_t)tlv.value[3] << 16 |
                              (uint32_t)tlv.value[4] << 8 | tlv.value[5];
        int8_t log_interval = (int8_t)tlv.value[1];
        require(tlv.length == 8 && duration_s <= 3600, "granted for too long");
        require(duration_s == 0 || (log_interval >= -7 && log_interval <= 4), "granted too fast or too slow");
    }
    require(more == 0 && at == len, "the reply is no chain of TLVs");
}

static void take_message(uint8_t whom, const struct ptp_message *m, int64_t now_ns)
{
    uint8_t reply[UNICAST_REPLY_MAX];
    const struct address local = {.family = ADDRESS_IPV4, .bytes = {192, 0, 2, (uint8_t)(whom & 1)}};
    struct client_request r = {.identity = m->header.source,
                               .from = {.family = ADDRESS_IPV4, .bytes = {10, 0, 0, whom}},
                               .port = 1,
                               .mode = CLIENT_HYBRID};
    size_t len = unicast_signaling(&unicast, &r, &local, m, reply, now_ns);
    require(len <= sizeof(reply), "the reply is too long");
    check_reply(reply, len);
}

static void send_due(int64_t now_ns)
{
    struct unicast_event events[EVENTS];
    while (unicast_due(&unicast, now_ns, events, EVENTS) == EVENTS)
        ;
    require(unicast_deadline(&unicast) > now_ns, "due, but not sent");
}

static void end(int64_t now_ns)
{
    unicast_withdraw(&unicast, now_ns);
    for (unsigned i = 0; i < 6; i++)
        send_due(now_ns += NS_PER_S);
    require(unicast_settled(&unicast) && budget.reserved == 0, "grants are left");
    require(unicast_deadline(&unicast) == INT64_MAX, "timers are left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now_ns = 1000 * NS_PER_S;
    struct ptp_message m;
    begin(now_ns);
    while (size > 1) {
        uint8_t head = *data++;
        size--;
        now_ns += (int64_t)(head >> 4) * (head >> 4) * NS_PER_S / 8;
        send_due(now_ns);
        size_t len = size >= 4 ? (size_t)data[2] << 8 | data[3] : size;
        len = len > 0 && len < size ? len : size;
        if (wire_decode(data, len, &m) == WIRE_OK)
            take_message(head & 0x0F, &m, now_ns);
        data += len;
        size -= len;
    }
    end(now_ns);
    return 0;
}
