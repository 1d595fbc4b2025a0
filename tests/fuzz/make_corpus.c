/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a fuzz target's seeds into a directory. For "wire": every message type, and variants that reach each
 * decision. For "leap": a leap-second table. For "ubx": what a receiver sends. For "management":
 * requests for every id. For "unicast": negotiations. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/samples.h"
#include "tests/fuzz/ubx_samples.h"

static const char *directory;

static void save(const char *name, const char *variant, const uint8_t *bytes, size_t len)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", directory, name, variant);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void set_length(uint8_t *message, size_t len)
{
    message[2] = (uint8_t)(len >> 8);
    message[3] = (uint8_t)len;
}

/* The sample with a longer chain: an organization extension and a TLV without a value, padding behind. */
static void save_with_tlvs(const char *name, const uint8_t *sample, size_t len)
{
    static const uint8_t organization[] = {0x68, 0x97, 0xE8, 0, 0, 1, 0xDE, 0xAD};
    uint8_t b[SAMPLE_BYTES_MAX] = {0};
    memcpy(b, sample, len);
    tlv_append(b, sizeof b, &len, TLV_ORGANIZATION_EXTENSION, organization, sizeof organization);
    tlv_append(b, sizeof b, &len, 0x8008, NULL, 0);
    set_length(b, len);
    save(name, "-tlvs", b, len);
    set_length(b, len + 3);
    save(name, "-short-rest", b, len + 3);
    b[len - 1] = 1;
    set_length(b, len);
    save(name, "-odd-tlv", b, len);
    b[len - 1] = 200;
    save(name, "-tlv-past-end", b, len);
}

static void save_variants(const char *name, const uint8_t *sample, size_t len)
{
    uint8_t b[SAMPLE_BYTES_MAX] = {0};
    memcpy(b, sample, len);
    save(name, "", b, len);
    save(name, "-cut", b, len - 1);
    save(name, "-padded", b, len + 6);

    b[1] = 0x02;
    save(name, "-2008", b, len);
    b[1] = 0xF2;
    save(name, "-minor-15", b, len);
    memset(b + PTP_HEADER_LEN, 0xFF, len - PTP_HEADER_LEN);
    save(name, "-all-ones", b, len);
}

static int wire_corpus(void)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint8_t sample[SAMPLE_BYTES_MAX];
        int len = sample_encode(i, sample);
        if (len < 0) {
            fprintf(stderr, "sample %u: %s\n", i, wire_error_text(len));
            return 1;
        }
        const char *name = message_type_name(sample[0] & 0xF);
        save_variants(name, sample, (size_t)len);
        save_with_tlvs(name, sample, (size_t)len);
    }
    return 0;
}

static int leap_corpus(void)
{
    static const char table[] = "#\tleap seconds\n#$\t3676924800\n#@\t3991507200\n"
                                "2272060800\t10\t# 1 Jan 1972\n3692217600\t37\t# 1 Jan 2017\n"
                                "#h\tdacf2c42 2c4765d6 3c797af8 2cf630eb 699c8c67\n";
    save("table", "", (const uint8_t *)table, sizeof table - 1);
    return 0;
}

/* Each message, all of them among other bytes, and one within a frame of another kind. */
static int ubx_corpus(void)
{
    static const char nmea[] = "$GPZDA,235959.00,21,11,2025,00,00*68\r\n";
    uint8_t all[UBX_SAMPLES * (UBX_SAMPLE_MAX + sizeof nmea)], outer[UBX_SAMPLE_MAX] = {0};
    uint8_t payload[100] = {0};
    size_t len = 0;
    for (size_t i = 0; i < UBX_SAMPLES; i++) {
        size_t frame_len = ubx_sample_frame(all + len, &ubx_samples[i]);
        save("frame-", ubx_samples[i].name, all + len, frame_len);
        len += frame_len;
        memcpy(all + len, nmea, sizeof nmea - 1);
        len += sizeof nmea - 1;
    }
    save("stream", "", all, len);
    ubx_sample_frame(payload, &ubx_samples[0]);
    save("nested", "", outer, ubx_frame(outer, 0x02, 0x13, payload, sizeof payload));
    return 0;
}

/* Every managementId near one that is answered, with every action; and a subscription. */
static int management_corpus(void)
{
    static const uint16_t firsts[] = {0x0000, 0x2000, 0x2010, 0x3000, 0x4000, 0x6000, 0xC000};
    uint8_t bytes[SAMPLE_BYTES_MAX] = {0}, suffix[SAMPLE_BYTES_MAX], value[2 + 66] = {0xC0, 0x03, 0, 60, 5};
    struct ptp_message m = sample_management(suffix);
    for (size_t id = 0; id < sizeof firsts / sizeof firsts[0] * 16; id++)
        for (m.body.management.action = 0; m.body.management.action <= 4; m.body.management.action++) {
            char variant[16];
            suffix[4] = (uint8_t)(firsts[id / 16] >> 8);
            suffix[5] = (uint8_t)(firsts[id / 16] + id % 16);
            snprintf(variant, sizeof variant, "%02x%02x-%u", suffix[4], suffix[5], m.body.management.action);
            save("id-", variant, bytes, (size_t)wire_encode(&m, bytes, sizeof bytes));
        }
    m.body.management.action = 1;
    m.suffix_len = 0;
    tlv_append(suffix, sizeof suffix, &m.suffix_len, TLV_MANAGEMENT, value, sizeof value);
    save("subscribe", "", bytes, (size_t)wire_encode(&m, bytes, sizeof bytes));
    return 0;
}

/* Behind an octet that says from whom and when: REQUEST, CANCEL and ACKNOWLEDGE_CANCEL of every service, one
 * after the other and all in one message. */
static int unicast_corpus(void)
{
    static const uint8_t types[] = {MSG_ANNOUNCE << 4, MSG_SYNC << 4, MSG_DELAY_RESP << 4,
                                    MSG_PDELAY_RESP << 4};
    uint8_t bytes[8 * SAMPLE_BYTES_MAX], suffix[SAMPLE_BYTES_MAX];
    size_t at = 0;
    struct ptp_message m = sample_signaling(suffix);
    m.suffix_len = 0;
    for (unsigned i = 0; i < sizeof types; i++) {
        const uint8_t request[] = {types[i], 0xFD, 0, 0, 1, 44};
        tlv_append(suffix, sizeof suffix, &m.suffix_len, TLV_REQUEST_UNICAST_TRANSMISSION, request, 6);
        bytes[at++] = (uint8_t)(0x10 * i + 1);
        at += (size_t)wire_encode(&m, bytes + at, sizeof bytes - at);
    }
    save("requests", "", bytes, at);
    for (unsigned type = TLV_CANCEL_UNICAST_TRANSMISSION; type <= TLV_ACKNOWLEDGE_CANCEL_UNICAST_TRANSMISSION;
         type++) {
        m.suffix_len = 0;
        for (unsigned i = 0; i < sizeof types; i++)
            tlv_append(suffix, sizeof suffix, &m.suffix_len, (uint16_t)type, (const uint8_t[]){types[i], 0},
                       2);
        bytes[at++] = 0xF1;
        at += (size_t)wire_encode(&m, bytes + at, sizeof bytes - at);
    }
    save("requests", "-cancelled", bytes, at);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *target;
        int (*write)(void);
    } corpora[] = {{"wire", wire_corpus},
                   {"leap", leap_corpus},
                   {"ubx", ubx_corpus},
                   {"management", management_corpus},
                   {"unicast", unicast_corpus}};
    for (size_t i = 0; argc == 3 && i < sizeof corpora / sizeof corpora[0]; i++) {
        if (strcmp(argv[1], corpora[i].target) != 0)
            continue;
        directory = argv[2];
        return corpora[i].write();
    }
    fprintf(stderr, "usage: make_corpus wire|leap|ubx|management|unicast DIRECTORY\n");
    return 2;
}
