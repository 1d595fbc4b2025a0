/* SPDX-License-Identifier: BSD-2-Clause */
/* One message of every type, as a grandmaster and its clients send them: seeds of the fuzzer's corpus, and
 * what tests/e2e/pcap_all_messages.c puts before tshark. */
#ifndef GMD_TESTS_FUZZ_SAMPLES_H
#define GMD_TESTS_FUZZ_SAMPLES_H

#include <string.h>

#include "gmd/ptp/wire.h"

#define SAMPLES          10
#define SAMPLE_BYTES_MAX 256

#define SAMPLE_SECONDS 1700000037u

static const struct port_identity sample_gm = {{{0x02, 0, 0, 0xFF, 0xFE, 0, 0, 0x01}}, 1};
static const struct port_identity sample_client = {{{0x02, 0, 0, 0xFF, 0xFE, 0, 0, 0x02}}, 1};
static const struct port_identity sample_all_ports = {{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
                                                      0xFFFF};

static inline struct ptp_message sample_message(uint8_t type, const struct port_identity *source,
                                                uint16_t sequence_id)
{
    return (struct ptp_message){
        .header = {.message_type = type,
                   .minor_version = PTP_MINOR_VERSION,
                   .domain_number = 127,
                   .source = *source,
                   .sequence_id = sequence_id,
                   .control = WIRE_CONTROL_AUTO,
                   .log_message_interval = LOG_INTERVAL_NONE},
    };
}

static inline struct ptp_message sample_sync(void)
{
    struct ptp_message m = sample_message(MSG_SYNC, &sample_gm, 1000);
    m.header.flags = FLAG_TWO_STEP;
    m.header.log_message_interval = -3;
    return m;
}

static inline struct ptp_message sample_follow_up(void)
{
    struct ptp_message m = sample_message(MSG_FOLLOW_UP, &sample_gm, 1000);
    m.header.log_message_interval = -3;
    m.header.correction = INT64_C(1234) << 16;
    m.body.timestamp = (struct wire_timestamp){SAMPLE_SECONDS, 123456789};
    return m;
}

static inline struct ptp_message sample_delay_req(void)
{
    struct ptp_message m = sample_message(MSG_DELAY_REQ, &sample_client, 2000);
    m.body.timestamp = (struct wire_timestamp){SAMPLE_SECONDS, 200000000};
    return m;
}

static inline struct ptp_message sample_delay_resp(void)
{
    struct ptp_message m = sample_message(MSG_DELAY_RESP, &sample_gm, 2000);
    m.header.log_message_interval = -3;
    m.body.response.timestamp = (struct wire_timestamp){SAMPLE_SECONDS, 200001500};
    m.body.response.requesting = sample_client;
    return m;
}

static inline struct ptp_message sample_pdelay_req(void)
{
    return sample_message(MSG_PDELAY_REQ, &sample_client, 3000);
}

static inline struct ptp_message sample_pdelay_resp(void)
{
    struct ptp_message m = sample_message(MSG_PDELAY_RESP, &sample_gm, 3000);
    m.header.flags = FLAG_TWO_STEP;
    m.body.response.timestamp = (struct wire_timestamp){SAMPLE_SECONDS, 300000000};
    m.body.response.requesting = sample_client;
    return m;
}

static inline struct ptp_message sample_pdelay_resp_follow_up(void)
{
    struct ptp_message m = sample_message(MSG_PDELAY_RESP_FOLLOW_UP, &sample_gm, 3000);
    m.body.response.timestamp = (struct wire_timestamp){SAMPLE_SECONDS, 300050000};
    m.body.response.requesting = sample_client;
    return m;
}

/* A locked GNSS grandmaster with PATH_TRACE (clause 16.2). */
static inline struct ptp_message sample_announce(uint8_t *suffix)
{
    struct ptp_message m = sample_message(MSG_ANNOUNCE, &sample_gm, 4000);
    m.header.flags =
        FLAG_UTC_OFFSET_VALID | FLAG_PTP_TIMESCALE | FLAG_TIME_TRACEABLE | FLAG_FREQUENCY_TRACEABLE;
    m.header.log_message_interval = -2;
    m.body.announce = (struct announce_body){
        .current_utc_offset = 37,
        .grandmaster_priority1 = 128,
        .grandmaster_clock_quality = {CLOCK_CLASS_LOCKED, 0x21, 0x4E5D},
        .grandmaster_priority2 = 127,
        .grandmaster_identity = sample_gm.clock,
        .steps_removed = 0,
        .time_source = TIME_SOURCE_GNSS,
    };
    m.suffix = suffix;
    tlv_append(suffix, SAMPLE_BYTES_MAX, &m.suffix_len, TLV_PATH_TRACE, &sample_gm.clock,
               sizeof sample_gm.clock);
    return m;
}

/* Asks for Announce, one in 2 s, for 300 s (clause 16.1.4.1). */
static inline struct ptp_message sample_signaling(uint8_t *suffix)
{
    static const uint8_t request[] = {MSG_ANNOUNCE << 4, 1, 0, 0, 1, 44};
    struct ptp_message m = sample_message(MSG_SIGNALING, &sample_client, 5000);
    m.header.flags = FLAG_UNICAST;
    m.body.target = sample_all_ports;
    m.suffix = suffix;
    tlv_append(suffix, SAMPLE_BYTES_MAX, &m.suffix_len, TLV_REQUEST_UNICAST_TRANSMISSION, request,
               sizeof request);
    return m;
}

/* GET DEFAULT_DATA_SET (clause 15.5.4.1). */
static inline struct ptp_message sample_management(uint8_t *suffix)
{
    static const uint8_t default_data_set[] = {0x20, 0x00};
    struct ptp_message m = sample_message(MSG_MANAGEMENT, &sample_client, 6000);
    m.body.management =
        (struct management_body){.target = sample_all_ports, .starting_boundary_hops = 1, .boundary_hops = 1};
    m.suffix = suffix;
    tlv_append(suffix, SAMPLE_BYTES_MAX, &m.suffix_len, TLV_MANAGEMENT, default_data_set,
               sizeof default_data_set);
    return m;
}

/* Encodes sample i of SAMPLES into buf of SAMPLE_BYTES_MAX, in an order that a network could show. Returns
 * the length or a negative enum wire_error. */
static inline int sample_encode(unsigned i, uint8_t *buf)
{
    uint8_t suffix[SAMPLE_BYTES_MAX];
    struct ptp_message m;
    switch (i) {
    case 0:
        m = sample_announce(suffix);
        break;
    case 1:
        m = sample_sync();
        break;
    case 2:
        m = sample_follow_up();
        break;
    case 3:
        m = sample_delay_req();
        break;
    case 4:
        m = sample_delay_resp();
        break;
    case 5:
        m = sample_pdelay_req();
        break;
    case 6:
        m = sample_pdelay_resp();
        break;
    case 7:
        m = sample_pdelay_resp_follow_up();
        break;
    case 8:
        m = sample_signaling(suffix);
        break;
    default:
        m = sample_management(suffix);
        break;
    }
    return wire_encode(&m, buf, SAMPLE_BYTES_MAX);
}

#endif
